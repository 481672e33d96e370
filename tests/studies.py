"""What tests of studies share: runs that are counted, exact values, Storm, and whether they agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simulations.kargo.study import exact, measures
from simulations.kargo.study.exact import Exact
from simulations.kargo.study.measures import TO_VERIFIED, Tally, Variant
from simulations.kargo.study.study import OUTCOMES, Study
from simulations.stochastic import chains
from simulations.stochastic.chains import Bounds, Chain
from simulations.stochastic.tallies import Estimate

CONFIDENT = 0.999
"""Of the intervals that have to hold an exact value: with so many of them, one of 95 % would miss now and then."""


def tally(study: Study) -> Tally:
    """What the runs of a study come to."""
    [found] = measures.together(map(measures.count, measures.portions((Variant("", study),))))
    return found


def solved(study: Study) -> Exact:
    """The exact values of a study."""
    return exact.exact(exact.chain_of(study), study)


def holds(estimate: Estimate | None, value: float | None) -> bool:
    """Whether the interval of an estimate holds a value; there are both, or neither."""
    if estimate is None or value is None:
        return estimate is None and value is None
    return estimate.low - 1e-6 <= value <= estimate.high + 1e-6


def agree(study: Study) -> Exact:
    """The exact values of a study, which its runs are demanded to agree with."""
    values, found = solved(study), tally(study)
    for outcome in OUTCOMES:
        bounds = values.outcomes.get(outcome, Bounds(0.0, 0.0))
        assert bounds.least == bounds.greatest
        assert holds(found.share_of(outcome, CONFIDENT), bounds.least), outcome
    for name, bounds in values.gathered.items():
        assert holds(found.mean(name, CONFIDENT), bounds.least), name
    assert holds(found.mean(TO_VERIFIED, CONFIDENT), values.verified_after)
    if study.branch:
        assert holds(found.all_of_a_run(CONFIDENT), values.all_promoted)
    return values


def storm(chain: Chain, rewards: dict[str, str], folder: Path) -> Callable[[str], float]:
    """What Storm says of the first state of a chain that is written, and read by Storm."""
    stormpy = pytest.importorskip("stormpy", reason="Storm is not installed; it is one of the tests' own packages")
    file = folder / "chain.drn"
    file.write_text(chains.drn(chain, rewards))
    model = stormpy.build_model_from_drn(str(file))

    def answer(formula: str) -> float:
        [asked] = stormpy.parse_properties(formula)
        return float(stormpy.model_checking(model, asked).get_value(model.initial_states[0]))

    return answer


def storm_agrees(study: Study, folder: Path) -> None:
    """Demand that Storm computes the values that we do from the chain that is written for it."""
    chain = exact.chain_of(study)
    values, asked = exact.exact(chain, study), storm(chain, dict(exact.exported(study)), folder)
    stages = exact.names_of(study)
    for outcome, bounds in values.outcomes.items():
        labels = {name for names in chain.labels.values() for name in names}
        mine = [label for stage in stages if (label := exact.label(outcome, stage)) in labels]
        share = sum(asked(f'P=? [F "{label}"]') for label in mine) / len(stages)
        assert share == pytest.approx(bounds.least, rel=1e-5), outcome
    for name, bounds in values.gathered.items():
        expected = asked(f'R{{"{exact.exported(study)[name]}"}}=? [F "{exact.OVER}"]')
        assert expected == pytest.approx(bounds.least, rel=1e-5, abs=1e-9), name
    if values.all_promoted:
        assert asked(f'P=? [F "{exact.ALL_PROMOTED}"]') == pytest.approx(values.all_promoted, rel=1e-5)
