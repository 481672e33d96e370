"""Judging everything of Kargo's that some files hold, rule by rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache

from model.inputs import printable
from model.kargo import planning
from model.kargo.bundle import Bundle
from model.kargo.manifest_types import Manifests
from model.kargo.releases import RELEASES, Behaviours
from simulations.kargo.lint import by_reading, by_running, of_pipelines, units_alike
from simulations.kargo.lint.by_reading import Read
from simulations.kargo.lint.exploring import Answers, Explorer
from simulations.kargo.lint.rules import BY_ID, Finding
from simulations.kargo.lint.same_releases import same
from simulations.kargo.lint.sentences import of_step, said
from simulations.kargo.lint.shapes import shape_of
from simulations.kargo.lint.units import Unit, given_twice, lists, of_stage, units
from simulations.kargo.lint.wanted import Essence, Wanted, restarts, wanted

ALIASES = ("unknown-alias", "alias-comes-later")
SUPERSEDED = {
    "config-fails": ALIASES,
    "if-fails": ALIASES,
    "output-unset": (*ALIASES, "config-fails", "if-fails"),
    "never-runs": ("if-fails", "if-not-boolean", "unknown-kind", "config-fails", *ALIASES),
    "retry-never-happens": ("never-runs", "unknown-kind", "green-without-work"),
    "timeout-never-fires": ("never-runs", "unknown-kind"),
    "http-never-succeeds": ("never-runs",),
}
"""What is not said of a step if one of these others is: they say more."""

Watch = Callable[[int, int], None]
"""Who is told how much is done, of how much."""

Numbered = tuple[Finding, int]
"""A finding, and the number of the step that it is about; -1 for the whole."""


MANY = 60
"""From so many shapes to be explored on it is worth while to start other processes."""

PORTION = 20


Shapes = dict[Essence, list[tuple[int, Unit]]]
"""By shape, the templates that have it, with their numbers among all."""


@dataclass
class Linter:
    """Judges as one release, and says which others are affected; `incomplete` was not explored whole."""

    behaviours: Behaviours
    releases: tuple[Behaviours, ...] = tuple(RELEASES.values())
    explorer: Explorer = field(default_factory=Explorer)
    incomplete: list[str] = field(default_factory=list)

    def judge(
        self, bundle: Bundle, watch: Watch | None = None, side_by_side: SideBySide | None = None
    ) -> tuple[Finding, ...]:
        """Every finding, in the order of files and lines; `watch` is told how many templates are done.

        Where many have to be explored that is done `side_by_side`, if that is given.
        """
        found = [*self._written(bundle.manifests)]
        every = tuple(units(bundle.manifests))
        found += (replace(f, releases=self._all) for f in every if isinstance(f, Finding))
        explorable = [unit for unit in every if isinstance(unit, Unit)]
        tell = watch or _nobody
        shapes = self._by_shape(explorable) if side_by_side else {}
        if side_by_side and len(shapes) >= MANY:
            found += self._side_by_side(shapes, tell, side_by_side)
        else:
            for done, unit in enumerate(explorable):
                tell(done, len(explorable))
                found += self._unit(unit)
        tell(len(explorable), len(explorable))
        stages = [unit.template for unit in explorable if unit.template.stage]
        templates = {(template.project, template.stage): template for template in stages}
        found += of_pipelines.judge(bundle, templates, self.behaviours, self.releases)
        return tuple(sorted(_merged(units_alike.everywhere(found, explorable)), key=_where))

    def _by_shape(self, explorable: list[Unit]) -> Shapes:
        shapes: Shapes = {}
        for number, unit in enumerate(explorable):
            shape = shape_of(unit.essence(self.behaviours), self.behaviours.release)
            shapes.setdefault(shape.essence, []).append((number, unit))
        return shapes

    def _side_by_side(self, shapes: Shapes, tell: Watch, side_by_side: SideBySide) -> Iterator[Finding]:
        """The findings of each unit, in order. Those of one shape are neighbours, so that it is explored once."""
        ordered = [(number, replace(unit, seen={})) for alike in shapes.values() for number, unit in alike]
        work = [
            Portion(self.behaviours, self.releases, tuple(ordered[at : at + PORTION]))
            for at in range(0, len(ordered), PORTION)
        ]
        found: dict[int, list[Finding]] = {}
        for findings, incomplete in side_by_side(judge_portion, work):
            tell(len(found), len(ordered))
            found |= findings
            self.incomplete += incomplete
        for number in sorted(found):
            yield from found[number]

    @property
    def _all(self) -> tuple[str, ...]:
        return tuple(b.release for b in self.releases)

    def _written(self, manifests: Manifests) -> Iterator[Finding]:
        for warning in manifests.warnings:
            yield Finding(BY_ID["ignored-field"], warning.place, "", warning.text, releases=self._all)
        for subject, steps in lists(manifests):
            yield from (self._finding_of(read, subject) for read in by_reading.aliases(steps))
        yield from (self._finding_of(*twice) for twice in given_twice(manifests))
        for stage in manifests.stages:
            for read in by_reading.missing_tasks(stage, manifests.tasks):
                yield self._finding_of(read, of_stage(stage))

    def _finding_of(self, read: Read, subject: str) -> Finding:
        return Finding(BY_ID[read.rule], read.place, subject, read.text, read.step, releases=self._all)

    def _unit(self, unit: Unit) -> list[Finding]:
        steps = unit.views(self.behaviours)
        found = [*self._read(unit), *self._run(unit)]
        asked = [*wanted(steps), *((f.rule.id, number, "") for f, number in found if f.rule.id in ALIASES)]
        if not unit.template.stage:  # a task is only a part of what a Promotion does
            asked = [want for want in asked if want[0] != "nothing-done"]
        explored = [*self._explored(unit, asked), *self._explored(unit, restarts(steps), restart=True)]
        shown = {(f.rule.id, number): f.shown for f, number in explored}
        found = [(replace(f, shown=f.shown or shown.get((f.rule.id, n))), n) for f, n in found]
        found += (pair for pair in explored if pair[0].text)
        told = {(f.rule.id, number) for f, number in found}
        said = [(f, n) for f, n in found if f.text]
        return [f for f, n in said if not any((other, n) in told for other in SUPERSEDED.get(f.rule.id, ()))]

    # Read, and run

    def _read(self, unit: Unit) -> Iterator[Numbered]:
        found = _reads(unit, self.behaviours)
        by_release = {b.release: set(_reads(unit, b)) for b in self.releases} if found else {}
        for read in found:
            releases = tuple(release for release, reads in by_release.items() if read in reads)
            yield replace(self._finding_of(read, unit.subject), releases=releases), read.number

    def _run(self, unit: Unit) -> Iterator[Numbered]:
        for number, step in enumerate(unit.views(self.behaviours)):
            for spent in by_running.judge(step, self.behaviours):
                releases = tuple(
                    b.release
                    for b in self.releases
                    if spent.rule in {s.rule for s in by_running.judge(unit.views(b)[number], b)}
                )
                text, rule = f"{of_step(step)}: {spent.text}", BY_ID[spent.rule]
                where, alias = step.spec.where, step.spec.alias
                yield Finding(rule, where, unit.subject, text, alias, spent.run, releases), number

    # Explored

    def _explored(self, unit: Unit, asked: Iterable[Wanted], *, restart: bool = False) -> Iterator[Numbered]:
        steps = unit.views(self.behaviours)
        answers = self.explorer.ask(unit.essence(self.behaviours), self.behaviours, asked, restart=restart)
        if not answers.complete:
            self.incomplete.append(unit.subject)
        for want, told in answers.told.items():
            rule, number, about = want
            step = steps[number] if number >= 0 else None
            text, level = said(rule, step, told.shown, about, unit.template)
            rule = "if-not-boolean" if rule == "if-fails" and NOT_BOOLEAN in text else rule
            releases = self._affected(unit, want, answers, restart=restart)
            place, alias = (step.spec.where, step.spec.alias) if step else (unit.place, "")
            yield Finding(BY_ID[rule], place, unit.subject, text, alias, told.shown, releases, level=level), number

    def _affected(self, unit: Unit, want: Wanted, answers: Answers, *, restart: bool) -> tuple[str, ...]:
        """The releases in which a question is worth telling, by exploring each of them that could differ."""
        here = unit.essence(self.behaviours)
        return tuple(
            b.release
            for b in self.releases
            if b == self.behaviours
            or same(here, self.behaviours, unit.essence(b), b, answers.looked_at)
            or self.explorer.breaks(unit.essence(b), b, want, answers.told, restart=restart)
        )


@dataclass(frozen=True)
class Portion:
    """Some templates that are judged together, by their numbers among all."""

    behaviours: Behaviours
    releases: tuple[Behaviours, ...]
    units: tuple[tuple[int, Unit], ...]


Judged = tuple[dict[int, list[Finding]], list[str]]
"""The findings by the numbers of templates, and what was not explored whole."""

SideBySide = Callable[[Callable[[Portion], Judged], Iterable[Portion]], Iterator[Judged]]
"""What judges portions at the same time, and answers as they come."""


@cache
def _explorer() -> Explorer:
    """One for all portions that this process judges."""
    return Explorer()


def judge_portion(portion: Portion) -> Judged:
    """What is found in each template of a portion."""
    linter = Linter(portion.behaviours, portion.releases, _explorer())
    return {number: linter._unit(unit) for number, unit in portion.units}, linter.incomplete


def _nobody(_done: int, _of: int) -> None:
    """Nobody is told."""


NOT_BOOLEAN = "must evaluate to a boolean"


def _reads(unit: Unit, behaviours: Behaviours) -> list[Read]:
    keys = planning.planner_of(unit.template, behaviours).output_keys
    steps = unit.views(behaviours)
    aliases = by_reading.unknown_aliases(steps, keys, alone=not unit.template.stage)
    return [*aliases, *by_reading.unknown_kinds(steps, behaviours.release)]


def _merged(found: Iterable[Finding]) -> Iterator[Finding]:
    """Each finding once: the same of a task that several Stages use names the others."""
    first: dict[object, Finding] = {}
    for finding in found:
        place = finding.place
        key = (finding.rule.id, place.file, place.line, place.column, place.path, _about(finding))
        if key not in first:
            first[key] = finding
        elif finding.subject not in (first[key].subject, *first[key].also):
            first[key] = replace(first[key], also=(*first[key].also, finding.subject))
    yield from first.values()


def _about(finding: Finding) -> str:
    """What tells findings of one rule at one place apart."""
    return finding.text.replace(printable(finding.step), "") if finding.step else finding.text


def _where(finding: Finding) -> tuple[str, int, int, str, str]:
    place = finding.place
    return (place.file, place.line, place.column, finding.rule.id, finding.text)
