"""Behaviours that show neither in a template nor in a small loop alone: Applications, shared branches, names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from invariants.check import check
from invariants.kargo import fresh_health, shared_branch
from invariants.properties import ABOUT_RUNS
from invariants.subjects import Subject
from invariants.trace import Trace
from invariants.verdicts import Bounds, Verdict
from model.kargo.bundle import Bundle
from model.kargo.releases import Behaviours
from model.kargo.runner_results import config_of
from model.kargo.shared_branch import branching
from simulations.kargo.lint import pipelines
from simulations.kargo.lint.loops_explored import ABOVE, recorded
from simulations.kargo.lint.pushes import Push
from simulations.kargo.lint.units import Unit

LIMITS = Bounds(seconds=10.0)

ARGOCD = frozenset({"argocd-update", "argocd-wait"})
SELECTING = frozenset({"argocd_selectors", "selected_applications_wake"})
BELIEVING = frozenset({"health_trust", "reported_status_sanitized", "applications_watched_closely"})
DESIRING = frozenset({"revisions_before_health"})

Pushes = Mapping[tuple[str, str], tuple[Push, ...]]


def may_matter(field: str, units: tuple[Unit, ...]) -> bool:
    """Whether a behaviour about Applications may matter of which manifests do not tell: some step looks at any."""
    told = field in SELECTING | DESIRING
    return not told and any(s.kind in ARGOCD for u in units for s in u.template.steps)


def of_applications(field: str, units: tuple[Unit, ...]) -> Iterator[str]:
    """What reaches a behaviour about Argo CD Applications, as far as manifests of Kargo tell."""
    for unit in units:
        steps = [s for s in unit.template.steps if s.kind in ARGOCD]
        mentioned = {word for s in steps for word in _keys(config_of(s))}
        reached = (
            (field in BELIEVING and bool(steps))
            or (field in SELECTING and "selector" in mentioned)
            or (field in DESIRING and "desiredRevision" in mentioned)
        )
        if reached:
            yield unit.subject


def _keys(config: object) -> Iterator[str]:
    """The keys of a config, at any depth."""
    if isinstance(config, Mapping):
        yield from map(str, config)
        config = list(config.values())
    if isinstance(config, list):
        for one in config:
            yield from _keys(one)


def of_pushes(field: str, pushes: Pushes) -> Iterator[str]:
    """What reaches a behaviour about pushes to one branch."""
    for (_, name), push, (_, other), first in pipelines.shared(pushes):
        if field == "gitlab_rejections_known" and "gitlab" not in push.url:
            continue
        if not (push.forced or first.forced):
            yield f"Stage {other}"
            yield f"Stage {name}"


def loops_may_differ(field: str, bundle: Bundle) -> bool:
    """Whether a behaviour of the control loop may matter to some Stage, although no small loop shows it."""
    wanted: dict[str, set[str]] = {}
    for warehouse in bundle.warehouses:
        wanted.setdefault(warehouse.namespace, set()).add(warehouse.name)
    for stage in bundle.manifests.stages:
        known = bundle.around.get((stage.namespace, stage.name))
        requests = known.requests if known and stage.steps else ()
        auto = bundle.auto_promotes(stage)
        may = {
            "approval_needs_request": bool(wanted.get(stage.namespace, set()) - {r.warehouse for r in requests}),
            "newest_by_discovery": auto and any(not r.matches_upstream for r in requests),
            "several_upstream_is_an_error": auto and any(r.matches_upstream for r in requests),
            "policy_read_first": auto,
        }
        if requests and may.get(field):
            return True
    return False


def of_names(bundle: Bundle) -> Iterator[str]:
    """Promotions that are made by hand: their names, or their steps, are not those that admission gives them."""
    for promotion in bundle.manifests.promotions:
        if not promotion.stored:
            yield f"Promotion {promotion.name}"


# Runs


def run_for(field: str, one: Behaviours, other: Behaviours) -> tuple[Trace | None, str]:
    """The shortest run that a behaviour makes possible in one release alone, and in which; of something small."""
    changed = replace(one, **{field: getattr(other, field)})
    if field == "names_overwritten":
        found = recorded(ABOVE, one)
        return (found, one.release) if found else (recorded(ABOVE, changed), other.release)
    if field in ("push_locks_branch", "push_integrates"):
        return _possible_in_one(_pushing, one, changed, (one.release, other.release))
    if field in BELIEVING:
        return _possible_in_one(fresh_health.subject, one, changed, (one.release, other.release))
    return None, ""


def _pushing(behaviours: Behaviours) -> Subject:
    return shared_branch.explored("pushes", "two Stages that push to one branch", branching(behaviours, 2))


def _possible_in_one(
    make: Callable[[Behaviours], Subject], one: Behaviours, other: Behaviours, names: tuple[str, str]
) -> tuple[Trace | None, str]:
    """The way to violate a claim in the one of two releases that can, if the other cannot."""
    found = [_violations(make(b)) for b in (one, other)]
    for mine, theirs, name in ((found[0], found[1], names[0]), (found[1], found[0], names[1])):
        for claim, trace in mine.items():
            if claim not in theirs:
                return trace, name
    return None, ""


def _violations(subject: Subject) -> dict[str, Trace]:
    asked = [p for p in subject.properties if p.kind not in ABOUT_RUNS]
    report = check(subject.system, asked, engine="explicit", transitions=False, bounds=LIMITS)
    return {
        j.property.name: j.trace for j in report.judgements if j.verdict is Verdict.VIOLATED and j.trace is not None
    }
