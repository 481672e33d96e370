"""What an `if` that cannot be decided before there is a Promotion has in common with those of earlier steps.

Who promotes, what the Freight is, what a ConfigMap holds, and what a step that is over has left is unknown, but it
is the same for every step: of two steps with the same question in their `if`, both run or none does, as far as that
question goes. What one of the steps writes while the Promotion goes on has one answer before that step, and another
after it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from model.expressions import Evaluation, Failure, Value, syntax
from model.expressions.compile import parse_cached
from model.expressions.lexer import Token, tokenize
from model.expressions.references import Reference
from model.expressions.results import ExpressionError, UndecidedError
from model.expressions.template import parse_template
from model.kargo.expression_references import ALL, StepReferences, find_references
from model.kargo.expressions import Rules, rules_for
from model.kargo.functions import METADATA_NAMES, STATUS_NAMES
from model.kargo.manifest_types import Vars
from model.kargo.phases import StepStatus
from model.kargo.plan import namespace
from model.kargo.step_engine import Condition, Entry

Question = tuple[str, Vars]
"""Something that has one answer throughout a Promotion: an expression, and the variables that it sees."""

_METADATA, _ALIAS = "set-metadata", "set-freight-alias"
WRITERS = frozenset((_METADATA, _ALIAS))
"""The kinds of steps that write what an `if` can ask.

