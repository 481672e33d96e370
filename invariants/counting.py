"""How many transitions a symbolic exploration went through, without going through them one by one."""

from __future__ import annotations

from functools import partial

from invariants.encoding import Column, Diagram
from invariants.relations import Relation
from invariants.steps import Step
from invariants.symbolic import Symbolic
from model.system import Action


def transitions(engine: Symbolic) -> int:
    """How many distinct (state, action, next state) begin in the states explored."""
    count = 0
    for step in engine.steps:
        engine.breathe()
        count += engine.growing(partial(_leaving_explored, engine, step))
    return count


def _leaving_explored(engine: Symbolic, step: Step) -> int:
    return _leaving(engine, step, engine.explored)


def _leaving(engine: Symbolic, step: Step, states: Diagram) -> int:
    if (relation := _plain(step)) is not None:
        even = sum(d * engine.size(states & cubes) for d, cubes in relation.degree.items())
        if not relation.uneven.satisfiable():
            return even
        pairs = relation.pairs(states & relation.uneven)
        after = [(Column.AFTER, n) for n in relation.written]
        return even + engine.encoding.count(pairs, [*engine.fields(), *after])
    if all(r.deterministic for r in step.relations) and _guards_first(step):
        guards = [link for link in step.links if link.required]
        for link in guards:
            states = engine.stepper.admitted(link, states)
        return engine.size(states)
    return _pairs(engine, step, states)


def _pairs(engine: Symbolic, step: Step, states: Diagram) -> int:
    """How many pairs of a state in `states` and a state after `step` there are."""
    touched = step.reads | step.written
    names = [n for n in engine.names if n in step.written]
    begin = engine.onto(touched, states) & engine.encoding.same(Column.NOW, Column.BEFORE, names)
    pairs = engine.stepper.image(step, begin)
    if not touched.issuperset(engine.names):
        # What the step does not look at takes no part in it, only in the number of states.
        pairs = pairs & states.substitute(engine.encoding.renaming(Column.NOW, Column.BEFORE, names))
    before = [(Column.BEFORE, n) for n in names]
    return engine.encoding.count(pairs, [*engine.fields(), *before])


def _plain(step: Step) -> Relation | None:
    """The relation of a step that is one action without local variables."""
    body = step.links[0].body if isinstance(step.source, Action) else None
    simple = isinstance(body, Relation) and not step.links[0].enter
    return body if simple and isinstance(body, Relation) else None


def _guards_first(step: Step) -> bool:
    """Whether everything up to the last required part only looks at variables of the state."""
    last = max((i for i, link in enumerate(step.links) if link.required), default=-1)
    return all(
        isinstance(link.body, Relation) and not link.body.written and not link.enter
        for link in step.links[: last + 1]
    )
