"""FinMem's prompts on real markets: what they show of the news, how long they are, what repeats.

What a server that caches prefixes reads from its cache is counted as OpenAI documents it: of a
prompt that begins like an earlier one, all whole blocks of 128 tokens in common, if these are 1,024
tokens or more; the schema of the answer counts as what comes first. The offline reader answers.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from investorbench.agents.finmem import FinMem
from investorbench.agents.finmem.question import Question
from investorbench.agents.finmem.thought import Shown
from investorbench.agents.llm import connect, load_model
from investorbench.agents.llm.canonical import canonical
from investorbench.agents.llm.tokens import Counter, counter_of
from investorbench.agents.portfolio import FinMemPortfolio
from investorbench.agents.portfolio.decision import ORDERS
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench.tasks import evaluate

PORTFOLIOS = "portfolio/"
CACHED_FROM, CACHED_BY = 1024, 128
"""Tokens from which on a prefix is kept, and blocks of which it consists."""


class AskedOnce(NamedTuple):
    """A question, and how much of what was new of each asset it shows."""

    question: Question
    news: tuple[Shown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFigures:
    """What the prompts of one task are.

    Attributes:
        decisions: with a prompt each, of warm-up and test.
        texts: that arrived.
        items: different things that they say, a passage of a filing being one.
        shown: share of the items with at least a headline.
        whole: share with all of their text.
        top: share of the items with the first places of their day that are shown.
        tokens: of each prompt, schema included.
        static: tokens that never change.
        static_cached: share of these that are cached from the second decision on.
        cached: share of all tokens that are.
        schemas: different ones of an episode.
    """

    decisions: int
    texts: int
    items: int
    shown: float
    whole: float
    top: float
    tokens: Sequence[int]
    static: int
    static_cached: float
    cached: float
    schemas: int


def figures_of(task: str, counter: Counter) -> PromptFigures:
    """Play an episode, and measure its prompts."""
    asked = asked_in(task)
    questions = [each.question for each in asked]
    news = [shown for each in asked for shown in each.news]
    items = sum(each.items for each in news)
    tokens = [question.tokens(counter) for question in questions]
    static = counter(canonical(questions[0].schema)) + counter(questions[0].system)
    cached = list(cached_tokens(questions, counter))
    return PromptFigures(
        decisions=len(asked),
        texts=sum(each.texts for each in news),
        items=items,
        shown=sum(each.shown for each in news) / items,
        whole=sum(each.whole for each in news) / items,
        top=sum(each.top_shown for each in news) / sum(each.top for each in news),
        tokens=tokens,
        static=static,
        static_cached=statistics.fmean(min(each, static) / static for each in cached[1:]),
        cached=sum(cached) / sum(tokens),
        schemas=len({canonical(question.schema) for question in questions}),
    )


def asked_in(task: str) -> list[AskedOnce]:
    """Every question of an episode, which the offline reader answers; of a portfolio, by orders."""
    asked: list[AskedOnce] = []
    model = connect(load_model("offline"))

    class Watched(FinMem):
        def record(self) -> dict[str, object]:
            assert self.last is not None
            asked.append(AskedOnce(self.last.question, (self.last.news,)))
            return super().record()

    class WatchedPortfolio(FinMemPortfolio):
        def record(self) -> dict[str, object]:
            assert self.last is not None
            news = tuple(own.news for own in self.last.assets.values())
            asked.append(AskedOnce(self.last.question, news))
            return super().record()

    def memory(seed: int, asset: str = "") -> LayeredMemory:
        return LayeredMemory("layered", Arrays(), HashedNgrams(), seed=seed)

    if task.startswith(PORTFOLIOS):
        evaluate(WatchedPortfolio(model, memory), task, action=ORDERS)
    else:
        evaluate(Watched(model, memory), task)
    return asked


def cached_tokens(questions: Sequence[Question], counter: Counter) -> Iterator[int]:
    """Of each prompt the tokens that a server has read before, in the one before."""
    prompts = [
        f"{canonical(question.schema)}\n{question.system}\n{question.user}"
        for question in questions
    ]
    yield 0
    for before, now in pairwise(prompts):
        common = next(
            (n for n, (one, other) in enumerate(zip(before, now, strict=False)) if one != other),
            min(len(before), len(now)),
        )
        tokens = counter(now[:common])
        yield tokens // CACHED_BY * CACHED_BY if tokens >= CACHED_FROM else 0


def _rows(found: PromptFigures) -> list[tuple[str, str]]:
    """The figures of a task with their names."""
    ranked = sorted(found.tokens)
    counts = {
        "decisions": found.decisions,
        "texts that arrived": found.texts,
        "items that they are": found.items,
        "tokens a prompt, mean": round(statistics.fmean(ranked)),
        "tokens, 95 % below": ranked[int(0.95 * (len(ranked) - 1))],
        "tokens, most": ranked[-1],
        "tokens that never change": found.static,
        "schemas an episode": found.schemas,
    }
    shares = {
        "items seen, %": found.shown,
        "with all of their text, %": found.whole,
        "top items seen, %": found.top,
        "cached of what never changes, %": found.static_cached,
        "cached of all tokens, %": found.cached,
    }
    return [
        *((name, f"{count:,}") for name, count in counts.items()),
        *((name, f"{100 * share:.1f}") for name, share in shares.items()),
    ]


def report(tasks: Sequence[str], tokenizer: str) -> None:
    """Measure some tasks, and print a table."""
    counter = counter_of(tokenizer)
    table = Table("", *tasks, box=SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, *cells in zip(*(_rows(figures_of(task, counter)) for task in tasks), strict=True):
        table.add_row(name[0], *(cell for _, cell in (name, *cells)))
    console = Console()
    console.print(table)
    console.print(
        f"tokens by {tokenizer}; items: different things that the texts of a day say, passages of "
        "filings among them; top: the five most important stories of a day, of a portfolio the "
        "first of each asset, and all passages; "
        f"cached: of the static part, from the second decision on, at a server that keeps prefixes "
        f"of {CACHED_FROM:,} tokens or more in blocks of {CACHED_BY}"
    )
