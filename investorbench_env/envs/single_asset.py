"""Trade one asset, one decision a bar."""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.account import (
    Amounts,
    Expected,
    OneAsset,
    StepPrices,
    TradeAmounts,
)
from investorbench_env.accounting.events import Distribution, Fill, Order, Rejection
from investorbench_env.envs.episode_env import EpisodeEnv, MarketPath, reward_of
from investorbench_env.envs.options import CHART, Options
from investorbench_env.envs.own_arrays import OwnArrays
from investorbench_env.envs.pictures import Mark, chart_of, draw
from investorbench_env.envs.setup import AMOUNTS, Setup, prepare
from investorbench_env.errors import InvalidActionError, shown
from investorbench_env.market.history import AssetMoments, Moment
from investorbench_env.spaces import BUY, HOLD, TRADE_WORDS

Array = npt.NDArray[Any]
Observation = dict[str, Any]
Info = dict[str, Any]

_named: Any = tuple.__new__
"""A named tuple of values that stand in a tuple already, in half the time of its own class."""

EQUITY, UNITS = 1, 3
"""Where they stand among an account's amounts."""

MEANINGS = ", ".join(f"{number} {word}" for number, word in enumerate(TRADE_WORDS))


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One decision as this environment shows it, before the account is written into it.

    A decision is shown many times and never handed out: what a reader gets is its own.

    Attributes:
        now: the moment.
        observation: its parts that are wanted; those that a reader could write into are None.
        info: likewise.
        content: of its arrays, as ``OwnArrays`` lays it out.
        pays: whether holders get dividends or other units on the way here.
        bars_left: to the end of the split.
    """

    now: Moment
    observation: Observation
    info: Info
    content: bytes
    pays: bool
    bars_left: float


class SingleAssetEnv(EpisodeEnv):
    """Sell, hold or buy one asset at the end of each bar, and live with it until the next.

    A bar is a session unless the market has others. A decision taken at the end of bar t fills at
    the next bar's open and is marked at its close (protocol ``standard``), or fills at the close it
    was taken on (``paper``). Repeating a signal changes nothing; HOLD keeps the position under
    ``standard`` and closes it under ``paper``.

    The observation is a dict: ``bars`` float32 [window, 5] (open, high, low, close, volume, oldest
    first, adjusted for past splits only, 0 where unknown), ``mask`` int8 [window] (1 where a bar
    is known), ``account`` float32 [6] (position in shares, weight, cash, equity, unrealised PnL,
    bars left), ``sentiment`` float32 [3] (number of positive, neutral and negative news),
    ``news`` and ``filings`` (tuples of text new since the last decision; at the first decision also
    the latest filing of each form), and ``time`` (decision time, ISO 8601 in UTC). Where it is
    asked for there is ``chart``, too, uint8 [320, 512, 3]: the bars as a picture.

    ``info`` holds session, time, documents, history (all bars and documents up to the decision, see
    :class:`~investorbench_env.market.past.Past`), account, fills, rejections and distributions (see
    ``investorbench_env.accounting.events``), symbol, data_source, simulated, protocol, equity,
    cash, position, weight, fill_price, notional, cost, costs, dividend (cash for each share held
    before the step) and split (shares for each of them). In the warm-up split it has ``label``,
    what a long position taken now earns from its fill to the end of the next step. At the end of an
    episode of the test split on a market that was drawn it has ``market_seed``, the number of the
    market, and ``hidden_state``, what drove it by name [T]. All of it is the reader's own.

    Args:
        render_mode: ``"ansi"``, ``"rgb_array"`` or None.
        options: the attributes of :class:`~investorbench_env.envs.options.Options`.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """

    _setup: Setup
    _path: MarketPath[AssetMoments, Page]
    _trail: list[Mark]
    _amounts: Amounts

    def __init__(self, *, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(self._prepare(options), render_mode)
        setup = self._setup
        self._own = OwnArrays(setup.options.window, self.observation_space.spaces)
        self._write = self._own.write
        self._arrays: Iterator[tuple[Any, ...]] = iter(())
        self._whole_split = setup.options.episode_length is None
        self._symbol = setup.symbol
        self._account = setup.account()
        self._live = self._account.step
        if setup.reward is not None:
            self._live = self._live_for_another_reward
        elif setup.rewards_expected:
            self._live = self._live_for_what_was_expected
        self._ahead: list[Expected] = []
        self._sides, self._no_order = setup.sides, setup.no_order
        self._by_weight = setup.options.action == "weight"
        self._labelled = setup.labelled
        self._charted = CHART in setup.modalities

    def __getstate__(self) -> dict[str, Any]:
        # A copy makes arrays of its own: views of the memory at hand would be copied apart from it.
        return {**self.__dict__, "_arrays": iter(()), "_write": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._write = self._own.write

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, Info]:
        """Trade, then move on to the end of the next known bar.

        Raises:
            InvalidActionError: the action is not in the action space; nothing has changed.
            ResetNeeded: there was no reset before.
        """
        if self._ended:
            return self._step_outside_an_episode()
        before = self._amounts
        held = before[UNITS]
        if self._by_weight:
            weight, trades = self._target_weight(action), True
        else:
            choice = action if type(action) is int else self._choice(action)
            if not 0 <= choice <= BUY:
                raise self._invalid(action)
            weight = self._sides[choice]
            # A signal for the side that is held already is no order.
            trades = choice != self._no_order and weight * held <= 0.0
        at = self._at + 1
        page = self._path.pages[at] or self._read(at)
        after, trade, reward = self._live(before, weight, trades, page.now)
        self._at, self._amounts = at, after  # only now: a reward may have raised
        cash, equity, costs, position, _, _, weight_now, unrealised, _ = after
        terminated = equity <= 0.0
        truncated = at == self._end and not terminated
        self._ended = ended = terminated or truncated
        left = page.bars_left if self._whole_split else self._end - at
        memory, offset, bars, mask, sentiment, figures = next(self._arrays, None) or self._more()
        self._write(
            memory, offset, page.content, position, weight_now, cash, equity, unrealised, left
        )
        observation, info = page.observation.copy(), page.info.copy()
        if bars is not None:
            observation["bars"] = bars
            observation["mask"] = mask
        if sentiment is not None:
            observation["sentiment"] = sentiment
        if figures is not None:
            observation["account"] = figures
        if self._charted:
            observation[CHART] = chart_of(self._setup, self._path.history, page.now)
        info["equity"] = equity
        info["cash"] = cash
        info["position"] = position
        info["weight"] = weight_now
        info["costs"] = costs
        info["account"] = account = OneAsset()
        account._values = after
        account._symbol = self._symbol
        if trade is not None:
            self._report(info, trade, weight)
        if page.pays:
            self._report_distribution(info, page.now, held, trade)
        if not ended:
            if self._labelled:
                info["label"] = self._setup.label(self._path.history, at)
        elif self._setup.tells_market:
            self._tell_market(info, self._path.history.asset)
        if self.render_mode is not None:
            self._trail.append(Mark(page.now, equity, weight_now, position, info["fill_price"]))
        return observation, reward, terminated, truncated, info

    @property
    def earned(self) -> float:
        """What a long position returned over the last step, from the fill of an order for it on.

        It is for the evaluator, and costs are left out of it.
        """
        label = self._setup.label(self._path.history, self._at - 1)
        is_log = self._setup.protocol.convention == "log"
        return float(np.expm1(label)) if is_log else label

    @staticmethod
    def _prepare(options: dict[str, Any]) -> Setup:
        """What options lead to."""
        return prepare(Options.of(options))

    def _begin(self, first: int) -> tuple[Observation, Info]:
        setup = self._setup
        now = self._path.history.until(setup.decisions.item(first))
        self._at, self._end = first - 1, first + setup.steps
        self._trail = []
        self._amounts = self._account.open(setup.options.initial_cash, now.final)
        if setup.rewards_expected:
            self._ahead = setup.expected_after(self._path.history)
        observation, _, _, _, info = self._show()
        return observation, info

    def _draw(self, mode: str) -> Any:
        return draw(self._setup, self._path.history, self._trail, mode)

    def _show(self) -> tuple[Observation, float, bool, bool, Info]:
        """A step in which nothing happens: how the first decision is shown."""
        live, self._live = self._live, _leave_alone
        self._ended = False
        try:
            return SingleAssetEnv.step(self, HOLD)
        finally:
            self._live = live

    def _live_for_another_reward(
        self, before: Amounts, weight: Any, trades: Any, prices: StepPrices
    ) -> tuple[Amounts, TradeAmounts | None, Any]:
        reward = self._setup.reward
        assert reward is not None
        after, trade, _ = self._account.step(before, weight, trades, prices)
        return after, trade, reward_of(reward, before[EQUITY], after[EQUITY])

    def _live_for_what_was_expected(
        self, before: Amounts, weight: Any, trades: Any, prices: StepPrices
    ) -> tuple[Amounts, TradeAmounts | None, Any]:
        after, trade, _ = self._account.step(before, weight, trades, prices)
        ahead = self._ahead[self._at]
        return after, trade, self._account.expected(before, weight, after, prices, ahead).total

    def _more(self) -> tuple[Any, ...]:
        """Arrays for the next observation, after which come those of others."""
        self._arrays = self._own.block()
        return next(self._arrays)

    def _read(self, at: int) -> Page:
        """A decision as it is shown, made at the first visit."""
        setup = self._setup
        now = self._path.history.until(setup.decisions.item(at))
        seen = now.observation
        page = Page(
            now=now,
            observation={
                key: None if isinstance(seen.get(key), np.ndarray) else seen.get(key)
                for key in self.observation_space.spaces
            },
            info=self._constants(now),
            content=self._own.content(seen),
            pays=now.ex_date and setup.protocol.prices == "traded",
            # Gaps included: which bars will be known is not known beforehand.
            bars_left=float(setup.span.stop - 1 - now.t),
        )
        self._path.pages[at] = page
        return page

    def _constants(self, now: Moment) -> Info:
        return {
            "symbol": self._symbol,
            **super()._constants(now),
            "dividend": now.dividend,
            "split": now.split,
            # The account has its places already: a dict that grows takes longer.
            **dict.fromkeys(AMOUNTS, 0.0),
            "account": None,
            "fills": (),
            "rejections": (),
            "distributions": (),
        }

    def _report(self, info: Info, trade: TradeAmounts, weight: float) -> None:
        quantity, price, notional, cost, rejected = trade
        if notional:  # nothing stands there already
            info["fill_price"] = price
            info["notional"] = notional
            info["cost"] = cost
            fill = _named(Fill, (self._symbol, quantity, price, notional, cost))
            info["fills"] = (fill,)
        if rejected:
            why = f"the account was ruined at the fill price {price:g} and closed out there"
            info["rejections"] = (Rejection(Order(self._symbol, weight), why),)

    def _report_distribution(
        self, info: Info, now: Moment, held: float, trade: TradeAmounts | None
    ) -> None:
        """What holders got, who had traded before if orders fill at the close."""
        if trade is not None and self._setup.fills == "close":
            held += trade[0]
        # Splits over sessions without a bar may cancel each other out.
        if held and (now.dividend != 0.0 or now.split != 1.0):
            distribution = Distribution(self._symbol, held * now.dividend, now.split)
            info["distributions"] = (distribution,)

    def _choice(self, action: Any) -> int:
        try:
            return int.__index__(index(action))  # a plain one, whatever its class makes of <=
        except Exception:  # noqa: BLE001 - whatever an object of somebody's own raises
            raise self._invalid(action) from None

    def _target_weight(self, action: Any) -> float:
        try:
            weight = float(np.asarray(action).astype(np.float64, casting="same_kind").item())
        except Exception:  # noqa: BLE001 - as above
            raise self._invalid(action) from None
        if not self._sides[0] <= weight <= 1.0:
            raise self._invalid(action)
        return weight

    def _invalid(self, action: Any) -> InvalidActionError:
        meaning = "a target weight" if self._by_weight else MEANINGS
        return InvalidActionError(
            f"action {shown(action)} of type {type(action).__name__} is not in {self.action_space} "
            f"({meaning}); nothing was traded"
        )

    def _step_outside_an_episode(self) -> tuple[Observation, float, bool, bool, Info]:
        self._warn_of_end()
        self._at -= 1
        step = self._show()
        step[-1]["distributions"] = ()
        del self._trail[-1:]
        return step


def _leave_alone(
    before: Amounts, weight: Any, trades: Any, prices: StepPrices
) -> tuple[Amounts, TradeAmounts | None, Any]:
    return before, None, 0.0
