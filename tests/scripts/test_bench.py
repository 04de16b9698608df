"""`investorbench bench env`: what it measures and prints. How fast anything is, is no test."""

import gymnasium as gym
import pytest
from rich.console import Console

from investorbench.scripts.bench import environment
from investorbench.scripts.main import main


@pytest.mark.heavy
def test_it_prints_speeds_as_ratios_to_yardsticks_measured_in_the_same_run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(environment, "ROUNDS", 1)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "env", "--seconds", "0.001"])
    output = capfd.readouterr()
    assert (ended.value.code, output.err) == (0, "")
    beside, growth = output.out.split("How cost grows")
    for words in ("CartPole-v1", "constant environment", "window 30, text", "× 1,024"):
        assert words in beside
    for words in ("window 5 ", "window 120 ", "2,000 steps", "× 1,", "× 4,096"):
        assert words in growth
    (cartpole,) = [line.split() for line in beside.splitlines() if "CartPole-v1" in line]
    assert cartpole[1] == "1.00"
    assert "import investorbench_env: " in growth
    assert "× CartPole" in beside and "× CartPole" in growth
    assert max(map(len, output.out.splitlines())) <= 80


def test_contestants_take_turns_and_the_best_of_each_counts() -> None:
    calls = []
    times = {"slow": iter([9.0, 7.0, 8.0]), "quick": iter([3.0, 1.0, 2.0])}

    def measure(name: str) -> environment.Measure:
        def run(seconds: float) -> float:
            calls.append((name, seconds))
            return next(times[name])

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, "ROUNDS", 3)
        best = environment.best_of({name: measure(name) for name in times}, 6.0, Console())
    assert best == {"slow": 7.0, "quick": 1.0}
    assert calls == [("slow", 2.0), ("quick", 2.0)] * 3


def test_a_measure_counts_each_step_of_each_episode() -> None:
    steps = 0

    class Counting(environment.Constant):
        def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, object]]:
            nonlocal steps
            steps += 1
            return 0, 0.0, False, steps % 10 == 0, {}

    seconds = environment.scalar(Counting(), 2)(0.001)
    assert steps % 10_000 == 0
    assert seconds * steps >= 0.001


def test_the_yardstick_is_gymnasiums_own_with_its_wrappers() -> None:
    assert isinstance(gym.make("CartPole-v1"), gym.wrappers.TimeLimit)


@pytest.mark.heavy
def test_gym_anytrading_takes_part_where_it_is_installed() -> None:
    pytest.importorskip("gym_anytrading")
    measure = environment.anytrading()
    assert measure is not None and measure(0.0001) > 0
