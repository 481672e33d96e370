"""What `kargo-model upgrade` found: as text, to paste, and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from diagrams import traces
from diagrams.kargo import findings
from invariants.kargo.judging import Ruling, Standing
from invariants.kargo.rules import RulePart
from invariants.trace import Trace
from model.inputs import InputError, printable
from model.kargo.step_engine import Turn
from simulations.kargo.lint.rules import Finding
from simulations.kargo.upgrade.of_loops import LoopRun
from simulations.kargo.upgrade.of_steps import Line, StepRun
from simulations.kargo.upgrade.really import Half
from simulations.kargo.upgrade.upgrade import Change, Upgrade, Whole

LONG = 1_000

RuledApart = tuple[tuple[RulePart, Standing, Standing], ...]
"""Claims of `kargo-model rules` that are not ruled alike: before, and after."""


@dataclass(frozen=True)
class Section:
    """A part of what is told: a title and its paragraphs, each a line with more lines that belong to it."""

    title: str
    paragraphs: tuple[tuple[str, tuple[str, ...]], ...]


def ruled_apart(
    parts: Iterable[RulePart], rulings: Mapping[tuple[str, str], Ruling], one: str, other: str
) -> RuledApart:
    """The claims whose standing differs between two releases."""
    pairs = ((p, rulings[p.id, one].standing, rulings[p.id, other].standing) for p in parts)
    return tuple((part, before, after) for part, before, after in pairs if before is not after)


# For some manifests


def headline(found: Upgrade) -> str:
    """The answer in a line."""
    count = len(found.changes) + len(found.kinds)
    what = f"{count} change{'' if count == 1 else 's'}" if count else "nothing changes"
    where = "1 Stage or task" if found.subjects == 1 else f"{found.subjects} Stages and tasks"
    bugs = {name for change in found.changes for name, _ in change.mended}
    more = [f"{len(bugs)} known bug{'' if len(bugs) == 1 else 's'} mended"] if bugs else []
    more += [f"{len(found.new)} new finding{'' if len(found.new) == 1 else 's'} of lint"] if found.new else []
    rest = f"; {', '.join(more)}" if more else ""
    return f"From Kargo {found.one} to {found.other}, {what} for {where}{rest}"


def sections(found: Upgrade) -> Iterator[Section]:
    """Everything, part by part; a part with nothing in it is left out."""
    changes = tuple((_title(c), tuple(_change(c, found))) for c in found.changes)
    yield Section("what changes", changes)
    yield Section(
        "steps that change",
        tuple((f"{k.subject}, step {k.step}: {k.text}", (f"at {k.place}",)) for k in found.kinds),
    )
    yield Section("new findings of lint", tuple(map(_finding, found.new)))
    yield Section("findings of lint that go away", tuple(map(_finding, found.gone)))
    unseen = tuple((f"{c.topic.field}: {c.says}", (f"before: {c.topic.before}",)) for c in found.unseen)
    yield Section("differs as well, but manifests do not tell whether it matters here", unseen)
    whole = tuple((f"not compared whole: {printable(s, 200)}", ()) for s in found.incomplete)
    yield Section("not seen", whole)


def _title(change: Change) -> str:
    name = "language" if change.topic.field == "release" else change.topic.field
    return f"{name} ({change.topic.where.value})"


def _change(change: Change, found: Upgrade) -> Iterator[str]:
    if change.topic.field != "release":
        yield change.says
        yield f"value: {change.here} in {found.one}, {change.there} in {found.other}"
    if change.subjects:
        more = f" and {len(change.subjects) - 8} more" if len(change.subjects) > 8 else ""
        yield f"reached by: {', '.join(change.subjects[:8])}{more}"
    yield from _run(change, found)
    for name, reports in change.mended:
        yield f"mends: {name} ({', '.join(reports)}); kargo-model reproduce {name}"
    yield f"before: {change.topic.before}"


def _run(change: Change, found: Upgrade) -> Iterator[str]:
    run = change.run
    if isinstance(run, StepRun):
        yield "the shortest run that comes out differently:"
        names = _names(run, found)
        for number, line in enumerate(run.lines, start=1):
            yield from (f"  {text}" for text in _line(number, line, names))
        yield f"  {names[0]}: {run.here}"
        yield f"  {names[1]}: {run.then}"
    elif isinstance(run, LoopRun):
        yield f"the shortest run that comes out differently, of {run.shape}:"
        yield from (f"  {number:2}  {printable(step, LONG)}" for number, step in enumerate(run.steps, start=1))
        one, other = _names(run, found)
        yield from (f"  {about}: {here} in {one}, {then} in {other}" for about, here, then in run.differ)
    elif isinstance(run, Trace):
        yield f"the shortest run that is possible only in {change.possible_in}, of something smaller:"
        told = traces.story(run, shown=lambda v: v.partition("[")[0] in ("phase", "found"))
        yield from (f"  {printable(line, LONG)}" for line in told if line.strip())
    else:
        yield "there is no run to show: what it changes lies outside of what is explored"


def _names(run: StepRun | LoopRun, found: Upgrade) -> tuple[str, str]:
    """What the two releases of a run are called."""
    one = f"{found.other} without this" if run.made_up is Half.HERE else found.one
    return one, f"{found.one} with this alone" if run.made_up is Half.THEN else found.other


def _line(number: int, line: Line, names: tuple[str, str]) -> Iterator[str]:
    yield f"{number:2}  {line.what}"
    easy = [printable(s.alias) for s in line.steps if s.here == s.then == Turn.SUCCEEDED.value]
    if easy:
        yield f"      {', '.join(easy)}: {Turn.SUCCEEDED.value}"
    for step in line.steps:
        name = printable(step.alias)
        if name in easy:
            continue
        answer = f"{step.came_back}; " if step.came_back and step.came_back not in step.here else ""
        if step.here == step.then:
            yield f"      {name}: {answer}{step.here}"
        else:
            yield f"      {name}: {answer}{names[0]}: {step.here}; {names[1]}: {step.then}"


def _finding(finding: Finding) -> tuple[str, tuple[str, ...]]:
    first = f"{findings.where(finding)}: {finding.severity}: {printable(finding.text, 500)} [{finding.rule.id}]"
    steps = tuple(f"  {line}" for line in findings.shown(finding))
    return first, (*(("run:", *steps) if steps else ()), f"fix: {finding.remedy}")


# Without manifests


def whole_headline(found: Whole, ruled: RuledApart) -> str:
    """The answer in a line."""
    mended = sum(before and not after for _, _, before, after in found.bugs)
    broken = len(found.bugs) - mended
    says = f"From Kargo {found.one} to {found.other}, {len(found.changes)} behaviours change"
    says += f"; {mended} known bug{'' if mended == 1 else 's'} mended, {broken} new"
    return says + (f"; {len(ruled)} claims of the eight rules are ruled otherwise" if ruled else "")


def whole_sections(found: Whole, ruled: RuledApart) -> Iterator[Section]:
    """Everything, part by part."""
    changes = []
    for c in found.changes:
        values = f"value: {c.here} in {found.one}, {c.there} in {found.other}"
        changes.append((_title(c), (c.says, values, f"before: {c.topic.before}")))
    yield Section("behaviours", tuple(changes))
    yield Section("kinds of steps", tuple((kind, ()) for kind in found.kinds))
    bugs = []
    for name, reports, before, _ in found.bugs:
        happens = f"happens in {found.one}, not in {found.other}" if before else f"happens only in {found.other}"
        bugs.append((f"{name} ({', '.join(reports)}) {happens}", (f"kargo-model reproduce {name}",)))
    yield Section("known bugs and findings", tuple(bugs))
    claims = []
    for part, earlier, later in ruled:
        says = f"{found.one}: {earlier.value}; {found.other}: {later.value}"
        claims.append((f"{part.id}  {part.says}", (says, f"kargo-model rules --show {part.id}")))
    yield Section("claims of the eight rules", tuple(claims))


# Forms


def lines(first: str, told: Iterable[Section], problems: Iterable[InputError] = ()) -> Iterator[str]:
    """As text."""
    yield first
    for section in told:
        if section.paragraphs:
            yield ""
            yield section.title
        for begin, rest in section.paragraphs:
            yield f"  {begin}"
            yield from (f"    {line}" for line in rest)
    unread = [f"cannot be read: {printable(str(p), 400)}" for p in problems]
    yield from ["", *unread] if unread else []


def markdown(first: str, told: Iterable[Section], problems: Iterable[InputError] = ()) -> Iterator[str]:
    """To paste into a page or a pull request."""
    yield f"**{_plain(first)}**"
    for section in told:
        if section.paragraphs:
            yield ""
            yield f"## {section.title.capitalize()}"
            yield ""
        for begin, rest in section.paragraphs:
            yield f"* **{_plain(begin)}**"
            runs = [line for line in rest if line.startswith("  ")]
            yield from (f"  {_plain(line)}  " for line in rest if line not in runs)
            if runs:
                yield from ("", "  ```text", *(f"  {line}" for line in runs), "  ```")
    unread = [f"* cannot be read: {_plain(printable(str(p), 400))}" for p in problems]
    yield from ["", *unread] if unread else []


def _plain(text: str) -> str:
    for sign in ("\\", "*", "_", "<", "[", "|"):
        text = text.replace(sign, f"\\{sign}")
    return text


def as_json(found: Upgrade, problems: Iterable[InputError]) -> dict[str, object]:
    """For programs; see docs/json.md."""
    return {
        "from": found.one,
        "to": found.other,
        "subjects": found.subjects,
        "changes": [_change_as_json(c, found) for c in found.changes],
        "steps": [
            {"subject": k.subject, "step": k.step, "text": k.text, "file": k.place.file, "line": k.place.line}
            for k in found.kinds
        ],
        "new": [findings.finding_as_json(f, found.other) for f in found.new],
        "gone": [findings.finding_as_json(f, found.one) for f in found.gone],
        "unseen": [{"behaviour": c.topic.field, "says": c.says, "before": c.topic.before} for c in found.unseen],
        "incomplete": list(found.incomplete),
        "problems": [findings.problem_as_json(p) for p in problems],
    }


def _change_as_json(change: Change, found: Upgrade) -> dict[str, object]:
    return {
        "behaviour": change.topic.field,
        "where": change.topic.where.value,
        "says": change.says,
        "values": [change.here, change.there],
        "subjects": list(change.subjects),
        "shown": [line.rstrip() for line in _run(change, found)],
        "mends": [{"scenario": name, "reports": list(reports)} for name, reports in change.mended],
        "before": change.topic.before,
    }


def whole_as_json(found: Whole, ruled: RuledApart) -> dict[str, object]:
    """For programs; see docs/json.md."""
    return {
        "from": found.one,
        "to": found.other,
        "behaviours": [
            {
                "behaviour": c.topic.field,
                "where": c.topic.where.value,
                "says": c.says,
                "values": [c.here, c.there],
                "before": c.topic.before,
            }
            for c in found.changes
        ],
        "kinds": list(found.kinds),
        "bugs": [
            {"scenario": name, "reports": list(reports), "before": before, "after": after}
            for name, reports, before, after in found.bugs
        ],
        "claims": [
            {"id": part.id, "says": part.says, "before": before.name.lower(), "after": after.name.lower()}
            for part, before, after in ruled
        ],
    }
