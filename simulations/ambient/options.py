"""The fixes that the report proposes, and every combination of them, as values.

The report (#1486) words three options and says that they do not exclude each other:

* A: do not push before the pod exists. A1 checks in `reconcileRunning` whether WorkflowReconciled is True, A2
  pushes once when the runner's container is first seen running, A3 does so until it succeeds, and stays Creating
  meanwhile.
* B: write observedGeneration after the pod was created only if the workflow could be pushed. B' also counts a
  session without observedGeneration as edited.
* C: in `reconcileRunning`, push again while WorkflowReconciled is False with the reason UpdateFailed.

None of them says when a Running session is looked at again: after 30 s, as always.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from model.ambient.behaviours import FIX, HEAD, PRE, Behaviours, Repair, Retry, Started

Changes = Mapping[str, Any]

OPTION_A: dict[str, Changes] = {
    "A1": {"pushes_while_pending": False, "retry": Retry.UNLESS_TRUE},
    "A2": {"pushes_while_pending": False, "started": Started.PUSHED_ONCE},
    "A3": {"pushes_while_pending": False, "started": Started.PUSHED_UNTIL_DONE},
}
OPTION_B: dict[str, Changes] = {
    "B": {"stamps_failures": False},
    "B'": {"stamps_failures": False, "unset_is_drift": True},
}
OPTION_C: dict[str, Changes] = {"C": {"retry": Retry.AFTER_FAILURE}}

NOTHING: Changes = {}

REPAIRED = replace(HEAD, version="repaired", repairs=frozenset(Repair))
"""The operator of today with everything that is needed for a session to get what its spec says in all cases."""


def combined(*changes: Changes) -> Behaviours:
    """The operator as reported, with several changes: of two about retries, the one that retries more often."""
    asked = [c["retry"] for c in changes if "retry" in c]
    merged = {name: value for c in changes for name, value in c.items()}
    if asked:
        merged["retry"] = max(asked, key=list(Retry).index)
    return replace(PRE, **merged)


def options() -> Iterator[tuple[str, Behaviours]]:
    """Every combination of the options, by name, the fewest changes first; the first one has none of them.

    The version is named after the options.
    """
    choices = product(*({"": NOTHING, **option}.items() for option in (OPTION_A, OPTION_B, OPTION_C)))
    named = [("+".join(n for n, _ in chosen if n), [c for n, c in chosen if n]) for chosen in choices]
    for name, changes in sorted(named, key=lambda found: (len(found[1]), found[0])):
        yield name or "as reported", replace(combined(*changes), version=name or PRE.version)


def variants() -> dict[str, Behaviours]:
    """What is judged: the operator as reported, the options, the fix that was made, and the operator of today.

    The last one is that with all repairs.
    """
    return {**dict(options()), "as fixed (#1487)": FIX, "today": HEAD, "today + repairs": REPAIRED}
