"""Workflows made by chance, with their worlds: every type of step, nested, with flags, loops, and resumptions.

The same seed makes the same cases. Whatever offers `random.Random`'s methods can be the source, so that a tool that
shrinks choices shrinks cases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from model.speckit.releases import Behaviours
from simulations.speckit.cases import Case, Script, answer

FLAGS = (True, True, True, False, 1, "true", None)
DEEPEST = 3


@dataclass
class Maker:
    """Makes one case; `names` are the ids given so far, which expressions may name.

    `calls` says whether workflows may be called, `strict` whether only what validation accepts is made.
    """

    random: Random
    behaviours: Behaviours
    names: list[str] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    scripts: dict[str, Script] = field(default_factory=dict)
    callable: dict[str, Any] = field(default_factory=dict)
    calls: bool = False
    strict: bool = False

    @property
    def odd(self) -> bool:
        """Whether odd shapes are made; only later releases can say what becomes of them."""
        return self.behaviours.checks_shapes and not self.strict

    def chance(self, one_in: int) -> bool:
        """True once in so many times."""
        return self.random.randrange(one_in) == 0

    def steps(self, depth: int, *, most: int = 3) -> list[dict[str, Any]]:
        """A list of steps."""
        return [self.step(depth) for _ in range(self.random.randint(1, most))]

    def step(self, depth: int) -> dict[str, Any]:
        """A step, with what is in it."""
        kinds = LEAF_KINDS if depth >= DEEPEST else (*LEAF_KINDS, *NESTING_KINDS)
        kind = self.random.choice(kinds)
        if kind == "workflow" and not self.calls:
            kind = "shell"
        name = f"s{len(self.kinds)}"
        if self.strict and kind == "nonsense":
            kind = "shell"
        alike = [n for n, k in self.kinds.items() if k == kind]
        if alike and self.chance(15) and not self.strict:
            name = self.random.choice(alike)
        self.kinds[name] = kind
        self.names.append(name)
        step: dict[str, Any] = {"id": name, "type": kind, **MAKERS[kind](self, name, depth)}
        if self.chance(2):
            step["continue_on_error"] = self.random.choice(FLAGS[: 4 if self.strict else None])
        if kind == "command" and self.chance(2):
            del step["type"]
        return step

    def script(self, name: str, choose: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A few answers for a step, and the key by which the driver finds them."""
        found = [choose() for _ in range(self.random.randint(1, 3))]
        self.scripts.setdefault(name, found)
        return {"script": name}

    def number(self) -> int:
        """An exit code; mostly 0 or 1."""
        return self.random.choice((0, 0, 0, 1, 1, 2, -9))


def case(random: Random, behaviours: Behaviours) -> Case:
    """A case for a release."""
    maker = Maker(random, behaviours)
    if behaviours.keeps_a_tree and maker.chance(3):
        maker.calls = True
        for name in ("inner", "other"):
            maker.strict = not maker.chance(8)
            maker.callable[name] = _workflow(maker, name, depth=2)
        maker.strict = False
    workflow = _workflow(maker, "outer", depth=0)
    inputs = {"verdict": random.choice(("", "approve", "Reject", "nonsense"))} if maker.chance(4) else {}
    resumes = [_given(maker) for _ in range(random.randrange(4))]
    return Case(workflow, maker.callable, inputs, maker.scripts, resumes)


def _given(maker: Maker) -> dict[str, Any]:
    if maker.calls or not maker.chance(4):
        return {}
    return maker.random.choice(({"verdict": "approve"}, {"verdict": "reject"}, {"x": "2"}, {"n": "many"}))


def _workflow(maker: Maker, name: str, *, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "schema_version": "1.0",
        "workflow": {"id": name, "name": name, "version": "1.0.0"},
        "inputs": {
            "verdict": {"type": "string", "default": ""},
            "x": {"type": "string", "default": "1"},
            "n": {"type": "number", "default": 2},
        },
        "steps": maker.steps(depth, most=4),
    }
    if maker.behaviours.keeps_a_tree and maker.chance(2):
        found["outputs"] = {"last": {"value": expression(maker)}}
    return found


# What the steps are made of


def _shell(maker: Maker, name: str, depth: int) -> dict[str, Any]:
    def choose() -> dict[str, Any]:
        if maker.chance(8):
            ending = maker.random.choice(("TIMES_OUT", "CANNOT_START", "RAISES", "INTERRUPTED"))
            return answer(ending=ending, error="something went wrong")
        stdout = maker.random.choice(("", "ok", "[1, 2]", '{"k": 0, "items": ["a", "b"]}', "true", " x "))
        return answer(output={"exit_code": maker.number(), "stdout": stdout, "stderr": ""})

    step: dict[str, Any] = {"run": f"do {name}"}
    if maker.chance(3):
        step["run"] += " {{ " + expression_inside(maker) + " }}"
    if maker.chance(4):
        step["output_format"] = "json"
    if maker.chance(12):
        step["timeout"] = maker.random.choice((5, 0, True, "soon"))
    return {**step, **maker.script(name, choose)}


