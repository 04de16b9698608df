"""Races on real days: a day over all its assets is one observation, and days share no session."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.agents.agent import Agent
from investorbench.scripts.bench.stopping_days import observed, scores, sizes
from investorbench.tasks import Job, Task, evaluate, run
from investorbench.tasks.leaderboard.snapshot_rows import snapshot_boards
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.record.settings import read_settings
from investorbench.tasks.running.observed import RepeatScores, observations
from investorbench.tasks.running.raced import raced
from investorbench.tasks.running.racing import racing
from investorbench.tasks.running.stops_again import wrong_stops
from investorbench.tasks.seeds import BLOCK
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market import Market
from investorbench_env.market.joining import join
from tests.env.small_markets import date, small_market

ID, HORIZON, LENGTH, BLOCKS = "InvestorBench/Snapshot", 2, 124, 17
NAMES = ("A", "B", "C")
SELL, HOLD, BUY = range(3)
RULE = {"until": "best", "reference": None}


def three_assets(missing: Sequence[int] = ()) -> Market:
    """Random walks; the third lacks some bars."""
    rng = np.random.default_rng(8)
    parts = {}
    for name in NAMES:
        closes = 50.0 * np.exp(rng.normal(0.0, 0.02, LENGTH).cumsum())
        if name == "C":
            closes[list(missing)] = np.nan
        parts[name] = small_market(list(closes), symbols=(name,))
    return join(parts, "stock")


def task(market: Market | None = None, **options: Any) -> Task:
    given = {"horizon": HORIZON, "window": 3, "document_sessions": 1, **options}
    data = three_assets() if market is None else market
    return Task(id=ID, data=data, start=date(3), end=date(LENGTH - 1), options=given)


class Knows(Agent):
    """Has read how prices go on, and buys what rises."""

    sign, left = 1, -1

    def act(self, observation: Any, info: Any) -> int:
        type(self).left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        market = three_assets()
        at = list(map(str, market.sessions)).index(info["session"])
        closes = market.bars[:, market.asset(info["symbol"]), 3]
        return BUY if self.sign * (closes[at + HORIZON] - closes[at]) > 0 else SELL


class Errs(Knows):
    """The opposite."""

    sign = -1


def jobs(most: int | None = None, **options: Any) -> list[Job]:
    own = [
        Job.of(agent, task(**options), BLOCKS, name=name, seed=5)
        for agent, name in ((Knows, "knows"), (Errs, "errs"))
    ]
    own = [Job(**{**vars(job), "settings": {**job.settings, BLOCK: 10}}) for job in own]
    return racing(own, RULE, max_decisions=most)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A race on days that has stopped."""
    folder = tmp_path_factory.mktemp("race") / "run"
    run(jobs(), folder=folder, shows="nothing")
    return folder


def test_decisions_of_a_day_are_one_observation_and_a_day_may_go_on_in_the_next_repeat() -> None:
    days = np.array(["2020-01-03", "2020-01-03", "2020-01-09", "2020-01-09"], dtype="M8[D]")
    first = RepeatScores(np.array([1.0, 3.0, 5.0, 7.0]), days)
    second = RepeatScores(np.array([9.0, -4.0]), np.array(["2020-01-09", "2020-01-05"], "M8[D]"))
    setting = {"assets_a_day": 3}
    assert observations([first], setting).tolist() == [2.0]
    assert observations([first, second], setting).tolist() == [2.0, 7.0]
    third = RepeatScores(np.array([0.0, 1.0]), np.array(["2020-01-05"] * 2, "M8[D]"))
    assert observations([first, second, third], setting).tolist() == [2.0, 7.0, -1.0]
    assert observations([RepeatScores(np.array([1.0, 2.0]))]).tolist() == [1.0, 2.0]


def drawn(market: Market, count: int, **options: Any) -> list[tuple[str, str]]:
    env: Any = task(market, **options).make("test")
    infos = [env.reset(seed=7 * 2**32 + number)[1] for number in range(count)]
    return [(info["session"], info["symbol"]) for info in infos]


@pytest.mark.parametrize("assets_a_day", [1, 2, 3])
def test_days_are_dealt_one_by_one_and_their_horizons_share_no_session(assets_a_day: int) -> None:
    market = three_assets(missing=range(40, 80))
    place = {str(day): number for number, day in enumerate(market.sessions)}
    found = drawn(market, 60, assets_a_day=assets_a_day)
    days = [(day, [symbol for _, symbol in own]) for day, own in groupby(found, lambda one: one[0])]
    assert len({day for day, _ in days}) == len(days)  # none comes back
    for day, symbols in days[:-1]:
        there = 2 if 40 - 1 <= place[day] <= 79 else 3
        assert len(set(symbols)) == len(symbols) == min(assets_a_day, there)
    held = [place[day] + 1 + step for day, _ in days for step in range(HORIZON)]
    assert len(set(held)) == len(held)
    assert [day for day, _ in days] != sorted(day for day, _ in days)


def test_a_deal_has_as_few_assets_a_day_as_it_takes() -> None:
    markets = task().snapshots().markets
    # From session 3 to 121: 60 days of one phase and 59 of the other.
    assert markets.day_by_day(59) == (1, 59)
    assert markets.day_by_day(60) == (2, 30)
    assert markets.day_by_day(10_000) == (3, 59)
    assert task(assets_a_day=3).snapshots().markets.day_by_day(61) == (3, 20)
    gaps = task(three_assets(missing=range(40, 80))).snapshots().markets
    # Of 59 days a third has two assets; in 20 decisions those of three may come first.
    assert gaps.day_by_day(177)[0] == 3
    assert gaps.day_by_day(100) == (2, 50)


