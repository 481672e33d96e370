"""How the model and the real engine compared, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from diagrams.yaml_text import yaml_text
from simulations.speckit.side_by_side import Compared, Divergence


def lines(found: Compared) -> Iterator[str]:
    """The answer first, then the smallest workflow in which the two differ."""
    bad = len(found.divergent)
    with_what = f"the model of {found.release} and spec-kit {found.version}"
    if bad:
        yield f"divergent: {bad} of {found.count:,} workflows (seed {found.seed}), {with_what}"
    else:
        yield f"no divergence: {found.count:,} workflows (seed {found.seed}), {with_what}"
    came_to = ", ".join(f"{status} {count:,}" for status, count in found.statuses.items())
    yield f"  the engine returned with: {came_to}"
    if found.smallest is not None:
        yield ""
        yield from _divergence(found.smallest)


def _divergence(found: Divergence) -> Iterator[str]:
    yield f"the smallest workflow found from number {found.number}:"
    case = found.case.as_json()
    shown = {key: value for key, value in case.items() if value or key == "workflow"}
    text = yaml_text(shown)
    yield from (f"  {line}" for line in text.splitlines())
    yield "differences:"
    yield from (f"  {difference}" for difference in found.differences)


def as_json(found: Compared) -> Mapping[str, object]:
    """The same for programs."""
    smallest = found.smallest
    return {
        "engine": "spec-kit",
        "release": found.release,
        "version": found.version,
        "seed": found.seed,
        "compared": found.count,
        "divergent": list(found.divergent),
        "statuses": found.statuses,
        "smallest": None
        if smallest is None
        else {
            "number": smallest.number,
            "case": smallest.case.as_json(),
            "differences": list(smallest.differences),
        },
    }
