"""Steps that do something else after an upgrade because of their kind.

It may not be there, its runner may come back with something else, or its config may have other fields, or mean
something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from model.inputs import Place, printable
from model.kargo.step_fields import all_read_otherwise, new_fields, read_otherwise, refused
from model.kargo.step_kinds import RELEASES, STEP_KINDS, StepKind, step_kind
from model.kargo.templates import StepSpec
from simulations.kargo.lint.units import Unit


@dataclass(frozen=True)
class KindChange:
    """A step that does something else after the upgrade because of its kind."""

    subject: str
    step: str
    place: Place
    text: str


def changed_steps(found: Iterable[Unit], one: str, other: str) -> Iterator[KindChange]:
    """The steps of some templates that do something else in another release, because of their kind or config."""
    for unit in found:
        for step in unit.template.steps:
            for text in _changed(step, one, other):
                yield KindChange(unit.subject, printable(step.alias), step.where, f"{printable(step.kind)} {text}")


def _changed(step: StepSpec, one: str, other: str) -> Iterator[str]:
    here, there = (step_kind(step.kind, release) for release in (one, other))
    if here is None or there is None:
        if here is not there:
            has, has_not = (other, one) if here is None else (one, other)
            yield f"is built in in {has} and not in {has_not}, where the step is Errored"
        return
    if words := _results(here, there, " from then on"):
        yield words
    if any(refused(step, release) for release in (one, other)):
        yield from _fields(step, one, other)
        return
    for before, after in read_otherwise(step, one, other):
        yield f"in {one} {before}; in {other} it {after}"


def _fields(step: StepSpec, one: str, other: str) -> Iterator[str]:
    """The fields in the config of a step that one of two releases alone has."""
    old, new = sorted((one, other), key=RELEASES.index)
    for name in refused(step, old):
        if name not in refused(step, new):
            yield f"has the field `{name}` in {new} and not in {old}, where the step fails before it does anything"


def _results(here: StepKind, there: StepKind, since: str = "") -> str:
    """What steps of a kind can come back with in one release only; nothing if that is the same."""
    gained = [f"can come back {r.value}{since}" for r in there.results if r not in here.results]
    lost = [f"no longer comes back {r.value}" for r in here.results if r not in there.results]
    return " and ".join((*gained, *lost))


def changed_kinds(one: str, other: str) -> Iterator[str]:
    """Everything that two releases differ in by their kinds of steps."""
    for name in sorted({*STEP_KINDS[one], *STEP_KINDS[other]}):
        here, there = (step_kind(name, release) for release in (one, other))
        if here is None or there is None:
            yield f"{name} is {'new' if here is None else 'gone'}"
            continue
        if words := _results(here, there):
            yield f"{name} {words}"
        fields = new_fields(name, one, other)
        if fields:
            later = RELEASES.index(one) < RELEASES.index(other)
            yield f"{name} {'gets' if later else 'loses'} {', '.join(f'`{field}`' for field in fields)}"
    for name, before, after in all_read_otherwise(one, other):
        yield f"{name} in {one} {before}; in {other} it {after}"
