"""Walks as tests: the text of a test that takes the same steps and finds the same."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

from diagrams.values import show
from invariants.subjects import Subject
from simulations.exploring import Standing, Walk, nth_of_its_name, standing


def test_of(
    subject: Subject, walk: Walk, *, imports: Collection[str], expression: str, told: Collection[str]
) -> str:
    """The text of a test; `imports` and `expression` give it the subject, `told` are variables to compare."""
    return "\n".join(_lines(subject, walk, imports, expression, told)) + "\n"


def _lines(
    subject: Subject, walk: Walk, imports: Collection[str], expression: str, told: Collection[str]
) -> Iterator[str]:
    steps = len(walk.choices)
    yield f'"""A walk through {_plain(subject.name)}, {steps} step{"" if steps == 1 else "s"} long."""'
    yield ""
    ours = ("from diagrams.values import show", "from simulations import exploring")
    standings = "from simulations.exploring import Standing"
    yield from sorted({*imports, *ours, standings}, key=lambda line: (not line.startswith("import "), line))
    yield ""
    yield "STEPS = ["
    for number, taken in enumerate(walk.trace.steps):
        words = ", ".join((_text(taken.action), _text(taken.label), str(nth_of_its_name(walk, number))))
        yield f"    ({words}),"
    yield "]"
    yield ""
    changed = {n: v for n, v in walk.state.items() if n in told and walk.trace.start[n] != v}
    yield "END = {"
    yield from (f"    {_text(name)}: {_text(show(value))}," for name, value in changed.items())
    yield "}"
    yield ""
    yield "BROKEN = ["
    yield from (f"    {_text(name)}," for name in broken(subject, walk))
    yield "]"
    yield ""
    yield ""
    yield f"def test_a_walk_through_{_identifier(subject.name)}() -> None:"
    yield f"    subject = {expression}"
    yield f"    walk = exploring.begin(subject.system, {walk.start})"
    yield ""
    yield "    for step in STEPS:"
    yield "        walk = exploring.take_by_name(walk, *step)"
    yield ""
    yield "    assert {name: show(walk.state[name]) for name in END} == END"
    yield "    broken = [p.name for p in subject.properties if exploring.standing(walk, p) is Standing.BROKEN]"
    yield "    assert broken == BROKEN"


def broken(subject: Subject, walk: Walk) -> list[str]:
    """The names of the claims that the last step breaks, or that are false where the walk has come to."""
    return [p.name for p in subject.properties if standing(walk, p) is Standing.BROKEN]


def _text(text: str) -> str:
    """A text as Python has it: JSON's texts are Python's, if nothing in them is left as it is but ASCII."""
    return json.dumps(text)


def _identifier(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "it"


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9 ._:-]+", "-", text)
