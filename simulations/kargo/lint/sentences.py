"""What is said of a finding: one sentence about this step and this run."""

from __future__ import annotations

from collections.abc import Callable

from invariants.trace import Trace
from model.inputs import printable
from model.kargo.durations import format_duration
from model.kargo.expression_references import ALL
from model.kargo.plan import stored
from model.kargo.repetition import REPEATED
from model.kargo.runner_results import WITHOUT_OUTPUT, config_of
from model.kargo.templates import Template
from simulations.kargo.lint.rules import Level
from simulations.kargo.lint.wanted import StepView

HARMLESS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
"""Requests that may be sent again. Source: RFC 9110, 9.2.2"""


def of_step(step: StepView) -> str:
    """How a step is spoken of."""
    return f"step {printable(step.spec.alias)} ({printable(step.spec.kind)})"


def said(
    rule: str, step: StepView | None, shown: Trace | None, about: str, template: Template
) -> tuple[str, Level | None]:
    """The sentence, and how bad it is where that depends on the step."""
    if step is None:
        return "the Promotion can succeed without any step having done anything: each can be skipped", None
    told = _SENTENCES.get(rule)
    if rule == "repeated-by-restart":
        return _repeated(step)
    if rule == "output-unset":
        kind = next((each.kind for each in template.steps if each.alias == about), "")
        if kind in WITHOUT_OUTPUT:
            text = f"reads the output of {printable(about)}, and {printable(kind)} never leaves one"
            return f"{of_step(step)} {text}", Level.WARNING
        text = f"reads the output of {printable(about)}, which may have been skipped, or failed, and left none"
        return f"{of_step(step)} {text}", None
    if rule == "failure-unseen":
        return _unseen(step, template)
    if rule == "never-runs":
        return _never_run(step, template)
    if rule in ("if-fails", "config-fails"):
        which = "`if`" if rule == "if-fails" else "vars or config"
        return f"the {which} of {of_step(step)} can fail: {_message(step, shown)}", None
    return (f"{of_step(step)} {told(step)}" if told else ""), None


def _unseen(step: StepView, template: Template) -> tuple[str, Level | None]:
    """A step on which nothing builds, such as a message at the end, may as well fail."""
    text = f"{of_step(step)} may fail, the Promotion is green all the same, and no step looks at how it went"
    aliases = [each.alias for each in template.steps]
    later = template.steps[aliases.index(step.spec.alias) + 1 :]
    return text, Level.NOTE if all(each.continue_on_error for each in later) else None


_NAMES = (("project",), ("promotion",), ("stage",))
"""What is known of `ctx`; whatever else decides that a step never runs is nothing that this release has."""


def _never_run(step: StepView, template: Template) -> tuple[str, Level | None]:
    """A switch that is off is no mistake; a variable that nobody defines is."""
    text = f"{of_step(step)} is never run, whatever the steps before it come to"
    read = step.condition
    if read is None or (not read.variables and not read.context):
        return text, None
    defined = {name for name, _ in (*template.vars, *step.spec.vars)}
    undefined = sorted(read.variables - defined) if read.variables != ALL else []
    if any(one.name == "ctx" and one.path[:1] not in _NAMES for one in read.references):
        return text, None
    if undefined:
        return f"{text}: its `if` reads the variable {printable(undefined[0])}, which nobody defines", None
    return f"{text}, as long as what its `if` reads (vars, ctx) is what it is here", Level.NOTE


def _message(step: StepView, shown: Trace | None) -> str:
    """The message that the step has at the end of a run, without what introduces it."""
    text = str(shown.end.get(stored("text", step.spec.alias), "")) if shown else ""
    for begin in ("should be skipped: ", "failed to get step config: "):
        text = text.partition(begin)[2] or text
    return printable(text.partition("\n")[0], 200) or "it comes to an error"


def _repeated(step: StepView) -> tuple[str, Level | None]:
    kind, level = step.spec.kind, None
    what = REPEATED[kind]
    if kind == "http":
        method = str(config_of(step.spec).get("method") or "GET").upper()
        if method in HARMLESS:
            return "", None
        if "${" not in method:
            what, level = f"the {printable(method)} request is sent again", Level.WARNING
    after = "is done again if the controller is restarted while a later step waits"
    return f"{of_step(step)} {after}: {what}", level


def _threshold(step: StepView) -> str:
    count = step.rules.error_threshold
    return f"may make {count} errors, but no attempt ever follows one that failed"


def _timeout(step: StepView) -> str:
    limit = format_duration(step.rules.timeout_ms)
    return f"has a timeout of {limit} that never ends it: each attempt decides, well or not, when it comes back"


def _polls(step: StepView) -> str:
    return "is polled for ever while the answer is no success (2xx): it fails without an error, and has no timeout"


_SENTENCES: dict[str, Callable[[StepView], str]] = {
    "runs-after-failure": lambda s: "runs after a failure: its `if` replaces the rule that would have skipped it",
    "green-without-work": lambda s: "is begun, never done, and the Promotion succeeds",
    "retry-never-happens": _threshold,
    "timeout-never-fires": _timeout,
    "waits-forever": lambda s: "waits for something, and has no timeout",
    "http-polls-forever": _polls,
    "http-never-succeeds": lambda s: (
        "cannot succeed: it only says what failure is, and waits as long as there is none"
    ),
}
"""By rule. What is asked for the sake of its run alone is not here."""
