"""The parser: from text to the syntax tree.

Source: expr-lang/expr ``parser/parser.go``, ``parser/operator/operator.go``. What binds how tightly, where an
optional chain ends and which mixtures are refused follow that file; so do the messages.
"""

from __future__ import annotations

from model.expressions import syntax
from model.expressions.grammar import (
    BINARY,
    COMPARISONS,
    MAX_NESTING,
    NEGATABLE,
    PREDICATES,
    UNARY,
    Operator,
    check_size,
    number,
)
from model.expressions.lexer import Token, is_word, tokenize
from model.expressions.results import ExpressionError, UndecidedError
from model.expressions.syntax import Node
from model.expressions.values import encode


def parse(source: str, patch: int, functions: frozenset[str], builtins: frozenset[str]) -> Node:
    """The tree of ``source``.

    ``functions`` are the names the embedding program defines; they hide the language's own ``builtins``. Raises
    ExpressionError for what is no expression, and UndecidedError for what is nested too deeply to be read here.
    """
    parser = _Parser(tokenize(source, patch), patch, functions, builtins)
    node = parser.sequence()
    if parser.current.kind != "EOF":
        raise parser.unexpected()
    check_size(node)
    return node


class _Parser:
    def __init__(
        self, tokens: list[Token], patch: int, functions: frozenset[str], builtins: frozenset[str]
    ) -> None:
        self._tokens = tokens
        self._index = 0
        self._patch = patch
        self._functions = functions
        self._builtins = builtins
        self._closures = 0
        self._nesting = 0

    @property
    def current(self) -> Token:
        return self._tokens[self._index]

    def unexpected(self, token: Token | None = None) -> ExpressionError:
        found = token or self.current
        return ExpressionError(f"unexpected token {found}", found.offset)

    def _next(self) -> Token:
        token = self.current
        if token.kind == "EOF":
            raise ExpressionError("unexpected end of expression", token.offset)
        self._index += 1
        return token

    def _is(self, kind: str, *values: str) -> bool:
        token = self.current
        return token.kind == kind and (not values or token.value in values)

    def _expect(self, kind: str, *values: str) -> Token:
        if not self._is(kind, *values):
            raise self.unexpected()
        return self._next()

    def _accept(self, kind: str, value: str) -> bool:
        if self._is(kind, value):
            self._index += 1
            return True
        return False

    # Sequences, declarations and conditions.

    def sequence(self) -> Node:
        first = self.expression(0)
        nodes = [first]
        while self._accept("Operator", ";") and self.current.kind != "EOF":
            nodes.append(self.expression(0))
        return first if len(nodes) == 1 else syntax.Sequence(tuple(nodes), offset=first.offset)

    def expression(self, precedence: int) -> Node:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise UndecidedError(f"the expression is nested more than {MAX_NESTING} deep")
        node = self._expression(precedence)
        self._nesting -= 1
        return node

    def _expression(self, precedence: int) -> Node:
        if precedence == 0 and self._is("Operator", "let"):
            return self._declaration()
        if precedence == 0 and self._is("Operator", "if"):
            return self._if()
        node = self._operations(self._primary(), precedence)
        return self._ternaries(node) if precedence == 0 else node

    def _declaration(self) -> Node:
        self._next()
        name = self._expect("Identifier")
        self._expect("Operator", "=")
        value = self.expression(0)
        self._expect("Operator", ";")
        return syntax.Let(name.value, value, self.sequence(), offset=name.offset)

    def _if(self) -> Node:
        start = self._next()
        condition = self.expression(0)
        then = self._block()
        self._expect("Operator", "else")
        chained = self._patch >= 7 and self._is("Operator", "if")
        if chained:
            self._nesting += 1
            if self._nesting > MAX_NESTING:
                raise UndecidedError(f"the expression is nested more than {MAX_NESTING} deep")
        otherwise = self._if() if chained else self._block()
        self._nesting -= chained
        return syntax.Conditional(condition, then, otherwise, offset=start.offset)

    def _block(self) -> Node:
        self._expect("Bracket", "{")
        node = self.sequence()
        self._expect("Bracket", "}")
        return node

    def _ternaries(self, node: Node) -> Node:
        while self._accept("Operator", "?"):
            if self._accept("Operator", ":"):
                then = node
            else:
                then = self.expression(0)
                self._expect("Operator", ":")
            node = syntax.Conditional(node, then, self.expression(0), offset=self.current.offset)
        return node

    # Operators.

    def _operations(self, left: Node, precedence: int) -> Node:
        previous = ""
        while self.current.kind == "Operator":
            token = self.current
            negated = token.value == "not"
            if negated:
                following = self._tokens[self._index + 1]
                if following.value not in NEGATABLE:
                    raise self.unexpected(following)
                if BINARY[following.value].precedence < precedence:
                    break
                self._index += 1
                token = following
            operator = BINARY.get(token.value)
            if operator is None or operator.precedence < precedence:
                break
            self._next()
            left = self._operation(left, token, operator, previous)
            if negated:
                left = syntax.Unary("not", left, offset=token.offset)
            previous = token.value
        return left

    def _operation(self, left: Node, token: Token, operator: Operator, previous: str) -> Node:
        if token.value == "|":
            return self._call(self._expect("Identifier"), (left,), overridable=True)
        if previous == "??" and token.value != "??":
            raise ExpressionError(
                f"Operator ({token.value}) and coalesce expressions (??) cannot be mixed."
                " Wrap either by parentheses.",
                token.offset,
            )
        if token.value in COMPARISONS:
            return self._comparison(left, token, operator.precedence)
        right = self.expression(operator.precedence + (0 if operator.right else 1))
        return syntax.Binary(token.value, left, right, offset=token.offset)

    def _comparison(self, left: Node, token: Token, precedence: int) -> Node:
        root: Node | None = None
        while True:
            right = self.expression(precedence + 1)
            compared = syntax.Binary(token.value, left, right, offset=token.offset)
            root = compared if root is None else syntax.Binary("&&", root, compared, offset=token.offset)
            if not self._is("Operator", *COMPARISONS):
                return root
            left, token = right, self._next()

    def _primary(self) -> Node:
        token = self.current
        if token.kind == "Operator" and token.value in UNARY:
            self._next()
            operand = self.expression(UNARY[token.value])
            return self._postfix(syntax.Unary(token.value, operand, offset=token.offset))
        if self._accept("Bracket", "("):
            node = self.sequence()
            self._expect("Bracket", ")")
            return self._postfix(node)
        if self._closures and self._is("Operator", "#", "."):
            return self._postfix(self._closure_element(token))
        if self._accept("Operator", "::"):
            return self._postfix(self._call(self._expect("Identifier"), (), overridable=False))
        return self._secondary()

    def _closure_element(self, token: Token) -> Node:
        name = ""
        # A leading dot stays for the postfix: `.ok` is `#.ok`.
        if self._accept("Operator", "#") and self.current.kind == "Identifier":
            name = self._next().value
        return syntax.Pointer(name, offset=token.offset)

    def _secondary(self) -> Node:
        token = self.current
        if token.kind == "Identifier":
            self._next()
            if token.value in ("true", "false"):
                return syntax.Literal(token.value == "true", offset=token.offset)
            if token.value == "nil":
                return syntax.NilLiteral(offset=token.offset)
            if self._is("Bracket", "("):
                return self._postfix(self._call(token, (), overridable=True))
            return self._postfix(syntax.Identifier(token.value, offset=token.offset))
        if token.kind == "Number":
            self._next()
            return syntax.Literal(number(token), offset=token.offset)
        if token.kind in ("String", "Bytes"):
            self._next()
            value = token.value if token.kind == "String" else encode(token.value)
            return self._postfix(syntax.Literal(value, offset=token.offset))
        if self._is("Bracket", "["):
            return self._postfix(self._array())
        if self._is("Bracket", "{"):
            return self._postfix(self._map())
        raise self.unexpected()

    # Calls.

    def _call(self, name: Token, before: tuple[Node, ...], overridable: bool) -> Node:
        hidden = overridable and name.value in self._functions
        if name.value in PREDICATES and not hidden:
            arguments = self._closure_arguments(PREDICATES[name.value][len(before) :])
            return syntax.Builtin(name.value, before + arguments, offset=name.offset)
        arguments = before + self._arguments()
        if name.value in self._builtins and not hidden:
            return syntax.Builtin(name.value, arguments, offset=name.offset)
        callee = syntax.Identifier(name.value, offset=name.offset)
        return syntax.Call(callee, arguments, offset=name.offset)

    def _closure_arguments(self, wanted: str) -> tuple[Node, ...]:
        self._expect("Bracket", "(")
        found: list[Node] = []
        for index, kind in enumerate(wanted):
            if self._is("Bracket", ")"):
                if kind.isupper():
                    break
                raise ExpressionError(f"expected at least {len(wanted)} arguments", self.current.offset)
            if index > 0:
                self._expect("Operator", ",")
            found.append(self.expression(0) if kind in "xX" else self._closure())
        self._accept("Operator", ",")
        self._expect("Bracket", ")")
        return tuple(found)

    def _closure(self) -> Node:
        start = self.current
        bracketed = self._accept("Bracket", "{")
        self._closures += 1
        node = self.sequence() if bracketed else self.expression(0)
        if not bracketed and self._is("Operator", ";"):
            raise ExpressionError("wrap predicate with brackets { and }", self.current.offset)
        self._closures -= 1
        if bracketed:
            self._expect("Bracket", "}")
        return syntax.Predicate(node, offset=start.offset)

    def _arguments(self) -> tuple[Node, ...]:
        return tuple(self._list("(", ")"))

    def _array(self) -> Node:
        start = self.current
        return syntax.Array(tuple(self._list("[", "]")), offset=start.offset)

    def _list(self, opening: str, closing: str) -> list[Node]:
        self._expect("Bracket", opening)
        found: list[Node] = []
        while not self._is("Bracket", closing):
            if found:
                self._expect("Operator", ",")
                if self._is("Bracket", closing):
                    break
            found.append(self.expression(0))
        self._expect("Bracket", closing)
        return found

    def _map(self) -> Node:
        start = self._next()
        pairs: list[tuple[Node, Node]] = []
        while not self._is("Bracket", "}"):
            if pairs:
                self._expect("Operator", ",")
                if self._is("Bracket", "}"):
                    break
            key = self._map_key()
            self._expect("Operator", ":")
            pairs.append((key, self.expression(0)))
        self._expect("Bracket", "}")
        return syntax.Map(tuple(pairs), offset=start.offset)

    def _map_key(self) -> Node:
        token = self.current
        if token.kind in ("Number", "String", "Identifier"):
            self._next()
            return syntax.Literal(token.value, offset=token.offset)
        if self._is("Bracket", "("):
            return self.expression(0)
        raise ExpressionError(
            "a map key must be a quoted string, a number, a identifier, or an expression enclosed in"
            f" parentheses (unexpected token {token})",
            token.offset,
        )

    # Members, indices, slices.

    def _postfix(self, node: Node) -> Node:
        while True:
            token = self.current
            if token.kind == "Operator" and token.value in (".", "?."):
                self._next()
                if token.value == "?." and self._is("Bracket", "["):
                    node = self._subscript(node, optional=True)
                else:
                    node = self._property(node, optional=token.value == "?.")
            elif token.kind == "Bracket" and token.value == "[":
                node = self._subscript(node, optional=False)
            else:
                return node

    def _property(self, node: Node, optional: bool) -> Node:
        token = self._next()
        named = token.kind == "Identifier" or (
            token.kind == "Operator" and is_word(token.value[0]) and not token.value[0].isdecimal()
        )
        if not named:
            raise ExpressionError("expected name", self.current.offset)
        chained = isinstance(node, syntax.Chain)
        base = node.node if isinstance(node, syntax.Chain) else node
        called = self._is("Bracket", "(")
        name = syntax.Literal(token.value, offset=token.offset)
        member: Node = syntax.Member(base, name, optional, called, offset=token.offset)
        if called:
            member = syntax.Call(member, self._arguments(), offset=token.offset)
        return syntax.Chain(member, offset=token.offset) if chained or optional else member

    def _subscript(self, node: Node, optional: bool) -> Node:
        start = self._next()
        first = None if self._is("Operator", ":") else self.expression(0)
        if self._accept("Operator", ":"):
            last = None if self._is("Bracket", "]") else self.expression(0)
            self._expect("Bracket", "]")
            return syntax.Slice(node, first, last, offset=start.offset)
        assert first is not None
        self._expect("Bracket", "]")
        member = syntax.Member(node, first, optional, offset=start.offset)
        return syntax.Chain(member, offset=start.offset) if optional else member
