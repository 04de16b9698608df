"""Agents that cheat by legal means: what they do to what they are handed changes nothing."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import pytest

from investorbench.tasks import Result, Task, evaluate, load
from investorbench.tasks.record.replaying import replay
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.result import Episode
from investorbench.tasks.step import Step
from investorbench_env.accounting.events import AccountState
from investorbench_env.envs.options import Options
from investorbench_env.envs.setup import prepare
from investorbench_env.facts import Facts
from investorbench_env.market.market import CLOSE, OPEN
from investorbench_env.market.simulated.bands import FRESH, ONE
from tests.tasks import toys

WEIGHT = Task.of("stock/sim", end="2020-10-30", options={"action": "weight"})
RICH = AccountState(cash=9e9, equity=9e9, costs=0.0, positions=(), marks={})


class Steady:
    """Weights that follow from the day alone, each in an array of its own."""

    def __init__(self) -> None:
        self.day = 0

    def act(self, observation: Any, info: Mapping[str, Any]) -> Any:
        self.day += 1
        return np.array([self.day % 5 / 10 - 0.2], np.float32)


class OneBuffer(Steady):
    """The same in one array, which it writes into whenever it can."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = np.zeros(1, np.float32)

    def act(self, observation: Any, info: Mapping[str, Any]) -> Any:
        self.buffer[:] = super().act(observation, info)
        return self.buffer

    def learn(self, reward: float, info: Mapping[str, Any]) -> None:
        self.buffer[:] = 1.0

    def record(self) -> dict[str, Any]:
        self.buffer[:] = -1.0
        return {}


