"""Three wordings of one prompt: what a model decides should not hang on how it is asked.

They change the system message alone, and nothing of what a decision rests on. A wording replaces
phrases of our own prompts where they stand, and adds a sentence of its own, so that the prompts of
every agent have three.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from investorbench.agents.llm import Message
from investorbench_env.errors import InvestorBenchError

WORDED = "wordings"
"""Names the setting of a job that says how many wordings are rotated over its repeats."""


@dataclass(frozen=True, slots=True)
class PromptWording:
    """One way of putting a prompt.

    Attributes:
        phrases: pairs of a phrase of a system message and of what is said in its place.
        closing: a sentence at the end of the system message; empty for none.
    """

    phrases: tuple[tuple[str, str], ...] = ()
    closing: str = ""

    def of(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The same messages in this wording."""
        if not (self.phrases or self.closing):
            return messages
        return [self._put(each) if each["role"] == "system" else each for each in messages]

    def _put(self, message: Message) -> Message:
        text = str(message["content"])
        for phrase, other in self.phrases:
            text = text.replace(phrase, other)
        return {**message, "content": f"{text}\n\n{self.closing}" if self.closing else text}


WORDINGS: tuple[PromptWording, ...] = (
    PromptWording(),
    PromptWording(
        phrases=(
            ("You decide on one asset", "One asset is yours to decide on"),
            ("Judge by what you are shown alone", "Rest on nothing but what you are shown"),
            ("## How to weigh it", "## What counts, and how much"),
            ("to three sentences", "to 3 sentences"),
        ),
        closing="Read all that you are shown before you decide.",
    ),
    PromptWording(
        phrases=(
            ("You decide on one asset", "Your decisions are about one asset"),
            ("Judge by what you are shown alone", "Let only what you are shown count"),
            ("## How to weigh it", "## Weighing the evidence"),
            ("One JSON object with these keys, in this order", "A single JSON object, its keys in "
             "this order"),
        ),
        closing="Decide only when you have weighed everything above.",
    ),
)  # fmt: skip
"""The first is the prompt as its agent writes it."""


def require_wordings(given: Any) -> int:
    """How many wordings are rotated.

    Raises:
        InvestorBenchError: there are not so many.
    """
    if isinstance(given, bool) or given not in range(1, len(WORDINGS) + 1):
        raise InvestorBenchError(f"{WORDED}={given!r} must be from 1 to {len(WORDINGS)}")
    return int(given)


def wording_of(repeat: int, wordings: int) -> PromptWording:
    """The wording in which the questions of a repeat are put."""
    return WORDINGS[repeat % wordings]
