"""Documents out of the events of a YAML parser.

Composing documents with the library would recurse in C, where a deeply nested document ends the process. Here
nesting, aliases and size are checked as the events come.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from yaml import events as e

from model.inputs import Document, InputError, Limits, Node, Place, printable
from model.scalars import plain_scalar, tagged_scalar


class _Open:
    """A list or mapping that is being filled."""

    __slots__ = ("anchor", "items", "key", "key_mark", "mark", "merged", "values")

    def __init__(self, event: Any, values: int) -> None:
        self.items: Any = {} if isinstance(event, e.MappingStartEvent) else []
        self.mark = event.start_mark
        self.anchor: str | None = event.anchor
        self.key: str | None = None
        self.key_mark: Any = None
        self.merged: list[Node] = []
        self.values = values  # how many values had been built, aliases expanded, when this one began

    def path(self) -> str:
        if isinstance(self.items, list):
            return f"[{len(self.items)}]"
        return "" if self.key is None else f".{self.key}"


@dataclass
class Builder:
    """Builds documents from events."""

    file: str
    limits: Limits
    skip: frozenset[str]
    number: int = 0
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int] | None] = field(default_factory=dict)
    values: int = 0
    repeated: int = 0
    keys: dict[str, str] = field(default_factory=dict)

    def place(self, mark: Any = None) -> Place:
        """The place of `mark` in what is being built."""
        path = "".join(part.path() for part in self.stack).lstrip(".")
        if mark is None:
            return Place(self.file, self.number, path)
        return Place(self.file, self.number, path, mark.line + 1, mark.column + 1)

    def fail(self, problem: str, event: Any) -> InputError:
        """An error at `event`."""
        return InputError(problem, self.place(event.start_mark))

    def documents(self, events: Iterator[Any]) -> Iterator[Document]:
        """The documents that are not empty."""
        for event in events:
            if isinstance(event, e.DocumentStartEvent):
                self.number += 1
                self.anchors.clear()
                if self.number > self.limits.documents:
                    raise self.fail(f"more than {self.limits.documents} documents in one file", event)
                root = self.root(events)
                if root.value is not None:
                    yield Document(self.file, self.number, root)

    def root(self, events: Iterator[Any]) -> Node:
        """The root of a document whose start has been read."""
        for event in events:
            kind = type(event)
            if kind is e.ScalarEvent:
                done = self.scalar(event)
            elif kind is e.MappingStartEvent or kind is e.SequenceStartEvent:
                self.open(event, events)
                continue
            elif kind is e.AliasEvent:
                done = self.alias(event)
            else:
                done = self.close(event)
            if done is not None and not self.stack:
                return done
            if done is not None:
                self.put(done, event)
        raise InputError("not YAML or JSON: the document has no end", self.place())

    def scalar(self, event: Any) -> Node | None:
        """The value of a scalar, or None if it was taken as a key."""
        top = self.stack[-1] if self.stack else None
        mark = event.start_mark
        if top is not None and top.key is None and type(top.items) is dict:
            self.take_key(top, event)
            return None
        self.values += 1
        try:
            untagged = event.implicit[0] and event.tag is None
            value = plain_scalar(event.value) if untagged else tagged_scalar(event.tag, event.value)
        except ValueError as error:
            raise self.fail(str(error), event) from None
        node = Node(value, mark.line + 1, mark.column + 1)
        if event.anchor:
            self.anchors[event.anchor] = (node, 1)
        return node

    def take_key(self, top: _Open, event: Any) -> None:
        """Make a scalar the key of the next value."""
        key = self.keys.setdefault(event.value, event.value)
        if key in top.items:
            line = top.items[key].line
            top.key = key
            raise self.fail(f"the key {printable(key)!r} is given twice, first with a value on line {line}", event)
        top.key, top.key_mark = key, event
        if event.anchor:
            self.anchors[event.anchor] = (Node(key, event.start_mark.line + 1, event.start_mark.column + 1), 1)

    def open(self, event: Any, events: Iterator[Any]) -> None:
        """Begin a list or mapping, or pass over it."""
        top = self.stack[-1] if self.stack else None
        if top is not None and top.key is None and type(top.items) is dict:
            raise self.fail("expected a text as key, found a list or mapping", event)
        if event.tag not in (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            raise self.fail(f"the tag {printable(event.tag)!r} is not supported", event)
        if len(self.stack) >= self.limits.depth:
            raise self.fail_flat(f"nested deeper than {self.limits.depth} levels", event)
        if top is not None and top.key in self.skip:
            _pass_over(events)
            top.key = None
            return
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append(_Open(event, self.values + self.repeated))

    def fail_flat(self, problem: str, event: Any) -> InputError:
        """An error at `event` that does not spell out a path of a hundred parts."""
        mark = event.start_mark
        return InputError(problem, Place(self.file, self.number, "", mark.line + 1, mark.column + 1))

    def close(self, event: Any) -> Node | None:
        """The list or mapping that ends here."""
        if not isinstance(event, e.CollectionEndEvent):
            raise self.fail("not YAML or JSON: the document ends early", event)
        top = self.stack.pop()
        self.values += 1
        for merged in top.merged:
            for key, value in merged.value.items():
                top.items.setdefault(key, value)
        node = Node(top.items, top.mark.line + 1, top.mark.column + 1)
        if top.anchor:
            self.anchors[top.anchor] = (node, self.values + self.repeated - top.values)
        return node

    def alias(self, event: Any) -> Node | None:
        """The value that an alias repeats."""
        name = printable(event.anchor)
        if event.anchor not in self.anchors:
            raise self.fail(f"the alias *{name} has no anchor before it", event)
        known = self.anchors[event.anchor]
        if known is None:
            raise self.fail(f"the alias *{name} stands inside what it repeats", event)
        node, size = known
        self.repeated += size
        if self.repeated > self.limits.alias_values:
            raise self.fail_flat(f"aliases repeat more than {self.limits.alias_values} values", event)
        top = self.stack[-1] if self.stack else None
        if top is not None and top.key is None and type(top.items) is dict:
            raise self.fail("expected a text as key, found an alias", event)
        return node

    def put(self, node: Node, event: Any) -> None:
        """Add a value to the innermost list or mapping."""
        top = self.stack[-1]
        if type(top.items) is list:
            top.items.append(node)
            return
        key = top.key
        if key == "<<" and top.key_mark.implicit[0]:
            self.merge(top, node, event)
        elif key not in self.skip:
            top.items[key] = node
        top.key = None

    def merge(self, top: _Open, node: Node, event: Any) -> None:
        """Note what the merge key `<<` brings in; the mapping's own keys go first."""
        sources: Sequence[Node] = node.value if isinstance(node.value, list) else [node]
        if not all(isinstance(s.value, dict) for s in sources):
            raise self.fail("expected a mapping, or a list of them, to merge", event)
        top.merged.extend(sources)


def _pass_over(events: Iterator[Any]) -> None:
    depth = 1
    for event in events:
        if isinstance(event, e.CollectionStartEvent):
            depth += 1
        elif isinstance(event, e.CollectionEndEvent):
            depth -= 1
        if not depth:
            return
