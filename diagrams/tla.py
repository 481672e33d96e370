"""Traces as text in TLA+: a module with one definition for each state, as TLC and Apalache print them.

What is written is what the Informal Trace Format says (`itf.py`), in the syntax of TLA+; the steps are comments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from diagrams.itf import Document, Expression

MODULE = "Counterexample"
"""What a module is called that has no file."""


def lines(document: Document, module: str = MODULE) -> Iterator[str]:
    """The module for a trace in the Informal Trace Format; states count from 1, as TLC counts them.

    `module` is the name of its file, as the tools of TLA+ want it.
    """
    meta = document["#meta"]
    yield f"---- MODULE {module} ----"
    yield from (_comment(meta[key]) for key in ("description", "source") if key in meta)
    yield ""
    yield "EXTENDS Integers, TLC"
    yield ""
    yield f"VARIABLES {', '.join(document['vars'])}"
    for number, state in enumerate(document["states"], start=1):
        yield ""
        yield _comment(_step(state["#meta"]) if number > 1 else "the initial state")
        yield f"State{number} =="
        yield from (f"  /\\ {name} = {text(state[name])}" for name in document["vars"])
    yield ""
    if "loop" in document:
        yield _comment(_onwards(document))
        yield ""
    yield "===="


def _onwards(document: Document) -> str:
    """What comes after the last state of a trace that goes on for ever."""
    back, last = document["loop"] + 1, len(document["states"])
    step = _step({key.removeprefix("back-"): said for key, said in document["#meta"].items() if "back-" in key})
    if step:
        return f"after State{last} comes State{back} again, and so on for ever: {step}"
    return f"after State{last} nothing more happens: it stutters"


def _step(meta: Mapping[str, str]) -> str:
    return ": ".join(meta[key] for key in ("actor", "action", "label") if key in meta)


def _comment(words: str) -> str:
    return f"\\* {' '.join(words.split())}"


def text(said: Expression) -> str:
    """An expression of the Informal Trace Format in TLA+."""
    if isinstance(said, bool):
        return "TRUE" if said else "FALSE"
    if isinstance(said, int):
        return str(said)
    if isinstance(said, str):
        return _string(said)
    for key, shown in _MARKED.items():
        if key in said:
            return shown(said[key])
    return f"[{', '.join(f'{name} |-> {text(value)}' for name, value in said.items())}]"


_ESCAPES = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\f": "\\f"})


def _string(words: str) -> str:
    return f'"{words.translate(_ESCAPES)}"'


def _function(pairs: list[list[Any]]) -> str:
    if not pairs:
        return "<<>>"
    return f"({' @@ '.join(f'{text(key)} :> {text(value)}' for key, value in pairs)})"


_MARKED: dict[str, Callable[[Any], str]] = {
    "#bigint": str,
    "#tup": lambda items: f"<<{', '.join(map(text, items))}>>",
    "#set": lambda items: f"{{{', '.join(map(text, items))}}}",
    "#map": _function,
    "#unserializable": _string,
}
"""How the objects with a `#` key are written."""
