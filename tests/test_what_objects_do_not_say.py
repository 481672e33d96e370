"""What live objects do not say is told, and not taken for something that they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from live_cases import CASES

from kargo_model import main
from model.kargo.live.values import instant_of, instant_text
from model.kargo.releases import RELEASES
from simulations.kargo.live.writing import manifests
from simulations.kargo.loop.walks import Walk

Json = dict[str, Any]


def written(name: str) -> Json:
    """The objects of a case."""
    case = next(case for case in CASES if case.name == name)
    walk = Walk(case.program, RELEASES[case.kargo])
    walk.begin()
    for event in case.program["events"]:
        walk.do(event)
    return manifests(walk.cluster)


def one(found: Json, kind: str, name: str = "") -> Json:
    """An object of a kind, the last there is or that of this name."""
    named = [o for o in found["items"] if o["kind"] == kind and name in ("", o["metadata"]["name"])]
    return dict(named[-1])


def diagnosed(found: Json, folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said of objects, the first line first."""
    path = folder / "objects.yaml"
    path.write_text(yaml.dump(found))
    main(["diagnose", str(path), "--kargo", "1.11.2", *arguments])
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2025-01-31", "2025-01-31T12:00:00", "soon"]
)
def test_what_is_no_instant_that_can_be_written_is_none(text: str) -> None:
    assert instant_of(text) is None


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", "2025-03-04T01:02:03.004Z"])
def test_an_instant_is_written_as_it_was_read(text: str) -> None:
    instant = instant_of(text)

    assert instant is not None
    assert instant_text(instant) == text


def test_freight_of_a_warehouse_that_is_no_longer_asked_for_exists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = written("all is well")
    origin = one(found, "Stage")["spec"]["requestedFreight"][0]["origin"]
    origin["name"] = "w9"
    found["items"] = [o for o in found["items"] if o["kind"] != "Promotion"]
    other = json.loads(json.dumps(one(found, "Warehouse")))
    other["metadata"]["name"] = "w9"
    found["items"].append(other)

    assert diagnosed(found, tmp_path, capsys).startswith("dev: idle")


def test_a_step_that_began_late_tells_what_time_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = written("a step that polls for ever")
    one(found, "Promotion")["status"]["stepExecutionMetadata"][0]["startedAt"] = "2000-01-01T01:00:00Z"

    assert "at 2000-01-01T01:00:00Z" in diagnosed(found, tmp_path, capsys)
