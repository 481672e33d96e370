"""Running a program.

The rules are those of the library's bytecode: which operand is asked for its type and which is not, where a loop
stops, what an optional chain leaves. On top comes the unknown: what is computed from it is unknown, unless the
answer is the same whatever it is. Source: expr-lang/expr ``compiler/compiler.go``, ``vm/vm.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from model.expressions import access, binary, builtins, builtins_lists, loops, operators, syntax, types
from model.expressions.checker_rules import field_of, literal_name
from model.expressions.compile import Program
from model.expressions.nature import UNKNOWN_NATURE
from model.expressions.results import Evaluation, ExpressionError, Failure, Undecided, UndecidedError, Value, place
from model.expressions.syntax import Node
from model.expressions.values import (
    UNKNOWN,
    Method,
    Unordered,
    dereference,
    is_nil,
    mentions_unknown,
    to_int,
    type_name,
)

MEMORY_BUDGET: Final = 1_000_000
"""The library's own limit on the elements a run may make (``conf.DefaultMemoryBudget``)."""

WORK_BUDGET: Final = 300_000
"""How many nodes are visited before a run is given up as undecided."""

Call = Callable[[tuple[object, ...]], object]


@dataclass(frozen=True, slots=True)
class Environment:
    """What an expression can see: variables by name, and what its functions do.

    A function gets its arguments and returns a value; it may raise ExpressionError, or return UNKNOWN.
    """

    variables: Mapping[str, object] = field(default_factory=dict)
    functions: Mapping[str, Call] = field(default_factory=dict)


def run(program: Program, environment: Environment) -> Evaluation:
    """The outcome of a program. Never raises for anything an expression can do."""
    machine = Machine(program, environment)
    try:
        value = machine.value(program.root)
    except ExpressionError as error:
        offset = error.offset if error.offset >= 0 else machine.at
        return Failure(error.message, *place(program.source, offset))
    except UndecidedError as error:
        return Undecided(str(error))
    except RecursionError:
        return Undecided("a value is nested too deeply")
    return Undecided() if value is UNKNOWN else Value(value)


