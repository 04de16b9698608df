"""Trackers keep episodes apart, get every figure, and can do an episode no harm."""

import asyncio
import json
import struct
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.agents.agent import as_agent
from investorbench.tasks import Task, evaluate
from investorbench.tasks.result import Episode
from investorbench.tasks.running.episode import Watch, live
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.step import Step
from investorbench.tasks.tracking import (
    EpisodeParameters,
    MLflow,
    TensorBoard,
    Tracker,
    Tracking,
    TrackingWarning,
    WandB,
    trackers_of,
)
from investorbench_env.errors import InvestorBenchError, MissingDependencyError, UnknownNameError

TASK = Task.of("stock/sim", end="2020-10-09")
STEPS = 6
PLOTTED = {"equity", "drawdown", "reward", "position", "exposure", "trading_cost"}
ANSWERED = {"tokens_read", "tokens_written", "invalid", "latency_s", "answer_cost_usd"}


class Kept:
    """A tracker that keeps what it is given."""

    name = "kept"

    def __init__(self) -> None:
        self.parameters: list[EpisodeParameters] = []
        self.logs: list[KeptLog] = []

    def begin(self, parameters: EpisodeParameters) -> "KeptLog":
        self.parameters.append(parameters)
        self.logs.append(KeptLog())
        return self.logs[-1]


class KeptLog:
    def __init__(self) -> None:
        self.steps: list[tuple[int, float, dict[str, float]]] = []
        self.ends: list[tuple[dict[str, float], bool]] = []

    def step(self, number: int, seconds: float, figures: Mapping[str, float]) -> None:
        self.steps.append((number, seconds, dict(figures)))

    def end(self, figures: Mapping[str, float], *, failed: bool) -> None:
        self.ends.append((dict(figures), failed))

    def of(self, name: str) -> list[float]:
        return [figures[name] for _, _, figures in self.steps if name in figures]


class Failing(Kept):
    """A tracker whose server goes away at some point."""

    name = "failing"

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at

    def begin(self, parameters: EpisodeParameters) -> "KeptLog":
        log = super().begin(parameters)
        self.fail("begin")
        for method in ("step", "end"):
            setattr(log, method, lambda *_, method=method, **__: self.fail(method))
        return log

    def fail(self, where: str) -> None:
        if where == self.at:
            raise OSError("no space left on device\nand more")


