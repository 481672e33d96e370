"""The pass over a Stage, one sub-reconciler at a time.

The controller writes the status of a Stage after every sub-reconciler, and meanwhile others go on: a Promotion may
end, Freight may be verified elsewhere. Here every sub-reconciler is a step of its own; `at_sub` says which is next.
"""

from __future__ import annotations

from collections.abc import Iterator

from model.kargo.loop import conditions
from model.kargo.loop.auto_promote import read_policy
from model.kargo.loop.scope import Scope
from model.kargo.loop.stage_pass import (
    VERIFYING,
    ask_for_requeue,
    begin_pass,
    handle_refresh,
    sub_reconcilers,
    trust_the_watch,
)
from model.system import Action, Outcomes, Part, Sequence, only, part, required, sequence

CARRIED_ON = ("soon", "enabled")
"""What one sub-reconciler leaves for those after it."""


def begins(at_sub: int) -> Outcomes:
    """Enabled between passes."""
    return only() if at_sub == 0 else ()


def continues(at_sub: int, *, at: int) -> Outcomes:
    """Enabled when it is this sub-reconciler's turn."""
    return only() if at_sub == at else ()


def go_on(failed: bool, *, following: int) -> Outcomes:
    """On to the next sub-reconciler; after an error, or the last one, the pass is over."""
    return only(at_sub=0 if failed else following)


def forget_pass() -> Outcomes:
    """The pass is over."""
    return only(soon=False, enabled=False)


def interleaved(scope: Scope, observe: Action, *tidying: Action | Part) -> Iterator[Sequence]:
    """The sub-reconcilers of a regular Stage, each as a step."""
    subs = list(sub_reconcilers(scope, observe))
    for k, sub in enumerate(subs):
        following = k + 1 if k + 1 < len(subs) else 0
        name = f"{scope.stage.name}: {sub.name}"
        yield sequence(name, *_parts(scope, sub, k, following, *tidying), actor="controller")


def _parts(
    scope: Scope, sub: Sequence, at: int, following: int, *tidying: Action | Part
) -> Iterator[Action | Part | Sequence]:
    at_sub = scope.of("at_sub")
    running = {"failed": False}
    if at == 0:
        yield required(scope.bind(begins, at_sub=at_sub))
        yield required(scope.bind(begin_pass, writes=("mode",)))
        if scope.behaviours.policy_read_first:
            yield scope.bind(read_policy, writes=("enabled",))
    else:
        yield required(scope.bind(continues, constants={"at": at}, at_sub=at_sub))
    yield sub
    if sub.name == VERIFYING:
        yield part(scope.bind(trust_the_watch, writes=("soon",)), **running)
    yield part(conditions.summarize_conditions(scope), **running)
    yield scope.bind(go_on, constants={"following": following}, writes=("at_sub",), at_sub=at_sub)
    over = {at_sub: 0}
    writes = ("ready_condition", "reconciling_condition")
    yield part(scope.bind(conditions.say_error, writes=writes), failed=True)
    ending = scope.bind(conditions.end_reconciling, writes=("reconciling_condition",))
    yield part(ending, **running, **over)
    yield part(scope.bind(handle_refresh, writes=("handled_refresh",)), **over)
    yield part(scope.bind(ask_for_requeue, constants={"polls": True}, writes=("stage_requeue",)), **over)
    yield part(scope.bind(forget_pass, writes=CARRIED_ON), **over)
    for each in tidying:
        if isinstance(each, Part):
            yield Part(each.body, (*each.when, (at_sub, (0,))), each.required)
        else:
            yield part(each, **over)
