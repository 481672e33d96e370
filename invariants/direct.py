"""Small systems explored without diagrams or arrays: where there are many of them, making those costs most.

A whole layer of states goes through the parts of a step together. What nobody looks at any more is forgotten on the
way, so that what differed only there is one from then on: a local variable after the last part, or claim, that
mentions it. Values that make no difference to anybody can be taken for one another: who explores says which.

A way is remembered by the choices on it, so that it can be taken in the system as it is. Sizes are not those of the
other engines, which tell apart what is one here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter

from invariants.limits import Limits, stopping
from invariants.properties import ABOUT_RUNS, Kind, Property
from invariants.slicing import sliced
from invariants.steps import mentioned
from invariants.towards import Choices, chosen
from invariants.trace import Path, Taken, Trace, agree, retrace, true_of
from invariants.verdicts import Bounds
from model.system import Action, ModelError, Part, Sequence, State, System, Tables, Value, assignments, parts_of

Alike = Mapping[str, Callable[[Value], Value]]
"""By variable: a value that stands for all those that make the same difference, now and later, to every rule."""

Codes = tuple[int, ...]
Changes = tuple[tuple[int, int], ...]
Row = tuple[tuple[Changes, Choices], ...]
Links = tuple["Links", Choices] | None
"""The choices on a way within a step, the last ones first."""

Origin = tuple[int, Links]
"""The number of the state that a way began in, and the choices on it."""

Layer = dict[Codes, Origin]

FEW = 3
"""So many variables of the state are looked at together: what then comes of their values is worth remembering."""


@dataclass(frozen=True)
class Way:
    """A shortest way to what decides a claim: by name the steps taken, with the choices that matter in each.

    The state that it begins in may lack variables that do not matter.
    """

    start: State
    moves: tuple[tuple[str, Choices], ...]


@dataclass
class Seen:
    """What was seen: how many states, whether that is all of them, and the ways to what decides claims.

    A claim that has no way was not violated; if it is about a situation, that did not arise. `why` says what
    stopped the exploration before its end, if not that every claim was decided. `looked_at` is the part of the
    system that was explored.
    """

    states: int = 0
    complete: bool = False
    why: list[str] = field(default_factory=list)
    ways: dict[Property, Way] = field(default_factory=dict)
    looked_at: System | None = None


def explore(
    system: System, claims: Iterable[Property], *, alike: Alike | None = None, bounds: Bounds | None = None
) -> Seen:
    """Explore `system`, breadth first, until every claim is decided or everything was seen.

    The claims are about states, situations, or steps; the latter say of which steps. Raises ModelError if they
    do not, or are about runs.
    """
    asked = tuple(claims)
    limits = Limits(bounds or Bounds())
    if wrong := [c.name for c in asked if c.kind in ABOUT_RUNS or (c.kind is Kind.EVERY_STEP and not c.by)]:
        raise ModelError(f"{wrong[0]} is about all steps, or about runs; that is not looked at here")
    part = sliced(system, asked)
    try:
        return _Exploration(part.system, asked, alike or {}, limits).run()
    except ModelError:
        if not part.dropped:
            raise
        # A function may write under a name that its code does not show; then only the whole system is exact.
        return _Exploration(system, asked, alike or {}, limits).run()


def taken(system: System, seen: Seen, claim: Property) -> Trace | None:
    """The way to what decides a claim, taken in the system as it is; None if the claim was not decided.

    Raises ModelError if the way cannot be taken, or does not decide it: then values were taken for one another
    that make a difference.
    """
    if claim not in seen.ways:
        return None
    way = seen.ways[claim]
    found = _taken(system, way)
    if found is None and seen.looked_at:
        # What was left out has choices of its own, which are made as it comes.
        part = _taken(seen.looked_at, way)
        path = Path(part.start, tuple((step.action, step.after) for step in part.steps)) if part else None
        found = retrace(system, path, claim) if path else None
    if found is None or not decides(claim, found):
        raise ModelError(f"{claim.name}: the way to what decides it cannot be taken again")
    return found


def _taken(system: System, way: Way) -> Trace | None:
    """The way taken by its choices; None if there are other choices to make."""
    listed = {step.name: step for step in system.actions}
    start = state = next(s for s in system.initial_states() if agree(s, way.start))
    steps: list[Taken] = []
    for name, made in way.moves:
        found = chosen(system, listed[name], state, made, begun=True)
        if found is None:
            return None
        steps.append(Taken(name, found.action.actor, found.label, state, found.state, found.record))
        state = found.state
    return Trace(start, tuple(steps))


def decides(claim: Property, run: Trace) -> bool:
    """Whether a run ends with a step, or a state, of which a claim is false (if about a situation: true)."""
    if claim.kind is Kind.EVERY_STEP:
        return any(not true_of(claim, step.before, {**step.after, **step.record}) for step in run.steps[-1:])
    return true_of(claim, run.end, run.end) is (claim.kind is Kind.SOMETIMES)


class _Slots:
    """Where values are kept, by their numbers: the variables, and copies of some from before a step."""

    def __init__(self, system: System, alike: Alike) -> None:
        self.lasting = tuple(v.name for v in system.variables if not v.local)
        self.initial = {v.name: v.initial for v in system.variables}
        self.alike = alike
        self.places = {n: k for k, n in enumerate((*self.lasting, *(v.name for v in system.variables if v.local)))}
        self.values: list[list[Value]] = [[] for _ in self.places]
        self._codes: list[dict[Value, int]] = [{} for _ in self.places]

    @property
    def locals(self) -> Codes:
        """What local variables are between steps."""
        return tuple(self.code(n, self.initial[n][0]) for n in [*self.places][len(self.lasting) :])

    def start(self, place: int) -> int:
        """What a slot is set to when nobody looks at it any more."""
        names = [*self.places]
        return self.code(names[place], self.initial[names[place]][0]) if place < len(names) else 0

    def code(self, name: str, value: Value) -> int:
        """The number of a value, or of what stands for it."""
        place = self.places[name]
        codes = self._codes[place]
        found = codes.get(value)
        if found is None:
            shown = self.alike[name](value) if name in self.alike else value
            found = codes.get(shown)
            if found is None:
                found = codes[shown] = len(self.values[place])
                self.values[place].append(shown)
            codes[value] = found
        return found


class _Unit:
    """Parts that are gone through at once: the slots that they look at, and what comes of it as far as is known.

    `gone` are variables that nobody looks at afterwards.
    """

    def __init__(self, parts: list[Part], gone: Iterable[str], system: System, slots: _Slots) -> None:
        self.rows: dict[Codes, Row] = {}
        self.required = any(p.required for p in parts)
        self._parts = parts
        self._tables = system.tables
        self._slots = slots
        self._reads = tuple(dict.fromkeys(_looked_at(parts)))
        self._gone = {n: slots.initial[n][0] for n in gone}
        written = (v for p in parts for a in parts_of(p.body) for n, v in a.writes if n not in a.ignored)
        self._writes = tuple(dict.fromkeys((*written, *self._gone)))
        self.key = _getter([slots.places[n] for n in self._reads])

    def learn(self, key: Codes) -> Row:
        """What comes of the values with these numbers, by choices: slots and the numbers of their new values."""
        slots = self._slots
        before = dict(zip(self._reads, key, strict=True))
        going: list[_Going] = [({n: slots.values[slots.places[n]][c] for n, c in before.items()}, ())]
        for part in self._parts:
            going = [after for scope, made in going for after in _ways(part, scope, made, self._tables)]
        found = []
        for scope, made in going:
            scope |= self._gone
            new = {n: slots.code(n, scope[n]) for n in self._writes if n in scope}
            found.append((tuple((slots.places[n], c) for n, c in new.items() if before.get(n) != c), made))
        self.rows[key] = tuple(found)
        return self.rows[key]


_Going = tuple[dict[str, Value], Choices]


def _ways(part: Part, scope: dict[str, Value], made: Choices, tables: Tables) -> list[_Going]:
    """Every way through a part, with the choices on it; none where it is required and does not run."""
    stays: list[_Going] = [] if part.required else [(scope, made)]
    if not all(scope[name] in values for name, values in part.when):
        return stays
    if isinstance(part.body, Sequence):
        going: list[_Going] = [(scope, made)]
        for each in part.body.parts:
            going = [after for values, choices in going for after in _ways(each, values, choices, tables)]
        return going
    row = tables.table(part.body)[tuple([scope[v] for _, v in part.body.reads])]
    if not row:
        return stays
    if len(row) == 1:
        return [(scope | assignments(part.body, row[0]), made)]
    return [(scope | assignments(part.body, o), (*made, (way, len(row)))) for way, o in enumerate(row)]


@dataclass(slots=True)
class _Jump:
    """Units that are passed over unless each of these slots has one of these values."""

    when: tuple[tuple[int, frozenset[int]], ...]
    to: int = 0


class _Judge:
    """A claim, and what is known of it by the values that it looks at."""

    def __init__(self, claim: Property, slots: _Slots, copies: Mapping[str, int]) -> None:
        self.claim = claim
        steps = claim.kind is Kind.EVERY_STEP
        self._reads = [(p, name) for p, (name, _) in claim.reads]
        self.key = _getter([copies[n] if steps and not late else slots.places[n] for _, (n, late) in claim.reads])
        self._slots = slots
        self._known: dict[Codes, bool] = {}

    def decides(self, key: Codes) -> bool:
        """Whether the claim is false of these values (if about a situation: true)."""
        found = self._known.get(key)
        if found is None:
            values, places = self._slots.values, self._slots.places
            given = {p: values[places[n]][c] for (p, n), c in zip(self._reads, key, strict=True)}
            true = bool(self.claim.function(**given, **dict(self.claim.constants)))
            found = self._known[key] = true is (self.claim.kind is Kind.SOMETIMES)
        return found

    def look(self, here: Layer, judged: Callable[[Property, Origin], None]) -> None:
        """Tell of the first way that decides the claim, if there is one."""
        way = next((origin for scope, origin in here.items() if self.decides(self.key(scope))), None)
        if way is not None:
            judged(self.claim, way)


@dataclass(slots=True)
class _Forget:
    """Slots that nobody looks at any more, with what they are set to."""

    slots: Changes


class _Program:
    """A step as instructions, one after the other."""

    def __init__(self, step: Action | Sequence, system: System, slots: _Slots, claims: list[Property]) -> None:
        self.name = step.name
        self.code: list[_Unit | _Jump | _Judge | _Forget] = []
        self._system = system
        self._slots = slots
        self._group: list[Part] = []
        self._gone: list[str] = []
        parts = (Part(step, required=True),) if isinstance(step, Action) else step.parts or (Part(step),)
        taken_from = max((k for k, part in enumerate(parts) if part.required), default=0)
        early = dict.fromkeys(n for c in claims for _, (n, late) in c.reads if not late)
        self.copied = _getter([slots.places[n] for n in early])
        copies = {n: len(slots.places) + k for k, n in enumerate(early)}
        last = {slots.places[n]: k for k, p in enumerate(parts) for n in mentioned((p,))}
        due: dict[int, list[Property]] = {}
        for claim in claims:
            reads = [(slots.places[n] if late else copies[n], late) for _, (n, late) in claim.reads]
            at = max((last.get(place, 0) for place, late in reads if late), default=0)
            at = max(at, taken_from)
            due.setdefault(at, []).append(claim)
            last |= {place: max(last.get(place, 0), at) for place, _ in reads}
        names = [*slots.places]
        for k, part in enumerate(parts):
            self._add(part)
            gone = [place for place, at in last.items() if at == k and place >= len(slots.lasting)]
            if k in due:
                self._close()
                self.code += [_Judge(claim, slots, copies) for claim in due[k]]
                self.code.append(_Forget(tuple((place, slots.start(place)) for place in gone)))
            else:
                self._gone += [names[place] for place in gone]
        self._close()

    def _add(self, part: Part) -> None:
        """A part, in one unit with those before it as long as they look at few variables of the state together."""
        if self._group and (part.required or self._wide([*self._group, part])):
            self._close()
        if isinstance(part.body, Action) or not self._wide([part]):
            self._group.append(part)
            if part.required:
                self._close()
            return
        jump = _Jump(
            tuple(
                (self._slots.places[n], frozenset(self._slots.code(n, v) for v in values))
                for n, values in part.when
            )
        )
        self.code.append(jump)
        for each in part.body.parts:
            self._add(each)
        self._close()
        jump.to = len(self.code)

    def _wide(self, parts: list[Part]) -> bool:
        lasting = set(self._slots.lasting)
        return len(lasting.intersection(_looked_at(parts))) > FEW

    def _close(self) -> None:
        if self._group:
            self.code.append(_Unit(self._group, self._gone, self._system, self._slots))
            self._group, self._gone = [], []

    def run(self, layer: Layer, judged: Callable[[Property, Origin], None]) -> Layer:
        """The states after the step, each with a way that leads to it; `judged` is told what decides claims."""
        rest = self._slots.locals
        here: Layer = {(*state, *rest, *self.copied(state)): origin for state, origin in layer.items()}
        later: dict[int, Layer] = {}
        for at, instruction in enumerate(self.code):
            if at in later:
                here |= later.pop(at)
            if isinstance(instruction, _Unit):
                here = _through(instruction, here)
            elif isinstance(instruction, _Judge):
                instruction.look(here, judged)
            elif isinstance(instruction, _Jump):
                here, passed = _parted(instruction, here)
                later[instruction.to] = later.get(instruction.to, {}) | passed
            else:
                here = {_after(scope, instruction.slots): origin for scope, origin in here.items()}
        here |= later.get(len(self.code), {})
        return {scope[: len(self._slots.lasting)]: origin for scope, origin in here.items()}


def _through(unit: _Unit, here: Layer) -> Layer:
    found: Layer = {}
    rows, key = unit.rows, unit.key
    for scope, origin in here.items():
        read = key(scope)
        row = rows.get(read)
        if row is None:
            row = unit.learn(read)
        for changes, made in row:
            way = (origin[0], (origin[1], made)) if made else origin
            found.setdefault(_after(scope, changes) if changes else scope, way)
    return found


def _parted(jump: _Jump, here: Layer) -> tuple[Layer, Layer]:
    """What goes on, and what passes over."""
    on: Layer = {}
    over: Layer = {}
    for scope, origin in here.items():
        runs = all(scope[place] in codes for place, codes in jump.when)
        (on if runs else over)[scope] = origin
    return on, over


def _looked_at(parts: Iterable[Part]) -> Iterator[str]:
    """The variables that parts read, or are conditional on."""
    for part in parts:
        yield from (name for name, _ in part.when)
        if isinstance(part.body, Action):
            yield from (v for _, v in part.body.reads)
        else:
            yield from _looked_at(part.body.parts)


def _after(scope: Codes, changes: Changes) -> Codes:
    values = [*scope]
    for place, code in changes:
        values[place] = code
    return tuple(values)


def _jump(jump: _Jump, here: Layer) -> tuple[Layer, Layer]:
    """What goes on, and what passes over."""
    on: Layer = {}
    over: Layer = {}
    for scope, origin in here.items():
        runs = all(scope[place] in codes for place, codes in jump.when)
        (on if runs else over)[scope] = origin
    return on, over


def _getter(places: list[int]) -> Callable[[Codes], Codes]:
    if len(places) == 1:
        only = places[0]
        return lambda scope: (scope[only],)
    return itemgetter(*places) if places else lambda _: ()


class _Exploration:
    """One exploration, layer by layer: where each state comes from, and what decided claims so far."""

    def __init__(self, system: System, claims: tuple[Property, ...], alike: Alike, limits: Limits) -> None:
        self.system = system
        self.slots = slots = _Slots(system, alike)
        self.limits = limits
        self.steps = [c for c in claims if c.kind is Kind.EVERY_STEP]
        self.judges = [_Judge(c, slots, {}) for c in claims if c.kind is not Kind.EVERY_STEP]
        self.programs = [
            _Program(step, system, slots, [c for c in self.steps if step.name in c.by]) for step in system.actions
        ]
        self.origins: list[tuple[int, str, Links] | None] = []
        self.numbers: dict[Codes, int] = {}
        self.met: dict[Property, tuple[str, Origin] | int] = {}
        self.asked = len(claims)
        first = [tuple(slots.code(n, state[n]) for n in slots.lasting) for state in system.initial_states()]
        self.layer: Layer = {state: (k, None) for k, state in enumerate(dict.fromkeys(first))}
        self.numbers = {state: k for k, state in enumerate(self.layer)}
        self.origins = [None] * len(self.layer)

    def run(self) -> Seen:
        """Explore until there is nothing new, or nothing to decide."""
        found = Seen(looked_at=self.system)
        with stopping(found.why):
            level = 1
            while self.layer and not self._decided():
                self.limits.enter(level, lambda: len(self.numbers))
                self.layer = self._next()
                level += 1
            found.complete = True
        found.states = len(self.numbers)
        found.ways = {claim: self._way(met) for claim, met in self.met.items()}
        return found

    def _decided(self) -> bool:
        """Judge the states of the layer; whether every claim is decided."""
        for judge in self.judges:
            if judge.claim not in self.met:
                at = next((o[0] for state, o in self.layer.items() if judge.decides(judge.key(state))), None)
                if at is not None:
                    self.met[judge.claim] = at
        return len(self.met) == self.asked

    def _next(self) -> Layer:
        """The states that are new after the layer, each with its own number."""
        found: Layer = {}
        for program in self.programs:

            def judged(claim: Property, origin: Origin, name: str = program.name) -> None:
                self.met.setdefault(claim, (name, origin))

            for state, (before, links) in program.run(self.layer, judged).items():
                if state not in self.numbers:
                    self.numbers[state] = len(self.origins)
                    found[state] = (len(self.origins), None)
                    self.origins.append((before, program.name, links))
            self.limits.tick()
        return found

    def _way(self, met: tuple[str, Origin] | int) -> Way:
        moves: list[tuple[str, Choices]] = []
        at = met
        if not isinstance(at, int):
            name, (at, links) = at
            moves.append((name, _choices(links)))
        while (origin := self.origins[at]) is not None:
            at, name, links = origin
            moves.insert(0, (name, _choices(links)))
        start = next(state for state, number in self.numbers.items() if number == at)
        names = zip(self.slots.lasting, start, strict=True)
        return Way({n: self.slots.values[self.slots.places[n]][c] for n, c in names}, tuple(moves))


def _choices(links: Links) -> Choices:
    found: list[tuple[int, int]] = []
    while links is not None:
        links, made = links
        found[:0] = made
    return tuple(found)
