"""States packed into machine words, and sets of them as sorted arrays.

A state takes as many 64-bit words as its variables need; no variable straddles two. Arrays of states are
lists of columns, one array per word. A *key* is one comparable item per state: the word itself, or, where
there are several, their bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Word = NDArray[np.uint64]
Words = list[Word]
Keys = NDArray[np.generic]
BITS = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where a variable is: word, shift in it, and number of bits."""

    word: int
    shift: int
    width: int

    @property
    def mask(self) -> int:
        """The bits of the variable in its word."""
        return ((1 << self.width) - 1) << self.shift


class Layout:
    """The places of all variables; those that are `lasting` come first, in `lasting_words` words."""

    def __init__(self, widths: Mapping[str, int], lasting: Sequence[str]) -> None:
        self.widths = dict(widths)
        self.lasting = tuple(lasting)
        self.places: dict[str, Place] = {}
        self.lasting_words = max(1, self._lay(lasting, 0))
        self.words = self._lay([n for n in widths if n not in set(lasting)], self.lasting_words)

    def _lay(self, names: Sequence[str], word: int) -> int:
        """Place `names` from `word` on; the number of the word after them."""
        used = 0
        for name in names:
            width = self.widths[name]
            if used + width > BITS:
                word, used = word + 1, 0
            self.places[name] = Place(word, used, width)
            used += width
        return word + 1 if names else word

    def column(self, words: Words, name: str) -> Word:
        """The numbers of one variable's values."""
        place = self.places[name]
        return (words[place.word] >> np.uint64(place.shift)) & np.uint64((1 << place.width) - 1)

    def pack(self, columns: Mapping[str, Word], length: int) -> Words:
        """The words of states given by columns; variables not given are 0. States only, if nothing local is."""
        count = self.lasting_words if columns.keys() <= set(self.lasting) else self.words
        words = [np.zeros(length, np.uint64) for _ in range(count)]
        for name, column in columns.items():
            place = self.places[name]
            words[place.word] |= column << np.uint64(place.shift)
        return words

    def repack(self, words: Words, old: Layout) -> Words:
        """States laid out as in `old`, laid out as here; sorted."""
        columns = {n: old.column(words, n) for n in self.lasting}
        return split(unique(join(self.pack(columns, len(words[0])))), self.lasting_words)

    def codes(self, words: Words, at: int) -> dict[str, int]:
        """The numbers of the values of one state."""
        return {n: int(self.column([w[at : at + 1] for w in words], n)[0]) for n in self.lasting}


def join(words: Words) -> Keys:
    """The keys of states."""
    if len(words) == 1:
        return words[0]
    stacked = np.ascontiguousarray(np.stack(words, axis=1))
    return stacked.view(np.dtype((np.void, stacked.dtype.itemsize * len(words)))).ravel()


def split(keys: Keys, count: int) -> Words:
    """The words of states given by keys."""
    if count == 1:
        return [keys.view(np.uint64)]
    table = keys.view(np.uint64).reshape(len(keys), count)
    return [np.ascontiguousarray(table[:, i]) for i in range(count)]


def unique(keys: Keys) -> Keys:
    """The distinct keys, sorted; np.unique would hash them, which is slower."""
    ordered = np.sort(keys)
    if len(ordered) < 2:
        return ordered
    first = np.empty(len(ordered), np.bool_)
    first[0] = True
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def merged(left: Keys, right: Keys) -> Keys:
    """Two sorted arrays without common elements as one: the stable sort finds the two runs."""
    return np.sort(np.concatenate([left, right]), kind="stable")


def without(keys: Keys, seen: Keys) -> Keys:
    """What of the sorted `keys` is not in the sorted `seen`."""
    if not len(seen) or not len(keys):
        return keys
    at = np.searchsorted(seen, keys)
    at[at == len(seen)] = 0
    new: Keys = keys[seen[at] != keys]
    return new


class Seen:
    """Every key seen so far: sorted runs, merged when their sizes are alike, so that adding costs little."""

    def __init__(self, runs: Iterable[Keys] = ()) -> None:
        self.runs: list[Keys] = []
        for run in runs:
            self.add(run)

    def add(self, keys: Keys) -> None:
        """Add sorted keys that are not there yet."""
        self.runs.append(keys)
        while len(self.runs) > 1 and len(self.runs[-2]) <= 2 * len(self.runs[-1]):
            last = self.runs.pop()
            self.runs[-1] = merged(self.runs[-1], last)

    def new(self, keys: Keys) -> Keys:
        """What of the sorted `keys` was not seen."""
        for run in self.runs:
            keys = without(keys, run)
        return keys

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return sum(run.nbytes for run in self.runs)
