"""What the tests of memory share: an embedder that is quick to check by hand, and random lives."""

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from investorbench.memory import Arrays, LayeredMemory
from tests.memory.plain_model import PlainMemory

DIMENSION = 6


class Directions:
    """Texts such as "a3" to one of a few directions: many are alike, and some are the same."""

    name = "directions"
    dimension = DIMENSION

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts):
        self.asked += texts
        return np.array([direction(text) for text in texts], np.float32)


@cache
def direction(text: str) -> tuple[float, ...]:
    chance = random.Random(text)
    return tuple(chance.gauss(0, 1) for _ in range(DIMENSION))


@cache
def unit_direction(text: str) -> list[float]:
    """The vector that a memory keeps: of unit length, in single precision."""
    given = np.array(direction(text), np.float32).astype(np.float64)
    return (given / np.sqrt((given * given).sum())).astype(np.float32).tolist()


def empty(profile="layered", store=None, embedder=None, seed=0) -> LayeredMemory:
    return LayeredMemory(profile, store or Arrays(), embedder or Directions(), seed=seed)


def run_beside_the_plain_model(
    profile: str,
    operations: int,
    seed: int,
    folder: Path,
    reopen: Callable[[LayeredMemory | None], LayeredMemory],
) -> dict[str, int]:
    """Do the same random operations to both, and compare whatever they return.

    Args:
        profile: its name.
        operations: how many.
        seed: of the operations and of the memory.
        folder: for saved files.
        reopen: gives a memory, at first a new one; later, at the end of a step, one that has to
            go on where the one before ended.
    """
    chance = random.Random(seed)
    ours, plain = reopen(None), PlainMemory(profile, unit_direction, seed)
    layers = list(plain.rules["Q"])
    counts: dict[str, int] = {}
    for number in range(operations):
        kinds = ["add", "recall", "reinforce", "step", "keep", "forget"]
        kind = chance.choices(kinds, weights=[22, 28, 20, 28, 1, 1])[0]
        counts[kind] = counts.get(kind, 0) + 1
        if kind == "add":
            layer = chance.choice(layers)
            texts = [f"text {chance.randrange(400)}" for _ in range(chance.randint(1, 3))]
            assert ours.add(texts, layer, f"day {number}") == plain.add(texts, layer)
        elif kind == "recall":
            queries = [f"query {chance.randrange(50)}" for _ in range(chance.choice([1, 1, 3]))]
            if plain.memories and chance.random() < 0.3:
                queries[0] = chance.choice(plain.memories)["text"]
            k = chance.choice([1, 3, 5, 100])
            compare(ours.recall(queries, k), plain.recall(queries, k))
        elif kind == "reinforce" and plain.next_id:
            ids = [chance.randrange(plain.next_id) for _ in range(2)]
            ids += [memory["id"] for memory in chance.sample(plain.memories, min(2, len(ours)))]
            sign = chance.choice([-1, 1, 1])
            assert ours.reinforce(ids, sign) == plain.reinforce(ids, sign)
        elif kind == "forget" and plain.next_id:
            ids = [chance.randrange(plain.next_id) for _ in range(3)]
            assert ours.forget(ids) == plain.forget(ids)
        elif kind == "step":
            stepped = ours.step()
            assert list(stepped.deleted) == plain.step()
            assert [
                {memory["id"] for memory in plain.memories if memory["layer"] == layer}
                for layer in layers
            ] == [set(columns["id"].tolist()) for columns in ours._layers.columns]
            counts["moves"] = counts.get("moves", 0) + len(stepped.moves)
            if chance.random() < 0.02:
                counts["reopen"] = counts.get("reopen", 0) + 1
                ours = reopen(ours)
        elif kind == "keep":
            ours.save(folder / "memory.npz")
            for _ in range(chance.randrange(3)):  # what happens after saving is undone by loading
                ours.add(f"text {chance.random()}", layers[0], "lost")
                ours.step()
            ours.load(folder / "memory.npz")
        assert list(ours) == [memory["id"] for memory in plain.memories]
    ours.close()
    return counts


def compare(ours, plain) -> None:
    assert ours.keys() == plain.keys()
    for layer, expected in plain.items():
        found = ours[layer]
        assert [(m.id, m.text) for m in found] == [(id, text) for id, text, *_ in expected]
        if expected:
            numbers = [(m.score, m.similarity, m.recency, m.importance) for m in found]
            wanted = [numbers for _, _, *numbers in expected]
            np.testing.assert_allclose(numbers, wanted, rtol=0, atol=1e-9)
        assert all(memory.layer == layer for memory in found)


def live_a_day(memory: LayeredMemory, day: int) -> None:
    """One step of a life that depends on nothing but the day and what is remembered."""
    chance = random.Random(day)
    texts = [f"news {day} {number}" for number in range(chance.randrange(5))]
    memory.add(texts, "short", f"day {day}", {"day": day})
    if day % 5 == 0:
        memory.add(f"report {day}", "mid", f"day {day}")
    found = memory.recall(f"query {day}", 3)
    memory.add(f"reflection {day % 7}", "reflection", f"day {day}")
    ids = [recalled.id for layer in found.values() for recalled in layer]
    memory.reinforce(ids[:4], chance.choice([-1, 1]))
    memory.step()


def everything(memory: LayeredMemory) -> list[tuple]:
    """All that can be known of a memory: two of which it is equal are the same."""
    snapshot = memory._snapshot()
    columns = snapshot.rows.state.values()
    rows = [
        (
            *(column[row].item() for column in columns), content.text, content.time,
            content.metadata, snapshot.rows.vectors[row].tobytes(),
        )
        for row, content in enumerate(snapshot.rows.contents)
    ]  # fmt: skip
    return [(snapshot.step, snapshot.next_id), *rows]
