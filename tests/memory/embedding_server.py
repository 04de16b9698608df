"""A server of ``/v1/embeddings`` on 127.0.0.1, which answers as the test wants."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Reply = tuple[int, dict[str, str], str]


def vectors_of(body: dict) -> Reply:
    """What a proper server says: vectors (length of the text, 1), not in order."""
    data = [
        {"object": "embedding", "index": place, "embedding": [float(len(text)), 1.0]}
        for place, text in enumerate(body["input"])
    ]
    return 200, {}, json.dumps({"object": "list", "data": data[::-1]})


@contextmanager
def served(answer: Callable[[dict], Reply] = vectors_of) -> Iterator[tuple[str, list]]:
    """The base URL of such a server, and the requests it got: (headers, body)."""
    requests: list = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            requests.append((dict(self.headers), body))
            status, headers, text = answer(body)
            if status == 0:  # close in the middle of an answer
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
                return
            self.send_response(status if self.path == "/v1/embeddings" else 404)
            for name, value in {**headers, "Content-Length": str(len(text.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
