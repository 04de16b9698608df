"""The question that a model has room for: what goes first where a prompt would be too long."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from investorbench.agents.finmem.past_decisions import Lesson
from investorbench.agents.finmem.question import Briefing, Question, ask, shown_of
from investorbench.agents.finmem.today import NewsSheet, sheet_of
from investorbench.agents.llm import ContextLengthError, ModelError
from investorbench.agents.llm.tokens import Counter
from investorbench.memory import Recalled

NEWS_SHARE = 2
"""Of what a short context leaves for news and memories, news may take one part in so many, or what
memories leave."""
SAFE = 0.95
"""Of what a server says that it has room for, how much is used."""
GROWS = 200
"""Tokens by which what is always shown may be longer than on a first day without news: the figures
of an account, a dividend, how much is new and how it is rated."""
BLIND = 0.75
"""Of a question that was too long for a server that gives no numbers, how much is asked next."""


class LeftOut(NamedTuple):
    """What the model had no room for.

    Attributes:
        memories: the least scored of those recalled, and what was last concluded.
        items: new ones without even a headline.
        texts: new ones of which the headline alone is shown.
    """

    memories: int = 0
    items: int = 0
    texts: int = 0


class RefusedQuestion(NamedTuple):
    """A question that was too long for its server, and the numbers that this gave, if any."""

    request_hash: str
    limit_tokens: int | None
    prompt_tokens: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedQuestion:
    """A question, and what of the day stands in it."""

    question: Question
    memories: tuple[Recalled, ...]
    lesson: Lesson | None
    sheet: NewsSheet
    left_out: LeftOut


def fitted(
    system: str,
    schema: Mapping[str, Any],
    day: Briefing,
    *,
    news_tokens: int,
    room: int | None,
    counter: Counter,
    model: str,
) -> FittedQuestion:
    """The question about a day, without the least of it where it would be too long.

    Whole texts of news go first, down to their share, then memories, the least scored of them
    before others, then headlines, and what recent decisions taught where nothing else is left.

    Args:
        system: the part that never changes.
        schema: of the answer.
        day: all that may be shown.
        news_tokens: that news may take at most, by the estimate.
        room: tokens of a question; None for no limit.
        counter: of tokens, as the model counts them.
        model: its name, for errors.

    Raises:
        ModelError: even a question without memories and news is too long.
    """
    every = sheet_of(day.news, news_tokens)
    question = ask(system, schema, day, day.memories, every)
    if room is None or question.at_most_tokens <= room or question.tokens(counter) <= room:
        return FittedQuestion(
            question=question, memories=day.memories, lesson=day.lesson, sheet=every,
            left_out=LeftOut(),
        )  # fmt: skip
    fixed, lesson = ask(system, schema, day, (), NewsSheet()).tokens(counter), day.lesson
    if fixed > room and lesson is not None:
        day = replace(day, lesson=None)
        fixed = ask(system, schema, day, (), NewsSheet()).tokens(counter)
    require_room(fixed, room, model)
    beside = ask(system, schema, day, day.memories, NewsSheet()).tokens(counter)
    for_news = max((room - fixed) // NEWS_SHARE, room - beside)
    sheet = sheet_of(day.news, min(news_tokens, for_news))
    ranked = sorted(day.memories, key=lambda memory: (-memory.score, memory.id))
    while True:
        kept = {memory.id for memory in ranked}
        memories = tuple(memory for memory in day.memories if memory.id in kept)
        question = ask(system, schema, day, memories, sheet)
        over = question.tokens(counter) - room
        if over <= 0:
            break
        while ranked and over > 0:
            over -= counter(shown_of(ranked.pop()))
        if over > 0:
            sheet = sheet.without_last()
    left_out = LeftOut(
        memories=len(day.memories) - len(memories) + (day.lesson is not lesson),
        items=len(every.lines) - len(sheet.lines),
        texts=len((every.whole & {*sheet.places}) - sheet.whole),
    )
    return FittedQuestion(
        question=question, memories=memories, lesson=day.lesson, sheet=sheet, left_out=left_out
    )


def require_room(takes: int, room: int, model: str) -> None:
    """Refuse a model without room for what is always shown.

    Args:
        takes: tokens of that.
        room: tokens of a question.
        model: its name.

    Raises:
        ModelError: it takes more.
    """
    if takes > room:
        raise ModelError(
            f"model {model} has room for {room:,} tokens of a prompt, and what FinMem always shows "
            f"takes {takes:,}: choose a model with a longer context, or a smaller "
            "model.sampling.max_tokens"
        )


def refused_by(error: ContextLengthError) -> RefusedQuestion:
    """What to note of a question that was too long."""
    return RefusedQuestion(error.request_hash, error.limit_tokens, error.prompt_tokens)


def smaller_room(asked: int, max_tokens: int, error: ContextLengthError) -> int:
    """Tokens of the next question, by our count, after a server refused one as too long.

    Args:
        asked: what that one had, by our count.
        max_tokens: of the answer.
        error: with the server's own numbers, where it gives them.
    """
    if not (error.limit_tokens and error.prompt_tokens):
        return int(BLIND * asked)
    # A limit may be that of a prompt alone; taking it for both costs some room, and no answer.
    share = max(error.limit_tokens - max_tokens, 0) / error.prompt_tokens
    return int(SAFE * asked * min(share, 1.0))
