"""Which parameters a server does not take: found out from the error that names one, as rungs are.

What is no longer sent is no part of what determines an answer, and so of its key in the cache.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from investorbench.agents.llm.error_replies import words_of
from investorbench.agents.llm.ladder import REFUSING_STATUSES
from investorbench.agents.llm.models import Accepts
from investorbench.agents.llm.request import Request

SHOWN = 200
"""Characters of a reply that are kept as evidence."""
_NAMED = {
    name: re.compile(rf"(?i){pattern}")
    for name, pattern in {
        "top_p": r"\btop_?p\b",  # before temperature: some servers take either, and name both
        "temperature": r"\btemperature\b",
        "seed": r"\bseed\b",
        "reasoning_effort": r"reasoning[_. ]effort|config.effort|\bthinking.?(?:level|budget)",
        "max_completion_tokens": r"\bmax_completion_tokens\b",
        "max_tokens": r"\bmax_tokens\b",
        "system_role": r"\b(?:system|developer)\b.{0,20}?(?:role|instruction|message|prompt)"
        r"|\brole\b.{0,60}?\b(?:system|developer)\b|roles must alternate",
    }.items()
}
FIELDS = {"max_completion_tokens": "max_tokens"}
"""What of ``Accepts`` says whether a parameter is sent, where it has another name."""
_REFUSES = re.compile(
    r"""(?ix)
    unsupported | unrecogni[sz]ed | unknown | unexpected | deprecated | extra\ (?:input|field)
    | not\ (?:a\ )?(?:supported|permitted|allowed|enabled|available|valid|one\ of)
    | n[o']t\ (?:support|accept|allow|take) | invalid\ (?:parameter|argument|field|role)
    | cannot\ (?:both|find\ field) | may\ only | only\ the\ default | only\ supports?\ roles?
    | only\ .{0,40}roles?\ (?:is|are)\ supported | must\ alternate
    """
)
_PARAM = re.compile(r"(?m)^param: (.+)$")
_WITH_TOOLS = re.compile(r"(?i)\btools? with reasoning")
"""Not the thinking is refused but tools beside it, and a default would be no other."""
_OF_THE_SCHEMA = re.compile(r"(?i)response_format|json_schema|\bschema\b|output_config.format")


@dataclass(slots=True)
class Taken:
    """What the server of a model takes, as far as is known.

    Args:
        accepts: what its settings say, and then what was found.
    """

    accepts: Accepts
    evidence: list[str] = field(default_factory=list)
    """Why each parameter is no longer sent, in order."""
    _refused: set[str] = field(default_factory=set)

    def refuse(self, request: Request, status: int | None, reply: str, reason: str) -> bool:
        """Whether an error names a parameter that can be left out; it is no longer sent then.

        Many calls may report the same refusal at once; only the first changes anything.
        """
        name = refused(request, status, reply)
        if name is None:
            return False
        part = FIELDS.get(name, name)
        if getattr(request.model.accepts, part) != getattr(self.accepts, part):
            return True  # another call found it out
        instead = _without(self.accepts, name)
        if getattr(instead, part) in self._refused:
            return False
        self._refused.add(name)
        self.accepts = instead
        self.evidence.append(f"{name}: {reason} {reply[:SHOWN]}")
        return True


def refused(request: Request, status: int | None, reply: str) -> str | None:
    """The parameter of a request that an error reply names as not taken; None where it names none.

    Args:
        request: as it was sent.
        status: HTTP status of the reply.
        reply: its text.
    """
    words = words_of(reply)
    if status not in REFUSING_STATUSES or not _REFUSES.search(words):
        return None
    if _WITH_TOOLS.search(words):
        return None
    param = _PARAM.search(words)
    said = words
    if param and not param[1].startswith(("messages", "input")):
        said = param[1]
    elif not param and _OF_THE_SCHEMA.search(words):
        return None  # a schema may have properties of any name
    return next(
        (name for name in _NAMED if name in request.parameters and _NAMED[name].search(said)), None
    )


def _without(accepts: Accepts, name: str) -> Accepts:
    """What a server takes that does not take a parameter."""
    changes: dict[str, Any] = {
        "reasoning_effort": {"reasoning_effort": ()},
        "system_role": {"system_role": "system" if accepts.system_role == "developer" else None},
        "max_tokens": {"max_tokens": "max_completion_tokens"},
        "max_completion_tokens": {"max_tokens": "max_tokens"},
    }
    return replace(accepts, **changes.get(name, {name: False}))
