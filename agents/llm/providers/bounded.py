"""A bound on the size of a reply's body, whatever its head says of its length.

The SDKs read whole bodies, errors too, over httpx or its successor; a hook is called before that.
"""

import zlib
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from investorbench.agents.llm.providers.checked import UnreadableBodyError

LARGEST_BODY = 16 * 2**20
"""Bytes; an answer is a few thousand."""
GZIP_OR_ZLIB = 47
"""What ``zlib`` calls: as the head of the bytes says."""
CODINGS = frozenset({"", "identity", "gzip", "deflate"})
"""Some servers compress a reply, though none is asked to."""


async def bound(response: Any) -> None:
    """Read no more of a reply than an answer may have.

    Args:
        response: of httpx, its body not yet read.

    Raises:
        UnreadableBodyError: it says itself that it is larger, or is compressed otherwise.
    """
    coding = response.headers.get("content-encoding", "").lower()
    if coding not in CODINGS:
        raise UnreadableBodyError(f"the reply is compressed as {coding[:20]!r}, unasked")
    length = response.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > 12 or int(length) > LARGEST_BODY):
        raise _too_large()
    response.encoding = "utf-8"  # as JSON is, whatever its head says of its characters
    kind: Any = type(response.stream)
    is_packed = coding in ("gzip", "deflate")
    if is_packed:  # unpacked here, or a few bytes could grow a thousandfold before they are counted
        del response.headers["content-encoding"]
    response.stream = _bounded(kind)(response.stream, is_packed)


@cache
def _bounded(kind: Any) -> Any:
    """A stream of that kind, of the library that reads it, with a bound."""
    base: Any = next(each for each in kind.__mro__ if each.__name__ == "AsyncByteStream")

    class Bounded(base):  # type: ignore[misc]
        def __init__(self, stream: Any, is_packed: bool) -> None:
            self._stream = stream
            self._unpack = zlib.decompressobj(GZIP_OR_ZLIB).decompress if is_packed else None

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = LARGEST_BODY
            async for chunk in self._stream:
                part = self._unpacked(chunk, left + 1)
                left -= len(part)
                if left < 0:
                    raise _too_large()
                yield part

        def _unpacked(self, chunk: bytes, most: int) -> bytes:
            try:
                return chunk if self._unpack is None else self._unpack(chunk, most)
            except zlib.error as error:
                raise UnreadableBodyError(f"the reply cannot be unpacked: {error}") from None

        async def aclose(self) -> None:
            await self._stream.aclose()

    return Bounded


def _too_large() -> UnreadableBodyError:
    return UnreadableBodyError(f"the reply has more than the {LARGEST_BODY:,} bytes that are read")
