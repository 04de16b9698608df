"""What following a run costs: the time of a processor that a view takes beside a sweep.

The view and the sweep are processes of their own; a reader asks as the page does, every two
seconds, and looks at a decision now and then.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
from rich.console import Console

from investorbench.tasks.wording import number, percent
from investorbench_env.errors import InvestorBenchError

ASKED_S = 2.0
"""Between two questions of a page that is looked at."""
DECISION_EVERY = 10
"""Questions, one of which is for a decision."""
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from investorbench.scripts.main import main; main()"
)
SWEEP = (
    "run", "-m", "agent=finmem,momentum", "task=stock/sim,etf/sim", "seed=0",
    "warmup=false", "concurrency=8", "output=json",
)  # fmt: skip
"""FinMem with a word list in place of a model."""
LEAST_REPEATS = 40
"""As many as seconds are more than is finished in them."""


class Following(NamedTuple):
    """What following came to.

    Attributes:
        seconds: that the sweep was followed.
        view_s: of a processor that the view took, its start included.
        sweep_s: of a processor that the sweep took.
        questions: that the page asked.
        decisions: that the run had at the end.
        kilobytes: that were sent, without the page itself.
    """

    seconds: float
    view_s: float
    sweep_s: float
    questions: int
    decisions: int
    kilobytes: float

    @property
    def share(self) -> float:
        """Of the sweep's time, in processors."""
        return self.view_s / self.seconds


def measure(seconds: float, sweep: Sequence[str] | None = None) -> Following:
    """Follow a sweep for a while.

    Args:
        seconds: how long.
        sweep: arguments of ``investorbench``, but for its folder; None for one that is long enough.

    Raises:
        InvestorBenchError: one of both ended early.
    """
    if sweep is None:
        sweep = [*SWEEP, f"repeats={max(LEAST_REPEATS, round(seconds))}"]
    with tempfile.TemporaryDirectory(prefix="investorbench-bench-") as room:
        folder = Path(room, "run")
        folder.mkdir()
        running = _started([*sweep, f"folder={folder}"], Path(room))
        view = _started(["view", str(folder), "--no-open"], Path(room))
        try:
            assert view.stdout is not None
            address = view.stdout.readline().strip()
            if not address:
                raise InvestorBenchError("the view did not start")
            began = time.monotonic()
            questions, sent, decisions = _ask(address, began + seconds)
            took = time.monotonic() - began
            if running.poll() is not None:
                raise InvestorBenchError("the sweep ended before the time was over: follow it less")
        finally:
            view_s, sweep_s = _ended(view), _ended(running)
    return Following(took, view_s, sweep_s, questions, decisions, sent / 1000)


def report(seconds: float) -> None:
    """Print what following a sweep came to."""
    found = measure(seconds)
    Console(soft_wrap=True, highlight=False).print(
        f"followed for {number(found.seconds)} s, to {number(found.decisions)} decisions: the view "
        f"took {number(found.view_s, 1)} s of a processor, {percent(found.share)} % of the sweep's "
        f"time (the sweep {number(found.sweep_s, 1)} s); {number(found.questions)} questions, "
        f"{number(found.kilobytes)} kB sent"
    )


def _ask(address: str, until: float) -> tuple[int, int, int]:
    """Ask as a page does; how often, how many bytes came, and the last number of decisions."""
    questions = sent = version = made = decisions = 0
    with httpx.Client(trust_env=False, timeout=60.0) as client:
        client.get(address)
        while time.monotonic() < until:
            reply = client.get(f"{address}live?since={version}&made={made}")
            state = reply.raise_for_status().json()
            version, made, decisions = state["version"], state["made"], state["decisions"][0]
            sent += len(reply.content)
            questions += 1
            if questions % DECISION_EVERY == 0 and state["rows"]:
                shown = client.get(f"{address}live/decision?job={state['rows'][0]['id']}&repeat=0")
                sent += len(shown.content)
            time.sleep(max(0.0, min(ASKED_S, until - time.monotonic())))
    return questions, sent, decisions


def _started(arguments: Sequence[str], folder: Path) -> "subprocess.Popen[str]":
    line = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
    )


def _ended(program: "subprocess.Popen[str]") -> float:
    """End a program as Ctrl-C does; how long it had a processor, in seconds."""
    program.send_signal(signal.SIGINT)
    _, status, used = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    if program.stdout is not None:
        program.stdout.close()
    return used.ru_utime + used.ru_stime
