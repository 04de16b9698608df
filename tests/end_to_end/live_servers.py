"""A market of made stocks behind servers that speak as Yahoo and Stooq do, up to a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from math import sin
from typing import Any

from tests.market.conftest import Reply, Server
from tests.market.servers import stooq, yahoo
from tests.market.servers.made_stock import MadeStock

FIRST, LAST = "2020-12-01", "2021-03-31"


@dataclass(frozen=True, kw_only=True)
class PhasedStock(MadeStock):
    """A stock of another path than the others."""

    phase: float = 0.0
    wrong: Mapping[str, float] = field(default_factory=dict)
    absent: Sequence[str] = ()

    @property
    def days(self) -> list[date]:
        return [day for day in super().days if str(day) not in self.absent]

    def close(self, day: date) -> float:
        n = (day - date(2020, 1, 1)).days
        whole = 300 + n / 5 + 20 * sin(n / 7 + self.phase)
        for when, ratio in self.splits.items():
            whole /= ratio if when <= str(day) else 1.0
        return round(whole * self.wrong.get(str(day), 1.0), 2)

    def known(self, today: date) -> "PhasedStock":
        """The same as anybody knows it on a day."""
        return replace(
            self, last=str(today),
            splits={when: x for when, x in self.splits.items() if when <= str(today)},
            dividends={when: x for when, x in self.dividends.items() if when <= str(today)},
        )  # fmt: skip


def stock(symbol: str, phase: float, **more: Any) -> PhasedStock:
    plain: dict[str, Any] = {"dividends": {}, "splits": {}, "first": FIRST, "last": LAST}
    return PhasedStock(symbol=symbol, phase=phase, **(plain | more))


@dataclass
class Vendors:
    """Both servers, and what goes wrong with them.

    Attributes:
        server: that plays both.
        stocks: by symbol.
        today: the last day that they know.
        yahoo_out: days on which Yahoo answers nothing.
        not_on_yahoo: symbols that Yahoo does not have.
        yahoo_says: stocks as Yahoo has them from a day on, by symbol.
        stooq_says: stocks as Stooq has them, by symbol.
    """

    server: Server
    stocks: Mapping[str, PhasedStock]
    today: date = date.min
    yahoo_out: Sequence[str] = ()
    not_on_yahoo: Sequence[str] = ()
    yahoo_says: Mapping[str, tuple[str, PhasedStock]] = field(default_factory=dict)
    stooq_says: Mapping[str, PhasedStock] = field(default_factory=dict)

    def at(self, day: str) -> None:
        """Let them know no more than a day."""
        self.today = date.fromisoformat(day)
        for symbol in self.stocks:
            reply = Reply(body=lambda asked, symbol=symbol: self._chart(symbol, asked))
            if day in self.yahoo_out:
                reply = yahoo.REFUSALS["forbidden"]
            elif symbol in self.not_on_yahoo:
                error = {"code": "Not Found", "description": "No data found"}
                reply = Reply(status=404, body={"chart": {"result": None, "error": error}})
            yahoo.answer(self.server, symbol.replace("^", "%5E"), reply)
        self.server.answer(stooq.PATH, Reply(body=self._csv))

    def _chart(self, symbol: str, asked: Mapping[str, str]) -> Any:
        since, other = self.yahoo_says.get(symbol, (LAST, self.stocks[symbol]))
        known = (other if str(self.today) >= since else self.stocks[symbol]).known(self.today)
        if "period1" not in asked:
            return yahoo.chart(known)
        return yahoo.chart(known, int(asked["period1"]), int(asked["period2"]))

    def _csv(self, asked: Mapping[str, str]) -> str:
        symbol = asked["s"].removesuffix(".us").upper()
        if symbol not in self.stocks:
            return "No data"
        known = self.stooq_says.get(symbol, self.stocks[symbol]).known(self.today)
        return stooq.csv(known, asked.get("d1", "0"), asked.get("d2", "9"))
