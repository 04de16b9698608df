"""What an agent was shown has one hash, which any part of it changes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from investorbench.tasks.record.deep import first_difference
from investorbench.tasks.record.observed import observed_hash
from tests.env.small_markets import document


def shown() -> tuple[dict[str, Any], dict[str, Any]]:
    observation = {
        "bars": np.arange(6, dtype=np.float32).reshape(2, 3),
        "mask": np.ones(2, np.int8),
        "news": ("one", "two"),
        "time": "2020-10-01T20:00:00+00:00",
    }
    return observation, {"documents": (document(3.5, "good"),), "label": 0.5, "equity": 1.0}


def put(place: int, name: str, value: Any) -> Callable[[Any], None]:
    return lambda both: both[place].update({name: value})


@pytest.mark.parametrize(
    "change",
    [
        put(0, "bars", np.arange(6, dtype=np.float32).reshape(3, 2)),
        put(0, "bars", np.arange(6, dtype=np.float64).reshape(2, 3)),
        put(0, "bars", np.array([[0, 1, 2], [3, 4, 5.0001]], np.float32)),
        put(0, "mask", np.zeros(2, np.int8)),
        put(0, "news", ("one two",)),
        put(0, "news", ("two", "one")),
        put(0, "time", "2020-10-02T20:00:00+00:00"),
        put(0, "more", 1),
        put(1, "documents", ()),
        put(1, "documents", (replace(document(3.5, "good"), title="other"),)),
        put(1, "documents", (document(3.5, "bad"),)),
        put(1, "label", -0.5),
    ],
)
def test_every_part_counts(change: Callable[[Any], None]) -> None:
    both = shown()
    before = observed_hash(*both)
    assert before == observed_hash(*shown())
    change(both)
    assert observed_hash(*both) != before


def test_what_the_lines_hold_and_what_is_no_plain_value_count_by_no_value() -> None:
    observation, info = shown()
    before = observed_hash(observation, info)
    assert observed_hash(observation, info | {"equity": 2.0}) == before
    one, other = (observed_hash({"own": each}, {}) for each in (object(), object()))
    assert one == other != observed_hash({"own": object}, {})


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        ({"a": 1}, {"a": 1.0}, None),
        ({"a": 1}, {"a": True}, "a is 1, recorded as True"),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "a.b[1] is 2, recorded as 3"),
        ({"a": [1]}, {"a": []}, "a has 1 parts, recorded with 0"),
        ({"a": None}, {}, "a is None, recorded as nothing"),
        ({}, {"a": "x"}, "a is nothing, recorded as 'x'"),
        ({"a": "x" * 99 + "y"}, {"a": "x" * 100}, "a from character 100 is "),
    ],
)
def test_the_first_difference_is_in_words(now: Any, before: Any, words: str | None) -> None:
    found = first_difference(now, before)
    assert found == words if words is None else found is not None and found.startswith(words)
