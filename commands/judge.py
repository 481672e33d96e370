"""Judge the fixes that a report proposes, alone and together, and the operator of today.

NAME is a report whose proposals are modelled: lost-retry. Each variant is a value, each question is decided by the
checker on every state of a small session, and what today's operator still loses is found the same way. With --show,
tells how one variant comes to its unwanted answers, or how one retry is lost, in the fewest steps. Exits with 0
whatever the answers are.
"""

from __future__ import annotations

import argparse
import sys
import time

from commands.output import DONE, print_json
from diagrams import sessions
from diagrams.sessions import Judgements
from model.inputs import printable
from simulations.ambient import judging, losses, lost_retry, options


class UnknownNameError(Exception):
    """There is nothing of that name; the message lists what there is."""


REFUSED = (UnknownNameError,)

FORMATS = ("text", "json", "markdown")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `judge`."""
    parser.add_argument("report", metavar="NAME", help=f"the report: {lost_retry.NAME}")
    parser.add_argument("--show", metavar="NAME", help="a variant such as A1+B, or a loss such as second-push")
    parser.add_argument("--format", choices=FORMATS, default="text", help="how to print (default: text)")


def run(chosen: argparse.Namespace) -> int:
    """Judge and print, or show one of what is judged."""
    if not lost_retry.goes_by(chosen.report):
        raise UnknownNameError(f"no report {printable(chosen.report)!r}; the reports are: {lost_retry.NAME}")
    if chosen.show is not None:
        return _show(chosen.show, chosen.format)
    found = _judge()
    if chosen.format == "json":
        print_json("judge", 1, sessions.judged_as_json(found))
    else:
        shown = sessions.judged_markdown if chosen.format == "markdown" else sessions.judged_lines
        print("\n".join(shown(found)))
    return DONE


def _judge() -> Judgements:
    variants = options.variants()
    every = len(variants) + len(losses.LOSSES)
    line = _Line()
    judged, lost = [], []
    for found in judging.judge(variants.items()):
        judged.append(found)
        line(len(judged), every)
    for loss in losses.LOSSES:
        lost.append(losses.look(loss))
        line(len(judged) + len(lost), every)
    return Judgements(tuple(judged), tuple(lost))


def _show(name: str, form: str) -> int:
    variants = options.variants()
    known = {loss.name: loss for loss in losses.LOSSES}
    if name in variants:
        [judged] = judging.judge([(name, variants[name])], traced=True)
        text, document = sessions.shown_variant(judged), {"variants": [sessions.variant_as_json(judged)]}
    elif name in known:
        lost = losses.look(known[name])
        text, document = sessions.shown_loss(lost), {"losses": [sessions.loss_as_json(lost)]}
    else:
        listed = f"the variants are: {', '.join(variants)}; the losses: {', '.join(known)}"
        raise UnknownNameError(f"nothing called {printable(name)!r}; {listed}")
    if form == "json":
        print_json("judge", 1, {"scenario": lost_retry.NAME, **document})
    else:
        print("\n".join(text))
    return DONE


class _Line:
    """A line on the terminal that says how many variants and losses are judged; silent where nobody looks."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.wanted = sys.stderr.isatty()

    def __call__(self, done: int, of: int) -> None:
        """Show it, and take it away once all are done."""
        if self.wanted:
            text = f"judge: {done} of {of}, {time.monotonic() - self.began:.0f} s" if done < of else ""
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
