"""Trade several assets, one decision a bar."""

from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.events import AccountState, Position
from investorbench_env.accounting.weights_account import WeightAmounts
from investorbench_env.envs.episode_env import EpisodeEnv, MarketPath, reward_of
from investorbench_env.envs.portfolio_options import ORDERS, PortfolioOptions
from investorbench_env.envs.portfolio_pictures import PortfolioMark, draw_portfolio
from investorbench_env.envs.portfolio_setup import PortfolioSetup, prepare
from investorbench_env.envs.portfolio_traders import Closed, OrderTrader, Trader, WeightTrader
from investorbench_env.market.documents import NEWS
from investorbench_env.market.joint_history import JointHistory, JointMoment

Array = npt.NDArray[Any]
Observation = dict[str, Any]
Info = dict[str, Any]

_named: Any = tuple.__new__
"""A named tuple of values that stand in a tuple already, in half the time of its own class."""


@dataclass(frozen=True, slots=True, eq=False)
class PortfolioPage:
    """One decision as this environment shows it, before the account is written into it.

    Attributes:
        now: the moment.
        observation: its parts that are wanted, but for those of the account.
        arrays: the names of those that a reader gets copies of.
        info: likewise.
        barred: the assets that cannot be bought, each with the reason.
        priced: the assets of which there is a price.
        bars_left: to the end of the split.
    """

    now: JointMoment
    observation: Observation
    arrays: tuple[str, ...]
    info: Info
    barred: dict[str, str]
    priced: tuple[str, ...]
    bars_left: float


