"""What the toys claim: properties of the classic systems in `model.toys`.

`CLAIMS` has, for each toy, what makes its properties; it takes the same size as the builder of the toy.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

from invariants.properties import (
    Kind,
    Property,
    always,
    eventually,
    every_step,
    leads_to,
    sometimes,
    stays_possible,
    weak,
)
from invariants.subjects import Subject
from model.toys import TOYS
from model.toys.dining_philosophers import EAT
from model.toys.ewd840 import WHITE
from model.toys.peterson import CRITICAL, LEAVE, WAIT, WANT, YIELD
from model.toys.two_phase_commit import ABORTED, COMMITTED

Claims = tuple[Property, ...]


def nobody_aborts_what_another_commits(rm: str, other: str) -> bool:
    """No two resource managers decide differently (TCConsistent)."""
    return {rm, other} != {ABORTED, COMMITTED}


def a_decision_is_final(rm: str, next_rm: str) -> bool:
    """A resource manager that has decided never changes its mind."""
    return rm not in (ABORTED, COMMITTED) or next_rm == rm


def has_decided(rm: str) -> bool:
    """A resource manager commits or aborts."""
    return rm in (ABORTED, COMMITTED)


def has_committed(rm: str) -> bool:
    """A resource manager commits."""
    return rm == COMMITTED


def has_aborted(rm: str) -> bool:
    """A resource manager aborts."""
    return rm == ABORTED


def commit_claims(n: int = 3) -> Claims:
    """Of two-phase commit and of transaction commit, with `n` resource managers."""
    managers = range(1, n + 1)
    agree = (
        always(nobody_aborts_what_another_commits, f"rm{i}_and_rm{j}_agree", rm=f"rm{i}", other=f"rm{j}")
        for i, j in combinations(managers, 2)
    )
    final = (every_step(a_decision_is_final, f"a_decision_of_rm{i}_is_final", rm=f"rm{i}") for i in managers)
    witnesses = (
        sometimes(has_committed, "rm1_commits", rm="rm1"),
        sometimes(has_aborted, "rm1_aborts", rm="rm1"),
    )
    return (*agree, *final, *witnesses)


def two_phase_commit_claims(n: int = 3) -> Claims:
    """Of two-phase commit: also that everybody decides, if the transaction manager does and messages are read."""
    decides = weak("commit", "abort")
    return (
        *commit_claims(n),
        *(
            eventually(
                has_decided,
                f"rm{i}_decides",
                rm=f"rm{i}",
                fair=(decides, weak(f"hear commit {i}", f"hear abort {i}")),
            )
            for i in range(1, n + 1)
        ),
    )


def four_gallons_are_measured(big: int) -> bool:
    """The riddle; its witness is the solution."""
    return big == 4


def no_water_comes_from_nowhere(big: int, small: int, next_big: int, next_small: int) -> bool:
    """Pouring from one jug into the other keeps what there is."""
    return big + small == next_big + next_small


def the_small_jug_has_two_gallons(small: int) -> bool:
    """There is a way to two gallons as well."""
    return small == 2


def die_hard_claims() -> Claims:
    """Of the riddle with the two jugs."""
    return (
        sometimes(four_gallons_are_measured),
        every_step(no_water_comes_from_nowhere, by=("small to big", "big to small")),
        sometimes(the_small_jug_has_two_gallons),
        stays_possible(four_gallons_are_measured, "four_gallons_stay_possible"),
    )


def never_both_in_the_critical_section(at1: str, at2: str) -> bool:
    """Mutual exclusion: from entering to lowering the flag, a process is alone."""
    return at1 not in (CRITICAL, LEAVE) or at2 not in (CRITICAL, LEAVE)


def the_second_process_gets_in(at2: str) -> bool:
    """The one that has not got the turn at first gets in too."""
    return at2 == CRITICAL


def wants_to_get_in(at: str) -> bool:
    """A process is on its way into the critical section."""
    return at in (WANT, YIELD, WAIT)


def gets_in(at: str) -> bool:
    """A process is in the critical section."""
    return at == CRITICAL


def peterson_claims() -> Claims:
    """Of Peterson's algorithm; a process need never begin, but once it has it goes on."""
    goes_on = ("raise flag", "give way", "enter", "finish", "lower flag")
    fair = tuple(weak(*(f"{step} {i}" for step in goes_on)) for i in (1, 2))
    return (
        always(never_both_in_the_critical_section),
        sometimes(the_second_process_gets_in),
        *(
            leads_to(always(wants_to_get_in, at=f"at{i}"), gets_in, f"{i}_gets_in", at=f"at{i}", fair=fair)
            for i in (1, 2)
        ),
    )


