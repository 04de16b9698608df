"""Probes of brittleness: each model is found brittle where it is, and nowhere else."""

import asyncio
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from investorbench.tasks.probes import (
    PROBES,
    Brittleness,
    RecordedStates,
    probe_brittleness,
    recorded_states,
)
from investorbench.tasks.probes.variants import newest_first, otherwise_put, two_decimals
from investorbench.tasks.statistics.proportions import Share, more_often
from investorbench.tasks.task import Task
from tests.env.perpetual_markets import perpetual_market
from tests.tasks.brittle_models import CHARACTERS, COINS, KIND, Character, Local, served, states

STATES = 16


def probed(character: Character, seed: int) -> Brittleness:
    recorded = states(STATES, seed)
    asking = probe_brittleness(Local(character), recorded, seed=1_000 * seed)
    return asyncio.run(asking)


@pytest.mark.parametrize("character", ["robust", "self-contradicting"])
def test_a_model_is_found_brittle_where_it_is_and_nowhere_else(character: Character) -> None:
    found = probed(character, 1)
    assert found.kinds == KIND[character]
    assert [each.probe for each in found.outcomes] == [*PROBES] and len(PROBES) == 10
    assert found.record()["states"] == STATES


@pytest.mark.long
def test_four_models_are_told_apart_in_ninety_five_of_a_hundred_seeds() -> None:
    right = Counter(
        character
        for seed in range(100)
        for character in CHARACTERS
        if probed(character, seed).kinds == KIND[character]
    )
    assert min(right[character] for character in CHARACTERS) >= 95, right


@pytest.mark.heavy
@pytest.mark.parametrize("character", CHARACTERS)
def test_a_model_behind_a_server_is_found_as_brittle_as_in_this_process(
    character: Character,
) -> None:
    server, connected = served(character)
    with server:
        asking = probe_brittleness(connected(server.url), states(STATES, 1), seed=1_000)
        found = asyncio.run(asking)
    here = probed(character, 1)
    assert found.kinds == KIND[character]
    same = ("flips", "noise", "breaches")
    assert [[getattr(each, name) for name in same] for each in found.outcomes] == [
        [getattr(each, name) for name in same] for each in here.outcomes
    ]


def test_both_questions_of_a_pair_have_one_seed_and_the_repeated_one_another() -> None:
    asked: list[tuple[str, int]] = []

    class Noting(Local):
        async def decide(self, messages, schema, *, seed, **options):  # type: ignore[no-untyped-def]
            asked.append((messages[-1]["content"] + messages[0]["content"], seed))
            return await super().decide(messages, schema, seed=seed, **options)

    recorded = states(2, 0)
    asyncio.run(probe_brittleness(Noting("robust"), recorded, seed=50))
    seeds = {seed for _, seed in asked}
    assert len(seeds) == 4 and {50, 51} < seeds
    assert len(asked) == len(set(asked)) == 2 * 16
    again = [question for question, seed in asked if seed not in (50, 51)]
    assert len(again) == 2 * 3 and {*again} < {text for text, seed in asked if seed in (50, 51)}


@given(st.integers(0, 60), st.integers(0, 60))
def test_flips_are_compared_with_noise_by_an_exact_test_of_pairs_that_differ(
    a: int, b: int
) -> None:
    expected = binomtest(a, a + b, 0.5, alternative="greater").pvalue if a + b else 1.0
    assert more_often(a, b) == pytest.approx(expected, rel=1e-9)


@given(st.integers(0, 200), st.integers(1, 200))
def test_shares_have_wilsons_interval(cases: int, of: int) -> None:
    share = Share(min(cases, of), of)
    expected = binomtest(share.cases, of).proportion_ci(0.95, "wilson")
    assert share.interval() == pytest.approx((expected.low, expected.high), abs=1e-9)


def walked(count: int) -> RecordedStates:
    """States of the environment itself, in bars of four hours."""
    levels = [1.0 + 0.01 * math.sin(n) for n in range(count + 3)]
    bars = {
        coin: [(price * each, price * each * 1.001, price * each * 0.999, price * each)
               for each in levels]
        for coin, price in (("BTC", 118_000.0), ("SOL", 178.0), ("DOGE", 0.23))
    }  # fmt: skip
    market = perpetual_market(bars, minutes=240)
    options = {"symbols": [*bars], "interval": "4h", "context": None}
    dates = {"start": str(market.sessions[0]), "end": str(market.sessions[-1])}
    task = Task(id="InvestorBench/Perpetuals", data=market, options=options, **dates)
    return recorded_states(task, count, seed=0)


def test_states_of_the_environment_are_hours_apart_and_hold_one_coin_after_another() -> None:
    recorded = walked(9)
    assert (len(recorded.states), recorded.hours_apart, recorded.simulated) == (9, 4.0, False)
    held = [each.held for each in recorded.states]
    assert held[:6] == ["BTC", "SOL", "DOGE"] * 2
    assert all(len(each.shown.positions) <= 1 for each in recorded.states)


def test_every_probe_finds_its_words_in_what_the_environment_writes() -> None:
    state = walked(1).states[0]
    for probe in PROBES:
        first, second = probe.first(state, state.question), probe.second(state, state.question)
        changed = (first.system, first.user) != (second.system, second.user)
        assert changed != (probe.kind == "format"), probe.name
        assert probe.suits(state) and first.schema == second.schema


def test_the_other_order_turns_each_series_around_and_says_so() -> None:
    state = states(1, 3).states[0]
    other = newest_first(state, state.question)
    assert "[51.00, 50.00]" in other.user and "[50.00, 51.00]" not in other.user
    assert "from the latest value to the oldest" in other.user
    assert "newest first: the first value is the newest" in other.system
    assert Counter(other.user.split()) != Counter(state.question.user.split())


def test_two_decimals_leave_funding_rates_and_words_alone() -> None:
    state = states(1, 3).states[0]
    other = two_decimals(state, state.question).user
    assert "funding rate 0.0000125" in other and "DOGE: price 0.24, " in other
    assert "MACD 0.12," in other and "available cash 9000.00" in other


def test_irrelevant_changes_keep_every_line_of_every_coin() -> None:
    state = states(1, 3).states[0]
    before, after = state.question.user, otherwise_put(state, state.question).user
    assert [line.split(":")[0] for line in after.splitlines() if ": price" in line] == [*COINS][
        ::-1
    ]
    changed = Counter(before.splitlines()) - Counter(after.splitlines())
    assert sorted(line.split()[0] for line in changed) == ["Account:", "It"]
    assert "01.07.2025, 00:00 UTC" in after and "available cash in USD: 9000.00" in after


def test_states_without_a_position_are_left_out_of_probes_that_need_one() -> None:
    recorded = states(4, 0)
    bare = [each.__class__(**{**_fields(each), "shown": each.shown._replace(positions={})})
            for each in recorded.states[:1]]  # fmt: skip
    mixed = recorded._replace(states=(*bare, *recorded.states[1:]))
    found = asyncio.run(probe_brittleness(Local("robust"), mixed, seed=0))
    by_name = {each.probe.name: each.flips.of for each in found.outcomes}
    assert (by_name["order"], by_name["changed_plan"]) == (4, 3)


def _fields(state: object) -> dict[str, object]:
    return {name: getattr(state, name) for name in state.__slots__}  # type: ignore[attr-defined]
