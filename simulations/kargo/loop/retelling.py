"""Walks retold: a walk through a control loop as the file of a scenario, told at once to see whether it ends alike.

Not every walk can be: a scenario has no sentence for some of what may happen in an exploration, and no field for
some of what a pipeline may have. Then it says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from invariants.trace import Taken, Trace
from model.kargo.attempts import Attempt
from model.kargo.loop.pipeline import Pipeline, StageSpec
from model.kargo.loop.values import of
from model.kargo.releases import Behaviours
from model.system import State, Tables, Value
from simulations.kargo.loop import scenario_file
from simulations.kargo.loop.reported import judged
from simulations.kargo.loop.symptoms import CLAIMS
from simulations.kargo.loop.told import Told, tell


class NoSentenceError(ValueError):
    """Something of a walk cannot be said in a scenario; the message says what."""


@dataclass(frozen=True)
class Retold:
    """A walk as the text of a scenario, and where the story ends otherwise than the walk, in words."""

    text: str
    differences: tuple[str, ...]


@dataclass
class _Retelling:
    """What is known so far: which Promotion a slot holds, how many a Stage has had, and what attempts came to."""

    pipeline: Pipeline
    labels: dict[str, str] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)
    attempts: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def promotion(self, slot: str) -> str:
        """The Promotion in a slot, as a story calls it."""
        if slot not in self.labels:
            raise NoSentenceError(f"nothing is known of a Promotion {slot}")
        return self.labels[slot]

    def begin(self, slot: str, stage: str) -> None:
        """A Promotion is made."""
        self.made[stage] = self.made.get(stage, 0) + 1
        self.labels[slot] = f"{stage}#{self.made[stage]}"


def retold(pipeline: Pipeline, trace: Trace, behaviours: Behaviours) -> Retold:
    """A walk through the control loop of a pipeline, retold.

    Raises NoSentenceError if it cannot be.
    """
    known = _Retelling(pipeline)
    # An exploration begins when the controllers have seen every Stage once.
    begin = [f"look at {stage} once" for stage in pipeline.names]
    story = [*begin, *(sentence for step in trace.steps for sentence in _sentences(step, known))]
    stages = [_stage(stage, trace.start) for stage in pipeline.stages]
    document: dict[str, object] = {
        "reports": [],
        "about": "a walk that somebody took by hand",
        "warehouses": list(pipeline.warehouses),
        "stages": stages,
    }
    if attempts := _attempts(known):
        document["attempts"] = attempts
    found = _broken(document | {"story": story, "claims": list(CLAIMS)}, behaviours)
    told, broken = found
    text = _written(document | {"story": story, "claims": broken})
    return Retold(text, tuple(_differences(trace, told, known)))


def _written(document: dict[str, object]) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def _broken(document: dict[str, object], behaviours: Behaviours) -> tuple[Told, list[str]]:
    """The story as it is told, and the claims that it violates."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "walk" / "scenario.yaml"
        path.parent.mkdir()
        path.write_text(_written(document), encoding="utf-8")
        scenario = scenario_file.load(path)
    told = tell(scenario.program, scenario.story, behaviours, Tables())
    violations = judged(scenario, behaviours.release, told).violations
    return told, [claim for claim, violation in violations.items() if violation is not None]


# Sentences


def _sentences(step: Taken, known: _Retelling) -> Iterator[str]:
    for pattern, say in _SAYINGS:
        if found := re.fullmatch(pattern, step.action):
            yield say(step, known, *found.groups())
            return
    raise NoSentenceError(f"a scenario has no sentence for {step.action!r}")


Say = Callable[..., str]


def _finds(step: Taken, known: _Retelling, freight: str) -> str:
    warehouse = known.pipeline.warehouses[ord(freight[0]) - ord("a")]
    return f"{warehouse} finds {freight}"


def _promote(step: Taken, known: _Retelling, freight: str, stage: str) -> str:
    used = (n[5:-1] for n in step.before if n.startswith(f"used[{stage}."))
    (slot,) = [s for s in used if step.after[of("used", s)] and not step.before[of("used", s)]] or [""]
    if not slot:
        raise NoSentenceError(f"no Promotion was made by {step.action!r}")
    known.begin(slot, stage)
    number = slot.removeprefix(f"{stage}.")
    return f"promote {freight} to {stage}" + ("" if number.isdigit() else f" as {slot}")


def _reconcile(step: Taken, known: _Retelling, what: str) -> str:
    if what in known.pipeline.names:
        _made_by_itself(step, known, what)
        return f"look at {what} once"
    promotion = known.promotion(what)
    stage = promotion.partition("#")[0]
    for name, attempt in step.record.items():
        found = re.fullmatch(rf"said\[\d+ (.+)\]\[{re.escape(stage)}\]", name)
        if found and isinstance(attempt, Attempt):
            known.attempts.setdefault(promotion, {}).setdefault(found[1], []).append(_came_back(attempt))
    return f"look at {promotion} once"


