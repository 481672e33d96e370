"""Termination detection on a ring (Dijkstra, Feijen and van Gasteren, EWD 840).

After Merz's EWD840.tla (tlaplus/Examples, specifications/ewd840): nodes work, wake others by a message, and
rest; a token travels from node 0 to node N-1 and down to 0 again, and tells node 0 whether all rest.

A guard that is a disjunction is one action per reason here, because TLC counts it so: 302 states and 2,001
transitions (with the initial states) for three nodes, as TLC reports. Its manifest says that the search is 10
levels deep; breadth first, by any engine, it is 9 (with several workers TLC's figure is an upper bound).
"""

from __future__ import annotations

from model.system import NOT_ENABLED, Action, Outcomes, System, Variable, action, only, variable

WHITE, BLACK = "white", "black"


def initiate_probe(token: int, token_color: str, color: str, *, last: int, because: str) -> Outcomes:
    """Enabled when node 0 has the token and the last round said nothing, because the token or the node is black."""
    black = {"token": token_color, "node": color}[because] == BLACK
    return only(token=last, token_color=WHITE, color=WHITE) if token == 0 and black else NOT_ENABLED


def pass_token(token: int, token_color: str, color: str, active: bool, *, node: int, because: str) -> Outcomes:
    """Enabled when the node has the token, and rests or the round is spoilt already: the token goes down."""
    reason = {"rests": not active, "token": token_color == BLACK, "node": color == BLACK}[because]
    if token == node and reason:
        return only(token=node - 1, token_color=BLACK if color == BLACK else token_color, color=WHITE)
    return NOT_ENABLED


def send_down(active: bool) -> Outcomes:
    """Enabled when the node works: it wakes a node below it."""
    return only(other=True) if active else NOT_ENABLED


def send_up(active: bool) -> Outcomes:
    """Enabled when the node works: it wakes a node above it, which the token has passed, and turns black."""
    return only(other=True, color=BLACK) if active else NOT_ENABLED


def deactivate(active: bool) -> Outcomes:
    """Enabled when the node works: it rests."""
    return only(active=False) if active else NOT_ENABLED


def ewd840(n: int = 3) -> System:
    """A ring of `n` nodes; at first the token is black, and everything else is anyhow."""
    variables = (
        variable("token", *range(n), domain=range(n)),
        variable("token_color", BLACK, domain=(WHITE, BLACK)),
        *(v for i in range(n) for v in _node(i)),
    )
    probes = (
        action(
            initiate_probe,
            f"initiate probe, black {because}",
            actor="node 0",
            color="color0",
            constants={"last": n - 1, "because": because},
        )
        for because in ("token", "node")
    )
    return System(f"EWD 840, {n} nodes", variables, (*probes, *(a for i in range(n) for a in _actions(i, n))))


def _node(i: int) -> tuple[Variable, ...]:
    return (
        variable(f"active{i}", False, True, domain=(False, True)),
        variable(f"color{i}", WHITE, BLACK, domain=(WHITE, BLACK)),
    )


def _actions(i: int, n: int) -> tuple[Action, ...]:
    actor, active, color = f"node {i}", f"active{i}", f"color{i}"
    tokens = (
        action(
            pass_token,
            f"pass token {i}, {why}",
            actor=actor,
            color=color,
            active=active,
            constants={"node": i, "because": because},
        )
        for because, why in (("rests", "resting"), ("token", "black token"), ("node", "black node"))
    )
    messages = (
        action(
            send_up if j > i else send_down,
            f"message {i} to {j}",
            actor=actor,
            active=active,
            writes={"other": f"active{j}"} | ({"color": color} if j > i else {}),
        )
        for j in range(n)
        if j != i
    )
    rest = action(deactivate, f"deactivate {i}", actor=actor, active=active)
    return (*(tokens if i else ()), *messages, rest)
