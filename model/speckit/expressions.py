"""The expressions of spec-kit workflows, `{{ ... }}`, evaluated as the engine evaluates them.

What an expression names and what does not exist is null, and `null != 0` is true.

Source: `specify_cli/workflows/expressions.py: evaluate_expression`, `evaluate_condition`,
`_evaluate_simple_expression`
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from model.speckit.expression_text import block_end, closes_at_the_end, find, split, squeezed
from model.speckit.releases import Behaviours

Names = Mapping[str, Any]
"""What an expression can name: inputs, steps, item, fan_in and context."""


class ExpressionError(Exception):
    """An expression that cannot be evaluated; the engine lets that end the run. The text is the engine's."""


_ORDERING: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_COMPARISONS = ("!=", "==", ">=", "<=", ">", "<", " not in ", " in ")
_WORDS = {"true": True, "false": False, "none": None, "null": None}
_BLOCK = re.compile(r"\{\{(.+?)\}\}")
_INDEXED = re.compile(r"([\w-]+)\[(-?\d+)\]")
_CALL = re.compile(r"(\w+)\((.+)\)")


def evaluate(template: Any, names: Names, behaviours: Behaviours) -> Any:
    """What `template` comes to: the value itself if it is one block and nothing else, otherwise a text.

    A template that is no text is its own value. Raises ExpressionError where the engine raises an error.
    """
    if not isinstance(template, str):
        return template
    try:
        return _evaluated(template, names, behaviours)
    except (ValueError, TypeError, AttributeError) as problem:
        raise ExpressionError(str(problem)) from problem


def _evaluated(template: str, names: Names, behaviours: Behaviours) -> Any:
    evaluator = _Evaluator(names, behaviours)
    whole = _whole(template.strip(), behaviours)
    if whole is not None:
        return evaluator.value(whole.strip())
    if not behaviours.quotes_and_brackets:
        return _BLOCK.sub(lambda found: _text(evaluator.value(found[1].strip())), template)
    return _filled_in(template, evaluator)


def holds(condition: Any, names: Names, behaviours: Behaviours) -> bool:
    """Whether a condition is met: the texts true and false mean what they say, all else what Python makes of it.

    Raises ExpressionError where the engine raises an error.
    """
    found = evaluate(condition, names, behaviours)
    if isinstance(found, str):
        word = (found.strip() if behaviours.quotes_and_brackets else found).lower()
        if word in ("true", "false"):
            return word == "true"
    return bool(found)


def _whole(text: str, behaviours: Behaviours) -> str | None:
    """What is inside, if the text is one block and nothing else."""
    if behaviours.quotes_and_brackets:
        return text[2:-2] if is_one_expression(text) else None
    found = _BLOCK.fullmatch(text)
    return found[1] if found else None


def is_one_expression(text: str) -> bool:
    """Whether a text is one block and nothing else, quotes respected."""
    if not (text.startswith("{{") and text.endswith("}}") and text[2:-2].strip()):
        return False
    return block_end(text[:-2], 0) < 0


def _filled_in(template: str, evaluator: _Evaluator) -> str:
    parts, done = [], 0
    while (begin := template.find("{{", done)) >= 0:
        end = block_end(template, begin)
        if end < 0:
            end = template.find("}}", begin + 2)
        if end < 0:
            break
        parts += [template[done:begin], _text(evaluator.value(template[begin + 2 : end].strip()))]
        done = end + 2
    return "".join([*parts, template[done:]])


def _text(value: Any) -> str:
    return "" if value is None else str(value)


