"""How well does memory recall? What each embedder brings up of what a query should bring up.

``investorbench bench recall`` asks with the news of a day and ranks all texts of earlier days by
similarity alone: neither recency nor importance is added. Simulated news is about what it is about
by construction; released news is about what its own tags say.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from investorbench.memory import Embedder, HashedNgrams, LayeredMemoryError
from investorbench.memory.models import SentenceTransformers
from investorbench.scripts.bench.bm25 import BM25
from investorbench.scripts.bench.recall_sets import RecallSet, released, simulated
from investorbench.scripts.bench.simulated_order import MeanOverSeeds, mean_over_seeds
from investorbench_env.market.library import VARIABLE

RELEASED = "investorbench/msft.json"
K, DEPTH = 5, 10
FUSION = 60
"""Of reciprocal ranks (Cormack, Clarke and Büttcher, SIGIR 2009)."""

Scores = NDArray[np.float64]
Ranker = Callable[[int, int], Scores]
"""The query's text and how many texts came before its day, to their scores."""
Ranking = Callable[[Sequence[str]], Ranker]
"""A ranker over some texts."""


class Quality(NamedTuple):
    """How good a ranking is."""

    recall: float
    """Relevant texts among the first K, as a share of as many as there can be."""
    ndcg: float
    """Normalised discounted cumulative gain of the first DEPTH."""


def quality(scores: Scores, relevant: NDArray[np.intp]) -> Quality:
    """Of one ranking; ties go to the earlier text.

    Args:
        scores: of the texts [N].
        relevant: which of them should come first, at least one.
    """
    first = np.argsort(-scores, kind="stable")[:DEPTH]
    hits = np.isin(first, relevant)
    discounts = 1.0 / np.log2(np.arange(2, DEPTH + 2))
    ideal = discounts[: len(relevant)].sum()
    return Quality(
        float(hits[:K].sum() / min(K, len(relevant))),
        float((hits * discounts[: len(hits)]).sum() / ideal),
    )


def by_vectors(embedder: Embedder) -> Ranking:
    """A ranker by the cosines of an embedder, which is asked once for each collection."""
    vectors_of = cache(lambda texts: embedder.embed(texts).astype(np.float64))

    def over(texts: Sequence[str]) -> Ranker:
        vectors = vectors_of(tuple(texts))
        return lambda query, earlier: vectors[:earlier] @ vectors[query]

    return over


def by_chance(texts: Sequence[str]) -> Ranker:
    """Scores that say nothing."""
    rng = np.random.default_rng(len(texts))
    return lambda query, earlier: rng.random(earlier)


def by_words(texts: Sequence[str]) -> Ranker:
    """BM25."""
    return BM25(texts).scores


def fused(*several: Ranking) -> Ranking:
    """The sum of reciprocal ranks of several rankers."""

    def over(texts: Sequence[str]) -> Ranker:
        rankers = [each(texts) for each in several]

        def scores(query: int, earlier: int) -> Scores:
            orders = (np.argsort(-rank(query, earlier), kind="stable") for rank in rankers)
            ranks = [np.argsort(order, kind="stable") for order in orders]
            summed: Scores = np.sum([1.0 / (FUSION + 1 + rank) for rank in ranks], axis=0)
            return summed

        return scores

    return over


def contestants() -> dict[str, Ranking | str]:
    """By name: a ranker, or why there is none."""
    rare = by_vectors(HashedNgrams())
    rankers: dict[str, Ranking | str] = {
        "random": by_chance,
        "hashed": by_vectors(HashedNgrams(by_rarity=False)),
        "hashed by rarity": rare,
        "BM25": by_words,
        "hashed by rarity + BM25": fused(rare, by_words),
    }
    model = SentenceTransformers()
    try:
        model.embed(["A text."])
    except LayeredMemoryError as error:
        rankers["MiniLM"] = str(error)
    else:
        rankers["MiniLM"] = by_vectors(model)
    return rankers


def measured(rank: Ranking, asked: RecallSet) -> dict[str, Quality]:
    """The mean quality of each unit of a set."""
    ranker = rank(asked.texts)
    by_unit = defaultdict(list)
    for query, earlier, relevant, unit in zip(
        asked.query, asked.earlier, asked.relevant, asked.unit, strict=True
    ):
        by_unit[unit].append(quality(ranker(query, earlier), relevant))
    return {
        unit: Quality(*np.mean(qualities, axis=0).tolist()) for unit, qualities in by_unit.items()
    }


def report(seeds: int, first: int) -> None:
    """Measure, and print a table a set.

    Args:
        seeds: simulated markets.
        first: the first market's seed.
    """
    console = Console()
    file = Path(os.environ.get(VARIABLE, ""), RELEASED)
    rankers = contestants()
    markets = [simulated(seed) for seed in range(first, first + seeds)]
    sets = {
        f"simulated news by {kind}, {seeds} markets, seeds {first} to {first + seeds - 1}": [
            market[kind] for market in markets
        ]
        for kind in markets[0]
    }
    if file.is_file():
        own = released(file)
        sets |= {f"released news of MSFT by {kind}": [each] for kind, each in own.items()}
    else:
        console.print(f"no {RELEASED}: set {VARIABLE} to a folder that holds it")
    for title, asked in sets.items():
        queries = sum(len(each.query) for each in asked)
        texts = sum(len(each.texts) for each in asked)
        table = _table(asked, rankers, console)
        console.print(f"{title}\n{queries:,} queries over {texts:,} texts", highlight=False)
        console.print(table)
    for name, missing in rankers.items():
        if isinstance(missing, str):
            console.print(f"{name}: {missing}", highlight=False, markup=False)


def _table(
    asked: Sequence[RecallSet], rankers: Mapping[str, Ranking | str], console: Console
) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("", f"recall@{K}", "95 %", f"nDCG@{DEPTH}", "95 %"):
        table.add_column(column, justify="left" if not column else "right", no_wrap=True)
    present = {name: each for name, each in rankers.items() if not isinstance(each, str)}
    for name in track(present, "ranking", console=console, transient=True):
        qualities = np.array([*chain.from_iterable(
            measured(present[name], each).values() for each in asked
        )])  # fmt: skip
        cells = (_cells(mean_over_seeds(qualities[:, place])) for place in (0, 1))
        table.add_row(name, *chain.from_iterable(cells))
    for name in rankers.keys() - present.keys():
        table.add_row(name, "not installed", "", "", "")
    return table


def _cells(value: MeanOverSeeds) -> tuple[str, str]:
    return f"{value.mean:.3f}", f"{max(value.low, 0.0):.3f}…{value.high:.3f}"
