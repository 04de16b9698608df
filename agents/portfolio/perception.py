"""What a portfolio's agent perceives: prices, the account, and what became of its last orders."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from investorbench.agents.finmem.foreign import neutral
from investorbench.agents.finmem.perception import MOMENTUM_SESSIONS, amount, signed_percent
from investorbench.agents.portfolio.decision import ORDERS
from investorbench.agents.portfolio.wording import order_words, shares
from investorbench_env.accounting.constraints import Constraints
from investorbench_env.accounting.events import AccountState, Distribution, Fill, Position
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.market import CLOSE

SMALL = 0.005
"""Of equity: trades that keep a weight where it was are below it."""
SESSIONS = (1, 5, 20)
"""Over which returns are shown, beside the momentum."""


class AssetPrices(NamedTuple):
    """One asset today.

    Attributes:
        symbol: the asset.
        close: its last one.
        returns: over each of :data:`SESSIONS`; None where the window is too short, or it is stale.
        momentum: return over the last three sessions; likewise.
        tradable: whether it is traded in the next session, as far as is known.
        stale: whether its price is an old one, for there is none of today.
    """

    symbol: str
    close: float | None
    returns: tuple[float | None, ...]
    momentum: float | None
    tradable: bool
    stale: bool

    def words(self, equity: float, *, sizes: bool) -> str:
        """What stands under the symbol of an asset.

        Args:
            equity: of the account.
            sizes: whether orders are in shares.
        """
        if self.close is None:
            return "No price is known yet: it cannot be traded."
        listed = [signed_percent(each) for each in self.returns if each is not None]
        over = [str(n) for n, each in zip(SESSIONS, self.returns, strict=True) if each is not None]
        said = [f"Close {amount(self.close)}{', an old one: it did not trade' * self.stale}"]
        if listed:
            said.append(f"Returns over {', '.join(over)} sessions: {', '.join(listed)}")
        if self.momentum is not None:
            momentum = signed_percent(self.momentum)
            said.append(f"Momentum over {MOMENTUM_SESSIONS} sessions: {momentum}")
        if not self.tradable:
            said.append("It cannot be traded")
        elif sizes and self.close > 0.0:
            said.append(f"1% of equity is {equity / 100.0 / self.close:.4g} shares")
        return ". ".join(said) + "."


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioPerception:
    """Today in numbers.

    Attributes:
        session: YYYY-MM-DD.
        quotes: of each asset.
        cash: in the account's currency, like the next.
        equity: cash and all holdings.
        total_return: of equity since the first decision of the split.
        positions: what is held.
        stops: at which a holding is sold, by symbol.
        waiting: orders that wait.
        constraints: limits of purchases, by name; None for none.
        events: what happened since the last decision, in words, in its order.
    """

    session: str
    quotes: tuple[AssetPrices, ...]
    cash: float
    equity: float
    total_return: float
    positions: tuple[Position, ...]
    stops: Mapping[str, float]
    waiting: tuple[ShareOrder, ...]
    constraints: Mapping[str, Any]
    events: tuple[str, ...]

    @property
    def universe_return(self) -> float:
        """The mean return of the assets since the session before; a stale price counts as 0."""
        moves = [0.0 if quote.stale else quote.returns[0] for quote in self.quotes]
        known = [move for move in moves if move is not None]
        return sum(known) / len(known) if known else 0.0

    def account_words(self) -> str:
        """Cash, equity, holdings and waiting orders, as lines."""
        return "\n".join(self._account_lines())

    def _account_lines(self) -> Iterator[str]:
        share = self.cash / self.equity if self.equity else 0.0
        yield (
            f"Session: {self.session}. Cash: {amount(self.cash)}, {share:.1%} of equity. "
            f"Equity: {amount(self.equity)}, {signed_percent(self.total_return)} since the start."
        )
        for held in self.positions:
            stop = self.stops.get(held.symbol)
            yield (
                f"- {held.symbol}: {shares(held.quantity)}, {held.weight:.1%} of equity, bought at "
                f"{amount(held.entry_price)}, unrealised PnL {amount(held.unrealised_pnl)}"
                + (f", stop {amount(stop)}" if stop is not None else "")
            )
        if not self.positions:
            yield "Nothing is held."
        for order in self.waiting:
            yield f"- waiting order {neutral(order_words(order))}"

    def record(self) -> dict[str, Any]:
        """The figures as plain values, by asset."""
        return {
            "session": self.session,
            "closes": {quote.symbol: quote.close for quote in self.quotes},
            "holdings": {held.symbol: held.quantity for held in self.positions},
            "cash": self.cash,
            "equity": self.equity,
            "total_return": self.total_return,
        }


def perceive(
    observation: Mapping[str, Any],
    info: Mapping[str, Any],
    facts: Facts,
    start_equity: float | None,
) -> PortfolioPerception:
    """Today in numbers.

    Args:
        observation: with ``bars`` [window, A, 5] and ``mask`` [window, A]; what else is missing is
            left out.
        info: of the same step.
        facts: of the environment.
        start_equity: at the first decision of the split; None where this is it.

    Raises:
        InvestorBenchError: prices are not observed.
    """
    if "bars" not in observation:
        raise InvestorBenchError(
            'finmem_portfolio reads prices: add "bars" to modalities, or leave modalities out'
        )
    account: AccountState = info["account"]
    start = account.equity if start_equity is None else start_equity
    tradable = observation.get("tradable", np.ones(len(facts.symbols), dtype=np.int8))
    stale = {*info.get("stale", ())}
    waiting = info.get("open_orders", ())
    return PortfolioPerception(
        session=str(info["session"]),
        quotes=tuple(
            _quote(
                symbol,
                observation["bars"][observation["mask"][:, place] == 1, place, CLOSE],
                tradable=bool(tradable[place]),
                stale=symbol in stale,
            )
            for place, symbol in enumerate(facts.symbols)
        ),
        cash=account.cash,
        equity=account.equity,
        total_return=account.equity / start - 1.0 if start else 0.0,
        positions=account.positions,
        stops={order.symbol: order.stop for order in waiting if order.side == "stop"},
        waiting=tuple(order for order in waiting if order.side != "stop"),
        constraints=_constraints(info),
        events=tuple(event_words(info, 0.0 if facts.action == ORDERS else SMALL)),
    )


def _constraints(info: Mapping[str, Any]) -> Mapping[str, Any]:
    constraints = info.get("constraints")
    return asdict(constraints) if isinstance(constraints, Constraints) else {}


def event_words(info: Mapping[str, Any], small: float = 0.0) -> Iterator[str]:
    """Dividends, splits, fills, and what was not carried out as it was decided, a line each.

    Args:
        info: of the step.
        small: share of equity below which trades are summed up.
    """
    for paid in info.get("distributions", ()):
        yield from _distribution_words(paid)
    fills, least = info.get("fills", ()), small * info["account"].equity
    yield from (_fill_words(fill) for fill in fills if fill.notional >= least)
    if rest := [fill for fill in fills if fill.notional < least]:
        cost = sum(fill.cost for fill in rest)
        yield f"{len(rest)} small trades kept weights where they were, costs {cost:.2f}"
    for order, reason in info.get("rejections", ()):
        yield f"rejected: {neutral(order_words(order))}: {neutral(reason)}"
    if info.get("scaled"):
        yield f"your weights added up to {info['scaled']:.4g} and were scaled down"


def _quote(symbol: str, closes: Any, *, tradable: bool, stale: bool) -> AssetPrices:
    known = np.asarray(closes, dtype=np.float64)

    def over(sessions: int) -> float | None:
        if stale or len(known) <= sessions:
            return None
        return float(known[-1] / known[-1 - sessions] - 1.0)

    return AssetPrices(
        symbol=symbol,
        close=float(known[-1]) if len(known) else None,
        returns=tuple(map(over, SESSIONS)),
        momentum=over(MOMENTUM_SESSIONS),
        tradable=tradable and len(known) > 0,
        stale=stale,
    )


def _fill_words(fill: Fill) -> str:
    done = "bought" if fill.quantity > 0 else "sold"
    what = f"{shares(abs(fill.quantity))} of {fill.symbol} at {amount(fill.price)}"
    return f"{done} {what}, costs {fill.cost:.2f}"


def _distribution_words(paid: Distribution) -> Iterator[str]:
    if paid.ratio != 1.0:
        new, old = (paid.ratio, 1.0) if paid.ratio > 1.0 else (1.0, 1.0 / paid.ratio)
        yield f"{paid.symbol}: {new:.6g}-for-{old:.6g} split, past prices restated"
    if paid.cash:
        yield f"{paid.symbol} paid {amount(paid.cash)} in cash"
