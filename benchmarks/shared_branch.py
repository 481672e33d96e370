"""What it costs to push to one branch: the tables and plots of docs/shared-branch.md.

`python -m benchmarks.shared_branch` prints the tables, and writes the plots to docs/plots. The study is
examples/studies/shared-branch.yaml: Stages that are promoted at the same moment, under failure policies, and with
what each release of git-push does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl

from diagrams.plots import STYLE, curves, save
from diagrams.simulations import Result, duration
from diagrams.sweeps import Sweep
from diagrams.tables import markdown_table
from model.kargo.failure_policies import policy_named
from model.kargo.releases import RELEASES
from simulations.kargo.study import measures, study_file
from simulations.kargo.study.measures import ATTEMPTS, REJECTED, TO_THE_LAST, WASTED, Tally, Variant
from simulations.kargo.study.study import Branch, Disturbances, Outcome, Study
from simulations.stochastic.distributions import always, continuous

ROOT = Path(__file__).parent.parent
FILE, PLOTS = ROOT / "examples" / "studies" / "shared-branch.yaml", ROOT / "docs" / "plots"
RUNS = 1000
STAGES = (2, 5, 10, 20, 50)
POLICIES = ("none", "restart:3", "recreate:3", "rollback:3", "restart:49")
HEAD = ("Stages", "", "all succeed", "each succeeds", "attempts", "wasted", "rejected pushes", "all is over after")


class Pushes(NamedTuple):
    """How the pushes go: in which release (None: that of the study), and what is otherwise about the branch."""

    change: Callable[[Branch], Branch] = lambda branch: branch
    release: str | None = None


ONE_TRY = "one try (up to 1.1.1)"
PUSHES = {
    ONE_TRY: Pushes(),
    "1.8.3": Pushes(lambda branch: replace(branch, retries=None), "1.8.3"),
    "1.8.3, GitLab": Pushes(lambda branch: replace(branch, retries=None, gitlab=True), "1.8.3"),
    "1.11.2": Pushes(lambda branch: replace(branch, retries=None)),
    "1.11.2, 4 controllers": Pushes(lambda branch: replace(branch, retries=None, controllers=4)),
    "a branch each": Pushes(lambda branch: replace(branch, shared=False)),
}
"""By a few words. Where each has a branch, they go as up to 1.1.1; the lock of 1.8.3 locks nothing."""


@cache
def study(stages: int, pushes: str = ONE_TRY) -> Study:
    """The study with so many Stages that push so."""
    base, how = study_file.load(str(FILE)), PUSHES[pushes]
    assert base.branch is not None, "the study has one"
    behaviours = RELEASES[how.release] if how.release else base.behaviours
    return replace(base, runs=RUNS, behaviours=behaviours, branch=how.change(replace(base.branch, stages=stages)))


@cache
def tally(stages: int, pushes: str, policy: str) -> Tally:
    """What the runs come to."""
    return counted(replace(study(stages, pushes), policy=policy_named(policy)))


def counted(of: Study) -> Tally:
    """What the runs of a study come to."""
    [found] = measures.together(map(measures.count, measures.portions((Variant(str(of.policy), of),))))
    return found


Cases = Iterable[tuple[str, str]]
UNDER_POLICIES: Cases = tuple((ONE_TRY, policy) for policy in POLICIES)
BY_PUSHES: Cases = tuple((pushes, "none") for pushes in PUSHES)


def rows(cases: Cases, stages: Iterable[int] = STAGES) -> Iterator[list[str]]:
    """A row for each number of Stages and each case."""
    for n in stages:
        yield from ([str(n), label(cases, case), *cells(tally(n, *case))] for case in cases)


def label(cases: Cases, case: tuple[str, str]) -> str:
    """What tells a case from the others: the policy, or how it pushes."""
    return case[1] if cases is UNDER_POLICIES else case[0]


def cells(found: Tally) -> Iterator[str]:
    """What is measured."""
    each = found.share_of(Outcome.VERIFIED, 0.95)
    assert each is not None
    yield from (f"{every(found):.1%}", f"{each.value:.1%}")
    for name in (ATTEMPTS, WASTED, REJECTED):
        yield f"{mean(found, name):.2f}"
    yield duration(mean(found, TO_THE_LAST))


def every(found: Tally) -> float:
    """In how many of the runs all Promotions succeed."""
    share = found.all_of_a_run(0.95)
    assert share is not None
    return share.value


def mean(found: Tally, name: str) -> float:
    """The mean, of a measure that there always is."""
    estimate = found.mean(name, 0.95)
    assert estimate is not None
    return estimate.value


def matrix(stages: Iterable[int] = STAGES) -> Iterator[list[str]]:
    """A row for each number of Stages and way to push, a column for each policy."""
    for n in stages:
        for pushes in PUSHES:
            yield [str(n), pushes, *(in_short(tally(n, pushes, policy)) for policy in POLICIES)]


def in_short(found: Tally) -> str:
    """In how many runs all Promotions succeed, wasted attempts for each, and when all is over."""
    return f"{every(found):.1%}, {mean(found, WASTED):.2f}, {duration(mean(found, TO_THE_LAST))}"


def restarted() -> list[str]:
    """The table of controllers that are restarted, of ten Stages."""
    rows = []
    for pushes in (ONE_TRY, "1.11.2"):
        for lives in LIVES:
            studies = (
                replace(study(10, pushes), policy=policy_named(p), disturbances=lives.of()) for p in POLICIES
            )
            rows.append([pushes, lives.says, *(in_short(counted(each)) for each in studies)])
    return [*markdown_table(("", "restarted", *POLICIES), rows)]


class Lives(NamedTuple):
    """How long a controller runs until it is restarted, on average: exponentially distributed; None for ever."""

    says: str
    seconds: int | None

    def of(self) -> Disturbances:
        """It is back after five seconds."""
        if self.seconds is None:
            return Disturbances()
        return Disturbances(restarts=continuous("expon", {"scale": self.seconds * 1000.0}), down=always(5000))


LIVES = (Lives("never", None), Lives("after 30s", 30))


def tables(stages: Iterable[int] = STAGES) -> Iterator[list[str]]:
    """The tables of the page."""
    yield [*markdown_table(HEAD, [*rows(UNDER_POLICIES, stages)])]
    yield [*markdown_table(HEAD, [*rows(BY_PUSHES, stages)])]
    yield [*markdown_table(("Stages", "", *POLICIES), [*matrix(stages)])]


def sweep(cases: Cases) -> Sweep:
    """What there is to draw."""
    points = []
    for n in STAGES:
        tallies = tuple(replace(tally(n, *case), name=label(cases, case)) for case in cases)
        points.append((str(n), Result(study(n), tallies, RUNS)))
    return Sweep("Stages", tuple(points))


TITLES = {
    "policies": "Stages that push to one branch, under failure policies; git-push tries once",
    "pushes": "Stages that push to one branch, by what git-push does; without a failure policy",
}
"""Of the plots."""


def main() -> None:
    """Print the tables and write the plots."""
    PLOTS.mkdir(exist_ok=True)
    with mpl.rc_context(STYLE):
        for name, cases in (("policies", UNDER_POLICIES), ("pushes", BY_PUSHES)):
            save(curves(sweep(cases), TITLES[name]), PLOTS / f"shared-branch-{name}.svg")
    print("\n\n".join("\n".join(table) for table in (*tables(), restarted())))


if __name__ == "__main__":
    main()
