"""Judge failure policies: what each promises, and what it breaks.

No release has failure policies. Those that report #2986 proposes are put on the model of a release, and the
checker says what holds: of one Stage that promotes by itself, two Freight, and people who promote and abort; and of
Stages that push to one branch at the same time, where a push is rejected if the branch has moved meanwhile. With
--show, tells how a promise is broken, in the fewest steps. Exits with 0 whatever the answers are.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from commands.fan_out import PlaceError, add_on, place
from commands.output import DONE, ProgressLine, TallyLine, print_json
from diagrams import policies as shown
from invariants.kargo import policies as judging
from invariants.kargo import shared_branch
from invariants.kargo.policies import PROMISES, Found, Promise
from model.inputs import printable
from model.kargo.failure_policies import FailurePolicy, UnknownPolicyError, policy_named
from model.kargo.older_releases import OLDER
from model.kargo.releases import LATEST, Behaviours, release
from model.releases import UnknownReleaseError


class UnknownPromiseError(Exception):
    """There is no such promise."""


REFUSED = (UnknownPolicyError, UnknownPromiseError, UnknownReleaseError, PlaceError)

PROPOSED = ("none", "restart:1", "recreate:1", "rollback:1", "hints:1")
"""What the report proposes, each within the smallest limit: a larger one takes longer and shows nothing else."""

MOST_STAGES = 4
"""More Stages that push to one branch take minutes and show nothing else."""

PATIENCE_S = 120.0
"""How long the shortest story is looked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `policies`."""
    parser.add_argument(
        "--policy",
        metavar="POLICY",
        action="append",
        help="such as restart:2; may be given again (default: " + ", ".join(PROPOSED) + ")",
    )
    older = f"also one of these, which are older than the recordings: {', '.join(OLDER)} (default: %(default)s)"
    parser.add_argument("--kargo", default=LATEST.release, metavar="VERSION", help=older)
    names = ", ".join(p.id for p in PROMISES)
    parser.add_argument("--show", metavar="PROMISE", help=f"tell how a promise is broken; of: {names}")
    text = f"so many push to one branch, up to {MOST_STAGES} (default: {judging.STAGES})"
    parser.add_argument("--stages", type=_stages, default=judging.STAGES, metavar="N", help=text)
    add_on(parser)
    form = ("text", "json", "markdown")
    parser.add_argument("--format", choices=form, default="text", help="how to print (default: text)")


def _stages(text: str) -> int:
    if text not in map(str, range(1, MOST_STAGES + 1)):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to {MOST_STAGES}, found {text!r}")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Judge and print, or show how one promise is broken."""
    chosen = [policy_named(printable(text)) for text in options.policy or PROPOSED]
    behaviours = OLDER.get(options.kargo) or release(options.kargo)
    if options.show:
        promise = _promise(options.show)
        told = []
        for policy in chosen:
            line = ProgressLine(f"{promise.id} under {policy}")
            try:
                found = judging.example(
                    promise, policy, behaviours, seconds=PATIENCE_S, stages=options.stages, progress=line
                )
            finally:
                line.clear()
            told.append((promise, policy, options.kargo.removeprefix("v"), found))
        if options.format == "json":
            print_json("policies", 1, {"shown": [shown.example_as_json(*each) for each in told]})
        else:
            print("\n\n".join("\n".join(shown.shown(*each)) for each in told))
        return DONE
    judged = _judge(chosen, behaviours, options)
    limits = shared_branch.push_limits(chosen, behaviours, options.stages)
    found_all = shown.Table(options.kargo.removeprefix("v"), chosen, judged, options.stages, limits)
    if options.format == "json":
        print_json("policies", 1, shown.as_json(found_all))
    else:
        print("\n".join((shown.markdown if options.format == "markdown" else shown.lines)(found_all)))
    return DONE


def _judge(
    chosen: Sequence[FailurePolicy], behaviours: Behaviours, options: argparse.Namespace
) -> dict[tuple[FailurePolicy, str], Found]:
    """The verdict on every promise under every policy, the policies side by side."""
    line = TallyLine("policies")
    found: dict[tuple[FailurePolicy, str], Found] = {}
    line(0, len(chosen))
    with place(options.on) as there:
        work = partial(_judge_one, behaviours=behaviours, stages=options.stages)
        judged = there.each(work, chosen) if len(chosen) > 1 else map(work, chosen)
        for number, (policy, verdicts) in enumerate(judged, start=1):
            found |= {(policy, promise): verdict for promise, verdict in verdicts.items()}
            line(number, len(chosen))
    return found


def _judge_one(
    policy: FailurePolicy, *, behaviours: Behaviours, stages: int
) -> tuple[FailurePolicy, judging.Verdicts]:
    return policy, judging.judge(policy, behaviours, stages=stages)


def _promise(name: str) -> Promise:
    known = {promise.id: promise for promise in PROMISES}
    if name not in known:
        raise UnknownPromiseError(f"no promise {printable(name)!r}; the promises are: {', '.join(known)}")
    return known[name]
