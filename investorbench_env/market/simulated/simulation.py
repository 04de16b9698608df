"""``simulate``: a market with a known hidden state, from a seed."""

import zlib
from collections.abc import Sequence
from dataclasses import replace

from investorbench_env.dates import DateLike, date_text
from investorbench_env.market.market import Market
from investorbench_env.market.simulated.bands import ONE, Origin
from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.law import Law
from investorbench_env.market.simulated.process import SimulatedPaths, draw_shocks, evolve
from investorbench_env.market.simulated.profiles import dynamics_of

START, END = "2015-01-02", "2024-12-31"


def simulate(
    *,
    symbol: str = "SIM",
    asset_class: str = "stock",
    start: DateLike | None = None,
    end: DateLike | None = None,
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
        A market of one asset with ``simulated=True`` and the hidden state in ``hidden_state``. It
        names no seed, so that no agent can draw it; its fingerprint is of what it holds.

    Raises:
        UnknownNameError: there is no such class.
        MarketError: assets of that class cannot be simulated, or there is no session.
        DateRangeError: a date that is none.
    """
    law = Law(
        symbol=symbol,
        asset_class=asset_class,
        dynamics=dynamics or dynamics_of(symbol, asset_class),
        start=START if start is None else date_text("start", start),
        end=END if end is None else date_text("end", end),
    )
    chosen = stable_seed(symbol, asset_class) if seed is None else seed
    # A path that a user draws is a market like any other, identified by what it holds.
    return replace(law.market((ONE, chosen)), law_fingerprint=None)


def stable_seed(symbol: str, asset_class: str) -> int:
    """The seed of an asset's own path in the band ``ONE``, the same for ever."""
    return zlib.crc32(f"{asset_class}-{symbol}".encode())


def simulate_many(
    seeds: Sequence[int],
    length: int,
    dynamics: Dynamics,
    *,
    symbol: str = "SIM",
    asset_class: str = "stock",
) -> SimulatedPaths:
    """Hidden states and returns of many paths, without calendar or text [len(seeds), length].

    Those of ``simulate`` with the same symbol, class, seed and dynamics.
    """
    origins = [Origin(asset_class, symbol, ONE, seed) for seed in seeds]
    return evolve(dynamics, draw_shocks(origins, length))
