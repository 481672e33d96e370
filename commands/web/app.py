"""The explorer as an application: an address for every walk, and a search for ways. No walk is kept by it."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from markupsafe import Markup
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from commands.web import addresses
from commands.web.addresses import LONGEST, Address, AddressError
from commands.web.catalogue import Catalogue, NothingLikeItError
from commands.web.goals import Seen, goals
from commands.web.guard import Guard
from commands.web.views import view
from diagrams.lifecycles import Known
from diagrams.pages import page
from invariants.limits import Stop
from invariants.verdicts import Bounds, Progress
from model.system import ModelError
from simulations import exploring
from simulations.exploring import Walk

HERE = Path(__file__).parent
TEMPLATES, STATIC = HERE / "templates", HERE / "static"

MOST_BYTES = 64 << 10
"""So many bytes of a form are read."""

MEMORY = 1 << 30
REMEMBERED = 512
"""So many walks are remembered, so that going on need not begin at the start."""


class _RefusedError(Exception):
    """The answer to a request is a sentence, with a status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Explorer:
    """What the routes share: what can be explored, the bound of a search in seconds, and whether all is to end."""

    def __init__(self, catalogue: Catalogue, seconds: float) -> None:
        self.catalogue = catalogue
        self.seconds = seconds
        self.token = secrets.token_urlsafe(32)
        self.ending = threading.Event()
        self._searching = threading.Lock()
        self._lock = threading.Lock()
        self._walks: dict[Address, Walk] = {}
        self._drawn: dict[str, Markup] = {}
        self._glimpsed: dict[tuple[str, str], Seen] = {}

    def walk(self, address: Address) -> Walk:
        """The walk that an address stands for. Raises NothingLikeItError, ModelError."""
        system = self.catalogue.subject(address.system, address.release).system
        steps = len(address.choices)
        with self._lock:
            known = (self._walks.get(address.until(steps - n)) for n in range(steps + 1))
            walk = next((found for found in known if found is not None), None)
        walk = walk or exploring.begin(system, address.start)
        for choice in address.choices[len(walk.choices) :]:
            walk = exploring.take(walk, choice)
        with self._lock:
            self._walks[address] = walk
            while len(self._walks) > REMEMBERED:
                del self._walks[next(iter(self._walks))]
        return walk

    def glimpsed(self, address: Address) -> Seen:
        """Values that the variables of a system are known to have somewhere."""
        key = (address.system, address.release)
        if key not in self._glimpsed:
            self._glimpsed[key] = exploring.glimpse(self.catalogue.subject(*key).system)
        return self._glimpsed[key]

    def drawn(self, known: Known[Any]) -> Markup:
        """The picture of a lifecycle."""
        if known.name not in self._drawn:
            self._drawn[known.name] = page.drawn(known)
        return self._drawn[known.name]

    def way(self, address: Address, key: str) -> tuple[Address | None, str]:
        """The address at the end of a shortest way to a goal, or None; and what there is to say about it.

        Raises _RefusedError if there is no such goal.
        """
        walk = self.walk(address)
        subject = self.catalogue.subject(address.system, address.release)
        known = goals(subject, walk, list(exploring.options(walk)), self.glimpsed(address))
        goal = next((g for g in known if g.key == key), None)
        if goal is None:
            raise _RefusedError(400, "There is nothing like that to look for from here.")
        with self._searching:
            bounds = Bounds(seconds=self.seconds, memory=MEMORY)
            found = exploring.way_to(walk, goal.property, bounds, self._tick)
        what = f"{goal.heading}: {goal.says}"
        if found.walk is None:
            if found.bound:
                more = "" if found.bound == exploring.THERE_IS_ONE else " There may be one all the same."
                return None, f"No way was found: {found.bound}.{more} Looked for: {what}"
            return None, f"There is no way from here; every state that can be reached was seen. Looked for: {what}"
        steps = len(found.walk.choices) - len(walk.choices)
        if not steps:
            return None, f"It is so here already. Looked for: {what}"
        if len(found.walk.choices) > LONGEST:
            return None, f"There is a way of {steps} steps, and a walk has {LONGEST} at most. Looked for: {what}"
        return address.then(*found.walk.choices[len(walk.choices) :]), what

    def _tick(self, _: Progress) -> None:
        if self.ending.is_set():
            raise Stop("the server is ending")


