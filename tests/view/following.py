"""Runs that are followed, as tests make them: moments of a run, and who asks for its page."""

import hashlib
import http.client
from pathlib import Path
from typing import Any

import httpx

from investorbench.tasks.view import Follower, ViewServer

DECISIONS, REPEATS = 5, 2
RECORD = "decisions.jsonl"


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 4e9  # long after anything here was written

    def __call__(self) -> float:
        return self.now


def looked(follower: Follower, clock: Clock, seconds: float = 60.0) -> dict[str, Any]:
    """What is known a while later."""
    clock.now += seconds
    follower.look()
    return follower.state()


def episodes_of(run: Path) -> list[Path]:
    return sorted(run.rglob("repeat-*"))


def begun(run: Path, lines: int) -> Path:
    """The first episode as it was after some lines, and in the middle of the next one."""
    episode = episodes_of(run)[0]
    (episode / "metrics.json").unlink()
    for manifest in run.rglob("manifest.json"):
        manifest.unlink()
    written = (episode / RECORD).read_bytes().splitlines(keepends=True)
    (episode / RECORD).write_bytes(b"".join(written[: lines + 1]) + written[lines + 1][:20])
    return episode


def tree(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file with its time and the hash of its bytes."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in folder.rglob("*")
    }


class Asking:
    """A browser without a window."""

    def __init__(self, server: ViewServer) -> None:
        self.server = server

    def get(self, path: str = "", **options: Any) -> httpx.Response:
        return httpx.get(self.server.address + path, trust_env=False, timeout=60.0, **options)

    def page(self) -> str:
        """The page with the first report, once that is made."""
        assert self.server.maker is not None
        self.get()
        self.server.maker.renew(60.0)
        return self.get().text

    def raw(self, target: str, host: str = "127.0.0.1", method: str = "GET") -> tuple[int, str]:
        """A request as it is written, which no client would put right."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        connection.putrequest(method, target, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        reply = connection.getresponse()
        found = reply.status, reply.read().decode()
        connection.close()
        return found
