"""A market to a Hugging Face hub and back; the hub is a small one in this process.

Run by itself, since the hub's libraries read their address when they are imported. The server
speaks as much of the hub's protocol as pushing and loading a data set takes: repositories, the
tree, commits, and Git LFS uploads. Uploads by Xet are turned off.
"""

import base64
import hashlib
import json
import os
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

NAME = "ann/market"
FILES: dict[str, bytes] = {}
UPLOADED: dict[str, bytes] = {}
COMMITS: list[str] = []


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path, repository = unquote(parts.path), f"/api/datasets/{NAME}"
        if path == "/api/whoami-v2":
            self._send({"name": "ann", "type": "user"})
        elif re.fullmatch(rf"{repository}(/revision/[^/]+)?", path):
            self._send(self._about())
        elif tree := re.fullmatch(rf"{repository}/tree/[^/]+/?(.*)", path):
            entries = self._tree(tree[1], "recursive=true" in parts.query.lower())
            self._send(entries) if entries or not tree[1] else self._nothing()
        elif (file := re.fullmatch(rf"/datasets/{NAME}/resolve/[^/]+/(.*)", path)) and (
            file[1] in FILES
        ):
            content = FILES[file[1]]
            self._send(content, {"X-Repo-Commit": _commit(), "ETag": f'"{_digest(content)}"'})
        else:
            self._nothing()

    def do_PUT(self) -> None:
        UPLOADED[self.path.rsplit("/", 1)[1]] = self._body()
        self._send({})

    def do_POST(self) -> None:
        path, body = unquote(urlsplit(self.path).path), self._body()
        if path == "/api/repos/create":
            self._send({"url": f"{self._url()}/datasets/{NAME}", "name": NAME})
        elif path == "/api/validate-yaml":
            self._send({"errors": [], "warnings": []})
        elif "/preupload/" in path:
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(".parquet") else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            self._send({"files": files})
        elif path.endswith("/objects/batch"):
            objects = [
                {**one, "actions": {"upload": {"href": f"{self._url()}/lfs/{one['oid']}"}}}
                for one in json.loads(body)["objects"]
            ]
            self._send({"transfer": "basic", "objects": objects})
        elif "/commit/" in path:
            self._take(body)
            self._send(
                {
                    "commitUrl": f"{self._url()}/datasets/{NAME}/commit/{_commit()}",
                    "commitOid": _commit(),
                    "success": True,
                }
            )
        elif "/paths-info/" in path:
            paths = parse_qs(body.decode()).get("paths", [])
            self._send([_entry(name) for name in paths if name in FILES])
        else:
            self._nothing()

    def _take(self, body: bytes) -> None:
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                FILES[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                FILES[value["path"]] = UPLOADED[value["oid"]]
            elif entry["key"] == "deletedFile":
                FILES.pop(value["path"], None)
        COMMITS.append("")

    def _about(self) -> dict[str, Any]:
        moment = "2024-01-01T00:00:00.000Z"
        return {
            "id": NAME,
            "sha": _commit(),
            "private": True,
            "gated": False,
            "disabled": False,
            "tags": [],
            "siblings": [{"rfilename": name} for name in FILES],
            "downloads": 0,
            "likes": 0,
            "lastModified": moment,
            "createdAt": moment,
        }

    def _tree(self, folder: str, recursive: bool) -> list[dict[str, Any]]:
        prefix = f"{folder.rstrip('/')}/" if folder else ""
        found: dict[str, dict[str, Any]] = {}
        for name in FILES:
            if name.startswith(prefix):
                rest = name.removeprefix(prefix)
                if "/" in rest and not recursive:
                    inner = prefix + rest.split("/")[0]
                    found[inner] = {"type": "directory", "path": inner, "size": 0, "oid": "0" * 40}
                else:
                    found[name] = _entry(name)
        return list(found.values())

    def _url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().strip(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _nothing(self) -> None:
        self._send({"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"}, status=404)

    def _send(self, answer: Any, headers: dict[str, str] | None = None, status: int = 200) -> None:
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _digest(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def _commit() -> str:
    return _digest(str(len(COMMITS)).encode())


def _entry(name: str) -> dict[str, Any]:
    content = FILES[name]
    return {"type": "file", "path": name, "size": len(content), "oid": _digest(content)}


def main(saved: Path) -> None:
    """Push the market of a folder, load it again, and print what came back."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    os.environ |= {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_TOKEN": "hf_none",
    }
    from investorbench_env.market import library
    from investorbench_env.market.sources import hugging_face

    market = library.load(saved)
    hugging_face.push_to_hub(market, NAME)
    back = hugging_face.load_from_hub(NAME)
    print(json.dumps({"fingerprint": back.fingerprint, "files": sorted(FILES)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
