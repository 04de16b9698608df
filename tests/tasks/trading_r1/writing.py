"""Agents that record theses as the reader of records expects them, and a market to write about."""

from hashlib import sha256
from typing import Any

import numpy as np

from investorbench.agents.thesis.thesis import CLASSES
from investorbench.tasks import Task
from tests.env.small_markets import small_market
from tests.tasks.trading_r1.theses import BRIEFING, IDS, thesis

RNG = np.random.default_rng(16)
CLOSES = (100.0 * np.exp(RNG.normal(0.0004, 0.02, 330).cumsum())).tolist()
MARKET = small_market(CLOSES)
DAYS = [str(day) for day in MARKET.sessions]
LABELS = {"train": [DAYS[40], DAYS[180]]}
SHA256 = sha256(BRIEFING.encode()).hexdigest()
ACTIONS = {"STRONG_BUY": 2, "BUY": 2, "HOLD": 1, "SELL": 0, "STRONG_SELL": 0, None: 1}


def small_task(first: int = 196, last: int = 329, **changes: Any) -> Task:
    """Days of the small market, by their numbers."""
    given = {"labels": LABELS, "start": DAYS[first], "end": DAYS[last], **changes}
    return Task(id="InvestorBench/Stock", data=MARKET, **given)


class Writer:
    """Writes one honest thesis after another, and decides by chance; at times nothing."""

    name = "writer"

    def begin(self, facts: Any, split: str, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def act(self, observation: Any, info: Any) -> int:
        number = int(self._rng.integers(len(CLASSES) + 1))
        decided = CLASSES[number] if number < len(CLASSES) else None
        self._text = thesis(decision="no more" if decided is None else f"[[[{decided}]]]")
        return ACTIONS[decided]

    def record(self) -> dict[str, Any]:
        return {
            "thesis": {"text": self._text},
            "briefing": {"ids": list(IDS), "cut": [], "seed": 0, "sha256": SHA256},
            "question": {"system": "Write.", "user": BRIEFING},
        }


class AlwaysBuys:
    """Decides one class without a briefing."""

    name = "always_buys"

    def act(self, observation: Any, info: Any) -> int:
        return 2

    def record(self) -> dict[str, Any]:
        return {"thesis": {"text": "[[[BUY]]]"}}
