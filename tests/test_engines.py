"""The sizes of the toys, as published or derived elsewhere, by every engine and by a search by dictionaries."""

from __future__ import annotations

import pytest

from invariants.check import check
from model.system import System
from model.toys.die_hard import die_hard
from model.toys.dining_philosophers import dining_philosophers
from model.toys.ewd840 import ewd840
from model.toys.peterson import peterson
from model.toys.tcommit import tcommit
from model.toys.two_phase_commit import two_phase_commit
from tests.naive import explore

SMALL = (
    (two_phase_commit(1), (12, 20, 5)),
    (two_phase_commit(2), (56, 154, 8)),
    (two_phase_commit(3), (288, 1_146, 11)),
    (two_phase_commit(4), (1_568, 8_258, 14)),
    (die_hard(), (16, 97, 8)),
    (peterson(), (42, 77, 11)),
    (dining_philosophers(5), (67, 336, 29)),
    (dining_philosophers(7), (259, 1_814, 41)),
    (ewd840(3), (302, 2_001, 9)),
    (tcommit(3), (34, 94, 7)),
)
"""States, transitions with the initial states, levels: TLC's figures (of EWD 840, see there)."""

LARGE = {
    5: (8_832, 58_146, 17),
    6: (50_816, 402_306, 20),
    7: (296_448, 2_744_706, 23),
    8: (1_745_408, 18_507_778, 26),
    9: (10_340_352, 123_558_402, 29),
    10: (61_515_776, 817_760_258, 32),
}
"""Two-phase commit, by the number of resource managers."""

SATURATED = {
    20: 3_657_257_952_739_328,
    50: 808_281_278_732_414_660_871_370_127_853_146_341_376,
}


def size(system: System, engine: str) -> tuple[int, int | None, int | None]:
    report = check(system, engine=engine)
    return report.states, report.transitions, report.levels


@pytest.mark.parametrize(("system", "sizes"), SMALL, ids=lambda x: x.name if isinstance(x, System) else "")
def test_sizes_of_the_toys(system: System, sizes: tuple[int, int, int]) -> None:
    truth = explore(system)

    assert sizes == (truth.states, truth.transitions, truth.levels)
    assert sizes == size(system, "symbolic")
    assert sizes == size(system, "explicit")


@pytest.mark.parametrize("n", LARGE)
def test_sizes_of_two_phase_commit(n: int) -> None:
    assert LARGE[n] == size(two_phase_commit(n), "symbolic")


@pytest.mark.parametrize("n", [5, 6, 7])
def test_sizes_of_two_phase_commit_one_state_at_a_time(n: int) -> None:
    assert LARGE[n] == size(two_phase_commit(n), "explicit")


@pytest.mark.parametrize("n", SATURATED)
def test_sizes_of_two_phase_commit_by_saturation(n: int) -> None:
    report = check(two_phase_commit(n), strategy="saturation", transitions=False)

    assert SATURATED[n] == report.states


@pytest.mark.parametrize("n", [3, 8, 10])
def test_both_strategies_count_the_same(n: int) -> None:
    report = check(two_phase_commit(n), strategy="saturation")

    assert (LARGE.get(n) or (288, 1_146, 11))[:2] == (report.states, report.transitions)
