"""Options of long explorations: the order of variables, threads, and saving what was seen."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from commands.arguments import positive
from commands.digests import of_the_checker
from invariants.ordering import ORDERS
from invariants.saving import Checkpoint


class OptionError(Exception):
    """An option does not fit the others, or a file that it names cannot be read."""


def add_long(parser: argparse.ArgumentParser) -> None:
    """The options."""
    named = ", ".join(ORDERS)
    parser.add_argument(
        "--order",
        default="auto",
        metavar="ORDER",
        help=f"of the variables in diagrams: {named}, or a file with a name on each line (default: auto)",
    )
    text = "save each level there as soon as it is complete"
    parser.add_argument("--save", type=Path, metavar="FOLDER", help=text)
    text = "go on with what was saved there, and save there"
    parser.add_argument("--resume", type=Path, metavar="FOLDER", help=text)
    text = "for operations on diagrams (default: 1, which is faster but for very large ones)"
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help=text)


def order_of(options: argparse.Namespace) -> str | Sequence[str]:
    """The order that the options name, or the names in the file that they name.

    Raises OptionError if there is no such order, and no such file.
    """
    if options.order in ORDERS:
        return str(options.order)
    try:
        lines = Path(options.order).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        listed = ", ".join(ORDERS)
        said = f"{options.order!r} is no order, and no file that can be read; the orders are: {listed}"
        raise OptionError(said) from error
    return tuple(line.strip() for line in lines if line.strip())


def refuse(options: argparse.Namespace, alone: bool) -> None:
    """Raise OptionError if several systems are to be saved, or an engine that saves nothing."""
    if options.save and options.resume:
        raise OptionError("--resume saves in its own folder; leave out --save")
    if not (options.save or options.resume):
        return
    if not alone:
        raise OptionError("--save and --resume go with one system and one release")
    if options.engine == "explicit":
        raise OptionError("--save and --resume go with the symbolic engine")


def checkpoint(options: argparse.Namespace, about: str, strategy: str) -> Checkpoint | None:
    """Where the options say to save; `about` says what is explored."""
    folder = options.resume or options.save
    if folder is None:
        return None
    asked = [about, f"order {options.order}" if options.order != "auto" else ""]
    asked += ["not sliced"] if options.no_slice else []
    asked += [f"only {options.property}"] if getattr(options, "property", None) else []
    said = ", ".join(filter(None, asked))
    return Checkpoint(folder, said, of_the_checker(), strategy, resume=options.resume is not None)
