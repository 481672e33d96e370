"""When the health that an Argo CD Application shows may be believed: one Application, explored.

Operations begin and end, the Application's real health changes, Argo CD looks at it now and then and writes down
what it sees, seconds pass, and the controller makes up its mind. The decision is the model's own; here is only what
happens around it. Times that Argo CD writes are whole seconds, so what is compared with them are ages in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from invariants.properties import Property, every_step, sometimes
from invariants.subjects import Subject
from model.kargo.argocd.applications import COMPLETED, AppHealth, OperationPhase
from model.kargo.argocd.health import COOLDOWN_MS, LastOperation, finding, of_health, of_revisions
from model.kargo.phases import HealthState
from model.kargo.releases import Behaviours
from model.system import Outcomes, System, action, only, variable

NAME = "fresh-health"
"""What to call the system."""

COOLDOWN_S = COOLDOWN_MS // 1000
OLD_S = COOLDOWN_S + 1
"""An age beyond which no rule and no claim tells ages apart, in seconds."""

ENDS = (OperationPhase.SUCCEEDED, OperationPhase.FAILED)
LOOK = "ask for the health"
NO_OPERATION = ""


@dataclass(frozen=True)
class Bounds:
    """What may happen.

    `same_second`: Argo CD looks within the very second in which an operation ends, but before that end. `late`: it
    looks later than ten seconds after. `unnamed`: the Promotion has not said which revision it wants.
    """

    same_second: bool = True
    late: bool = True
    unnamed: bool = True


# What happens. `ended` is the age of the last operation's end and None if it runs or none was; `seen` says whether
# Argo CD has looked since, `reconciled` whether the times that it wrote say so.


def begin(operation: str) -> Outcomes:
    """Enabled unless one runs: an operation begins, and what was found before says nothing any more."""
    if operation == OperationPhase.RUNNING:
        return ()
    return only(operation=OperationPhase.RUNNING.value, ended=None, found=None)


def end(operation: str, just_looked: bool, *, phase: str, same_second: bool) -> Outcomes:
    """Enabled while an operation runs: it ends. A look within this second seems to come after."""
    if operation != OperationPhase.RUNNING or (just_looked and not same_second):
        return ()
    return only(operation=phase, ended=0, seen=False, reconciled=just_looked, found=None)


def change(real: str) -> Outcomes:
    """The Application gets better or worse."""
    return only(real=AppHealth.DEGRADED.value if real == AppHealth.HEALTHY else AppHealth.HEALTHY.value)


def observe(real: str) -> Outcomes:
    """Argo CD looks at the Application, and writes down its health and when that was."""
    return only(shown=real, seen=True, reconciled=True, just_looked=True)


def tick(ended: int | None, seen: bool, just_looked: bool, *, late: bool) -> Outcomes:
    """A second passes, unless Argo CD has to look first."""
    older = None if ended is None else min(ended + 1, OLD_S)
    if (older == ended and not just_looked) or (older == COOLDOWN_S and not seen and not late):
        return ()
    return only(ended=older, just_looked=False)


def look(
    operation: str, ended: int | None, reconciled: bool, shown: str, named: bool, *, behaviours: Behaviours
) -> Outcomes:
    """The controller makes up its mind about the Application, which is at the revision desired, if any is."""
    age = None if ended is None else ended * 1000
    last = LastOperation(operation, age, reconciled) if operation else None
    revisions = of_revisions(("r",) if named else ("",), ("r",), 1, ended is None)
    result = finding(last, False, of_health(shown), revisions, behaviours)
    return only(f"{result.state}: {result.value}", found=result.state)


# What should hold


def health_is_not_trusted_for_ten_seconds(ended: int | None, next_found: HealthState) -> bool:
    """Within ten seconds after an operation ended, its Application is not found Healthy."""
    return next_found is not HealthState.HEALTHY or ended is None or ended >= COOLDOWN_S


def a_healthy_verdict_rests_on_a_later_observation(ended: int | None, seen: bool, next_found: HealthState) -> bool:
    """An Application is found Healthy only if Argo CD has looked at it after its last operation ended."""
    return next_found is not HealthState.HEALTHY or ended is None or seen


def no_application_is_healthy_while_an_operation_runs(operation: str, next_found: HealthState) -> bool:
    """While an operation runs, its Application is not found Healthy."""
    return next_found is not HealthState.HEALTHY or operation != OperationPhase.RUNNING


def health_is_trusted_in_the_end(operation: str, found: HealthState | None) -> bool:
    """After an operation, an Application gets to be found Healthy."""
    return operation in COMPLETED and found is HealthState.HEALTHY


CLAIMS = (
    health_is_not_trusted_for_ten_seconds,
    a_healthy_verdict_rests_on_a_later_observation,
    no_application_is_healthy_while_an_operation_runs,
)


def subject(behaviours: Behaviours, bounds: Bounds | None = None) -> Subject:
    """The Application and the controller of one release, with the claims about them and their witness."""
    system = exploration(behaviours, bounds or Bounds())
    claims: tuple[Property, ...] = tuple(every_step(claim, by=(LOOK,)) for claim in CLAIMS)
    about = "an Argo CD Application, and the controller that asks for its health"
    return Subject(NAME, about, system, (*claims, sometimes(health_is_trusted_in_the_end)))


def exploration(behaviours: Behaviours, bounds: Bounds) -> System:
    """Everything that can happen to one Application, as far as the health found depends on it."""
    healthy = AppHealth.HEALTHY.value
    return System(
        NAME,
        (
            variable("named", *((True, False) if bounds.unnamed else (True,))),
            variable("operation", NO_OPERATION),
            variable("ended", None),
            variable("just_looked", False),
            variable("reconciled", True),
            variable("seen", True),
            variable("real", healthy),
            variable("shown", healthy),
            variable("found", None),
        ),
        (
            action(begin, "an operation begins", actor="application", writes=("ended", "found")),
            *(
                action(
                    end,
                    f"the operation has {phase.value.lower()}",
                    actor="application",
                    constants={"phase": phase.value, "same_second": bounds.same_second},
                    writes=("ended", "seen", "reconciled", "found"),
                )
                for phase in ENDS
            ),
            action(change, "the real health changes", actor="application"),
            action(
                observe,
                "look at the Application",
                actor="Argo CD",
                writes=("shown", "seen", "reconciled", "just_looked"),
            ),
            action(tick, "a second passes", actor="clock", constants={"late": bounds.late}),
            action(look, LOOK, actor="controller", constants={"behaviours": behaviours}, writes=("found",)),
        ),
    )
