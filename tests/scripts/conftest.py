"""The command, called in this process."""

from pathlib import Path

import pytest

from investorbench.scripts.main import main
from tests.scripts.calling import Call, Output


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """`investorbench` on a terminal of 80 columns; what was printed before is left out."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: object) -> Output:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments)])
        return Output(ended.value.code, *capfd.readouterr())

    return call


@pytest.fixture
def call(command: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`investorbench run` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Output:
        return command("run", *arguments)

    return run
