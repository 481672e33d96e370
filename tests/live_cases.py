"""Clusters with something the matter, as they came about, and what is to be said of them.

Each is told to the model as events; what `kubectl get` would then print is what gets diagnosed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

F1, F2, F3 = ({"do": "freight", "freight": name, "warehouse": "w1"} for name in ("fa1", "fb2", "fc3"))
G1, G2 = ({"do": "freight", "freight": name, "warehouse": "w2"} for name in ("ga1", "gb2"))
SETTLE: Json = {"do": "settle"}
LATER: Json = {"do": "sleep", "seconds": 3600}


def stage(name: str, *upstream: str, warehouses: tuple[str, ...] = ("w1",), **more: Any) -> Json:
    """A Stage with one step that takes Freight from Warehouses, or from Stages upstream."""
    of_request: Json = {k: more.pop(k) for k in ("soak", "strategy", "policy") if k in more}
    source: Json = {"stages": list(upstream), **of_request} if upstream else {"direct": True}
    found: Json = {"name": name, "requests": [{"warehouse": w, **source} for w in warehouses]}
    return found | {"template": [{"as": "deploy"}]} | more


def promote(freight: str, to: str = "dev", name: str = "") -> Json:
    """Somebody promotes Freight."""
    return {"do": "promote", "stage": to, "freight": freight} | ({"name": name} if name else {})


def health(value: str, of_stage: str = "dev") -> Json:
    """The applications of a Stage change."""
    return {"do": "health", "stage": of_stage, "value": value}


def analysis(phase: str, of_stage: str = "dev") -> Json:
    """The AnalysisRun of a Stage changes."""
    return {"do": "analysis", "stage": of_stage, "phase": phase}


@dataclass(frozen=True)
class Case:
    """A cluster: how it came about in a release, the verdict of a Stage, gates among those closed, and the bug.

    `helps` is what the first way out does, None where none is asked for.
    """

    name: str
    stages: tuple[Json, ...]
    events: tuple[Json, ...]
    now: str
    gates: tuple[str, ...] = ()
    stage: str = "dev"
    kargo: str = "1.11.2"
    bug: str = ""
    helps: str | None = None
    script: Json | None = None

    @property
    def program(self) -> Json:
        """The program that the model runs."""
        warehouses = sorted({r["warehouse"] for s in self.stages for r in s["requests"]})
        topology = {"warehouses": warehouses, "stages": list(self.stages)}
        return {"id": self.name, "topology": topology, "script": self.script or {}, "events": list(self.events)}


DEV = stage("dev")
VERIFIED = stage("dev", verification=True)
AUTO = stage("dev", auto=True)
BOTH = stage("dev", warehouses=("w1", "w2"))
POLLS = {"dev": [[["run"]]]}
DONE = (F1, promote("fa1"), SETTLE)

CASES = (
    Case("all is well", (DEV,), DONE, "idle"),
    Case("nothing was ever promoted", (DEV,), (F1, SETTLE), "idle"),
    Case("a new Promotion", (DEV,), (F1, SETTLE, promote("fa1")), "moving"),
    Case(
        "a policy for Freight that is there already wakes nobody",
        (DEV,),
        (F1, SETTLE, {"do": "set_auto", "stage": "dev", "value": "on"}),
        "waiting",
    ),
    Case("Freight that comes after its policy does", (AUTO,), (SETTLE, LATER, F1), "moving"),
    Case(
        "a name of a person's own (K1)",
        (DEV,),
        (F1, LATER, F2, promote("fa1", name="zz"), SETTLE, promote("fb2"), SETTLE),
        "needs-someone",
        ("record",),
        kargo="1.10.10",
        bug="frozen-stage",
    ),
    Case(
        "the same where names are generated",
        (DEV,),
        (F1, LATER, F2, promote("fa1", name="zz"), SETTLE, promote("fb2"), SETTLE),
        "idle",
    ),
    Case(
        "a verification that does not end",
        (VERIFIED,),
        (*DONE, analysis("Running"), SETTLE),
        "waiting",
        ("verification",),
    ),
    Case(
        "a Promotion behind a verification (K8)",
        (VERIFIED,),
        (*DONE, F2, analysis("Running"), SETTLE, promote("fb2"), SETTLE),
        "waiting",
        ("promotion", "verification"),
    ),
    Case(
        "a Promotion after one that failed (K6): its turn comes",
        (DEV,),
        (*DONE, F2, promote("fb2"), SETTLE, F3, promote("fc3")),
        "moving",
        script={"dev": [[["ok"]], [["fail!"]], [["ok"]]]},
    ),
    Case(
        "Freight that was never verified, because its Stage is Unhealthy, and a Promotion behind it (K9)",
        (VERIFIED,),
        (F1, health("Unhealthy"), promote("fa1"), SETTLE, F2, promote("fb2")),
        "moving",
    ),
    Case(
        "a verification that failed (K10)",
        (VERIFIED,),
        (*DONE, analysis("Failed"), SETTLE),
        "needs-someone",
        ("verification",),
        helps="reverify",
    ),
    Case(
        "a verification that is inconclusive",
        (VERIFIED,),
        (*DONE, analysis("Inconclusive"), SETTLE),
        "needs-someone",
        ("verification",),
        helps="reverify",
    ),
    Case(
        "an AnalysisRun that was deleted",
        (VERIFIED,),
        (*DONE, {"do": "delete_analysis", "stage": "dev"}, SETTLE),
        "needs-someone",
        ("verification",),
        helps="reverify",
    ),
    Case(
        "applications that are not healthy (K19)",
        (DEV,),
        (F1, health("Unhealthy"), promote("fa1"), SETTLE),
        "waiting",
        ("health", "verification"),
        bug="no-end-to-waiting-for-health",
    ),
    Case(
        "applications that make progress and were never healthy (K19)",
        (DEV,),
        (F1, health("Progressing"), promote("fa1"), SETTLE),
        "waiting",
        ("health", "verification"),
        bug="no-end-to-waiting-for-health",
    ),
    Case(
        "applications that scale after all was verified (K18)",
        (DEV,),
        (*DONE, health("Progressing"), SETTLE),
        "idle",
        ("health",),
        bug="scaling-looks-unready",
    ),
    Case(
        "applications of which nothing is known, where that is an error",
        (DEV,),
        (F1, health("Unknown"), promote("fa1"), SETTLE),
        "waiting",
        ("health",),
        kargo="1.9.9",
        bug="late-verification",
    ),
    Case(
        "auto-promotion of what was aborted (rule 3)",
        (AUTO,),
        (F1, SETTLE, F2, {"do": "reconcile_stage", "stage": "dev"}, {"do": "abort", "promo": "dev#2"}, SETTLE),
        "needs-someone",
        ("auto-promotion",),
    ),
    Case(
        "auto-promotion of what failed",
        (AUTO,),
        (F1, SETTLE),
        "needs-someone",
        ("auto-promotion",),
        script={"dev": [[["fail!"]]]},
    ),
    Case(
        "auto-promotion that is held",
        (AUTO,),
        (F1, SETTLE, F2, SETTLE, promote("fa1"), SETTLE, F3, SETTLE),
        "idle",
    ),
    Case("no policy", (DEV,), (*DONE, F2, SETTLE), "idle", ("auto-promotion",)),
    Case("a policy that says no", (stage("dev", auto=False),), (*DONE, F2, SETTLE), "idle", ("auto-promotion",)),
    Case(
        "an origin that was lost (K5)",
        (BOTH,),
        (
            *(F1, G1, promote("fa1"), SETTLE, promote("ga1"), SETTLE, F2, promote("fb2"), promote("fa1")),
            *({"do": "abort", "promo": "dev#4"}, SETTLE, G2, promote("gb2"), SETTLE),
        ),
        "needs-someone",
        ("freight",),
        kargo="1.10.10",
        bug="lost-origin",
    ),
    Case(
        "an abort that hides a success (F1)",
        (DEV,),
        (
            *(F1, F2, F3, promote("fa1"), {"do": "run", "seconds": 5}, promote("fb2"), promote("fc3")),
            *({"do": "abort", "promo": "dev#3"}, {"do": "run", "seconds": 900}),
        ),
        "needs-someone",
        ("record",),
        bug="aborting-a-later-promotion-hides-an-earlier-success",
        script={"dev": [[["run", "ok"]], [["ok"]], [["ok"]]]},
    ),
    Case(
        "an abort after which Freight is not verified (F3)",
        (DEV,),
        (*DONE, F2, promote("fb2"), promote("fa1"), {"do": "abort", "promo": "dev#3"}, SETTLE),
        "needs-someone",
        ("health",),
        bug="aborting-a-waiting-promotion-ends-verification",
        helps="promote_current",
    ),
    Case(
        "auto-promotion without end (F7)",
        (AUTO,),
        (F1, SETTLE, {"do": "set_last", "stage": "dev", "name": "dev.zzz"}, F2),
        "moving",
        ("endless",),
        bug="promoted-for-ever-after-an-odd-name",
        helps="clear_last",
    ),
    Case(
        "soak time that is not over",
        (DEV, stage("prod", "dev", soak=600, auto=True)),
        (*DONE, {"do": "run", "seconds": 60}),
        "waiting",
        ("auto-promotion",),
        stage="prod",
    ),
    Case(
        "a control flow Stage after its soak time",
        (DEV, stage("gate", "dev", soak=60, template=[])),
        (*DONE, {"do": "sleep", "seconds": 600}),
        "needs-someone",
        ("soak",),
        stage="gate",
        helps="refresh_stage",
    ),
    Case(
        "Freight that is verified in one of two Stages",
        (DEV, stage("uat"), stage("prod", "dev", "uat", strategy="All", auto=True)),
        (*DONE, SETTLE),
        "needs-someone",
        ("auto-promotion",),
        stage="prod",
        helps="promote",
    ),
    Case(
        "a control flow Stage that wants Freight from two Stages, of which one is never to have it",
        (DEV, stage("uat"), stage("gate", "dev", "uat", strategy="All", template=[])),
        (*DONE, SETTLE),
        "needs-someone",
        stage="gate",
        helps="promote",
    ),
    Case(
        "a step that polls for ever", (DEV,), (F1, promote("fa1"), SETTLE), "waiting", ("promotion",), script=POLLS
    ),
    Case(
        "a step with a timeout",
        (stage("dev", template=[{"as": "deploy", "retry": {"timeout": 600}}]),),
        (F1, promote("fa1"), SETTLE),
        "waiting",
        ("promotion",),
        script=POLLS,
    ),
    Case(
        "a queue behind a step that polls",
        (DEV,),
        (F1, F2, promote("fa1"), SETTLE, promote("fb2"), SETTLE),
        "waiting",
        ("promotion",),
        script=POLLS,
    ),
    Case(
        "Freight that was deleted while the Stage has it, and there is no other",
        (DEV, stage("other", warehouses=("w2",))),
        (G1, *DONE, {"do": "delete_freight", "freight": "fa1"}, SETTLE),
        "stuck",
        ("freight",),
    ),
    Case(
        "Freight that failed, was deleted and came along (F6)",
        (BOTH,),
        (
            *(F1, G1, promote("fa1"), SETTLE, promote("ga1"), SETTLE, G2, promote("gb2"), SETTLE),
            *({"do": "delete_freight", "freight": "gb2"}, F2, promote("fb2"), SETTLE),
        ),
        "stuck",
        ("freight",),
        bug="deleted-freight-comes-along",
        script={"dev": [[["ok"]], [["ok"]], [["fail!"]], [["ok"]]]},
    ),
    Case(
        "an origin that was lost with deleted Freight (F4)",
        (BOTH,),
        (
            *(F1, G1, promote("fa1"), SETTLE, promote("ga1"), SETTLE, F2, F3, promote("fa1"), promote("fb2")),
            *({"do": "delete_freight", "freight": "fb2"}, SETTLE, promote("fc3"), SETTLE),
        ),
        "needs-someone",
        ("freight",),
        bug="deleted-freight-takes-other-origins-along",
    ),
    Case(
        "Freight that was deleted while the Stage has it, and there is newer",
        (DEV,),
        (*DONE, F2, {"do": "delete_freight", "freight": "fa1"}, SETTLE),
        "needs-someone",
        ("freight",),
        helps="promote_newest",
    ),
    Case(
        "a current Promotion that was deleted",
        (DEV, stage("other")),
        (F1, promote("fa1", "other"), promote("fa1"), SETTLE, {"do": "delete_promotion", "promo": "dev#1"}),
        "moving",
        ("promotion",),
        script=POLLS,
    ),
    Case(
        "a Stage that was deleted with Promotions waiting",
        (DEV,),
        (F1, promote("fa1"), {"do": "delete_stage", "stage": "dev"}, SETTLE),
        "needs-someone",
        ("stage",),
    ),
    Case(
        "two things wrong at once: verification failed, and newer Freight was aborted",
        (stage("dev", verification=True, auto=True),),
        (
            *(F1, SETTLE, analysis("Failed"), SETTLE, F2, {"do": "reconcile_stage", "stage": "dev"}),
            *({"do": "abort", "promo": "dev#2"}, SETTLE),
        ),
        "needs-someone",
        ("health", "auto-promotion"),
    ),
)
