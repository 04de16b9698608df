"""`investorbench run`, called in this process."""

from pathlib import Path

import pytest

from tests.scripts.calling import Call, Output


@pytest.fixture
def call(command: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`investorbench run` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Output:
        return command("run", *arguments)

    return run
