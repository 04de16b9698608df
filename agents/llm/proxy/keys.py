"""The keys of a proxy: one for each episode, and what was asked, answered and paid with each."""

import re
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from investorbench.agents.llm.answer import Answer, Usage
from investorbench.agents.llm.errors import ModelError, NotPassedError

PREFIX = "sk-ib-"
_LABEL = re.compile(r"[A-Za-z0-9._-]{1,64}")
EMBEDDING = "embedding"
"""The role of what is no answer of a language model, and is paid for all the same."""


class Listener(Protocol):
    """What counts the answers of an episode; called from the proxy's own thread."""

    def require_open(self) -> None:
        """Refuse to ask on, by the error that says why."""

    def note(self, answer: Answer, role: str | None) -> None:
        """Count an answer in."""

    def fail(self, error: ModelError) -> None:
        """Know of an error that the client was sent in place of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyKey:
    """What a client needs to ask through a proxy.

    Attributes:
        base_url: what it takes for its server, such as ``"http://127.0.0.1:40123/v1"``.
        api_key: what it takes for its key.
        model: the id of the model that answers, whatever model the client asks for.
    """

    base_url: str
    api_key: str
    model: str


@dataclass(slots=True, kw_only=True)
class KeyUse:
    """What came of the requests with one key.

    Attributes:
        payer: whose calls a budget counts them as.
        sample: part of the key of each answer in the cache: others get samples of their own.
        listener: who counts the answers besides.
    """

    payer: str = ""
    sample: str | int | None = None
    listener: Listener | None = None
    requests: int = 0
    cached: int = 0
    attempts: int = 0
    cost_usd: float = 0.0
    usage: Usage = field(default_factory=lambda: Usage(known=True))
    status: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    def note(self, answer: Answer, role: str | None) -> None:
        """Count an answer in."""
        self.cached += answer.cached
        self.pay(answer.attempts, answer.cost_usd or 0.0)
        self.usage += answer.usage
        self.status[answer.status] += 1
        if self.listener is not None:
            self.listener.note(answer, role)

    def pay(self, attempts: int, cost_usd: float) -> None:
        """Count in what was sent for an answer, and what that cost."""
        self.attempts += attempts
        self.cost_usd += cost_usd

    def fail(self, error: ModelError, kind: str) -> None:
        """Count an error in."""
        self.errors[kind] += 1
        if self.listener is not None:
            self.listener.fail(error)

    def add(self, other: "KeyUse") -> None:
        """Count in what came of the requests with another key."""
        self.requests += other.requests
        self.cached += other.cached
        self.attempts += other.attempts
        self.cost_usd += other.cost_usd
        self.usage += other.usage
        self.status += other.status
        self.errors += other.errors

    def figures(self) -> dict[str, Any]:
        """What it comes to, as plain JSON values."""
        tokens = asdict(self.usage)
        del tokens["known"]
        return {
            "requests": self.requests,
            "cached": self.cached,
            "attempts": self.attempts,
            "status": dict(sorted(self.status.items())),
            "errors": dict(sorted(self.errors.items())),
            "tokens": tokens,
            "cost_usd": self.cost_usd,
        }


class Keys:
    """All keys of a proxy. They are drawn at random, and known to nothing else."""

    def __init__(self) -> None:
        self._uses: dict[str, KeyUse] = {}
        self._open: set[str] = set()

    def mint(self, use: KeyUse, *, takes_labels: bool = False) -> str:
        """A key, drawn at random.

        Args:
            use: where what comes of its requests is counted.
            takes_labels: whether the key followed by ``-`` and a name is a key, too, with
                counts and samples of its own.
        """
        key = PREFIX + secrets.token_urlsafe(24)
        self._uses[key] = use
        if takes_labels:
            self._open.add(key)
        return key

    def use_of(self, headers: Mapping[str, str]) -> KeyUse:
        """Whose request it is, by its headers.

        Raises:
            NotPassedError: it is none of these keys.
        """
        key = headers.get("authorization", "").removeprefix("Bearer ").strip()
        key = key or headers.get("x-api-key", "").strip()
        for known in self._open:
            if key.startswith(f"{known}-") and _LABEL.fullmatch(label := key[len(known) + 1 :]):
                self._uses.setdefault(key, KeyUse(payer=label, sample=label))
        if key in self._uses:
            return self._uses[key]
        raise NotPassedError(
            401,
            "the proxy does not know the key of this request: give the api_key that it printed, or "
            "that the run gave the agent; keys of other servers stay in the environment",
            "invalid_api_key",
        )

    def figures(self) -> dict[str, Any]:
        """What came of the requests of each payer, and of all."""
        total, by_payer = KeyUse(), dict[str, KeyUse]()
        for use in self._uses.values():
            if use.requests:
                total.add(use)
                by_payer.setdefault(use.payer, KeyUse()).add(use)
        return {
            "total": total.figures(),
            "keys": {payer: use.figures() for payer, use in by_payer.items()},
        }
