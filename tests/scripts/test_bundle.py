"""`investorbench bundle`: one file for others, which every command takes in place of a folder."""

import shutil
from pathlib import Path

import pytest

from investorbench.tasks import evaluate
from tests.env.small_markets import small_market
from tests.scripts.calling import Call

SETTINGS = ("task=stock/sim", "task.end=2020-10-16", "warmup=false", "seed=0", "seal=true")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, one of two agents, and a bundle of each and of both."""
    from investorbench.scripts.main import main

    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for arguments in (
            ("run", "-m", "agent=momentum,random", *SETTINGS, "folder=mine"),
            ("run", "agent=macd", *SETTINGS, "folder=other"),
            ("bundle", "mine"),
            ("bundle", "other", "mine", "-o", "both.zip"),
        ):
            with pytest.raises(SystemExit) as ended:
                main(arguments)
            assert ended.value.code == 0
    return folder


@pytest.fixture(autouse=True)
def _here(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shutil.copytree(kept, tmp_path / "here"))


@pytest.mark.parametrize(
    "command_line",
    [
        ("score", "RUN"),
        ("inspect", "RUN", "--agent", "momentum"),
        ("inspect", "RUN/stock-sim/random/repeat-0", "2020-10-06"),
        ("replay", "RUN"),
        ("verify", "RUN"),
        ("seal", "--check", "RUN"),
    ],
)
def test_a_command_says_of_a_bundle_what_it_says_of_the_run(
    command: Call, command_line: tuple[str, ...]
) -> None:
    folder, within, alone = (
        [each.replace("RUN", name) for each in command_line]
        for name in ("mine", "both.zip/mine", "mine.zip")
    )
    here = command(*folder)
    assert here.code == 0, here.err
    for line in (within, alone) if "RUN" in command_line else (within,):
        there = command(*line)
        assert there.code == 0
        assert there.out.replace(line[1], "mine") == here.out


@pytest.mark.parametrize("format", ["html", "csv", "md"])
def test_a_report_of_a_bundle_is_that_of_its_runs_to_the_byte(command: Call, format: str) -> None:
    pytest.importorskip("plotly")
    here = command("report", "other", "mine", "--format", format, "--output", "here")
    there = command("report", "both.zip", "--format", format)
    assert (here.code, there.code) == (0, 0), there.err
    assert there.out == f"wrote both.{format}\n"
    assert Path(f"both.{format}").read_bytes() == Path("here").read_bytes()


def test_two_runs_are_compared_where_one_is_in_a_bundle(command: Call) -> None:
    compared = command("compare", "mine", "mine.zip")
    assert compared.code == 0 and "the runs do not differ" in compared.out


def test_a_bundle_says_what_is_in_it_and_is_opened_for_good(command: Call) -> None:
    made = command("bundle", "mine", "-o", "again.zip")
    assert made.code == 0 and made.err == ""
    assert made.out.startswith("wrote again.zip: 1 run, ") and made.out.endswith(" MB\n")
    assert Path("again.zip").read_bytes() == Path("mine.zip").read_bytes()
    opened = command("bundle", "--open", "both.zip", "-o", "out")
    assert opened.out == "opened out/other\nopened out/mine\n"
    assert command("verify", "out/mine").code == 0
    again = command("bundle", "--open", "both.zip", "-o", "out")
    assert again.code == 1 and "out/other is there already" in again.err


def test_what_a_real_market_quotes_is_named_before_it_is_passed_on(command: Call) -> None:
    market = small_market([100.0 + t % 7 for t in range(40)])
    dates = {"start": "2020-01-03", "end": "2020-02-08", "warmup": False}
    evaluate("momentum", "InvestorBench/Stock", data=market, folder="real", **dates)
    made = command("bundle", "real")
    assert made.code == 0 and "holds no market" in made.err and "terms" in made.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("verify", "both.zip"), "both.zip holds the runs other, mine: name one of them"),
        (("verify", "mine.zip/nowhere"), "there is no folder mine.zip/nowhere"),
        (("seal", "--check", "both.zip"), "both.zip holds the runs other, mine"),
        (("score", "cut.zip"), "cut.zip is no bundle, or was cut off: copy it again"),
        (("report", "mine/seed.zip"), "there is no folder mine/seed.zip"),
        (("report", "mine/plan.seal"), "plan.seal is no bundle, or was cut off"),
        (("bundle", "nowhere"), "there is no folder nowhere"),
        (("bundle", "mine.zip"), "mine.zip is a file: give folders of runs"),
        (("bundle", "mine", "-o", "other"), "other is a folder: name a file in it"),
        (("bundle", "--open", "nowhere.zip"), "there is no bundle nowhere.zip"),
        (("bundle", "--open", "mine.zip", "both.zip"), "--open takes the file of one bundle"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    command: Call, arguments: tuple[str, ...], words: str
) -> None:
    Path("cut.zip").write_bytes(Path("mine.zip").read_bytes()[:-100])
    output = command(*arguments)
    assert output.code == 1 and words in output.err and "Traceback" not in output.err
    assert len(output.err.splitlines()) == 1
