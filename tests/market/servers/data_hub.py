"""A Hugging Face hub with a storage of its own address, as data sets are downloaded from them.

It speaks of the hub's protocol what listing and downloading take: a data set's description, the
tree in pages, files that lead on to signed addresses, parts of files, and the ways to say no.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

COMMIT = "c0ffee" + "0" * 34
PAGE = 3
"""Entries of a tree in one answer."""


@dataclass
class DataHub:
    """What a hub has, how it plays, and what it was asked.

    Attributes:
        files: of each repository, by their paths.
        conversions: of each repository the paths of its Parquet files, by split.
        play: "fine", or the way in which it says no.
        times: how often it plays so before it is fine, or None for ever.
        url: of the hub.
        storage: the address of the storage.
        asked: the paths that the hub was asked for.
        sent: the ranges that the storage gave, with their sizes.
        authorised: the headers of authorisation that came, to the hub and to the storage.
    """

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    conversions: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    play: str = "fine"
    times: int | None = None
    url: str = ""
    storage: str = ""
    asked: list[str] = field(default_factory=list)
    sent: list[tuple[str, int]] = field(default_factory=list)
    authorised: dict[str, list[str | None]] = field(
        default_factory=lambda: {"hub": [], "storage": []}
    )

    def plays(self, *ways: str) -> bool:
        """Whether the next answer is one of these ways to say no."""
        if self.play not in ways or self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def refusal(self, token: str | None) -> tuple[int, dict[str, str], bytes] | None:
        """How the hub says no, if it does."""
        if self.plays("gated") and not token:
            return 401, {"X-Error-Code": "GatedRepo"}, b"Access to dataset is restricted"
        if self.plays("gated, not accepted"):
            return 403, {"X-Error-Code": "GatedRepo"}, b"You are not in the authorized list"
        if self.plays("renamed"):
            return 401, {"X-Error-Code": "RepoNotFound"}, b"Invalid username or password."
        if self.plays("token"):
            return 401, {}, b'{"error":"Invalid credentials in Authorization header"}'
        if self.plays("captcha"):
            return 405, {"x-amzn-waf-action": "captcha"}, b"<!DOCTYPE html><title>Human?</title>"
        if self.plays("too many requests"):
            return 429, {"Retry-After": "0"}, b'{"error":"rate limited"}'
        if self.plays("another form"):
            return 200, {}, b'{"message": "moved"}'
        return None


def parquet(groups: list[dict[str, list[Any]]]) -> bytes:
    """A Parquet file of so many groups of rows, the columns of each as given."""
    buffer = io.BytesIO()
    schema = pa.Schema.from_pandas(pd.DataFrame(groups[0]), preserve_index=False)
    with pq.ParquetWriter(buffer, schema, compression="none") as writer:
        for group in groups:
            rows = pa.Table.from_pandas(pd.DataFrame(group), schema, preserve_index=False)
            writer.write_table(rows)
    return buffer.getvalue()


@contextmanager
def running(hub: DataHub) -> Iterator[DataHub]:
    """A hub and its storage on free ports of this machine."""
    servers = [
        ThreadingHTTPServer(("127.0.0.1", 0), _hub_handler(hub)),
        ThreadingHTTPServer(("127.0.0.1", 0), _storage_handler(hub)),
    ]
    hub.url, hub.storage = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    threads = [
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        for server in servers
    ]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        pass

    def answer(
        self, status: int, content: bytes, headers: dict[str, str], cut: int | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(content if cut is None else content[:cut])
        if cut is not None:
            self.close_connection = True


def _hub_handler(hub: DataHub) -> type[_Handler]:
    class Handler(_Handler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            path = unquote(parts.path)
            hub.asked.append(path)
            token = self.headers.get("Authorization")
            hub.authorised["hub"].append(token)
            if refused := hub.refusal(token):
                status, headers, content = refused
                self.answer(status, content, headers)
            elif about := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(/.*)?", path):
                self._about(about[1], about[2] or "", parse_qs(parts.query))
            elif file := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/[^/]+/(.*)", path):
                self._lead_on(file[1], file[2])
            else:
                self._nothing()

        def _about(self, name: str, rest: str, query: dict[str, list[str]]) -> None:
            files = hub.files.get(name)
            if files is None:
                self.answer(401, b"Invalid username or password.", {"X-Error-Code": "RepoNotFound"})
            elif not rest:
                self._json({"id": name, "sha": COMMIT, "gated": False})
            elif tree := re.fullmatch(rf"/tree/{COMMIT}/?(.*)", rest):
                self._tree(name, tree[1], int(query.get("cursor", ["0"])[0]))
            elif rest == "/parquet":
                self._json({"default": self._addresses(name)})
            elif converted := re.fullmatch(r"/parquet/default/([^/]+)/(\d+)\.parquet", rest):
                paths = hub.conversions[name][converted[1]]
                self._lead_on(name, paths[int(converted[2])])
            else:
                self._nothing()

        def _addresses(self, name: str) -> dict[str, list[str]]:
            root = f"{hub.url}/api/datasets/{name}/parquet/default"
            return {
                split: [f"{root}/{split}/{number}.parquet" for number in range(len(paths))]
                for split, paths in hub.conversions.get(name, {}).items()
            }

        def _tree(self, name: str, folder: str, start: int) -> None:
            entries = [
                {
                    "type": "file",
                    "path": path,
                    "size": len(content),
                    "oid": hashlib.sha1(content).hexdigest(),
                    "lfs": {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)},
                }
                for path, content in sorted(hub.files[name].items())
                if path.startswith(folder)
            ]
            headers = {}
            if start + PAGE < len(entries):
                after = f"{hub.url}{urlsplit(self.path).path}?recursive=true&cursor={start + PAGE}"
                headers["Link"] = f'<{after}>; rel="next"'
            self._json(entries[start : start + PAGE], headers)

        def _lead_on(self, name: str, path: str) -> None:
            if path not in hub.files.get(name, {}):
                self._nothing()
                return
            signed = f"{hub.storage}/{name}/{quote(path)}?Expires=9&Signature=secret"
            self.answer(302, b"", {"Location": signed, "X-Repo-Commit": COMMIT})

        def _json(self, value: Any, headers: dict[str, str] | None = None) -> None:
            self.answer(200, json.dumps(value).encode(), headers or {})

        def _nothing(self) -> None:
            self.answer(404, b'{"error":"Entry not found"}', {"X-Error-Code": "EntryNotFound"})

    return Handler


def _storage_handler(hub: DataHub) -> type[_Handler]:
    class Handler(_Handler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            owner, name, path = unquote(parts.path).lstrip("/").split("/", 2)
            hub.authorised["storage"].append(self.headers.get("Authorization"))
            content = hub.files[f"{owner}/{name}"][path]
            if "Signature=secret" not in parts.query:
                self.answer(403, b"<Error>AccessDenied</Error>", {})
                return
            asked = self.headers.get("Range", "")
            span = re.fullmatch(r"bytes=(\d*)-(\d*)", asked)
            if span is None or hub.plays("no parts") or "gzip" in self.headers["Accept-Encoding"]:
                hub.sent.append(("whole", len(content)))
                self.answer(200, content, {})
                return
            if hub.plays("parts refused"):
                self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            start, until = _span(span[1], span[2], len(content))
            hub.sent.append((asked, until - start))
            about = {"Content-Range": f"bytes {start}-{until - 1}/{len(content)}"}
            cut = (until - start) // 2 if hub.plays("cut off") else None
            self.answer(206, content[start:until], about, cut)

    return Handler


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    """The bytes that a range means, the last not included."""
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1 if last else size, size)
