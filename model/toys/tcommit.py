"""Transaction commit: what two-phase commit is to achieve, without saying how.

After Lamport's TCommit.tla (tlaplus/Examples, specifications/transaction_commit): a resource manager may
commit when all have prepared or committed, and abort when none has committed.
"""

from __future__ import annotations

from model.system import NOT_ENABLED, Action, Outcomes, Sequence, System, action, only, required, sequence, variable

WORKING, PREPARED, COMMITTED, ABORTED = "working", "prepared", "committed", "aborted"


def prepare(rm: str) -> Outcomes:
    """Enabled when the resource manager works: it prepares."""
    return only(rm=PREPARED) if rm == WORKING else NOT_ENABLED


def can_commit(rm: str) -> Outcomes:
    """Enabled when the resource manager does not stand in the way of a commit."""
    return only() if rm in (PREPARED, COMMITTED) else NOT_ENABLED


def has_not_committed(rm: str) -> Outcomes:
    """Enabled when the resource manager does not stand in the way of an abort."""
    return only() if rm != COMMITTED else NOT_ENABLED


def commit(rm: str) -> Outcomes:
    """Enabled when the resource manager has prepared: it commits."""
    return only(rm=COMMITTED) if rm == PREPARED else NOT_ENABLED


def abort(rm: str) -> Outcomes:
    """Enabled when the resource manager has not decided: it aborts."""
    return only(rm=ABORTED) if rm in (WORKING, PREPARED) else NOT_ENABLED


def tcommit(n: int = 3) -> System:
    """Transaction commit among `n` resource managers."""
    states = (WORKING, PREPARED, COMMITTED, ABORTED)
    return System(
        f"transaction commit, {n} resource managers",
        tuple(variable(f"rm{i}", WORKING, domain=states) for i in range(1, n + 1)),
        tuple(step for i in range(1, n + 1) for step in _resource(i, n)),
    )


def _resource(i: int, n: int) -> tuple[Action | Sequence, ...]:
    rm, actor = f"rm{i}", f"rm{i}"
    everybody = range(1, n + 1)
    may = [required(action(can_commit, f"rm{j} can commit", rm=f"rm{j}")) for j in everybody]
    might = [required(action(has_not_committed, f"rm{j} has not committed", rm=f"rm{j}")) for j in everybody]
    return (
        action(prepare, f"prepare {i}", actor=actor, rm=rm),
        sequence(f"commit {i}", *may, required(action(commit, rm=rm)), actor=actor),
        sequence(f"abort {i}", *might, required(action(abort, rm=rm)), actor=actor),
    )
