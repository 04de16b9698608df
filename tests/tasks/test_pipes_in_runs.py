"""Pipes in the folder of a run: whoever reads it opens files alone, and waits for nothing."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from investorbench.scripts.main import main
from investorbench.tasks.view import Follower
from investorbench_env.regular_files import open_file, read_text

pytest.importorskip("plotly")
pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")

JOB = "stock-sim/finmem_model=offline"


class OpenedPipeError(BaseException):
    """Somebody opened a pipe, and would wait; nothing that handles errors is to catch it."""


class Watch:
    """Sees each file that this process opens, while it is on."""

    def __init__(self) -> None:
        self.is_on = False
        self.opened: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.is_on or event not in ("open", "sqlite3.connect"):
            return
        name = arguments[0]
        if isinstance(name, str | bytes | os.PathLike):
            path = Path(os.fsdecode(name).removeprefix("file://").partition("?")[0])
            if path.is_fifo():
                self.opened.append(str(path))
                raise OpenedPipeError(path)


@pytest.fixture(scope="module")
def the_watch() -> Watch:
    return Watch()  # which cannot be taken away again, and so is one


@pytest.fixture
def watch(the_watch: Watch) -> Iterator[Watch]:
    the_watch.opened.clear()
    the_watch.is_on = True
    yield the_watch
    the_watch.is_on = False


def test_a_pipe_is_refused_and_never_opened(tmp_path: Path, watch: Watch) -> None:
    os.mkfifo(tmp_path / "pipe")
    for read in (open_file, read_text):
        with pytest.raises(OSError, match="a pipe, a socket or a device") as refused:
            read(tmp_path / "pipe")
        assert refused.value.strerror and refused.value.filename == str(tmp_path / "pipe")
    assert watch.opened == []
    with pytest.raises(OpenedPipeError):
        (tmp_path / "pipe").open("rb")
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "nothing")


def called(*arguments: str) -> object:
    """The status that a command ends with."""
    try:
        main(list(arguments))
    except SystemExit as ended:
        return ended.code
    return 0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed run of two agents, one of them with memory."""
    folder: Path = tmp_path_factory.mktemp("pipes") / "mine"
    assert called(
        "run", "-m", "agent=finmem,momentum", "model=offline", "task=stock/sim", "seed=0",
        "task.start=2020-10-01", "task.end=2020-10-07", "warmup=false", "repeats=1",
        f"folder={folder}", "output=json",
    ) == 0  # fmt: skip
    assert called("seal", str(folder)) == 0
    return folder


COMMANDS = {
    "score": (),
    "verify": (),
    "report": ("--folder", "--output", "report"),
    "bundle": ("--output", "mine.zip"),
    "export": ("--to", "inspect", "--output", "logs"),
}


@pytest.mark.heavy
@pytest.mark.parametrize(
    "names",
    [
        (f"{JOB}/config.yaml",),
        (f"{JOB}/repeat-0/decisions.jsonl",),
        (f"{JOB}/repeat-0/metrics.json", "record.seal.json"),
        (f"{JOB}/manifest.json", f"{JOB}/references.json", "suite.json", "spending.txt"),
        (f"{JOB}/repeat-0/warmup.jsonl", f"{JOB}/repeat-0/failure.json", "answers.sqlite"),
    ],
    ids=lambda names: names[0].rpartition("/")[2],
)
def test_whatever_in_a_run_is_a_pipe_no_command_waits_for_it(
    recorded: Path, tmp_path: Path, names: tuple[str, ...], watch: Watch,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    watch.is_on = False
    run = Path(shutil.copytree(recorded, tmp_path / "mine"))
    for name in names:
        (run / name).unlink(missing_ok=True)
        os.mkfifo(run / name)
    monkeypatch.chdir(tmp_path)
    watch.is_on = True
    for command, options in COMMANDS.items():
        code = called(command, str(run), *options)
        said = capsys.readouterr()
        assert code in (0, 1) and "Traceback" not in said.err, command
        assert code == 0 or said.err or said.out, command
    follower = Follower([run], lambda: 4e9)
    follower.look()
    assert len(follower.state()["rows"]) == 2
    assert watch.opened == []
