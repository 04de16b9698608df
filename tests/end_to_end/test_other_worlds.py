"""Environments of somebody else's go the whole way: evaluated, killed, resumed, scored, shown.

They give facts and the nouns of an account: two assets with a list of orders, and bars of three
minutes with a target weight.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.scripts.main import main
from investorbench.tasks import Result, evaluate, load
from investorbench.tasks.record.schema import without_nan
from tests.end_to_end.other_worlds import Minutes, Pair

WORLDS = {"Forest/Pair": Pair, "Forest/Minutes": Minutes}
BREAKS_AT = "TESTS_BREAK_AT"
"""The decision of an agent's life, in the environment of a process that is to be killed there."""


class Wanders:
    """Acts by all that it has met; can be saved."""

    def begin(self, facts: Any, split: str, seed: int) -> None:
        if split == "warmup":
            self.met, self.decisions = seed % 7 / 7, 0

    def act(self, observation: Any, info: Any) -> Any:
        self.decisions += 1
        if self.decisions == int(os.environ.get(BREAKS_AT, "0")):
            print("reached", flush=True)
            sys.stdin.read()  # until it is killed
        share = (self.met * 997.0) % 0.5
        if len(observation) == 1:
            return np.array([share], np.float32)
        return [(0, np.float32(share)), (1, np.float32(0.5 - share))][: 1 + self.decisions % 2]

    def learn(self, reward: float, info: Any) -> None:
        self.met = (self.met + abs(reward)) % 1.0

    def save(self, folder: Path) -> None:
        (folder / "state.json").write_text(json.dumps([self.met, self.decisions]))

    def load(self, folder: Path) -> None:
        self.met, self.decisions = json.loads((folder / "state.json").read_text())


def wander(id: str, folder: Path) -> Result:
    return evaluate(Wanders, id, 2, seed=0, folder=folder)


def command(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[object, str, str]:
    """What a command ends with, prints, and says besides."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    out, err = capfd.readouterr()
    return ended.value.code, out, err


@pytest.mark.heavy
@pytest.mark.parametrize("id", WORLDS)
@pytest.mark.parametrize("share", [0.3, 0.9], ids=["in the warm-up", "in the test"])
def test_an_episode_that_is_killed_ends_as_an_unbroken_one(
    id: str, share: float, tmp_path: Path
) -> None:
    whole = wander(id, tmp_path / "whole")
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.end_to_end.test_other_worlds import wander\n"
        f"wander({id!r}, Path({str(tmp_path / 'killed')!r}))"
    )
    decision = int(share * 2 * WORLDS[id].steps)
    with subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, BREAKS_AT: str(decision)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stdout.readline() == "reached\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    resumed = wander(id, tmp_path / "killed")
    for one, other in zip(resumed.episodes, whole.episodes, strict=True):
        assert one.actions == other.actions
        assert one.equity.tobytes() == other.equity.tobytes()
    assert without_nan(resumed.metrics) == without_nan(whole.metrics)


@pytest.mark.parametrize("id", WORLDS)
def test_a_record_is_verified_replayed_scored_and_shown(
    id: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = wander(id, tmp_path / "run")
    (loaded,) = load(tmp_path / "run").results
    assert without_nan(loaded.metrics) == without_nan(result.metrics)
    assert loaded.facts == result.facts
    code, out, _ = command(capfd, "verify", tmp_path / "run")
    assert code == 0 and "nothing wrong" in out
    code, out, _ = command(capfd, "replay", tmp_path / "run")
    assert code == 0 and "2 episodes, all to the bit" in out
    code, scored, _ = command(capfd, "score", tmp_path / "run")
    assert code == 0 and id in scored and "Wanders" in scored
    code, _, _ = command(capfd, "report", tmp_path / "run")
    assert code == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Wanders" in page and "made up" in page
    # Neither needs the environment: a process of its own registers none.
    alone = subprocess.run(
        [sys.executable, "-m", "investorbench.scripts.main", "score", tmp_path / "run"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert alone.stdout == scored


def test_days_are_those_of_the_calendar_whatever_the_bars() -> None:
    daily, minutes = evaluate(Wanders, "Forest/Pair"), evaluate(Wanders, "Forest/Minutes")
    assert len(daily.median.returns) == Pair.steps
    # 600 bars of three minutes from nine in the evening: three hours, a day, three hours.
    assert [str(day) for day in minutes.median.dates] == ["2024-03-01", "2024-03-02", "2024-03-03"]
    growth = np.prod(1.0 + minutes.median.returns)
    assert growth == pytest.approx(minutes.equity[-1] / minutes.equity[0], rel=1e-12)


def test_the_command_line_runs_an_environment_by_the_module_that_registers_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = command(
        capfd, "run", f"agent._target_={__name__}.Wanders", "output=json", "seed=0",
        "task.id=tests.end_to_end.other_worlds:Forest/Pair", f"folder={tmp_path / 'run'}",
    )  # fmt: skip
    assert code == 0, err
    typed = json.loads(out)
    called = evaluate(Wanders, "Forest/Pair", seed=0)
    assert typed["seeds"] == [called.median.seed]
    assert typed["metrics"]["CR"] == called.metrics["CR"]
    assert (tmp_path / "run" / "forest-pair" / "Wanders" / "manifest.json").is_file()
