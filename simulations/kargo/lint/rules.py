"""The rules of `kargo-model lint`: what each is called, what it says in a sentence, why, and what to do.

Which of them a manifest breaks is found by exploring, by running, or by looking; nothing of that is here. Each rule
has its entry in `docs/lint.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from invariants.trace import Trace
from model.inputs import Place
from simulations.kargo.runs import Run


class Level(IntEnum):
    """How bad a finding is; the greater the worse."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()


class Judged(IntEnum):
    """How a rule is judged."""

    EXPLORED = 1  # by exploring every outcome of every step, or of a control loop
    RUN = 2  # by running the steps with the outcomes that matter
    READ = 3  # by reading the manifests


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: `says` in a sentence what is wrong where it is broken, `fix` what to do about it."""

    id: str
    level: Level
    judged: Judged
    says: str
    fix: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken at a place.

    `subject` is what was explored, `step` the alias of the step, if it is about one. `shown` is the shortest run
    that shows it, None where there can be none; `shown_as` says of what it is, where that is something smaller that
    is like the subject. `releases` are those that break the rule here, oldest first. `also` are other subjects of
    which the same is true, because they use the same task.
    """

    rule: Rule
    place: Place
    subject: str
    text: str
    step: str = ""
    shown: Trace | Run | None = field(default=None, compare=False)
    releases: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    level: Level | None = None
    fix: str = ""
    shown_as: str = ""

    @property
    def severity(self) -> Level:
        """How bad it is: as its rule says, if not said otherwise."""
        return self.level or self.rule.level

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return self.fix or self.rule.fix


_E, _R, _S = Judged.EXPLORED, Judged.RUN, Judged.READ
_ERROR, _WARNING, _NOTE = Level.ERROR, Level.WARNING, Level.NOTE