def _dispatched(maker: Maker, name: str, depth: int) -> dict[str, Any]:
    def choose() -> dict[str, Any]:
        if maker.chance(12):
            return answer(ending=maker.random.choice(("RAISES", "INTERRUPTED")), error="something went wrong")
        status = maker.random.choice(("completed", "completed", "failed", "failed", "skipped", "paused"))
        output: dict[str, Any] = {"exit_code": maker.number()}
        if maker.chance(5):
            output["aborted"] = maker.random.choice((True, False, 1, "", "yes"))
        if maker.chance(8):
            output["integration"] = "claude"
        return answer(status=status, output=output, error="failed" if status == "failed" else None)

    return {"prompt": expression(maker) if maker.chance(3) else f"do {name}", **maker.script(name, choose)}


def _gate(maker: Maker, name: str, depth: int) -> dict[str, Any]:
    options = maker.random.choice(
        (["approve", "reject"], ["approve", "reject"], ["yes", "abort"], ["go", "Reject"])
    )

    def choose() -> dict[str, Any]:
        if maker.chance(3):
            return answer(ending=maker.random.choice(("NO_TERMINAL", "NO_TERMINAL", "INTERRUPTED", "INPUT_ENDS")))
        return answer(choice=maker.random.choice(options))

    step: dict[str, Any] = {"message": expression(maker) if maker.chance(3) else "Go on?", "options": options}
    if maker.chance(2):
        step["on_reject"] = maker.random.choice(("abort", "skip", "retry"))
    if maker.chance(5):
        step["verdict_input"] = "verdict"
    if maker.odd and maker.chance(15):
        step |= maker.random.choice(({"options": "approve"}, {"on_reject": "cry"}, {"verdict_input": 1}))
    return {**step, **maker.script(name, choose)}


def _if(maker: Maker, name: str, depth: int) -> dict[str, Any]:
    step: dict[str, Any] = {"condition": condition(maker), "then": maker.steps(depth + 1, most=2)}
    if maker.chance(2):
        step["else"] = maker.steps(depth + 1, most=2)
    if maker.odd and maker.chance(15):
        step[maker.random.choice(("then", "else"))] = maker.random.choice(("x", None, 3))
    return step


def _switch(maker: Maker, name: str, depth: int) -> dict[str, Any]:
    cases: dict[str, Any] = {case: maker.steps(depth + 1, most=2) for case in ("0", "failed", "ok")}
    step: dict[str, Any] = {"expression": "{{ " + reference(maker) + " }}", "cases": cases}
    if maker.chance(2):
        step["default"] = maker.steps(depth + 1, most=1)
    if maker.odd and maker.chance(15):
        step |= maker.random.choice(({"cases": []}, {"default": "x"}, {"cases": {"0": None}}))
    return step


def _loop(maker: Maker, name: str, depth: int) -> dict[str, Any]:
    step: dict[str, Any] = {"steps": maker.steps(depth + 1, most=2)}
    step["condition"] = condition(maker)
    step["max_iterations"] = maker.random.choice((1, 2, 3, 3, True))
    if maker.odd and maker.chance(20):
        step["steps"] = maker.random.choice((None, "x"))
    return step


def _fan_out(maker: Maker, name: str, depth: int) -> dict[str, Any]:
    items = maker.random.choice(
        (["a", "b"], [1, 2, 3], [], "{{ [1, 'b'] }}", "{{ " + reference(maker) + " }}", "{{ inputs.none }}")
    )
    template = maker.step(depth + 1)
    kind = template.get("type", "command")
    if maker.chance(6) and maker.kinds.setdefault("item", kind) == kind:
        del template["id"]
        _rename_script(maker, template)
    return {"items": items, "step": template}


def _rename_script(maker: Maker, template: dict[str, Any]) -> None:
    """A template without an id is called `item`; so is its script."""
    if "script" in template:
        maker.scripts.setdefault("item", maker.scripts[template["script"]])
        template["script"] = "item"


def _fan_in(maker: Maker, name: str, depth: int) -> dict[str, Any]:
    wanted = [
        maker.random.choice((*(maker.names[:-1] or ["s0"]), *(() if maker.strict else ("nothing",))))
        for _ in range(maker.random.randint(1, 2))
    ]
    step: dict[str, Any] = {"wait_for": wanted}
    if maker.chance(2):
        step["output"] = {"all": "{{ fan_in.results }}", "one": expression(maker)}
    if maker.odd and maker.chance(15):
        step |= maker.random.choice(({"wait_for": "x"}, {"wait_for": [1]}, {"output": []}, {"wait_for": ["a:b:0"]}))
    return step


