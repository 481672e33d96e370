"""What is known of bugs is what comes of telling their stories."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simulations.kargo.live import gates, which_bug
from simulations.kargo.live.known_bugs import FILE, known_bug, known_bugs
from simulations.kargo.live.telling_bugs import as_text, tell_bug
from simulations.kargo.scenarios import STORIES


def test_a_bug_is_known_as_its_story_tells_it() -> None:
    assert known_bug("frozen-stage") == tell_bug("frozen-stage"), "python -m benchmarks.known_bugs"


@pytest.mark.slow
def test_every_bug_is_known_as_its_story_tells_it() -> None:
    told = [tell_bug(name) for name in STORIES]

    assert FILE.read_text() == as_text([bug for bug in told if bug.releases]), "python -m benchmarks.known_bugs"


def test_the_bugs_that_close_gates_are_known() -> None:
    told = "".join(Path(module.__file__).read_text() for module in (gates, which_bug))
    named = re.findall(r'"([a-z]+(?:-[a-z]+)+)"', told)
    bugs = [name for name in named if name in STORIES]

    assert len(bugs) > 5
    assert set(bugs) <= set(known_bugs())
