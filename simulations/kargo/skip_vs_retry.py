"""The report "Step is skipped but should be retried" (akuity/kargo #5379), from its own manifest.

A step with an error threshold of three fails once. In the next pass the engine asks again whether to skip it; the
rule for a step without `if` is to skip after a failure; and the failure it finds is the step's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from invariants.check import check
from invariants.kargo import step_engine as claims
from invariants.kargo import systems
from invariants.properties import Property, every_step, sometimes
from invariants.verdicts import Judgement, Verdict
from model.documents import plain, read
from model.inputs import InputError
from model.kargo import manifests, planning, templates
from model.kargo.attempts import Attempt
from model.kargo.gates import gates_after
from model.kargo.manifest_types import NO_RETRY
from model.kargo.plan import Plan, after_failure, did, stored
from model.kargo.releases import RELEASES, V1_8_3, Behaviours
from model.kargo.templates import StepSpec, Template
from simulations.kargo import runs
from simulations.kargo.runs import Run
from simulations.kargo.scenario import Answer, InRelease, Remedy, Reproduction

NAME = "skip-vs-retry"
ABOUT = "a step that fails once is skipped instead of retried, and the Promotion turns green"
REPORTS = ("K3", "#5379", "#5490")
REPORTED_FOR = V1_8_3.release
ALIAS = "task-1::gitClone"

FOLDER = Path(__file__).parent / "scenarios" / NAME
ERROR = (
    "error getting credentials for acme/does-not-exist: error getting installation access token: 422 There is at "
    "least one repository that does not exist or is not accessible to the parent installation"
)

PROPOSED = replace(V1_8_3, shows_running_until_retried=True)
UPSTREAM = replace(V1_8_3, if_reevaluated_on_retry=False)


def reproduce(behaviours: Behaviours = V1_8_3) -> Reproduction:
    """Run the report's manifest, as the report's release unless told otherwise, compare, and judge the remedies."""
    template = load()
    run = run_of(template, behaviours)
    recorded = recorded_statuses()
    return Reproduction(
        name=NAME,
        about=ABOUT,
        run_as=behaviours.release,
        run=run,
        recorded=tuple(_told(n, entry) for n, entries in enumerate(recorded, 1) for entry in entries),
        differences=tuple(differences(run, recorded)),
        consequences=gates_after(run.phase),
        releases=tuple(in_release(template, behaviours) for behaviours in RELEASES.values()),
        remedies=tuple(remedies(template)),
    )


def load() -> Template:
    """The report's manifests: a Stage and the task it uses."""
    found = manifests.load([FOLDER / "stage.yaml", FOLDER / "task.yaml"])
    return templates.template(found)


def run_of(template: Template, behaviours: Behaviours) -> Run:
    """The report's run: every attempt of the clone returns an error that may be retried."""
    planner = planning.planner_of(template, behaviours)
    fails = (Attempt("Errored", error=ERROR),)
    return runs.run(planning.scripted(planner, {ALIAS: fails}), limit=10)


# Compared with what was recorded


def recorded_statuses() -> list[list[Mapping[str, object]]]:
    """The metadata that the report shows, one list per reconcile.

    Raises InputError if the file beside the manifests does not hold them.
    """
    [document] = read([FOLDER / "observed.yml"])
    found = plain(document.root)
    if not isinstance(found, dict):
        raise InputError(f"{document.file}: expected a mapping from reconciles to statuses")
    return [found[key]["stepExecutionMetadata"] for key in sorted(found)]


ENDS_WITH = "message-ends-with"


def differences(run: Run, recorded: list[list[Mapping[str, object]]]) -> Iterator[str]:
    """Where the run and the recorded statuses differ, in words."""
    if len(run.passes) != len(recorded):
        yield f"the report shows {len(recorded)} reconciles, the run has {len(run.passes)}"
    for account, entries in zip(run.passes, recorded, strict=False):
        written = account.status.get("stepExecutionMetadata")
        got = written if isinstance(written, list) else []
        if len(got) != len(entries):
            yield f"reconcile {account.number}: the report shows {len(entries)} steps, the run {len(got)}"
        for expected, entry in zip(entries, got, strict=False):
            for key, value in expected.items():
                if not _shows(entry, key, value):
                    shown = entry.get(key.partition("-")[0])
                    yield f"reconcile {account.number}: {key}: the report has {value!r}, the run {shown!r}"


def _shows(entry: Mapping[str, object], key: str, value: object) -> bool:
    if key == ENDS_WITH:
        return str(entry.get("message", "")).endswith(str(value))
    return entry.get(key) == value


