"""What a run on Ray says of its jobs, with the cluster left out: they are run here."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents import Agent
from investorbench.scripts import launching
from investorbench.scripts import run as command
from investorbench.scripts.main import main
from investorbench.scripts.on_ray import RayJobs

RUN = (
    "run", "-m", "agent=momentum", "task=stock/sim", "task.end=2020-10-14", "warmup=false",
    "launcher=ray", "folder=mine",
)  # fmt: skip


class Raises(Agent):
    """An agent with a mistake."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def act(self, observation: Any, info: Any) -> Any:
        """Fail."""
        raise RuntimeError("a mistake of its own")


@pytest.fixture
def said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What a command says that ends with an error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(launching.PLUGINS, "ray", "json")

    def run(*more: str, why: str | None = None) -> str:
        def launch(tasks: Sequence[RayJobs], *rest: Any) -> dict[Any, str]:
            for task in tasks:
                task.play(task.composed, None)
            return {} if why is None else {job: why for task in tasks for job in task.jobs}

        monkeypatch.setattr(command, "launch", launch)
        with pytest.raises(SystemExit) as ended:
            main([*RUN, *more])
        assert ended.value.code == 1
        return " ".join(capsys.readouterr().err.split())

    return run


def test_a_job_whose_agent_raises_says_so_and_nothing_of_folders(said: Callable[..., str]) -> None:
    output = said(f"agent._target_={__name__}.Raises")
    assert "repeat 0: RuntimeError: a mistake of its own" in output
    assert "machines have to share" not in output


def test_a_job_that_is_whole_here_says_what_its_address_refused(said: Callable[..., str]) -> None:
    why = "s3://bucket/mine refuses: 503; what it has not taken lies in there:/scratch/x"
    output = said(why=why)
    assert f"momentum on InvestorBench/Stock-SIM: {why}" in output
    assert output.count("refuses") == 1
