"""What it costs to push to one branch: the tables and plots of docs/shared-branch.md.

`python -m benchmarks.shared_branch` prints the tables, and writes the plots to docs/plots. The study is
examples/studies/shared-branch.yaml: Stages that are promoted at the same moment, under failure policies, and with what
each release of git-push does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import matplotlib as mpl

from diagrams.plots import STYLE, curves, save
from diagrams.simulations import Result, duration
from diagrams.sweeps import Sweep
from diagrams.tables import markdown_table
from model.kargo.failure_policies import policy_named
from model.kargo.releases import RELEASES
from simulations.kargo.study import measures, study_file
from simulations.kargo.study.measures import ATTEMPTS, REJECTED, TO_THE_LAST, WASTED, Tally, Variant
from simulations.kargo.study.study import Outcome, Study

ROOT = Path(__file__).parent.parent
FILE, PLOTS = ROOT / "examples" / "studies" / "shared-branch.yaml", ROOT / "docs" / "plots"
RUNS = 1000
STAGES = (2, 5, 10, 20, 50)
FEW = STAGES[:2]
"""Those that take no time, for a test that the page is current."""

POLICIES = ("none", "restart:3", "recreate:3", "rollback:3", "restart:49")
HEAD = ("Stages", "", "all succeed", "each succeeds", "attempts", "wasted", "rejected pushes", "all is over after")

Change = Callable[[Study], Study]


def with_branch(**changes: bool | int | None) -> Change:
    """The study with another branch."""

    def change(study: Study) -> Study:
        assert study.branch is not None, "the study has one"
        fields: dict[str, object] = dict(changes)
        return replace(study, branch=replace(study.branch, **fields))  # type: ignore[arg-type]  # names are literal

    return change


def without_lock(study: Study) -> Study:
    """As the study is in the release whose lock is none."""
    return replace(with_branch(retries=None)(study), behaviours=RELEASES["1.8.3"])


PUSHES: dict[str, Change] = {
    "one try (up to 1.1.1)": with_branch(),
    "1.8.3": without_lock,
    "1.11.2": with_branch(retries=None),
    "1.11.2, 4 controllers": with_branch(retries=None, controllers=4),
    "a branch each": with_branch(shared=False),
}
"""How the pushes go, in a few words. Nobody retries anything besides."""


@cache
def study(stages: int) -> Study:
    """The study with so many Stages."""
    return replace(with_branch(stages=stages)(study_file.load(str(FILE))), runs=RUNS)


def under_policies(stages: int) -> tuple[Variant, ...]:
    """The same under each policy."""
    return tuple(Variant(name, replace(study(stages), policy=policy_named(name))) for name in POLICIES)


def by_pushes(stages: int) -> tuple[Variant, ...]:
    """The same with each way to push."""
    return tuple(Variant(name, change(study(stages))) for name, change in PUSHES.items())


@cache
def result(variants: tuple[Variant, ...]) -> Result:
    """What the runs come to."""
    tallies = measures.together(map(measures.count, measures.portions(variants)))
    return Result(variants[0].study, tallies, RUNS)


def sweep(variants: Callable[[int], tuple[Variant, ...]], stages: Iterable[int]) -> Sweep:
    """What they come to for each number of Stages."""
    return Sweep("Stages", tuple((str(n), result(variants(n))) for n in stages))


def rows(variants: Callable[[int], tuple[Variant, ...]], stages: Iterable[int] = STAGES) -> Iterator[list[str]]:
    """A row for each number of Stages and each variant."""
    for value, found in sweep(variants, stages).points:
        yield from ([value, tally.name, *cells(tally)] for tally in found.tallies)


def cells(tally: Tally) -> Iterator[str]:
    """What is measured."""
    every, each = tally.all_of_a_run(0.95), tally.share_of(Outcome.VERIFIED, 0.95)
    assert every is not None
    assert each is not None
    yield from (f"{every.value:.1%}", f"{each.value:.1%}")
    for name in (ATTEMPTS, WASTED, REJECTED):
        yield f"{mean(tally, name):.2f}"
    yield duration(mean(tally, TO_THE_LAST))


def mean(tally: Tally, name: str) -> float:
    """The mean, of a measure that there always is."""
    found = tally.mean(name, 0.95)
    assert found is not None
    return found.value


def table_of(variants: Callable[[int], tuple[Variant, ...]]) -> list[str]:
    """The table for people."""
    return [*markdown_table(HEAD, [*rows(variants)])]


def main() -> None:
    """Print the tables and write the plots."""
    print("\n".join((*table_of(under_policies), "", *table_of(by_pushes))))
    PLOTS.mkdir(exist_ok=True)
    with mpl.rc_context(STYLE):
        for name, variants in (("policies", under_policies), ("pushes", by_pushes)):
            save(curves(sweep(variants, STAGES)), PLOTS / f"shared-branch-{name}.svg")


if __name__ == "__main__":
    main()
