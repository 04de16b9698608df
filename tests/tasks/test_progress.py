"""How far a run is: shown where somebody looks, and nowhere else."""

import builtins
import io
import sys
import warnings
from types import ModuleType
from typing import Any

import pytest

from investorbench.tasks import Task, evaluate
from investorbench.tasks.running.episodes import run
from investorbench.tasks.running.job import Job

SIM = Task.of("stock/sim", end="2020-10-09")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_an_evaluation_shows_a_bar_in_a_terminal_that_is_gone_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stderr", terminal)
    evaluate("momentum", SIM, 2, warmup=False)
    shown = terminal.getvalue()
    assert "momentum on SIM · test 2" in shown and "12/12" in shown
    assert shown.rstrip("\r\n").endswith("\x1b[2K")  # the line is cleared


def test_where_output_is_no_terminal_nothing_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    evaluate("momentum", SIM, warmup=False)
    run([Job.of("momentum", SIM, warmup=False)])
    assert capfd.readouterr() == ("", "")


class ZMQInteractiveShell:
    """What ``get_ipython()`` gives in a notebook, by its name."""


class Handle:
    """A place in the output of a cell."""

    def __init__(self, first: str) -> None:
        self.shown = [first]

    def update(self, html: str) -> None:
        self.shown.append(html)


def test_in_a_notebook_a_cell_shows_it_and_is_left_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    handles: list[Handle] = []

    def display(html: str, *, display_id: bool) -> Handle:
        assert display_id
        handles.append(Handle(html))
        return handles[-1]

    module: Any = ModuleType("IPython.display")
    module.HTML, module.display = str, display
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(builtins, "get_ipython", ZMQInteractiveShell, raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluate("momentum", SIM, warmup=False)
    ((first, *between, last),) = (handle.shown for handle in handles)
    assert "getting ready" in first and last == ""
    assert between[-1] == '<progress value="6" max="6"></progress> momentum on SIM · test 6/6'
    assert len(between) <= 101
