"""A fused system goes the same ways as the one it is made of."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from invariants.fusing import fused
from tests.naive import explore
from tests.random_systems import Maker


@given(seed=st.integers(0, 2**32 - 1), reads=st.integers(0, 8))
@settings(max_examples=150, deadline=None)
def test_a_fused_system_has_the_same_states_transitions_and_verdicts(seed: int, reads: int) -> None:
    maker = Maker(Random(seed))
    system = maker.system()
    properties = maker.properties(system)
    seen = {name for claim in properties for _, (name, _) in claim.reads}

    assert explore(fused(system, seen, reads), properties) == explore(system, properties)
