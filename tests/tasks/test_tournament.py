"""Agents in lock-step: who is shown ranks decides when every account of the path is marked."""

import asyncio

import numpy as np
import pytest

from investorbench.tasks.ranks import ranks_of
from investorbench.tasks.running.tournament import AloneError, Seat, Tournament

STEPS = 4


def test_ranks_are_those_of_all_accounts_and_equal_ones_share_the_better() -> None:
    equities = {"a": 90.0, "b": 120.0, "c": 90.0, "d": 50.0}
    assert ranks_of(equities, "b") == {"rank": 1, "of": 4, "equities": [120.0, 90.0, 90.0, 50.0]}
    assert [ranks_of(equities, name)["rank"] for name in "acd"] == [2, 2, 4]


@pytest.mark.parametrize("seed", range(20))
def test_whoever_arrives_first_everybody_sees_the_accounts_of_one_decision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worth = rng.normal(100.0, 10.0, (STEPS, 3)).tolist()
    waits = rng.integers(4, size=(STEPS, 3)).tolist()
    table = Tournament("abc")

    async def play(number: int) -> list[list[float]]:
        seat, seen = table.seat("abc"[number]), []
        for step in range(STEPS):
            for _ in range(waits[step][number]):
                await asyncio.sleep(0)
            shown = await seat.ranks("test", step, worth[step][number])
            seen.append(shown["equities"])
        seat.end("test", 0.0)
        seat.leave()
        return seen

    async def together() -> list[list[list[float]]]:
        return await asyncio.gather(*map(play, range(3)))

    everybody = [sorted(own, reverse=True) for own in worth]
    assert asyncio.run(together()) == [everybody] * 3


def test_an_account_that_has_ended_counts_with_what_was_left() -> None:
    table = Tournament("ab")

    async def ruined(seat: Seat) -> None:
        await seat.ranks("test", 0, 100.0)
        seat.end("test", 0.0)
        seat.leave()

    async def lives(seat: Seat) -> list[list[float]]:
        return [(await seat.ranks("test", step, 100.0))["equities"] for step in range(3)]

    async def together() -> list[list[float]]:
        found = await asyncio.gather(ruined(table.seat("a")), lives(table.seat("b")))
        return found[1]

    assert asyncio.run(together()) == [[100.0, 100.0], [100.0, 0.0], [100.0, 0.0]]


def test_one_who_leaves_before_the_end_ends_the_wait_of_the_others_at_every_place() -> None:
    async def fails(seat: Seat, at: int) -> None:
        try:
            await seat.all_ready(True)
            for step in range(at):
                await seat.ranks("test", step, 1.0)
            raise RuntimeError
        except RuntimeError:
            seat.leave()

    async def lives(seat: Seat) -> int:
        await seat.all_ready(True)
        for step in range(STEPS):
            try:
                await seat.ranks("test", step, 1.0)
            except AloneError as error:
                return step if "a did not come to its end" in str(error) else -1
        return STEPS

    async def together(at: int) -> int:
        table = Tournament("ab")
        found = await asyncio.gather(fails(table.seat("a"), at), lives(table.seat("b")))
        return found[1]

    assert [asyncio.run(together(at)) for at in range(STEPS)] == list(range(STEPS))


def test_nobody_begins_where_one_is_busy_and_all_may_ask_again() -> None:
    table = Tournament("ab")

    async def asks(name: str, answers: list[bool]) -> list[bool]:
        return [await table.seat(name).all_ready(each) for each in answers]

    async def together() -> list[list[bool]]:
        return [*await asyncio.gather(asks("a", [True, True]), asks("b", [False, True]))]

    assert asyncio.run(together()) == [[False, True], [False, True]]


def test_a_split_that_was_played_before_is_recalled_and_not_waited_for() -> None:
    table = Tournament("ab")

    async def resumed(seat: Seat) -> list[float]:
        seat.recall("warmup", [100.0, 110.0], 120.0)
        return [*(await seat.ranks("test", 0, 100.0))["equities"]]

    async def whole(seat: Seat) -> list[list[float]]:
        marks = (("warmup", 0), ("warmup", 1), ("test", 0))
        return [(await seat.ranks(split, step, 50.0))["equities"] for split, step in marks]

    async def together() -> list[list[float]]:
        one, other = await asyncio.gather(resumed(table.seat("a")), whole(table.seat("b")))
        return [one, *other]

    assert asyncio.run(together()) == [[100, 50], [100, 50], [110, 50], [100, 50]]
