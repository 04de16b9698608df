"""What may be known of an environment without stepping it.

Everything outside an environment reads this and not the environment: an environment of somebody
else's that has a ``facts`` can be evaluated, recorded, verified, scored and shown like ours.
"""

import math
from dataclasses import asdict, dataclass, replace
from datetime import date
from numbers import Real
from typing import Any, Self, get_args

from investorbench_env.errors import FactsError, MarketError
from investorbench_env.market.intervals import DAY, length_of
from investorbench_env.protocols import Convention, Hold

FIELDS_OF_TEXTS = ("symbols", "window", "findings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """An environment, its market and the rules of its account, in plain values.

    Attributes:
        family: the kind of decision, such as ``"Stock"``: the id without its namespace and symbol.
        symbols: the A assets; of snapshots of several, what stands for them.
        asset_class: the name of a row of ``ASSET_CLASSES``, or a word of the environment's own.
        interval: length of a bar, such as ``"1d"``, ``"3m"``, ``"4h"`` or ``"1w"``.
        timezone: IANA name of the zone in which a day begins.
        protocol: the protocol's name.
        convention: how returns are added up: ``"simple"`` or ``"log"``.
        hold: what leaving an asset alone does: ``"keep"`` the position, or be ``"flat"``.
        fills: when orders fill: ``"next_open"``, ``"next_close"``, ``"close"``, or a word of the
            environment's own.
        cost_rate: commission and slippage as a share of traded notional.
        cash_rate: what idle cash earns a year; Sharpe ratios are of returns beyond it.
        periods_a_year: for annual figures: trading days a year, or steps a year where a step takes
            longer than a day.
        action: what an action is: ``"trade"``, ``"weight"``, or a word of the environment's own.
        long_only: whether a position can never be short.
        initial_cash: what an account starts with.
        steps: how many steps an episode has at most.
        horizon: for how many bars a decision is held, in an episode that is one decision; None
            elsewhere.
        window: first and last session, ``YYYY-MM-DD``.
        source: where prices and texts come from, in words.
        simulated: whether any of them is not real.
        markets: what the markets of episodes are drawn from, such as ``"fresh"`` or ``"train"``;
            empty where there is one market alone.
        findings: what is wrong or missing in the data, in words.
        fingerprint: SHA-256 over everything that an agent or an account can meet.
        benchmark: the agent that others are compared with, by its name; None where there is none.

    ``Facts(**json.loads(json.dumps(facts.values())))`` equals ``facts``: lists become tuples.

    Raises:
        FactsError: they contradict each other.
    """

    family: str
    symbols: tuple[str, ...]
    protocol: str
    steps: int
    window: tuple[str, str]
    source: str
    simulated: bool
    fingerprint: str
    asset_class: str = ""
    interval: str = "1d"
    timezone: str = "UTC"
    convention: Convention = "simple"
    hold: Hold = "keep"
    fills: str = "next_open"
    cost_rate: float = 0.0
    cash_rate: float = 0.0
    periods_a_year: float = 365.0
    action: str = ""
    long_only: bool = False
    initial_cash: float = 100_000.0
    findings: tuple[str, ...] = ()
    markets: str = ""
    benchmark: str | None = None
    horizon: int | None = None

    def __post_init__(self) -> None:
        for name in FIELDS_OF_TEXTS:
            given = getattr(self, name)
            if isinstance(given, str):
                raise FactsError(f"{name}={given!r} must be several texts, such as ({given!r},)")
            object.__setattr__(self, name, tuple(given))
        if not self.symbols or len(set(self.symbols)) < len(self.symbols):
            raise FactsError(f"symbols={self.symbols!r} must name at least one asset, each once")
        if type(self.steps) is not int or self.steps < 1:
            raise FactsError(f"steps={self.steps!r} must be a whole number of at least 1")
        if self.horizon is not None and (type(self.horizon) is not int or self.horizon < 1):
            raise FactsError(f"horizon={self.horizon!r} must be a whole number of at least 1")
        try:
            length_of(self.interval)
        except MarketError as error:
            raise FactsError(str(error)) from None
        if self.convention not in get_args(Convention):
            raise FactsError(f'convention={self.convention!r} must be "simple" or "log"')
        if self.hold not in get_args(Hold):
            raise FactsError(f'hold={self.hold!r} must be "keep" or "flat"')
        for name in ("periods_a_year", "initial_cash"):
            if not self._number(name) > 0.0:
                raise FactsError(f"{name}={getattr(self, name)!r} must be a number above 0")
            object.__setattr__(self, name, self._number(name))
        # Bars within a day make daily returns.
        most = 366.0 / max(length_of(self.interval) / DAY, 1.0)
        if self.periods_a_year > most:
            raise FactsError(
                f"periods_a_year={self.periods_a_year!r}, but there are at most {most:.4g} bars of "
                f"{self.interval} a year: give how many returns a year has"
            )
        for name in ("cost_rate", "cash_rate"):
            if not self._number(name) >= 0.0:
                raise FactsError(f"{name}={getattr(self, name)!r} must be a share of at least 0")
            object.__setattr__(self, name, self._number(name))
        self._require_dates()
        self._require_zone()

    def _require_zone(self) -> None:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise FactsError(
                f"timezone={self.timezone!r} is no zone; write its IANA name, such as 'UTC' or "
                "'America/New_York'"
            ) from None

    def _number(self, name: str) -> float:
        value = getattr(self, name)
        return float(value) if isinstance(value, Real) and math.isfinite(value) else math.nan

    def _require_dates(self) -> None:
        try:
            first, last = map(date.fromisoformat, self.window)
        except (TypeError, ValueError):
            first = last = date.min
        if self.window != (str(first), str(last)):
            raise FactsError(
                f"window={self.window!r} must be the first and the last session, YYYY-MM-DD"
            )
        if last < first:
            raise FactsError(f"window={self.window!r} ends before it begins")

    def values(self) -> dict[str, Any]:
        """All of them by name, as records hold them: a horizon only where there is one."""
        values = asdict(self)
        if self.horizon is None:
            del values["horizon"]
        return values

    def of(self, symbol: str) -> Self:
        """Those of an episode that is of one asset: of snapshots, that of its info."""
        return self if self.symbols == (symbol,) else replace(self, symbols=(symbol,))

    @property
    def cash_rate_a_period(self) -> float:
        """What idle cash earns a period; ``periods_a_year`` of them compound to a year."""
        return float((1.0 + self.cash_rate) ** (1.0 / self.periods_a_year) - 1.0)

    @property
    def draws_markets(self) -> bool:
        """Whether another seed leads to another market."""
        return self.markets not in ("", "one") and not self.markets.startswith("market ")

    @property
    def symbol(self) -> str:
        """The asset, or all of them joined by commas."""
        return ",".join(self.symbols)
