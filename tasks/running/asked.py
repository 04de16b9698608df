"""A language model as one episode asks it: its answers are noted, whatever the agent records."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from investorbench.agents.llm import Answer, LanguageModel, Message, Schema, Tool
from investorbench.tasks.running.unusable import UnusableAnswers


class Asked:
    """The model that an agent is given; all else of it is that of the model behind it.

    Args:
        model: what answers.
        unusable: counts the episode's answers that cannot be used.
    """

    def __init__(self, model: LanguageModel, unusable: UnusableAnswers) -> None:
        self._model, self._unusable = model, unusable
        self._noted: list[Answer] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._model, name)

    def __deepcopy__(self, memo: Mapping[int, Any]) -> Self:
        return self  # a copy of an agent asks through the same connections

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def is_language_model(self) -> bool:
        return self._model.is_language_model

    async def decide(
        self,
        messages: Sequence[Message],
        schema: Schema | None,
        *,
        seed: int | None = None,
        repeat: int = 0,
        max_tokens: int | None = None,
        tools: Sequence[Tool] = (),
    ) -> Answer:
        """Ask the model, see ``Client.decide``.

        Raises:
            UnusableAnswersError: within this step, too many answers in a row could not be used.
        """
        if self._noted:
            self._unusable.require_few(self._noted)
        # A model of somebody's own need not know of tools where there are none.
        more = {"tools": tools} if tools else {}
        answer = await self._model.decide(
            messages, schema, seed=seed, repeat=repeat, max_tokens=max_tokens, **more
        )
        self._noted.append(answer)
        return answer

    def taken(self) -> list[Answer]:
        """The answers since the last call."""
        noted, self._noted = self._noted, []
        return noted
