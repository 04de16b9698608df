"""A day of one asset in words, and a decision as an action, for agents in which others decide.

It knows no model and no framework.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from investorbench.agents.agent import Action, Info, Observation
from investorbench.agents.asked_forecasts import AskedForecast
from investorbench.agents.llm.answer import Completion, Content
from investorbench.agents.llm.contents import image_part, text_part
from investorbench.agents.llm.replies import read_reply
from investorbench.agents.single_asset import takes_weight
from investorbench_env.facts import Facts
from investorbench_env.rendering.png import png_of
from investorbench_env.spaces import HOLD, TRADE_WORDS
from investorbench_env.wrappers.quotations import QuotationLimits
from investorbench_env.wrappers.text import ObservationWords

LIMITS = QuotationLimits(news=12, news_characters=400, filing_characters=2_500)
"""Of the texts in a day's words: some 5,000 tokens at most, filings of the first day included."""
DECISION, RATIONALE = "decision", "rationale"
LONGEST = 20_000
"""Characters of a text that a decision is looked for in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What was decided, as an environment takes it.

    Attributes:
        action: 0 sell, 1 hold, 2 buy; or a target weight, float32 [1].
        said: the word or the number; ``hold`` where there is none.
        valid: whether there is one.
        rationale: why; may be empty.
        chosen: the action, with a forecast where one was asked for and came.
    """

    action: Action
    said: str | float
    valid: bool
    rationale: str = ""
    chosen: Any = None

    def record(self) -> dict[str, Any]:
        """As a record of a step holds it."""
        said = {"word": self.said} if isinstance(self.said, str) else {"weight": self.said}
        return {DECISION: {**said, "valid": self.valid, RATIONALE: self.rationale}}


class Interpreter:
    """What an agent is shown of an environment, and what its decisions mean there.

    Args:
        facts: of the environment.
        agent: whose it is, for errors.
        forecast: what is asked for beside a decision; None for nothing.

    Raises:
        InvestorBenchError: there are several assets, or actions of another kind.
    """

    def __init__(self, facts: Facts, agent: str, forecast: str | None = None) -> None:
        self._asked = AskedForecast(forecast, facts)
        self.by_weight = takes_weight(facts, agent)
        self._lowest = 0.0 if facts.long_only else -1.0
        self._words = ObservationWords(facts, limits=LIMITS)

    def task(self, observation: Observation) -> str:
        """What never changes in an episode."""
        return self._words.task(frozenset(observation)) + self._asked.paragraph

    def today(self, observation: Observation, info: Info) -> str:
        """What is known today: prices, account, texts."""
        return self._words.today(observation, dict(info)).strip()

    def content(self, observation: Observation, info: Info) -> Content:
        """The same as a message holds it, with the chart where it is observed."""
        text = self.today(observation, info)
        if "chart" not in observation:
            return text
        return [text_part(text), image_part(png_of(observation["chart"]))]

    @property
    def schema(self) -> dict[str, Any]:
        """A JSON Schema of a decision that :meth:`read` takes."""
        weight = {"type": "number", "minimum": self._lowest, "maximum": 1.0}
        word = {"type": "string", "enum": [*reversed(TRADE_WORDS)]}
        parts = {RATIONALE: {"type": "string"}, DECISION: weight if self.by_weight else word}
        return self._asked.schema(
            {
                "type": "object",
                "properties": parts,
                "required": [*parts],
                "additionalProperties": False,
            }
        )

    def read(self, given: Any, info: Info) -> Decided:
        """A decision: a word, the number of an action, a weight, or what has one as ``decision``.

        Args:
            given: of these, itself, in a mapping, as an attribute, or in a text with JSON in it.
            info: of the day; where nothing can be read, the position is left as it is.
        """
        if isinstance(given, str) and "{" in given:
            form = {**self.schema, "required": [DECISION]}
            given = read_reply(Completion(text=given), form, LONGEST).value
        rationale = ""
        held: Mapping[str, Any] | None = None
        if isinstance(given, Mapping) or hasattr(given, DECISION):
            held = given if isinstance(given, Mapping) else vars(given)
            given, rationale = held.get(DECISION), str(held.get(RATIONALE) or "")
        said = self._weight(given) if self.by_weight else self._word(given)
        action = self._hold(info) if said is None else self._action(said, info)
        return Decided(
            action=action,
            said="hold" if said is None else said,
            valid=said is not None,
            rationale=rationale,
            chosen=self._asked.decided(action, held),
        )

    def _word(self, given: Any) -> str | None:
        if isinstance(given, str) and given.strip().lower() in TRADE_WORDS:
            return given.strip().lower()
        is_number = isinstance(given, int | np.integer) and not isinstance(given, bool)
        return TRADE_WORDS[given] if is_number and 0 <= given < len(TRADE_WORDS) else None

    def _weight(self, given: Any) -> str | float | None:
        word = self._word(given) if isinstance(given, str) else None
        if word is not None or isinstance(given, bool | str):
            return word
        try:
            weight = float(np.asarray(given, dtype=np.float64).item())
        except (TypeError, ValueError, OverflowError):
            return None
        return weight if math.isfinite(weight) and self._lowest <= weight <= 1.0 else None

    def _action(self, said: str | float, info: Info) -> Action:
        if not self.by_weight:
            return TRADE_WORDS.index(str(said))
        ends = {"sell": self._lowest, "buy": 1.0}
        weight = ends.get(said) if isinstance(said, str) else said
        return self._hold(info) if weight is None else np.array([weight], dtype=np.float32)

    def _hold(self, info: Info) -> Action:
        if not self.by_weight:
            return HOLD
        weight = min(max(float(info["weight"]), self._lowest), 1.0)
        return np.array([weight], dtype=np.float32)