class Talker:
    """An agent that lets others have their turn, and says what a model answered."""

    name = "talker"

    def begin(self, facts: Any, split: str, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.said = 0

    async def act(self, observation: Any, info: Any) -> int:
        await asyncio.sleep(0)
        self.said += 1
        return int(self.rng.integers(3))

    def record(self) -> dict[str, Any]:
        usage = {"input": 100 + self.said, "output": 7, "cached": 0, "reasoning": 0}
        answer = {"status": "ok", "usage": usage, "cost_usd": 0.25, "latency_s": 1.5}
        return {
            "answer": {**answer, "is_language_model": True},
            "decision": {"valid": self.said != 3},
        }


def side_by_side(trackers: Sequence[Tracker], seeds: Sequence[int] = (1, 2, 5)) -> list[Episode]:
    """Episodes of one agent in one loop, step by step in turn."""

    async def episode(repeat: int, tracking: Tracking) -> Episode:
        configuration = {"agent": {"temperature": 0.6, "stop": None}, "tags": ["a", "b"]}
        with tracking.episode("talker", TASK, model="tiny", configuration=configuration) as log:
            played = await live(
                as_agent(Talker()), TASK, seeds=Seeds(seeds[repeat], seeds[repeat]), repeat=repeat,
                warmup=False, watch=log.beside(None),
            )  # fmt: skip
            log.end(played)
            return played

    async def episodes(tracking: Tracking) -> list[Episode]:
        return await asyncio.gather(*(episode(n, tracking) for n in range(len(seeds))))

    with Tracking(trackers) as tracking:
        return asyncio.run(episodes(tracking))


def one_life(tracking: Tracking, watch: Watch | None = None) -> None:
    """One episode with a watch of its own."""
    with tracking.episode("talker", TASK) as log:
        both = log.beside(watch)
        asyncio.run(live(as_agent(Talker()), TASK, seeds=Seeds(0, 0), warmup=False, watch=both))


def test_every_step_of_both_splits_and_every_metric_is_handed_over() -> None:
    kept = Kept()
    result = evaluate("momentum", TASK, trackers=[kept])
    (log,) = kept.logs
    assert log.of("test/equity") == result.equity[1:].tolist()
    assert log.of("test/reward") == result.median.rewards.tolist()
    assert log.of("test/position") == result.median.position.tolist()
    assert log.of("test/exposure") == np.abs(result.median.weights).tolist()
    assert log.of("test/trading_cost") == result.median.costs.tolist()
    peaks = np.maximum.accumulate(result.equity)
    np.testing.assert_allclose(log.of("test/drawdown"), (1 - result.equity / peaks)[1:])
    assert len(log.of("warmup/equity")) == len(log.steps) - STEPS == 63
    assert [number for number, _, _ in log.steps[-STEPS:]] == list(range(STEPS))
    ((figures, failed),) = log.ends
    assert not failed
    assert figures == {k: v for k, v in result.metrics.items() if np.isfinite(v)}


def test_a_decision_counts_in_the_market_s_time() -> None:
    kept = Kept()
    evaluate("cash", TASK, warmup=False, trackers=[kept])
    times = [seconds for _, seconds, _ in kept.logs[0].steps]
    # Sessions of 2020-10-01 to 10-08; a decision falls at the midnight after, which in New York is
    # four o'clock UTC. Saturday, too, begins with one.
    days = np.array([0, 1, 4, 5, 6, 7])
    assert times == (1601611200 + 86400 * days).tolist()


def test_episodes_side_by_side_are_kept_apart() -> None:
    kept = Kept()
    episodes = side_by_side([kept])
    assert len({tuple(episode.equity) for episode in episodes}) == 3
    by_repeat = {own.repeat: log for own, log in zip(kept.parameters, kept.logs, strict=True)}
    for repeat, episode in enumerate(episodes):
        assert by_repeat[repeat].of("test/equity") == episode.equity[1:].tolist()
        assert [end[0]["CR"] for end in by_repeat[repeat].ends] == [episode.metrics["CR"]]


def test_what_a_model_answered_is_counted_step_by_step() -> None:
    kept = Kept()
    side_by_side([kept], [1])
    (log,) = kept.logs
    assert log.of("test/tokens_read") == [101, 102, 103, 104, 105, 106]
    assert log.of("test/tokens_written") == [7] * STEPS
    assert log.of("test/invalid") == [0, 0, 1, 0, 0, 0]
    assert log.of("test/answer_cost_usd") == [0.25] * STEPS
    assert log.of("test/latency_s") == [1.5] * STEPS


def test_settings_are_told_by_flat_names() -> None:
    kept = Kept()
    side_by_side([kept], [11])
    assert kept.parameters[0].values == {
        "agent": "talker",
        "model": "tiny",
        "task": "InvestorBench/Stock-SIM",
        "symbol": "SIM",
        "protocol": "standard",
        "data_source": kept.parameters[0].facts.source,
        "simulated": True,
        "fills": "next_open",
        "start": "2020-10-01",
        "end": "2020-10-09",
        "repeat": 0,
        "seed": 11,
        "config.agent.temperature": 0.6,
        "config.tags": "['a', 'b']",
    }
    assert kept.parameters[0].facts.source.startswith("simulated market")


def test_a_simulated_market_under_a_real_name_is_marked() -> None:
    kept = Kept()
    evaluate("cash", "stock/tsla", data="simulated", end="2020-10-05", trackers=[kept])
    assert kept.parameters[0].name == "SIMULATED stock-tsla cash repeat 0"


@pytest.mark.parametrize("at", ["begin", "step", "end"])
def test_a_tracker_that_fails_is_left_out_and_changes_nothing(at: str) -> None:
    alone = evaluate("momentum", TASK, 2, seed=0)
    kept, failing = Kept(), Failing(at)
    with pytest.warns(
        TrackingWarning, match="failing is left out .* no space left on device$"
    ) as w:
        tracked = evaluate("momentum", TASK, 2, seed=0, trackers=[failing, kept])
    assert len([each for each in w if each.category is TrackingWarning]) == 1
    assert [e.equity.tolist() for e in tracked.episodes] == [
        e.equity.tolist() for e in alone.episodes
    ]
    assert [len(log.ends) for log in kept.logs] == [1, 1]


def test_a_failure_raises_nothing_before_the_episodes_are_over() -> None:
    seen: list[int] = []

    def wait(step: Step) -> None:
        while not tracking.is_idle:
            time.sleep(0.001)  # until the tracker's thread has come to its failure
        seen.append(step.number)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TrackingWarning), Tracking([Failing("begin")]) as tracking:
            one_life(tracking, wait)
    assert seen == list(range(STEPS))


