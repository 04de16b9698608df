"""``investorbench live``: what each command prints, and that it changes nothing where it should."""

from contextlib import nullcontext
from datetime import date, datetime
from pathlib import Path

import pytest

from investorbench.scripts import live
from investorbench.scripts.main import main
from investorbench.tasks.live.experiment.ledger import Ledger
from tests.tasks.live_experiments import MadeSource, at, stocks


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Commands at a moment, in a folder with an agent of one's own; what they print."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "def buyer(observation, info):\n"
        "    return [{'symbol': 'ACME', 'side': 'buy', 'quantity': 1}]\n"
    )
    source = MadeSource(stocks())

    def call(moment: datetime, *arguments: str) -> tuple[int, str]:
        source.today = date.fromisoformat(str(moment)[:10])
        monkeypatch.setattr(live, "clock", lambda: moment)
        monkeypatch.setattr(live, "price_sources", lambda: nullcontext([source]))
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(left.value.code or 0), printed.out + printed.err

    return call


def test_an_experiment_is_begun_stepped_shown_audited_and_reported(lab, tmp_path: Path) -> None:
    began = lab(
        at("2021-01-11"), "live", "init", "lab", "--symbols", "acme, bolt", "--agent",
        "./mine.py:buyer", "--agent", "ann=file", "--profile", "lab", "--cash", "500",
    )  # fmt: skip
    assert began == (0, "began lab with 2 assets; agents: buyer and ann\n")
    took = "took the session of 2021-01-12; orders meet that of 2021-01-13\n"
    assert lab(at("2021-01-12"), "live", "step", "lab") == (0, took)
    code, said = lab(at("2021-01-12", 23), "live", "step", "lab")
    assert code == 0 and said.count("\n") == 1 and "nothing was changed" in said
    assert lab(at("2021-01-14"), "live", "step", "lab")[1].startswith(
        "took the session of 2021-01-14, after 1 missed session;"
    )
    code, said = lab(at("2021-01-14", 23), "live", "status", "lab")
    assert "3 sessions, 2021-01-12 to 2021-01-14; 1 missed" in said and "buyer" in said
    assert lab(at("2021-01-14", 23), "live", "audit", "lab") == (0, "")
    assert lab(at("2021-01-14", 23), "live", "report", "lab")[0] == 0
    page = Path("lab/report.html").read_text()
    assert "buy 1 ACME" in page and "no step was taken in time" in page
    with Ledger(Path("lab/ledger.sqlite")) as ledger:
        decision = next(each for each in ledger.entries() if each.kind == "decision")
    assert len(decision.content["agent"]["_sha256_"]) == 64
    assert str(tmp_path) not in str(decision.content)


def test_the_ledger_of_a_folder_is_audited_without_arguments(
    lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "an audit takes DAILY.csv and TRADES.csv" in lab(at("2021-01-11"), "audit")[1]
    lab(at("2021-01-11"), "live", "init", "lab", "--symbols", "ACME", "--agent", "file")
    monkeypatch.chdir("lab")
    assert lab(at("2021-01-11"), "audit") == (0, "")
    code, said = lab(at("2021-01-11"), "live", "audit", ".", "--head", "abc")
    assert code == 1 and "no entry has the hash abc" in said


@pytest.mark.parametrize(
    ("agent", "says"),
    [
        ("nobody", "unknown agent 'nobody'"),
        ("oracle", "asks for"),
        ("file model=offline", "takes no model=offline"),
        ("a b=", "configuration|setting|cannot"),
    ],
)
def test_an_agent_that_cannot_be_is_refused_before_anything_is_made(
    lab, agent: str, says: str
) -> None:
    code, said = lab(
        at("2021-01-11"), "live", "init", "lab", "--symbols", "ACME", "--agent", agent
    )  # fmt: skip
    assert code == 1 and not Path("lab").exists()
    assert says.split("|")[0] in said or "|" in says


def test_where_no_source_answers_it_says_so_and_changes_nothing(lab) -> None:
    lab(at("2021-01-11"), "live", "init", "lab", "--symbols", "NONE", "--agent", "file")
    before = Path("lab/ledger.sqlite").read_bytes()
    code, said = lab(at("2021-01-12"), "live", "step", "lab")
    assert code == 1 and "no source has a price of 2021-01-12" in said
    assert Path("lab/ledger.sqlite").read_bytes() == before
