"""Asks about a day within the model's context, and about less where its server takes no more."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from investorbench.agents.finmem.room import (
    FittedQuestion,
    RefusedQuestion,
    refused_by,
    smaller_room,
)
from investorbench.agents.llm import Answer, ContextLengthError, LanguageModel, Model
from investorbench.agents.llm.tokens import Counter, context_length_of, counter_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A question with its answer.

    Attributes:
        fitted: the question, and what stands in it.
        answer: of the model.
        refused: longer ones, which its server did not take.
        room: tokens that a question may have by now, as the server's refusals show it; None where
            there was none.
    """

    fitted: FittedQuestion
    answer: Answer
    refused: tuple[RefusedQuestion, ...]
    room: int | None


async def ask_within(
    model: LanguageModel,
    room: int | None,
    fit: Callable[[int | None], FittedQuestion],
    *,
    seed: int,
    more_tokens: int = 0,
) -> Answered:
    """Ask the question that there is room for.

    Args:
        model: that is asked.
        room: tokens of a question; None for no limit.
        fit: makes a question for so many.
        seed: of the sampling.
        more_tokens: that an answer may have beyond the model's own limit.

    Raises:
        ModelError: there is no room for what is always shown, or the model could not be asked.
    """
    refused: list[RefusedQuestion] = []
    longest = max_tokens_of(model) + more_tokens
    while True:
        fitted = fit(room)
        question = fitted.question
        try:
            answer = await model.decide(
                question.messages, question.schema, seed=seed,
                max_tokens=longest if more_tokens else None,
            )  # fmt: skip
        except ContextLengthError as error:
            tokens = question.tokens(counter_for(model))
            room = smaller_room(tokens, longest, error)
            refused.append(refused_by(error))
        else:
            return Answered(
                fitted=fitted,
                answer=answer,
                refused=tuple(refused),
                room=room if refused else None,
            )


class HasRoom(Protocol):
    """What is known in a repeat of how long questions may be.

    Attributes:
        context_length: tokens that a request may have; None before the first one, and where there
            is no limit.
        room: tokens of a question, after its server refused a longer one; None before that.
    """

    context_length: int | None
    room: int | None


async def room_of(model: LanguageModel, known: HasRoom, more_tokens: int = 0) -> int | None:
    """Tokens that a question may have; None for no limit.

    Args:
        model: that is asked.
        known: in this repeat; the context length is noted in it.
        more_tokens: that an answer may have beyond the model's own limit.

    Raises:
        ModelError: neither the settings of the model nor its server say.
    """
    known.context_length = known.context_length or await context_length_of(model)
    if known.room is not None or known.context_length is None:
        return known.room
    return known.context_length - max_tokens_of(model) - more_tokens


def counter_for(model: LanguageModel) -> Counter:
    """What counts a model's tokens."""
    settings: Model | None = getattr(model, "model", None)
    return counter_of(settings.tokenizer if settings else None)


def max_tokens_of(model: LanguageModel) -> int:
    """Tokens that an answer may have; 0 where there is no limit."""
    settings: Model | None = getattr(model, "model", None)
    return settings.sampling.max_tokens if settings else 0
