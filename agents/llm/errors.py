"""The errors of language models and their servers: what failed, where, and what to do next.

No message here ever holds a key: texts from a server pass through :func:`without_secrets` first.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from investorbench_env.errors import InvestorBenchError

SHOWN_CHARACTERS = 300
SHOWN_OF_AN_ANSWER = 200
SHORTEST_KEY = 12
SHOWN_USD = 0.00005
BEYOND = "calls that cost more than was set aside for them"
"""Why calls may cost more than was set aside for them."""
# What keys look like, for servers that echo one that was mistyped and so is not ours to know.
_KEYS = re.compile(
    r"\b(sk|pk|hf|gsk|xai)[-_][A-Za-z0-9_\-]{8,}|\bAIza[A-Za-z0-9_\-]{20,}|(?i:bearer)\s+[A-Za-z0-9._\-]{8,}"
)


class ModelError(InvestorBenchError):
    """A language model, its server or its settings; the parent of the errors below."""


class MissingKeyError(ModelError):
    """A server needs a key, and the environment variable that holds it is not set."""

    def __init__(self, variable: str, model: str) -> None:
        super().__init__(
            f"model {model} needs a key: set the environment variable {variable} "
            f"(export {variable}=…); keys are read from the environment only"
        )


class ServerError(ModelError):
    """A server gave no usable reply after every retry: its address, why, and its last reply.

    A run that ends with this can be resumed: nothing that was answered is lost.
    """

    def __init__(self, address: str, reason: str, last_reply: str = "") -> None:
        quoted = f"; its last reply: {last_reply[:SHOWN_CHARACTERS]!r}" if last_reply else ""
        super().__init__(f"{address}: {reason}{quoted}")
        self.address = address
        self.last_reply = last_reply[:SHOWN_CHARACTERS]


class RequestRefusedError(ServerError):
    """A server refuses the request itself, so that asking again would not help.

    Attributes:
        status: HTTP status of its reply; None where that is not known.
        reply: the whole of its reply.
    """

    def __init__(
        self, address: str, reason: str, last_reply: str = "", status: int | None = None
    ) -> None:
        super().__init__(address, reason, last_reply)
        self.status, self.reply = status, last_reply


class ContextLengthError(RequestRefusedError):
    """A request is longer than the model takes; a shorter one may be answered.

    Attributes:
        limit_tokens: that a request may have, or its prompt alone; None where the server says none.
        prompt_tokens: that the prompt has, or at least has; likewise.
        request_hash: SHA-256 of all that determines an answer to the request; may be empty.
    """

    request_hash = ""

    def __init__(
        self,
        address: str,
        model: str,
        limit_tokens: int | None,
        prompt_tokens: int | None,
        last_reply: str = "",
        status: int | None = None,
    ) -> None:
        has = "" if prompt_tokens is None else f"; its prompt has {prompt_tokens:,} tokens"
        may = "" if limit_tokens is None else f"; at most {limit_tokens:,} tokens are allowed"
        super().__init__(
            address,
            f"a request is too long for the model {model}{has}{may}: set model.context_length to "
            "what its server takes, or a smaller sampling.max_tokens",
            last_reply,
            status,
        )
        self.limit_tokens, self.prompt_tokens = limit_tokens, prompt_tokens


class UnusableAnswersError(ModelError):
    """A model gave so many answers in a row that cannot be used that asking on is a waste.

    Args:
        model: its name.
        in_a_row: how many.
        last: of the last of them, oldest first, why each cannot be used, and its text.
    """

    def __init__(self, model: str, in_a_row: int, last: Sequence[tuple[str, str]]) -> None:
        shown = "; ".join(
            f"{defect}: {text[:SHOWN_OF_AN_ANSWER]!r}" if text else f"{defect}: no text"
            for defect, text in last
        )
        super().__init__(
            f"stopped: the last {in_a_row} answers of {model} cannot be used, such as {shown}; "
            "look at its server, its chat template and sampling.max_tokens; the same command "
            "resumes the run"
        )


class SpendCapError(ModelError):
    """The next call could exceed the spend cap; what was answered before it is kept.

    Args:
        max_usd: the cap.
        spent_usd: what is spent.
        next_usd: what the next call can cost.
        beyond_usd: what calls cost beyond what was set aside for them.
    """

    def __init__(
        self, max_usd: float, spent_usd: float, next_usd: float, beyond_usd: float = 0.0
    ) -> None:
        beyond = f" ({beyond_usd:.4f} of it by {BEYOND})" if beyond_usd >= SHOWN_USD else ""
        super().__init__(
            f"stopped before a call that could exceed max_usd={max_usd:g}: {spent_usd:.4f} USD "
            f"are spent{beyond} and the next call costs up to {next_usd:.4f}; everything so far is "
            "kept: raise max_usd and resume"
        )


class CacheMissError(ModelError):
    """``replay_only`` and the cache has no such answer."""

    def __init__(self, key: str, where: str) -> None:
        super().__init__(
            f"no answer with key {key} in the cache {where}, and cache mode replay_only asks no "
            "server: replay with the prompts, model and seeds of the recording (of a model that is "
            "published nowhere, its base_url as well), or use read_write"
        )
        self.key = key


class NotPassedError(ModelError):
    """A request of a client that the proxy does not send on.

    Args:
        status: HTTP status of the reply that says so.
        why: what is wrong with it, and what to do.
        kind: of the error, in a word.
    """

    def __init__(self, status: int, why: str, kind: str = "invalid_request_error") -> None:
        super().__init__(why)
        self.status, self.kind = status, kind


class CacheError(ModelError):
    """A file that is no cache of answers, or one of another version."""


class RetiredModelWarning(UserWarning):
    """A model whose maker has announced that its servers no longer answer for it."""


def without_key(text: str, key: str) -> str:
    """The text with a key blotted out; one as short as ``EMPTY`` is a word, and no secret."""
    return text.replace(key, "[key]") if len(key) >= SHORTEST_KEY else text


def without_secrets(text: str, key: str = "") -> str:
    """The text of an error with the key blotted out, and whatever looks like one."""
    return _KEYS.sub("[key]", without_key(text, key))


def public_address(url: str) -> str:
    """An address without user names, passwords or query, fit for a message."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, host + port, parts.path.rstrip("/"), "", ""))
