"""Which assets and days snapshots are of, and where their markets come from."""

import numpy as np

from investorbench_env.envs.markets import band_of
from investorbench_env.envs.snapshot_draws import DAYS, Occasion, SimulatedSnapshots
from investorbench_env.envs.snapshot_options import SnapshotOptions
from investorbench_env.errors import DateRangeError, InvestorBenchError
from investorbench_env.market.market import Market
from investorbench_env.market.sessions import session_before, sessions_between
from investorbench_env.universes import Split, Universe


def symbols_of(options: SnapshotOptions, universe: Universe | None) -> tuple[str, ...]:
    """The assets that options ask for.

    Raises:
        InvestorBenchError: they name none.
    """
    if options.symbols is not None:
        return tuple(options.symbols)
    if options.symbol is not None:
        return (options.symbol,)
    if isinstance(options.data, Market):
        return options.data.symbols
    if options.universe is not None and universe is not None:
        return tuple(member.symbol for member in universe.members)
    raise InvestorBenchError(
        'which assets? Name them: gym.make("InvestorBench/Snapshot", symbols=["AAPL", "MSFT"])'
    )


def snapshots_of(
    options: SnapshotOptions, symbols: tuple[str, ...], split: Split
) -> SimulatedSnapshots:
    """What options draw snapshots from.

    Raises:
        DateRangeError: no horizon lies within the dates of the split.
    """
    if options.data != "simulated":
        raise InvestorBenchError(
            f'data={options.data!r}: snapshots are drawn from data="simulated"'
        )
    drawn = band_of(options, options.asset_class, ",".join(symbols))
    if options.antithetic:
        drawn = drawn._replace(name=f"{drawn.name}; antithetic pairs")
    return SimulatedSnapshots(
        asset_class=options.asset_class,
        occasions=_simulated_occasions(options, symbols, split),
        horizon=options.horizon,
        document_sessions=options.document_sessions,
        pool=options.pool,
        antithetic=options.antithetic,
        **drawn._asdict(),
    )


def _simulated_occasions(
    options: SnapshotOptions, symbols: tuple[str, ...], split: Split
) -> tuple[Occasion, ...]:
    """Some days of the split for each asset, whose horizons lie within it."""
    lead = options.window + options.document_sessions
    first = session_before(options.asset_class, split.start, lead)
    sessions = sessions_between(options.asset_class, first, split.end)
    begins = int(np.searchsorted(sessions, np.datetime64(split.start, "D")))
    count = len(sessions) - begins - options.horizon
    if count < 1:
        raise DateRangeError(
            f"{split.start}..{split.end} holds {len(sessions) - begins} session(s); a horizon of "
            f"{options.horizon} needs one more than its sessions"
        )
    chosen = np.unique(np.linspace(begins, begins + count - 1, DAYS).astype(int))
    return tuple(
        Occasion(
            symbol,
            str(sessions[at]),
            str(sessions[at + 1 - lead]),
            str(sessions[at + options.horizon]),
        )
        for symbol in symbols
        for at in chosen.tolist()
    )
