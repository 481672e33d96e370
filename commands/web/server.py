"""The server of the explorer: at a port of 127.0.0.1, until Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from commands.web.app import Explorer, application

HOST = "127.0.0.1"

GRACE_S = 1
"""So long requests under way may take when the server ends."""


def bound(port: int | None) -> socket.socket:
    """A socket at that port of this machine, or at one that is free. Raises OSError."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((HOST, port or 0))
    except OSError:
        found.close()
        raise
    return found


class Server(uvicorn.Server):
    """A server that tells its address once it is there, and stops searches, too, when it is to end."""

    def __init__(self, explorer: Explorer, at: socket.socket, said: Callable[[str], None] = lambda _: None) -> None:
        self.explorer, self.at, self.said = explorer, at, said
        super().__init__(
            uvicorn.Config(
                application(explorer, at.getsockname()[1]),
                log_level="warning",
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, and say where: from now on the address answers, and Ctrl-C ends it."""
        await super().startup(sockets)
        self.said("http://{}:{}".format(*self.at.getsockname()))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End: no new requests, and what is searched for is given up."""
        self.explorer.ending.set()
        super().handle_exit(sig, frame)

    def serve_here(self) -> None:
        """Serve until somebody asks to end."""
        with contextlib.suppress(KeyboardInterrupt), self.at:
            self.run(sockets=[self.at])
