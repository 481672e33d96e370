"""One exploration by an engine of this project, in a process of its own; prints one line of JSON.

    python -m benchmarks.side_by_side.ours ENGINE STRATEGY MODEL N

By layers and by the explicit engine: every state and transition of the whole model, as the other tools see them. By
saturation: a verdict on the claims of the model, with every state of what they depend on.
"""

from __future__ import annotations

import json
import sys
import time

from benchmarks.side_by_side.classics import CLASSICS, Model
from invariants.check import check
from invariants.findings import no_property
from invariants.verdicts import Verdict


def main(engine: str, strategy: str, model: str, n: str) -> None:
    """Explore and print, from the builder of the system to the report; what stopped it if it was not complete."""
    size, about = int(n), _model(model)
    judging = strategy == "saturation" or not about.module
    began = time.perf_counter()
    report = check(
        about.system(size),
        about.claims(size) if judging else (),
        engine=engine,
        strategy=strategy,
        transitions=strategy == "layers",
        traced=no_property,
    )
    seconds = time.perf_counter() - began
    assert not report.complete or all(j.verdict is Verdict.HOLDS for j in report.judgements), report
    print(
        json.dumps(
            {
                "states": report.states,
                "transitions": report.transitions,
                "seconds": seconds,
                "stopped": None if report.complete else report.bound,
                "dropped": len(report.sliced),
            }
        )
    )


def _model(name: str) -> Model:
    if name in CLASSICS:
        return CLASSICS[name]
    from benchmarks.side_by_side.models import MODELS  # all of Kargo's rules, which take a while to load

    return MODELS[name]


if __name__ == "__main__":
    main(*sys.argv[1:])
