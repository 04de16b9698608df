"""Perpetuals go the whole way: run, killed, resumed, verified, replayed, scored, ranks and all."""

import json
import math
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.agents.signal_rules import RandomSignals
from investorbench.scripts.main import main
from investorbench.tasks import evaluate, load
from investorbench.tasks.record.lines import read_record
from investorbench.tasks.record.schema import Header, Line
from investorbench.tasks.record.verifying.money import off_by_money
from investorbench.tasks.running.episodes import run
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.outcomes import RunOutcome
from investorbench.tasks.step import Step
from investorbench.tasks.task import Task
from investorbench.tasks.verdict import Checks, Verdict
from investorbench_env.errors import InvestorBenchError
from tests.tasks.plain_records import contents_of, is_whole, lines_of, rechained, timeless

TASK = "perpetuals/sim"
SHORT: dict[str, Any] = {"end": "2025-07-17", "warmup": False}
STEPS = 11
OPTIONS = {"every": 40}
RULES = ("long_all", "mean_reversion", "random_signals")
NONSENSE: tuple[Any, ...] = (
    [], {}, {"BTC": {"signal": "hold"}}, {"SIM-U": None}, {"SIM-U": object()}, ["hold"], [None],
    {"SIM-U": {"signal": "buy_to_enter", "quantity": math.nan, "leverage": 5}},
    {"SIM-U": {"signal": "buy_to_enter", "quantity": math.inf, "leverage": np.int64(5)}},
    {"SIM-U": {"signal": "buy_to_enter", "quantity": Decimal("0.1"), "leverage": "5"}},
    [{"coin": "SIM-V", "signal": "sell_to_enter", "quantity": np.float64(1.5), "leverage": 5}],
    {"sim-w": {"trade_signal_args": {"signal": "BUY_TO_ENTER", "quantity": "9.5", "leverage": 6}}},
    {"SIM-X": [{"signal": "sell_to_enter", "quantity": 900, "leverage": 7, "stop_loss": -1}]},
    {"SIM-Y": "close_position", "SIM-Z": {"signal": "close_position", 3: {4: [object()]}}},
    {"SIM-V": {"signal": "close_position"}, "SIM-W": "close_position"},
)  # fmt: skip


class Nonsense:
    """Says what makes sense and what does not, in turn."""

    name = "nonsense"

    def __init__(self) -> None:
        self.number = 0

    def act(self, observation: Any, info: Any) -> Any:
        """The next of what there is."""
        self.number += 1
        return NONSENSE[self.number % len(NONSENSE)]


class Restless(RandomSignals):
    """Trades at random, and a lot."""

    name = "restless"

    def __init__(self) -> None:
        super().__init__(change_rate=0.3)


class Follower(Restless):
    """The same, but for decisions at which it is the second of all."""

    name = "follower"

    def act(self, observation: Any, info: Any) -> Any:
        """What it would do anyway, unless its rank speaks against it."""
        wanted = super().act(observation, info)
        ranks = info["ranks"]
        assert set(ranks) == {"rank", "of", "equities"}
        assert ranks["equities"][ranks["rank"] - 1] == info["account"].equity
        own = ranks["rank"]
        ranks["rank"], ranks["equities"][:] = 99, []  # which changes nothing of the record
        return {} if own == 2 else wanted


def jobs(rules: str, agents: Sequence[Any] = RULES, repeats: int = 1, **options: Any) -> list[Job]:
    task = Task.of(TASK, end=SHORT["end"], options={**OPTIONS, "rules": rules, **options})
    return [Job.of(agent, task, repeats, seed=3, warmup=False) for agent in agents]


def verdict(folder: Path) -> Verdict:
    checks = Checks(folder)
    for check in checks:
        check()
    return checks.verdict()


def decisions(folder: Path) -> dict[str, Path]:
    return {path.parent.parent.name: path for path in sorted(folder.rglob("decisions.jsonl"))}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tournament of agents one of which does as its rank says."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    outcome = run(jobs("situational", [*RULES, Follower]), folder=folder)
    assert not outcome.failed
    return folder


