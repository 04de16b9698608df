"""What an agent's answers came to, if a model gave them: over all repeats and both splits."""

from typing import NamedTuple

from investorbench.tasks.result import Result


class Answers(NamedTuple):
    """Counts of a language model's answers, or of what stands in for one.

    Attributes:
        is_language_model: False where rules answered.
        decisions: how many there were.
        invalid: those without a usable answer, which became HOLD.
        read: tokens of all prompts.
        written: tokens of all answers.
        cost_usd: what they cost; None without a price.
    """

    is_language_model: bool
    decisions: int
    invalid: int
    read: int
    written: int
    cost_usd: float | None


def answers_of(result: Result) -> Answers | None:
    """Of an agent that asks a model; None of any other."""
    splits = [split for episode in result.episodes for split in (episode.answers or {}).values()]
    asked = [split for split in splits if split]
    if not asked:
        return None
    costs = [split["cost_usd"] for split in asked]
    return Answers(
        is_language_model=all(split["is_language_model"] for split in asked),
        decisions=sum(split["decisions"] for split in asked),
        invalid=sum(split["invalid"] for split in asked),
        read=sum(split["tokens"]["input"] for split in asked),
        written=sum(split["tokens"]["output"] for split in asked),
        cost_usd=None if None in costs else sum(costs),
    )
