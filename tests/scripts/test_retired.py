"""What `investorbench run` says of models that their makers no longer serve."""

import warnings
from datetime import date
from pathlib import Path

import pytest

from investorbench.agents.llm.errors import RetiredModelWarning
from investorbench.scripts import retired
from investorbench.scripts.main import plainly
from tests.agents.llm.stub_server import StubServer
from tests.scripts.calling import Call

SHORT = ("agent=finmem", "task=stock/sim", "task.end=2020-10-05", "warmup=false", "output=json")


@pytest.fixture
def on_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retired, "today", lambda: date(2026, 11, 30))


@pytest.mark.usefixtures("on_the_day")
def test_a_run_of_models_past_their_end_says_so_once_and_goes_on(call: Call) -> None:
    models = "gpt-4,o1-preview,gpt-4o,claude-sonnet-4.5"
    with pytest.warns(RetiredModelWarning) as given:
        output = call("-m", *SHORT, f"model={models}")
    (one,) = given
    assert str(one.message).startswith(
        "retired by their makers: gpt-4 on 2026-10-23, o1-preview on 2025-07-28, "
        "claude-sonnet-4.5 on 2026-11-30; "
    )
    assert "OPENAI_API_KEY" in output.err  # what stops it is the key, not the date


@pytest.mark.usefixtures("on_the_day")
@pytest.mark.parametrize("more", [["model=gpt-4o"], ["model=gpt-4", "cache=replay_only"]])
def test_before_its_end_and_where_nothing_is_asked_there_is_no_warning(
    call: Call, more: list[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert call(*SHORT, *more).code == 1


@pytest.mark.usefixtures("on_the_day")
def test_another_server_than_its_makers_has_an_end_of_its_own(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    with StubServer() as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert call(*SHORT, "model=gpt-4", f"model.base_url={server.url}").code == 0


def test_warnings_of_ours_are_one_line_and_those_of_others_name_their_code() -> None:
    assert plainly(RetiredModelWarning("gone"), RetiredModelWarning, "f.py", 3) == "warning: gone\n"
    assert plainly(UserWarning("odd"), UserWarning, "f.py", 3).startswith(
        "f.py:3: UserWarning: odd"
    )
