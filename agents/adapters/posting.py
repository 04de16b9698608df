"""A server that answers a JSON object with another: patience, limits and errors in words."""

import asyncio
import json
import math
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from investorbench_env.errors import InvestorBenchError, MissingDependencyError

LONGEST_REPLY = 1_000_000
"""Bytes."""
PASSING = frozenset({429, 502, 503, 504})
"""Statuses after which the same is sent again; so it is where there is no reply."""
OK = 200


class JsonServer:
    """Where objects are posted; its connections belong to the event loop that is running.

    Args:
        url: of the server.
        timeout_s: seconds that a reply may take.
        attempts: how often the same is sent.
        wait_s: seconds before the second attempt; each further wait is twice as long.
        token_env: the environment variable that holds a token for ``Authorization``.

    Raises:
        InvestorBenchError: the address is none, or holds a password; the variable is not set; or a
            number makes no sense.
    """

    def __init__(
        self, url: str, *, timeout_s: float, attempts: int, wait_s: float, token_env: str | None
    ) -> None:
        _require_address(url)
        if type(attempts) is not int or attempts < 1:
            raise InvestorBenchError(f"attempts={attempts!r} must be a whole number of at least 1")
        for name, seconds, allowed in (
            ("timeout_s", timeout_s, "above 0"),
            ("wait_s", wait_s, "of at least 0"),
        ):
            is_number = isinstance(seconds, int | float) and 0 <= seconds < math.inf
            if not is_number or (seconds == 0 and name == "timeout_s"):
                raise InvestorBenchError(f"{name}={seconds!r} must be a number {allowed}")
        self.url, self._patience = url.rstrip("/"), (timeout_s, attempts, wait_s)
        self._headers = {"Content-Type": "application/json"}
        if token_env is not None:
            self._headers["Authorization"] = f"Bearer {_token(token_env)}"
        self._client: Any = None

    async def post(self, path: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """The object that answers another.

        Raises:
            InvestorBenchError: none does, and why.
            MissingDependencyError: httpx is not installed.
        """
        body = json.dumps(content, allow_nan=False).encode()
        _, attempts, wait_s = self._patience
        for attempt in range(attempts):
            if attempt:
                await asyncio.sleep(wait_s * 2 ** (attempt - 1))
            status, reply = await self._send(path, body)
            if status and status not in PASSING:
                break
        shown = reply[:200].decode("utf-8", "replace")
        if status != OK:
            raise self.error(f"HTTP {status}: {shown}" if status else shown)
        try:
            value = json.loads(reply)
        except (ValueError, RecursionError):
            raise self.error(f"its reply is no JSON: {shown}") from None
        if not isinstance(value, dict):
            raise self.error(f"its reply is no JSON object: {shown}")
        return value

    def error(self, problem: str) -> InvestorBenchError:
        """An error that says which server it is about."""
        return InvestorBenchError(f"{self.url}: {problem}; mend it, and resume the run")

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _send(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of a reply; 0 and the reason where there is none."""
        try:
            import httpx
        except ImportError:
            raise MissingDependencyError("httpx", "llm", "an agent behind a server") from None
        timeout_s = self._patience[0]
        if self._client is None:
            self._client = httpx.AsyncClient(headers=self._headers, timeout=timeout_s)
        reply = bytearray()
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._client.stream("POST", self.url + path, content=body) as response,
            ):
                async for part in response.aiter_bytes():
                    reply += part
                    if len(reply) > LONGEST_REPLY:
                        raise self.error(f"its reply is longer than {LONGEST_REPLY:,} bytes")
        except (TimeoutError, httpx.TimeoutException):
            return 0, f"no reply within {timeout_s:g} s".encode()
        except httpx.HTTPError as error:
            return 0, f"no reply: {error}".encode()
        return response.status_code, bytes(reply)


def _require_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of its port, or of an IPv6 address
        is_address = False
    if not is_address or not url.isprintable() or " " in url:
        raise InvestorBenchError(f"url={url!r} must be an address: http://127.0.0.1:9000")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvestorBenchError("url holds a name, a password, a query or a mark: use token_env")


def _token(name: str) -> str:
    token = os.environ.get(name, "")
    if not token:
        raise InvestorBenchError(f"token_env={name}: there is no such variable; set it")
    if not (token.isascii() and token.isprintable()):  # never shown: it is a secret
        raise InvestorBenchError(f"token_env={name}: it holds what no header can; set it again")
    return token
