"""What a memory refuses, and that it is then as it was; saved files."""

import dataclasses

import numpy as np
import pytest

from investorbench.memory import (
    ArchiveError,
    ArchiveMismatchError,
    EmbeddingError,
    InvalidInputError,
    Layer,
    Profile,
    UnknownMemoryError,
    UnknownSettingError,
    find_profile,
)
from tests.memory.small_memories import Directions, empty, everything, live_a_day


@pytest.mark.parametrize("k", [0, -1, 2.5, True, "3"])
def test_fewer_than_one_of_each_layer_cannot_be_recalled(k) -> None:
    with pytest.raises(InvalidInputError, match="at least 1"):
        empty().recall("a query", k)


def test_an_unknown_layer_is_refused_with_the_valid_ones_nearest_first() -> None:
    memory = empty()
    with pytest.raises(UnknownSettingError, match="'midd'; valid, nearest first: mid, "):
        memory.add("a text", "midd", "day 0")
    with pytest.raises(UnknownSettingError, match="'reflection'; valid"):
        empty("paper").add("a text", "reflection", "day 0")
    assert len(memory) == 0


def test_an_unknown_profile_is_refused_with_the_valid_ones_nearest_first() -> None:
    with pytest.raises(UnknownSettingError, match="'finmen'; valid, nearest first: finmem, "):
        find_profile("finmen")


def test_ids_that_no_memory_ever_had_are_refused_and_nothing_is_reinforced() -> None:
    memory = empty()
    memory.add(["one", "other"], "short", "day 0")
    before = everything(memory)
    with pytest.raises(UnknownMemoryError, match=r"\[-1, 2\]; they go from 0 to 1"):
        memory.reinforce([0, 2, -1], 1)
    with pytest.raises(UnknownMemoryError, match="none was added"):
        empty().reinforce([0], 1)
    with pytest.raises(InvalidInputError, match="ids are integers"):
        memory.reinforce(["0"], 1)
    assert everything(memory) == before


def test_feedback_on_a_memory_that_is_forgotten_by_now_is_passed_over() -> None:
    memory = empty("investorbench")
    memory.add("one", "short", "day 0")
    while len(memory):
        memory.step()
    memory.add("other", "short", "day 9")
    assert memory.reinforce(np.array([0, 1, 1]), 1) == [1]


@pytest.mark.parametrize("sign", [2, -3, 0.5, None])
def test_feedback_is_plus_or_minus_one(sign) -> None:
    memory = empty()
    memory.add("one", "short", "day 0")
    with pytest.raises(InvalidInputError, match="feedback is"):
        memory.reinforce([0], sign)


def test_no_feedback_changes_nothing() -> None:
    memory = empty("finmem")
    memory.add("one", "short", "day 0")
    memory.reinforce([0], 1)
    before = everything(memory)
    assert memory.reinforce([0], 0) == [0]
    assert everything(memory) == before


@pytest.mark.parametrize("text", ["", " \n\t", None, 3])
def test_an_empty_text_is_refused_and_none_of_its_batch_is_added(text) -> None:
    memory = empty()
    with pytest.raises(InvalidInputError, match="text 1 of 2 is"):
        memory.add(["a text", text], "short", "day 0")
    with pytest.raises(InvalidInputError, match="nothing to embed"):
        memory.recall(text if isinstance(text, str) else [text], 1)
    with pytest.raises(InvalidInputError, match="at least one"):
        memory.recall([], 1)
    assert len(memory) == 0


def test_one_text_is_not_taken_for_its_letters_and_none_is_nothing() -> None:
    memory = empty()
    assert memory.add("abc", "short", "day 0") == [0]
    assert memory.add([], "short", "day 0") == []


@pytest.mark.parametrize(
    "metadata", [{"a": float("nan")}, {"a": object()}, [{}], [{}, {}, {}], "ab", [1, 2]]
)
def test_metadata_that_a_file_could_not_hold_is_refused(metadata) -> None:
    memory = empty()
    with pytest.raises(InvalidInputError, match="metadata"):
        memory.add(["one", "other"], "short", "day 0", metadata)
    with pytest.raises(InvalidInputError, match="a time is a text"):
        memory.add("one", "short", 20210301)
    assert len(memory) == 0


def test_metadata_is_for_all_texts_or_for_each_its_own() -> None:
    memory = empty()
    memory.add(["one", "other"], "short", "day 0", {"source": "wire"})
    memory.add(["third", "fourth"], "short", "day 0", [{"n": 3}, {"n": 4}])
    found = {m.id: m.metadata for m in memory.recall("one", 9)["short"]}
    wire = {"source": "wire"}
    assert found == {0: wire, 1: wire, 2: {"n": 3}, 3: {"n": 4}}


class Wrong(Directions):
    def __init__(self, vectors) -> None:
        super().__init__()
        self.vectors = vectors

    def embed(self, texts):
        return np.array(self.vectors)


