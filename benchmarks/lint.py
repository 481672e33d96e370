"""How long `kargo-model lint` takes for 500 files: `python -m benchmarks.lint`.

A company with many teams: each has a pipeline of its own whose Stages differ in their variables, and some ways of
promoting that it shares with others. Then the same with aliases that nobody else has. Then the hardest case, fewer
files because each takes its time: templates of which no two are alike, each with timeouts, retries, conditions and
failures that are allowed as no other has them.

The processor's time is measured, not the clock's: what else the machine does is left out.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from model import gathering
from model.garbage import collected_rarely
from model.kargo.bundle import read_bundle
from model.kargo.releases import LATEST
from simulations.kargo.lint.linter import Linter

FILES = 500
FEW = 50


Json = dict[str, Any]


def clone(mark: str) -> Json:
    checkout = [{"branch": "main", "path": "./src"}]
    return {
        "uses": "git-clone",
        "as": f"clone{mark}",
        "config": {"repoURL": "${{ vars.repo }}", "checkout": checkout},
    }


def update(mark: str) -> Json:
    updates = [{"key": "tag", "value": "${{ vars.env }}"}]
    return {"uses": "yaml-update", "as": f"update{mark}", "config": {"path": "./src", "updates": updates}}


def commit(mark: str) -> Json:
    config = {"path": "./src", "message": f"${{{{ outputs.clone{mark}.commits }}}}"}
    return {"uses": "git-commit", "as": f"commit{mark}", "config": config}


def push(mark: str) -> Json:
    config = {"path": "./src", "targetBranch": "stage/${{ ctx.stage }}"}
    return {"uses": "git-push", "as": f"push{mark}", "config": config}


def propose(mark: str) -> Json:
    config = {"repoURL": "${{ vars.repo }}", "sourceBranch": f"${{{{ outputs.push{mark}.branch }}}}"}
    return {"uses": "git-open-pr", "as": f"pr{mark}", "config": {**config, "targetBranch": "main"}}


def wait(mark: str) -> Json:
    return {
        "uses": "git-wait-for-pr",
        "as": f"wait{mark}",
        "if": f"${{{{ status('pr{mark}') == 'Succeeded' }}}}",
        "retry": {"timeout": "24h"},
        "config": {"prNumber": f"${{{{ outputs.pr{mark}.pr.id }}}}"},
    }


def sync(mark: str) -> Json:
    return {"uses": "argocd-update", "as": f"sync{mark}", "config": {"apps": [{"name": "${{ vars.env }}"}]}}


def tell(mark: str) -> Json:
    config = {"url": "https://example.com", "method": "POST"}
    return {
        "uses": "http",
        "as": f"tell{mark}",
        "if": "${{ always() }}",
        "retry": {"timeout": "1m"},
        "config": config,
    }


WAYS = (
    (clone, update, commit, push, sync),
    (clone, update, commit, push, propose, wait, sync),
    (sync,),
    (clone, update, commit, push, sync, tell),
    (clone, update, commit, push),
    (clone, commit, push, propose, wait, sync, tell),
)
"""How teams promote."""

NAMES = ("dev", "test", "uat", "stage", "prod")

ALIKE, RENAMED, UNLIKE = (
    "teams that share their ways of promoting",
    "the same with aliases of their own",
    "no two templates alike",
)
CASES = (ALIKE, RENAMED, UNLIKE)


def changed(steps: list[Json], number: int, dice: random.Random) -> list[Json]:
    """The steps with settings that no other template has."""
    for place, one in enumerate(steps):
        one["retry"] = {"timeout": f"{number + 2}m"} if place == 0 else one.get("retry", {})
        if dice.random() < 0.2:
            one["retry"]["errorThreshold"] = dice.choice((2, 3))
        if dice.random() < 0.2:
            one["continueOnError"] = True
        if dice.random() < 0.1:
            one["if"] = dice.choice(("${{ success() }}", "${{ vars.env == 'prod' }}", "${{ always() }}"))
    return steps


def files_of(case: str) -> int:
    """How many files a case has."""
    return FEW if case == UNLIKE else FILES


def write(folder: Path, case: str, *, seed: int = 1) -> None:
    """Write the files of a case: teams of five Stages."""
    dice = random.Random(seed)
    for number in range(files_of(case)):
        team, place = divmod(number, len(NAMES))
        name, mark = NAMES[place], f"x{number}" if case == RENAMED else ""
        way = WAYS[team % len(WAYS)] if case == ALIKE else dice.choice(WAYS)
        steps = [step(mark) for step in way]
        sources = {"stages": [NAMES[place - 1]]} if place else {"direct": True}
        variables = {"env": name, "repo": f"https://git.example.com/team-{team}.git"}
        stage = {
            "apiVersion": "kargo.akuity.io/v1alpha1",
            "kind": "Stage",
            "metadata": {"name": name, "namespace": f"team-{team}"},
            "spec": {
                "vars": [{"name": n, "value": v} for n, v in variables.items()],
                "requestedFreight": [{"origin": {"kind": "Warehouse", "name": "main"}, "sources": sources}],
                "promotionTemplate": {"spec": {"steps": changed(steps, number, dice) if case == UNLIKE else steps}},
            },
        }
        (folder / f"team-{team}-{name}.yaml").write_text(yaml.safe_dump(stage, sort_keys=False))


def lint(folder: Path) -> tuple[float, int, int]:
    """Seconds of the processor, findings, and how many explorations it took."""
    began = time.process_time()
    found = gathering.gather([str(folder)], about="kargo.akuity.io")
    linter = Linter(LATEST)
    findings = linter.judge(read_bundle(found.documents))
    assert found.problems == []
    return time.process_time() - began, len(findings), len(linter.explorer.known)


def main() -> int:
    """Measure each case, and print a line for it."""
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), case)
            with collected_rarely():  # as the command line does
                seconds, findings, explored = lint(Path(folder))
        print(
            f"{files_of(case)} files, {case}: {seconds:.1f} s, {findings} findings, {explored} explorations",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
