"""Rounds of a race: who plays which numbers, kills, failures and money."""

import asyncio
from collections.abc import Callable

import numpy as np

from investorbench.tasks.running.observed import RepeatScores
from investorbench.tasks.running.rounds import Rounds
from investorbench.tasks.running.tournament import AloneError
from investorbench.tasks.statistics.sequential import Race, Stopping

NAMES = ("weak", "fair", "strong")
REPEATS, BLOCK = 20, 25


def scores_of(name: str, repeat: int) -> np.ndarray:
    """What an agent is scored in a repeat: the same at every look and in every report."""
    market = np.random.default_rng(repeat).standard_normal(BLOCK)
    own = np.random.default_rng([NAMES.index(name), repeat]).standard_normal(BLOCK)
    return market + own + {"weak": 0.0, "fair": 1.4, "strong": 1.7}[name]


def rounds(size: int = 1, affords: Callable[[], bool] = lambda: True) -> Rounds:
    """A race for the best."""
    rule = Stopping(until="best", most=REPEATS * BLOCK)
    return Rounds(Race(stopping=rule, names=NAMES), REPEATS, size, affords)


def played(
    gate: Rounds, fails: tuple[str, int] | None = None
) -> tuple[dict[str, list[int]], list[str]]:
    """The repeats of each agent in the order in which they ended, and what was raised."""
    done: dict[str, list[int]] = {name: [] for name in NAMES}
    raised: list[str] = []

    async def play(name: str, repeat: int) -> None:
        try:
            if not await gate.begins(name, repeat):
                return
            await asyncio.sleep(0)
            if (name, repeat) == fails:
                gate.leave(name)
                return
            done[name].append(repeat)
            gate.finish(name, repeat, RepeatScores(scores_of(name, repeat)))
        except AloneError as error:
            raised.append(str(error))

    async def all_of_them() -> None:
        await asyncio.gather(*(play(name, n) for n in reversed(range(REPEATS)) for name in NAMES))

    asyncio.run(all_of_them())
    return done, raised


def test_agents_that_leave_have_played_what_they_would_have_played_first() -> None:
    gate = rounds()
    done, raised = played(gate)
    assert raised == []
    assert gate.race.last.end == "answered"
    numbers = {name: gate.race.last.observations[name] // BLOCK for name in NAMES}
    assert {name: sorted(own) for name, own in done.items()} == {
        name: list(range(number)) for name, number in numbers.items()
    }
    assert numbers["weak"] < numbers["fair"] < REPEATS
    assert gate.allowed("weak") == numbers["weak"]


def test_rounds_of_several_repeats_are_looked_at_as_a_whole() -> None:
    gate = rounds(size=3)
    done, _ = played(gate)
    assert all(len(own) % 3 == 0 or len(own) == REPEATS for own in done.values())


def test_an_agent_that_fails_holds_up_the_others_until_the_race_is_resumed() -> None:
    broken = rounds()
    done, raised = played(broken, fails=("fair", 1))
    assert {name: max(own) for name, own in done.items()} == {
        "weak": 1, "fair": 0, "strong": 1,
    }  # fmt: skip
    assert "fair did not finish its round" in raised[0] and "resumes" in raised[0]
    again = rounds()
    assert played(again)[0] == played(rounds())[0]
    assert again.race.last.end == "answered"


def test_a_round_that_cannot_be_paid_for_is_not_begun() -> None:
    money = iter([True, False])
    gate = rounds(affords=lambda: next(money))
    done, _ = played(gate)
    assert gate.race.last.end == "unaffordable"
    assert {name: len(own) for name, own in done.items()} == dict.fromkeys(NAMES, 2)
    assert gate.race.last.left == dict.fromkeys(NAMES, "unaffordable")


def test_the_last_round_is_the_last_also_where_fewer_were_observed_than_planned() -> None:
    rule = Stopping(until="best", most=10_000)
    gate = Rounds(Race(stopping=rule, names=NAMES), REPEATS)
    played(gate)
    assert gate.race.last.end == "exhausted"
