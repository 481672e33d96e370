"""Scenarios: reported bugs, reproduced from the report's own manifests, and their remedies judged.

Nothing is typed in: what was recorded comes from the report, everything else is run or checked.
"""

from __future__ import annotations

from dataclasses import dataclass

from invariants.verdicts import Judgement, Verdict
from simulations.kargo.runs import Run


@dataclass(frozen=True)
class Answer:
    """A question about a remedy, answered by the checker; `wanted` is the answer one would like to hear."""

    question: str
    yes: bool
    wanted: bool
    judgement: Judgement

    @property
    def good(self) -> bool:
        """Whether it is the answer one would like to hear."""
        return self.yes is self.wanted


@dataclass(frozen=True)
class Remedy:
    """A way to be rid of the bug: what it is, and the answers for it."""

    name: str
    about: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class InRelease:
    """The claims of a template in one release."""

    release: str
    judgements: tuple[Judgement, ...]

    @property
    def violated(self) -> tuple[str, ...]:
        """The claims that do not hold, each once."""
        return tuple(dict.fromkeys(j.property.claim for j in self.judgements if j.verdict is Verdict.VIOLATED))


@dataclass(frozen=True)
class Reproduction:
    """What came out: the run, how it compares with what was recorded, the releases, and the remedies.

    `run_as` is the release of the run. `differences` are those between the run and the recorded statuses, in words;
    none means reproduced.
    `consequences` is what follows by itself from how the Promotion ended.
    """

    name: str
    about: str
    run_as: str
    run: Run
    recorded: tuple[str, ...]
    differences: tuple[str, ...]
    consequences: tuple[str, ...]
    releases: tuple[InRelease, ...]
    remedies: tuple[Remedy, ...]

    @property
    def reproduced(self) -> bool:
        """Whether the run shows what the report shows."""
        return not self.differences
