"""The recordings that the repository carries: few, chosen the same way every time."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

CARRIED = Path(__file__).parent / "recordings"
WHOLE = Path(__file__).parents[2] / "shared" / "traces"
FAMILIES = sorted(p.name for p in CARRIED.iterdir() if (p / "programs.jsonl.gz").exists())
AT_MOST = 3 * 1024 * 1024


@pytest.fixture(scope="module")
def choose() -> ModuleType:
    """The script beside the recordings."""
    spec = importlib.util.spec_from_file_location("choose", CARRIED / "choose.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_steps_and_expressions_are_carried() -> None:
    assert {"expressions", "steps"} <= set(FAMILIES)


def test_the_carried_recordings_are_small() -> None:
    assert sum(f.stat().st_size for f in CARRIED.rglob("*") if f.is_file()) <= AT_MOST


@pytest.mark.parametrize("family", FAMILIES)
def test_every_file_of_a_family_has_the_same_programs_in_the_same_order(family: str) -> None:
    ids = {}
    for file in sorted((CARRIED / family).glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            ids[file.name] = [json.loads(line)["id"] for line in lines]

    assert len(ids) == 7
    assert len({tuple(found) for found in ids.values()}) == 1
    assert len(set(ids["programs.jsonl.gz"])) == len(ids["programs.jsonl.gz"])


def test_choosing_twice_gives_the_same_bytes_in_whatever_order_sets_are(choose: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for file in sorted((CARRIED / "steps").glob("*.jsonl.gz")):
        choose.write(source / file.name, choose.read(file)[:60])

    found = []
    for hashing in ("1", "2"):
        program = "import choose, sys; from pathlib import Path; choose.carry(*map(Path, sys.argv[1:]), 20)"
        command = [sys.executable, "-c", program, str(source), str(tmp_path / hashing)]
        environment = {**os.environ, "PYTHONHASHSEED": hashing}
        subprocess.run(command, cwd=CARRIED, env=environment, check=True, capture_output=True)
        found.append({f.name: f.read_bytes() for f in sorted((tmp_path / hashing).iterdir())})

    assert found[0] == found[1]
    assert len(found[0]) == 7


def test_what_is_chosen_shows_every_feature_and_no_more_than_asked_for(choose: ModuleType) -> None:
    documents = [{"a"}, {"a", "b"}, {"c"}, {"a"}, {"b"}]

    assert choose.choose(documents, 0) == [1, 2]
    assert len(choose.choose(documents, 4)) == 4
    assert {1, 2} <= set(choose.choose(documents, 4))
    assert choose.choose(documents, 99) == [0, 1, 2, 3, 4]


def test_a_feature_is_a_place_and_the_kind_of_value_there(choose: ModuleType) -> None:
    found = list(choose.features({"a": [1, -2.5, 0], "b": {"c": True, "d": None}, "t": 'step "x" failed 3 times'}))

    assert found == [".a[3]", ".a[]=+", ".a[]=-", ".a[]=0", ".b.c=True", ".b.d=None", ".t=step N failed N times"]


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_the_carried_recordings_are_among_all_of_them(choose: ModuleType, family: str) -> None:
    if not (WHOLE / family / "programs.jsonl.gz").exists():
        pytest.skip("the whole recordings are not here")

    for file in sorted((CARRIED / family).glob("*.jsonl.gz")):
        assert set(choose.read(file)) <= set(choose.read(WHOLE / family / file.name))
