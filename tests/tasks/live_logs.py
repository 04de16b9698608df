"""Accounts in the format of LLM-Trading-Lab, simulated trade by trade and written as CSV."""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from investorbench_env.market.sessions import exchange_sessions

DAILY = "Date,Ticker,Shares,Buy Price,Cost Basis,Stop Loss,Current Price,Total Value,PnL,Action,Cash Balance,Total Equity".split(",")  # fmt: skip # noqa: E501
TRADES = "Date,Ticker,Shares Bought,Buy Price,Cost Basis,PnL,Reason,Shares Sold,Sell Price".split(
    ","
)


@dataclass
class Account:
    """An account that is kept right; logs are lists of cells by column."""

    seed: int
    decimals: int = 2
    fractions: bool = False
    round_trips: bool = False
    cash: float = 10_000.0
    daily: list[dict[str, Any]] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)
    held: dict[str, tuple[float, float, float]] = field(default_factory=dict)

    def run(self, sessions: int = 30) -> "Account":
        rng = np.random.default_rng(self.seed)
        days = exchange_sessions("XNYS", "2025-06-27", "2025-12-31")[:sessions]
        prices = {name: float(rng.uniform(3, 300)) for name in ("ABEO", "CADL", "IINN", "AXGN")}
        for day in map(str, days):
            prices = {name: price * (1 + rng.normal(0, 0.03)) for name, price in prices.items()}
            marks = {name: round(price, 2) for name, price in prices.items()}
            sold = []
            for name, price in marks.items():
                chance = rng.random()
                if chance < 0.15 and self.cash > 400:
                    self.buy(
                        day, name, price, float(rng.integers(1, 1 + int(self.cash / 3 / price + 1)))
                    )
                elif name in self.held and chance < 0.22:
                    share = 1.0 if rng.random() < 0.5 else 0.5
                    sold.append(self.sell(day, name, price, share, stop=rng.random() < 0.5))
                if self.round_trips and name in self.held and chance < 0.15:
                    later = price * (1 + rng.normal(0, 0.02))
                    share = 1.0 if rng.random() < 0.5 else 0.75
                    sold.append(self.sell(day, name, later, share, stop=rng.random() < 0.5))
            self.mark(day, marks, [row for row in sold if row])
        return self

    def buy(self, day: str, name: str, price: float, shares: float) -> None:
        shares = shares + 0.5 if self.fractions else shares
        if shares * price > self.cash:
            return
        before, average, _ = self.held.get(name, (0.0, 0.0, 0.0))
        average = (before * average + shares * price) / (before + shares)
        self.held[name] = before + shares, average, round(price * 0.85, 2)
        self.cash -= shares * price
        self.trades.append(
            self.row(TRADES, Date=day, Ticker=name, Shares_Bought=shares, Buy_Price=price,
                     Cost_Basis=shares * price, PnL=0.0, Reason="MANUAL BUY - New position")
        )  # fmt: skip

    def sell(
        self, day: str, name: str, price: float, share: float, *, stop: bool
    ) -> dict[str, Any]:
        shares, average, _ = self.held[name]
        sold = shares if share == 1.0 else float(int(shares * share))
        if not sold:
            return {}
        if sold == shares:
            del self.held[name]
        else:
            self.held[name] = shares - sold, *self.held[name][1:]
        self.cash += sold * price
        gain = sold * (price - average)
        basis = average if stop else sold * average
        why = "AUTOMATED SELL - STOPLOSS TRIGGERED" if stop else "MANUAL SELL - taking profits"
        self.trades.append(
            self.row(TRADES, Date=day, Ticker=name, Cost_Basis=basis, PnL=gain, Reason=why,
                     Shares_Sold=sold, Sell_Price=price)
        )  # fmt: skip
        return self.row(
            DAILY, Date=day, Ticker=name, Shares=sold, Buy_Price=average, Cost_Basis=sold * average,
            Stop_Loss="", Current_Price=price, Total_Value=sold * price, PnL=gain,
            Action="SELL - Stop Loss Triggered",
        ) if stop else {}  # fmt: skip

    def mark(self, day: str, marks: dict[str, float], sold: list[dict[str, Any]]) -> None:
        self.daily += sold
        value = gain = 0.0
        for name, (shares, average, stop) in self.held.items():
            worth, pnl = shares * marks[name], shares * (marks[name] - average)
            value, gain = value + worth, gain + pnl
            self.daily.append(
                self.row(DAILY, Date=day, Ticker=name, Shares=shares, Buy_Price=average,
                         Cost_Basis=shares * average, Stop_Loss=stop, Current_Price=marks[name],
                         Total_Value=worth, PnL=pnl, Action="HOLD")
            )  # fmt: skip
        self.daily.append(
            self.row(DAILY, Date=day, Ticker="TOTAL", Total_Value=value, PnL=gain,
                     Cash_Balance=self.cash, Total_Equity=value + self.cash)
        )  # fmt: skip

    def row(self, columns: list[str], **cells: Any) -> dict[str, Any]:
        named = {name.replace("_", " "): cell for name, cell in cells.items()}
        return {name: self.cell(named.get(name, "")) for name in columns}

    def cell(self, value: Any) -> str:
        return f"{value:.{self.decimals}f}" if isinstance(value, float) else str(value)

    def write(self, folder: Path) -> tuple[Path, Path]:
        files = folder / "daily.csv", folder / "trades.csv"
        for file, columns, rows in (
            (files[0], DAILY, self.daily),
            (files[1], TRADES, self.trades),
        ):
            with file.open("w", newline="") as out:
                writer = csv.DictWriter(out, columns)
                writer.writeheader()
                writer.writerows(rows)
        return files
