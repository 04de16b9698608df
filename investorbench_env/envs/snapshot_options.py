"""What ``gym.make`` accepts for snapshots, each option checked by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

from investorbench_env.dates import DateLike, date_text
from investorbench_env.envs.options import (
    EXPECTED,
    Options,
    require,
    require_count,
    require_flags,
    require_symbols,
)
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.protocols import STANDARD, find_protocol

MOST_HORIZON = 250
"""Bars: a year, after which the sum of simple returns says little about what was held."""
MOST_SHOWN = 5_000
"""Bars of a window, or of those whose documents are shown: twenty years."""

ALL = "all"
BEFORE, AFTER = SIDES = ("before", "after")

WITHOUT = ("episode_length", "cash_rate")
"""Options of a single asset that one decision has no use for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotOptions(Options):
    """What ``gym.make`` and ``gym.make_vec`` accept for snapshots.

    Attributes:
        symbols: the assets of which each ``reset`` draws one; ``"all"`` for those of the class in a
            folder of data; None for ``symbol``, for those of the universe, or for those of a market
            that was given.
        horizon: bars that a position is held.
        document_sessions: bars up to the decision whose documents are shown.
        knowledge_cutoff: the last day ``YYYY-MM-DD`` or month ``YYYY-MM`` of which a model that
            decides may know; on real markets, decisions are then on one side of it.
        side: ``"after"`` or ``"before"`` it.
        assets_a_day: real markets are dealt day by day, so many assets of each; None deals assets
            and days together.
        antithetic: whether the simulated markets 2n and 2n + 1 are a pair on one day: with the
            opposite shocks, and texts of the opposite tone, under the same regimes. A pair is one
            observation.
        reward: ``"return"`` for what the position earned; ``"expected"``, on markets to train on,
            for what it was expected to earn.
    """

    REWARDS: ClassVar[tuple[str, ...]] = ("return", EXPECTED)

    symbols: Sequence[str] | str | None = None
    horizon: int = 5
    document_sessions: int = 5
    antithetic: bool = False
    knowledge_cutoff: DateLike | None = None
    side: str = AFTER
    assets_a_day: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Options from keywords, as those of every environment.

        Raises:
            UnknownNameError: no such option, or no such value for it.
            InvestorBenchError: a value that makes no sense, or that one decision has no use for.
        """
        if "reward" in given:
            require("reward", given["reward"], cls.REWARDS)
        options = super(SnapshotOptions, cls).of(given)
        require_flags(options, "antithetic")
        for name in ("horizon", "document_sessions"):
            require_count(name, getattr(options, name))
        if options.assets_a_day is not None:
            require_count("assets_a_day", options.assets_a_day)
        for name, most in (
            ("horizon", MOST_HORIZON),
            ("window", MOST_SHOWN),
            ("document_sessions", MOST_SHOWN),
        ):
            if (given_bars := getattr(options, name)) > most:
                raise InvestorBenchError(f"{name}={given_bars} must be at most {most:,} bars")
        require("side", options.side, SIDES)
        _require_use(options)
        plain: dict[str, Any] = {}
        if options.knowledge_cutoff is not None:
            plain["knowledge_cutoff"] = _day_or_month(options.knowledge_cutoff)
        elif options.side != AFTER:
            raise InvestorBenchError(f"side={options.side!r} of what? Give knowledge_cutoff=")
        named = options.symbols
        if options.symbol is not None:
            if named is not None:
                raise InvestorBenchError(
                    f"symbol={options.symbol!r} and symbols={named!r}: give one of them"
                )
            named = (options.symbol,)
        if named is not None and named != ALL:
            plain |= {"symbol": None, "symbols": require_symbols(named)}
        return replace(options, **plain)


def _require_use(options: SnapshotOptions) -> None:
    """See that no option is given that one decision has no use for."""
    defaults = {field.name: field.default for field in fields(options)}
    for name in WITHOUT:
        if (value := getattr(options, name)) != defaults[name]:
            raise InvestorBenchError(
                f"{name}={value!r}: a snapshot is one decision, held for horizon="
                f"{options.horizon} bars from a flat account; leave {name} out"
            )
    protocol = find_protocol(options.protocol)
    if (protocol.fills, protocol.convention) != (STANDARD.fills, STANDARD.convention):
        raise UnknownNameError(
            "protocol of a snapshot", protocol.name, [STANDARD.name],
            "a position is entered at the next open and returns are simple",
        )  # fmt: skip


def _day_or_month(given: DateLike) -> str:
    """A date ``YYYY-MM-DD``, or a month as its makers state one of a model."""
    if isinstance(given, str) and len(given) == len("YYYY-MM"):
        return date_text("knowledge_cutoff", f"{given}-01")[: len(given)]
    return date_text("knowledge_cutoff", given)
