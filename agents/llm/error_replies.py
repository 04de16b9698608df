"""What the text of an error reply says: that the request is too long, and by how much.

Every server has words of its own; what it echoes of the request is none of them, since a text of
the market may say anything.
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

DEEPEST = 8
"""Levels of an error reply that are looked into."""
MOST_FIELDS = 50
LONGEST_WORDS = 1_000
"""Characters of one message; what follows is an echo of the request, or a trace."""
_SAYING = frozenset(
    "error errors message msg detail details code type param loc raw reason status metadata body "
    "n_ctx n_prompt_tokens".split()
)
"""Fields of an error reply that hold the server's own words."""
_ECHO = re.compile(r"""['"](?:input|messages|request|ctx)['"]\s*:""")

_TOO_LONG = re.compile(
    r"""(?ix)
    context[_ ]?(?:length|window|size|limit)[_ ]?(?:has\ been\ |is\ )?exceeded
    | exceed_context_size | contextwindowexceeded
    | maximum\ (?:context|prompt|input|sequence|model)\ length
    | exceed(?:s|ed|ing)?\b[^.]{0,60}?(?:\bcontext\b|max_model_len|max_seq_len|token\ limit
        |number\ of\ (?:input\ )?tokens|(?:allowed\ )?input\ length|prompt\ length)
    | (?:input\ tokens|token\ count)\ [^.]{0,40}exceeds?\ the
    | (?:prompt|input)\ (?:is\ )?too\ (?:long|large)
    | prompt\ exceeds\ max
    | longer\ than\ the\ (?:model's\ context|maximum\ model|context)
    | input\ token\ count\ is\ \d+\ but
    | reduce\ the\ length\ of\ (?:the|your)\ (?:messages|input|prompt)
    | range\ of\ input\ length\ should\ be
    | must\ be\ <=\ \d+\.\ given:\ \d+\ .?inputs
    | tokens\ in\ the\ prompt\ cannot\ exceed
    | context\ (?:the\ )?overflow | configured\ context\ size
    | max_(?:completion_)?tokens\ must\ be\ at\ least\ 1,\ got\ -
    | max_(?:completion_)?tokens\S*\ cannot\ be\ greater\ than\ max_model_len
    """
)
_LIMITED = re.compile(r"(?i)rate.?limit|per min|per day|per hour|\bTP[MD]\b|throttl|too many req")
_TOO_LARGE_A_MINUTE = re.compile(r"(?i)request too large.*?limit (?P<limit>\d+), requested (\d+)")
_LIMITS = tuple(
    re.compile(rf"(?i){pattern}")
    for pattern in (
        r"maximum (?:context|prompt|input|sequence|model) length\D{0,12}?(\d[\d,]*)",
        r"(\d[\d,]*) (?:token )?maximum\b",
        r"context limit: \d+ \+ \d+ > (\d+)",
        r"\bn_ctx\D{0,4}(\d+)",
        r"context (?:size|length|window)(?: of| is)?(?: only)? ?\(?(\d[\d,]*)",
        r"max_(?:model|seq)_len\D{0,24}?(\d+)",
        r"tokens allowed \(?(\d[\d,]*)",
        r"(?:supports up to|limit of|cannot exceed|must be <=) (\d[\d,]*)",
        r"input length of (\d[\d,]*)",
        r"token limit: (\d+)",
        r"limit is (\d+)",
        r"should be \[\d+, ?(\d+)\]",
    )
)
_PROMPTS = tuple(
    re.compile(rf"(?i){pattern}")
    for pattern in (
        r"\((\d[\d,]*) (?:in the messages|in your prompt|of text input)",
        r"(\d[\d,]*) tokens (?:in the messages|from the input messages)",
        r"(?:resulted in|contains?|has)(?: at least)? (\d[\d,]*) (?:input )?tokens",
        r"too long: (\d[\d,]*) tokens",
        r"context limit: (\d+) \+",
        r"n_prompt_tokens\D{0,4}(\d+)",
        r"(?:request|input|prompt) \((\d[\d,]*) tokens\)",
        r"(?:prompt \(|input )length \(?(\d[\d,]*)",
        r"token count(?: is)? \(?(\d[\d,]*)",
        r"given: (\d+) .?inputs",
        r"received (\d[\d,]*)",
        r"requested: (\d+)",
    )
)


class TooLong(NamedTuple):
    """A request that does not fit, with its numbers where the server gives them."""

    limit_tokens: int | None
    """That a request may have, or a prompt alone."""
    prompt_tokens: int | None
    """That the prompt has, or at least has."""


def too_long(status: int | None, reply: str) -> TooLong | None:
    """How a request is too long for the model, by an error reply; None where it says no such thing.

    Args:
        status: HTTP status of the reply.
        reply: its text.
    """
    words = words_of(reply)
    per_minute = _TOO_LARGE_A_MINUTE.search(words)
    if per_minute:  # more than a whole minute may hold: no wait mends it
        limit, asked = int(per_minute["limit"]), int(per_minute[2])
        return TooLong(limit, None) if asked > limit else None
    if status == 413:
        return TooLong(_first(_LIMITS, words), _first(_PROMPTS, words))
    if status == 429 or _LIMITED.search(words) or not _TOO_LONG.search(words):
        return None
    return TooLong(_first(_LIMITS, words), _first(_PROMPTS, words))


def words_of(reply: str) -> str:
    """The server's own words in an error reply, a line a field, without what it echoes."""
    return "\n".join(islice(_said(reply, "error"), MOST_FIELDS))


def _said(value: Any, name: str, depth: int = 0) -> Iterator[str]:
    if depth > DEEPEST:
        return
    inner = _parsed(value) if isinstance(value, str) else value
    if isinstance(inner, Mapping):
        for key, item in inner.items():
            if key in _SAYING:
                yield from _said(item, key, depth + 1)
    elif isinstance(inner, list):
        for item in inner:
            yield from _said(item, name, depth + 1)
    elif isinstance(inner, str):
        yield f"{name}: {_ECHO.split(inner[:LONGEST_WORDS], maxsplit=1)[0]}"
    elif inner is not None:
        yield f"{name}: {inner}"


def _parsed(text: str) -> Any:
    """JSON, such as a gateway has it around the error of the server behind it, or else the text."""
    try:
        return json.loads(text) if text.lstrip()[:1] in ("{", "[") else text
    except (ValueError, RecursionError):
        return text


def _first(patterns: tuple[re.Pattern[str], ...], words: str) -> int | None:
    found = (pattern.search(words) for pattern in patterns)
    number = next((match[1] for match in found if match), None)
    return None if number is None else int(number.replace(",", ""))