def test_whatever_an_agent_says_is_recorded_replayed_and_read_again(tmp_path: Path) -> None:
    steps: list[Step] = []
    result = evaluate(
        Nonsense, TASK, seed=1, folder=tmp_path / "run", watch=steps.append, **SHORT, **OPTIONS
    )
    (path,) = decisions(tmp_path / "run").values()
    record = read_record(path)
    assert len(record.lines) == STEPS == len(result.actions) and not record.problems
    for step, line in zip(steps, record.lines, strict=True):
        assert Line.from_json(line.to_json()) == line
        said = step.outcome
        assert line.closed == said["closed"] and line.funding == said["funding"]
        assert line.perpetuals == said["positions"] and line.repairs == said["repairs"]
        assert line.rejections == said["rejections"] and line.account == said["account"]
    kinds = {each.reason.partition(":")[0] for line in record.lines for each in line.rejections}
    assert {"coin", "object", "number"} <= kinds
    assert any(line.fills for line in record.lines) and any(line.repairs for line in record.lines)
    found = verdict(tmp_path / "run")
    assert not found.wrong and [each.steps for each in found.at(2)] == [STEPS]
    (again,) = load(tmp_path / "run").results
    np.testing.assert_equal(again.metrics, result.metrics)
    assert np.isnan(again.metrics["SR"]) and np.isnan(again.metrics_in("log")["SR"])
    assert again.metrics["rejected_signals"] == sum(len(s.outcome["rejections"]) for s in steps)


AMOUNTS = (
    ("account", "equity"), ("account", "cash"), ("account", "costs"), ("positions", "quantity"),
    ("positions", "unrealised_pnl"), ("positions", "weight"), ("positions", "price"),
    ("perpetuals", "quantity"), ("perpetuals", "mark"), ("perpetuals", "notional"),
    ("perpetuals", "margin"), ("fills", "notional"), ("fills", "cost"), ("fills", "quantity"),
    ("closed", "pnl"), ("funding", "cash"),
)  # fmt: skip


