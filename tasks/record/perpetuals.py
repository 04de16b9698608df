"""What a line holds of perpetuals beside what it holds of every account, as JSON and read again."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from investorbench_env.accounting.events import ClosedTrade, FundingPayment, PerpetualPosition
from investorbench_env.accounting.signals import Repair, Signal

Content = dict[str, Any]

MAY_LACK = ("liquidation_price", "stop", "target")
"""Prices that a position need not have: null is none, and no number that is not known."""
MOMENTS = ("opened", "closed")
"""Of a trade that is closed: times, in ISO 8601."""


def positions_in(contents: Iterable[Mapping[str, Any]]) -> tuple[PerpetualPosition, ...]:
    """The positions that a line holds."""
    return tuple(PerpetualPosition(**_named(each)) for each in contents)


def signal_in(content: Mapping[str, Any]) -> Signal:
    """The signal that a rejection names, in which null is what was not said."""
    return Signal(**dict(content))


def closed_content(trades: Iterable[ClosedTrade]) -> list[Content]:
    """Trades that ended in a step, as a line holds them."""
    return [
        {**each._asdict(), **{name: getattr(each, name).isoformat() for name in MOMENTS}}
        for each in trades
    ]


def closed_in(contents: Iterable[Mapping[str, Any]]) -> tuple[ClosedTrade, ...]:
    """The trades that a line holds."""
    return tuple(
        ClosedTrade(
            **{**_named(each), **{name: datetime.fromisoformat(each[name]) for name in MOMENTS}}
        )
        for each in contents
    )


def funding_in(contents: Iterable[Mapping[str, Any]]) -> tuple[FundingPayment, ...]:
    """The payments that a line holds."""
    return tuple(FundingPayment(**_named(each)) for each in contents)


def repairs_in(contents: Iterable[Mapping[str, Any]]) -> tuple[Repair, ...]:
    """The repairs that a line holds."""
    return tuple(Repair(**{name: str(part) for name, part in each.items()}) for each in contents)


def _named(content: Mapping[str, Any]) -> Content:
    return {
        name: part if isinstance(part, str) or (part is None and name in MAY_LACK) else float(part)
        for name, part in content.items()
    }
