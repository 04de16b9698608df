"""Experiments on made stocks, whose sources know no more than has happened by a clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from investorbench.tasks.live.experiment import (
    ExperimentSettings,
    ListedAction,
    LiveAgent,
    Quote,
    Quoted,
    start,
    step,
)
from investorbench.tasks.live.experiment.ledger import Ledger, LedgerEntry
from investorbench.tasks.live.experiment.stepping import LEDGER
from investorbench_env.market.sources.http import DownloadError
from tests.market.servers.made_stock import MadeStock

CLOSE = time(22, tzinfo=UTC)
"""After the close of New York, in winter and in summer."""


@dataclass
class MadeSource:
    """A source that knows made stocks up to a day, in the shares of that day.

    Attributes:
        stocks: by symbol.
        name: of the source.
        today: the last day that it knows.
        lists: whether it lists dividends and splits.
        out: days on which it does not answer.
        changed: figures that are others than those of the stock, by symbol and day.
    """

    stocks: Mapping[str, MadeStock]
    name: str = "Yahoo"
    today: date = date.min
    lists: bool = True
    out: Sequence[str] = ()
    changed: dict[tuple[str, str], Callable[[Quote], Quote]] = field(default_factory=dict)

    def ask(self, symbol: str, first: date, last: date) -> Quoted:
        if str(self.today) in self.out:
            raise DownloadError(f"{self.name} is out of order")
        if symbol not in self.stocks:
            raise DownloadError(f"{self.name} has no {symbol}")
        stock = self.stocks[symbol]
        quotes = {}
        for day in stock.days:
            if first <= day <= min(last, self.today):
                quote = Quote(*stock.bar(day))
                quote = self.changed.get((symbol, str(day)), lambda same: same)(quote)
                quotes[str(day)] = quote.restated(1.0 / self._later(stock, day))
        return Quoted(
            source=self.name, asked=symbol, quotes=quotes,
            actions=tuple(self._listed(stock, first)) if self.lists else None,
        )  # fmt: skip

    def _later(self, stock: MadeStock, day: date) -> float:
        known = [x for when, x in stock.splits.items() if str(day) < when <= str(self.today)]
        return known[0] if known else 1.0

    def _listed(self, stock: MadeStock, first: date) -> Any:
        for kind, listed in (("dividend", stock.dividends), ("split", stock.splits)):
            for when, amount in listed.items():
                if str(first) <= when <= str(self.today):
                    yield ListedAction(when, kind, amount)  # type: ignore[arg-type]


SYMBOLS = ("ACME", "BOLT")


def stocks(**changes: Any) -> dict[str, MadeStock]:
    """Two stocks and two indices; the first may be changed."""
    plain = {"dividends": {}, "splits": {}}
    names = ("BOLT", "^GSPC", "^RUT")
    return {"ACME": MadeStock(**{**plain, **changes})} | {
        name: MadeStock(symbol=name, **plain) for name in names
    }


def at(day: str, hour: int = 22) -> datetime:
    """A moment of a day, in UTC."""
    return datetime.combine(date.fromisoformat(day), time(hour), UTC)


def after(day: str, days: int = 1) -> str:
    return str(date.fromisoformat(day) + timedelta(days))


@dataclass
class Experiment:
    """An experiment in a folder; by default of one agent that does nothing."""

    folder: Path
    agents: Mapping[str, Any] = field(default_factory=lambda: {"one": lambda o, i: []})
    files: Sequence[str] = ()
    sources: Sequence[MadeSource] = field(default_factory=lambda: [MadeSource(stocks())])
    settings: Mapping[str, Any] = field(default_factory=dict)

    def start(self, day: str = "2021-01-11") -> "Experiment":
        named = [LiveAgent(name=name, kind="a test's") for name in self.agents]
        named += [LiveAgent(name=name, kind="file") for name in self.files]
        given = {"symbols": SYMBOLS, "agents": tuple(named), "window": 5, **self.settings}
        start(self.folder, ExperimentSettings(**given), at(day))
        return self

    def step(self, day: str, hour: int = 22) -> Any:
        for source in self.sources:
            source.today = date.fromisoformat(day)
        makers = {name: (lambda agent=agent: agent) for name, agent in self.agents.items()}
        return step(self.folder, at(day, hour), self.sources, makers)

    def entries(self, *kinds: str) -> list[LedgerEntry]:
        with Ledger(self.folder / LEDGER) as ledger:
            return [each for each in ledger.entries() if not kinds or each.kind in kinds]
