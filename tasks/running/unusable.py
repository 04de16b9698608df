"""When an episode is ended because its model gives no answer that can be used."""

from collections.abc import Iterable, Mapping
from typing import Any

from investorbench.agents.llm import Answer, UnusableAnswersError
from investorbench.agents.llm.answer import USABLE

MOST_IN_A_ROW = 20
"""Answers of an episode in a row; a model that can do the task has never had so many."""
SHOWN = 3


class UnusableAnswers:
    """How many of an episode's last answers could not be used."""

    def __init__(self) -> None:
        self._last: list[Mapping[str, Any]] = []

    def add(self, answers: Iterable[Mapping[str, Any]]) -> None:
        """Count answers in, as they are recorded; one that can be used ends the row.

        What rules answered is no model's, and neither adds to the row nor ends it.
        """
        for answer in answers:
            if answer["is_language_model"]:
                self._last = [*self._last, answer] if answer["status"] not in USABLE else []

    def require_few(self, more: Iterable[Answer] = ()) -> None:
        """Refuse to go on where there are too many.

        Args:
            more: answers of a step that is not recorded yet.

        Raises:
            UnusableAnswersError: there are.
        """
        last = [*self._last]
        for answer in more:
            if answer.is_language_model:
                last = [] if answer.is_usable else [*last, _shown(answer)]
        if len(last) >= MOST_IN_A_ROW:
            shown = [(_why(answer), str(answer.get("text") or "")) for answer in last[-SHOWN:]]
            model = str(last[-1].get("model") or "its model")
            raise UnusableAnswersError(model, len(last), shown)


def _shown(answer: Answer) -> Mapping[str, Any]:
    return {
        "status": answer.status,
        "defects": answer.defects,
        "text": answer.text,
        "model": answer.model,
    }


def _why(answer: Mapping[str, Any]) -> str:
    """The kind of its last defect, or its status where the agent recorded no more."""
    defects = answer.get("defects")
    return str(defects[-1] if defects else answer["status"])