def test_a_race_on_real_days_stops_and_its_record_says_why(whole: Path) -> None:
    outcome = run(jobs(), folder=whole, shows="nothing")
    (race,) = raced(outcome.entries)
    assert (race.observation, race.look.end) == ("day", "answered")
    best, worst = race.rows
    assert (best.agent, worst.agent) == ("knows", "errs")
    repeats = {path.name: read_settings(path)["repeats"] for path in jobs_in(whole)}
    assert repeats["knows"] == repeats["errs"] < BLOCKS
    # 170 decisions are more than two for each of 59 days.
    assert race.setting["assets_a_day"] == 3
    assert best.played == 10 * repeats["knows"] // 3
    by_hand = []
    for entry in outcome.entries[:1]:
        came = [float(x) for each in entry.result.episodes for x in each.rewards]
        by_hand = [np.mean(came[n : n + 3]) for n in range(0, len(came) - 2, 3)]
    assert best.score == pytest.approx(1e4 * float(np.mean(by_hand)))
    assert [*wrong_stops(job_in(path) for path in jobs_in(whole))] == []
    (board,) = snapshot_boards(outcome.entries)
    assert board.look is not None and board.look.pairs[0].worse == "errs"
    assert board.look.pairs[0].observations == best.played


def test_all_agents_meet_the_same_days_and_a_stopped_race_begins_as_a_whole_one(
    whole: Path,
) -> None:
    one, other = [
        each.result.episodes for each in run(jobs(), folder=whole, shows="nothing").entries
    ]
    met = [[str(day) for each in own for day in each.dates] for own in (one, other)]
    assert met[0] == met[1]
    (first, *_) = jobs()
    env: Any = first.task.make("test")
    seeds = [own.market for block in first.seeds_within for own in block]
    asked = [env.reset(seed=seed)[1]["session"] for seed in seeds]
    assert asked[: len(met[0])] == met[0]


@pytest.mark.heavy
def test_a_race_on_real_days_that_is_killed_goes_on_to_the_same_end(
    whole: Path, tmp_path: Path
) -> None:
    for left in (7, 25, 18):
        Knows.left = left
        run(jobs(), folder=tmp_path / "run", shows="nothing")
    Knows.left = -1
    again = raced(run(jobs(), folder=tmp_path / "run", shows="nothing").entries)
    assert again[0].summary == raced(run(jobs(), folder=whole, shows="nothing").entries)[0].summary


def test_a_record_of_a_universe_has_the_seeds_that_its_agents_began_with(tmp_path: Path) -> None:
    parts = {
        name: small_market([10.0] * 60, symbols=(name,), asset_class="crypto")
        for name in ("BTC", "ETH")
    }
    own = Task(
        id="InvestorBench/Snapshot-Coins",
        data=join(parts, "crypto"),
        start=date(35),
        end=date(55),
        options={"horizon": 1},
    )
    result = evaluate(lambda observation, info: HOLD, own, seed=1, folder=tmp_path)
    (path,) = jobs_in(tmp_path)
    assert [each.agent for each in job_in(path).seeds] == [each.seed for each in result.episodes]


def test_too_few_days_and_accounts_on_one_market_are_refused() -> None:
    with pytest.raises(InvestorBenchError, match=r"40 decisions .* are 13 whole days .* needs 20"):
        jobs(most=40, assets_a_day=3)
    with pytest.raises(InvestorBenchError, match=r"assets_a_day=3: simulated .*leave it out"):
        Task.of("InvestorBench/Snapshot-SIM", options={"assets_a_day": 3}).make("test")
    with pytest.raises(InvestorBenchError, match=r"assets_a_day=0 must be a whole number"):
        task(assets_a_day=0).make("test")


def test_a_confidence_sequence_that_could_say_nothing_is_refused_unless_scores_are_bound() -> None:
    rule = {**RULE, "anytime": True}
    own = jobs()
    with pytest.raises(InvestorBenchError, match=r"nothing before 100 .* there are 5. at most"):
        racing(own, rule)
    assert racing(own, {**rule, "bound": [-2e4, 2e4]})


def test_days_of_one_phase_have_the_error_of_independent_ones_and_decisions_have_not() -> None:
    beyond: dict[str, int] = {}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        for kind, (one, other) in observed(scores(rng), rng).items():
            apart = one - other
            error = apart.std(ddof=1) / len(apart) ** 0.5
            beyond[kind] = beyond.get(kind, 0) + int(abs(apart.mean()) > 1.96 * error)
    in_phase, by_decision, by_calendar = beyond.values()
    # 15 of 300 at 5 %, with a standard error of 3.8.
    assert in_phase <= 25 < 35 <= min(by_decision, by_calendar)


@pytest.mark.heavy
def test_races_on_real_days_keep_their_promise_at_a_tenth_of_the_study() -> None:
    days, decisions, calendar = (each.wrong / each.races for each in sizes(200))
    assert days <= 0.06 + 0.02 < min(decisions, calendar)
