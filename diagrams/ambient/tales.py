"""The report of Ambient as playbacks: each of its stories step by step, and what holds by version."""

from __future__ import annotations

from collections.abc import Iterator

from diagrams import sessions
from diagrams.pages.grids import Cell, Grid
from diagrams.pages.playbacks import Playback, frame
from diagrams.theme import Kind
from invariants.verdicts import Verdict
from simulations.ambient import lost_retry
from simulations.ambient.lost_retry import Reproduction, Telling

KINDS = {Verdict.HOLDS: Kind.GOOD, Verdict.VIOLATED: Kind.BAD, Verdict.BOUNDED: Kind.UNCLEAR}


def of_reproduction(found: Reproduction) -> tuple[Playback, ...]:
    """A playback for each story; the first, as it was reported, has the name of the report and the claims."""
    return tuple(_story(story, number, found) for number, story in enumerate(found.stories, start=1))


def _story(story: Telling, number: int, found: Reproduction) -> Playback:
    run, first = story.run, number == 1
    reported = "reproduced" if found.reproduced else "not reproduced"
    start = run.beats[0].taken.before
    return Playback(
        lost_retry.NAME if first else f"{lost_retry.NAME}-{number}",
        f"{lost_retry.ABOUT}: {story.about}",
        f"{lost_retry.NAME}, {', '.join(lost_retry.REPORTS)}, Ambient {story.behaviours.version}",
        reported if first else "pushed in the end" if run.told else "never pushed",
        Kind.GOOD if run.told else Kind.BAD,
        start,
        tuple(frame(beat.taken, at=f"{beat.at:g}s") for beat in run.beats),
        frozenset(name for name in start if sessions.told(name)),
        f"after {run.until:g} s: {sessions.ending(run)}",
        remarks=tuple(f"The report differs: not so that {what}" for what in found.differences) if first else (),
        grids=tuple(_grids(found)) if first else (),
    )


def _grids(found: Reproduction) -> Iterator[Grid]:
    versions = list(found.claims[0].judgements)
    rows = (
        (
            Cell(claimed.name.replace("_", " ")),
            Cell(claimed.system),
            *(Cell(claimed.judgements[v].verdict.value, KINDS[claimed.judgements[v].verdict]) for v in versions),
        )
        for claimed in found.claims
    )
    yield Grid("What holds, by version, over everything that can happen", ("claim", "on", *versions), tuple(rows))
