"""Environments of others: from evaluation to report, and read where they are not known."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.tasks import Task, evaluate, load
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench_env.errors import InvestorBenchError
from tests.scripts.calling import Call
from tests.tasks.plain_records import lines_of, timeless
from tests.tasks.toys import MinutesEnv, PairEnv

KINDS = {"Pair": PairEnv, "Minutes": MinutesEnv}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    for name, kind in KINDS.items():
        gym.register(f"Toys/{name}", entry_point=kind, disable_env_checker=True)
    yield
    for name in KINDS:
        gym.registry.pop(f"Toys/{name}", None)


class Trader:
    """Orders, or goes in and out, by what it has lived through; breaks off where the test wants."""

    name = "trader"
    breaks_at = -1

    def begin(self, facts: Any, split: str, seed: int) -> None:
        if split == "warmup":
            self._lived = seed % 5
            self._start = self._lived
        self._orders = facts.action == "orders"

    def act(self, observation: Any, info: Any) -> Any:
        if self._lived - self._start == self.breaks_at:
            raise ZeroDivisionError("killed")
        self._lived += 1
        if not self._orders:
            return self._lived // 7 % 2
        weight = np.array([[0.3, 1.5, 0.7][self._lived % 3]], np.float32)
        return ({"asset": self._lived % 2, "weight": weight}, {"asset": 0, "weight": weight / 4})

    def learn(self, reward: float, info: Any) -> None:
        self._lived += reward > 0.005


def recorded(name: str, folder: Path) -> Any:
    """A run of two repeats that breaks off in the middle and is resumed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trader, "breaks_at", 13)
        with pytest.raises(ZeroDivisionError):
            evaluate(Trader(), f"Toys/{name}", 2, folder=folder, seed=0)
    return evaluate(Trader(), f"Toys/{name}", 2, folder=folder, seed=0)


@pytest.mark.parametrize("name", KINDS)
def test_it_is_recorded_and_comes_back_to_the_bit(name: str, tmp_path: Path, command: Call) -> None:
    result = recorded(name, tmp_path / "run")
    whole = evaluate(Trader(), f"Toys/{name}", 2, folder=tmp_path / "whole", seed=0)
    for path in (tmp_path / "run").rglob("*.jsonl"):
        assert timeless(path) == timeless(tmp_path / "whole" / path.relative_to(tmp_path / "run"))
    (entry,) = load(tmp_path / "run").entries
    assert entry.result.facts == result.facts == whole.facts
    for one, other in zip(entry.result.episodes, whole.episodes, strict=True):
        assert repr(one) == repr(other)
    assert command("verify", tmp_path / "run").code == 0
    replayed = command("replay", tmp_path / "run")
    assert replayed.code == 0 and "2 episodes, all to the bit" in replayed.out


@pytest.mark.parametrize("name", KINDS)
def test_its_record_is_read_where_nobody_knows_the_environment(
    name: str, tmp_path: Path, command: Call
) -> None:
    recorded(name, tmp_path / "run")
    known = command("score", tmp_path / "run")
    page = tmp_path / "known.csv"
    assert command("report", tmp_path / "run", "--format", "csv", "--output", page).code == 0
    del gym.registry[f"Toys/{name}"]
    assert command("score", tmp_path / "run") == known
    other = tmp_path / "unknown.csv"
    assert command("report", tmp_path / "run", "--format", "csv", "--output", other).code == 0
    assert other.read_text() == page.read_text() != ""
    assert command("report", tmp_path / "run", "--output", tmp_path / "page.html").code == 0
    assert command("inspect", tmp_path / "run", "-1").code == 0
    verified = command("verify", tmp_path / "run")
    assert verified.code == 0
    assert f"there is no environment Toys/{name} here" in " ".join(verified.out.split())
    replayed = command("replay", tmp_path / "run")
    assert replayed.code == 1
    assert f"not replayed: there is no environment Toys/{name} here" in replayed.out


