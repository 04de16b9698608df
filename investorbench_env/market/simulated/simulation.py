"""``simulate``: a market with a known hidden state, from a seed."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.market.market import AssetClass, FloatArray, Market
from investorbench_env.market.sessions import (
    DAYS_A_YEAR,
    TIMEZONES,
    ends_of_days,
    sessions_between,
)
from investorbench_env.market.simulated.bars import as_traded
from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.emission import emit
from investorbench_env.market.simulated.process import Path, draw_shocks, evolve

START, END = "2015-01-02", "2024-12-31"


class Profile(NamedTuple):
    """Round figures that make an asset recognisable; nothing else of it is simulated."""

    annual_volatility: float
    level: float
    shares_a_day: float


CLASSES: dict[AssetClass, Profile] = {
    "stock": Profile(0.35, 80.0, 5e6),
    "etf": Profile(0.20, 200.0, 6e7),
    "crypto": Profile(0.65, 1000.0, 5e5),
}
PROFILES: dict[tuple[AssetClass, str], Profile] = {
    ("stock", "MSFT"): Profile(0.27, 46.0, 3e7),
    ("stock", "JNJ"): Profile(0.19, 100.0, 8e6),
    ("stock", "UVV"): Profile(0.28, 42.0, 3e5),
    ("stock", "HON"): Profile(0.24, 95.0, 3e6),
    ("stock", "TSLA"): Profile(0.58, 220.0, 3e7),
    ("stock", "AAPL"): Profile(0.30, 110.0, 5e7),
    ("stock", "NIO"): Profile(0.75, 12.0, 5e7),
    ("stock", "NFLX"): Profile(0.42, 49.0, 1e7),
    ("crypto", "BTC"): Profile(0.60, 315.0, 3e4),
    ("crypto", "ETH"): Profile(0.75, 90.0, 3e5),
    ("etf", "SPY"): Profile(0.19, 205.0, 8e7),
}


def simulate(
    *,
    symbol: str = "SIM",
    asset_class: AssetClass = "stock",
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
        asset_class: calendar, events in the texts, and plausible level and volatility.
        start: first date, 2015-01-02 by default.
        end: last date, 2024-12-31 by default. A later end changes nothing before it.
        seed: fixes everything; a stable hash of the symbol by default.
        dynamics: the model's parameters; ``dynamics_of(symbol, asset_class)`` by default.

    Returns:
        A market of one asset with ``simulated=True`` and the hidden state in ``hidden_state``.
    """
    sessions = sessions_between(asset_class, start or START, end or END)
    decision_times = ends_of_days(sessions, TIMEZONES[asset_class])
    known = dynamics or dynamics_of(symbol, asset_class)
    chosen = zlib.crc32(f"{asset_class}-{symbol}".encode()) if seed is None else seed
    path = simulate_many((chosen,), len(sessions), known)
    _, level, shares_a_day = _profile(symbol, asset_class)
    traded = as_traded(path, sessions, asset_class, level, shares_a_day)
    return Market(
        symbols=(symbol,),
        asset_class=asset_class,
        sessions=sessions,
        decision_times=decision_times,
        bars=traded.bars[:, None],
        adjusted_close=traded.adjusted_close[:, None],
        dividends=traded.dividends[:, None],
        splits=traded.splits[:, None],
        documents=emit(known, path, sessions, decision_times, symbol, asset_class, chosen),
        source=f"simulated market (seed {chosen})",
        simulated=True,
        timezone=TIMEZONES[asset_class],
        hidden_state=_hidden_state(path),
    )


def simulate_many(seeds: Sequence[int], length: int, dynamics: Dynamics) -> Path:
    """Hidden states and returns of many paths, without calendar or text [len(seeds), length]."""
    return evolve(dynamics, draw_shocks(seeds, length))


def dynamics_of(symbol: str = "SIM", asset_class: AssetClass = "stock") -> Dynamics:
    """The default parameters of an asset."""
    days = DAYS_A_YEAR[asset_class]
    dynamics = Dynamics(
        annual_volatility=_profile(symbol, asset_class).annual_volatility, days_a_year=days
    )
    # A coin trades around the clock, so its next open is the close before, and files no reports.
    return replace(dynamics, overnight_share=0.0) if asset_class == "crypto" else dynamics


def _profile(symbol: str, asset_class: AssetClass) -> Profile:
    return PROFILES.get((asset_class, symbol), CLASSES[asset_class])


def _hidden_state(path: Path) -> dict[str, FloatArray]:
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
