"""``simulate``: a market with a known hidden state, from a seed."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MarketError
from investorbench_env.market.asset_classes import AssetClass, Simulated, find_asset_class
from investorbench_env.market.market import FloatArray, Market
from investorbench_env.market.sessions import ends_of_days, sessions_between
from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.emission import emit
from investorbench_env.market.simulated.process import SimulatedPaths, draw_shocks, evolve
from investorbench_env.market.simulated.traded_bars import traded_bars

START, END = "2015-01-02", "2024-12-31"


FIGURES: dict[tuple[str, str], tuple[float, float, float]] = {
    ("stock", "MSFT"): (0.27, 46.0, 3e7),
    ("stock", "JNJ"): (0.19, 100.0, 8e6),
    ("stock", "UVV"): (0.28, 42.0, 3e5),
    ("stock", "HON"): (0.24, 95.0, 3e6),
    ("stock", "TSLA"): (0.58, 220.0, 3e7),
    ("stock", "AAPL"): (0.30, 110.0, 5e7),
    ("stock", "NIO"): (0.75, 12.0, 5e7),
    ("stock", "NFLX"): (0.42, 49.0, 1e7),
    ("crypto", "BTC"): (0.60, 315.0, 3e4),
    ("crypto", "ETH"): (0.75, 90.0, 3e5),
    ("etf", "SPY"): (0.19, 205.0, 8e7),
}
"""Annual volatility, first price and units a day of single assets, in place of their class's.

Round figures that make an asset recognisable; nothing else of it is simulated.
"""


def simulate(
    *,
    symbol: str = "SIM",
    asset_class: str = "stock",
    start: str | None = None,
    end: str | None = None,
    seed: int | None = None,
    dynamics: Dynamics | None = None,
) -> Market:
    """A market whose prices and texts follow from a hidden state.

    The state after session t is a regime z (bear, calm, bull: a Markov chain, Hamilton 1989), the
    gap x between log fundamental value and log price (transitory price swings, Summers 1986), a
    mood m (noise traders, De Long et al. 1990) and a log volatility h (Taylor 1986)::

        expected return of the next session   e_t = μ(z_t) + κ·x_t + β·m_t
        its volatility                        σ_t = σ·k(z_t)·exp(h_t − s²)
        log return     r_{t+1} = e_t − σ_t²/2 − c + σ_t·ε_{t+1} + J_{t+1}
        value gap      x_{t+1} = x_t + μ(z_t) − e_t + σ_t·((ρ − 1)·ε_{t+1} + √(1 − ρ²)·η_{t+1})
        mood           m_{t+1} = φ·m_t + √(1 − φ²)·ξ_{t+1}
        log volatility h_{t+1} = ψ·h_t + s·√(1 − ψ²)·(λ·ε_{t+1} + √(1 − λ²)·ζ_{t+1})

    with independent standard normal ε, η, ξ, ζ, and rare jumps J (Merton 1976) for which c
    compensates, so that the mean of the simple return is exp(e) − 1. The value follows the regime's
    drift and takes up most of each price shock; mood moves the price and not the value. ε and e
    divide into night and day by ``overnight_share``; high and
    low are the extremes of the Brownian bridge from open to close.

    Texts report one of z, x, m as it was some sessions (``delay_days`` on average) before the last
    close, never later (Tetlock 2007 for the mood in news). A relevant text is good news with log
    odds ``informativeness`` times that component in standard deviations, but for a share
    ``noise`` of coin tosses; labels are right with probability ``label_accuracy``. Other texts are
    about somebody else, trivial, or repeats. Filings report several statements about z and x.

    Args:
        symbol: its name; also fixes the seed where none is given.
        asset_class: the name of its class: calendar, events in the texts, and plausible level and
            volatility.
        start: first date, 2015-01-02 by default.
        end: last date, 2024-12-31 by default. A later end changes nothing before it.
        seed: fixes everything; a stable hash of the symbol by default.
        dynamics: the model's parameters; ``dynamics_of(symbol, asset_class)`` by default.

    Returns:
        A market of one asset with ``simulated=True`` and the hidden state in ``hidden_state``.

    Raises:
        UnknownNameError: there is no such class.
        MarketError: assets of that class cannot be simulated.
    """
    row = find_asset_class(asset_class)
    profile = _profile(symbol, row)
    sessions = sessions_between(asset_class, start or START, end or END)
    times = ends_of_days(sessions, row.timezone)
    known = dynamics or dynamics_of(symbol, asset_class)
    chosen = zlib.crc32(f"{asset_class}-{symbol}".encode()) if seed is None else seed
    path = simulate_many((chosen,), len(sessions), known)
    traded = traded_bars(path, sessions, profile)
    return Market(
        symbols=(symbol,),
        asset_class=asset_class,
        sessions=sessions,
        times=times,
        bars=traded.bars[:, None],
        adjusted_close=traded.adjusted_close[:, None],
        dividends=traded.dividends[:, None],
        share_splits=traded.splits[:, None],
        documents=emit(known, path, sessions, times, symbol, row, profile.vocabulary, chosen),
        source=f"simulated market (seed {chosen})",
        simulated=True,
        timezone=row.timezone,
        hidden_state=_hidden_state(path),
    )


def simulate_many(seeds: Sequence[int], length: int, dynamics: Dynamics) -> SimulatedPaths:
    """Hidden states and returns of many paths, without calendar or text [len(seeds), length]."""
    return evolve(dynamics, draw_shocks(seeds, length))


def dynamics_of(symbol: str = "SIM", asset_class: str = "stock") -> Dynamics:
    """The default parameters of an asset."""
    row = find_asset_class(asset_class)
    dynamics = Dynamics(
        annual_volatility=_profile(symbol, row).annual_volatility, days_a_year=row.days_a_year
    )
    # What trades around the clock opens where it closed.
    return replace(dynamics, overnight_share=0.0) if row.always_open else dynamics


def _profile(symbol: str, asset_class: AssetClass) -> Simulated:
    """How an asset looks: like its class, but for the figures that are its own."""
    profile = asset_class.simulated
    if profile is None:
        raise MarketError(f"assets of the class {asset_class.name!r} cannot be simulated")
    own = FIGURES.get((asset_class.name, symbol))
    if own is None:
        return profile
    annual_volatility, level, units_a_day = own
    return replace(
        profile, annual_volatility=annual_volatility, level=level, units_a_day=units_a_day
    )


def _hidden_state(path: SimulatedPaths) -> dict[str, FloatArray]:
    """What drives the market after each session, by name [T, 1], read-only."""
    named: dict[str, npt.NDArray[Any]] = {
        "regime": path.regime,
        "value_gap": path.gap,
        "mood": path.mood,
        "volatility": path.volatility,
        "expected_return": path.expected_return,
    }
    state = {name: array[0][:, None].astype(np.float64) for name, array in named.items()}
    for array in state.values():
        array.setflags(write=False)
    return state
