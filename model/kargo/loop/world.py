"""What happens around the controllers: applications, AnalysisRuns, and what can go wrong."""

from __future__ import annotations

from model.kargo.loop.values import Run, RunNote, of
from model.kargo.phases import HealthState, VerificationPhase
from model.system import Action, Outcomes, action, only

QUIET = frozenset({HealthState.HEALTHY, HealthState.NOT_APPLICABLE})


def see(app: HealthState) -> Outcomes:
    """What the health checks of the last Promotion come to, and what they complain about."""
    return only(observed=app, observed_issues=() if app in QUIET else (f"scripted {app}",))


def observe(stage: str) -> Action:
    """How the applications of a Stage are, whenever they are looked at."""
    return action(
        see, f"look at the applications of {stage}", app=of("app", stage), writes=("observed", "observed_issues")
    )


def set_health(app: HealthState, *, found: HealthState) -> Outcomes:
    """The applications change."""
    return only(app=found) if app is not found else ()


def set_run(runs: tuple[Run, ...], now: int, *, phase: VerificationPhase) -> Outcomes:
    """Enabled while there is an AnalysisRun: the newest one changes. When it was completed it says for ever."""
    if not runs:
        return ()
    completed = now // 1000 * 1000 if phase.terminal else runs[-1].completed
    return only(runs=(*runs[:-1], runs[-1]._replace(phase=phase, completed=completed)))


def note_run(runs: tuple[Run, ...], run_notes: tuple[RunNote, ...], *, message: str) -> Outcomes:
    """What the newest AnalysisRun says."""
    newest = runs[-1].number
    return only(run_notes=tuple(n._replace(message=message) if n.number == newest else n for n in run_notes))


def delete_run(runs: tuple[Run, ...], run_notes: tuple[RunNote, ...]) -> Outcomes:
    """Enabled while there is an AnalysisRun: the newest one is deleted."""
    if not runs:
        return ()
    return only(f"AnalysisRun {runs[-1].number} is deleted", runs=runs[:-1], run_notes=run_notes[:-1])


def discover(freight_exists: bool, earlier_exists: bool) -> Outcomes:
    """Enabled while the Freight is not there and all before it are: a Warehouse finds it."""
    return only("found", freight_exists=True) if earlier_exists and not freight_exists else ()


def age(since: int | None, *, most_ms: int) -> Outcomes:
    """Freight that is in a Stage has been there for longer; beyond `most_ms` that makes no difference."""
    return only(since=-most_ms) if since is not None and since > -most_ms else ()


def end_run(runs: tuple[Run, ...], now: int, *, number: int, phase: VerificationPhase) -> Outcomes:
    """Enabled for an AnalysisRun that is not over: now it is."""
    if not any(r.number == number and not r.phase.terminal for r in runs):
        return ()
    return only(
        runs=tuple(r._replace(phase=phase, completed=now // 1000 * 1000) if r.number == number else r for r in runs)
    )
