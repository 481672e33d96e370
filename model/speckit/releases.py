"""What differs between spec-kit releases, as values.

A release is a value of `Behaviours`. There are two generations of the engine. R, up to 1.1.2, walks the list of
steps recursively and remembers of it only the index of a top-level step. T, from 1.1.3 on, keeps a tree of all that
was begun. What is said of a release between two that are listed is what was found in the later of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from model.releases import named, unknown


@dataclass(frozen=True, slots=True)
class Behaviours:
    """How one release of the engine behaves, as far as releases differ."""

    release: str
    """What to call it."""

    continue_on_error: bool
    """The field `continue_on_error` is known. From 0.9.2 on; before, it is ignored wherever it stands. #2663"""

    resume_takes_inputs: bool
    """New values of inputs may be given when a run is resumed. From 0.9.3 on. `WorkflowEngine.resume`"""

    keeps_a_tree: bool
    """What was begun is kept as a tree, a run is resumed exactly where it halted, items of a fan-out have
    records of their own, and workflows can call workflows. From 1.1.3 on. `_execution.py`"""

    records_type_and_error: bool
    """A record has the `type` and the `error` of its step. 1.0.1 at the latest."""

    run_has_error: bool
    """The run itself keeps the error that halted it. From 0.15.1 on. `RunState.error`"""

    checks_shapes: bool
    """A branch, list of items, list of options or `on_reject` that is not as it should be makes its step fail.
    Before, it is taken as it comes, which mostly means that an error is raised. 0.10.4 to 0.15.2"""

    switch_strips: bool
    """The value of a switch loses the spaces around it. From 1.0.1 on. `SwitchStep.execute`"""

    boolean_is_a_cap: bool
    """`max_iterations: true` means 1; since 0.12.12 it means the default."""

    json_output: bool
    """A shell step may promise JSON, and fails if its output is none. From 0.11.1 on. `output_format`"""

    verdict_input: bool
    """A gate may take its answer from an input. From 0.15.1 on. `GateStep.execute`"""

    reject_in_any_case: bool
    """The answers reject and abort count in upper case, too. From 0.12.5 on."""

    interrupt_pauses_at_gate: bool
    """Ctrl+C at a gate pauses the run, and an input that ends chooses the option that rejects. 1.1.2 at the latest;
    before, both choose the last option. `GateStep._prompt`"""

    quotes_and_brackets: bool
    """Expressions are split only outside of quotes and brackets, filters can follow each other, and one that
    does not exist is an error. 1.0.1 at the latest. `_find_top_level`"""

    parentheses: bool
    """Expressions may have parentheses, indices from the end, and more filters; a filter behind an operator is an
    error. 1.1.2 at the latest."""

    short_circuit: bool
    """`or` and `and` do not evaluate their right side where the left one decides. 1.2.3 at the latest."""

    slots: bool
    """There are slot steps. 1.1.2 at the latest."""

    aliases_are_refused: bool
    """A fan-in cannot wait for one item of a fan-out. From 1.1.3 on. `FanInStep.execute`"""

    lists_are_needed: bool
    """A loop without `steps` is refused by validation. 1.1.2 at the latest."""


V0_9_1 = Behaviours(
    release="0.9.1",
    continue_on_error=False,
    resume_takes_inputs=False,
    keeps_a_tree=False,
    records_type_and_error=False,
    run_has_error=False,
    checks_shapes=False,
    switch_strips=False,
    boolean_is_a_cap=True,
    json_output=False,
    verdict_input=False,
    reject_in_any_case=False,
    interrupt_pauses_at_gate=False,
    quotes_and_brackets=False,
    parentheses=False,
    short_circuit=False,
    slots=False,
    aliases_are_refused=False,
    lists_are_needed=False,
)
V0_9_4 = replace(V0_9_1, release="0.9.4", continue_on_error=True, resume_takes_inputs=True)
V1_0_1 = replace(
    V0_9_4,
    release="1.0.1",
    records_type_and_error=True,
    run_has_error=True,
    checks_shapes=True,
    switch_strips=True,
    boolean_is_a_cap=False,
    json_output=True,
    verdict_input=True,
    reject_in_any_case=True,
    quotes_and_brackets=True,
)
V1_1_2 = replace(
    V1_0_1,
    release="1.1.2",
    interrupt_pauses_at_gate=True,
    parentheses=True,
    slots=True,
    lists_are_needed=True,
)
V1_1_3 = replace(V1_1_2, release="1.1.3", keeps_a_tree=True, aliases_are_refused=True)
V1_2_3 = replace(V1_1_3, release="1.2.3", short_circuit=True)

RELEASES: dict[str, Behaviours] = {b.release: b for b in (V0_9_1, V0_9_4, V1_0_1, V1_1_2, V1_1_3, V1_2_3)}
"""The releases that are modelled, oldest first."""

LATEST = V1_2_3
"""The newest of them: what is meant where none is named."""


def release(name: str) -> Behaviours:
    """The behaviours of the release called `name`, with or without a leading `v`.

    Raises UnknownReleaseError.
    """
    return named("spec-kit", name, RELEASES)


def modelled_as(version: str) -> Behaviours:
    """The newest release that is modelled and not newer than `version`, which is taken to behave like it.

    Raises UnknownReleaseError for a version older than all of them, or that is no version.
    """
    older = [b for b in RELEASES.values() if _ordered(b.release) <= _ordered(version)]
    if not older:
        raise unknown("spec-kit", version, RELEASES)
    return older[-1]


def _ordered(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()