class Spoils(Steady):
    """Keeps all that it is handed, then clears, overwrites and forges it at every turn."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Any] = []

    def act(self, observation: Any, info: Any) -> Any:
        self.kept += [observation, info]
        action = super().act(observation, info)
        self._spoil()
        return action

    def learn(self, reward: float, info: Any) -> None:
        self.kept.append(info)
        self._spoil()

    def _spoil(self) -> None:
        for each in self.kept[-5:]:
            if "account" in each and not isinstance(each["account"], np.ndarray):
                each["account"]._values = RICH._values
            for part in each.values():
                if isinstance(part, np.ndarray) and part.dtype.kind in "if":
                    part[...] = 7
            each["account"], each["fills"], each["session"] = RICH, (), "1999-01-04"
            each["equity"], each["reward"] = 9e9, 9.0
        for each in self.kept[:-5]:
            each.clear()


@pytest.mark.parametrize("cheat", [OneBuffer, Spoils])
def test_neither_score_nor_record_changes(cheat: Any, tmp_path: Path) -> None:
    honest = evaluate(Steady, WEIGHT, 2, seed=5)
    for folder in (None, tmp_path):
        cheated = evaluate(cheat, WEIGHT, 2, seed=5, folder=folder)
        assert _scores(cheated) == _scores(honest)
    (recorded,) = load(tmp_path).results
    assert _scores(recorded) == _scores(honest)
    (job,) = map(job_in, jobs_in(tmp_path))
    assert [replay(job, number).difference for number in (0, 1)] == [None, None]


def _scores(result: Result) -> list[Any]:
    return [
        (episode.actions, episode.equity.tolist(), episode.rewards.tolist(), episode.metrics["SR"])
        for episode in result.episodes
    ]


class Telling(toys.MinutesEnv):
    """Tells in its last info what an agent may not know."""

    def step(self, action: Any) -> Any:
        *rest, truncated, info = super().step(action)
        if truncated:
            info |= {"market_seed": 5, "hidden_state": {"regime": np.zeros(9)}}
        return *rest, truncated, info


def test_what_the_last_info_tells_of_the_market_reaches_no_agent_and_no_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import gymnasium as gym

    monkeypatch.setitem(gym.registry, "Telling", gym.envs.registration.EnvSpec("Telling", Telling))
    seen: set[str] = set()
    steps: list[Step] = []

    class Reads:
        def act(self, observation: Any, info: Any) -> int:
            seen.update(info)
            return 1

        def learn(self, reward: float, info: Any) -> None:
            seen.update(info)

    evaluate(Reads, "Telling", watch=steps.append)
    assert seen == {"session", "time", "account", "fills", "rejections"}
    assert steps[-1].is_last and seen == set(steps[-1].outcome)


class Looks(Steady):
    """Reads whatever lies in the folders above those in which it saves itself."""

    found: ClassVar[list[Path]] = []

    def look_above(self, folder: Path) -> None:
        above = {*Path(folder).resolve().parents, *Path(folder).absolute().parents}
        self.found += [file for parent in above for file in parent.glob("*") if file.is_file()]

    def save(self, folder: Path) -> None:
        self.look_above(folder)
        (folder / "day").write_text(str(self.day))

    def load(self, folder: Path) -> None:
        self.look_above(folder)
        self.day = int((folder / "day").read_text())


def test_a_folder_to_be_saved_in_does_not_lead_to_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Looks, "found", [])
    run = tmp_path / "run"
    evaluate(Looks, WEIGHT, seed=5, folder=run)
    assert [*run.rglob("agent/*/day")] and [*run.rglob("config.yaml")]
    assert not [file for file in Looks.found if file.is_relative_to(tmp_path)]


class Guesses:
    """Simulates the market of every number that it is shown, and trades on the likeliest one.

    Once a simulated close is to the cent what is shown, the rest of that market is what will come.

    Args:
        hints: numbers that it knows besides.
    """

    def __init__(self, hints: Sequence[int] = ()) -> None:
        self.hints = hints

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        texts = repr(facts)
        shown = {seed, *map(int, re.findall(r"\d+", texts)), int(facts.fingerprint, 16)}
        numbers = sorted({*shown, *range(30), *self.hints})
        options = Options.of(dict(gym.spec("InvestorBench/Stock-SIM").kwargs))
        law = prepare(options).markets.law  # type: ignore[attr-defined]
        self.days = law.sessions
        entropies = [(band, number) for number in numbers for band in range(FRESH, ONE + 1)]
        bars = law.numbers(entropies, news=False).bars
        self.opens, self.closes = bars[..., OPEN], bars[..., CLOSE]
        self.seen: list[float] = []
        self.at: list[int] = []

    def act(self, observation: Any, info: Any) -> int:
        self.at.append(int(np.searchsorted(self.days, np.datetime64(info["session"]))))
        self.seen.append(info["account"].marks["SIM"])
        level = self.closes[:, self.at] / self.closes[:, self.at[:1]]
        far = np.abs(np.log(level) - np.log(np.array(self.seen) / self.seen[0])).mean(axis=1)
        far[self.closes[:, self.at[-1]] == self.seen[-1]] = -1.0
        fills = self.opens[far.argmin(), self.at[-1] + 1 : self.at[-1] + 3]
        return 1 if len(fills) < 2 else 2 * int(fills[1] > fills[0])


@pytest.mark.heavy
def test_the_seed_attack_earns_no_more_than_random() -> None:
    task = Task.of("stock/sim", end="2021-02-26")
    many = 12

    def trade(agent: Any) -> tuple[Episode, ...]:
        return evaluate(agent, task, repeats=many, seed=77, warmup=False).episodes

    def growth(episodes: Sequence[Episode]) -> Any:
        return np.log1p([episode.metrics["CR"] for episode in episodes])

    attack = trade(Guesses)
    ahead = growth(attack) - growth(trade("random"))
    assert ahead.mean() < 2 * ahead.std(ddof=1) / np.sqrt(many)
    # With the numbers of the markets it would have been rich.
    knowing = partial(Guesses, [episode.market_seed for episode in attack])
    assert growth(trade(knowing)).mean() > 1.0
