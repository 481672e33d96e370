"""The explorer for tests: served at a port of its own, in a thread of this process."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from commands.web import server
from commands.web.app import Explorer
from commands.web.catalogue import Catalogue


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Served:
    port: int
    explorer: Explorer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None, host: str = ""
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body.encode())))
            connection.endheaders(body.encode())
            found = connection.getresponse()
            text = found.read().decode("utf-8", "replace")
            return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, text)
        finally:
            connection.close()


@contextmanager
def served(catalogue: Catalogue | None = None, seconds: float = 20) -> Iterator[Served]:
    explorer = Explorer(catalogue or Catalogue(), seconds)
    at = server.bound(None)
    running = server.Server(explorer, at)
    thread = threading.Thread(target=running.serve_here, daemon=True)
    port = at.getsockname()[1]
    thread.start()
    try:
        while not running.started and thread.is_alive():
            time.sleep(0.01)
        yield Served(port, explorer)
    finally:
        running.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive()
