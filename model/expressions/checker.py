"""The type check that decides, before anything runs, whether an expression is accepted.

The names of variables are not checked (the embedding program compiles without an environment), but functions, and
everything whose type follows from the text, are. Source: expr-lang/expr ``checker/checker.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

from model.expressions import regexp, signatures, syntax, types
from model.expressions.checker_rules import (
    ARITHMETIC,
    CONDITIONS,
    LITERALS,
    ORDERED,
    accepts,
    arithmetic,
    closure_result,
    coalesced,
    field_of,
    literal_name,
)
from model.expressions.nature import (
    NIL_NATURE,
    UNKNOWN_NATURE,
    Nature,
    array_of,
    assignable,
    comparable,
    is_any_of,
    maybe_compatible,
    of_type,
)
from model.expressions.results import ExpressionError
from model.expressions.syntax import Node
from model.expressions.types import Signature

Natures = dict[Node, Nature]
"""The natures of the nodes that were checked; a node that was not is unknown."""

_BOOL: Final = of_type(types.BOOL)
_INT: Final = of_type(types.INT)
_FUNCTION: Final = types.FUNC


def check(root: Node, functions: Mapping[str, tuple[Signature, ...]], patch: int) -> Natures:
    """The natures of all nodes. ``functions`` are the embedding program's. Raises ExpressionError."""
    checker = _Checker(functions, patch)
    checker.visit(root)
    return checker.natures


def _fail(node: Node, message: str) -> NoReturn:
    raise ExpressionError(message, node.offset)


