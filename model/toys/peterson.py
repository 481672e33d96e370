"""Peterson's algorithm: two processes keep each other out of a critical section with three shared variables.

After Peterson.tla (tlaplus/Examples, specifications/locks_auxiliary_vars), with its six labels.
"""

from __future__ import annotations

from model.system import NOT_ENABLED, Action, Outcomes, System, action, only, variable

REST, WANT, YIELD, WAIT, CRITICAL, LEAVE = "a0", "a1", "a2", "a3", "cs", "a4"
LABELS = (REST, WANT, YIELD, WAIT, CRITICAL, LEAVE)
PROCESSES = (1, 2)


def begin(at: str) -> Outcomes:
    """Enabled when the process rests: it wants to enter."""
    return only(at=WANT) if at == REST else NOT_ENABLED


def raise_flag(at: str) -> Outcomes:
    """Enabled when the process wants to enter: it says so."""
    return only(at=YIELD, flag=True) if at == WANT else NOT_ENABLED


def give_way(at: str, other: int) -> Outcomes:
    """Enabled when it has said so: it gives the turn to the other."""
    return only(at=WAIT, turn=other) if at == YIELD else NOT_ENABLED


def enter(at: str, other_flag: bool, turn: int, mine: int) -> Outcomes:
    """Enabled when it waits, and the other does not want to enter or it is its own turn."""
    return only(at=CRITICAL) if at == WAIT and (not other_flag or turn == mine) else NOT_ENABLED


def finish(at: str) -> Outcomes:
    """Enabled in the critical section: it is done there."""
    return only(at=LEAVE) if at == CRITICAL else NOT_ENABLED


def lower_flag(at: str) -> Outcomes:
    """Enabled when it is done: it says so, and rests."""
    return only(at=REST, flag=False) if at == LEAVE else NOT_ENABLED


def peterson() -> System:
    """Peterson's algorithm for processes 1 and 2."""
    flags = (False, True)
    return System(
        "Peterson's algorithm",
        (
            variable("turn", 1, domain=PROCESSES),
            *(variable(f"flag{i}", False, domain=flags) for i in PROCESSES),
            *(variable(f"at{i}", REST, domain=LABELS) for i in PROCESSES),
        ),
        tuple(a for i in PROCESSES for a in _process(i, 3 - i)),
    )


def _process(me: int, other: int) -> tuple[Action, ...]:
    at, flag, actor = f"at{me}", f"flag{me}", f"process {me}"
    return (
        action(begin, f"begin {me}", actor=actor, at=at),
        action(raise_flag, f"raise flag {me}", actor=actor, at=at, writes={"flag": flag}),
        action(give_way, f"give way {me}", actor=actor, at=at, writes=["turn"], constants={"other": other}),
        action(enter, f"enter {me}", actor=actor, at=at, other_flag=f"flag{other}", constants={"mine": me}),
        action(finish, f"finish {me}", actor=actor, at=at),
        action(lower_flag, f"lower flag {me}", actor=actor, at=at, writes={"flag": flag}),
    )
