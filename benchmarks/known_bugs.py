"""Tell every story in every release, and write down what is known of the bugs: what `diagnose` reads.

To be called as `python -m benchmarks.known_bugs`.
"""

from __future__ import annotations

from simulations.kargo.live.known_bugs import FILE
from simulations.kargo.live.telling_bugs import as_text, tell_bug
from simulations.kargo.scenarios import STORIES


def main() -> None:
    """Write the file."""
    found = [tell_bug(name) for name in STORIES]
    FILE.write_text(as_text([bug for bug in found if bug.releases]), encoding="utf-8")


if __name__ == "__main__":
    main()
