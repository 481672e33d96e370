"""One exploration by Storm, in a process of its own: `python storm.py FILE ENGINE`; prints one line of JSON.

It imports nothing of this project, because Storm's package may be in an environment of its own.
"""

from __future__ import annotations

import json
import re
import sys
import time

import stormpy


def main(file: str) -> None:
    """Build the states of the model as decision diagrams.

    Storm gives a state in which nothing can happen a step to itself; how many such there are is said too.
    """
    began = time.perf_counter()
    model = stormpy.build_symbolic_model(stormpy.parse_prism_program(file))
    states, transitions = model.nr_states, model.nr_transitions
    seconds = time.perf_counter() - began
    dead = re.search(r"deadlock -> (\d+) state", str(model))
    print(
        json.dumps(
            {"states": states, "transitions": transitions, "dead": int(dead[1]) if dead else 0, "seconds": seconds}
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
