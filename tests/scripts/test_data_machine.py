"""``investorbench data fetch`` on an unusual machine, or asked for what cannot be: one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from investorbench.scripts.main import app
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.library import cache_folder

INVOKE = CliRunner().invoke


def refusal(*arguments: str) -> str:
    """The one line with which a command ends."""
    result = INVOKE(app, ["data", "fetch", "--dry-run", *arguments])
    assert result.exit_code == 1, result.output
    assert len(result.stderr.strip().splitlines()) == 1
    return result.stderr


@pytest.mark.parametrize(
    "symbol", [" ", ".", "..", "A\nB", "\x1b[31mX", "É", "TSLA,AMZN", "X" * 300, "-"]
)
def test_what_can_be_no_symbol_is_refused_before_anyone_is_asked(symbol: str) -> None:
    assert "is no symbol" in refusal("--", symbol)


def test_a_folder_that_can_be_none_is_refused_before_anyone_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert f"{file} is a file" in refusal("TSLA", "--into", str(file))
    assert f"{file} is a file" in refusal("TSLA", "--into", str(file / "below"))
    (tmp_path / "loop").symlink_to("loop")
    assert "leads nowhere" in refusal("TSLA", "--into", str(tmp_path / "loop"))
    (tmp_path / "gone").symlink_to(tmp_path / "no such folder")
    assert "leads nowhere" in refusal("TSLA", "--into", str(tmp_path / "gone" / "below"))
    assert "leads nowhere" in refusal("TSLA", "--into", "~no such user/data")


def test_the_first_day_of_all_calendars_is_a_day_like_another(tmp_path: Path) -> None:
    arguments = ["data", "fetch", "TSLA", "--from", "0001-01-01", "--into", str(tmp_path)]
    result = INVOKE(app, [*arguments, "--dry-run"])
    assert result.exit_code == 0, result.output


def test_without_a_home_the_variable_for_the_cache_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def homeless(cls: type[Path]) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", classmethod(homeless))
    with pytest.raises(InvestorBenchError, match="export XDG_CACHE_HOME="):
        cache_folder()


@pytest.mark.heavy
def test_a_terminal_of_ascii_alone_shows_the_plan(tmp_path: Path) -> None:
    program = "from investorbench.scripts.main import main; main()"
    command = [sys.executable, "-c", program, "data", "fetch", "TSLA", "--dry-run"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "XDG_CACHE_HOME": str(tmp_path)}
    run = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)
    assert run.returncode == 0, run.stderr
    assert "symbol" in run.stdout
    assert not run.stderr
