"""A server on this machine that answers as data sources do, well and badly."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from investorbench_env.market.sources.http import Politeness


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer; ``cut`` closes the connection after so many bytes, ``wait`` comes before it.

    A function as ``body`` is given the parameters, or the JSON, that were asked with.
    """

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    wait: float = 0

    def content(self, parameters: dict[str, Any]) -> bytes:
        body = self.body(parameters) if callable(self.body) else self.body
        if isinstance(body, bytes):
            return body
        return (body if isinstance(body, str) else json.dumps(body)).encode()


@dataclass
class Server:
    """Answers each path with its replies in turn, the last one again and again."""

    url: str = ""
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    times: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def answer(self, path: str, *replies: Any) -> None:
        self.replies[path] = [r if isinstance(r, Reply) else Reply(body=r) for r in replies]

    def reply(self, path: str) -> Reply:
        known = self.replies.get(path, [Reply(status=404, body="not found")])
        number = self.times[path]
        self.times[path] += 1
        return known[min(number, len(known) - 1)]


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of one's own, on a free port."""
    with serving() as state:
        yield state


@contextmanager
def serving() -> Iterator[Server]:
    """A server for as long as the block runs."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(dict(parse_qsl(urlsplit(self.path).query)))

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, parameters: dict[str, Any]) -> None:
            parts = urlsplit(self.path)
            state.asked.append((parts.path, parameters, dict(self.headers)))
            reply = state.reply(parts.path)
            content = reply.content(parameters)
            time.sleep(reply.wait)
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(content)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(content if reply.cut is None else content[: reply.cut])

        def log_message(self, *_: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@pytest.fixture
def eager() -> Politeness:
    """No waiting: the server is ours."""
    return Politeness(interval_s=0, tries=3, backoff_s=0)


@pytest.fixture
def reply() -> type[Reply]:
    """For answers that are more than a body."""
    return Reply
