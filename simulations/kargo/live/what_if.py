"""Actions as a person writes them on the command line: `abort PROMOTION`, `promote FREIGHT STAGE`."""

from __future__ import annotations

from model.inputs import printable
from model.kargo.live.objects import Live
from simulations.kargo.live.actions import Action

OF_PROMOTIONS = {"abort": "abort", "delete": "delete_promotion", "refresh-promotion": "refresh_promotion"}
OF_STAGES = {
    "refresh": "refresh_stage",
    "reverify": "reverify",
    "abort-verification": "abort_verification",
    "abort-all": "abort_all",
    "auto-on": "auto_on",
    "auto-off": "auto_off",
    "promote-each": "promote_each",
    "clear-last": "clear_last",
    "no-soak": "no_soak",
    "one-of": "one_of",
    "direct": "direct",
    "no-verification": "no_verification",
}
OF_FREIGHT = {"promote": "promote", "approve": "approve"}
WORDS = ("restart", *OF_PROMOTIONS, *OF_STAGES, *OF_FREIGHT)


class WhatIfError(ValueError):
    """There is no such action, or it is about something that was not given."""


def wished(text: str, live: Live) -> Action:
    """The action that a person means.

    Raises WhatIfError.
    """
    word, *names = text.split()[:4] or [""]
    stages = {stage.name for project in live.projects for stage in project.stages}
    promotions = {p.name: p.stage for project in live.projects for p in project.promotions}
    freight = {
        key: f.name for project in live.projects for f in project.freight for key in (f.alias, f.name) if key
    }
    if word == "restart" and not names:
        return Action("restart")
    if word in OF_PROMOTIONS and len(names) == 1:
        return Action(OF_PROMOTIONS[word], promotions[_known(names[0], promotions, "Promotion")], names[0])
    if word in OF_STAGES and len(names) == 1:
        return Action(OF_STAGES[word], _known(names[0], stages, "Stage"))
    if word in OF_FREIGHT and len(names) == 2:
        stage = _known(names[1], stages, "Stage")
        return Action(OF_FREIGHT[word], stage, freight=freight[_known(names[0], freight, "Freight")])
    raise WhatIfError(
        f'--what-if: "{printable(text)}" is no action; there are: restart; PROMOTION after one of '
        f"{', '.join(OF_PROMOTIONS)}; STAGE after one of {', '.join(OF_STAGES)}; FREIGHT STAGE after one of "
        f"{', '.join(OF_FREIGHT)}"
    )


def _known(name: str, known: object, kind: str) -> str:
    assert isinstance(known, (dict, set))
    if name not in known:
        given = ", ".join(sorted(map(printable, known))[:5])
        raise WhatIfError(f'--what-if: there is no {kind} "{printable(name)}"; given are: {given or "none"}')
    return name