def test_a_tracker_that_hangs_is_not_waited_for() -> None:
    free = threading.Event()

    class Hanging(Kept):
        def begin(self, parameters: EpisodeParameters) -> KeptLog:
            free.wait()
            return super().begin(parameters)

    said: list[str] = []
    try:
        with Tracking([Hanging()], said.append, patience_s=0.01) as tracking:
            one_life(tracking)
    finally:
        free.set()
    assert said == [
        "kept is left out from here on: it did not take what it was given within 0.01 seconds"
    ]


def test_an_episode_that_breaks_off_is_closed_as_failed() -> None:
    kept = Kept()

    def breaks(observation: Any, info: Any) -> int:
        if info["session"] > "2020-10-02":
            raise ArithmeticError("a mistake of its own")
        return 1

    with pytest.raises(ArithmeticError):
        evaluate(breaks, TASK, warmup=False, trackers=[kept])
    assert [len(log.steps) for log in kept.logs] == [2]
    assert kept.logs[0].ends == [({}, True)]


def test_none_is_imported_before_it_is_asked_for() -> None:
    code = (
        "import sys, investorbench.tasks.tracking as t; t.trackers_of(None, '.'); "
        "print([m for m in ('tensorboardX', 'mlflow', 'wandb') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_trackers_are_chosen_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("investorbench.tasks.tracking.tensorboard.find_spec", lambda name: object())
    assert trackers_of([], tmp_path) == []
    (tracker,) = trackers_of("tensorboard", tmp_path)
    assert isinstance(tracker, TensorBoard)
    with pytest.raises(UnknownNameError, match=r"unknown tracker 'tensorbord'; .* tensorboard"):
        trackers_of(["tensorbord"], tmp_path)


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("tensorboard", "tensorboardX", "tensorboard"),
        ("mlflow", "mlflow-skinny", "mlflow"),
        ("wandb", "wandb", "wandb"),
    ],
)
def test_a_missing_package_is_named_with_what_installs_it(
    name: str, package: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"investorbench.tasks.tracking.{name}.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=rf"'{package}'.*investorbench\[{extra}\]"):
        trackers_of(name, tmp_path)


def test_mlflow_needs_to_know_where_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(
        "investorbench.tasks.tracking.mlflow.find_spec", lambda name: name == "mlflow" or None
    )
    with pytest.raises(InvestorBenchError, match="set MLFLOW_TRACKING_URI to a server's address"):
        MLflow()
    with pytest.raises(InvestorBenchError, match="only with all of MLflow: pip install mlflow"):
        MLflow("sqlite:///mlflow.db")


@pytest.mark.heavy
def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for _ in range(2):  # the same episodes again, whose curves begin again
        episodes = side_by_side([TensorBoard(tmp_path)])
    assert len(list(tmp_path.iterdir())) == 3
    for repeat, episode in enumerate(episodes):
        folder = tmp_path / f"SIMULATED_stock-sim_talker_repeat_{repeat}"
        assert len(list(folder.iterdir())) == 2
        read = accumulator.EventAccumulator(str(folder)).Reload()
        names = {f"test/{name}" for name in PLOTTED | ANSWERED}
        assert {tag for tag in read.Tags()["scalars"] if tag.startswith("test/")} == names
        equity = read.Scalars("test/equity")
        assert [event.step for event in equity] == list(range(STEPS))
        np.testing.assert_allclose([event.value for event in equity], episode.equity[1:], 1e-6)
        assert equity[0].wall_time == 1601611200.0
        (sharpe,) = read.Scalars("metrics/SR")
        assert sharpe.value == pytest.approx(episode.metrics["SR"], rel=1e-6)
        settings = read.Tensors("settings/text_summary")[-1]
        text = settings.tensor_proto.string_val[0].decode()
        assert "| simulated | True |" in text and "| config.agent.temperature | 0.6 |" in text
        assert "_hparams_/session_start_info" in read.summary_metadata


@pytest.mark.heavy
def test_mlflow_reads_what_was_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a server's database needs all of MLflow
    uri = (tmp_path / "store").as_uri()
    episodes = side_by_side([MLflow(uri, "tests")])
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("tests")
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert sorted(runs) == [f"SIMULATED stock-sim talker repeat {n}" for n in range(3)]
    for repeat, episode in enumerate(episodes):
        run = runs[f"SIMULATED stock-sim talker repeat {repeat}"]
        assert run.info.status == "FINISHED"
        assert run.data.tags["market"] == "SIMULATED"
        assert run.data.params["config.agent.temperature"] == "0.6"
        assert run.data.metrics["SR"] == episode.metrics["SR"]
        history = client.get_metric_history(run.info.run_id, "test/equity")
        assert [metric.value for metric in history] == episode.equity[1:].tolist()
        assert history[0].timestamp == 1601611200000
        tokens = client.get_metric_history(run.info.run_id, "test/tokens_read")
        assert [metric.step for metric in tokens] == list(range(STEPS))


@pytest.mark.heavy
def test_a_server_that_is_down_does_an_episode_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.warns(TrackingWarning, match="MLflow is left out from here on: MlflowException"):
        (episode,) = side_by_side([MLflow("http://127.0.0.1:9")], [1])
    assert len(episode.returns) == STEPS


@pytest.mark.heavy
def test_weights_and_biases_keeps_what_was_logged(tmp_path: Path) -> None:
    wandb = pytest.importorskip("wandb")
    episodes = side_by_side([WandB("tests", "offline", tmp_path)])
    wandb.teardown()  # waits for the end of its process, which writes the files
    found = {}
    for path in tmp_path.glob("wandb/offline-run-*/run-*.wandb"):
        records = list(wandb_records(path))
        (run,) = [record.run for record in records if record.HasField("run")]
        settings = {item.key: json.loads(item.value_json) for item in run.config.update}
        history = [items_of(record.history) for record in records if record.HasField("history")]
        summary: dict[str, Any] = {}
        for record in records:
            if record.HasField("summary"):
                summary |= items_of(record.summary, "update")
        found[run.display_name] = (settings, history, summary)
    assert sorted(found) == [f"SIMULATED stock-sim talker repeat {n}" for n in range(3)]
    for repeat, episode in enumerate(episodes):
        settings, history, summary = found[f"SIMULATED stock-sim talker repeat {repeat}"]
        assert settings["simulated"] is True and settings["config.agent.temperature"] == 0.6
        assert [row["test/equity"] for row in history] == episode.equity[1:].tolist()
        assert [row["test/step"] for row in history] == list(range(STEPS))
        assert [row["test/invalid"] for row in history] == [0, 0, 1, 0, 0, 0]
        assert summary["SR"] == episode.metrics["SR"]


def test_nobody_logged_in_is_said_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InvestorBenchError, match=r"no account is logged in .* WANDB_MODE=offline"):
        WandB()


def items_of(record: Any, field: str = "item") -> dict[str, Any]:
    """The values of a record, which are JSON, by name."""
    return {
        "/".join(item.nested_key) or item.key: json.loads(item.value_json)
        for item in getattr(record, field)
    }


def wandb_records(path: Path) -> Iterator[Any]:
    """The records of a file of Weights & Biases: a LevelDB log of protocol buffers.

    Blocks of 32 KiB, in them chunks with a header (checksum, length, kind); of kind 1 is a whole
    record, of 2, 3 and 4 its beginning, middle and end.
    """
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, parts = path.read_bytes(), 7, b""
    while at + 7 <= len(content):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + 7])
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield Record.FromString(parts)
            parts = b""
