"""What markets cost: intraday ones to make, keep and read, simulated ones to draw."""

import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from investorbench_env.market import Market
from investorbench_env.market.history import History
from investorbench_env.market.simulated import Law, dynamics_of
from investorbench_env.market.simulated.bands import FRESH

COINS = ("BTC", "ETH", "SOL", "BNB", "DOGE", "XRP")
MINUTES = 3
LENGTHS = (960, 5_760, 40_000)
"""Bars of two days, twelve days and twelve weeks."""
WINDOW = 30
READ = 900
ROUNDS = 7
DRAWN = "2020-07-06", "2021-05-06"
"""First and last date of a simulated market, as long as that of an episode with its history."""
MANY, POOL = 1_000, 4_096


def coins(length: int) -> Market:
    """Six coins that wander, in bars of three minutes."""
    steps = np.random.default_rng(0).normal(0.0, 1e-3, (length, len(COINS)))
    close = 100.0 * np.exp(np.cumsum(steps, axis=0))
    ends = np.datetime64("2025-07-14", "m") + np.arange(1, length + 1) * np.timedelta64(
        MINUTES, "m"
    )
    return Market(
        symbols=COINS,
        asset_class="crypto",
        interval=f"{MINUTES}m",
        times=ends,
        sessions=ends - np.timedelta64(1, "m"),
        bars=np.repeat(close[:, :, None], 5, axis=2),
        adjusted_close=close,
        dividends=np.zeros_like(close),
        share_splits=np.ones_like(close),
        source="made for a measurement",
        simulated=True,
    )


def seconds_of(action: Callable[[], object]) -> float:
    """The least seconds that something takes, of several tries."""
    spent = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        action()
        spent.append(time.perf_counter() - begin)
    return min(spent)


def peak_mb(action: Callable[[], object]) -> float:
    """The most memory that something held beyond what there was, in MB."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def moment_us(market: Market) -> float:
    """Microseconds for each of the last moments of one coin, none of which was read before."""
    histories = iter([History(market, COINS[0], WINDOW) for _ in range(ROUNDS)])

    def read() -> None:
        history = next(histories)
        for t in range(len(market.times) - READ, len(market.times)):
            history.until(t)

    return 1e6 * seconds_of(read) / READ


def every_moment(market: Market) -> list[History]:
    """All moments of all coins, kept as environments keep them."""
    histories = [History(market, symbol, WINDOW) for symbol in market.symbols]
    for history in histories:
        for t in range(len(market.times)):
            history.until(t)
    return histories


def draws() -> list[tuple[str, str, str]]:
    """What it costs to draw simulated markets: what of it, how long, and how much is kept."""
    law = Law(
        symbol="SIM",
        asset_class="stock",
        dynamics=dynamics_of(),
        start=DRAWN[0],
        end=DRAWN[1],
    )
    seeds = iter(range(10**9))

    def fresh() -> Market:
        return law.market((FRESH, next(seeds)))

    def read() -> None:
        for row in fresh().documents:
            str(row)

    def numbers(count: int) -> object:
        return law.numbers([(FRESH, next(seeds)) for _ in range(count)])

    fresh()
    alone, with_texts = 1e3 * seconds_of(fresh), 1e3 * seconds_of(read)
    of_many = 1e3 * seconds_of(partial(numbers, MANY))
    return [
        ("one market, no text read yet", f"{alone:.1f} ms", ""),
        ("one market, all texts read", f"{with_texts:.1f} ms", f"{peak_mb(read):.1f} MB"),
        (f"the numbers of {MANY:,}", f"{of_many:,.0f} ms", ""),
        (f"the numbers of {POOL:,}", "", f"{peak_mb(partial(numbers, POOL)):.1f} MB"),
    ]


def report() -> None:
    """Measure markets and print what each costs."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("bars a coin", "made, ms", "made, MB", "µs a moment", "all moments, MB"):
        table.add_column(name, justify="right", no_wrap=True)
    for length in LENGTHS:
        market = coins(length)
        table.add_row(
            f"{length:,}",
            f"{1e3 * seconds_of(partial(coins, length)):.1f}",
            f"{peak_mb(partial(coins, length)):.1f}",
            f"{moment_us(market):.1f}",
            f"{peak_mb(partial(every_moment, market)):.1f}",
        )
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    drawn.add_column("drawn", no_wrap=True)
    for name in ("time", "memory"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for row in draws():
        drawn.add_row(*row)
    console = Console()
    console.print(f"[bold]{len(COINS)} coins in bars of {MINUTES} minutes[/], windows of {WINDOW}")
    console.print(table)
    console.print("[bold]Stock-SIM[/], 212 sessions")
    console.print(drawn)
