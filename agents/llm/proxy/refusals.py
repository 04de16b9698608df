"""Errors as a client is sent them: in the shape of OpenAI's, with a word for each kind.

Nothing here is worth asking again, for what is was asked again already.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from investorbench.agents.llm.errors import (
    CacheMissError,
    NotPassedError,
    RequestRefusedError,
    ServerError,
    SpendCapError,
    UnusableAnswersError,
)

NO_RETRY = {"x-should-retry": "false"}
"""What the clients of OpenAI and Anthropic obey."""
KINDS: tuple[tuple[type[Exception], int, str], ...] = (
    (SpendCapError, 402, "spend_cap"),
    (CacheMissError, 404, "cache_miss"),
    (UnusableAnswersError, 422, "unusable_answers"),
    (ServerError, 502, "no_reply"),
)
RATE_LIMITED, OUT_OF_MONEY = 429, 402
"""Clients wait for the first to pass; what is left of it after our own patience does not."""
OURS = "proxy_error"


class RefusalReply(NamedTuple):
    """An error on the wire."""

    status: int
    kind: str
    body: Mapping[str, Any]


def refusal_of(error: Exception) -> RefusalReply:
    """What a client is sent for an error; a server's own refusal as the server put it."""
    if isinstance(error, NotPassedError):
        return _shaped(error.status, error.kind, error)
    if isinstance(error, RequestRefusedError):
        status = OUT_OF_MONEY if error.status == RATE_LIMITED else error.status or 400
        if status < 400:  # such as a redirection, which no client of ours is to follow
            return _shaped(502, "no_reply", error)
        own = _parsed(error.reply)
        shaped = _shaped(status, "refused_by_server", error)
        return shaped._replace(body=own) if own else shaped
    for kind, status, name in KINDS:
        if isinstance(error, kind):
            return _shaped(status, name, error)
    return _shaped(500, OURS, error)


def _shaped(status: int, kind: str, error: Exception) -> RefusalReply:
    said = {"message": str(error), "type": kind, "code": kind, "param": None}
    return RefusalReply(status, kind, {"error": said})


def _parsed(reply: str) -> Mapping[str, Any] | None:
    """A server's error, where it is one in JSON."""
    try:
        body = json.loads(reply)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) and body else None
