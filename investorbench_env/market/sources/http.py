"""Asking a server politely: who we are, not too often, again after a fault, and never half.

It knows HTTP and nothing of what comes back.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.files.store import sha256

if TYPE_CHECKING:
    import httpx

USER_AGENT = "Mozilla/5.0 (compatible; investorbench/0.1)"
"""Some servers turn away whatever does not begin so."""

BUSY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


class DownloadError(InvestorBenchError):
    """A server did not give what was asked for; the message has what it did instead."""


class NotThereError(DownloadError):
    """The server has no such thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Politeness:
    """How often and how long to ask.

    Attributes:
        interval_s: least time between two requests to one host.
        tries: how often one request is made before it fails.
        backoff_s: wait after the first failure, doubled after each further one.
        longest_wait_s: a server that asks for more patience than this is given up for now.
        timeout_s: for one answer.
    """

    interval_s: float = 0.5
    tries: int = 5
    backoff_s: float = 1.0
    longest_wait_s: float = 120.0
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """What a server sent, and when."""

    url: str
    content: bytes
    retrieved_at: str

    def record(self) -> dict[str, Any]:
        """This request as a line of provenance."""
        return {
            "url": self.url,
            "retrieved_at": self.retrieved_at,
            "bytes": len(self.content),
            "sha256": sha256(self.content),
        }

    def text(self) -> str:
        return self.content.decode("utf-8", errors="replace")


@dataclass(slots=True, kw_only=True)
class Downloader:
    """Requests to any number of hosts, each at its pace; close it, or use it in a ``with``.

    Attributes:
        user_agent: who asks; EDGAR wants a name and an address in it.
        politeness: pace and patience.
        sleep: how to wait; tests pass their own.
        records: of every answer so far: address, time, size and checksum.
    """

    user_agent: str = USER_AGENT
    politeness: Politeness = field(default_factory=Politeness)
    sleep: Callable[[float], None] = time.sleep
    records: list[dict[str, Any]] = field(default_factory=list)
    _client: "httpx.Client | None" = field(default=None, init=False, repr=False)
    _last: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def __enter__(self) -> "Downloader":
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def json(self, url: str, parameters: Mapping[str, str] | None = None) -> Any:
        """A JSON answer; one that is cut off is asked for again."""
        return json.loads(self._get(url, parameters, _check_json).content)

    def text(self, url: str, parameters: Mapping[str, str] | None = None) -> str:
        """An answer of text, web pages included."""
        return self._get(url, parameters, _check_nothing).text()

    def table(self, url: str, parameters: Mapping[str, str] | None = None) -> str:
        """A CSV answer; a web page in its place is an error."""
        return self._get(url, parameters, _check_not_a_page).text()

    def content(self, url: str, parameters: Mapping[str, str] | None = None) -> bytes:
        """The bytes of a file; a web page in its place is an error."""
        return self._get(url, parameters, _check_not_a_page).content

    def _get(
        self,
        url: str,
        parameters: Mapping[str, str] | None,
        check: Callable[[str, bytes], str | None],
    ) -> Download:
        """One request with its repetitions."""
        wait, fault = self.politeness.backoff_s, ""
        for attempt in range(self.politeness.tries):
            if attempt:
                self.sleep(wait)
            answer, fault, asked = self._once(url, parameters, check)
            if answer is not None:
                self.records.append(answer.record())
                return answer
            wait = self.politeness.backoff_s * 2**attempt if asked is None else asked
            if wait > self.politeness.longest_wait_s:
                raise DownloadError(f"{fault}: asks to wait {wait:.0f} s; try again after that")
        raise DownloadError(f"{fault}, {self.politeness.tries} times; try again later")

    def _once(
        self,
        url: str,
        parameters: Mapping[str, str] | None,
        check: Callable[[str, bytes], str | None],
    ) -> tuple[Download | None, str, float | None]:
        """An answer, or a fault that may pass and how long the server asks to wait."""
        import httpx

        self._keep_pace(url)
        try:
            response = self._open().get(url, params=dict(parameters) if parameters else None)
        except httpx.TransportError as error:
            return None, f"{url}: {type(error).__name__} ({error})", None
        full = str(response.url)
        plain = full.split("?")[0]
        if response.status_code in BUSY_STATUSES:
            busy = f"{plain}: HTTP {response.status_code}"
            return None, busy, _patience(response.headers.get("Retry-After"))
        if response.status_code in (404, 410):
            raise NotThereError(f"{plain}: not there (HTTP {response.status_code})")
        if response.status_code >= 400:
            raise DownloadError(
                f"{plain}: refused with HTTP {response.status_code}; the source may block "
                "automatic access or ask for a name and e-mail (--contact)"
            )
        if fault := check(plain, response.content):
            return None, fault, None
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return Download(url=full, content=response.content, retrieved_at=now), "", None

    def _keep_pace(self, url: str) -> None:
        host = urlsplit(url).netloc
        due = self._last.get(host, float("-inf")) + self.politeness.interval_s
        if (ahead := due - time.monotonic()) > 0:
            self.sleep(ahead)
        self._last[host] = time.monotonic()

    def _open(self) -> "httpx.Client":
        if self._client is None:
            import httpx

            self._client = httpx.Client(
                headers={"User-Agent": self.user_agent},
                timeout=self.politeness.timeout_s,
                follow_redirects=True,
            )
        return self._client


def base_url(source: str, address: str) -> str:
    """A source's address, or what ``$INVESTORBENCH_<SOURCE>_URL`` puts in its place."""
    return os.environ.get(f"INVESTORBENCH_{source.upper()}_URL", address).rstrip("/")


def _patience(header: str | None) -> float | None:
    """Seconds that a Retry-After asks for, written as a number or as a date."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _looks_like_a_page(content: bytes) -> bool:
    start = content[:400].lstrip().lower()
    return start.startswith((b"<!doctype", b"<html", b"<head"))


def _check_nothing(url: str, content: bytes) -> str | None:
    return None


def _check_not_a_page(url: str, content: bytes) -> str | None:
    if _looks_like_a_page(content):
        raise DownloadError(
            f"{url}: answered with a web page instead of data; it may be blocking automatic access"
        )
    return None if content.strip() else f"{url}: an empty answer"


def _check_json(url: str, content: bytes) -> str | None:
    if (fault := _check_not_a_page(url, content)) is not None:
        return fault
    try:
        json.loads(content)
    except ValueError as error:
        return f"{url}: not JSON, cut off? ({error})"
    return None
