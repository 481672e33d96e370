"""Regular expressions in RE2's syntax, answering only whether a text contains a match.

They are run as a set of states over the text, as RE2 does: the time is the product of the two lengths at most,
and no pattern can make it explode. Source: Go's ``regexp/syntax``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from model.expressions.regexp_nodes import Assertion, Choice, Item, Repeat, Row, Set
from model.expressions.regexp_syntax import parse
from model.expressions.results import UndecidedError

MAX_STATES: Final = 5_000
"""How large a compiled pattern may be here."""

MAX_STEPS: Final = 5_000_000
"""How many steps a match may take here."""

_SPLIT: Final = "split"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: its instructions, of which the last one is the match."""

    instructions: tuple[tuple[object, ...], ...]


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Pattern:
    """The compiled pattern. Raises ExpressionError for what is no pattern, UndecidedError for what is too large."""
    code: list[tuple[object, ...]] = []
    _emit(parse(pattern), code)
    code.append(("match",))
    return Pattern(tuple(code))


def _emit(item: Item, code: list[tuple[object, ...]]) -> None:
    if len(code) > MAX_STATES:
        raise UndecidedError("a regular expression is too large")
    if isinstance(item, (Set, Assertion)):
        code.append((item,))
    elif isinstance(item, Row):
        for part in item.parts:
            _emit(part, code)
    elif isinstance(item, Choice):
        _emit_choice(item, code)
    else:
        _emit_repeat(item, code)


def _emit_choice(item: Choice, code: list[tuple[object, ...]]) -> None:
    ends: list[int] = []
    for part in item.parts[:-1]:
        split = len(code)
        code.append(())
        _emit(part, code)
        ends.append(len(code))
        code.append(())
        code[split] = (_SPLIT, split + 1, len(code))
    _emit(item.parts[-1], code)
    for end in ends:
        code[end] = (_SPLIT, len(code), len(code))


def _emit_repeat(item: Repeat, code: list[tuple[object, ...]]) -> None:
    for _ in range(item.low):
        _emit(item.part, code)
    if item.high is None:
        split = len(code)
        code.append(())
        _emit(item.part, code)
        code.append((_SPLIT, split, split))
        code[split] = (_SPLIT, split + 1, len(code))
        return
    splits: list[int] = []
    for _ in range(item.high - item.low):
        splits.append(len(code))
        code.append(())
        _emit(item.part, code)
    for split in splits:
        code[split] = (_SPLIT, split + 1, len(code))


def matches(pattern: Pattern, text: str) -> bool:
    """Whether ``text`` contains a match. Raises UndecidedError if that takes too long to find out."""
    if len(pattern.instructions) * (len(text) + 1) > MAX_STEPS:
        raise UndecidedError("a regular expression takes too long on a long text")
    threads: set[int] = set()
    for at in range(len(text) + 1):
        reached = _closure(pattern, {0, *threads}, text, at)
        if len(pattern.instructions) - 1 in reached:
            return True
        char = text[at : at + 1]
        threads = {state + 1 for state in reached if char and _consumes(pattern, state, char)}
    return False


def _consumes(pattern: Pattern, state: int, char: str) -> bool:
    first = pattern.instructions[state][0]
    return isinstance(first, Set) and first.contains(char)


def _closure(pattern: Pattern, states: set[int], text: str, at: int) -> set[int]:
    reached: set[int] = set()
    waiting = list(states)
    while waiting:
        state = waiting.pop()
        if state in reached:
            continue
        reached.add(state)
        instruction = pattern.instructions[state]
        if instruction[0] == _SPLIT:
            waiting.extend(target for target in instruction[1:] if isinstance(target, int))
        elif isinstance(instruction[0], Assertion) and instruction[0].holds(text, at):
            waiting.append(state + 1)
    return reached
