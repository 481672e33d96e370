"""Write a report: one page that works offline, with verdicts, pictures, and runs that one can step through.

Each SUBJECT is a system (as for `check`), a scenario (as for `reproduce`), `rules`, a file with manifests or a
workflow of spec-kit (as for `explore`), or a folder with manifests. Without any, the report is about all systems of
Kargo, the eight rules, and all scenarios of all engines: that takes some minutes, part of which `rules` remembers
for the next time. The same call gives the same page, to the byte. Exits with 0 when the report is written, whatever
it says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from commands import check, explore, inputs, stories, workflows
from commands import rules as ruled
from commands.fan_out import add_on, place
from commands.looking import Looker, cache_folder
from commands.output import DONE, OutputError, TallyLine, add_format, print_json, write
from diagrams import explorations, lifecycles
from diagrams.ambient.lifecycles import LIFECYCLES as OF_SESSIONS
from diagrams.explorations import Exploration
from diagrams.kargo import rules_page
from diagrams.kargo.lanes import lane
from diagrams.kargo.lifecycles import LIFECYCLES as OF_KARGO
from diagrams.lifecycles import Known
from diagrams.pages import report, verdicts
from diagrams.pages.playbacks import Playback
from diagrams.pages.report import Report, Section, TooLargeError
from diagrams.speckit.lifecycles import LIFECYCLES as OF_WORKFLOWS
from diagrams.theme import Kind
from invariants.speckit import systems as speckit_systems
from invariants.verdicts import Verdict
from model.documents import STANDARD_INPUT
from model.inputs import InputError, printable
from model.kargo import manifests, templates
from model.kargo.releases import LATEST, RELEASES, release
from model.speckit import releases as speckit
from model.toys import TOYS
from simulations.kargo.scenarios import UnknownScenarioError

RULES = "rules"
NAMED = 3
"""So many templates are named in a title."""

OTHERS = (*check.SESSIONS, *speckit_systems.NAMES, *TOYS)
OF_KARGO_SYSTEMS = tuple(name for name in check.KNOWN if name not in OTHERS)


class UnknownSubjectError(Exception):
    """There is nothing of that name to report on."""


REFUSED = (
    *check.REFUSED,
    *explore.REFUSED,
    *ruled.REFUSED,
    *stories.REFUSED,
    UnknownSubjectError,
    OutputError,
    TooLargeError,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `report`."""
    text = f"a system, a scenario, {RULES!r}, or a file (default: all of Kargo, and all scenarios)"
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=text)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="such as report.html")
    parser.add_argument("--kargo", default=LATEST.release, metavar="VERSION", help="default: %(default)s")
    parser.add_argument("--ambient", metavar="VERSION", help=f"of sessions (default: {check.TODAY})")
    parser.add_argument("--spec-kit", metavar="VERSION", help="of workflows: the release of spec-kit")
    parser.add_argument(
        "--name", default="", help="only this template of the files: a name, NAMESPACE/NAME or KIND/NAMESPACE/NAME"
    )
    parser.add_argument("--seconds", metavar="N", help="stop each system after this long")
    parser.add_argument("--no-cache", action="store_true", help="judge the rules again, and remember nothing")
    add_on(parser)
    add_format(parser)


@dataclass(frozen=True)
class _Asked:
    """What a report is about."""

    systems: tuple[str, ...]
    scenarios: tuple[str, ...]
    rules: bool
    files: tuple[str, ...]


def run(options: argparse.Namespace) -> int:
    """Find everything out, and write it."""
    if options.output.is_dir() or not options.output.parent.is_dir():
        raise OutputError(f"{str(options.output)!r} cannot be written: expected a file in a folder that exists")
    release(options.kargo)
    if options.spec_kit:
        speckit.release(options.spec_kit)
    asked = _asked(options.subjects)
    found = _report(asked, options)
    page = report.html(found).encode()
    write(options.output, page)
    runs = len(found.playbacks)
    if options.format == "json":
        body = {"file": str(options.output), "bytes": len(page), "answer": found.answer, "runs": runs}
        print_json("report", 1, body)
    else:
        print(found.answer)
        print(f"written to {options.output}: {runs} runs to step through, {len(page):,} bytes")
    return DONE


def _asked(words: Sequence[str]) -> _Asked:
    """What each word names. Raises UnknownSubjectError."""
    if not words:
        return _Asked(OF_KARGO_SYSTEMS, stories.KNOWN, True, ())
    found: dict[str, list[str]] = {"system": [], "scenario": [], RULES: [], "file": []}
    for word in words:
        kind, name = _kind(word)
        names = inputs.files_of([name]) if kind == "file" else [name]
        found[kind] += [each for each in names if each not in found[kind]]
    return _Asked(tuple(found["system"]), tuple(found["scenario"]), bool(found[RULES]), tuple(found["file"]))