@pytest.mark.parametrize("margin", ["isolated", "cross"])
def test_an_amount_that_was_changed_no_longer_follows_from_the_others(
    margin: str, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    run(jobs("season1", [Restless], margin=margin), folder=folder)
    (path,) = decisions(folder).values()
    assert not list(off_by_money(read_record(path), "return"))
    contents = contents_of(path)
    for part, name in AMOUNTS:
        changed = json.loads(json.dumps(contents))
        event = next(
            (line[part][0] if isinstance(line[part], list) else line[part])
            for line in changed[1:]
            if line.get(part)
        )
        event[name] = (event[name] + 1.0) * 1.01
        forged = tmp_path / "forged.jsonl"
        forged.write_text(rechained(changed))
        assert list(off_by_money(read_record(forged), "return")), name


def test_agents_that_see_their_ranks_decide_in_lock_step_and_all_of_it_is_checked(
    whole: Path, tmp_path: Path
) -> None:
    paths = decisions(whole)
    lines = {name: lines_of(path) for name, path in paths.items()}
    openings = {
        name: Header.from_json(contents_of(p)[0]).opening.equity for name, p in paths.items()
    }
    for number in range(STEPS):
        worth = {
            name: own[number - 1]["account"]["equity"] if number else openings[name]
            for name, own in lines.items()
        }
        ordered = sorted(worth.values(), reverse=True)
        for name, own in lines.items():
            rank = 1 + sum(each > worth[name] for each in worth.values())
            assert own[number]["ranks"] == {"rank": rank, "of": 4, "equities": ordered}
    assert any(line["action"] for line in lines["follower"])
    found = verdict(whole)
    assert not found.wrong and {each.steps for each in found.at(2)} == {STEPS}


@pytest.mark.heavy
def test_a_rank_that_was_changed_and_a_rival_that_is_gone_are_found(
    whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    path = decisions(folder)["long_all"]
    contents = contents_of(path)
    contents[5]["ranks"]["rank"] = 5 - contents[5]["ranks"]["rank"]
    path.write_text(rechained(contents))
    wrong = [each for each in verdict(folder).wrong if each.kind == "ranks"]
    assert [each.path for each in wrong] == [path] and "line 6" in wrong[0].what
    shutil.rmtree(decisions(folder)["follower"].parents[1])
    found = [each for each in verdict(folder).findings if each.kind == "ranks"]
    assert found and not any(each.is_wrong for each in found)
    assert "the record of follower is not here" in found[0].what


@pytest.mark.heavy
def test_a_tournament_that_breaks_off_anywhere_is_resumed_to_the_same_end(
    whole: Path, tmp_path: Path
) -> None:
    expected = {name: timeless(path) for name, path in decisions(whole).items()}
    for at in (17, STEPS * 4 - 2):
        folder, taken = tmp_path / f"run-{at}", list[int]()

        def fails(step: Step, at: int = at, taken: list[int] = taken) -> None:
            taken.append(step.seed)
            if len(taken) > at and step.seed == taken[at]:
                raise OSError("the disk is full")

        broken = run(jobs("situational", [*RULES, Follower]), folder=folder, watch=fails)
        # None goes on without one of them, but those who have come to the end.
        alone = ["did not come to its end" in each.why for each in broken.failed]
        assert sorted(alone) == ([False] if at > STEPS * 4 - 4 else [False, True, True, True])
        assert not run(jobs("situational", [*RULES, Follower]), folder=folder).failed
        now = {name: timeless(path) for name, path in decisions(folder).items()}
        assert now == expected and all(map(is_whole, decisions(folder).values()))


@pytest.mark.heavy
def test_a_tournament_keeps_its_agents_and_is_not_shared_among_processes(
    whole: Path, tmp_path: Path
) -> None:
    more: RunOutcome = run(jobs("situational", [*RULES, Follower, "flat"]), folder=whole)
    assert len(more.failed) == 5 and "'- flat'" in more.failed[0].why
    with pytest.raises(InvestorBenchError, match="shard=1/2"):
        run(jobs("situational"), folder=tmp_path / "run", shard="1/2")
    with pytest.raises(InvestorBenchError, match="its own name"):
        run(jobs("situational", ["flat", "flat"]))
    one_by_one = run(jobs("situational", [Follower, "flat"], repeats=2), concurrency=1)
    assert [len(each.episodes) for each in one_by_one.results] == [2, 2]
    (alone,) = run(jobs("situational", [Follower])).results  # a rank among one
    assert alone.agent == "follower"


@pytest.mark.heavy
def test_a_run_by_name_is_scored_and_says_what_it_cannot_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    agents = "perpetuals/flat,perpetuals/trend"
    with pytest.raises(SystemExit) as ended:
        main(
            ["run", "-m", f"agent={agents}", f"task={TASK}", "task.end=2025-07-17", "seed=1",
             "warmup=false", "folder=run"]
        )  # fmt: skip
    shown = " ".join(capsys.readouterr().out.split())
    assert not ended.value.code and "no Sharpe ratio, no test and no rank" in shown
    with pytest.raises(SystemExit) as ended:
        main(["verify", "run", "--agent"])
    assert not ended.value.code
    with pytest.raises(SystemExit) as ended:
        main(["score", "run"])
    assert not ended.value.code


KILLED = """
import sys
from pathlib import Path
from investorbench.scripts.bench.live_kills import CallCounter
from tests.end_to_end.test_perpetual_runs import tournament

folder, step, calls = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

def dies(number):
    if number == step:
        sys.setprofile(CallCounter(calls))

tournament(folder, dies)
"""


def tournament(folder: Path, watch: Callable[[int], None] | None = None) -> int:
    """Run a tournament, calling ``watch`` with the number of each step; how many there were."""
    taken = count(1)

    def counts(step: Step) -> None:
        number = next(taken)
        if watch is not None:
            watch(number)

    agents = [*RULES, Follower]
    outcome = run(jobs("situational", agents, every=10), folder=folder, watch=counts)
    assert not outcome.failed
    return next(taken) - 1


@pytest.mark.heavy
def test_a_tournament_that_is_killed_five_times_ends_as_one_that_never_was(tmp_path: Path) -> None:
    other, folder, chance = tmp_path / "other", tmp_path / "run", random.Random(1)
    steps = tournament(other)
    # At a step, and so many calls of functions after it: anywhere, and as often on any machine.
    for step in sorted(chance.sample(range(1, steps - 4), 5)):
        victim = [sys.executable, "-c", KILLED, folder, step, chance.randrange(1, 5_000)]
        assert subprocess.run(list(map(str, victim)), check=False).returncode == -signal.SIGKILL
    assert tournament(folder) == steps
    expected = {name: timeless(path) for name, path in decisions(other).items()}
    assert {name: timeless(path) for name, path in decisions(folder).items()} == expected
    assert not verdict(folder).wrong
