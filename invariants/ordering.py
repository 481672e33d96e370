"""The order of the variables, on which the size of decision diagrams depends.

Variables that a step reads or writes together should stand near each other. FORCE (Aloul, Markov and Sakallah
2003) looks for such an order: put every footprint at the mean place of its variables, every variable at the mean
place of its footprints, sort, and repeat while the footprints get shorter. It is good where nobody has thought
about the order, and worse than an order that somebody has: so by default it is taken only where it shortens
footprints by a lot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from model.system import Action, ModelError, System, parts_of

ORDERS = ("auto", "declared", "force")
"""Orders by name: `auto` is `force` where that is much better than what is `declared`."""

MUCH_BETTER = 0.5
"""FORCE must make the footprints so much shorter to be preferred to what the model declares."""

ROUNDS = 100

Footprint = tuple[str, ...]


def ordered(system: System, order: str | Sequence[str]) -> System:
    """The system with its variables in another order: one of `ORDERS`, or one that names them all.

    Names of variables that the system has not are passed over. Raises ModelError if there is no such order, or one
    that names the variables lacks some of them.
    """
    if not isinstance(order, str):
        return _by_names(system, order)
    if order not in ORDERS:
        raise ModelError(f"no order {order!r}; the orders are: {', '.join(ORDERS)}")
    if order == "declared":
        return system
    found = force(system)
    return _by_names(system, found) if order == "force" or _much_better(found, system) else system


def _much_better(order: Sequence[str], system: System) -> bool:
    """Whether an order makes footprints that much shorter; variables that live only inside a step do not count."""
    lasting = {v.name for v in system.variables if not v.local}
    footprints = [tuple(v for v in f if v in lasting) for f in footprints_of(system)]
    declared = [v.name for v in system.variables if not v.local]
    return spans([v for v in order if v in lasting], footprints) <= MUCH_BETTER * spans(declared, footprints)


def footprints_of(system: System) -> Iterator[Footprint]:
    """The variables that each action, or part of a sequence, reads and writes."""
    for step in system.actions:
        for part in parts_of(step):
            yield _footprint(part)


def _footprint(of: Action) -> Footprint:
    return tuple(dict.fromkeys((*(v for _, v in of.reads), *(v for n, v in of.writes if n not in of.ignored))))


def spans(order: Sequence[str], footprints: Sequence[Footprint]) -> int:
    """How many places lie between the first and the last variable of every footprint, altogether."""
    place = {name: k for k, name in enumerate(order)}
    return sum(max(places) - min(places) for f in footprints if (places := [place[v] for v in f]))


def force(system: System) -> list[str]:
    """The names of the variables in an order where footprints are short; the same for the same system."""
    footprints = [f for f in footprints_of(system) if len(f) > 1]
    best = order = [v.name for v in system.variables]
    cost = spans(order, footprints)
    of: dict[str, list[int]] = {name: [] for name in order}
    for k, footprint in enumerate(footprints):
        for name in footprint:
            of[name].append(k)
    for _ in range(ROUNDS):
        place = {name: k for k, name in enumerate(order)}
        centre = [sum(place[v] for v in f) / len(f) for f in footprints]
        wanted = {n: sum(centre[k] for k in mine) / len(mine) if mine else place[n] for n, mine in of.items()}
        order = sorted(order, key=lambda name: (wanted[name], place[name]))
        shorter = spans(order, footprints)
        if shorter >= cost:
            break
        best, cost = order, shorter
    return best


def _by_names(system: System, names: Sequence[str]) -> System:
    variables = {v.name: v for v in system.variables}
    if missing := [n for n in variables if n not in set(names)]:
        raise ModelError(f"the order lacks {missing[0]!r}, a variable of {system.name}")
    known = (variables[n] for n in dict.fromkeys(names) if n in variables)
    return System(system.name, tuple(known), system.actions, system.tables)
