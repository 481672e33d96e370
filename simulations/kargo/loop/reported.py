"""Scenarios of the control loop, told in every release: where they break, which fixes and which recoveries help."""

from __future__ import annotations

from dataclasses import dataclass

from model.kargo.older_releases import OLDER
from model.kargo.releases import RELEASES, Behaviours
from model.releases import unknown
from model.system import Tables
from simulations.kargo.loop.scenario_file import Fix, Recovery, Scenario
from simulations.kargo.loop.symptoms import Violation, violation
from simulations.kargo.loop.told import Told, tell


@dataclass(frozen=True)
class InRelease:
    """What comes of the claims in one release, or with a fix: by sentence, how each is violated first, if it is.

    `recorded` says whether the release was ever held against a recording.
    """

    release: str
    recorded: bool
    violations: dict[str, Violation | None]

    @property
    def breaks(self) -> bool:
        """Whether any claim is violated."""
        return any(v is not None for v in self.violations.values())


@dataclass(frozen=True)
class Mended:
    """A fix, and what is left of the bug."""

    fix: Fix
    found: InRelease


@dataclass(frozen=True)
class Tried:
    """A recovery that was tried, in place of which event of the story, and what is not as it should be after it."""

    recovery: Recovery
    instead: str
    missing: tuple[str, ...]

    @property
    def works(self) -> bool:
        """Whether everything is as it should be."""
        return not self.missing


@dataclass(frozen=True)
class Reproduced:
    """What came out: the story as told in one release, every release, and the ways out in that release."""

    scenario: Scenario
    release: str
    told: Told
    releases: tuple[InRelease, ...]
    fixes: tuple[Mended, ...]
    recoveries: tuple[Tried, ...]

    @property
    def here(self) -> InRelease:
        """What came of the claims in the release that the story is told in."""
        return next(r for r in self.releases if r.release == self.release)


def releases_of(scenario: Scenario) -> dict[str, Behaviours]:
    """The releases that the scenario is told in, oldest first: those recorded, and the older ones it asks about."""
    return {name: OLDER[name] for name in OLDER if name in scenario.older} | RELEASES


def reproduce(scenario: Scenario, release: str | None = None) -> Reproduced:
    """Tell the story in every release, and try the ways out in `release`: if None, in the newest that breaks.

    Raises UnknownReleaseError.
    """
    known = releases_of(scenario)
    if release is not None and (release := release.removeprefix("v")) not in known:
        raise unknown("Kargo", release, known, kind=f"releases for {scenario.name}")
    tables = {name: Tables() for name in known}
    told = {name: tell(scenario.program, scenario.story, b, tables[name]) for name, b in known.items()}
    releases = tuple(judged(scenario, name, told[name]) for name in known)
    broken = [found.release for found in releases if found.breaks]
    asked = release or (broken[-1] if broken else releases[-1].release)
    return Reproduced(
        scenario,
        asked,
        told[asked],
        releases,
        tuple(Mended(fix, with_fix(scenario, fix, asked)) for fix in scenario.fixes),
        tuple(tried(scenario, recovery, known[asked], tables[asked]) for recovery in scenario.recoveries),
    )


def judged(scenario: Scenario, release: str, told: Told) -> InRelease:
    """The claims of the scenario about a story as told in a release."""
    moments = told.moments
    found = {claim.name: violation(claim, told.cluster, moments) for claim in scenario.claims}
    return InRelease(release, release in RELEASES, found)


def with_fix(scenario: Scenario, fix: Fix, release: str) -> InRelease:
    """The claims about the story as told in a release with the fix."""
    behaviours = fix.applied(releases_of(scenario)[release])
    return judged(scenario, release, tell(scenario.program, scenario.story, behaviours, Tables()))


def tried(scenario: Scenario, recovery: Recovery, behaviours: Behaviours, tables: Tables) -> Tried:
    """A recovery, tried in one release. `tables` may be shared by stories of that release."""
    at = recovery.instead_of
    told = tell(scenario.program, (*scenario.story[:at], *recovery.events), behaviours, tables)
    looks = (expectation.look(told.cluster) for expectation in recovery.then)
    instead = "" if at is None else scenario.story[at].text
    return Tried(recovery, instead, tuple(found.instead for found in looks if not found.met))
