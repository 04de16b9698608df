"""What a server says of its own reply, believed only where it is whole."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeGuard

from investorbench.agents.llm.answer import Completion, Usage
from investorbench.agents.llm.fitting import utf8
from investorbench.agents.llm.retrying import Fault

MOST_TOKENS = 10**9
"""A greater number is none of the tokens of a reply."""


class UnreadableBodyError(Exception):
    """A body that is not read to its end, and why."""


def counted(given: Mapping[str, Any], *, has_output: bool) -> Usage:
    """Tokens as a server counted them; unknown where its count cannot be right.

    Args:
        given: ``input`` and ``output``, and where the server says them ``total``, ``cached`` and
            ``reasoning`` and ``stored``, as they came; None for what it left out.
        has_output: whether the reply holds anything that a model generated.
    """
    read, written, total = given.get("input"), given.get("output"), given.get("total")
    if not (is_count(read) and is_count(written) and (total is None or is_count(total))):
        return Usage()
    # Some servers count the thinking in the total alone.
    output = written if total is None else total - read
    if read == 0 or output < written or (written == 0 and has_output):
        return Usage()
    cached = _part(given.get("cached"), read)
    return Usage(
        input=read,
        output=output,
        cached=cached,
        stored=_part(given.get("stored"), read - cached),
        reasoning=_part(given.get("reasoning"), output),
        known=True,
    )


def stated_error(text: str) -> Fault | None:
    """The error that a reply of status 200 states, as gateways send it; None where it states none.

    Args:
        text: its body.
    """
    try:
        code = int(json.loads(text)["error"]["code"])
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return None
    if not 400 <= code < 600:
        return None
    return Fault("status", f"HTTP 200 with error {code}", status=code, reply=text)


def whole(completion: Completion, ended: Any) -> Completion:
    """A reply of the model, whatever it says.

    Args:
        completion: as it was read.
        ended: the server's own word for why it ended, as it came.

    Raises:
        Fault: there is no reply, since the server broke it off or gives no reason for its end.
    """
    says_something = (
        completion.text or completion.reasoning or completion.refusal or completion.tool_calls
    )
    if not says_something and (not ended or completion.is_broken_off):
        raise Fault("broken_off", f"the server broke the reply off: finish_reason {ended!r}")
    # What was said may be said again in the next question, which must be sendable.
    text, reasoning = utf8(completion.text), utf8(completion.reasoning)
    return replace(completion, text=text, reasoning=reasoning)


def _part(value: Any, whole: int) -> int:
    """A part of a number of tokens; none where it cannot be one."""
    return value if is_count(value) and value <= whole else 0


def is_count(value: Any) -> TypeGuard[int]:
    """Whether this is a number of tokens."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
