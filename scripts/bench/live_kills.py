"""Steps of a live experiment that are killed again and again, beside one that never was.

``python -m investorbench.scripts.bench.live_kills --kills 200``. A victim goes through an
experiment and kills itself with SIGKILL at a call of a function that is drawn beforehand, anywhere
within a step; another goes on from what it left. No clock is read: the experiment's is an argument.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
from datetime import UTC, date, datetime, time
from itertools import pairwise
from math import sin
from pathlib import Path
from types import FrameType
from typing import Any

from investorbench.tasks.live.experiment import (
    ExperimentSettings,
    ListedAction,
    LiveAgent,
    Quote,
    Quoted,
    check,
    start,
    step,
)
from investorbench.tasks.live.experiment.ledger import Ledger, LedgerEntry
from investorbench.tasks.live.experiment.stepping import LEDGER
from investorbench.tasks.live.experiment.view import LedgerView
from investorbench_env.market.sessions import sessions_between
from investorbench_env.whole_files import write_atomically

SYMBOLS = ("ACME", "BOLT")
DAYS = [str(day) for day in sessions_between("stock", "2021-01-11", "2021-01-22")]
SPLIT = "2021-01-19"
REACH = 2.0
"""A victim lives through as many steps at most, and half as many in the mean."""
EVENING, MORNING = time(22, tzinfo=UTC), time(8, tzinfo=UTC)


class CountedSource:
    """Prices that follow from symbol and day, with a split."""

    def __init__(self, name: str, *, lists: bool) -> None:
        self.name, self.lists = name, lists

    def ask(self, symbol: str, first: date, last: date) -> Quoted:
        """Prices in the shares of the last day."""
        quotes = {}
        for day in map(str, sessions_between("stock", str(first), str(last))):
            close = 100.0 + 5.0 * sin(date.fromisoformat(day).toordinal() + len(symbol))
            close /= 2.0 if last.isoformat() >= SPLIT else 1.0
            quotes[day] = Quote(close * 1.01, close * 1.02, close * 0.99, close, 1e6)
        splits = (ListedAction(SPLIT, "split", 2.0),) if last.isoformat() >= SPLIT else ()
        return Quoted(
            source=self.name, asked=symbol, quotes=quotes, actions=splits if self.lists else None
        )


class CountingAgent:
    """Buys as many shares as it has decided before, which it keeps in a state of its own."""

    decided = 0

    def act(self, observation: Any, info: Any) -> list[dict[str, Any]]:
        """One order."""
        self.decided += 1
        return [{"symbol": SYMBOLS[self.decided % 2], "side": "buy", "quantity": self.decided}]

    def save(self, folder: Path) -> None:
        """Keep the number."""
        write_atomically(folder / "decided", str(self.decided))

    def load(self, folder: Path) -> None:
        """Take the number."""
        self.decided = int((folder / "decided").read_text())


def begin(folder: Path) -> None:
    """An experiment of an agent with a state and of one that answers by files."""
    agents = (LiveAgent(name="one", kind="counting"), LiveAgent(name="ann", kind="file"))
    settings = ExperimentSettings(symbols=SYMBOLS, agents=agents, window=5)
    start(folder, settings, datetime.combine(date(2021, 1, 8), EVENING))


def live(folder: Path) -> None:
    """Go through an experiment from wherever it stands."""
    sources = (CountedSource("Yahoo", lists=True), CountedSource("Stooq", lists=False))
    with Ledger(folder / LEDGER) as ledger:
        view = LedgerView(ledger.entries())
    taken = view.taken or ""
    for day, following in pairwise(DAYS):
        if day > taken:
            moment = datetime.combine(date.fromisoformat(day), EVENING)
            step(folder, moment, sources, {"one": CountingAgent})
        if day > taken or (day == taken and not _has_answered(view, day)):
            _answer(folder, day)
            moment = datetime.combine(date.fromisoformat(following), MORNING)
            step(folder, moment, sources, {"one": CountingAgent})


def _has_answered(view: LedgerView, day: str) -> bool:
    return any(each.session == day for each in view.decisions("ann"))


def _answer(folder: Path, day: str) -> None:
    """Write an answer, always at the same time, by which it is known again."""
    path = folder / "agents" / "ann" / "answer.json"
    order = {"symbol": "BOLT", "side": "buy", "quantity": 1}
    write_atomically(path, json.dumps({"session": day, "orders": [order]}))
    written = int(datetime.fromisoformat(f"{day}T23:00:00+00:00").timestamp()) * 10**9
    os.utime(path, ns=(written, written))


class CallCounter:
    """Counts calls, and kills the process at one of them.

    Args:
        deadly: the call; None for none.
    """

    def __init__(self, deadly: int | None = None) -> None:
        self.calls, self.deadly = 0, deadly

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Count a call or a return, of Python or of C."""
        self.calls += 1
        if self.calls == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)


def victim(folder: str, deadly: int | None) -> None:
    """Go through an experiment until the kill, if there is one."""
    sys.setprofile(CallCounter(deadly))
    live(Path(folder))
    sys.setprofile(None)


def entries_of(folder: Path) -> list[LedgerEntry]:
    """The ledger of an experiment."""
    with Ledger(folder / LEDGER) as ledger:
        return ledger.entries()


def killed(folder: Path, kills: int, seed: int = 0) -> dict[str, int]:
    """Kill as often, over as many experiments as that takes, and hold each to one that lived.

    Returns:
        How many experiments there were, and how often the same end was reached.

    Raises:
        RuntimeError: a victim failed by itself.
    """
    chance = random.Random(seed)
    begin(folder / "unkilled")
    counter = CallCounter()
    sys.setprofile(counter)
    live(folder / "unkilled")
    sys.setprofile(None)
    expected = entries_of(folder / "unkilled")
    most = round(REACH * counter.calls / len(DAYS))
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__, "pandas", "exchange_calendars"])
    done = experiments = same = 0
    while done < kills:
        own = folder / f"killed-{experiments}"
        begin(own)
        experiments, ended = experiments + 1, None
        while ended != 0:
            deadly = chance.randrange(1, most) if done < kills else None
            process = processes.Process(target=victim, args=(str(own), deadly))
            process.start()
            process.join()
            ended = process.exitcode
            if ended not in (0, -signal.SIGKILL):
                raise RuntimeError(f"a victim ended with {ended}: look into {own}")
            done += ended == -signal.SIGKILL
        same += entries_of(own) == expected and check(own) == ()
    return {"kills": done, "experiments": experiments, "same end": same}


def main() -> None:
    """Kill from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(killed(Path(folder), given.kills, given.seed))


if __name__ == "__main__":
    main()
