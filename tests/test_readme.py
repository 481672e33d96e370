"""The examples of the README are real: each is run, and its output compared."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

import kargo_model

ROOT = Path(__file__).parent.parent
EXAMPLES = re.findall(r"```console\n\$ kargo-model (.*)\n((?:.*\n)*?)```", (ROOT / "README.md").read_text())


@pytest.mark.parametrize(("call", "output"), EXAMPLES, ids=[call.split()[-1] for call, _ in EXAMPLES])
def test_an_example_of_the_readme_prints_what_it_shows(
    call: str, output: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)

    assert kargo_model.main(shlex.split(call)) == 0

    printed = capsys.readouterr().out
    if "json" in call:
        assert json.loads(printed)["phase"] == "Succeeded"
    else:
        assert printed == output


def test_the_readme_has_examples() -> None:
    assert len(EXAMPLES) >= 2


def test_the_map_of_the_readme_names_every_folder() -> None:
    text = (ROOT / "README.md").read_text()
    folders = {p.parent.name for p in ROOT.glob("*/*.py")} - {".venv"}

    assert all(f"`{folder}/`" in text for folder in folders)
