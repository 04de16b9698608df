"""A request that goes to a server as a client sent it, but for the model's id and the key."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from investorbench.agents.llm.canonical import digest
from investorbench.agents.llm.errors import NotPassedError
from investorbench.agents.llm.models import Accepts, Model
from investorbench.agents.llm.proxy.routes import mappings
from investorbench.agents.llm.request import IMAGE_BYTES, Request

OF_THE_STREAM = ("stream", "stream_options")
"""How a reply is delivered. It is fetched whole, and what a client wants streamed is made of it."""
OF_THE_SENDER = (
    "user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
)  # fmt: skip
"""Fields that change nothing of an answer; some clients draw them at random."""
OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
TIMES = ("n", "best_of")
"""How many answers are generated."""
MOST_TOKENS = 10**9
UNBOUNDED = (
    "previous_response_id", "conversation", "prompt", "web_search_options", "audio", "plugins",
    "models", "mcp_servers", "container", "speed",
)  # fmt: skip
"""Fields that stand for text which only the server has, or for what has a price of its own."""
USUAL_TIERS = (None, "auto", "default", "flex", "standard_only")
"""Tiers of service that cost no more than the price of the model says."""
FILES = {"file_id", "file_url", "input_audio"}
OWN_TOOLS = {"function", "custom"}
"""Tools that the client runs; those that the server runs have prices of their own."""
SHOWN = 80
"""Characters of what is wrong."""
IMAGES = {"image_url", "input_image", "image"}


@dataclass(frozen=True, kw_only=True)
class PassedRequest(Request):
    """What a client sent.

    Attributes:
        path: what it was posted to, such as ``"/chat/completions"``.
        body: what is sent on.
        sample: distinguishes equal questions that are to be answered again, such as the seed of an
            episode.
    """

    path: str
    body: Mapping[str, Any]
    sample: str | int | None

    @property
    def size_bytes(self) -> int:
        return sum(map(len, _texts(self.body)))

    @property
    def refusal_key(self) -> str:
        """A client may ask in another way after a refusal, and must in a replay, too."""
        return digest(["refused", self.key])

    @property
    def parameters(self) -> frozenset[str]:
        return frozenset()  # they are the client's, who learns what is refused

    def _leavable(self, accepts: Accepts) -> str:
        return ""

    def _content(self) -> dict[str, Any]:
        asked = {name: part for name, part in self.body.items() if name not in OF_THE_SENDER}
        return super()._content() | {
            "sampling": None,
            "passed": self.path,
            "body": asked,
            "sample": self.sample,
        }


def passed_request(
    model: Model,
    path: str,
    body: Mapping[str, Any],
    *,
    sample: str | int | None,
    address: str,
    is_capped: bool,
) -> PassedRequest:
    """A request of what a client sent.

    Args:
        model: that is asked.
        path: what it was posted to.
        body: what was posted.
        sample: see :class:`PassedRequest`.
        address: where it is asked.
        is_capped: whether there is a cap on what it may cost.

    Raises:
        NotPassedError: there is a cap, and nothing says how much it can cost.
    """
    writes = path != "/embeddings"
    replaced = {"model": model.id} if writes else {}
    sent = {name: part for name, part in body.items() if name not in OF_THE_STREAM}
    most_tokens = _most_tokens(model, body) if writes else 0
    if is_capped and model.price:
        _require_bound(body, most_tokens)
    return PassedRequest(
        model=model,
        messages=(),
        schema=None,
        rung="text",
        seed=None,
        repeat=0,
        max_tokens=model.sampling.max_tokens if most_tokens is None else most_tokens,
        address="" if model.is_published else address,
        path=path,
        body=sent | replaced,
        sample=sample if writes else None,
    )


def parsed(text: bytes) -> dict[str, Any]:
    """What a client posted.

    Raises:
        NotPassedError: it is no JSON object, or holds what cannot be sent on.
    """
    try:
        body = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise NotPassedError(400, f"the request is no JSON that can be sent on: {error}") from None
    if not isinstance(body, dict):
        raise NotPassedError(400, "the request is no JSON object")
    return body


def _most_tokens(model: Model, body: Mapping[str, Any]) -> int | None:
    """The most that can be generated for it; None where nothing limits that."""
    given = [body[name] for name in OUTPUT_LIMITS if body.get(name) is not None]
    limits: list[int] = [limit for limit in given if _is_number(limit)]
    if not given or len(limits) < len(given):
        if model.context_length is None:
            return None
        limits.append(model.context_length)
    times: list[int] = [body[name] for name in TIMES if _is_number(body.get(name))]
    return max(limits) * max(times, default=1)


def _is_number(value: Any) -> bool:
    """Whether it is a number of tokens or answers; servers take texts and fractions for some."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_TOKENS


def _require_bound(body: Mapping[str, Any], most_tokens: int | None) -> None:
    why = next(_unbounded(body), None)
    if most_tokens is None:
        why = (
            "without max_tokens, and of a model whose context_length is not known; send one of "
            "them, or set model.context_length"
        )
    if why is not None:
        raise NotPassedError(402, f"max_usd cannot be kept for a request {why}", "unbounded_cost")


def _unbounded(body: Mapping[str, Any]) -> Iterator[str]:
    """What in a request costs an unknown amount."""
    unknown = (name for name in UNBOUNDED if body.get(name) not in (None, False, "", []))
    yield from (f"with {name}, whose cost is not known" for name in unknown)
    times = (name for name in TIMES if body.get(name) is not None)
    yield from (
        f"with {name}={body[name]!r}, which is no number of answers"[:SHOWN]
        for name in times
        if not _is_number(body[name])
    )
    if body.get("service_tier") not in USUAL_TIERS:
        yield f"with service_tier {body['service_tier']!r}, which has a price of its own"
    for tool in mappings(body.get("tools")):
        kind = tool.get("type", "function")
        if kind not in OWN_TOOLS and "input_schema" not in tool:
            yield f"with the server's own tool {kind}, which has a price of its own"
    for file in _files([body.get("messages"), body.get("input"), body.get("system")]):
        yield f"with {file}, whose length only the server knows"


def _files(value: Any) -> Iterator[str]:
    """What of a conversation lies at the server, or elsewhere; arguments of calls are no files."""
    if isinstance(value, Mapping) and value.get("type") != "tool_use":
        yield from sorted(name for name in FILES & value.keys() if value[name])
        yield from _files(list(value.values()))
    elif isinstance(value, list):
        for part in value:
            yield from _files(part)


def _texts(value: Any) -> Iterator[bytes]:
    """All text in a body, with names; an image counts as one, however it is sent."""
    if isinstance(value, Mapping):
        if value.get("type") in IMAGES:
            yield bytes(IMAGE_BYTES)
            return
        for name, part in value.items():
            yield name.encode()
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    else:
        yield str(value).encode("utf-8", "replace")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
