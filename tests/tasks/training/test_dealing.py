"""Answers dealt to other days: luck is not taken for reading, and reading is seen."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.tasks.training.dealing import dealings

Rng = np.random.Generator
Values = np.ndarray[Any, np.dtype[np.float64]]
FIRST = np.datetime64("2021-01-04")


def row(seed: int | None, symbol: str, day: int) -> Any:
    date = str(np.busday_offset(FIRST, day))
    return {"task": "t", "symbol": symbol, "market_seed": seed, "date": date}


def persistent(number: int, stretch: int, rng: Rng) -> Values:
    """Values that stay the same for so many days."""
    begin = int(rng.integers(stretch))
    own = rng.standard_normal(number // stretch + 2)
    return np.asarray(own[(np.arange(number) + begin) // stretch])


def p_value(rows: Sequence[Any], answers: Values, labels: Values) -> float:
    own = float((answers * labels).mean())
    dealt = [float((answers * labels[met]).mean()) for met in dealings(rows, 99)]
    return (1 + sum(each >= own - 1e-12 for each in dealt)) / 100


def worlds(number: int, markets: int, days: int) -> Iterator[tuple[list[Any], Callable[..., Any]]]:
    rows = [
        row(m if markets > 1 else None, "A", day) for m in range(markets) for day in range(days)
    ]
    for seed in range(number):
        rng = np.random.default_rng(seed)

        def drawn(stretch: int, rng: Rng = rng) -> Any:
            return np.concatenate([persistent(days, stretch, rng) for _ in range(markets)])

        yield rows, drawn


def test_luck_of_answers_that_stay_the_same_for_weeks_is_not_taken_for_reading() -> None:
    found = []
    for markets, days in ((1, 120), (6, 60), (30, 5)):
        for rows, drawn in worlds(40, markets, days):
            found.append(p_value(rows, drawn(21), drawn(15)))
    assert np.mean(np.array(found) <= 0.05) <= 0.1  # one answer at a time: a third of them


def test_answers_that_have_to_do_with_their_days_are_seen() -> None:
    for markets, days in ((1, 120), (8, 15), (200, 1)):
        found = []
        for rows, drawn in worlds(20, markets, days):
            labels = drawn(15)
            found.append(p_value(rows, labels + drawn(1), labels))
        assert np.mean(np.array(found) <= 0.05) >= 0.8


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from([None, 0, 1, 2]), st.sampled_from("AB"), st.integers(0, 80)),
        min_size=1,
        max_size=60,
    ),
    st.integers(0, 99),
)
def test_an_answer_meets_a_label_of_its_own_asset_and_answers_of_a_day_stay_together(
    drawn: list[tuple[int | None, str, int]], seed: int
) -> None:
    rows = [row(*each) for each in drawn]
    keys = [(r["market_seed"], r["symbol"], r["date"]) for r in rows]
    for met in dealings(rows, 3, seed):
        days: dict[Any, set[Any]] = {}
        for own, other in enumerate(met.tolist()):
            assert rows[own]["symbol"] == rows[other]["symbol"]
            assert (rows[own]["market_seed"] is None) == (rows[other]["market_seed"] is None)
            days.setdefault(keys[own], set()).add(keys[other])
        assert all(len(found) == 1 for found in days.values())
