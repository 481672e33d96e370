"""What the proposal of `continue_on_error` promises, and what was found beside it: a file for each.

A file has a list of `steps`, the `outcomes` of each, and what to `expect` after the execution and after each
resumption: the `status`, the steps that were `called`, the `lines` of the log that say what became of failures,
the status of `records`. `claims` are judged on the same steps with every outcome. Whether what is expected
comes true in a release is found by running it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invariants.check import check
from invariants.speckit import claims, systems
from invariants.speckit.systems import Situation
from invariants.verdicts import Judgement, Verdict
from model.documents import plain, read
from model.speckit.releases import RELEASES, Behaviours
from model.speckit.run_rules import OUTSIDE
from model.speckit.validation import messages
from model.speckit.workflow import Workflow
from simulations.speckit import outcomes, runs
from simulations.speckit.runs import Look

FOLDER = Path(__file__).parent
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
"""What to call them."""

PROMISE, FINDING = "promise", "finding"


@dataclass(frozen=True)
class Scenario:
    """A scenario as its file has it."""

    name: str
    about: str
    reports: tuple[str, ...]
    kind: str
    situation: Situation
    outcomes: Mapping[str, list[Any]]
    resumes: tuple[Mapping[str, Any], ...]
    expect: tuple[Mapping[str, Any], ...]
    flags: Mapping[str, list[Any]]
    claims: tuple[str, ...]

    @property
    def workflow(self) -> Workflow:
        """Its workflow."""
        return systems.workflow(self.situation, self.name)


@dataclass(frozen=True)
class InRelease:
    """A scenario in a release: the run, in what it differs from what is expected, and the claims judged."""

    release: str
    looks: tuple[Look, ...]
    differences: tuple[str, ...]
    judgements: tuple[Judgement, ...]

    @property
    def comes_true(self) -> bool:
        """Whether everything is as expected."""
        return not self.differences

    def verdicts(self) -> dict[str, str]:
        """The verdict of each claim, the worst of those on single steps."""
        found: dict[str, str] = {}
        for judgement in self.judgements:
            claim = judgement.property.claim
            if found.get(claim) != Verdict.VIOLATED.value:
                found[claim] = "holds" if judgement.verdict is Verdict.HOLDS else judgement.verdict.value
        return found


@dataclass(frozen=True)
class Reproduction:
    """A scenario in every release, and in the one that is told."""

    scenario: Scenario
    here: InRelease
    releases: tuple[InRelease, ...]


def find(word: str) -> str | None:
    """The name of the scenario that goes by a word: its name, or the number of a report; None if there is none.

    Raises SeveralScenariosError for the number of a report that is about several.
    """
    if word in NAMES:
        return word
    number = word.lstrip("#").upper()
    about = [name for name in NAMES if number in {r.lstrip("#") for r in load(name).reports}]
    if len(about) > 1:
        raise SeveralScenariosError(f"{word} is about several scenarios; name one of: {', '.join(about)}")
    return about[0] if about else None


class SeveralScenariosError(ValueError):
    """A number is about several scenarios; the message lists them."""


def load(name: str) -> Scenario:
    """The scenario called `name`.

    Raises KeyError for a name that is not one of `NAMES`.
    """
    if name not in NAMES:
        raise KeyError(name)
    [document] = read([FOLDER / f"{name}.yaml"])
    found: dict[str, Any] = plain(document.root)
    situation = Situation(found["about"], found["steps"], gates=found.get("gates", {}))
    return Scenario(
        name=name,
        about=found["about"],
        reports=tuple(found["reports"]),
        kind=found["kind"],
        situation=situation,
        outcomes=found.get("outcomes", {}),
        resumes=tuple(found.get("resumes", ())),
        expect=tuple(found["expect"]),
        flags=found.get("flags", {}),
        claims=tuple(found["claims"]),
    )


def reproduce(scenario: Scenario, told: Behaviours | None = None) -> Reproduction:
    """Run it in every release; the one to be told is the newest in which it comes true, if none is named."""
    releases = tuple(in_release(scenario, behaviours) for behaviours in RELEASES.values())
    true = [r for r in releases if r.comes_true] or list(releases)
    here = next(r for r in releases if r.release == told.release) if told else true[-1]
    return Reproduction(scenario, here, releases)


def in_release(scenario: Scenario, behaviours: Behaviours) -> InRelease:
    """The scenario as one release behaves."""
    looks = tuple(run_of(scenario, behaviours))
    return InRelease(
        behaviours.release, looks, tuple(differences(scenario, looks, behaviours)), judged(scenario, behaviours)
    )


def run_of(scenario: Scenario, behaviours: Behaviours) -> list[Look]:
    """What happens: a look after the execution, and one after each resumption."""
    workflow = scenario.workflow
    scripts = {name: outcomes.answers_of(name, listed, workflow) for name, listed in scenario.outcomes.items()}
    plan = runs.plan_of(workflow, behaviours, scripts, {})
    system, last = runs.begin(plan)
    looks = [last]
    for given in scenario.resumes:
        last = runs.follow(plan, system, last, given)
        looks.append(last)
    return looks


def differences(scenario: Scenario, looks: tuple[Look, ...], behaviours: Behaviours) -> list[str]:
    """In what the run differs from what is expected, in words."""
    found: list[str] = []
    for number, (expected, look) in enumerate(zip(scenario.expect, looks, strict=True)):
        when = "executed" if not number else f"resumed {number}"
        seen = seen_in(look, scenario.workflow)
        for key, value in expected.items():
            mine = {n: seen[key].get(n) for n in value} if isinstance(value, Mapping) else seen[key]
            if mine != value:
                found.append(f"{when}: {key}: {_words(mine)} instead of {_words(value)}")
    return found + _accepted(scenario, behaviours)


def seen_in(look: Look, workflow: Workflow) -> dict[str, Any]:
    """What a scenario can expect of a look."""
    keys = {f"run {s.name}": s.name for s in workflow.steps if s.kind in OUTSIDE}
    return {
        "status": str(look.status),
        "called": [keys[move.name] for move in look.moves if move.name in keys],
        "lines": [f"{line.event} {line.step}" for line in look.log if line.event in claims.RESOLUTIONS],
        "records": {name: record["status"] for name, record in look.records.items()},
    }


def _accepted(scenario: Scenario, behaviours: Behaviours) -> list[str]:
    """Values of the flag that validation takes otherwise than is expected."""
    found = []
    for word, values in scenario.flags.items():
        for value in values:
            step = {"id": "x", "type": "shell", "run": "x", "continue_on_error": value}
            document = {
                **scenario.workflow.data,
                "workflow": {"id": "w", "name": "w", "version": "1.0.0"},
                "steps": [step],
            }
            mine = "refused" if messages(document, behaviours) else "accepted"
            if mine != word:
                found.append(f"validation: continue_on_error: {value!r} is {mine}, not {word}")
    return found


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return str(value)


def judged(scenario: Scenario, behaviours: Behaviours) -> tuple[Judgement, ...]:
    """The scenario's claims, on its steps with every outcome."""
    plan = systems.plan_of(scenario.workflow, behaviours)
    subject = systems.explored(scenario.name, scenario.about, plan, gates=scenario.situation.gates)
    wanted = {name.replace("_", " ") for name in scenario.claims}
    asked = [p for p in subject.properties if p.claim in wanted]
    return check(subject.system, asked, transitions=False).judgements if asked else ()