@pytest.mark.parametrize(
    ("vectors", "reason"),
    [
        ([[1.0] * 5], r"shape \(1, 5\), not \(1, 6\)"),
        ([[1.0] * 6] * 2, r"shape \(2, 6\), not \(1, 6\)"),
        ([1.0] * 6, r"shape \(6,\), not \(1, 6\)"),
        ([[float("nan")] * 6], "not finite for 'a text'"),
        ([[float("inf")] * 6], "not finite"),
        ([[0.0] * 6], "no direction"),
    ],
)
def test_vectors_that_cannot_be_compared_are_refused(vectors, reason) -> None:
    memory = empty(embedder=Wrong(vectors))
    with pytest.raises(EmbeddingError, match=reason):
        memory.add("a text", "short", "day 0")
    with pytest.raises(EmbeddingError, match=reason):
        memory.recall("a text", 1)
    assert len(memory) == 0


def test_layers_that_lead_nowhere_are_refused() -> None:
    layer = Layer(name="only", stability_steps=3, decay=0.9, initial=((50, 1),), up_at=60)
    with pytest.raises(InvalidInputError, match="none above it"):
        Profile(name="mine", layers=(layer,), boost=1, reflections="only")
    with pytest.raises(InvalidInputError, match="names of their own"):
        Profile(name="mine", layers=(), boost=1)
    with pytest.raises(UnknownSettingError, match="'reflection'; valid, nearest first: only"):
        Profile(name="mine", layers=(dataclasses.replace(layer, up_at=None),), boost=1)


def test_a_profile_of_ones_own_is_data_too() -> None:
    layer = Layer(name="only", stability_steps=3, decay=0.9, initial=((50, 1),))
    memory = empty(Profile(name="single", layers=(layer,), boost=1, reflections="only"))
    memory.add(["one", "other"], "only", "day 0")
    assert [m.id for m in memory.recall("one", 1)["only"]] == [0]


def test_a_saved_memory_goes_on_as_if_it_had_not_been_saved(tmp_path) -> None:
    memory, path = empty("finmem", seed=2), tmp_path / "new" / "memory.npz"
    for day in range(10):
        live_a_day(memory, day)
    memory.save(path)
    other = empty("finmem", seed=2)
    other.load(path)
    assert everything(other) == everything(memory)
    for day in range(10, 20):
        live_a_day(memory, day)
        live_a_day(other, day)
    assert everything(other) == everything(memory)
    assert [file.name for file in path.parent.iterdir()] == ["memory.npz"]


@pytest.mark.parametrize(
    ("profile", "seed", "reason"),
    [
        ("paper", 0, "its profile is 'layered', not 'paper'"),
        ("layered", 1, "its seed is 0, not 1"),
    ],
)
def test_a_file_of_another_memory_is_refused(profile, seed, reason, tmp_path) -> None:
    empty().save(tmp_path / "memory.npz")
    memory = empty(profile, seed=seed)
    memory.add("a text", "short", "day 0")
    with pytest.raises(ArchiveMismatchError, match=reason):
        memory.load(tmp_path / "memory.npz")
    assert len(memory) == 1


def test_constants_that_changed_under_a_name_are_named(tmp_path) -> None:
    memory = empty()
    memory.save(tmp_path / "memory.npz")
    changed = dataclasses.replace(memory.profile, boost=17.0)
    with pytest.raises(ArchiveMismatchError, match=r"its profile\.boost is 18\.0, not 17\.0"):
        empty(changed).load(tmp_path / "memory.npz")


@pytest.mark.parametrize("content", [b"", b"not a file of ours", None])
def test_a_file_that_is_no_memory_is_one_clear_error(content, tmp_path) -> None:
    path = tmp_path / "memory.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArchiveError, match="no saved memory can be read"):
        empty().load(path)


def test_half_a_file_is_one_clear_error(tmp_path) -> None:
    memory, path = empty(), tmp_path / "memory.npz"
    live_a_day(memory, 1)
    memory.save(path)
    whole = path.read_bytes()
    for size in range(10, len(whole), len(whole) // 40):
        path.write_bytes(whole[:size])
        with pytest.raises(ArchiveError):
            memory.load(path)


def test_vectors_in_place_of_texts_recall_and_add_the_same() -> None:
    one, other = empty(), empty()
    for each in (one, other):
        each.add(["orders rose", "a strike ended"], "short", "2021-01-01")
    texts = ["orders fell", "the strike goes on"]
    vectors = one.embed(texts)
    assert vectors.shape == (2, one.embedder.dimension)
    assert one.recall(vectors, 2) == other.recall(texts, 2)
    assert one.add(texts, "mid", "2021-01-02", vectors=vectors) == other.add(
        texts, "mid", "2021-01-02"
    )
    assert one.recall("strike", 9) == other.recall("strike", 9)


def test_vectors_of_another_shape_or_without_values_are_refused() -> None:
    kept = empty()
    vectors = kept.embed(["orders rose"])
    for wrong in (vectors[:, :-1], vectors[:0], vectors * np.nan):
        with pytest.raises(InvalidInputError, match="embed"):
            kept.recall(wrong, 1)
        with pytest.raises(InvalidInputError, match="embed"):
            kept.add(["orders rose"], "short", "2021-01-01", vectors=wrong)
    assert not len(kept)