class _Checker:
    def __init__(self, functions: Mapping[str, tuple[Signature, ...]], patch: int) -> None:
        self.natures: Natures = {}
        self._functions = functions
        self._patch = patch
        self._collections: list[tuple[Nature, Mapping[str, Nature]]] = []
        self._variables: list[tuple[str, Nature]] = []

    def visit(self, node: Node) -> Nature:
        nature = self._visit(node)
        self.natures[node] = nature
        return nature

    def _visit(self, node: Node) -> Nature:
        match node:
            case syntax.NilLiteral():
                return NIL_NATURE
            case syntax.Literal(value=value):
                return of_type(LITERALS[type(value)])
            case syntax.Identifier(name=name):
                return self._name(name)
            case syntax.Member():
                return self._member(node)
            case syntax.Binary():
                return self._binary(node)
            case syntax.Call():
                return self._call(node)
            case syntax.Builtin():
                return self._builtin(node)
            case syntax.Chain(node=inner):
                return self.visit(inner)
            case syntax.Predicate(node=inner):
                return self._predicate(inner)
            case _:
                return self._visit_other(node)

    def _visit_other(self, node: Node) -> Nature:
        match node:
            case syntax.Unary():
                return self._unary(node)
            case syntax.Slice():
                return self._slice(node)
            case syntax.Pointer():
                return self._pointer(node)
            case syntax.Let():
                return self._let(node)
            case syntax.Sequence(nodes=nodes):
                return [self.visit(part) for part in nodes][-1]
            case syntax.Conditional():
                return self._conditional(node)
            case syntax.Array(nodes=nodes):
                return self._array(nodes)
            case syntax.Map(pairs=pairs):
                for key, value in pairs:
                    self.visit(key)
                    self.visit(value)
                return of_type(types.OBJECT)
            case _:
                return UNKNOWN_NATURE

    def _name(self, name: str) -> Nature:
        for known, nature in reversed(self._variables):
            if known == name:
                return nature
        if name == "$env":
            return UNKNOWN_NATURE
        if name in self._functions:
            return Nature(_FUNCTION, overloads=self._functions[name])
        if name in signatures.NAMES:
            return Nature(_FUNCTION, overloads=signatures.OVERLOADS.get(name, ()))
        return UNKNOWN_NATURE

    def _unary(self, node: syntax.Unary) -> Nature:
        nature = self.visit(node.operand).deref()
        if node.operator in ("!", "not"):
            if nature.boolean or nature.unknown:
                return _BOOL
        elif nature.number:
            return nature
        elif nature.unknown:
            return UNKNOWN_NATURE
        _fail(node, f"invalid operation: {node.operator} (mismatched type {nature})")

    # Binary operators.

    def _binary(self, node: syntax.Binary) -> Nature:
        left = self.visit(node.left).deref()
        right = self.visit(node.right).deref()
        operator = node.operator
        if operator == "??":
            return coalesced(left, right)
        if operator == "in":
            result = self._in(node, left, right)
        elif operator in ARITHMETIC:
            result = arithmetic(operator, left, right)
        else:
            result = self._relation(node, left, right)
        if result is None:
            _fail(node, f"invalid operation: {operator} (mismatched types {left} and {right})")
        return result

    def _relation(self, node: syntax.Binary, left: Nature, right: Nature) -> Nature | None:
        operator = node.operator
        if operator in ("==", "!="):
            return _BOOL if comparable(left, right) else None
        if operator in ("or", "||", "and", "&&"):
            fits = (left.boolean and right.boolean) or maybe_compatible(left, right, ("bool",))
            return _BOOL if fits else None
        if operator in ("<", ">", ">=", "<="):
            same = any(is_any_of(left, (sort,)) and is_any_of(right, (sort,)) for sort in ORDERED)
            return _BOOL if same or maybe_compatible(left, right, ORDERED) else None
        if operator == "..":
            fits = (left.integer and right.integer) or maybe_compatible(left, right, ("integer",))
            return array_of(_INT) if fits else None
        return self._text_relation(node, left, right)

    def _text_relation(self, node: syntax.Binary, left: Nature, right: Nature) -> Nature | None:
        matching = node.operator == "matches"
        if matching and isinstance(node.right, syntax.Literal) and isinstance(node.right.value, str):
            regexp.compiled(node.right.value)
        left_fits = left.string or (matching and left.type is types.BYTES and self._patch >= 7)
        fits = (left_fits and right.string) or maybe_compatible(left, right, ("string",))
        return _BOOL if fits else None

    def _in(self, node: syntax.Binary, left: Nature, right: Nature) -> Nature | None:
        if right.kind == "struct" and (left.string or left.unknown):
            return _BOOL
        if right.kind == "map":
            key = of_type(right.type.key) if right.type and right.type.key else UNKNOWN_NATURE
            if not left.unknown and not assignable(left, key):
                _fail(node, f"cannot use {left} as type {key} in map key")
            return _BOOL
        if right.array:
            if not comparable(left, right.items()):
                _fail(node, f"cannot use {left} as type {right.items()} in array")
            return _BOOL
        return _BOOL if right.unknown or (left.unknown and right.string) else None

    # Members and slices.

    def _member(self, node: syntax.Member) -> Nature:
        if isinstance(node.node, syntax.Identifier) and node.node.name == "$env":
            return UNKNOWN_NATURE
        base = self.visit(node.node)
        prop = self.visit(node.property)
        name = literal_name(node.property)
        if base.unknown:
            return UNKNOWN_NATURE
        if name is not None:
            if base.nil:
                _fail(node, f"type nil has no field {name}")
            if base.type is not None and name in base.type.methods:
                return Nature(_FUNCTION, overloads=(base.type.methods[name],))
        return self._element(node, base.deref(), prop, name)

    def _element(self, node: syntax.Member, base: Nature, prop: Nature, name: str | None) -> Nature:
        assert base.type is not None or base.nil
        if base.kind == "map" and base.type is not None and base.type.key is not None:
            key = of_type(base.type.key)
            if not (assignable(prop, key) or assignable(prop.deref(), key) or prop.unknown):
                _fail(node.property, f"cannot use {prop} to get an element from {base}")
            return base.items()
        if base.array:
            if not prop.deref().integer and not prop.unknown:
                _fail(node.property, f"array elements can only be selected using an integer (got {prop})")
            return base.items()
        if name is None:
            _fail(node, f"type {base}[{prop}] is undefined")
        found = field_of(base.type, name)
        if found is None:
            _fail(node, f"type {base} has no {'method' if node.method else 'field'} {name}")
        return of_type(found.type)

    def _slice(self, node: syntax.Slice) -> Nature:
        nature = self.visit(node.node)
        if nature.unknown:
            return UNKNOWN_NATURE
        if not (nature.string or nature.array):
            _fail(node, f"cannot slice {nature}")
        for bound in (node.first, node.last):
            if bound is not None:
                found = self.visit(bound).deref()
                if not found.integer and not found.unknown:
                    _fail(bound, f"non-integer slice index {found}")
        return nature

    # Calls.

    def _call(self, node: syntax.Call) -> Nature:
        nature = self.visit(node.callee)
        if nature.unknown:
            return UNKNOWN_NATURE
        if nature.nil:
            _fail(node, "nil is not callable")
        if nature.overloads is None:
            _fail(node, f"{nature} is not callable")
        callee = node.callee
        name = callee.name if isinstance(callee, syntax.Identifier) else "function"
        if isinstance(callee, syntax.Member):
            name = literal_name(callee.property) or name
        return self._overloaded(name, nature.overloads, node.arguments, node)

    def _overloaded(
        self, name: str, overloads: tuple[Signature, ...], arguments: tuple[Node, ...], node: Node
    ) -> Nature:
        failure: ExpressionError | None = None
        for overload in overloads:
            try:
                return self._arguments(name, overload, arguments, node)
            except ExpressionError as error:
                failure = error
        raise failure or ExpressionError(f"no matching overload for {name}", node.offset)

    def _arguments(self, name: str, overload: Signature, arguments: tuple[Node, ...], node: Node) -> Nature:
        wanted = overload.parameters
        if len(arguments) != len(wanted):
            for argument in arguments:
                self.visit(argument)
            how = "too many" if len(arguments) > len(wanted) else "not enough"
            _fail(node, f"{how} arguments to call {name}")
        for argument, parameter in zip(arguments, wanted, strict=True):
            nature = self.visit(argument)
            if not accepts(parameter, nature):
                shown = "nil" if nature.nil else str(nature)
                _fail(argument, f"cannot use {shown} as argument (type {parameter.name}) to call {name} ")
        return of_type(overload.result)

    def _builtin(self, node: syntax.Builtin) -> Nature:
        if node.name in signatures.CLOSURES:
            return self._closure_function(node)
        if node.name == "get":
            return self._get(node)
        rule = signatures.RULES.get(node.name)
        if rule is None:
            return self._overloaded(node.name, signatures.OVERLOADS[node.name], node.arguments, node)
        found = [self.visit(argument) for argument in node.arguments]
        try:
            return of_type(rule(node.name, [types.ANY if one.unknown else one.type for one in found]))
        except ExpressionError as error:
            _fail(node, error.message)

    def _get(self, node: syntax.Builtin) -> Nature:
        if len(node.arguments) != 2:
            _fail(node, f"invalid number of arguments (expected 2, got {len(node.arguments)})")
        base = self.visit(node.arguments[0])
        prop = self.visit(node.arguments[1]).deref()
        if base.unknown:
            return UNKNOWN_NATURE
        if base.array:
            if not prop.integer and not prop.unknown:
                _fail(node.arguments[1], f"non-integer slice index {prop}")
            return base.items()
        if base.kind == "map" and base.type is not None and base.type.key is not None:
            if not assignable(prop, of_type(base.type.key)) and not prop.unknown:
                _fail(node.arguments[1], f"cannot use {prop} to get an element from {base}")
            return base.items()
        _fail(node.arguments[0], f"type {base} does not support indexing")

    # Closures.

    def _closure_function(self, node: syntax.Builtin) -> Nature:
        name = node.name
        collection = self.visit(node.arguments[0]).deref()
        if not collection.array and not collection.unknown:
            _fail(node.arguments[0], f"builtin {name} takes only array (got {collection})")
        if len(node.arguments) == 1:
            return _INT if name == "count" else collection.items()
        names: dict[str, Nature] = {"index": _INT} if name in ("map", "reduce") else {}
        if name == "reduce":
            names["acc"] = UNKNOWN_NATURE
        self._collections.append((collection, names))
        closure = self.visit(node.arguments[1])
        self._collections.pop()
        if len(node.arguments) == 3:
            self._third_argument(node)
        assert closure.body is not None
        if closure.body.nil:
            _fail(node.arguments[1], "predicate should has one input and one output param")
        if name in CONDITIONS and not (closure.body.boolean or closure.body.unknown):
            _fail(node.arguments[1], f"predicate should return boolean (got {closure.body})")
        return closure_result(name, collection, closure.body)

    def _third_argument(self, node: syntax.Builtin) -> None:
        order = self.visit(node.arguments[2])
        if node.name == "sortBy" and self._patch >= 8 and not (order.string or order.unknown):
            _fail(node.arguments[2], f"sortBy order argument must be a string (got {order})")

    def _predicate(self, inner: Node) -> Nature:
        body = self.visit(inner)
        result = types.ANY if body.unknown else body.type
        return Nature(types.function_type(result), body=body)

    def _pointer(self, node: syntax.Pointer) -> Nature:
        if not self._collections:
            _fail(node, "cannot use pointer accessor outside predicate")
        collection, names = self._collections[-1]
        if node.name == "":
            return UNKNOWN_NATURE if collection.unknown else collection.items()
        if node.name not in names:
            _fail(node, f"unknown pointer #{node.name}")
        return names[node.name]

    # The rest.

    def _let(self, node: syntax.Let) -> Nature:
        if node.name in self._functions:
            _fail(node, f"cannot redeclare function {node.name}")
        if node.name in signatures.NAMES:
            _fail(node, f"cannot redeclare builtin {node.name}")
        if any(name == node.name for name, _ in self._variables):
            _fail(node, f"cannot redeclare variable {node.name}")
        self._variables.append((node.name, self.visit(node.value)))
        nature = self.visit(node.body)
        self._variables.pop()
        return nature

    def _conditional(self, node: syntax.Conditional) -> Nature:
        condition = self.visit(node.condition).deref()
        if not condition.boolean and not condition.unknown:
            _fail(node.condition, f"non-bool expression (type {condition}) used as condition")
        then = self.visit(node.then)
        otherwise = self.visit(node.otherwise)
        if then.nil or otherwise.nil:
            return otherwise if then.nil else then
        if not assignable(then, otherwise):
            return UNKNOWN_NATURE
        if then.array and otherwise.array:
            first, second = then.items(), otherwise.items()
            if not (assignable(first, second) and assignable(second, first)):
                return of_type(types.ANYS)
        return then

    def _array(self, nodes: tuple[Node, ...]) -> Nature:
        found = [self.visit(part) for part in nodes]
        if any(one.kind != found[0].kind for one in found):
            return of_type(types.ANYS)
        return array_of(found[-1] if found else UNKNOWN_NATURE)