def _made_by_itself(step: Taken, known: _Retelling, stage: str) -> None:
    for name, now in step.after.items():
        if name.startswith(f"used[{stage}.") and now and not step.before[name]:
            known.begin(name[5:-1], stage)


def _came_back(attempt: Attempt) -> str:
    if attempt.panic is not None:
        return "panics"
    if attempt.status == "Aborted":
        raise NoSentenceError("a scenario has no attempt that calls itself Aborted")
    if attempt.error is not None and attempt.terminal:
        return f"{attempt.status} for good"
    return "Failed with an error" if attempt.error is not None and attempt.status == "Failed" else attempt.status


_SAYINGS: tuple[tuple[str, Say], ...] = (
    (r"([a-z]\d+) is found", _finds),
    (r"promote (\S+) to ([^\s,]+)(?: as \S+)?", _promote),
    (r"reconcile ([^\s,]+)", _reconcile),
    (r"abort (\S+)", lambda step, known, slot: f"abort {known.promotion(slot)}"),
    (r"delete (\S+\.\S+)", lambda step, known, slot: f"delete {known.promotion(slot)}"),
    (r"approve (\S+) for (\S+)", lambda step, known, freight, stage: f"approve {freight} for {stage}"),
    (r"AnalysisRun of (\S+) is (\S+)", lambda step, known, s, phase: f"the AnalysisRun of {s} becomes {phase}"),
    (r"(\S+) is (\S+)", lambda step, known, stage, health: f"the applications of {stage} become {health}"),
    (r"lose the work directory of (\S+)", lambda step, known, slot: "the controller restarts"),
    (r"refresh (\S+)", lambda step, known, stage: f"refresh {stage}"),
    (r"verify (\S+) again", lambda step, known, stage: f"verify {stage} again"),
    (r"abort the verification of (\S+)", lambda step, known, stage: f"abort the verification of {stage}"),
    (
        r"turn auto-promotion of (\S+) (on|off)",
        lambda step, known, stage, switch: f"turn auto-promotion of {stage} {switch}",
    ),
)
"""What a step is called in an exploration, and how a scenario says it."""


# The pipeline


def _aliases(stage: StageSpec, start: State) -> list[str]:
    """The steps that the Promotions of a Stage have in an exploration, which may be more than the Stage's own."""
    named = (re.fullmatch(rf"entry\[{re.escape(stage.name)}\.[^/]+/(.+)\]", name) for name in start)
    return list(dict.fromkeys(found[1] for found in named if found)) if stage.steps else []


def _stage(stage: StageSpec, start: State) -> dict[str, object]:
    found: dict[str, object] = {"name": stage.name, "takes": []}
    takes, policies = [], set()
    for request in stage.requests:
        if request.strategy or request.soak_ms is not None or (request.direct and request.stages):
            raise NoSentenceError(f"a scenario has no field for how Freight becomes available to {stage.name}")
        takes.append(request.warehouse + (f" from {', '.join(request.stages)}" if request.stages else ""))
        policies.add(request.policy)
    found |= {"takes": takes, "steps": _aliases(stage, start)}
    if policies - {""}:
        found["policy"] = policies.pop()
    found |= {"verification": True} if stage.verification else {}
    policy = start.get(of("policy", stage.name))
    return found | ({} if policy is None else {"auto-promotion": policy})


def _attempts(known: _Retelling) -> dict[str, list[dict[str, list[str]]]]:
    """What attempts come to, by Stage and Promotion; those that are not listed succeed."""
    return {
        stage: [known.attempts.get(f"{stage}#{n}", {}) for n in range(1, made + 1)]
        for stage, made in known.made.items()
        if any(promotion.startswith(f"{stage}#") for promotion in known.attempts)
    }


# The end


def _differences(trace: Trace, told: Told, known: _Retelling) -> Iterator[str]:
    end, state = trace.end, told.cluster.state
    slots = {state[of("name", label)]: slot for slot, label in known.labels.items() if of("name", label) in state}
    for slot, label in known.labels.items():
        yield from _differs(f"the phase of {label}", end[of("phase", slot)], state.get(of("phase", label)))
    for stage in known.pipeline.names:
        yield from _differs(f"the health of {stage}", end[of("health", stage)], state[of("health", stage)])
        for name in ("current", "last"):
            there = state[of(name, stage)]
            yield from _differs(f"the {name} Promotion of {stage}", end[of(name, stage)], slots.get(there, there))
        for warehouse in known.pipeline.warehouses:
            variable = of("in_use", stage, warehouse)
            yield from _differs(f"what {stage} has of {warehouse}", end.get(variable), state.get(variable))


def _differs(what: str, walked: Value, told: Value) -> Iterator[str]:
    if walked != told:
        yield what
