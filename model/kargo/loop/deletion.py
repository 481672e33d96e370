"""What a Stage leaves behind when it is deleted: nothing in Freight, and no AnalysisRuns.

Source: `pkg/controller/stages/regular_stages.go: handleDelete`
"""

from __future__ import annotations

from collections.abc import Iterator

from model.kargo.loop.scope import Scope
from model.kargo.loop.values import of
from model.system import Action, Outcomes, Sequence, only, sequence


def forget_stage() -> Outcomes:
    """The Freight was never verified in, nor approved for, the Stage."""
    return only(verified=None, approved=None)


def remove_runs() -> Outcomes:
    """Its AnalysisRuns are deleted, and its finalizer is removed: it is gone."""
    return only("the Stage is gone", runs=(), run_notes=(), finalizer=False, stage_exists=False, stage_requeue=None)


def handle_delete(scope: Scope) -> Sequence:
    """The pass over a Stage that is being deleted."""
    return sequence("handling deletion", *_parts(scope))


def _parts(scope: Scope) -> Iterator[Action]:
    for freight in scope.all_freight:
        fields = {f: of(f, freight, scope.stage.name) for f in ("verified", "approved")}
        yield scope.bind(forget_stage, fields, writes=tuple(fields))
    yield scope.bind(remove_runs, writes=("runs", "run_notes", "finalizer", "stage_exists", "stage_requeue"))
