"""The command line: `kargo-model COMMAND ...`.

Thin on purpose: it finds the command, lets it run, and turns the errors that have a sentence for the user into
that sentence. A command's module is loaded only when it is called, so that `--help` answers at once.

Exit codes: 0 it holds or is done, 1 a property is violated or a replay diverges, 2 the input or the call is
wrong, 3 a bound was hit before there was a verdict, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence

COMMANDS = {
    "diagnose": "diagnose the Stages of a cluster from its live objects: what they wait for, and what helps",
    "lint": "judge Stages, tasks and Warehouses before they are applied",
    "upgrade": "what an upgrade of Kargo changes for some manifests, or at all",
    "run": "run the steps of a Stage, task or Promotion manifest, pass by pass",
    "explore": "run a manifest with every outcome of every attempt, and judge the properties",
    "reproduce": "reproduce a reported bug, and judge its remedies",
    "judge": "judge the fixes that a report proposes, alone and together",
    "rules": "judge the eight rules of the control loop, release by release",
    "check": "check every property of the systems that exist, or of one of them",
    "policies": "judge failure policies: what each promises, and what it breaks",
    "simulate": "simulate a study: how often, how long, at what cost, under which failure policy",
    "report": "write a report: one page that works offline, with every counterexample to step through",
    "serve": "explore by hand, in a browser on this machine",
    "draw": "draw lifecycles, pipelines, templates, runs, scenarios, counterexamples and state graphs",
    "graph": "the graph of every state of a small system: its components, its dead ends, and the ways there",
    "replay": "replay recordings of the real controller against the model",
    "differential": "hold the model of another engine, spec-kit's, against the real one",
}

OVERVIEW = """\
usage: kargo-model COMMAND [...]

A formal model, checker and simulator of how promotions move through Kargo.

commands:
{commands}

`kargo-model COMMAND --help` says more about one of them.
exit codes: 0 holds or done, 1 violated or diverged, 2 bad input or usage, 3 bound hit before a verdict"""

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line with `arguments` (those of the process if None) and return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with importlib.import_module("model.garbage").collected_rarely():
            code = _answer(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("kargo-model: interrupted; nothing was changed", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return code


def _answer(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        width = max(map(len, COMMANDS))
        listed = "\n".join(f"  {name:{width}}  {what}" for name, what in COMMANDS.items())
        print(OVERVIEW.format(commands=listed))
        return 0 if words else 2
    if words[0] == "--version":
        print("kargo-model", importlib.import_module("importlib.metadata").version("kargo-model"))
        return 0
    if words[0] not in COMMANDS:
        print(f"kargo-model: no command {words[0]!r}; the commands are: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    return _call(words[0], words[1:])


def _call(name: str, words: list[str]) -> int:
    command = importlib.import_module(f"commands.{name}")
    parser = argparse.ArgumentParser(f"kargo-model {name}", description=command.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_arguments(parser)
    try:
        options = parser.parse_args(words)
        code = int(command.run(options))
        sys.stdout.flush()
        return code
    except SystemExit as left:  # argparse: help was shown, or the call is wrong
        return left.code if isinstance(left.code, int) else 2
    except command.REFUSED as error:
        print(f"kargo-model: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        print(f"kargo-model: the output cannot be written: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would try again at exit
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