def neighbours_never_eat_together(at: str, neighbour: str) -> bool:
    """A fork serves one philosopher at a time."""
    return at != EAT or neighbour != EAT


def not_everybody_waits_for_a_fork(**forks: object) -> bool:
    """No deadlock: never does each philosopher hold exactly the one clean fork that a neighbour waits for."""
    n = len(forks) // 2
    holders = [forks[f"holder{p}"] for p in range(1, n + 1)]
    all_clean = all(forks[f"clean{p}"] for p in range(1, n + 1))
    return not all_clean or len(set(holders)) < n


def is_hungry(hungry: bool) -> bool:
    """A philosopher is hungry."""
    return hungry


def eats(at: str) -> bool:
    """A philosopher eats."""
    return at == EAT


FEW = 10
"""Of more philosophers nothing is claimed of all forks at once, nor of runs: that takes exponential time."""


def philosopher_claims(n: int = 5) -> Claims:
    """Of `n` philosophers; of more than a few, only that neighbours never eat together, and that each does eat."""
    pairs = tuple(
        always(
            neighbours_never_eat_together,
            f"{p}_and_{p % n + 1}_never_eat_together",
            at=f"at{p}",
            neighbour=f"at{p % n + 1}",
        )
        for p in range(1, n + 1)
    )
    witnesses = tuple(sometimes(eats, f"{p}_eats", at=f"at{p}") for p in range(1, n + 1))
    return (*pairs, *(_about_all(n) if n <= FEW else ()), *witnesses)


def _about_all(n: int) -> Claims:
    forks = tuple(f"{what}{p}" for p in range(1, n + 1) for what in ("holder", "clean"))
    deadlock = Property(
        Kind.ALWAYS,
        not_everybody_waits_for_a_fork.__name__,
        not_everybody_waits_for_a_fork,
        tuple((f, (f, False)) for f in forks),
    )
    seats = range(1, n + 1)
    return (
        deadlock,
        *(
            leads_to(
                always(is_hungry, hungry=f"hungry{p}"),
                eats,
                f"{p}_does_not_starve",
                at=f"at{p}",
                fair=tuple(weak(*(f"{step} {q}" for step in ("loop", "eat", "think"))) for q in seats),
            )
            for p in seats
        ),
    )


def detected_is_terminated(token: int, token_color: str, color: str, first: bool, active: bool) -> bool:
    """When node 0 rests, white, with a white token, every node rests."""
    detected = token == 0 and token_color == WHITE and color == WHITE and not first
    return not detected or not active


def termination_is_detected(token: int, token_color: str, color: str, first: bool) -> bool:
    """Node 0 can find out."""
    return token == 0 and token_color == WHITE and color == WHITE and not first


def nobody_works(**active: bool) -> bool:
    """Every node rests."""
    return not any(active.values())


def ewd840_claims(n: int = 3) -> Claims:
    """Of termination detection among `n` nodes; the token travels on, whatever the nodes do."""
    active = [f"active{i}" for i in range(n)]
    rest = Property(Kind.ALWAYS, "nobody_works", nobody_works, tuple((a, (a, False)) for a in active))
    why = ("resting", "black token", "black node")
    token = [f"pass token {i}, {reason}" for i in range(1, n) for reason in why]
    detected = leads_to(
        rest,
        termination_is_detected,
        "termination_is_detected_in_the_end",
        color="color0",
        first="active0",
        fair=(weak("initiate probe, black token", "initiate probe, black node", *token),),
    )
    return (
        detected,
        *(
            always(
                detected_is_terminated,
                f"node_{i}_rests_when_termination_is_detected",
                color="color0",
                first="active0",
                active=f"active{i}",
            )
            for i in range(1, n)
        ),
        sometimes(termination_is_detected, color="color0", first="active0"),
    )


CLAIMS: dict[str, Callable[..., Claims]] = {
    "die-hard": die_hard_claims,
    "dining-philosophers": philosopher_claims,
    "ewd840": ewd840_claims,
    "peterson": peterson_claims,
    "tcommit": commit_claims,
    "two-phase-commit": two_phase_commit_claims,
}


def subject(name: str, size: int | None = None) -> Subject:
    """The toy called `name` with its claims, of the default size if none is given.

    Raises KeyError for a name that is not in `TOYS`, and TypeError for a size where a toy has none.
    """
    arguments = () if size is None else (size,)
    system = TOYS[name](*arguments)
    return Subject(name, system.name, system, CLAIMS[name](*arguments))
