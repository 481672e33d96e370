"""The table of the eight rules as a section of a page."""

from __future__ import annotations

from diagrams import rulings
from diagrams.pages.grids import Cell, Grid
from diagrams.pages.report import Section
from diagrams.theme import Kind
from invariants.kargo.judging import Standing

_KINDS = {
    Standing.HOLDS: Kind.GOOD,
    Standing.CONDITIONAL: Kind.UNCLEAR,
    Standing.VIOLATED: Kind.BAD,
    Standing.NOT_REACHED: Kind.WAITING,
    Standing.BOUNDED: Kind.UNCLEAR,
}


def section(found: rulings.Table, answer_for: str) -> Section:
    """The rules, each claim of them in each release, what the marks mean, and what is true instead."""
    return Section(
        "rules",
        "Rules by release",
        (rulings.summary(found, answer_for),),
        (
            _table(found),
            Grid(
                "What is true instead",
                ("claim", "what is true"),
                tuple(_instead(line) for line in rulings.instead(found)),
            ),
        ),
    )


def _table(found: rulings.Table) -> Grid:
    letters = found.conditions
    rows: list[tuple[Cell, ...]] = []
    for rule in found.rules:
        rows.append((Cell(f"{rule.number}. {rule.title}"),))
        for part in rule.parts:
            ruled = [found.rulings[part.id, release] for release in found.releases]
            marks = (
                Cell(rulings.mark(r, letters), _KINDS[r.standing], " and ".join(c.says for c in r.conditions))
                for r in ruled
            )
            rows.append((Cell(f"{part.id}  {part.says}"), *marks))
    legend = tuple(Cell(mark, _KINDS[standing], meaning) for mark, meaning, standing in rulings.legend(found))
    return Grid("The eight rules", ("claim", *found.releases), tuple(rows), legend)


def _instead(line: str) -> tuple[Cell, ...]:
    part, _, truth = line.partition("  ")
    return Cell(part), Cell(truth)