def _kind(word: str) -> tuple[str, str]:
    if word in check.KNOWN:
        return "system", word
    if word == RULES:
        return RULES, word
    if word == STANDARD_INPUT or inputs.is_there(word):
        return "file", word
    try:
        return "scenario", stories.find(word)
    except UnknownScenarioError:
        known = ", ".join((*check.KNOWN, RULES, *stories.KNOWN))
        said = f"{printable(word)!r} is no file, and nothing that is known by name; known are: {known}"
        raise UnknownSubjectError(said) from None


def _called(command: ModuleType, *words: str) -> argparse.Namespace:
    """The options of another command, called with these words."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


# What the report says


def _report(asked: _Asked, options: argparse.Namespace) -> Report:
    explored = _explored(asked.files, options) if asked.files else []
    checked = _checked(asked.systems, options) if asked.systems else []
    judged = [*((each.found.subject, each.found.report) for each in explored), *checked]
    told = [
        told for n in asked.scenarios for told in stories.told(n, kargo=options.kargo, spec_kit=options.spec_kit)
    ]
    rules = _rules(options) if asked.rules else None
    answers = list(_answers(explored, checked, told, rules))
    parts = [*verdicts.sections(judged, lane=lane)] if judged else []
    drawn = _lifecycles(asked, explored)
    sections = (
        *(verdicts.ends(each.found, lane=lane) for each in explored),
        *parts[:1],
        *([rules] if rules else []),
        *parts[1:],
        *([_scenarios(told)] if told else []),
        *([Section("lifecycles", "Lifecycles", (_LIT,), lifecycles=drawn)] if drawn else []),
    )
    kind = verdicts.answer_kind(judged) if judged else Kind.PLAIN
    # To hear what each release makes of them takes as long as a small report.
    moves = {known.name: lifecycles.moves_of(known) for known in drawn} if not options.subjects else {}
    title = _title(asked, options, explored)
    return Report(title, answers[0], kind, tuple(answers[1:]), sections, drawn, moves)


_DIAGNOSE = (
    "This is about what the templates can come to. Why a Stage of these live objects does not go on, and what "
    "helps, is told by kargo-model diagnose."
)
_LIT = "What may follow what. In the runs above, the phase that something is in is lit up in these pictures."


def _checked(names: Sequence[str], options: argparse.Namespace) -> list[verdicts.Checked]:
    words = [*names, "--kargo", options.kargo, "--on", options.on]
    words += ["--ambient", options.ambient] if options.ambient else []
    words += ["--spec-kit", options.spec_kit] if options.spec_kit else []
    words += ["--seconds", options.seconds] if options.seconds else []
    return [(subject, found) for _, subject, found in check.judged(_called(check, *words))]


@dataclass(frozen=True)
class _Explored:
    found: Exploration
    engine: str
    release: str
    told: str
    warnings: tuple[str, ...] = ()
    project: str = ""
    live: bool = False
    """Whether the files hold live objects, too."""

    def of_project(self) -> _Explored:
        """The same, with its Project in its name."""
        subject = self.found.subject
        named = replace(subject, name=f"{subject.name} of {self.project or 'no Project'}")
        return replace(self, found=replace(self.found, subject=named))


def _explored(files: Sequence[str], options: argparse.Namespace) -> list[_Explored]:
    """What the files hold: a workflow, the template that is named, or every one that there is and can be run.

    Raises InputError if none can.
    """
    words = [*files, "--kargo", options.kargo]
    words += ["--spec-kit", options.spec_kit] if options.spec_kit else []
    words += ["--seconds", options.seconds] if options.seconds else []
    called = _called(explore, *words)
    if workflows.are_meant(called):
        found, _, behaviours = explore.of_workflow(called)
        return [_Explored(found, workflows.ENGINE, behaviours.release, "status")]
    if STANDARD_INPUT in files:  # which cannot be read again for every one of its templates
        return [_of_template([*words, *(["--name", options.name] if options.name else [])])]
    given = manifests.load(files)
    live = any(promotion.stored for promotion in given.promotions)
    names = (options.name,) if options.name else templates.names(given) or ("",)
    every, refused = list[_Explored](), list[InputError]()
    for name in names:
        try:
            every.append(replace(_of_template([*words, *(["--name", name] if name else [])]), live=live))
        except InputError as error:
            refused.append(error)
    if not every:
        raise refused[0]
    left_out = tuple(f"left out: {error}" for error in refused)
    for line in left_out:
        print(line, file=sys.stderr)
    return _told_apart([replace(every[0], warnings=left_out + every[0].warnings), *every[1:]])


def _of_template(words: Sequence[str]) -> _Explored:
    found, template, kargo = explore.of_manifests(_called(explore, *words))
    return _Explored(found, "Kargo", kargo.release, "phase", tuple(map(str, template.warnings)), template.project)


def _told_apart(found: Iterable[_Explored]) -> list[_Explored]:
    """Templates of different Projects that have the same name, with their Project."""
    every = list(found)
    names = [each.found.subject.name for each in every]
    return [each.of_project() if names.count(name) > 1 else each for name, each in zip(names, every, strict=True)]


def _scenarios(told: Sequence[Playback]) -> Section:
    lead = "Each is told by the model, and so is every way out; nothing of what is found is written down anywhere."
    return Section("scenarios", "Reported bugs and findings", (lead,), playbacks=tuple(told))


def _rules(options: argparse.Namespace) -> Section:
    with place(options.on) as there:
        looker = Looker(None if options.no_cache else cache_folder(), TallyLine(RULES), there)
        found = ruled.judged(list(RELEASES.values()), looker)
    return rules_page.section(found, release(options.kargo).release)


def _answers(
    explored: Sequence[_Explored],
    checked: Sequence[verdicts.Checked],
    told: Sequence[Playback],
    rules: Section | None,
) -> Iterator[str]:
    """The answers, the most important first."""
    if len(explored) > 1:
        yield _of_all(explored)
    for each in explored:
        yield next(explorations.lines(each.found, each.release, engine=each.engine, told=each.told))
    if any(each.live for each in explored):
        yield _DIAGNOSE
    # Of several templates in the same files, all have those of the files.
    warnings = dict.fromkeys(warning for each in explored for warning in each.warnings)
    yield from (f"Warning: {warning}" for warning in warnings)
    if checked:
        yield verdicts.answer(checked)
    if rules:
        yield rules.lead[0]
    if told:
        shown = sum(each.kind is Kind.BAD for each in told)
        stories_told = "1 story shows" if len(told) == shown == 1 else f"{shown} of {len(told)} stories show"
        yield f"{stories_told} what should not happen."


def _of_all(explored: Sequence[_Explored]) -> str:
    """The answer about several templates."""
    broken = [
        each.found.subject.name
        for each in explored
        if any(j.verdict is Verdict.VIOLATED for j in each.found.claims.judgements)
    ]
    where = f"{len(explored)} templates as {explored[0].engine} {explored[0].release} runs them"
    if broken:
        return f"{where}: claims are violated in {len(broken)}: {', '.join(broken)}"
    complete = all(each.found.report.complete for each in explored)
    return f"{where}: {'every claim holds' if complete else 'no violation within the bound'}"


def _title(asked: _Asked, options: argparse.Namespace, explored: Sequence[_Explored]) -> str:
    few = len(explored) <= NAMED
    names = ", ".join(each.found.subject.name for each in explored) if few else f"{len(explored)} templates"
    of = [f"{names}, {explored[0].engine} {explored[0].release}"] if explored else []
    named = {*asked.systems, *asked.scenarios}
    if asked.rules or named & {*OF_KARGO_SYSTEMS, *stories.OF_KARGO}:
        of.append(f"Kargo {release(options.kargo).release}")
    of += ["sessions of Ambient"] if named & {*check.SESSIONS, *stories.OF_SESSIONS} else []
    of += ["workflows of spec-kit"] if named & {*speckit_systems.NAMES, *stories.OF_WORKFLOWS} else []
    of += ["classic systems"] if named & {*TOYS} else []
    return f"{'; '.join(of)}: what holds, and how it breaks"


def _lifecycles(asked: _Asked, explored: Sequence[_Explored]) -> tuple[Known[Any], ...]:
    """Those of the engines that the report is about."""
    named = {*asked.systems, *asked.scenarios}
    engine = explored[0].engine if explored else ""
    kargo = asked.rules or engine == "Kargo" or named & {*OF_KARGO_SYSTEMS, *stories.OF_KARGO}
    spec_kit = engine == workflows.ENGINE or named & {*speckit_systems.NAMES, *stories.OF_WORKFLOWS}
    sessions = named & {*check.SESSIONS, *stories.OF_SESSIONS}
    return (*(OF_KARGO if kargo else ()), *(OF_WORKFLOWS if spec_kit else ()), *(OF_SESSIONS if sessions else ()))
