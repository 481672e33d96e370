"""Who may call: this machine's own browser, at the name that it was told, and no page of anybody else.

A server on this machine can be reached by every page that is open in its browser. A page of somebody else can make
a name of its own point here, which its `Host` gives away; or send a form here, which its `Origin` and its
`Sec-Fetch-Site` give away. All of these are refused.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost")
HTTP = 80
"""The port that browsers leave out."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Refuses what does not come from this machine's own browser, and says to browsers what our pages may do."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        usual = HOSTS if port == HTTP else ()
        self.hosts = frozenset((*(f"{host}:{port}" for host in HOSTS), *usual))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refused = self._refusal(str(scope["method"]), Headers(scope=scope))
        answer = PlainTextResponse(refused[1], refused[0]) if refused else self.app
        await answer(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers) -> tuple[int, str] | None:
        """Why a request is refused, with the status; None if it is not."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return 421, "This server answers at 127.0.0.1 and localhost only.\n"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "Requests from other sites are refused.\n"
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"http://{hosts[0].lower()}":
            return 403, "Requests from other sites are refused.\n"
        if method not in ("GET", "HEAD", "POST"):
            return 405, "Expected GET or POST.\n"
        return None
