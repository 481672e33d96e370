"""Two-phase commit: a transaction manager and N resource managers agree to commit or to abort.

After Lamport's TwoPhase.tla (tlaplus/Examples, specifications/transaction_commit): messages are never lost
and never removed, resource managers prepare or abort on their own, and the transaction manager commits once
everybody has prepared. What TLA+ writes as one set of messages and one function from resource managers to
states is one small variable per fact here; and "everybody has prepared" is one required part per resource
manager, so that no table has more than a handful of rows.
"""

from __future__ import annotations

from model.system import (
    NOT_ENABLED,
    Action,
    Outcomes,
    Sequence,
    System,
    Variable,
    action,
    only,
    required,
    sequence,
    variable,
)

WORKING, PREPARED, COMMITTED, ABORTED = "working", "prepared", "committed", "aborted"
INIT = "init"


def prepare(rm: str) -> Outcomes:
    """Enabled when the resource manager still works: it prepares and says so."""
    return only("prepared", rm=PREPARED, sent=True) if rm == WORKING else NOT_ENABLED


def choose_to_abort(rm: str) -> Outcomes:
    """Enabled when the resource manager still works: it aborts on its own."""
    return only("aborted", rm=ABORTED) if rm == WORKING else NOT_ENABLED


def note_prepared(tm: str, sent: bool) -> Outcomes:
    """Enabled when the transaction manager is undecided and a resource manager has said that it prepared."""
    return only("noted", noted=True) if tm == INIT and sent else NOT_ENABLED


def has_prepared(noted: bool) -> Outcomes:
    """Enabled when the transaction manager knows that the resource manager prepared."""
    return only() if noted else NOT_ENABLED


def commit(tm: str) -> Outcomes:
    """Enabled when the transaction manager is undecided: it commits and tells everybody."""
    return only("committed", tm=COMMITTED, commit_sent=True) if tm == INIT else NOT_ENABLED


def abort(tm: str) -> Outcomes:
    """Enabled when the transaction manager is undecided: it aborts and tells everybody."""
    return only("aborted", tm=ABORTED, abort_sent=True) if tm == INIT else NOT_ENABLED


def hear_commit(commit_sent: bool) -> Outcomes:
    """Enabled when the commit was sent: the resource manager commits."""
    return only("committed", rm=COMMITTED) if commit_sent else NOT_ENABLED


def hear_abort(abort_sent: bool) -> Outcomes:
    """Enabled when the abort was sent: the resource manager aborts."""
    return only("aborted", rm=ABORTED) if abort_sent else NOT_ENABLED


def two_phase_commit(n: int = 3) -> System:
    """Two-phase commit with `n` resource managers, rm1 to rm`n`."""
    managers = range(1, n + 1)
    return System(f"two-phase commit, {n} resource managers", _variables(n), (*_manager(n), *_resources(managers)))


def _variables(n: int) -> tuple[Variable, ...]:
    flags = (False, True)
    shared = (
        variable("tm", INIT, domain=(INIT, COMMITTED, ABORTED)),
        variable("commit_sent", False, domain=flags),
        variable("abort_sent", False, domain=flags),
    )
    each = (
        v
        for i in range(1, n + 1)
        for v in (
            variable(f"rm{i}", WORKING, domain=(WORKING, PREPARED, COMMITTED, ABORTED)),
            variable(f"sent{i}", False, domain=flags),
            variable(f"noted{i}", False, domain=flags),
        )
    )
    return (*shared, *each)


def _manager(n: int) -> tuple[Action | Sequence, ...]:
    everybody = (required(action(has_prepared, f"rm{i} has prepared", noted=f"noted{i}")) for i in range(1, n + 1))
    decide = required(action(commit, "commit", writes=["commit_sent"]))
    return (
        sequence("commit", *everybody, decide, actor="tm"),
        action(abort, "abort", actor="tm", writes=["abort_sent"]),
    )


def _resources(managers: range) -> tuple[Action, ...]:
    return tuple(
        a
        for i in managers
        for a in (
            action(note_prepared, f"note prepared {i}", actor="tm", sent=f"sent{i}", writes={"noted": f"noted{i}"}),
            action(prepare, f"prepare {i}", actor=f"rm{i}", rm=f"rm{i}", writes={"sent": f"sent{i}"}),
            action(choose_to_abort, f"choose to abort {i}", actor=f"rm{i}", rm=f"rm{i}"),
            action(hear_commit, f"hear commit {i}", actor=f"rm{i}", writes={"rm": f"rm{i}"}),
            action(hear_abort, f"hear abort {i}", actor=f"rm{i}", writes={"rm": f"rm{i}"}),
        )
    )
