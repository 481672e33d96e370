import gzip
import json
from pathlib import Path

import pytest

from simulations.kargo.recorded import recorded_releases
from simulations.kargo.replay_expressions import replay
from simulations.replay import RecordingError

ROOT = Path(__file__).parents[1]
WHOLE = ROOT.parent / "shared" / "traces" / "expressions"
CARRIED = ROOT / "tests" / "recordings" / "expressions"
RELEASES = ["1.8.3", "1.8.5", "1.9.9", "1.10.10", "1.11.2", "main"]


@pytest.fixture(params=[pytest.param(WHOLE, marks=pytest.mark.slow), CARRIED], ids=["whole", "carried"])
def recordings(request: pytest.FixtureRequest) -> Path:
    """A folder of recordings; a missing one is skipped by name, so that `-ra` shows it."""
    if not (request.param / "environment.json").exists():
        pytest.skip(f"the {request.node.callspec.id} recordings are not here")
    return request.param


def test_every_recorded_expression_is_decided_as_the_controller_decided_it(recordings):
    results = list(replay(recordings))

    assert [result.release for result in results] == recorded_releases(recordings)
    assert [str(one) for result in results for one in result.divergences] == []
    assert all(result.agrees and result.compared == 2 * result.programs for result in results)


WORLD = {
    "project": "demo", "promotion": "p", "uiBaseUrl": "", "actor": "",
    "freight": {"metadata": {"name": "f"}, "origin": {"kind": "Warehouse", "name": "main"}},
    "stage": {
        "metadata": {"namespace": "demo", "name": "test"},
        "spec": {"requestedFreight": [{"origin": {"name": "main"}}]},
    },
    "warehouses": [], "configMaps": [], "secrets": [], "vars": [{"name": "v", "value": "1"}], "stepVars": [],
    "outputs": {"a": {"n": 2}}, "stepMetas": {"ok": [{"alias": "a", "status": "Failed"}]},
}  # fmt: skip


def write(folder, recording, world=None):
    (folder / "environment.json").write_text(json.dumps(world or WORLD))
    program = {"id": "e1", "env": "ok", "alias": "x", "template": "${{ failure() && outputs.a.n == 2 }}"}
    for name, line in (("programs", program), ("1.11.2", recording)):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as file:
            file.write(json.dumps(line) + "\n")


def test_a_folder_that_agrees(tmp_path):
    write(tmp_path, {"id": "e1", "if": {"skip": False}, "config": {"value": True}})

    (result,) = replay(tmp_path)
    assert (result.release, result.programs, result.compared, result.divergences) == ("1.11.2", 1, 2, ())
    assert result.agrees


def test_every_difference_is_reported(tmp_path):
    write(tmp_path, {"id": "e1", "if": {"error": "no"}, "config": {"value": 1}})

    (result,) = replay(tmp_path, ["1.11.2"])
    assert [(one.program, one.field, one.expected) for one in result.divergences] == [
        ("e1", "if", 'error "no"'),
        ("e1", "config", '{"value":1}'),
    ]
    assert not result.agrees


def test_true_is_not_one(tmp_path):
    write(tmp_path, {"id": "e1", "if": {"skip": False}, "config": {"value": 1}})

    (result,) = replay(tmp_path)
    assert [one.field for one in result.divergences] == ["config"]


def test_a_limit_of_nothing_compares_nothing(tmp_path):
    write(tmp_path, {"id": "e1", "if": {"skip": False}, "config": {"value": True}})

    (result,) = replay(tmp_path, limit=0)
    assert not result.agrees


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(RecordingError, match=r"environment\.json cannot be read"):
        list(replay(tmp_path, RELEASES))
    write(tmp_path, {"id": "e2"})
    with pytest.raises(RecordingError, match="does not hold one recording per program"):
        list(replay(tmp_path))
    with pytest.raises(RecordingError, match=r"1\.8\.3\.jsonl\.gz cannot be read"):
        list(replay(tmp_path, ["1.8.3"]))
    (tmp_path / "programs.jsonl.gz").write_bytes(b"no")
    with pytest.raises(RecordingError, match=r"programs\.jsonl\.gz cannot be read"):
        list(replay(tmp_path))
    (tmp_path / "environment.json").write_text("{}")
    with pytest.raises(RecordingError, match="does not describe the surroundings"):
        list(replay(tmp_path))
