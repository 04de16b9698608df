"""How many tokens of a model's context are left for what it looks up in a decision."""

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from investorbench.agents.llm import LanguageModel, Model, Tool
from investorbench.agents.llm.canonical import canonical
from investorbench.agents.llm.tokens import MESSAGE_TOKENS, counter_of

RESERVE = 1_000
"""Tokens for what is said of calls that found no room, and for a repair turn."""


class Room:
    """The tokens that are left; without end where the model's settings do not say.

    Args:
        model: what answers.
        tools: that it is shown.
        schema: of its answer.
    """

    def __init__(self, model: LanguageModel, tools: Iterable[Tool], schema: Any) -> None:
        settings: Model | None = getattr(model, "model", None)
        self.left = math.inf
        if settings is None or not model.is_language_model or settings.context_length is None:
            return
        self._count = counter_of(settings.tokenizer)
        self.left = settings.context_length - 2 * settings.sampling.max_tokens - RESERVE
        self.use(canonical([schema, *(asdict(tool) for tool in tools)]))

    def use(self, text: str) -> None:
        """Count a message in."""
        if self.left < math.inf:
            self.left -= self._count(text) + MESSAGE_TOKENS

    def fits(self, text: str) -> bool:
        """Whether there is room for a message."""
        return self.left == math.inf or self._count(text) + MESSAGE_TOKENS <= self.left