class _ChainBreakError(Exception):
    """An optional access met nil; ``value`` is that nil."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


class Machine:
    """One run: the program, what it sees, the closures and variables it is in, and what is left of its budgets."""

    def __init__(self, program: Program, environment: Environment) -> None:
        self.at = 0
        self.patch = program.patch
        self._natures = program.natures
        self._environment = environment
        self._variables: list[tuple[str, object]] = []
        self.scopes: list[loops.Scope] = []
        self._memory = 0
        self._work = 0

    def value(self, node: Node) -> object:
        """The value of a node. Raises ExpressionError or UndecidedError."""
        self._work += 1
        if self._work > WORK_BUDGET:
            raise UndecidedError(f"it takes more than {WORK_BUDGET} steps")
        self.at = node.offset
        return _EVALUATORS[type(node)](self, node)

    def grow(self, size: int) -> None:
        """Count ``size`` new elements. Raises ExpressionError as the library does when there are too many."""
        self._memory += size
        if self._memory >= MEMORY_BUDGET:
            raise ExpressionError("memory budget exceeded")

    def operand(self, node: Node) -> object:
        """The value of an operand: pointers whose type was not known to be a struct are followed."""
        value = self.value(node)
        kind = self._static(node).kind
        return dereference(value) if kind in ("ptr", "interface") else value

    def condition(self, node: Node, asker: Node) -> bool | None:
        """The value of a condition of ``asker``; None if unknown. Raises ExpressionError if it is no boolean."""
        value = self.operand(node)
        self.at = asker.offset
        return None if value is UNKNOWN else operators.boolean(value)

    def _static(self, node: Node) -> types.GoType:
        nature = self._natures.get(node, UNKNOWN_NATURE)
        return types.ANY if nature.type is None else nature.type

    # Leaves.

    def _nil(self, node: syntax.NilLiteral) -> object:
        return None

    def _literal(self, node: syntax.Literal) -> object:
        return node.value

    def _constant(self, node: syntax.Constant) -> object:
        return node.value

    def _identifier(self, node: syntax.Identifier) -> object:
        for name, value in reversed(self._variables):
            if name == node.name:
                return value
        if node.name == "$env":
            return dict(self._environment.variables)
        return self._environment.variables.get(node.name)

    def _pointer(self, node: syntax.Pointer) -> object:
        scope = self.scopes[-1]
        if node.name == "index":
            return scope.index
        return scope.accumulator if node.name == "acc" else scope.item()

    # Operators.

    def _unary(self, node: syntax.Unary) -> object:
        value = self.operand(node.operand)
        self.at = node.offset
        if value is UNKNOWN:
            return UNKNOWN
        if node.operator in ("!", "not"):
            return not operators.boolean(value)
        return operators.negate(value) if node.operator == "-" else value

    def _binary(self, node: syntax.Binary) -> object:
        operator = node.operator
        if operator in ("and", "&&", "or", "||"):
            return self._logic(node, neutral=operator in ("and", "&&"))
        if operator == "??":
            return self._coalesce(node)
        left = self.operand(node.left)
        right = self.operand(node.right)
        self.at = node.offset
        if operator == "in":
            return self._membership(node, left, right)
        if mentions_unknown(left) or mentions_unknown(right):
            return self._partly_unknown(node, left, right)
        return self._applied(node, left, right)

    def _partly_unknown(self, node: syntax.Binary, left: object, right: object) -> object:
        lengths = [len(value) for value in (left, right) if isinstance(value, (list, dict))]
        if node.operator in ("==", "!=") and len(lengths) == 2 and lengths[0] != lengths[1]:
            return node.operator == "!="
        return UNKNOWN

    def _applied(self, node: syntax.Binary, left: object, right: object) -> object:
        operator = node.operator
        if operator in ("==", "!="):
            return self._equality(node, left, right) is (operator == "==")
        if operator in ("<", ">", "<=", ">="):
            return operators.compare(operator, left, right)
        if operator in binary.TEXT_OPERATORS:
            return binary.text_operation(operator, left, right)
        if operator == "..":
            return self._range(to_int(left), to_int(right))
        return binary.ARITHMETIC[operator](left, right)

    def _equality(self, node: syntax.Binary, left: object, right: object) -> bool:
        kinds = {self._static(part).kind for part in (node.left, node.right)}
        named = self._static(node.left).package or self._static(node.right).package
        # Where both sides are statically ints or strings the library compares without looking, and fails if the
        # value turns out to be another, as with the nil of findIndex().
        if kinds == {"int"} and not named:
            for value in (left, right):
                if type(value) is not int:
                    raise operators.conversion(value, "int")
        elif kinds == {"string"} and not named:
            operators.plain_string(right)
            operators.plain_string(left)
        return operators.equal(left, right)

    def _range(self, low: int, high: int) -> object:
        self.grow(max(high - low + 1, 0))
        return loops.ints(range(low, high + 1))

    def _membership(self, node: syntax.Binary, left: object, right: object) -> object:
        if left is UNKNOWN or right is UNKNOWN or mentions_unknown(left):
            return UNKNOWN
        if isinstance(right, frozenset):
            assert isinstance(node.right, syntax.Constant)
            assert node.right.type.key is not None
            return access.in_set(left, right, node.right.type.key)
        if isinstance(right, list) and mentions_unknown(right) and not isinstance(right, Unordered):
            known = [item for item in right if not mentions_unknown(item)]
            return True if access.contains(left, known) else UNKNOWN
        return access.contains(left, right)

    def _logic(self, node: syntax.Binary, neutral: bool) -> object:
        left = self.condition(node.left, node)
        if left is not None and left is not neutral:
            return left
        if left is not None:
            # The right operand is the result as it is: nothing asks whether it is a boolean.
            return self.operand(node.right)
        try:
            right = self.operand(node.right)
        except ExpressionError:
            return UNKNOWN
        return right if right is (not neutral) else UNKNOWN

    def _coalesce(self, node: syntax.Binary) -> object:
        left = self._chained(node.left)
        if left is UNKNOWN:
            try:
                self._chained(node.right)
            except ExpressionError:
                return UNKNOWN
            return UNKNOWN
        return left if not is_nil(left) else self._chained(node.right)

    def _chained(self, node: Node) -> object:
        # Directly under `??` a chain keeps the type of its nil.
        if isinstance(node, syntax.Chain):
            return self._unchained(node)
        return self.operand(node)

    def _conditional(self, node: syntax.Conditional) -> object:
        condition = self.condition(node.condition, node)
        if condition is not None:
            return self.value(node.then if condition else node.otherwise)
        try:
            then = self.value(node.then)
            otherwise = self.value(node.otherwise)
        except ExpressionError:
            return UNKNOWN
        if mentions_unknown(then) or mentions_unknown(otherwise):
            return UNKNOWN
        return then if operators.deep_equal(then, otherwise) else UNKNOWN

    # Members.

    def _chain(self, node: syntax.Chain) -> object:
        value = self._unchained(node)
        return None if is_nil(value) else value

    def _unchained(self, node: syntax.Chain) -> object:
        scopes, variables = len(self.scopes), len(self._variables)
        try:
            return self.value(node.node)
        except _ChainBreakError as stop:
            del self.scopes[scopes:]
            del self._variables[variables:]
            return stop.value

    def _member(self, node: syntax.Member) -> object:
        static = self._static(node.node)
        name = literal_name(node.property)
        base = self.value(node.node)
        if base is UNKNOWN:
            return UNKNOWN
        self.at = node.offset
        if name is not None and name in static.methods:
            return self._bound(base, name)
        if node.optional and is_nil(base):
            raise _ChainBreakError(base)
        if name is not None and field_of(types.dereferenced(static), name) is not None:
            return access.field(base, name)
        key = self.operand(node.property)
        self.at = node.offset
        return UNKNOWN if key is UNKNOWN else access.fetch(base, key)

    def _bound(self, base: object, name: str) -> Method:
        method = access.method_of(base, name)
        if method is None:
            raise ExpressionError(f"cannot fetch {name} from {'<nil>' if base is None else 'it'}")
        return method

    def _slice(self, node: syntax.Slice) -> object:
        base = self.value(node.node)
        last = None if node.last is None else self.operand(node.last)
        first = None if node.first is None else self.operand(node.first)
        self.at = node.offset
        if UNKNOWN in (base, last, first):
            return UNKNOWN
        if node.last is None and not isinstance(base, (list, str, bytes)):
            raise ExpressionError(f"invalid argument for len (type {type_name(base)})")
        explicit = (node.last is not None and last is None) or (node.first is not None and first is None)
        if explicit:
            raise ExpressionError("invalid operation: int(<nil>)")
        return access.sliced(base, first, last)

    # Calls.

    def _call(self, node: syntax.Call) -> object:
        arguments = tuple([self.value(argument) for argument in node.arguments])
        callee = node.callee
        if isinstance(callee, syntax.Identifier):
            function = self._environment.functions.get(callee.name)
            if function is not None and not any(name == callee.name for name, _ in self._variables):
                self.at = node.offset
                if any(mentions_unknown(argument) for argument in arguments):
                    return UNKNOWN
                return function(arguments)
        method = self.value(callee)
        self.at = node.offset
        if method is UNKNOWN or any(argument is UNKNOWN for argument in arguments):
            return UNKNOWN
        return self._called(method, arguments)

    def _called(self, method: object, arguments: tuple[object, ...]) -> object:
        if not isinstance(method, Method):
            raise ExpressionError(self._not_callable(method, arguments))
        expected = len(method.signature.parameters)
        if len(arguments) != expected:
            raise ExpressionError(f"invalid number of arguments: expected {expected}, got {len(arguments)}")
        return method.run(arguments)

    def _not_callable(self, value: object, arguments: tuple[object, ...]) -> str:
        if value is not None:
            return f"invalid operation: cannot call non-function of type {type_name(value)}"
        if self.patch >= 7:
            return "invalid operation: cannot call nil"
        asked = "Type" if None in arguments else "Call"
        return f"reflect: call of reflect.Value.{asked} on zero Value"

    def _builtin(self, node: syntax.Builtin) -> object:
        loop = loops.LOOPS.get(node.name)
        if loop is not None:
            return loop(self, node)
        arguments = tuple([self.operand(argument) for argument in node.arguments])
        self.at = node.offset
        if node.name == "get":
            return UNKNOWN if UNKNOWN in arguments else access.get(*arguments)
        free = node.name in builtins.ORDER_FREE and isinstance(arguments[0], Unordered)
        if free and isinstance(arguments[0], Unordered):
            arguments = (list(arguments[0]), *arguments[1:])
        if any(mentions_unknown(argument) for argument in arguments):
            return UNKNOWN
        if node.name in ("max", "min"):
            return builtins_lists.extreme(node.name, arguments, self.patch)
        result = builtins.RUN[node.name](arguments)
        if node.name in builtins.SIZED and isinstance(result, (list, str)):
            self.grow(len(result))
        return result

    # The rest.

    def _let(self, node: syntax.Let) -> object:
        self._variables.append((node.name, self.value(node.value)))
        value = self.value(node.body)
        self._variables.pop()
        return value

    def _sequence(self, node: syntax.Sequence) -> object:
        return [self.value(part) for part in node.nodes][-1]

    def _array(self, node: syntax.Array) -> object:
        items = [self.value(part) for part in node.nodes]
        self.grow(len(items))
        return items

    def _map(self, node: syntax.Map) -> object:
        pairs = [(self.value(key), self.value(value)) for key, value in node.pairs]
        self.grow(len(pairs))
        if any(key is UNKNOWN for key, _ in pairs):
            return UNKNOWN
        made: dict[str, object] = {}
        # The library fills the map from the last pair to the first, so the first of two equal keys stays.
        for key, value in reversed(pairs):
            made[operators.plain_string(key)] = value
        return made

    def _predicate(self, node: syntax.Predicate) -> object:
        return self.value(node.node)


_EVALUATORS: Final[dict[type, Callable[..., object]]] = {
    syntax.NilLiteral: Machine._nil,
    syntax.Literal: Machine._literal,
    syntax.Constant: Machine._constant,
    syntax.Identifier: Machine._identifier,
    syntax.Pointer: Machine._pointer,
    syntax.Unary: Machine._unary,
    syntax.Binary: Machine._binary,
    syntax.Conditional: Machine._conditional,
    syntax.Chain: Machine._chain,
    syntax.Member: Machine._member,
    syntax.Slice: Machine._slice,
    syntax.Call: Machine._call,
    syntax.Builtin: Machine._builtin,
    syntax.Let: Machine._let,
    syntax.Sequence: Machine._sequence,
    syntax.Array: Machine._array,
    syntax.Map: Machine._map,
    syntax.Predicate: Machine._predicate,
}