def _told(reconcile: int, entry: Mapping[str, object]) -> str:
    fields = ", ".join(f"{key}: {value}" for key, value in entry.items() if key != ENDS_WITH)
    return f"reconcile {reconcile}: {fields}"


# Judged


def in_release(template: Template, behaviours: Behaviours) -> InRelease:
    """Every claim about the template in one release, all outcomes of all attempts explored."""
    subject = systems.explored(NAME, ABOUT, planning.free(planning.planner_of(template, behaviours)))
    asked = tuple(p for p in subject.properties if p in claims.claims(_plan(template, behaviours)))
    return InRelease(behaviours.release, check(subject.system, asked, transitions=False).judgements)


def _plan(template: Template, behaviours: Behaviours) -> Plan:
    return planning.free(planning.planner_of(template, behaviours))


def remedies(template: Template) -> Iterator[Remedy]:
    """The bug as it was, and each remedy, with the same questions asked."""
    always = _with_condition(template, "${{ always() }}")
    yield _judged("as reported", "Kargo 1.8.3 as it was", template, V1_8_3)
    yield _judged(
        "proposed in the report", "a step that will be retried has the status Running meanwhile", template, PROPOSED
    )
    yield _judged(
        "made upstream", "`if` is asked only before the step has started (1.8.5, 1.9.0)", template, UPSTREAM
    )
    yield _judged("workaround", "`if: ${{ always() }}` on the step, Kargo 1.8.3", always, V1_8_3)


def _with_condition(template: Template, condition: str) -> Template:
    steps = tuple(replace(s, condition=condition) if s.alias == ALIAS else s for s in template.steps)
    return replace(template, steps=steps)


def in_company(template: Template) -> Template:
    """The report's step among others: one before it, and after it one that waits and one without settings."""
    before = StepSpec("before", "git-clear")
    waits = StepSpec("waits", "git-wait-for-pr", "${{ outputs.before.open }}")
    after = StepSpec("after", "git-push", retry=NO_RETRY)
    return replace(template, steps=(before, *template.steps, waits, after))


def _judged(name: str, about: str, template: Template, behaviours: Behaviours) -> Remedy:
    plan = _plan(in_company(template), behaviours)
    asked = tuple(_questions(plan))
    subject = systems.explored(name, about, plan)
    report = check(subject.system, tuple(claim for _, claim, _, _ in asked), transitions=False)
    found = {judgement.property: judgement for judgement in report.judgements}
    answers = (_answer(question, found[claim], when, wanted) for question, claim, when, wanted in asked)
    return Remedy(name, about, tuple(answers))


def _answer(question: str, judgement: Judgement, when: Verdict, wanted: bool) -> Answer:
    return Answer(question, judgement.verdict is when, wanted, judgement)


def _questions(plan: Plan) -> Iterator[tuple[str, Property, Verdict, bool]]:
    """Questions about remedies: the claim, the verdict on it that means yes, and whether yes is wanted."""
    aliases = [step.rules.alias for step in plan.steps]

    def reads(alias: str) -> dict[str, str]:
        return {"entry": stored("entry", alias), "did": did(aliases.index(alias), alias)}

    again = claims.a_failed_attempt_is_followed_by_another
    skipped = claims.a_started_step_is_never_skipped_by_the_engine
    green = claims.a_promotion_never_succeeds_over_a_step_it_gave_up
    late = claims.after_a_failure_only_steps_whose_if_asks_for_it_start
    shown = claims.a_step_waits_for_its_next_attempt
    reconcile = claims.RECONCILE
    yield (
        "is the failed step tried again?",
        every_step(again, by=reconcile, reads=reads(ALIAS)),
        Verdict.HOLDS,
        True,
    )
    yield (
        "can the Promotion turn green without its work?",
        every_step(green, by=reconcile, constants={"continue_on_error": False}, reads=reads(ALIAS)),
        Verdict.VIOLATED,
        False,
    )
    yield (
        "does it run although a step before it failed?",
        every_step(
            late,
            by=reconcile,
            constants={"asks": False},
            reads=reads(ALIAS) | {"after_failure": after_failure(aliases.index(ALIAS), ALIAS)},
        ),
        Verdict.VIOLATED,
        False,
    )
    yield (
        "can another step that waits be skipped by its `if`?",
        every_step(skipped, "a_waiting_step_is_never_skipped", by=reconcile, reads=reads("waits")),
        Verdict.VIOLATED,
        False,
    )
    yield (
        "does the status show the failure until the retry?",
        sometimes(shown, reads={"entry": stored("entry", ALIAS)}),
        Verdict.HOLDS,
        True,
    )