class _Evaluator:
    """Evaluates what stands between the braces."""

    def __init__(self, names: Names, behaviours: Behaviours) -> None:
        self.names = names
        self.behaviours = behaviours
        self.anywhere = not behaviours.quotes_and_brackets

    def value(self, text: str) -> Any:
        """The value of an expression."""
        text = squeezed(text) if self.behaviours.parentheses else text.strip()
        if self._is_quoted(text):
            return text[1:-1]
        if self.behaviours.parentheses and text.startswith("(") and closes_at_the_end(text, "(", ")"):
            return self.value(text[1:-1])
        if self._find(text, "|") >= 0:
            return self._filtered(text)
        for word, stops_at in ((" or ", True), (" and ", False)):
            at = self._find(text, word)
            if at >= 0:
                return self._either(text[:at], text[at + len(word) :], stops_at)
        if text.startswith("not "):
            return not self.value(text[4:])
        return self._compared(text)

    def _find(self, text: str, token: str) -> int:
        return find(text, token, anywhere=self.anywhere)

    def _is_quoted(self, text: str) -> bool:
        if text[:1] not in ("'", '"') or not text:
            return False
        return text[-1] == text[0] if self.anywhere else text.find(text[0], 1) == len(text) - 1

    def _either(self, left: str, right: str, stops_at: bool) -> bool:
        first = bool(self.value(left))
        if self.behaviours.short_circuit and first is stops_at:
            return stops_at
        second = bool(self.value(right))
        return first or second if stops_at else first and second

    def _compared(self, text: str) -> Any:
        for sign in _COMPARISONS:
            at = self._find(text, sign)
            if at >= 0:
                left, right = self.value(text[:at]), self.value(text[at + len(sign) :])
                return self._comparison(sign.strip(), left, right)
        return self._term(text)

    def _comparison(self, sign: str, left: Any, right: Any) -> bool:
        if sign == "==":
            return bool(left == right)
        if sign == "!=":
            return bool(left != right)
        if sign in _ORDERING:
            return self._ordered(sign, left, right)
        return self._contained(left, right) is (sign == "in")

    def _contained(self, left: Any, right: Any) -> bool:
        if self.anywhere:
            return right is not None and left in right
        try:
            return left in right
        except TypeError:
            return False

    def _ordered(self, sign: str, left: Any, right: Any) -> bool:
        try:
            if self.anywhere:
                left, right = (_number(v) if isinstance(v, str) else v for v in (left, right))
            else:
                numbers = [_number_or_same(v) for v in (left, right)]
                if all(isinstance(v, (int, float)) for v in numbers):
                    left, right = numbers
            return bool(_ORDERING[sign](left, right))
        except (TypeError, ValueError):
            return False

    def _term(self, text: str) -> Any:
        try:
            return _number(text)
        except ValueError:
            pass
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        if self._is_list(text):
            return self._list(text[1:-1].strip())
        return self._path(text)

    def _is_list(self, text: str) -> bool:
        if not (text.startswith("[") and text.endswith("]")):
            return False
        return not self.behaviours.parentheses or closes_at_the_end(text, "([{", ")]}")

    def _list(self, inside: str) -> list[Any]:
        if not inside:
            return []
        items = split(inside, ",", anywhere=self.anywhere)
        return [self.value(item) for item in items if item.strip() or self.anywhere]

    def _path(self, text: str) -> Any:
        found: Any = self.names
        for part in text.split("."):
            indexed = _INDEXED.fullmatch(part)
            if indexed and (self.behaviours.parentheses or not indexed[2].startswith("-")):
                found = _item(found.get(indexed[1]) if isinstance(found, Mapping) else None, int(indexed[2]))
            else:
                found = found.get(part) if isinstance(found, Mapping) else None
            if found is None:
                return None
        return found

    def _filtered(self, text: str) -> Any:
        if self.anywhere:
            head, _, rest = text.partition("|")
            return self._early_filter(self.value(head), rest.strip())
        head, *filters = (part.strip() for part in split(text, "|", anywhere=False))
        if self.behaviours.parentheses:
            self._refuse_ambiguous(text, head, filters[0])
        value = self.value(head)
        for each in filters:
            value = self._filter(value, each)
        return value

    def _refuse_ambiguous(self, text: str, head: str, first: str) -> None:
        signs = (*_COMPARISONS, " or ", " and ")
        sign = "not" if head.startswith("not ") else next((s for s in signs if self._find(head, s) >= 0), None)
        if sign is not None:
            raise ValueError(f"ambiguous filter precedence in '{text}': '| {first}'…")

    def _early_filter(self, value: Any, text: str) -> Any:
        found = _CALL.match(text)
        if found:
            argument = self.value(found[2])
            if found[1] in _EARLY_FILTERS:
                return _EARLY_FILTERS[found[1]](value, argument)
        return _default(value, "") if text == "default" else value

    def _filter(self, value: Any, text: str) -> Any:
        leading = re.match(r"\w+", text)
        name = leading[0] if leading else text
        bare = _BARE_FILTERS if self.behaviours.parentheses else _FIRST_BARE_FILTERS
        if name in bare:
            if text != name:
                raise ValueError(
                    f"{name}: expected '| {name}' with no arguments or trailing tokens, got '| {text}'"
                )
            return bare[name](value)
        calls = _CALL_FILTERS if self.behaviours.parentheses else _FIRST_CALL_FILTERS
        found = _CALL.fullmatch(text)
        if found and not (self.behaviours.parentheses and self._find(found[2], ",") >= 0):
            argument = self.value(found[2])
            if found[1] in calls:
                return calls[found[1]](value, argument)
        if text == "default":
            return _default(value, "")
        if name in calls:
            raise ValueError(f"filter '{name}' used in an unsupported form (got '| {text}'): …")
        raise ValueError(f"unknown filter '{name}': …")


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _number_or_same(value: Any) -> Any:
    try:
        return _number(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _item(found: Any, index: int) -> Any:
    if isinstance(found, list) and -len(found) <= index < len(found):
        return found[index]
    return None


# Filters


def _default(value: Any, other: Any) -> Any:
    return other if value is None or value == "" else value


def _join(value: Any, separator: Any) -> str:
    return str(separator.join(str(v) for v in value)) if isinstance(value, list) else str(value)


def _map(value: Any, attribute: Any) -> list[Any]:
    def picked(item: Any) -> Any:
        for part in attribute.split("."):
            item = item.get(part) if isinstance(item, Mapping) else None
        return item

    if not isinstance(value, list):
        return []
    return [picked(item) if isinstance(item, Mapping) else item for item in value]


def _contains(value: Any, part: Any) -> bool:
    return isinstance(value, (str, list)) and part in value


def _wants_text(name: str, value: Any, what: str) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected {what}, got {type(value).__name__}")


def _strict_join(value: Any, separator: Any) -> str:
    _wants_text("join", separator, "a string separator")
    return _join(value, separator)


def _strict_map(value: Any, attribute: Any) -> list[Any]:
    _wants_text("map", attribute, "a string attribute name")
    return _map(value, attribute)


def _strict_contains(value: Any, part: Any) -> bool:
    if isinstance(value, str):
        _wants_text("contains", part, "a string argument when the value is a string")
    return _contains(value, part)


def _from_json(value: Any) -> Any:
    _wants_text("from_json", value, "a JSON string")
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise ValueError(f"from_json: invalid JSON: {error}") from error


def _upper(value: Any) -> str:
    _wants_text("upper", value, "a string value")
    return str(value.upper())


def _lower(value: Any) -> str:
    _wants_text("lower", value, "a string value")
    return str(value.lower())


def _split(value: Any, separator: Any) -> list[str]:
    _wants_text("split", value, "a string value")
    _wants_text("split", separator, "a string separator")
    if not separator:
        raise ValueError("split: separator must not be empty")
    return list(value.split(separator))


def _length(value: Any) -> int:
    if not isinstance(value, (list, str)):
        raise ValueError(f"length: expected a list or string, got {type(value).__name__}…")
    return len(value)


def _to_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


_EARLY_FILTERS: dict[str, Callable[[Any, Any], Any]] = {
    "default": _default,
    "join": _join,
    "map": _map,
    "contains": _contains,
}
_FIRST_CALL_FILTERS = {
    "default": _default,
    "join": _strict_join,
    "map": _strict_map,
    "contains": _strict_contains,
}
_CALL_FILTERS: dict[str, Callable[[Any, Any], Any]] = {**_FIRST_CALL_FILTERS, "split": _split}
_FIRST_BARE_FILTERS: dict[str, Callable[[Any], Any]] = {"from_json": _from_json}
_BARE_FILTERS = {
    **_FIRST_BARE_FILTERS,
    "upper": _upper,
    "lower": _lower,
    "length": _length,
    "to_json": _to_json,
}
