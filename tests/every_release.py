"""Every release as a parameter: the oldest and the newest proper at once, the others with the slow tests."""

from __future__ import annotations

import pytest

from model.kargo.releases import RELEASES

AT_ONCE = ("1.8.3", "1.11.2")
EVERY = [pytest.param(r, marks=() if r in AT_ONCE else (pytest.mark.slow,)) for r in RELEASES]
