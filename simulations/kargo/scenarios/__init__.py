"""Reported bugs that can be reproduced by name, and the manifests they come with."""

from __future__ import annotations

import importlib

from simulations.kargo.scenario import Reproduction

SCENARIOS = {
    "skip-vs-retry": "simulations.kargo.skip_vs_retry",
}
"""The module of each; it has `ABOUT` and `reproduce()`."""


def about(name: str) -> str:
    """What the scenario is about, in a sentence."""
    return str(importlib.import_module(SCENARIOS[name]).ABOUT)


def reproduce(name: str) -> Reproduction:
    """Reproduce it."""
    found: Reproduction = importlib.import_module(SCENARIOS[name]).reproduce()
    return found