RULES: tuple[Rule, ...] = (
    # Steps, explored
    Rule(
        "runs-after-failure",
        _WARNING,
        _E,
        "A step with an `if` of its own runs although a step before it failed.",
        "ask for success in the `if`: ${{ success() && ... }}; if it is to run after failures, say always() or "
        "failure()",
    ),
    Rule(
        "failure-unseen",
        _WARNING,
        _E,
        "A step that may fail (continueOnError) fails, the Promotion is green, and no other step looks at it.",
        "let a later step ask ${{ status('ALIAS') }}, or take continueOnError away",
    ),
    Rule(
        "green-without-work",
        _ERROR,
        _E,
        "The Promotion succeeds although a step was begun and never done.",
        "upgrade to 1.8.5 or 1.9; before, write `if: ${{ always() }}` on steps that wait or are retried",
    ),
    Rule(
        "nothing-done",
        _WARNING,
        _E,
        "The Promotion can succeed without any step having done anything.",
        "leave one step without an `if`, or let a last step fail when nothing was done",
    ),
    Rule(
        "retry-never-happens",
        _WARNING,
        _E,
        "A step has an error threshold, but is never tried again.",
        "take `errorThreshold` away: none of the errors of this kind of step may be retried",
    ),
    Rule(
        "never-runs",
        _WARNING,
        _E,
        "A step is never run, whatever the others come to.",
        "correct its `if`, or take the step away",
    ),
    Rule(
        "if-fails",
        _ERROR,
        _E,
        "The `if` of a step comes to an error; the step is Errored without having run.",
        "ask whether what it reads is there: outputs.ALIAS?.KEY, or ${{ status('ALIAS') == 'Succeeded' && ... }}",
    ),
    Rule(
        "if-not-boolean",
        _ERROR,
        _E,
        "The `if` of a step comes to something other than true or false; the step is Errored without having run.",
        "write a comparison between ${{ and }}: a text, a number, or an output as it is, is no boolean",
    ),
    Rule(
        "config-fails",
        _ERROR,
        _E,
        "The vars or the config of a step come to an error; it is Errored without having run, and never retried.",
        "let the step run only if what it reads is there: if: ${{ status('ALIAS') == 'Succeeded' }}; or, as in an "
        "alarm, read it with care: ${{ outputs.ALIAS?.KEY ?? 'none' }}",
    ),
    Rule(
        "output-unset",
        _NOTE,
        _E,
        "A step reads an output that an earlier step, skipped or failed, did not leave.",
        "say what is meant then: outputs.ALIAS?.KEY ?? 'default', or an `if` that asks for status('ALIAS')",
    ),
    Rule(
        "unknown-kind",
        _WARNING,
        _E,
        "No runner is built in for the kind of a step; the step is Errored.",
        "correct `uses`, or upgrade to a release that has it",
    ),
    Rule(
        "timeout-never-fires",
        _WARNING,
        _E,
        "A step has a timeout that can never end it: timeouts are looked at only when an attempt is not the last.",
        "take the timeout away; or, if its errors may be retried, give the step an errorThreshold of 15 or more, "
        "so that there is something to cut off",
    ),
    Rule(
        "waits-forever",
        _NOTE,
        _E,
        "A step waits for something without a timeout: if it never comes, the Promotion never ends, and those "
        "behind it never begin.",
        "give the step `retry: {timeout: 24h}`, or whatever is long enough",
    ),
    Rule(
        "http-polls-forever",
        _WARNING,
        _E,
        "An http step asks again and again, for ever: an answer that is no success neither ends the step nor "
        "counts as an error.",
        "define `successExpression` and `failureExpression`, and give the step a timeout",
    ),
    Rule(
        "http-never-succeeds",
        _ERROR,
        _E,
        "An http step that only defines what failure is can never succeed: it waits until it fails.",
        "define `successExpression`, too",
    ),
    Rule(
        "repeated-by-restart",
        _NOTE,
        _E,
        "A step that is done is done again if the controller is restarted while a later one waits.",
        "see to it that doing it twice does no harm, or let waiting steps come before it",
    ),
    # Steps, run
    Rule(
        "retries-spent-at-once",
        _WARNING,
        _R,
        "All attempts of a step are used up within seconds: retries come after 5 ms, 10 ms, 20 ms, and so on.",
        "an errorThreshold of 15 or more, which is more than a minute; or let a step wait for what may be away "
        "(http with a successExpression and a timeout), and take errorThreshold away",
    ),
    Rule(
        "timeout-before-next-look",
        _WARNING,
        _R,
        "The timeout of a step that waits is over before it is looked at a second time.",
        "make the timeout longer than the time between two looks",
    ),
    # Steps, read
    Rule(
        "unknown-alias",
        _ERROR,
        _S,
        "An expression refers to a step that does not exist.",
        "use the alias of a step of this template; from outside, outputs['TASK::STEP'] is that of a step of a "
        "task, and status() sees none of them",
    ),
    Rule(
        "alias-comes-later",
        _WARNING,
        _S,
        "An expression refers to a step that comes later.",
        "change the order of the steps",
    ),
    Rule(
        "reserved-alias",
        _ERROR,
        _S,
        "An alias is one of those that Kargo gives itself (step-1, task-1); admission refuses it.",
        "choose another alias",
    ),
    Rule(
        "duplicate-alias",
        _ERROR,
        _S,
        "Two steps have the same alias; admission refuses that.",
        "choose another alias for one of them",
    ),
    Rule("refused", _ERROR, _S, "Admission refuses what comes of these manifests.", "correct it"),
    Rule(
        "given-twice",
        _WARNING,
        _S,
        "There are two Stages, or two tasks, of one name: which of them counts depends on which is applied last.",
        "give only one of them, or another name; overlays are best judged one by one",
    ),
    Rule(
        "task-not-given",
        _NOTE,
        _S,
        "A step stands for a task that is not among these files, so that the Stage is not explored.",
        "give the file that defines the task, too",
    ),
    Rule(
        "ignored-field",
        _WARNING,
        _S,
        "A field is not one of Kargo's; the API server drops it.",
        "correct its name, or take it away",
    ),
    # Pipelines
    Rule(
        "unavailable-freight",
        _ERROR,
        _S,
        "No Freight of a Warehouse can ever become available to a Stage.",
        "take the Freight from the Warehouse itself (direct), or from a Stage that can have it",
    ),
    Rule(
        "unknown-stage",
        _WARNING,
        _S,
        "A Stage takes Freight from one that is not among these files.",
        "correct the name, or give the file that defines the Stage, too",
    ),
    Rule(
        "soaked-elsewhere",
        _WARNING,
        _S,
        "With the strategy All and a soak time, Freight that soaked in one more Stage is not promoted by itself.",
        "list that Stage, too, or leave out the soak time, or let people promote",
    ),
    Rule(
        "pipeline-cycle",
        _WARNING,
        _S,
        "Stages take Freight from each other in a circle.",
        "let Freight flow one way",
    ),
    Rule(
        "auto-promotion-loop",
        _WARNING,
        _E,
        "A Stage that promotes by itself pushes to what its Warehouse watches: each Promotion can make new "
        "Freight, which is promoted by itself, and so on.",
        "let the Warehouse leave out what the Stage writes (excludePaths, or another branch), or switch "
        "auto-promotion off",
    ),
    Rule(
        "shared-branch",
        _WARNING,
        _E,
        "Two Stages push to the same branch: their pushes can collide, and each moves the branch under the other.",
        "give each Stage a branch of its own, such as stage/${{ ctx.stage }}",
    ),
    Rule(
        "name-breaks-order",
        _ERROR,
        _E,
        "A Promotion has a name that does not sort as generated ones do; later successes may never be recorded.",
        "let Kargo make the name (`kargo promote`), or use 1.11 or newer, where admission does so",
    ),
    # Comments
    Rule(
        "unused-ignore",
        _WARNING,
        _S,
        "A comment says to ignore what is not there.",
        "take the comment away",
    ),
    Rule(
        "bad-ignore",
        _WARNING,
        _S,
        "A comment that says to ignore something names no rule that there is, or gives no reason.",
        "write `# kargo-model: ignore[RULE] REASON`",
    ),
)
"""Every rule."""

BY_ID = {rule.id: rule for rule in RULES}
"""The rules by what they are called."""
