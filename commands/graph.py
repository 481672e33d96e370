"""The graph of every state of a small system and every step between them.

Says how many states, edges and strongly connected components there are, and tells a shortest way into each
component that is never left (it is terminal) and into each deadlock. With -o the graph itself is written, for
Graphviz (.dot), for programs that read GraphML (.graphml), or as JSON (.json).

A control loop has too many states to look at unless it is made smaller (--promotions 1 --freight 1), or seen by a
few variables only: --by 'phase[dev.1],phase[dev.2]' has a node for each combination of their values.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from commands import check
from commands.arguments import positive
from commands.check import KNOWN, UsageError
from commands.output import DONE, add_format
from diagrams import graphs as shown
from invariants.graphs import MOST, TooLargeError, state_graph
from invariants.kargo import loops
from model.toys import TOYS

REFUSED = check.REFUSED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `graph`."""
    parser.add_argument("systems", nargs=1, metavar="SYSTEM", help=f"one of: {', '.join(KNOWN)}")
    check.add_variants(parser)
    parser.set_defaults(all_releases=False)
    parser.add_argument("--by", metavar="VAR,VAR", help="a node for each combination of values of these variables")
    parser.add_argument(
        "--states",
        type=positive,
        default=MOST,
        metavar="N",
        help="how many nodes it may have (default: %(default)s)",
    )
    ends = ", ".join(shown.WRITERS)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"write it to a file that ends in {ends}")
    add_format(parser)


def run(options: argparse.Namespace) -> int:
    """Explore, print, and write if asked."""
    file: Path | None = options.output
    if file and file.suffix not in shown.WRITERS:
        raise UsageError(f"{file} has to end in {', '.join(shown.WRITERS)}, which says how it is written")
    case, *more = check.cases_of(options)
    if more:
        raise UsageError("a graph is of one system, as one release behaves, with one size")
    subject = check.named(case, options.size)
    by = tuple(filter(None, (name.strip() for name in (options.by or "").split(","))))
    try:
        graph = state_graph(subject.system, by=by, most=options.states)
    except TooLargeError as error:
        raise UsageError(f"{error}: {narrower(case)}") from error
    if file:
        try:
            file.write_text(f"{shown.WRITERS[file.suffix](graph)}\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    if options.format == "json":
        print(shown.document(graph))
    else:
        print("\n".join(shown.lines(subject, graph)))
    return DONE


def narrower(case: check.Case) -> str:
    """What makes the graph smaller."""
    smaller = []
    if case.system in loops.LOOPS:
        smaller += ["--promotions 1"] * (case.promotions != 1) + ["--freight 1"] * (case.freight != 1)
    if case.system in TOYS:
        smaller.append("a smaller --size")
    ways = " ".join(smaller)
    return f"narrow it with {ways and f'{ways}, or with '}--by and few variables, or allow more with --states"