class PortfolioEnv(EpisodeEnv):
    """Trade A assets at the end of each bar, and live with them until the next.

    A decision that is taken at the end of bar t meets the bar after it, and the account is marked
    at its close. With ``action="weights"`` it is a target weight of each asset, the rest is cash:
    all are traded at the open, to shares of what costs leave of equity. With ``action="orders"``
    it is a list of dicts with ``symbol`` and ``side`` (``buy``, ``sell``, ``stop``, ``cancel``),
    and ``quantity``, ``limit``, ``stop``, ``until`` (``day``, ``cancelled``) and ``id`` where they
    matter, see :class:`~investorbench_env.accounting.orders.ShareOrder`; an entry that is no order
    or breaks a rule is rejected, and the others are executed. Settlement dates and the rule of
    pattern day traders are left out.

    The observation is a dict: ``bars`` float32 [window, A, 5] (open, high, low, close, volume,
    oldest first, adjusted for past splits only, 0 where unknown), ``mask`` int8 [window, A] (1
    where a bar is known), ``tradable`` int8 [A] (1 where an asset can be bought: it is a member of
    the universe, listed, and has traded), ``account`` float32 [4] (cash, its weight, equity, bars
    left), ``holdings`` float32 [A, 4] (shares, weight, entry price, unrealised PnL), ``sentiment``
    float32 [A, 3] (number of positive, neutral and negative news), ``news`` and ``filings`` (tuples
    of text about any asset, new since the last decision; at the first decision also the latest
    filing of each form and asset), and ``time`` (decision time, ISO 8601 in UTC).

    ``info`` holds symbols, session, time, documents (each with its symbol), history (the
    :class:`~investorbench_env.market.past.Past` of each asset by its symbol), account, fills,
    rejections and distributions (see ``investorbench_env.accounting.events``), open_orders (those
    that wait, and the stops of holdings), scaled (what weights added up to where they had to be
    scaled down, else None), stale (symbols that are marked at an old price), equity, cash, costs,
    data_source, simulated and protocol. In the warm-up split it has ``label``, what a long position
    in each asset taken now earns from its fill to the end of the next step [A]. At the end of an
    episode of the test split on a market that was drawn it has ``market_seed``, the number of the
    market, and ``hidden_state``, what drove it by name [T, A]. All of it is the reader's own.

    Args:
        render_mode: ``"ansi"``, ``"rgb_array"`` or None.
        options: the attributes of
            :class:`~investorbench_env.envs.portfolio_options.PortfolioOptions`.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """

    _setup: PortfolioSetup
    _path: MarketPath[JointHistory, PortfolioPage]
    _trail: list[PortfolioMark]
    _page: PortfolioPage
    _closed: Closed

    def __init__(self, *, render_mode: str | None = None, **options: Any) -> None:
        setup = prepare(PortfolioOptions.of(options))
        super().__init__(setup, render_mode)
        is_of_orders = setup.options.action == ORDERS
        self._trader: Trader = OrderTrader(setup) if is_of_orders else WeightTrader(setup)

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, Info]:
        """Trade, then move on to the end of the next bar at which any asset traded.

        Raises:
            InvalidActionError: the action is no list of orders, or no weights; nothing has changed.
            ResetNeeded: there was no reset before.
        """
        if self._ended:
            return self._step_outside_an_episode()
        before, at = self._closed, self._at + 1
        page = self._path.pages[at] or self._read(at)
        after = self._trader.trade(
            before, action, self._page.barred, self._path.history, page.now.t
        )
        reward = self._reward(before.amounts.equity, after.amounts.equity)
        self._at, self._page, self._closed = at, page, after
        if self.render_mode is not None:
            self._trail.append(PortfolioMark(page.now, after))
        terminated = bool(after.amounts.equity <= 0.0)
        truncated = at == self._end and not terminated
        self._ended = terminated or truncated
        observation, info = self._shown()
        if self._ended and self._setup.tells_market:
            self._tell_market(info, self._path.history.assets)
        return observation, reward, terminated, truncated, info

    def _begin(self, first: int) -> tuple[Observation, Info]:
        setup = self._setup
        self._at, self._end = first, first + setup.steps
        self._page = self._read(first)
        cash, t = setup.options.initial_cash, self._page.now.t
        self._closed = self._trader.open(cash, self._path.history, t)
        self._ended = False
        self._trail = [PortfolioMark(self._page.now, self._closed)]
        return self._shown()

    def _draw(self, mode: str) -> Any:
        return draw_portfolio(self._setup, self._path.history, self._trail, mode)

    def _reward(self, before: float, after: float) -> float:
        function = self._setup.reward
        return (
            float(after / before - 1.0) if function is None else reward_of(function, before, after)
        )

    def _shown(self) -> tuple[Observation, Info]:
        """The decision at hand with its account, in objects of the reader's own."""
        page, closed = self._page, self._closed
        amounts = closed.amounts
        observation, info = page.observation.copy(), page.info.copy()
        for name in page.arrays:
            observation[name] = observation[name].copy()
        if "bars" in observation:
            observation["bars"] = self._path.history.bars(page.now.t).copy()
        if "account" in observation:
            whole = self._setup.options.episode_length is None
            left = page.bars_left if whole else self._end - self._at
            divisor = amounts.equity or 1.0
            figures = (amounts.cash, amounts.cash / divisor, amounts.equity, left)
            observation["account"] = np.array(figures, np.float32)
            rows = (amounts.units, amounts.weights, amounts.entries, amounts.unrealised)
            observation["holdings"] = np.array(rows, np.float32).T.copy()
        info["account"] = self._account_state(amounts, page.priced)
        info["fills"] = closed.fills
        info["rejections"] = closed.rejections
        info["distributions"] = closed.distributions
        info["open_orders"] = closed.open_orders
        info["scaled"] = closed.scaled
        info["equity"] = float(amounts.equity)
        info["cash"] = float(amounts.cash)
        info["costs"] = float(amounts.costs)
        if self._setup.labelled and not self._ended:
            info["label"] = self._label()
        return observation, info

    def _account_state(self, amounts: WeightAmounts, priced: tuple[str, ...]) -> AccountState:
        symbols, marks = self._path.history.symbols, amounts.marks.tolist()
        held = zip(
            symbols, amounts.units.tolist(), amounts.entries.tolist(), marks,
            amounts.weights.tolist(), amounts.unrealised.tolist(), strict=True,
        )  # fmt: skip
        prices = dict(zip(symbols, marks, strict=True))
        return AccountState(
            cash=float(amounts.cash),
            equity=float(amounts.equity),
            costs=float(amounts.costs),
            positions=[_named(Position, row) for row in held if row[1]],
            marks={name: prices[name] for name in priced},
        )

    def _label(self) -> Array:
        """What a long position in each asset earns from its fill to the end of the next step [A].

        0 for one that does not trade then, and at the end of the split.
        """
        decisions, history = self._setup.decisions, self._path.history
        if self._at + 1 == len(decisions):
            return np.zeros(len(history.symbols))
        following = history.until(decisions.item(self._at + 1)).prices
        label: Array = following.final / following.fill - 1.0
        return label if following.trades is None else label * following.trades

    def _read(self, at: int) -> PortfolioPage:
        """A decision as it is shown, made at the first visit."""
        setup, history, symbols = self._setup, self._path.history, self._path.history.symbols
        t = setup.decisions.item(at)
        now = history.until(t)
        barred = setup.barred(history, t)
        seen: Observation = {
            "bars": None,  # laid out at each visit: windows over splits would take much memory
            "mask": history.mask(t),
            "tradable": np.array([name not in barred for name in symbols], np.int8),
            "account": None,
            "holdings": None,
            "sentiment": now.sentiment,
            "news": tuple([str(row) for row in now.documents if row.kind == NEWS]),
            "filings": tuple([str(row) for row in now.documents if row.is_filing]),
            "time": now.time,
        }
        observation = {name: seen[name] for name in self.observation_space.spaces}
        priced = list(compress(symbols, history.is_priced(t)))
        is_stale = dict(zip(symbols, history.prices.stale[t] > 0, strict=True))
        page = PortfolioPage(
            now=now,
            observation=observation,
            arrays=tuple(n for n, part in observation.items() if isinstance(part, np.ndarray)),
            info={
                "symbols": symbols,
                **self._constants(now),
                "constraints": setup.constraints,
                "stale": tuple(name for name in priced if is_stale[name]),
            },
            barred=barred,
            priced=tuple(priced),
            # Gaps included: which bars will be known is not known beforehand.
            bars_left=float(setup.span.stop - 1 - t),
        )
        self._path.pages[at] = page
        return page

    def _step_outside_an_episode(self) -> tuple[Observation, float, bool, bool, Info]:
        self._warn_of_end()
        self._closed = Closed(
            self._closed.amounts, self._closed.account, open_orders=self._closed.open_orders
        )
        terminated = bool(self._closed.amounts.equity <= 0.0)
        observation, info = self._shown()
        return observation, 0.0, terminated, not terminated, info
