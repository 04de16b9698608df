"""A bound on the size of a reply's body, whatever its head says of its length.

The SDKs read whole bodies, errors too, over httpx or its successor; a hook is called before that.
"""

from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from investorbench.agents.llm.providers.checked import UnreadableBodyError

LARGEST_BODY = 16 * 2**20
"""Bytes; an answer is a few thousand."""
LARGEST_COMPRESSED = LARGEST_BODY // 64
"""Bytes of one that is compressed, though none is asked for: unpacked it may be far larger."""
UNPACKED = frozenset({"", "identity", "gzip", "deflate"})


async def bound(response: Any) -> None:
    """Read no more of a reply than an answer may have.

    Args:
        response: of httpx, its body not yet read.

    Raises:
        UnreadableBodyError: it says itself that it is larger, or is compressed otherwise.
    """
    coding = response.headers.get("content-encoding", "").lower()
    if coding not in UNPACKED:
        raise UnreadableBodyError(f"the reply is compressed as {coding[:20]!r}, unasked")
    most = LARGEST_COMPRESSED if coding in ("gzip", "deflate") else LARGEST_BODY
    length = response.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > 12 or int(length) > most):
        raise _too_large(most)
    response.encoding = "utf-8"  # as JSON is, whatever its head says of its characters
    kind: Any = type(response.stream)
    response.stream = _bounded(kind)(response.stream, most)


@cache
def _bounded(kind: Any) -> Any:
    """A stream of that kind, of the library that reads it, with a bound."""
    base: Any = next(each for each in kind.__mro__ if each.__name__ == "AsyncByteStream")

    class Bounded(base):  # type: ignore[misc]
        def __init__(self, stream: Any, most: int) -> None:
            self._stream, self._most = stream, most

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = self._most
            async for chunk in self._stream:
                left -= len(chunk)
                if left < 0:
                    raise _too_large(self._most)
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    return Bounded


def _too_large(most: int) -> UnreadableBodyError:
    return UnreadableBodyError(f"the reply has more than the {most:,} bytes that are read")
