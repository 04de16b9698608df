"""Do races on real days keep their promise where what the assets of a day earn goes together?

``python -m investorbench.scripts.bench.stopping_days`` plays races of two agents that are as good
as each other, on assets that share a market, with moods that last for days. An observation is a day
of one phase, over all its assets; beside that stand two that are none: each decision, and each day
of the calendar, whose horizons overlap.
"""

import argparse
from collections.abc import Mapping

import numpy as np

from investorbench.scripts.bench.stopping import FIRST, Size, rule_of
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.statistics.sequential import Race

ASSETS, HORIZON, DAYS, LOOKS = 10, 5, 60, 6
"""Assets of a day, sessions that a position is held, days of a phase, and looks of a race."""
TOGETHER = 0.4
"""Of the variance of returns, what the market is; and of agents' mistakes, what their mood is."""
LASTS = 0.8
"""Correlation of a mood from one day to the next."""
SKILL, RETURN_BPS, TAIL = 0.3, 120.0, 5
"""Correlation of views with what comes, and scale and freedom of a session's returns."""


def scores(rng: np.random.Generator) -> FloatArray:
    """What decisions of two equal agents earn on all days of the calendar, in basis points.

    Returns:
        Of each agent, day and asset [2, days, assets].
    """
    days = DAYS * HORIZON
    sessions = days + HORIZON - 1
    market, own = rng.standard_t(TAIL, (sessions, 1)), rng.standard_t(TAIL, (sessions, ASSETS))
    returns = RETURN_BPS * (np.sqrt(TOGETHER) * market + np.sqrt(1.0 - TOGETHER) * own)
    held = np.lib.stride_tricks.sliding_window_view(returns, HORIZON, axis=0).sum(axis=-1)
    moods = np.empty((2, days, 1))
    moods[:, 0] = rng.standard_normal((2, 1))
    for day in range(1, days):
        new = np.sqrt(1.0 - LASTS**2) * rng.standard_normal((2, 1))
        moods[:, day] = LASTS * moods[:, day - 1] + new
    mistakes = np.sqrt(TOGETHER) * moods
    mistakes = mistakes + np.sqrt(1.0 - TOGETHER) * rng.standard_normal((2, days, ASSETS))
    views = SKILL * held / held.std() + np.sqrt(1.0 - SKILL**2) * mistakes
    return np.asarray(np.sign(views) * held)


def observed(found: FloatArray, rng: np.random.Generator) -> Mapping[str, FloatArray]:
    """The same as a race would see it, by what is taken for an observation [2, n] each."""
    phase = found[:, rng.permutation(DAYS) * HORIZON]
    return {
        "days of one phase": phase.mean(axis=2),
        "decisions, which go together": phase.reshape(2, -1),
        "days of the calendar, which overlap": found[
            :, rng.permutation(DAYS * HORIZON)
        ].mean(axis=2),
    }  # fmt: skip


def says_something(values: FloatArray) -> bool:
    """Whether a race distinguishes two agents, from their scores [2, n]."""
    most = values.shape[1]
    race = Race(stopping=rule_of("distinguished", most, anytime=False), names=("0", "1"))
    for look in range(1, LOOKS + 1):
        until = most * look // LOOKS
        if race.look({name: values[int(name), :until] for name in race.names}).end:
            break
    return any(pair.worse is not None for pair in race.last.pairs)


def sizes(races: int) -> list[Size]:
    """How often races say something of agents that are as good as each other."""
    wrong: dict[str, int] = {}
    for number in range(races):
        rng = np.random.default_rng(FIRST + number)
        for name, values in observed(scores(rng), rng).items():
            wrong[name] = wrong.get(name, 0) + says_something(values)
    return [Size(name=name, races=races, wrong=count) for name, count in wrong.items()]


def main() -> None:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=2000)
    for found in sizes(parser.parse_args().races):
        print(found, flush=True)


if __name__ == "__main__":
    main()
