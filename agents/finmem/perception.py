"""What the agent perceives: an observation and its info, in numbers and as texts to remember."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import Any, NamedTuple

from investorbench.agents.finmem.filings import (
    Digest,
    cut_once,
    extractive,
    is_kept_whole,
    passages_of,
)
from investorbench.agents.finmem.foreign import neutral
from investorbench.agents.single_asset import known_closes
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.documents import FURTHER_KINDS, Document
from investorbench_env.spaces import AccountFigures
from investorbench_env.wrappers.wording import distribution_words

SHOWN_CLOSES = 6
ROUNDING_ERROR = 1e-8
MOMENTUM_SESSIONS = 3
"""As in InvestorBench (Li et al., 2025); it reaches back over the start of a split."""

LAYERS = {
    "news": "short",
    "8-K": "short",
    "10-Q": "mid",
    "6-K": "mid",
    "10-K": "long",
    "20-F": "long",
    "40-F": "long",
}
"""Where a document goes by its kind; filings of other forms go where quarterly reports do."""


class SentimentCounts(NamedTuple):
    """How many news since the last decision came with which label."""

    positive: int
    neutral: int
    negative: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Perception:
    """Today in numbers.

    Attributes:
        symbol: the asset.
        session: YYYY-MM-DD.
        closes: the last closes, oldest first, today's last.
        returns: from each of them to the next, as shares of 1.
        momentum: return over the last three sessions; None where the window is too short.
        position: shares, negative when short (a weight, where the protocol has no shares).
        weight: of the position in equity.
        cash: in the account's currency, like the next two.
        equity: cash and position.
        unrealised_pnl: of the open position.
        total_return: of equity since the first decision of the split.
        sentiment: of the news since the last decision; None where it is not observed.
        distributions: dividends and share splits since the last decision, in words.
    """

    symbol: str
    session: str
    closes: tuple[float, ...]
    returns: tuple[float, ...]
    momentum: float | None
    position: float
    weight: float
    cash: float
    equity: float
    unrealised_pnl: float | None
    total_return: float
    sentiment: SentimentCounts | None
    distributions: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The numbers as lines of text, oldest first."""
        returns = ", ".join(map(signed_percent, self.returns)) or "unknown"
        over = f"Momentum over {MOMENTUM_SESSIONS} sessions"
        lines = [
            f"Session: {self.session}",
            *(f"{words}." for words in self.distributions),
            f"Closes of {self.symbol}: {', '.join(map(amount, self.closes))}",
            f"Returns from close to close: {returns}",
            f"{over}: {'unknown' if self.momentum is None else signed_percent(self.momentum)}",
        ]
        pnl = (
            "" if self.unrealised_pnl is None else f", unrealised PnL {amount(self.unrealised_pnl)}"
        )
        lines += [
            f"Position: {side_word(self.position)}, {amount(self.position)} units, "
            f"weight {signed_percent(self.weight)}{pnl}",
            f"Cash: {amount(self.cash)}. Equity: {amount(self.equity)}, "
            f"{signed_percent(self.total_return)} since the start.",
        ]
        return "\n".join(lines)

    def question(self) -> str:
        """What is asked of memory, beside what is new."""
        moved = "rose" if self.returns and self.returns[-1] >= 0.0 else "fell"
        return f"What moves {self.symbol}, which {moved}?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One document on its way into memory, or a part of it; plain values, so that it can be saved.

    Attributes:
        key: of the document.
        layer: where it goes.
        text: what is remembered; of a filing, where it is short enough to be kept whole.
        time: YYYY-MM-DD.
        metadata: beside the text.
        filing: the whole text of a filing that is still to be read; None of all else.
    """

    key: str
    layer: str
    text: str
    time: str
    metadata: dict[str, str]
    filing: str | None = None

    def is_kept_whole(self, longest: int) -> bool:
        """Whether it is what somebody wrote of a filing, and short enough to be kept as it is."""
        if self.filing is None:
            return False
        return is_kept_whole(cut_once(self.filing, self.metadata["kind"]), self.filing, longest)

    def about_filing(self, by: str) -> dict[str, str]:
        """Of a filing what is known of it before it is read, and what distinguishes it."""
        return {"form": self.metadata["kind"], "filed": self.time, "period": "", "by": by}

    def read(self, longest: int, digest: Digest = extractive) -> list["Arrival"]:
        """What it leaves in memory: itself, or of a filing its passages.

        Args:
            longest: characters to keep of a filing.
            digest: what is kept of its sections.
        """
        if self.filing is None:
            return [self] if neutral(self.text).strip() else []  # some texts are invisible
        kind = self.metadata["kind"]
        about = self.metadata | {"form": kind, "filed": self.time}
        return [
            replace(
                self,
                text=self.text if passage.by == "whole" else passage.text,
                metadata=about | passage.metadata(),
                filing=None,
            )
            for passage in passages_of(self.filing, kind, longest, digest)
            if passage.text
        ]


def perceive(
    observation: Mapping[str, Any], info: Mapping[str, Any], start_equity: float | None
) -> Perception:
    """Today in numbers.

    Args:
        observation: with ``bars`` and ``mask``; what else is missing is left out.
        info: of the same step.
        start_equity: at the first decision of the split; None where this is it.

    Raises:
        InvestorBenchError: prices are not observed, or there is none yet.
    """
    if "bars" not in observation:
        raise InvestorBenchError(
            'FinMem reads prices: add "bars" to modalities, or leave modalities out'
        )
    closes = known_closes(observation).tolist()
    if not closes:
        raise InvestorBenchError(
            f"no bar of {info['symbol']} is known in the window that ends on {info['session']}"
        )
    shown = closes[-SHOWN_CLOSES:]
    equity = float(info["equity"])
    start = equity if start_equity is None else start_equity
    account = observation.get("account")
    sentiment = observation.get("sentiment")
    return Perception(
        symbol=str(info["symbol"]),
        session=str(info["session"]),
        closes=tuple(shown),
        returns=tuple(b / a - 1.0 for a, b in pairwise(shown)),
        momentum=_momentum(closes),
        position=float(info["position"]),
        weight=float(info["weight"]),
        cash=float(info["cash"]),
        equity=equity,
        unrealised_pnl=None
        if account is None
        else AccountFigures(*account.tolist()).unrealised_pnl,
        total_return=equity / start - 1.0 if start else 0.0,
        sentiment=None if sentiment is None else SentimentCounts(*(int(n) for n in sentiment)),
        distributions=tuple(distribution_words(info)),
    )


def arrivals(
    documents: Iterable[Document], session: str, seen: Collection[str], longest: int
) -> tuple[Arrival, ...]:
    """Documents that were not seen before, in the order they came; filings are still to be read.

    Args:
        documents: of an info; those of further kinds are passed over.
        session: of the info, YYYY-MM-DD: no later day is given for any of them, for a text of the
            evening is of the next day in UTC.
        seen: keys of those that came before.
        longest: characters of a text that are kept.
    """
    found = (
        _arrival(document, session, longest)
        for document in documents
        if document.kind not in FURTHER_KINDS
    )
    return tuple({each.key: each for each in found if each.key not in seen}.values())


@lru_cache(maxsize=1 << 12)
def _arrival(document: Document, session: str, longest: int) -> Arrival:
    """One document; it comes once with an outcome and once with the observation that follows."""
    metadata = {"kind": document.kind, "id": document.id, "source": document.source}
    if document.sentiment:
        metadata["rating"] = document.sentiment
    return Arrival(
        key=_key(document),
        layer=LAYERS.get(document.kind.removesuffix("/A"), "mid"),
        text=_text(document, longest),
        time=min(document.available_at.date().isoformat(), session),
        metadata=metadata,
        filing=document.text if document.is_filing else None,
    )


def signed_percent(share: float) -> str:
    """0.0123 as ``+1.23%``."""
    return f"{share:+.2%}"


def amount(value: float) -> str:
    """Money or a price with as many digits as it takes; what rounding leaves of it is zero."""
    value = 0.0 if abs(value) < ROUNDING_ERROR else value
    return f"{value:.2f}" if abs(value) >= 1.0 or value == 0.0 else f"{value:.6g}"


def side_word(position: float) -> str:
    """``long``, ``short`` or ``none``."""
    return "long" if position > 0 else "short" if position < 0 else "none"


def _momentum(closes: Sequence[float]) -> float | None:
    if len(closes) <= MOMENTUM_SESSIONS:
        return None
    return float(closes[-1] / closes[-1 - MOMENTUM_SESSIONS] - 1.0)


def _key(document: Document) -> str:
    parts = (document.id, document.kind, document.available_at.isoformat(), str(document))
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def _text(document: Document, longest: int) -> str:
    """The text, whole or cut between two words."""
    text = str(document).strip()
    return text if len(text) <= longest else text[:longest].rsplit(maxsplit=1)[0] + " […]"