_FILES = {
    **dict.fromkeys(("page.css", "stepper.css", "stepper.js"), page.STATIC),
    **dict.fromkeys(("explorer.css", "explorer.js"), STATIC),
}
COLOURS = "colours.css"


class Pages:
    """The answers to requests."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.templates = page.environment(TEMPLATES)

    def home(self, _: Request) -> Response:
        """What can be explored."""
        catalogue = self.explorer.catalogue
        listed = [
            (group, [catalogue.subject(name, group.usual) for name in group.systems]) for group in catalogue.groups
        ]
        return self._rendered("home.html", listed=listed)

    def walk(self, request: Request) -> Response:
        """A walk, by its address."""
        if "system" not in request.query_params:
            return RedirectResponse("/", 303)
        return self._answered(lambda: self._shown(addresses.read(dict(request.query_params))))

    async def way(self, request: Request) -> Response:
        """The end of a shortest way, for a form of ours."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                return PlainTextResponse("That is too much.\n", 413)
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        if not hmac.compare_digest(form.get("token", "").encode(), self.explorer.token.encode()):
            return PlainTextResponse("This is no form of this server; go back and load the page again.\n", 403)
        return await run_in_threadpool(self._answered, lambda: self._way(form))

    def static(self, request: Request) -> Response:
        """A style sheet or a script."""
        name = request.path_params["name"]
        if name == COLOURS:
            return Response(page.colours(), media_type="text/css")
        if name not in _FILES:
            return PlainTextResponse("There is no such file.\n", 404)
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        return Response((_FILES[name] / name).read_text(encoding="utf-8"), media_type=kind)

    async def missing(self, _: Request, __: Exception) -> Response:
        """The answer to an address that nothing stands for."""
        return self._rendered("wrong.html", 404, text="No page has this address.")

    def _way(self, form: dict[str, str]) -> Response:
        address = addresses.read(form)
        target, said = self.explorer.way(address, form.get("goal", ""))
        return RedirectResponse(str(target), 303) if target else self._shown(address, said)

    def _shown(self, address: Address, notice: str = "") -> Response:
        seen = view(self.explorer.catalogue, address, self.explorer.walk(address), self.explorer.glimpsed(address))
        drawn = [(known, self.explorer.drawn(known)) for known in seen.group.lifecycles]
        return self._rendered("walk.html", view=seen, drawn=drawn, notice=notice)

    def _answered(self, answer: Callable[[], Response]) -> Response:
        try:
            return answer()
        except (AddressError, NothingLikeItError, ModelError) as error:
            return self._rendered("wrong.html", 404, text=str(error))
        except _RefusedError as told:
            return self._rendered("wrong.html", told.status, text=str(told))

    def _rendered(self, template: str, status: int = 200, **values: Any) -> Response:
        shared = {"token": self.explorer.token, "seconds": self.explorer.seconds}
        return HTMLResponse(self.templates.get_template(template).render(**shared, **values), status)


def application(explorer: Explorer, port: int) -> Starlette:
    """The application, as it is served at a port of 127.0.0.1."""
    pages = Pages(explorer)
    routes = [
        Route("/", pages.home),
        Route("/walk", pages.walk),
        Route("/way", pages.way, methods=["POST"]),
        # What a form had as its answer has no address of its own.
        Route("/way", lambda _: RedirectResponse("/", 303)),
        Route("/static/{name}", pages.static),
        Route("/favicon.ico", lambda _: Response(status_code=204)),
    ]
    middleware = [Middleware(Guard, port=port)]
    return Starlette(routes=routes, middleware=middleware, exception_handlers={404: pages.missing})
