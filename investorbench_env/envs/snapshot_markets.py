"""Which assets and days snapshots are of, and where their markets come from."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from investorbench_env.envs.markets import band_of, require_calendar
from investorbench_env.envs.portfolio_findings import hindsight
from investorbench_env.envs.portfolio_markets import JointMarket, joint_market_of, members_of
from investorbench_env.envs.snapshot_draws import DAYS, Occasion, SimulatedSnapshots
from investorbench_env.envs.snapshot_given import DecisionTable, GivenSnapshots, decisions_of
from investorbench_env.envs.snapshot_options import AFTER, ALL, BEFORE, SnapshotOptions
from investorbench_env.errors import DataNotFoundError, DateRangeError, InvestorBenchError
from investorbench_env.market.asset_classes import asset_class_of
from investorbench_env.market.files import looking
from investorbench_env.market.library import searched_places
from investorbench_env.market.market import Market
from investorbench_env.market.sessions import session_before, sessions_between
from investorbench_env.market.simulated.dated_paths import require_nothing_that_lasts
from investorbench_env.market.simulated.profiles import dynamics_of
from investorbench_env.universes import Member, Split, Universe, find_split

CALLER = 9
"""Frames between a warning that no data is there and the caller of ``gym.make``."""


def snapshots_of(
    options: SnapshotOptions,
    members: tuple[Member, ...],
    universe: Universe | None,
) -> SimulatedSnapshots | GivenSnapshots:
    """What options draw snapshots from.

    Args:
        options: as they were given.
        members: the assets.
        universe: whose dates hold, and whose assets they are unless others are named.

    Raises:
        DataNotFoundError: no data of an asset where ``data`` says to look.
        DateRangeError: no horizon lies within the dates of the split, or on the side of the
            knowledge cutoff that was asked for.
        MarketError: what is said of a simulated asset lasts longer than a few sessions.
    """
    given = joint_market_of(options, members, stacklevel=CALLER)
    split = _split_of(options, universe, given)
    if given is None:
        return _simulated(options, tuple(member.symbol for member in members), split)
    return _given(options, universe, members, given, split)


def _split_of(
    options: SnapshotOptions, universe: Universe | None, given: JointMarket | None
) -> Split:
    """The dates of decisions and horizons: of all assets of a folder, what it has of them."""
    start, end = options.start, options.end
    if options.symbols == ALL and given is not None:
        sessions = given.market.sessions
        first = min(options.window, len(sessions)) - 1  # from which on windows are whole
        start = str(sessions[first]) if start is None else start
        end = str(sessions[-1]) if end is None else end
    return find_split(universe, options.split, start, end)


def assets_of(options: SnapshotOptions, universe: Universe | None) -> tuple[Member, ...]:
    """The assets that options ask for.

    Raises:
        InvestorBenchError: they name none.
    """
    if options.symbols == ALL:
        return tuple(_all_there(options))
    return members_of(options, universe, "Snapshot")


def _all_there(options: SnapshotOptions) -> Iterator[Member]:
    """Every asset of the class of which there is data."""
    data = options.data
    if data in ("auto", "real"):
        places = [place for place in searched_places() if place.exists()]
    elif isinstance(data, str | os.PathLike) and Path(data).expanduser().exists():
        places = [Path(data).expanduser()]
    else:
        raise InvestorBenchError(
            f'symbols="all" lists those of a folder of data: give its path as data=, not {data!r}'
        )
    found = {symbol for place in places for symbol in looking.symbols_in(place)}
    # Yahoo writes the names of indices behind a caret.
    found -= {name for name in found if name.startswith("^")}
    symbols = sorted(name for name in found if asset_class_of(name) == options.asset_class)
    if not symbols:
        looked = f" in {', '.join(map(str, places))}" if places else ""
        raise DataNotFoundError(
            f'symbols="all": no data of the class {options.asset_class!r}{looked}; give '
            "data=/path/to/folder, or export INVESTORBENCH_DATA=/path/to/folder"
        )
    for symbol in symbols:
        yield Member(symbol=symbol, asset_class=options.asset_class)


def _given(
    options: SnapshotOptions,
    universe: Universe | None,
    members: tuple[Member, ...],
    given: JointMarket,
    split: Split,
) -> GivenSnapshots:
    if options.antithetic:
        raise InvestorBenchError(
            "antithetic=True: prices that were real cannot be mirrored; leave it out, or draw "
            'simulated markets with data="simulated"'
        )
    market = given.market
    there = [member for member in members if member.symbol in given.symbols]
    span = market.span(split.start, split.end)
    within = decisions_of(market, there, span, options.horizon)
    decisions = _on_one_side(options, market, within)
    if not len(decisions.bars):
        cutoff, side, other = options.knowledge_cutoff, "", "a shorter horizon"
        if cutoff is not None:
            side = f" {options.side} the knowledge cutoff {cutoff}"
            other = f"side={BEFORE if options.side == AFTER else AFTER}"
        raise DateRangeError(
            f"no decision from {split.start} to {split.end}{side} has a horizon of "
            f"{options.horizon} bar(s) within the dates and the data: {len(span)} session(s) from "
            f"{market.sessions[0]} to {market.sessions[-1]}; give other dates, or {other}"
        )
    days, count = len(np.unique(decisions.bars)), len(given.symbols)
    of = given.symbols[0] if count == 1 else f"{count} assets"
    a_day = options.assets_a_day
    return GivenSnapshots(
        market=market,
        name=f"{days:,} days of {of}" + (f", {a_day} a day" if a_day is not None else ""),
        symbols=given.symbols,
        decisions=decisions,
        horizon=options.horizon,
        document_sessions=options.document_sessions,
        assets_a_day=a_day,
        findings=(
            *given.findings,
            *_findings(options, universe, given, str(market.sessions[decisions.bars.min()])),
        ),
    )


def _on_one_side(
    options: SnapshotOptions, market: Market, decisions: DecisionTable
) -> DecisionTable:
    """The decisions before or after what a model may know, where that is said."""
    if options.knowledge_cutoff is None:
        return decisions
    cutoff = str(options.knowledge_cutoff)
    days = market.sessions[decisions.bars].astype(str)
    # Of a month any day may be known.
    is_known = np.array([day[: len(cutoff)] <= cutoff for day in days], dtype=np.bool_)
    wanted = is_known if options.side == BEFORE else ~is_known
    return DecisionTable(*(part[wanted] for part in decisions))


def _findings(
    options: SnapshotOptions, universe: Universe | None, given: JointMarket, first: str
) -> Iterator[str]:
    """What is to be said under results."""
    if options.knowledge_cutoff is not None:
        known = options.side == BEFORE
        yield (
            f"every decision is {'up to' if known else 'after'} the knowledge cutoff "
            f"{options.knowledge_cutoff}"
            + (": what an agent earns it may remember rather than know" if known else "")
        )
    if options.symbols == ALL:
        yield "the assets are those that there is data of today: what was delisted may be missing"
    is_chosen = options.universe is not None and options.symbols is None
    if is_chosen and universe is not None and not given.market.simulated:
        yield from hindsight(universe, first, "whatever buys them has")


def _simulated(
    options: SnapshotOptions, symbols: tuple[str, ...], split: Split
) -> SimulatedSnapshots:
    if options.knowledge_cutoff is not None:
        raise InvestorBenchError(
            f"knowledge_cutoff={options.knowledge_cutoff}: what is simulated never happened, so "
            "that no model knows of it; leave it out"
        )
    if options.assets_a_day is not None:
        raise InvestorBenchError(
            f"assets_a_day={options.assets_a_day}: simulated snapshots have a market each, and no "
            "day in common; leave it out"
        )
    for symbol in symbols:
        require_nothing_that_lasts(symbol, dynamics_of(symbol, options.asset_class))
    drawn = band_of(options, options.asset_class, ",".join(symbols))
    if options.antithetic:
        drawn = drawn._replace(name=f"{drawn.name}; antithetic pairs")
    return SimulatedSnapshots(
        asset_class=options.asset_class,
        occasions=_occasions(options, symbols, split),
        horizon=options.horizon,
        document_sessions=options.document_sessions,
        pool=options.pool,
        antithetic=options.antithetic,
        **drawn._asdict(),
    )


def _occasions(
    options: SnapshotOptions, symbols: tuple[str, ...], split: Split
) -> tuple[Occasion, ...]:
    """Some days of the split for each asset, whose horizons lie within it.

    Raises:
        DateRangeError: there are none.
    """
    lead = options.window + options.document_sessions
    require_calendar(split.start, split.end)
    first = session_before(options.asset_class, split.start, lead)
    sessions = sessions_between(options.asset_class, first, split.end)
    require_calendar(first)
    begins = int(np.searchsorted(sessions, np.datetime64(split.start, "D")))
    last = len(sessions) - 1 - options.horizon
    if last < begins:
        raise DateRangeError(
            f"{split.start}..{split.end} holds {len(sessions) - begins} session(s); a horizon of "
            f"{options.horizon} needs one more than its sessions"
        )
    chosen = np.unique(np.linspace(begins, last, DAYS).astype(int))
    return tuple(
        Occasion(symbol, *map(str, sessions[[at, at + 1 - lead, at + options.horizon]]))
        for symbol in symbols
        for at in chosen.tolist()
    )