def test_of_several_assets_an_episode_has_a_column_each(tmp_path: Path) -> None:
    result = evaluate(Trader(), "Toys/Pair", folder=tmp_path)
    episode = result.median
    assert episode.symbols == ("AAA", "BBB")
    for array in (episode.weights, episode.position, episode.fill_prices, episode.notional):
        assert array.shape == (30, 2)
    assert episode.marks.shape == (31, 2) and episode.equity.shape == (31,)
    worth = (episode.position * episode.marks[1:]).sum(1) / episode.equity[1:]
    assert episode.weights.sum(1) == pytest.approx(worth)
    (path,) = tmp_path.rglob("decisions.jsonl")
    lines = lines_of(path)
    assert lines[0]["action"][0].keys() == {"asset", "weight"}
    fills = [fill for line in lines for fill in line["fills"]]
    assert sum(fill["cost"] for fill in fills) == pytest.approx(result.metrics["costs"])
    assert episode.notional.sum() == pytest.approx(sum(fill["notional"] for fill in fills))
    assert result.metrics["exposure"] == pytest.approx(np.abs(episode.weights).sum(1).mean())
    refused = [each for line in lines for each in line["rejections"]]
    assert refused and {each["reason"] for each in refused} == {"more than there is"}
    frame = episode.to_frame()
    assert list(frame.columns)[:5] == [
        "action", "fill_price AAA", "fill_price BBB", "position AAA", "position BBB",
    ]  # fmt: skip
    assert (frame["weight BBB"].to_numpy() == episode.weights[:, 1]).all()


def test_bars_shorter_than_a_day_are_scored_by_days(tmp_path: Path) -> None:
    result = evaluate(Trader(), "Toys/Minutes")
    episode = result.median
    assert (len(episode.equity), len(episode.returns), len(episode.dates)) == (501, 26, 26)
    assert str(episode.dates[0]) == "2024-01-11" and len(set(episode.dates)) == 26
    assert np.prod(1.0 + episode.returns) - 1.0 == pytest.approx(result.metrics["CR"])
    daily = episode.returns
    assert result.metrics["SR"] == pytest.approx(daily.mean() / daily.std(ddof=1) * np.sqrt(252))
    assert result.metrics["steps"] == 500
    index = episode.to_frame().index
    assert index.name == "decided_at" and str(index[1]) == "2024-01-11 14:33:00"


class LyingEnv(PairEnv):
    """Gives facts that are not so."""

    def __init__(self, split: str, lie: str) -> None:
        super().__init__(split)
        self._lacks = lie
        if lie == "symbols":
            self.symbols = ("AAA", "ZZZ")
        elif lie == "steps":
            self.facts = replace(self.facts, steps=4)
        elif lie == "window":
            self.facts = replace(self.facts, window=("2024-01-02", "2024-01-03"))

    def _info(self, fills: Any, rejections: Any) -> dict[str, Any]:
        info = super()._info(fills, rejections)
        info.pop(self._lacks, None)
        if self._lacks == "interval":
            info["session"] = self.facts.window[0]
        return info


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ("symbols", "the account knows ZZZ, which is none of the symbols in the facts"),
        ("steps", "continues after 4 steps, the most that an episode has by its facts"),
        ("window", "the session 2024-01-11 lies outside 2024-01-02..2024-01-03, the window"),
        ("interval", "has several steps, but by the facts of Pair a bar takes 1d: give the length"),
        ("account", "an info of Pair has no 'account': an environment gives session, time"),
        ("fills", "an info of Pair has no 'fills'"),
    ],
)
def test_an_environment_that_does_not_do_as_its_facts_say_is_refused(lie: str, words: str) -> None:
    gym.register("Toys/Lying", entry_point=LyingEnv, disable_env_checker=True)
    try:
        with pytest.raises(InvestorBenchError, match=words):
            evaluate(Trader(), "Toys/Lying", lie=lie, warmup=lie != "window")
    finally:
        del gym.registry["Toys/Lying"]


def test_a_market_that_was_handed_over_cannot_be_made_again_for_a_replay(
    tmp_path: Path, command: Call
) -> None:
    from tests.env.small_markets import small_market

    market = small_market([100.0 + t % 7 for t in range(500)])
    task = Task.of("InvestorBench/Stock", data=market, end="2020-10-30")
    evaluate("momentum", task, folder=tmp_path / "run")
    assert command("score", tmp_path / "run").code == 0
    verified = command("verify", tmp_path / "run", "--json")
    assert verified.code == 0, verified.out
    found = [json.loads(line)["what"] for line in verified.out.splitlines()]
    assert len(found) == 1 and "was handed over in Python" in found[0]
    replayed = command("replay", tmp_path / "run")
    assert replayed.code == 1 and "was handed over in Python" in " ".join(replayed.out.split())
    (path,) = jobs_in(tmp_path / "run")
    assert job_in(path).seeds
