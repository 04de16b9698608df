"""The command, called in this process."""

from pathlib import Path

import pytest

from scripts.main import main
from tests.scripts.calling import Call, Said


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Call:
    """`investorbench run` in an empty folder, on a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> Said:
        with pytest.raises(SystemExit) as ended:
            main(["run", *arguments])
        return Said(ended.value.code, *capfd.readouterr())

    return run