def _slot(maker: Maker, name: str, depth: int) -> dict[str, Any]:
    return {"name": "place"}


def _unknown(maker: Maker, name: str, depth: int) -> dict[str, Any]:
    return {}


def _call(maker: Maker, name: str, depth: int) -> dict[str, Any]:
    step: dict[str, Any] = {
        "workflow": maker.random.choice(("inner", "inner", "other", "absent", "{{ inputs.x }}"))
    }
    if maker.chance(2):
        step["input"] = maker.random.choice(
            ({"x": expression(maker)}, {"verdict": "reject"}, {"y": 1}, {"n": "many"})
        )
    return step


MAKERS: dict[str, Callable[[Maker, str, int], dict[str, Any]]] = {
    "shell": _shell,
    "command": _dispatched,
    "prompt": _dispatched,
    "gate": _gate,
    "if": _if,
    "switch": _switch,
    "while": _loop,
    "do-while": _loop,
    "fan-out": _fan_out,
    "fan-in": _fan_in,
    "slot": _slot,
    "workflow": _call,
    "nonsense": _unknown,
}
LEAF_KINDS = (
    *("shell",) * 6,
    *("prompt",) * 3,
    "command",
    *("gate",) * 2,
    "fan-in",
    "slot",
    "workflow",
    "nonsense",
)
NESTING_KINDS = (*("if",) * 4, *("switch",) * 2, *("while",) * 2, *("do-while",) * 2, *("fan-out",) * 3, "workflow")


# Expressions


def condition(maker: Maker) -> Any:
    """A condition, mostly one that asks how a step went."""
    if maker.chance(12):
        return maker.random.choice((True, False, "true", "False", "")) if maker.strict else _odd(maker)
    if maker.chance(2):
        sign = maker.random.choice(("!=", "==", ">", "<="))
        return "{{ steps." + _name(maker) + f".output.exit_code {sign} 0 }}}}"
    return "{{ " + expression_inside(maker) + " }}"


def _odd(maker: Maker) -> Any:
    return maker.random.choice(
        (True, False, "true", " False ", "", "  ", "{{ x", "a {{ 1 }}", "{{ 'a }} }}", "yes")
    )


def expression(maker: Maker) -> str:
    """A text with an expression or two in it."""
    first = "{{ " + expression_inside(maker) + " }}"
    return first if maker.chance(2) else f"got {first}, {{{{{reference(maker)}}}}}."


def expression_inside(maker: Maker, depth: int = 0) -> str:
    """What stands between the braces."""
    if depth > 2 or maker.chance(3):
        return reference(maker) if maker.chance(2) else literal(maker)
    inner = [expression_inside(maker, depth + 1) for _ in range(2)]
    sign = maker.random.choice(("==", "!=", "<", ">=", "and", "or", "in", "not in", "|"))
    if sign == "|":
        return f"{reference(maker)} | {maker.random.choice(FILTERS)}"
    if maker.chance(6):
        return f"not {inner[0]}"
    if maker.chance(8):
        return f"({inner[0]})"
    space = " " if sign.isalpha() or " " in sign else maker.random.choice((" ", "", "  "))
    return f"{inner[0]}{space}{sign}{space}{inner[1]}"


FILTERS = (
    *("default", "default('none')", "default(0)", "join('-')", "join(1)", "map('k')", "contains('o')", "from_json"),
    *(
        "upper",
        "length",
        "to_json",
        "split(',')",
        "default('a') | join('|')",
        "nonsense",
        "default('a', 1)",
        "from_json()",
    ),
)


def literal(maker: Maker) -> str:
    """A literal."""
    return maker.random.choice(
        ("0", "1", "2.5", "'failed'", '"ok"', "true", "None", "'a or b'", "'x == y'", "[]", "['a', 1]", "'1'", "''")
    )


def reference(maker: Maker) -> str:
    """Something that expressions can name."""
    if maker.chance(4):
        return maker.random.choice(
            ("inputs.x", "inputs.n", "inputs.verdict", "item", "item.k", "context.run_id", "fan_in.results", "no")
        )
    name = _name(maker)
    field = maker.random.choice(
        (
            "output.exit_code",
            "output.exit_code",
            "status",
            "error",
            "output.stdout",
            "output.data",
            "output.results",
            "output.data.k",
            "output.data.items[1]",
            "output.results[-1]",
            "output.choice",
            "type",
            "output.status",
        )
    )
    return f"steps.{name}.{field}"


def _name(maker: Maker) -> str:
    if not maker.names:
        return "nothing"
    name = maker.random.choice(maker.names)
    if maker.chance(8):
        return f"{maker.random.choice(maker.names)}:{name}:{maker.random.randrange(3)}"
    return name
