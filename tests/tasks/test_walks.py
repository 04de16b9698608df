"""An agent that looks at all it can reach from what it is handed finds the past, and no more."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from investorbench.tasks import evaluate
from investorbench.tasks.seeds import market_seed
from investorbench_env.market.market import Market
from investorbench_env.registration import market_of
from tests.tasks.test_handed_over import WEIGHT, Steady


class Walks(Steady):
    """Looks at every attribute of what it is handed, and at what each gives when it is called."""

    def __init__(self, days: Sequence[int], found: list[tuple[str, set[float], set[str]]]) -> None:
        super().__init__()
        self.days, self.found = days, found

    def begin(self, facts: Any, split: str, seed: int) -> None:
        self.facts = facts

    def act(self, observation: Any, info: Any) -> Any:
        action = super().act(observation, info)
        if self.day in self.days:
            handed = [self.facts, observation, info, *observation.values(), *info.values()]
            handed += [part for part in handed if isinstance(part, tuple) for part in part]
            self.found.append((info["session"], *numbers_and_texts(walk(handed, levels=2))))
        return action


def walk(things: Sequence[Any], levels: int) -> Iterator[Any]:
    """Whatever attributes, methods without arguments and items lead to, this many levels deep."""
    yield from things
    if not levels:
        return
    for thing in things:
        if isinstance(thing, str | bytes | int | float | type(None) | ModuleType | type):
            continue
        found = []
        for name in dir(thing):
            if name.startswith("__"):
                continue
            with suppress(Exception), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = getattr(thing, name)
                found.append(value)
                found += [value()] if callable(value) and not isinstance(value, type) else []
        with suppress(Exception):
            found += list(thing.values() if isinstance(thing, dict) else thing)[:40]
        yield from walk(found, levels - 1)


def numbers_and_texts(things: Iterable[Any]) -> tuple[set[float], set[str]]:
    numbers: set[float] = set()
    texts: set[str] = set()
    for thing in things:
        if isinstance(thing, str | bytes):
            texts.add(thing if isinstance(thing, str) else thing.decode("utf-8", "ignore"))
        elif isinstance(thing, np.ndarray) and thing.dtype.kind in "if":
            numbers.update(thing.ravel().tolist())
            texts.add(repr(thing))
        elif isinstance(thing, int | float | np.generic):
            with suppress(TypeError, ValueError, OverflowError):
                numbers.add(float(thing))
        with suppress(Exception):
            texts.add(repr(thing))
    return numbers, texts


@pytest.mark.heavy
def test_nothing_that_an_agent_is_handed_leads_to_the_future_or_to_a_seed() -> None:
    found: list[tuple[str, set[float], set[str]]] = []
    honest = evaluate(Steady, WEIGHT, seed=5)
    walked = evaluate(partial(Walks, (75,), found), WEIGHT, seed=5)
    assert walked.actions == honest.actions and walked.metrics == honest.metrics
    market = WEIGHT.market(walked.median.market_seed)
    for session, numbers, texts in found:
        t = int(np.flatnonzero(market.sessions == np.datetime64(session))[0])
        now = market.times[t]
        past, future = (figures_in(market, part) for part in (slice(0, t + 1), slice(t + 1, None)))
        assert numbers & past, "it did not even find the past"
        assert not numbers & (future - past)
        known = market.documents.available_at <= now
        later, earlier = (
            {
                str(row)
                for row, is_known in zip(market.documents, known, strict=True)
                if is_known is way
            }
            for way in (np.False_, np.True_)
        )
        said = "\n".join(texts)
        assert later - earlier and not [text for text in later - earlier if text in said]
        seed = walked.median.market_seed
        assert str(seed) not in said and f"{seed:x}" not in said


def figures_in(market: Market, part: slice) -> set[float]:
    """Figures with many digits of some sessions, as they are and as an observation has them.

    Prices alone have so few that others come out equal to them.
    """
    assert market.hidden_state is not None
    closes = market.bars[:, 0, 3]
    returns = np.append(0.0, np.diff(np.log(closes)))
    hidden = [state[:, 0] for name, state in market.hidden_state.items() if name != "regime"]
    columns = np.array([market.bars[:, 0, 4], closes * market.bars[:, 0, 4], returns, *hidden])
    return {*columns[:, part].ravel().tolist(),
            *columns[:, part].astype(np.float32).ravel().tolist()} - {0.0}  # fmt: skip


SIM_ID = "InvestorBench/Stock-SIM"
found: list[str] = []
"""The sessions at which a market was found."""


class SearchesForSeeds:
    """Draws the markets of all seeds that it can think of, and trades on the future of its own."""

    def begin(self, facts: Any, split: str, seed: int) -> None:
        guesses = [seed, *range(4)]
        derived = [market_seed(guess, repeat) for guess in guesses for repeat in range(2)]
        markets = [market_of(SIM_ID, seed=guess) for guess in (*guesses, *derived)]
        self.markets = markets

    def act(self, observation: Any, info: Any) -> int:
        shown = observation["bars"][-3:, 3].astype(float)
        for market in self.markets:
            (t,) = np.flatnonzero(market.sessions == np.datetime64(info["session"]))
            if np.allclose(market.bars[t - 2 : t + 1, 0, 3], shown, rtol=1e-6):
                found.append(str(info["session"]))
                return 2 * int(market.bars[t + 1, 0, 3] > market.bars[t + 1, 0, 0])
        return 1


def test_the_seed_of_a_run_that_names_none_is_not_found_by_those_who_search_for_it() -> None:
    result = evaluate(SearchesForSeeds, SIM_ID, end="2020-10-09", warmup=False)
    assert found == [] and result.metrics["trades"] == 0
    evaluate(SearchesForSeeds, SIM_ID, end="2020-10-09", warmup=False, seed=3)
    assert len(found) == 6, "the search itself works: a seed that is named can be guessed"
