"""What is the matter with the Stages of a cluster, and what is the least that helps, by its live objects alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice, permutations, product

from model.kargo.live.objects import Live, LiveProject
from model.kargo.live.values import instant_text
from model.kargo.phases import HealthState, PromotionPhase
from model.kargo.releases import RELEASES, Behaviours
from model.system import Tables
from simulations.kargo.live.actions import Action, newest_available
from simulations.kargo.live.branches import LITTLE_MS, WORLDS, Branch, Goals, goals_of, run
from simulations.kargo.live.candidates import candidates, editing, upstream
from simulations.kargo.live.commands_text import commands, upgrade
from simulations.kargo.live.components import components
from simulations.kargo.live.course import ALONE, KIND, LASTS_MS, World, deadlines
from simulations.kargo.live.findings import Diagnosis, Finding, Way, Wish
from simulations.kargo.live.gates import Gate, closed_gates, endless, oddities
from simulations.kargo.live.inferring import Inferred, infer
from simulations.kargo.live.proving import states_without
from simulations.kargo.live.restoring import Restored
from simulations.kargo.live.sharing_out import Progress, look_at_each, silent
from simulations.kargo.live.values_text import ago
from simulations.kargo.live.verdicts import Now, Tried, Verdict, is_given_up, judge

MOST_WAYS = 3
"""How many ways out are told."""

DEVELOPMENT = "main"
"""What nobody upgrades to, though it is modelled."""

SKEW_MS = 2000
"""How far clocks may differ before that is told: instants are whole seconds."""

FEW_PASSES, FEWER_PASSES = 300, 150
"""After how many passes one gives up: what goes on and on after an action is no way out. Sooner, where it does so
anyway."""

RECORD_ANEW = ("delete_promotion", "clear_last", "promote_newest")
"""What lets a Stage put Promotions on record again that comes after a name that sorts last."""

MOST_OF_PAIRS = 6
"""How many actions are paired with one another."""

FEW_PARTS = 20
"""How many parts that have nothing to do with each other leave time for proofs."""

ENOUGH = 2
"""How many ways out that meet all goals are enough to look no further."""

KINDS = ("Stage", "Promotion", "Freight", "Warehouse", "ProjectConfig", "AnalysisRun", "Application")
"""The kinds that matter; where one was not given, the answer is narrower."""

WITHOUT = {
    "Promotion": "no Promotions were given: the current ones are taken to be under way; nothing is known of others",
    "Freight": "no Freight was given: what Stages have is taken to exist; there may be other that helps",
    "Warehouse": "no Warehouses were given: those that Stages ask for are taken to exist",
    "ProjectConfig": "no ProjectConfig was given: whether a Stage promotes by itself is taken from its status",
    "AnalysisRun": "no AnalysisRuns were given: those under way are taken to be as their Stages last saw them",
    "Application": "no Applications were given: how they are is taken from the health of their Stages",
}
"""What follows from the absence of a kind."""


@dataclass(frozen=True)
class Asked:
    """What is asked about each part of a project; `prove` says whether there is time for proofs.

    `edits` says whether what is in no recording is tried, too: edits of Stages and policies, promoting upstream.
    """

    behaviours: Behaviours
    now: int
    newest: int | None
    stages: frozenset[str]
    what_if: Action | None
    prove: bool
    edits: bool


def _wanted(asked: Asked, project: LiveProject) -> list[str]:
    """The Stages of a part that are asked about; of one that could not be read nothing is known."""
    waiting = [p.stage for p in project.promotions if not p.phase.terminal]
    names = [s.name for s in project.stages] + [n for n in waiting if ("Stage", n) not in project.left_out]
    return [n for n in dict.fromkeys(names) if not asked.stages or asked.stages & {n, f"{project.name}/{n}"}]


def _answer(asked: Asked, project: LiveProject, tables: Tables) -> tuple[list[Finding], tuple[str, ...]]:
    """The findings about a part, and what could not be seen."""
    inferred = infer(project, asked.behaviours, asked.now, newest=asked.newest, tables=tables)
    return list(Part(inferred.project, inferred, asked).findings(_wanted(asked, project))), inferred.unseen


def diagnose(
    live: Live,
    behaviours: Behaviours,
    now: int,
    *,
    stages: Collection[str] = (),
    what_if: Action | None = None,
    progress: Progress = silent,
    edits: bool = True,
) -> Diagnosis:
    """The findings about every Stage, or about those in `stages` (NAME or PROJECT/NAME), at the instant `now`.

    If objects speak of later ones, it is the latest of these. With `what_if`, it is told what comes of that action.
    """
    found = Diagnosis(behaviours.release, now)
    if live.newest is not None and live.newest > now + SKEW_MS:
        late = f"objects speak of times up to {ago(live.newest - now)} after {instant_text(now)}"
        found.unseen.append(
            f"what time it is: {late}: its clock and that of the cluster differ; the latest is taken"
        )
        found.now = now = live.newest
    asked = Asked(behaviours, now, live.newest, frozenset(stages), what_if, prove=True, edits=edits)
    parts = [part for project in live.projects for part in components(project) if _wanted(asked, part)]
    asked = replace(asked, prove=len(parts) <= FEW_PARTS and not live.problems)
    for findings, unseen in look_at_each(partial(_answer, asked), parts, progress):
        found.findings += findings
        found.unseen += unseen
    found.findings.sort(key=lambda one: (one.project, one.stage))
    if live.problems:
        found.unseen.append("what is in the objects that could not be read: what they say may change the answer")
    # A kind that is missing and is of no account: Applications, where no Stage's health is in question.
    found.unseen += [
        WITHOUT[kind] for kind in KINDS if kind not in live.kinds and kind in WITHOUT and _matters(kind, live)
    ]
    return found


def _endless(restored: Restored, alone: Branch, stage: str) -> list[Gate]:
    """That what happens does not end."""
    if not alone.capped or alone.first(stage) is None:
        return []
    count = sum(change.stage == stage for change in alone.changes)
    why = f"what happens does not come to an end: {count} changes in {ago(alone.changes[-1].at)}, and so on"
    return [endless(restored, stage, why)]


def _is_worse(action: Action, branch: Branch, stage: str, verdict: Verdict) -> bool:
    """Whether more is missing after an action than if only the world is kind; turning a policy on asks for more."""
    asked = {"auto"} if action.do == "auto_on" else set()
    return set(branch.unmet.get(stage, ())) - asked > set(verdict.later)


def _matters(kind: str, live: Live) -> bool:
    """Whether it makes a difference that no objects of a kind were given."""
    stages = [stage for project in live.projects for stage in project.stages]
    if kind == "AnalysisRun":
        newest = [e.verifications[0] for s in stages for e in s.history[:1] if e.verifications]
        return any(not v.phase.terminal and v.run is not None for v in newest)
    if kind == "Application":
        return any(s.health not in (HealthState.HEALTHY, HealthState.NOT_ASSESSED) for s in stages)
    return True


@dataclass
class Part:
    """A part of a project, from which time is let run on."""

    project: LiveProject
    inferred: Inferred
    asked: Asked
    kind_unmet: Goals = field(init=False, default_factory=dict)
    most_passes: int = field(init=False, default=FEW_PASSES)

    @property
    def restored(self) -> Restored:
        """The cluster at the moment."""
        return self.inferred.restored

    @property
    def _may_be_more(self) -> bool:
        """Whether there may be Freight, or Promotions, of which nothing is known: then nothing is proven."""
        return not {"Freight", "Promotion"} <= self.project.kinds

    def findings(self, stages: list[str]) -> Iterator[Finding]:
        """What there is to say of these Stages."""
        goals = goals_of(self.restored, stages)
        if not goals and self._is_at_rest():
            for stage in stages:
                yield Finding(
                    self.project.name, stage, Verdict(Now.IDLE), tuple(closed_gates(self.restored, stage))
                )
            return
        self.restored.cluster.remember_passes()
        branches = self._branches(stages, goals)
        self.kind_unmet = branches["cooperative"].unmet
        left = {*goals, *self.kind_unmet}
        tried = self._try(stages, [s for s in stages if s in left], branches)
        for stage in stages:
            verdict = judge(stage, self.restored, goals, branches, tried)
            shown = branches["alone"] if branches["alone"].first(stage) else branches["cooperative"]
            expected = tuple(change for change in shown.changes if change.stage == stage)
            needs = bool(verdict.later) or verdict.now in (Now.NEEDS_SOMEONE, Now.STUCK)
            told = closed_gates if needs or verdict.now is not Now.MOVING else oddities
            gates = told(self.restored, stage)
            gates = [*_endless(self.restored, branches["alone"], stage), *gates]
            ways = tuple(self._ways(stage, stages, verdict, tried)) if needs else ()
            verdict.together = bool(ways) and self.asked.edits
            if verdict.together and verdict.now is Now.STUCK:
                verdict.now = Now.NEEDS_SOMEONE
            wish = self._wished(stage, stages, verdict, goals)
            worse = tuple(a for a, b in tried if needs and _is_worse(a, b, stage, verdict))
            stuck = verdict.now is Now.STUCK and not ways and self.asked.prove and not self._may_be_more
            proof = states_without(self.restored, stage) if stuck else None
            yield Finding(self.project.name, stage, verdict, tuple(gates), ways, expected, worse, proof, wish)

    def _run(
        self,
        stages: list[str],
        world: World = ALONE,
        action: Action | None = None,
        *,
        then: Sequence[Action] = (),
        restart: bool = False,
    ) -> Branch:
        """Let time run on until everything is over that is known to end, and then for the usual time."""
        known = max(deadlines(self.restored.cluster), default=0) - self.restored.began
        return run(
            self.restored,
            stages,
            world,
            action=action,
            then=then,
            restart=restart,
            most_passes=self.most_passes,
            lasts_ms=LASTS_MS + max(0, known),
        )

    def _try(self, stages: list[str], left: list[str], branches: Mapping[str, Branch]) -> Tried:
        """Try actions, those that do the least harm first, until for every Stage that needs some enough help."""
        found: list[tuple[Action, Branch]] = []
        missing = {s: ENOUGH for s in left if s in self.kind_unmet or not self._moves(s, branches)}
        actions = candidates(self.restored, left) if missing else []
        if self.asked.edits:
            actions += [action for stage in missing for action in upstream(self.restored, stage)]
        actions += [Action("clear_last", s) for s in missing if "recorded" in self.kind_unmet.get(s, ())]
        idle = branches["restart"] is not branches["alone"] and not branches["restart"].changes
        if idle and not self._may_be_kind():  # then a restart changes nothing in a kind world, either
            actions = [action for action in actions if action.do != "restart"]
        self._try_some(actions, stages, missing, found)
        if self.asked.edits:  # only where nothing else does
            hard = [stage for stage, count in missing.items() if count == ENOUGH]
            more = [a for s in hard for a in editing(self.restored, s, endless=branches["alone"].capped)]
            self._try_some(more, stages, {s: missing[s] for s in hard}, found)
        return found

    def _try_some(
        self,
        actions: list[Action],
        stages: list[str],
        missing: dict[str, int],
        found: list[tuple[Action, Branch]],
    ) -> None:
        """Try these actions until enough is found for each Stage; `missing` says how many more are wanted."""
        for action in sorted(actions, key=lambda one: one.harm) if missing else ():
            branch = self._run(stages, KIND, action)
            if branch.capped:
                continue
            found.append((action, branch))
            for stage in list(missing):
                missing[stage] -= not branch.unmet.get(stage)
                if not missing[stage]:
                    del missing[stage]
            if not missing:
                break

    def _moves(self, stage: str, branches: Mapping[str, Branch]) -> bool:
        """Whether anything changes by itself, or with kindness."""
        return any(branches[name].first(stage) is not None for name in ("alone", "cooperative"))

    def _wished(self, stage: str, stages: list[str], verdict: Verdict, goals: Goals) -> Wish | None:
        """What comes of the action that was asked about, if it was about this Stage."""
        action = self.asked.what_if
        if action is None or action.stage not in ("", stage):
            return None
        branch = self._run(stages, KIND, action)
        given_up = not branch.unmet.get(stage) and is_given_up(self.restored.cluster, branch, stage)
        way = self._way((action,), stage, verdict, branch, given_up)
        asked = {"auto"} if action.do == "auto_on" else set()
        without = {*self.kind_unmet.get(stage, ()), *goals.get(stage, ()), *asked}
        worse = tuple(goal for goal in way.leaves if goal not in without)
        harmed = tuple(s for s in stages if s != stage and self._is_harmed(branch, s))
        return Wish(way, branch.refused, worse, harmed, branch.capped)

    def _branches(self, stages: list[str], goals: Goals) -> dict[str, Branch]:
        """How it goes on in every world, as far as they can differ."""
        alone = self._run(stages)
        if alone.capped:  # what does not end takes long to watch
            self.most_passes = FEWER_PASSES
        found = {"alone": alone}
        quiet = not alone.changes and not goals and not self._may_be_kind()
        found["cooperative"] = kind = alone if quiet else self._run(stages, KIND)
        # A restart is asked about only where nothing else changes anything.
        still = [s for s in stages if s in goals and not alone.first(s) and not kind.first(s)]
        found["restart"] = self._run(stages, restart=True) if still else alone
        if not quiet:
            waiting = [s for s in stages if found["cooperative"].first(s) and self._is_later(alone, s)]
            for name in ("app_only", "analysis_only", "steps_only") if waiting else ():
                found[name] = self._run(stages, WORLDS[name])
        return found

    def _is_at_rest(self) -> bool:
        """Whether no pass changes anything, now or later, and nothing around the cluster could be kinder."""
        cluster, asked = self.restored.cluster, self.asked.what_if is not None
        if asked or self.restored.hidden.queue or self._may_be_kind():
            return False
        return all(end <= cluster.now for end in deadlines(cluster))

    def _is_later(self, alone: Branch, stage: str) -> bool:
        first = alone.first(stage)
        return first is None or first.at > 0

    def _may_be_kind(self) -> bool:
        """Whether anything around the cluster could be kinder than it is."""
        hidden = self.restored.hidden
        if any(app is not HealthState.HEALTHY for app in hidden.apps.values()):
            return True
        if any(
            p.phase in (PromotionPhase.RUNNING, PromotionPhase.PENDING, PromotionPhase.NEW)
            for p in self.project.promotions
        ):
            return True
        return any(not run.phase.terminal for run in self.project.runs)

    def _ways(self, stage: str, stages: list[str], verdict: Verdict, tried: Tried) -> Iterator[Way]:
        """The ways out with the least harm: those that meet all goals and keep what was promoted come first.

        Then those that meet all goals and give it up, then those that meet some; at last an upgrade.
        """
        branches = dict(tried)

        def singly(actions: list[Action], gives_up: bool) -> Iterator[Way]:
            for action in actions:
                if not self._harms_others(branches[action], stage, stages):
                    yield self._way((action,), stage, verdict, branches[action], gives_up)

        together = islice(self._several(stage, stages, verdict, tried), 1 if verdict.later else 0)
        keeping = list(islice(singly(verdict.helps, False), MOST_WAYS)) if verdict.helps else list(together)
        others = chain(singly(verdict.gives_up, True), singly(verdict.helps_partly, False))
        yield from islice(chain(keeping, others), MOST_WAYS)
        if not keeping and verdict.later:
            yield from islice(self._upgrades(stage, stages, verdict), 1)

    def _several(self, stage: str, stages: list[str], verdict: Verdict, tried: Tried) -> Iterator[Way]:
        """Several actions, one a little after the other, where none alone is enough."""
        here = [a for a, _ in tried if a.stage == stage and not a.at and a not in verdict.gives_up]
        gentle = [a for a in here if a.do != "auto_on"][:MOST_OF_PAIRS]
        anew = product(*([a for a in here if a.do == do] for do in RECORD_ANEW))
        for actions in dict.fromkeys([*anew, *permutations(gentle, 2)]):
            first, *then = actions
            branch = self._run(stages, KIND, first, then=then)
            if not branch.capped and not branch.unmet.get(stage) and not self._harms_others(branch, stage, stages):
                yield self._way(actions, stage, verdict, branch, False)

    def _harms_others(self, branch: Branch, stage: str, stages: list[str]) -> bool:
        """Whether another Stage is worse off for it than if only the world is kind."""
        return any(self._is_harmed(branch, other) for other in stages if other != stage)

    def _is_harmed(self, branch: Branch, stage: str) -> bool:
        return bool(set(branch.unmet.get(stage, ())) - set(self.kind_unmet.get(stage, ())))

    def _way(
        self, actions: tuple[Action, ...], stage: str, verdict: Verdict, branch: Branch, gives_up: bool
    ) -> Way:
        # Where nothing is to be promoted by itself any more, nobody asks for that; it is missing all the same.
        waived = {"auto"} & set(verdict.later) if any(a.do == "auto_off" for a in actions) else set()
        leaves = tuple(sorted({*branch.unmet.get(stage, ()), *waived}))
        wanted = verdict.later or verdict.unmet
        meets = tuple(goal for goal in wanted if goal not in leaves)
        changes = tuple(c for c in branch.changes if c.stage == stage)
        return Way(actions, meets, leaves, gives_up, changes, commands=tuple(self._commands(actions)))

    def _commands(self, actions: tuple[Action, ...]) -> Iterator[str]:
        """What to type for one action after the other."""
        for number, action in enumerate(actions):
            if number:
                yield f"sleep {LITTLE_MS // 1000}"
            yield from commands(action, self.project, tuple(self._each(action)))

    def _each(self, action: Action) -> list[str]:
        """What an action is about that is about several things."""
        if action.do == "promote_each":
            return newest_available(self.restored.cluster, action.stage)
        cluster = self.restored.cluster
        theirs = [(n, s) for n, s in self.restored.slots.items() if cluster.stage_of(s) == action.stage]
        return [name for name, slot in theirs if not cluster.is_over(slot)]

    def _upgrades(self, stage: str, stages: list[str], verdict: Verdict) -> Iterator[Way]:
        """The oldest newer release in which the controllers, just started, meet the goals."""
        names = [name for name in RELEASES if name != DEVELOPMENT]
        here = self.asked.behaviours.release
        for name in names[names.index(here) + 1 :] if here in names else ():
            newer = infer(self.project, RELEASES[name], self.restored.began, tables=Tables()).restored
            branch = run(newer, stages, KIND, restart=True, most_passes=FEW_PASSES)
            if not branch.capped and not branch.unmet.get(stage):
                found = self._way((), stage, verdict, branch, False)
                yield replace(found, upgrade=name, commands=(upgrade(name),))
                return
