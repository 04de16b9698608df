"""A server on 127.0.0.1 that answers JSON by a function, as a user would write one."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

Answer = tuple[int, bytes]
Answers = Callable[[dict[str, Any]], Answer | dict[str, Any]]


class Server(NamedTuple):
    url: str
    questions: list[dict[str, Any]]
    headers: list[dict[str, str]]
    """As they came, of all questions."""


@contextmanager
def serving(answers: Answers) -> Iterator[Server]:
    """Runs in threads of its own while the block does; a status of 0 closes the connection."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.questions.append(body)
            server.headers.append({**dict(self.headers), "path": self.path})
            answer = answers(body)
            status, text = (
                answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())
            )
            if not status:
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *about: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{listening.server_port}", [], [])
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
