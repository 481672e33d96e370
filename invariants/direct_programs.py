"""Steps as programs for small systems: units of parts that look at few variables, claims, and what is forgotten.

What a unit makes of the values that it looks at is remembered. A layer of states goes through a program at once; a
variable that nobody looks at any more is set to one value, so that what differed only there is one from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter

from invariants.mentions import looked_at, mentioned
from invariants.properties import Kind, Property
from invariants.towards import Choices
from model.system import Action, Part, Sequence, System, Tables, Value, applies, parts_of

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


class Slots:
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


class Unit:
    """Parts that are gone through at once: the slots that they look at, and what comes of it as far as is known.

    `gone` are variables that nobody looks at afterwards.
    """

    def __init__(self, parts: list[Part], gone: Iterable[str], system: System, slots: Slots) -> None:
        self.rows: dict[Codes, Row] = {}
        self.required = any(p.required for p in parts)
        self._parts = parts
        self._tables = system.tables
        self._slots = slots
        self._reads = tuple(dict.fromkeys(looked_at(parts)))
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
    if part.when and not applies(part, scope):
        return stays
    if isinstance(part.body, Sequence):
        going: list[_Going] = [(scope, made)]
        for each in part.body.parts:
            going = [after for values, choices in going for after in _ways(each, values, choices, tables)]
        return going
    row = tables.row(part.body, scope)
    if not row:
        return stays
    if len(row) == 1:
        return [(tables.assign(part.body, row[0], {**scope}), made)]
    after = enumerate(tables.assign(part.body, o, {**scope}) for o in row)
    return [(values, (*made, (way, len(row)))) for way, values in after]


@dataclass(slots=True)
class Jump:
    """Units that are passed over unless each of these slots has one of these values."""

    when: tuple[tuple[int, frozenset[int]], ...]
    to: int = 0


class Judge:
    """A claim, and what is known of it by the values that it looks at."""

    def __init__(self, claim: Property, slots: Slots, copies: Mapping[str, int]) -> None:
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
class Forget:
    """Slots that nobody looks at any more, with what they are set to."""

    slots: Changes


class Program:
    """A step as instructions, one after the other."""

    def __init__(self, step: Action | Sequence, system: System, slots: Slots, claims: list[Property]) -> None:
        self.name = step.name
        self.code: list[Unit | Jump | Judge | Forget] = []
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
                self.code += [Judge(claim, slots, copies) for claim in due[k]]
                self.code.append(Forget(tuple((place, slots.start(place)) for place in gone)))
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
        jump = Jump(
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
        return len(lasting.intersection(looked_at(parts))) > FEW

    def _close(self) -> None:
        if self._group:
            self.code.append(Unit(self._group, self._gone, self._system, self._slots))
            self._group, self._gone = [], []

    def run(self, layer: Layer, judged: Callable[[Property, Origin], None]) -> Layer:
        """The states after the step, each with a way that leads to it; `judged` is told what decides claims."""
        rest = self._slots.locals
        here: Layer = {(*state, *rest, *self.copied(state)): origin for state, origin in layer.items()}
        later: dict[int, Layer] = {}
        for at, instruction in enumerate(self.code):
            if at in later:
                here |= later.pop(at)
            if isinstance(instruction, Unit):
                here = _through(instruction, here)
            elif isinstance(instruction, Judge):
                instruction.look(here, judged)
            elif isinstance(instruction, Jump):
                here, passed = _parted(instruction, here)
                later[instruction.to] = later.get(instruction.to, {}) | passed
            else:
                here = {_after(scope, instruction.slots): origin for scope, origin in here.items()}
        here |= later.get(len(self.code), {})
        return {scope[: len(self._slots.lasting)]: origin for scope, origin in here.items()}


def _through(unit: Unit, here: Layer) -> Layer:
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


def _parted(jump: Jump, here: Layer) -> tuple[Layer, Layer]:
    """What goes on, and what passes over."""
    on: Layer = {}
    over: Layer = {}
    for scope, origin in here.items():
        runs = all(scope[place] in codes for place, codes in jump.when)
        (on if runs else over)[scope] = origin
    return on, over


def _after(scope: Codes, changes: Changes) -> Codes:
    values = [*scope]
    for place, code in changes:
        values[place] = code
    return tuple(values)


def _getter(places: list[int]) -> Callable[[Codes], Codes]:
    if len(places) == 1:
        only = places[0]
        return lambda scope: (scope[only],)
    return itemgetter(*places) if places else lambda _: ()
