"""Comments that say to ignore a finding: `# kargo-model: ignore[RULE] REASON`, above a line or at its end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from model.fields import similar
from model.inputs import Place, printable
from simulations.kargo.lint.rules import BY_ID, Finding

_COMMENT = re.compile(r"(?:^|\s)#\s*kargo-model:\s*(.*)$")
_IGNORE = re.compile(r"ignore\[([^\]]*)\]\s*(.*)")
_ONLY_COMMENT = re.compile(r"\s*(#.*)?|---(\s.*)?")


@dataclass(frozen=True, slots=True)
class Ignore:
    """A rule to be ignored in a line; `place` is where the comment stands."""

    rule: str
    line: int
    place: Place


def applied(found: Iterable[Finding], texts: Mapping[str, str]) -> tuple[tuple[Finding, ...], int]:
    """The findings that are not ignored, with what is wrong with the comments, and how many are ignored."""
    ignores, kept = list[Ignore](), list[Finding]()
    for file, text in texts.items():
        for comment in comments(text, file):
            if isinstance(comment, Ignore):
                ignores.append(comment)
            else:
                kept.append(comment)
    by_line = {(i.place.file, i.line, i.rule) for i in ignores}
    used = set()
    ignored = 0
    for finding in found:
        key = (finding.place.file, finding.place.line, finding.rule.id)
        if key in by_line:
            used.add(key)
            ignored += 1
        else:
            kept.append(finding)
    for ignore in ignores:
        if (ignore.place.file, ignore.line, ignore.rule) not in used:
            text = f"nothing in line {ignore.line} breaks {ignore.rule}{_nearest(ignore, kept)}"
            kept.append(Finding(BY_ID["unused-ignore"], ignore.place, "", text))
    return tuple(sorted(kept, key=lambda f: (f.place.file, f.place.line, f.place.column, f.rule.id))), ignored


def _nearest(ignore: Ignore, found: Iterable[Finding]) -> str:
    """Where the comment may have been meant to stand."""
    lines = [f.place.line for f in found if (f.place.file, f.rule.id) == (ignore.place.file, ignore.rule)]
    nearest = min(lines, key=lambda line: abs(line - ignore.line), default=0)
    return f"; line {nearest} does: write it there, or in the line above" if nearest else ""


def comments(text: str, file: str) -> Iterator[Ignore | Finding]:
    """What the comments in a text say to ignore, or what is wrong with them."""
    if "kargo-model:" not in text:
        return
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if found := _COMMENT.search(line):
            place = Place(file, 0, "", number, found.start(0) + (not line[found.start(0) :].startswith("#")) + 1)
            about = _below(lines, number) if _ONLY_COMMENT.fullmatch(line) else number
            yield from _read(found[1], place, about)


def _below(lines: list[str], number: int) -> int:
    """The number of the first line below that is more than a comment."""
    after = (k for k, line in enumerate(lines[number:], start=number + 1) if not _ONLY_COMMENT.fullmatch(line))
    return next(after, number)


def _read(said: str, place: Place, line: int) -> Iterator[Ignore | Finding]:
    found = _IGNORE.fullmatch(said.strip())
    if not found:
        yield _bad(place, f"{printable(said)!r} is not understood; expected ignore[RULE] REASON")
        return
    if not any(map(str.isalnum, found[2])):
        yield _bad(place, "no reason is given after ignore[...], so nothing is ignored")
        return
    for rule in (r.strip() for r in found[1].split(",")):
        if rule in BY_ID:
            yield Ignore(rule, line, place)
        else:
            meant = similar(rule, list(BY_ID)) if rule else ""
            hint = f'; is "{meant}" meant?' if meant else ""
            yield _bad(place, f'there is no rule "{printable(rule)}"{hint}')


def _bad(place: Place, text: str) -> Finding:
    return Finding(BY_ID["bad-ignore"], place, "", text)
