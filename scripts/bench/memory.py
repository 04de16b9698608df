"""What a step of memory costs, beside FAISS and Chroma doing the same work.

A step is one recall of five memories a layer and the passing of one step of time, over 10,000
memories of 384 dimensions. Vectors are given, so no embedder is measured. Yardsticks, where they
are installed: an exact FAISS index a layer with decay and scores in Python, both in the data
structure of the published agents and in the leanest loop we can write; and Chroma alone, ranking by
similarity, with every memory's metadata updated each step.
"""

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from investorbench.memory import Arrays, Chroma, Layer, LayeredMemory, Store, find_profile

DIMENSION = 384
SHARES = {"short": 4000, "mid": 3000, "long": 2000, "reflection": 1000}
K = 5
DAYS = 250
YEARS = 2
NEWS_A_DAY = 10  # and one reflection
DAYS_A_FILING = 21
CHROMA_PAGE = 5_000

Vectors = NDArray[np.float32]
TimedStep = Callable[[], object]


class Given:
    """An embedder whose vectors were drawn before: the text is the number of one."""

    name = "given"
    dimension = DIMENSION

    def __init__(self, count: int, seed: int = 0) -> None:
        drawn = np.random.default_rng(seed).standard_normal((count, DIMENSION))
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        self.vectors: Vectors = drawn.astype(np.float32)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Look up the number that a text begins with."""
        return self.vectors[[int(text.split(maxsplit=1)[0]) for text in texts]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """One measurement: the fastest of its repetitions, in milliseconds."""

    name: str
    fastest_ms: float
    repetitions: int


def steps(*, one_by_one: bool = False) -> list[Speed]:
    """Recall and step at 10,000 memories: ours, then each yardstick that is installed.

    Args:
        one_by_one: also update Chroma with one call for each memory, which takes minutes.
    """
    given = Given(sum(SHARES.values()) + 100)
    with tempfile.TemporaryDirectory() as folder:
        contestants = [
            ("ours", ours(given), 20),
            ("FAISS flat index, Python, as published", faiss_and_python(given, lean=False), 5),
            ("FAISS flat index, Python, one lean loop", faiss_and_python(given, lean=True), 5),
            ("Chroma, metadata updated in batches", chroma_alone(given, folder, CHROMA_PAGE), 1),
        ]
        if one_by_one:
            step = chroma_alone(given, folder, 1)
            contestants.append(("Chroma, metadata updated one by one", step, 1))
        return [
            Speed(name=name, fastest_ms=1000 * min(timed(step, count)), repetitions=count)
            for name, step, count in track(contestants, "measuring", console=Console(stderr=True))
            if step is not None
        ]


def ours(given: Given) -> TimedStep:
    """A layered memory in arrays."""
    memory = LayeredMemory("layered", Arrays(), given)
    for layer, ids in numbered():
        memory.add([str(id) for id in ids], layer, "")
    queries = iter(range(len(memory), len(given.vectors)))

    def step() -> None:
        memory.recall(str(next(queries)), K)
        memory.step()

    return step


def faiss_and_python(given: Given, *, lean: bool) -> TimedStep | None:
    """An exact index a layer; decay, scores and their order in Python.

    Args:
        given: the vectors.
        lean: one loop over the records; else they are kept in a list sorted by recency +
            importance and reached through it field by field, as in the published agents.
    """
    try:
        import faiss
        from sortedcontainers import SortedKeyList
    except ImportError:
        return None
    layers = []
    for (_, ids), constants in zip(numbered(), find_profile("layered").layers, strict=True):
        index = faiss.IndexFlatIP(DIMENSION)
        index.add(given.vectors[ids])
        value = float(constants.initial[0][0])
        records = [{"delta": 0, "recency": 1.0, "importance": value} for _ in ids]
        ordered = SortedKeyList(records, key=standing_of)
        layers.append((index, records, ordered, constants))
    queries = iter(range(sum(SHARES.values()), len(given.vectors)))

    def step() -> None:
        query = given.vectors[[next(queries)]]
        for index, records, ordered, constants in layers:
            similarity, rows = index.search(query, len(records))
            scored = [
                (cosine + standing_of(records[row]), row)
                for cosine, row in zip(similarity[0].tolist(), rows[0].tolist(), strict=True)
            ]
            scored.sort(reverse=True)
            del scored[K:]
            if lean:
                decay_in_a_loop(records, constants)
            else:
                decay_by_position(ordered, constants)

    return step


def standing_of(record: dict[str, Any]) -> float:
    """Recency and importance, as they enter a score."""
    standing: float = record["recency"] + min(record["importance"], 100.0) / 100.0
    return standing


def decay_in_a_loop(records: list[dict[str, Any]], constants: Layer) -> None:
    """A step of time for all records; young as they are, none is deleted."""
    for record in records:
        record["delta"] += 1
        record["recency"] = math.exp(-record["delta"] / constants.stability_steps)
        record["importance"] *= constants.decay
    assert all(record["recency"] >= 0.05 and record["importance"] >= 5 for record in records)


def decay_by_position(ordered: Any, constants: Layer) -> None:
    """The same through a sorted list, each field by the record's position in it."""

    def decayed(importance: float, delta: int) -> tuple[float, float, int]:
        delta += 1
        return math.exp(-delta / constants.stability_steps), importance * constants.decay, delta

    for place in range(len(ordered)):
        recency, importance, delta = decayed(
            importance=ordered[place]["importance"], delta=ordered[place]["delta"]
        )
        ordered[place]["recency"] = recency
        ordered[place]["importance"] = importance
        ordered[place]["delta"] = delta
        ordered[place]["standing"] = standing_of(ordered[place])
    assert all(
        ordered[place]["recency"] >= 0.05 and ordered[place]["importance"] >= 5
        for place in range(len(ordered))
    )


