"""The question that a model has room for: what goes first where a prompt would be too long."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from investorbench.agents.finmem.past_decisions import Lesson
from investorbench.agents.finmem.question import Question, memory_label, shown_of
from investorbench.agents.finmem.today import CITABLE, Arrived, NewsSheet, label_of, sheets_of
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


class OfAsset(NamedTuple):
    """What may be shown of one asset: memories of earlier days, in their order, and what is new."""

    memories: tuple[Recalled, ...]
    news: Arrived


class Excerpt(NamedTuple):
    """What is shown of one asset."""

    memories: tuple[Recalled, ...] = ()
    sheet: NewsSheet = NewsSheet()


Wording = Callable[[Sequence[Excerpt], Lesson | None], Question]
"""Makes a question of what is shown of each asset, and of what recent decisions taught."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedQuestion:
    """A question, and what of the day stands in it."""

    question: Question
    excerpts: tuple[Excerpt, ...]
    lesson: Lesson | None
    left_out: LeftOut


def fitted(
    word: Wording,
    assets: Sequence[OfAsset],
    lesson: Lesson | None,
    *,
    news_tokens: int,
    room: int | None,
    counter: Counter,
    model: str,
    agent: str,
) -> FittedQuestion:
    """The question about a day, without the least of it where it would be too long.

    Whole texts of news go first, down to their share, then memories, the least scored of them
    before others, then headlines, and what recent decisions taught where nothing else is left.

    Args:
        word: makes the question.
        assets: all that may be shown of each.
        lesson: what recent decisions taught.
        news_tokens: that news may take at most, by the estimate.
        room: tokens of a question; None for no limit.
        counter: of tokens, as the model counts them.
        model: its name, for errors.
        agent: likewise.

    Raises:
        ModelError: even a question without memories and news is too long.
    """
    news = [each.news for each in assets]
    every = sheets_of(news, news_tokens)
    whole = tuple(Excerpt(each.memories, own) for each, own in zip(assets, every, strict=True))
    question = word(whole, lesson)
    if room is None or question.at_most_tokens <= room or question.tokens(counter) <= room:
        return FittedQuestion(question=question, excerpts=whole, lesson=lesson, left_out=LeftOut())
    nothing, kept_lesson = [Excerpt()] * len(assets), lesson
    fixed = word(nothing, lesson).tokens(counter)
    if fixed > room and lesson is not None:
        kept_lesson = None
        fixed = word(nothing, None).tokens(counter)
    require_room(fixed, room, model, agent)
    beside = word([Excerpt(each.memories) for each in assets], kept_lesson).tokens(counter)
    for_news = max((room - fixed) // NEWS_SHARE, room - beside)
    sheets = list(sheets_of(news, min(news_tokens, for_news)))
    texts = {
        (place, memory.id): shown_of(memory)
        for place, each in enumerate(assets)
        for memory in each.memories
    }
    scores = {
        (place, memory.id): memory.score
        for place, each in enumerate(assets)
        for memory in each.memories
    }
    ranked = sorted(texts, key=lambda key: (-scores[key], key))
    while True:
        kept = {*ranked}
        excerpts = tuple(
            Excerpt(tuple(m for m in each.memories if (place, m.id) in kept), sheets[place])
            for place, each in enumerate(assets)
        )
        question = word(excerpts, kept_lesson)
        over = question.tokens(counter) - room
        if over <= 0:
            break
        if ranked:
            while ranked and over > 0:
                over -= counter(texts[ranked.pop()])
        else:
            longest = max(range(len(sheets)), key=lambda place: len(sheets[place].lines))
            sheets[longest] = sheets[longest].without_last()
    return FittedQuestion(
        question=question,
        excerpts=excerpts,
        lesson=kept_lesson,
        left_out=LeftOut(
            memories=len(texts) - len(ranked) + (kept_lesson is not lesson),
            items=sum(len(own.lines) for own in every) - sum(len(own.lines) for own in sheets),
            texts=sum(
                len((own.whole & {*left.places}) - left.whole)
                for own, left in zip(every, sheets, strict=True)
            ),
        ),
    )


def shown_ids(
    excerpt: Excerpt, stored: Mapping[int, int], lesson: Lesson | None = None
) -> dict[str, int]:
    """Ids in memory by the labels of what a prompt shows.

    Args:
        excerpt: what it shows of an asset.
        stored: ids of what is new, by its place.
        lesson: of recent decisions, which stands behind the memories.
    """
    ids = [memory.id for memory in excerpt.memories]
    if lesson is not None and lesson.id is not None:
        ids.append(lesson.id)
    shown = {memory_label(place): id for place, id in enumerate(ids)}
    new = (place for place in excerpt.sheet.places if place in stored and place < CITABLE)
    return shown | {label_of(place): stored[place] for place in new}


def require_room(takes: int, room: int, model: str, agent: str) -> None:
    """Refuse a model without room for what is always shown.

    Args:
        takes: tokens of that.
        room: tokens of a question.
        model: its name.
        agent: who shows it.

    Raises:
        ModelError: it takes more.
    """
    if takes > room:
        raise ModelError(
            f"model {model} has room for {room:,} tokens of a prompt, and what {agent} always "
            f"shows takes {takes:,}: choose a model with a longer context, or a smaller "
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
