"""Dining philosophers who hand each other forks (Chandy and Misra 1984).

After DiningPhilosophers.tla (tlaplus/Examples, specifications/DiningPhilosophers): a fork is clean or dirty;
eating makes it dirty, and whoever holds a dirty fork cleans it and hands it to the neighbour. Whether a
philosopher can eat is decided on the forks as they were before that step handed one over, as in the TLA+
translation of the original.

Philosopher p sits between fork p on the left and fork p+1 on the right, round the table.
"""

from __future__ import annotations

from model.system import NOT_ENABLED, Action, Outcomes, System, Variable, action, only, outcome, variable

LOOP, EAT, THINK = "Loop", "Eat", "Think"


def hand_over_or_choose(
    at: str,
    hungry: bool,
    left: int,
    left_clean: bool,
    right: int,
    right_clean: bool,
    me: int,
    left_neighbour: int,
    right_neighbour: int,
) -> Outcomes:
    """Enabled at the top of the loop: hand over a dirty fork, left before right; then eat, think or wait."""
    if at != LOOP:
        return NOT_ENABLED
    holds_both_clean = left == me and right == me and left_clean and right_clean
    after = (EAT if holds_both_clean else LOOP) if hungry else THINK
    if left == me and not left_clean:
        return only("hands over the left fork", at=after, left=left_neighbour, left_clean=True)
    if right == me and not right_clean:
        return only("hands over the right fork", at=after, right=right_neighbour, right_clean=True)
    return (outcome("keeps its forks", at=after),)


def eat(at: str) -> Outcomes:
    """Enabled when it may eat: it is hungry no more, and both its forks are dirty."""
    if at != EAT:
        return NOT_ENABLED
    return only(at=LOOP, hungry=False, left_clean=False, right_clean=False)


def think(at: str) -> Outcomes:
    """Enabled when it may think: it gets hungry."""
    return only(at=LOOP, hungry=True) if at == THINK else NOT_ENABLED


def dining_philosophers(n: int = 5) -> System:
    """`n` philosophers, all hungry; every fork is dirty, and with the neighbour of the lower number."""
    return System(
        f"{n} dining philosophers",
        tuple(v for p in range(1, n + 1) for v in _place(p, n)),
        tuple(a for p in range(1, n + 1) for a in _philosopher(p, n)),
    )


def _place(p: int, n: int) -> tuple[Variable, ...]:
    flags = (False, True)
    return (
        variable(f"holder{p}", 1 if p == 2 else p, domain=(p, (p - 2) % n + 1)),
        variable(f"clean{p}", False, domain=flags),
        variable(f"at{p}", LOOP, domain=(LOOP, EAT, THINK)),
        variable(f"hungry{p}", True, domain=flags),
    )


def _philosopher(p: int, n: int) -> tuple[Action, ...]:
    right = p % n + 1
    actor, at, hungry = f"philosopher {p}", f"at{p}", f"hungry{p}"
    loop = action(
        hand_over_or_choose,
        f"loop {p}",
        actor=actor,
        at=at,
        hungry=hungry,
        left=f"holder{p}",
        left_clean=f"clean{p}",
        right=f"holder{right}",
        right_clean=f"clean{right}",
        constants={"me": p, "left_neighbour": (p - 2) % n + 1, "right_neighbour": right},
    )
    dirty = {"hungry": hungry, "left_clean": f"clean{p}", "right_clean": f"clean{right}"}
    return (
        loop,
        action(eat, f"eat {p}", actor=actor, at=at, writes=dirty),
        action(think, f"think {p}", actor=actor, at=at, writes={"hungry": hungry}),
    )
