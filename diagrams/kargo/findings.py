"""What `kargo-model lint` found, as text for people and as JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from diagrams import runs, traces
from invariants.trace import Trace
from model.inputs import InputError, printable
from model.kargo.durations import format_duration
from simulations.kargo.lint.rules import Finding, Level
from simulations.kargo.runs import Run

LONGEST_LINE = 1_000

NO_SUBJECT = "no Stage, PromotionTask, ClusterPromotionTask, Promotion or Warehouse"


@dataclass(frozen=True)
class Linted:
    """Everything that is to be told: findings, what could not be read, how much was looked at.

    `subjects` counts Stages and tasks, `others` objects that lint knows nothing of, `passed_over` files that
    mention nothing of Kargo's. `templates` are no YAML yet, `patches` are those of Kustomize, and `no_objects` hold
    something else; `incomplete` are subjects that were not explored whole. `nothing` says that there was nothing
    to judge at all.
    """

    release: str
    findings: tuple[Finding, ...]
    problems: tuple[InputError, ...] = ()
    files: int = 0
    subjects: int = 0
    others: int = 0
    passed_over: int = 0
    ignored: int = 0
    templates: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    no_objects: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    nothing: bool = False

    @property
    def left_out(self) -> Iterator[tuple[str, str]]:
        """The files that were looked into and passed over, each with what is to be said of it."""
        yield from ((file, "is a template that is no YAML yet") for file in self.templates)
        yield from (
            (file, "is a patch of Kustomize; give what `kustomize build` makes of it") for file in self.patches
        )
        yield from (
            (file, "holds something that is no Kubernetes object (without apiVersion and kind)")
            for file in self.no_objects
        )


def lines(linted: Linted, *, runs_shown: bool = True) -> Iterator[str]:
    """The answer in a line, then the findings, each with the shortest run, what to do, and where it is so."""
    yield summary(linted)
    for finding in linted.findings:
        yield ""
        yield from _finding(finding, runs_shown)
    if linted.problems or any(linted.left_out) or linted.incomplete:
        yield ""
    yield from (f"cannot be read: {printable(str(problem), 400)}" for problem in linted.problems)
    yield from (f"passed over: {printable(file, 200)} {what}" for file, what in linted.left_out)
    yield from (f"not explored whole: {printable(s, 200)}; more may be wrong with it" for s in linted.incomplete)


def summary(linted: Linted) -> str:
    """How many findings there are, of what, and in what."""
    count = Counter(f.severity for f in linted.findings)
    found = [_many(count[level], str(level)) for level in sorted(Level, reverse=True) if count[level]]
    what = ", ".join(found) or "nothing to complain of"
    if linted.nothing and not found:
        return f"nothing to judge: {NO_SUBJECT} in {_many(linted.files + linted.passed_over, 'file')}"
    more = [_many(linted.others, "other object")] if linted.others else []
    more += [f"{linted.ignored} ignored by comments"] if linted.ignored else []
    more += [f"{_many(len(linted.problems), 'document')} cannot be read"] if linted.problems else []
    rest = f" ({'; '.join(more)})" if more else ""
    subjects = _many(linted.subjects, "Stage or task", "Stages and tasks")
    return f"{what}: {subjects} in {_many(linted.files, 'file')}, Kargo {linted.release}{rest}"


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"


def where(finding: Finding) -> str:
    """File, line and column of a finding."""
    place = finding.place
    return f"{printable(place.file, 200)}:{place.line or 1}:{place.column or 1}"


def about(finding: Finding) -> str:
    """Of what a finding is told, those included of which the same is true."""
    return ", ".join(filter(None, (finding.subject, *finding.also[:3]))) + (
        f" and {len(finding.also) - 3} more" if len(finding.also) > 3 else ""
    )


def _finding(finding: Finding, runs_shown: bool) -> Iterator[str]:
    yield f"{where(finding)}: {finding.severity}: {printable(finding.text, 500)} [{finding.rule.id}]"
    if about(finding):
        yield f"  in: {printable(about(finding), 300)}"
    if runs_shown and finding.shown is not None:
        yield f"  run{f' {finding.shown_as}' if finding.shown_as else ''}:"
        yield from (f"    {line}" for line in shown(finding))
    yield f"  fix: {finding.remedy}"
    if finding.releases:
        yield f"  releases: {', '.join(finding.releases)}"


def shown(finding: Finding) -> Iterator[str]:
    """The run that shows a finding, line by line; none if there is none."""
    if isinstance(finding.shown, Trace):
        yield from (
            printable(line, LONGEST_LINE) for line in traces.story(finding.shown, shown=_is_phase) if line.strip()
        )
    elif isinstance(finding.shown, Run):
        for account in finding.shown.passes:
            for step in account.steps:
                at = format_duration(account.at_ms)
                yield printable(f"pass {account.number}, at {at}: {step.alias}  {step.why}", LONGEST_LINE)


def _is_phase(variable: str) -> bool:
    return variable == "phase" or variable.startswith("phase[")


def as_json(linted: Linted) -> dict[str, object]:
    """Everything for programs; see docs/json.md."""
    return {
        "kargo": linted.release,
        "findings": [finding_as_json(f, linted.release) for f in linted.findings],
        "problems": [problem_as_json(p) for p in linted.problems],
        "files": linted.files,
        "subjects": linted.subjects,
        "others": linted.others,
        "passed_over": linted.passed_over,
        "ignored": linted.ignored,
        "templates": list(linted.templates),
        "patches": list(linted.patches),
        "no_objects": list(linted.no_objects),
        "incomplete": list(linted.incomplete),
    }


def finding_as_json(finding: Finding, release: str) -> dict[str, object]:
    """A finding for programs."""
    run: dict[str, object] | None = None
    if isinstance(finding.shown, Trace):
        run = {"trace": traces.as_json(finding.shown)}
    elif isinstance(finding.shown, Run):
        run = {"passes": runs.as_json(finding.subject, release, finding.shown)["passes"]}
    place = finding.place
    return {
        "rule": finding.rule.id,
        "level": str(finding.severity),
        "text": finding.text,
        "file": place.file,
        "line": place.line or 1,
        "column": place.column or 1,
        "document": place.document,
        "path": place.path,
        "subject": finding.subject,
        "also": list(finding.also),
        "step": finding.step or None,
        "fix": finding.remedy,
        "releases": list(finding.releases),
        "shown": list(shown(finding)),
        "shown_as": finding.shown_as or None,
        "run": run,
    }


def problem_as_json(problem: InputError) -> dict[str, object]:
    """What could not be read, for programs."""
    place = problem.place
    return {
        "text": problem.problem,
        "file": place.file if place else None,
        "line": place.line if place else 0,
        "column": place.column if place else 0,
        "document": place.document if place else 0,
        "path": place.path if place else "",
    }


def counted(findings: Sequence[Finding], least: Level) -> int:
    """How many findings are at least as bad as that."""
    return sum(f.severity >= least for f in findings)
