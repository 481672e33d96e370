"""Small systems made at random, with everything a system can have."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import product
from random import Random

from invariants.properties import (
    Fairness,
    Property,
    always,
    always_eventually,
    eventually,
    every_step,
    leads_to,
    sometimes,
    stays_possible,
)
from model.system import Action, Outcome, Outcomes, Part, Sequence, System, Variable, action

Rows = tuple[tuple[tuple[int, ...], tuple[tuple[tuple[str, int], ...], ...]], ...]
"""For each combination of arguments, the outcomes: new values by name."""


def answer(rows: Rows, *arguments: int) -> Outcomes:
    return tuple(Outcome(str(changes), dict(changes)) for changes in dict(rows).get(arguments, ()))


def read_nothing(rows: Rows) -> Outcomes:
    return answer(rows)


def read_one(a: int, rows: Rows) -> Outcomes:
    return answer(rows, a)


def read_two(a: int, b: int, rows: Rows) -> Outcomes:
    return answer(rows, a, b)


RULES = (read_nothing, read_one, read_two)
EXTRA = "w"

MOST = 8
"""Actions in one step: each may have three outcomes, and all ways through them are looked at, one by one."""


def claim_one(a: int, bad: frozenset[int]) -> bool:
    return a not in bad


def claim_two(a: int, b: int, bad: frozenset[tuple[int, int]]) -> bool:
    return (a, b) not in bad


def step_change(a: int, next_a: int, bad: frozenset[tuple[int, int]]) -> bool:
    return (a, next_a) not in bad


def step_other(a: int, next_b: int, bad: frozenset[tuple[int, int]]) -> bool:
    return (a, next_b) not in bad


def step_end(next_a: int, bad: frozenset[int]) -> bool:
    return next_a not in bad


def step_begin(a: int, bad: frozenset[int]) -> bool:
    return a not in bad


class Maker:
    """Draws a system, then properties of it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.values = random.choice((2, 2, 3, 5))
        self.globals = [f"x{i}" for i in range(random.randint(1, 4))]
        self.locals = [f"l{i}" for i in range(random.randint(0, 2))]
        self.functions = [self._rows() for _ in range(random.randint(1, 3))]
        self.named = 0
        self.left = 0

    def system(self) -> System:
        steps = tuple(self._step() for _ in range(self.random.randint(1, 4)))
        names = self.globals + self.locals
        self.random.shuffle(names)
        return System("random", tuple(self._variable(n) for n in names), steps)

    def properties(self, system: System) -> tuple[Property, ...]:
        random = self.random
        actions = [s.name for s in system.actions]
        ends = [*self.globals, *self.locals]

        def some(count: int = 1) -> frozenset[Hashable]:
            every = list(product(range(self.values), repeat=count))
            chosen = random.sample(every, random.randint(0, max(1, len(every) // 3)))
            return frozenset(c if count > 1 else c[0] for c in chosen)

        def by() -> tuple[str, ...]:
            return tuple(random.sample(actions, random.randint(0, min(2, len(actions)))))

        x, y = random.choice(self.globals), random.choice(self.globals)
        claims = [
            always(claim_one, "always one", constants={"bad": some()}, a=x),
            always(claim_two, "always two", constants={"bad": some(2)}, a=x, b=y),
            sometimes(claim_one, "sometimes one", constants={"bad": some()}, a=y),
            every_step(step_change, "change", by=by(), constants={"bad": some(2)}, a=x),
            every_step(step_other, "other", by=by(), constants={"bad": some(2)}, a=x, b=random.choice(ends)),
            every_step(step_end, "end", by=by(), constants={"bad": some()}, a=random.choice(ends)),
            every_step(step_begin, "begin", by=by(), constants={"bad": some()}, a=y),
        ]
        return tuple(random.sample(claims, random.randint(1, len(claims))))

    def claims_about_runs(self, system: System) -> tuple[Property, ...]:
        """Some claims of every kind about runs, under any fairness."""
        random = self.random
        actions = [s.name for s in system.actions]

        def goal() -> frozenset[Hashable]:
            return frozenset(random.sample(range(self.values), random.randint(1, max(1, self.values - 1))))

        def by() -> tuple[str, ...]:
            return tuple(random.sample(actions, random.randint(1, len(actions)))) if random.random() < 0.3 else ()

        def fair() -> tuple[Fairness, ...]:
            groups = [random.sample(actions, random.randint(1, len(actions))) for _ in range(random.randint(0, 3))]
            return tuple(Fairness(tuple(group), random.random() < 0.5) for group in groups)

        def where(name: str) -> str:
            return random.choice([n for n in self.globals if n != name] or self.globals)

        x = random.choice(self.globals)
        found = [
            eventually(claim_one, "eventually", by=by(), fair=fair(), constants={"bad": goal()}, a=x),
            always_eventually(claim_one, "again", by=by(), fair=fair(), constants={"bad": goal()}, a=where(x)),
            leads_to(
                always(claim_one, "premise", constants={"bad": goal()}, a=x),
                claim_one,
                "leads to",
                by=by(),
                fair=fair(),
                constants={"bad": goal()},
                a=where(x),
            ),
            stays_possible(claim_one, "possible", by=by(), constants={"bad": goal()}, a=x),
            stays_possible(
                claim_one,
                "possible then",
                premise=always(claim_one, "premise", constants={"bad": goal()}, a=where(x)),
                by=by(),
                constants={"bad": goal()},
                a=x,
            ),
        ]
        return tuple(random.sample(found, random.randint(1, len(found))))

    def ring(self) -> tuple[System, Property]:
        """Values that go round, ways out of the ring from some of them, and a claim that one of those is taken.

        Whether it is depends on what is fair, and how: a way out is enabled now and then, or all the time.
        """
        random = self.random
        length = random.randint(2, 4)
        out = length
        moves = [{at: (at + 1) % length for at in range(length)}]
        for _ in range(random.randint(1, 3)):
            some = random.sample(range(length), random.choice((1, 1, length)))
            moves.append({at: random.choice((out, out, random.randrange(length))) for at in some})
        steps = []
        for number, to in enumerate(moves):
            rows = tuple(((at,), (((EXTRA, to[at]),),) if at in to else ()) for at in range(length + 1))
            steps.append(action(read_one, f"move{number}", writes={EXTRA: "x"}, constants={"rows": rows}, a="x"))
        fair = tuple(Fairness((step.name,), random.random() < 0.5) for step in steps if random.random() < 0.8)
        claim = eventually(claim_one, "out", fair=fair, constants={"bad": frozenset(range(length))}, a="x")
        return System("ring", (Variable("x", (0,)),), tuple(steps)), claim

    def _variable(self, name: str) -> Variable:
        random = self.random
        domain = tuple(range(self.values)) if random.random() < 0.4 else ()
        if name in self.locals:
            return Variable(name, (random.randrange(self.values),), domain, local=True)
        initial = random.sample(range(self.values), random.choice((1, 1, 1, 2)))
        return Variable(name, tuple(initial), domain)

    def _rows(self) -> tuple[int, Rows]:
        random = self.random
        arity = random.randint(0, 2)
        names = [*("a", "b")[:arity], EXTRA]
        rows = []
        for arguments in product(range(self.values), repeat=arity):
            outcomes = tuple(
                tuple((n, random.randrange(self.values)) for n in names if random.random() < 0.5)
                for _ in range(random.choice((0, 1, 1, 1, 2, 3)))
            )
            rows.append((arguments, outcomes))
        return arity, tuple(rows)

    def _action(self, scope: list[str]) -> Action:
        random = self.random
        arity, rows = random.choice(self.functions)
        self.named += 1
        binding = {p: random.choice(scope) for p in ("a", "b")[:arity]}
        return action(
            RULES[arity],
            f"act{self.named}",
            writes={EXTRA: random.choice(scope)},
            constants={"rows": rows},
            **binding,
        )

    def _step(self) -> Action | Sequence:
        if self.random.random() < 0.4:
            return self._action(self.globals + (self.locals if self.random.random() < 0.3 else []))
        self.left = MOST
        return self._sequence(depth=0)

    def _sequence(self, depth: int) -> Sequence:
        random = self.random
        parts = []
        for _ in range(random.randint(0 if depth else 1, 4)):
            if not self.left:
                break
            nested = depth < 2 and random.random() < 0.3
            self.left -= not nested
            body = self._sequence(depth + 1) if nested else self._action(self.globals + self.locals)
            required = depth == 0 and not nested and random.random() < 0.3
            parts.append(Part(body, self._when(), required))
        self.named += 1
        return Sequence(f"seq{self.named}", tuple(parts))

    def _when(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        random = self.random
        names = random.sample(self.globals + self.locals, min(random.choice((0, 0, 1, 2)), len(self.globals)))
        return tuple((n, tuple(random.sample(range(self.values), random.randint(1, 2)))) for n in names)