Source: `metadata_setter.go`, `set_freight_alias.go`; `promotions.go: reconciler.promote` reads the alias anew in
every pass
"""

_ALWAYS, _SUCCESS = "always()", "success()"
_SPELLED = {_ALWAYS: _ALWAYS, _SUCCESS: _SUCCESS, "!failure()": _SUCCESS, "notfailure()": _SUCCESS}


@dataclass(frozen=True, slots=True)
class Part:
    """What has to be so, besides other parts, for the step to run: `text` is a template of its own.

    `question` is what has to be answered as `wanted` says, None where the answer may change from step to step.
    `outputs` are the keys of the shared state that it reads; the answer is the same once these are there. `status`
    is how `always()` or `success()` is spelled, empty for anything else. `written_by` are those of `WRITERS` that
    may change the answer.
    """

    text: str
    question: Question | None = None
    wanted: bool = True
    outputs: frozenset[str] = frozenset()
    status: str = ""
    written_by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Parts:
    """The `if` of a step as parts that all have to be so, in the order in which they are looked at."""

    alias: str
    parts: tuple[Part, ...]

    @property
    def questions(self) -> frozenset[Question]:
        """Everything it asks that has one answer throughout a Promotion."""
        return frozenset(part.question for part in self.parts if part.question)

    def asking_only(self, of: Collection[str]) -> Parts:
        """The same, those that read other outputs taken for questions whose answer may change."""
        kept = (p if p.outputs <= frozenset(of) else replace(p, question=None) for p in self.parts)
        return replace(self, parts=tuple(kept))

    def before(self, kind: str) -> Parts:
        """The same for what comes after a step of that kind, which may have changed answers."""
        kept = (replace(p, question=None) if kind in p.written_by else p for p in self.parts)
        return replace(self, parts=tuple(kept))

    def skipped_by_questions(self, has_failures: bool) -> bool:
        """Whether a step that this `if` skipped was skipped by the answer to a question, and nothing else."""
        asks_success = any(part.status == _SUCCESS for part in self.parts)
        return all(part.question or part.status for part in self.parts) and not (asks_success and has_failures)


@lru_cache(maxsize=4096)
def parts_of(alias: str, condition: str, variables: Vars, release: str) -> Parts:
    """The parts of an `if`; it is one part itself if it cannot be taken apart."""
    rules = rules_for(release)
    sources = _conjuncts(condition, rules)
    if sources is None:
        return Parts(alias, (Part(condition),))
    return Parts(alias, tuple(_part(source, variables, namespace(alias), rules) for source in sources))


def answers(
    earlier: Iterable[Parts], entries: Mapping[str, Entry | None], has_failures: bool
) -> dict[Question, bool]:
    """What is known from the steps before: that one began, or was skipped by its `if`."""
    known: dict[Question, bool] = {}
    for each in earlier:
        entry = entries.get(each.alias)
        if entry is None:
            continue
        asked = [(part.question, part.wanted) for part in each.parts if part.question]
        if entry.started_at is not None:
            known |= asked
        elif entry.status is StepStatus.SKIPPED and each.skipped_by_questions(has_failures):
            # If only one answer is open, it was the wrong one.
            still = [(question, not wanted) for question, wanted in asked if known.get(question) is not wanted]
            known |= still if len(still) == 1 else []
    return known


def outcomes(
    parts: Sequence[Part], known: Mapping[Question, bool], evaluate: Callable[[str], Evaluation], *, again: bool
) -> tuple[Condition, ...]:
    """What an `if` can come to, `evaluate` saying of a part whether the step is skipped by it.

    It is asked `again` of a step that has begun: what was unknown then was so, and still is.
    """
    open_: tuple[Condition, ...] = ()
    for part in parts:
        if part.question is not None and part.question in known:
            skipped = known[part.question] is not part.wanted
        else:
            found = evaluate(part.text)
            if isinstance(found, Failure):
                return (Condition(None, found.message), *open_)
            if not isinstance(found, Value):
                open_ = () if again else (Condition(False),)
                continue
            skipped = bool(found.value)
        if skipped:
            return (Condition(False),)
    return (Condition(True), *open_)


# Taking it apart


def _conjuncts(condition: str, rules: Rules) -> list[str] | None:
    """The expressions between the outermost `&&` of an `if` that is one expression; None if it is anything else."""
    template = parse_template(condition, rules.delimiters)
    if len(template.parts) != 1 or template.unclosed or (template.parts[0].before + template.rest).strip():
        return None
    source = template.parts[0].source
    try:
        root = parse_cached(source, rules.steps)
        tokens = tokenize(source, rules.steps.patch)
    except (ExpressionError, UndecidedError):
        return None
    found = list(_between(source, tokens))
    return found if len(found) == sum(1 for _ in _operands(root)) else None


_AND = ("&&", "and")


def _operands(node: syntax.Node) -> Iterator[syntax.Node]:
    if isinstance(node, syntax.Binary) and node.operator in _AND:
        yield from _operands(node.left)
        yield from _operands(node.right)
    else:
        yield node


def _between(source: str, tokens: Sequence[Token]) -> Iterator[str]:
    begin = 0
    for token, depth in _depths(tokens):
        if token.kind == "Operator" and token.value in _AND and not depth:
            yield source[begin : token.offset].strip()
            begin = token.offset + len(token.value)
    yield source[begin:].strip()


def _depths(tokens: Iterable[Token]) -> Iterator[tuple[Token, int]]:
    """Each token with the number of brackets that it is in."""
    depth = 0
    for token in tokens:
        if token.kind == "Bracket":
            depth += 1 if token.value in "([{" else -1
        yield token, depth


def _part(source: str, variables: Vars, task: str, rules: Rules) -> Part:
    text = f"${{{{ {source} }}}}"
    if status := _SPELLED.get("".join(source.split()), ""):
        return Part(text, status=status)
    found = find_references(text, rules.release)
    seen = variables if found.variables else ()
    read = (found, *(find_references(value, rules.release) for _, value in seen))
    if found.problems or any(map(_changes, read)):
        return Part(text)
    asked, wanted = _without_not(source, rules)
    within = f"{task}::" if any(each.task_outputs for each in read) else ""
    outputs = {key for each in read for key in each.outputs}
    outputs |= {f"{within}{key}" for each in read for key in each.task_outputs}
    written_by = frozenset(kind for each in read for kind in _written_by(each))
    return Part(text, (within + asked, seen), wanted, frozenset(outputs), written_by=written_by)


def _written_by(found: StepReferences) -> Iterator[str]:
    """The kinds of steps that write what is read."""
    if not METADATA_NAMES.isdisjoint(found.functions):
        yield _METADATA
    if any(r.name == "ctx" and r.path[:2] in _OF_ALIAS for r in found.references):
        yield _ALIAS


_OF_ALIAS = (("targetFreight",), ("targetFreight", "alias"))


def _changes(found: StepReferences) -> bool:
    """Whether the answer may be another one for another step."""
    unclear = ALL in (found.outputs, found.task_outputs) or found.step_metas
    return bool(unclear) or not STATUS_NAMES.isdisjoint(found.functions) or any(map(_of_the_step, found.references))


def _of_the_step(reference: Reference) -> bool:
    return reference.name == "ctx" and reference.path[:2] in ((), ("meta",), ("meta", "step"))


def _without_not(source: str, rules: Rules) -> tuple[str, bool]:
    """The question with `==` in the place of `!=`, and the answer that is wanted."""
    tokens = [pair for pair in _depths(tokenize(source, rules.steps.patch)) if pair[0].kind != "EOF"]
    words = [repr(token.value) if token.kind == "String" else token.value for token, _ in tokens]
    outside = [
        (number, token.value)
        for number, (token, depth) in enumerate(tokens)
        if token.kind == "Operator" and not depth and token.value not in (".", "?.")
    ]
    if [operator for _, operator in outside] != ["!="]:
        return " ".join(words), True
    [(at, _)] = outside
    return " ".join((*words[:at], "==", *words[at + 1 :])), False