def chroma_alone(given: Given, folder: str, page: int) -> TimedStep | None:
    """A collection a layer; all metadata updated, in calls of so many memories."""
    try:
        import chromadb
        from chromadb.config import Settings
    except ImportError:
        return None
    path = str(Path(folder) / f"chroma-{page}")
    client = chromadb.PersistentClient(path, settings=Settings(anonymized_telemetry=False))
    layers = []
    for (name, ids), constants in zip(numbered(), find_profile("layered").layers, strict=True):
        collection = client.create_collection(name, embedding_function=None)
        keys = [str(id) for id in ids]
        for start in range(0, len(ids), CHROMA_PAGE):
            batch = slice(start, start + CHROMA_PAGE)
            collection.add(
                ids=keys[batch],
                embeddings=given.vectors[ids[batch]],
                documents=[f"text {key}" for key in keys[batch]],
                metadatas=[{"r": 1.0, "v": constants.initial[0][0]} for _ in keys[batch]],
            )
        layers.append((collection, keys, constants))
    query = given.vectors[-1:]

    def step() -> None:
        for collection, keys, constants in layers:
            collection.query(query_embeddings=query, n_results=K)
            value = constants.initial[0][0] * constants.decay
            fresh = math.exp(-1 / constants.stability_steps)
            for start in range(0, len(keys), page):
                batch: list[Any] = keys[start : start + page]
                collection.update(ids=batch, metadatas=[{"r": fresh, "v": value} for _ in batch])

    return step


def year() -> list[Speed]:
    """A day of a simulated year, on average: memory alone, and with an archive flushed daily."""
    given = Given(DAYS * (NEWS_A_DAY + 3))
    alone = min(day_ms(given, Arrays()) for _ in range(YEARS))
    speeds = [Speed(name="year, no archive", fastest_ms=alone, repetitions=YEARS)]
    if find_spec("chromadb") is not None:
        archived = min(archived_day_ms(given) for _ in range(YEARS))
        name = "year, archive flushed every step"
        speeds.append(Speed(name=name, fastest_ms=archived, repetitions=YEARS))
    return speeds


def archived_day_ms(given: Given) -> float:
    """`day_ms` over a new Chroma folder."""
    with tempfile.TemporaryDirectory() as folder:
        return day_ms(given, Chroma(folder))


def day_ms(given: Given, store: Store) -> float:
    """Milliseconds a day of 250: news, a reflection, a recall, feedback, a filing a month."""
    numbers = iter(range(len(given.vectors)))
    body = "said that the quarter had ended above what analysts had expected of it. " * 6
    with LayeredMemory("layered", store, given) as memory:
        begin = time.perf_counter()
        for day in range(DAYS):
            label = f"day {day}"
            memory.add([f"{next(numbers)} {body}" for _ in range(NEWS_A_DAY)], "short", label)
            if day % DAYS_A_FILING == 0:
                memory.add(f"{next(numbers)} {body * 8}", "mid" if day else "long", label)
            found = memory.recall(f"{next(numbers)} query", K)
            memory.add(f"{next(numbers)} {body}", "reflection", label)
            cited = [recalled.id for layer in found.values() for recalled in layer[:1]]
            memory.reinforce(cited, 1 if day % 3 else -1)
            memory.step()
        return 1000 * (time.perf_counter() - begin) / DAYS


def numbered() -> Iterator[tuple[str, list[int]]]:
    """The layers, and which of the vectors are whose."""
    first = 0
    for layer, count in SHARES.items():
        yield layer, list(range(first, first + count))
        first += count


def timed(step: TimedStep, repetitions: int) -> Iterator[float]:
    """Seconds of each repetition."""
    for _ in range(repetitions):
        begin = time.perf_counter()
        step()
        yield time.perf_counter() - begin


def report(*, one_by_one: bool = False) -> None:
    """Measure, and print a table."""
    table = Table(
        "memory", "milliseconds", "times ours", box=SIMPLE_HEAD,
        title=f"recall and step, {sum(SHARES.values()):,} memories of {DIMENSION} dimensions",
    )  # fmt: skip
    measured = steps(one_by_one=one_by_one)
    for speed in measured:
        ratio = speed.fastest_ms / measured[0].fastest_ms
        table.add_row(speed.name, f"{speed.fastest_ms:,.2f}", f"{ratio:,.0f}")
    for speed in year():
        table.add_row(f"{speed.name}, a day", f"{speed.fastest_ms:,.2f}", "")
    Console().print(table)


if __name__ == "__main__":
    report()
