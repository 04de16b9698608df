"""Trade leveraged perpetuals, one decision every so many bars."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.signal_lists import read_signals
from investorbench_env.envs.episode_env import EpisodeEnv, MarketPath, reward_of
from investorbench_env.envs.perpetuals_history import PerpetualHistory
from investorbench_env.envs.perpetuals_options import PerpetualOptions
from investorbench_env.envs.perpetuals_pictures import draw_perpetuals
from investorbench_env.envs.perpetuals_setup import PerpetualSetup, prepare
from investorbench_env.envs.perpetuals_trader import PerpetualMark, PerpetualTrader
from investorbench_env.envs.perpetuals_view import PerpetualView
from investorbench_env.errors import InvalidActionError, shown
from investorbench_env.market.documents import NEWS, Document

Observation = dict[str, Any]
Info = dict[str, Any]


class PerpetualsEnv(EpisodeEnv):
    """Trade A perpetuals with leverage, long and short, by signals.

    A decision that is taken at the end of a bar is filled at the open of the next, and the account
    is marked at the close of the last bar before the next decision: ``every`` bars later. Stops,
    targets and liquidations act in between, see docs/arena.md. An action is a dict by coin of dicts
    with ``signal`` (``buy_to_enter``, ``sell_to_enter``, ``hold``, ``close_position``) and, of an
    entry, ``quantity``, ``leverage``, ``profit_target``, ``stop_loss``,
    ``invalidation_condition``, ``confidence``, ``risk_usd`` and ``justification``; a coin that is
    left out is held. What cannot be read or breaks a rule is rejected, coin by coin.

    The observation is a dict: ``features`` float32 [A, 30] and ``mask`` int8 [A, 30] (the columns
    of ``FEATURES``, 0 with a mask of 0 where unknown), ``series`` float32 and ``series_mask`` int8
    [A, window, 7] (the columns of ``SERIES``, oldest first), ``account`` float32 [9]
    (:class:`~investorbench_env.envs.perpetuals_features.PerpetualFigures`), ``text`` (the same in
    words), ``news`` (where the rules show any), and ``time`` (decision time, ISO 8601 in UTC).

    ``info`` holds symbols, session, time, documents, history, account, positions (each a
    ``PerpetualPosition``), plans (the entry of each as it was decided, by coin), fills, closed
    (each a ``ClosedTrade``), funding (each a ``FundingPayment``), rejections, repairs, outage
    (the coins that did not trade in a bar since the decision before), ranks (None, but in a
    tournament whose rules show them), rules (their name), limits (what they say, and
    ``max_leverage`` and ``size_decimals`` of the contracts by coin), equity, cash, costs,
    data_source, simulated and protocol. In the warm-up split it has ``label``, what a long position
    in each coin taken now earns from its fill to the end of the next step, without leverage [A]. At
    the end of an episode of the test split on a market that was drawn it has ``market_seed`` and
    ``hidden_state``. All of it is the reader's own.

    Args:
        render_mode: ``"ansi"``, ``"rgb_array"`` or None.
        options: the attributes of
            :class:`~investorbench_env.envs.perpetuals_options.PerpetualOptions`.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """

    _setup: PerpetualSetup
    _path: MarketPath[PerpetualHistory, None]
    _trail: list[PerpetualMark]
    _trader: PerpetualTrader
    _mark: PerpetualMark

    def __init__(self, *, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(prepare(PerpetualOptions.of(options)), render_mode)

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, Info]:
        """Carry out the signals, then move on to the next decision.

        Raises:
            InvalidActionError: the action is neither a mapping nor a list; nothing has changed.
            ResetNeeded: there was no reset before.
        """
        if self._ended:
            return self._step_outside_an_episode()
        read = read_signals(action, self._setup.symbols)
        if read is None:
            raise InvalidActionError(
                f"action {shown(action)} is no object of signals by coin, such as "
                '{"BTC": {"signal": "hold"}}; nothing was traded'
            )
        before, at = self._mark, self._at + 1
        self._at, self._mark = at, self._trader.step(read, self._setup.decisions.item(at))
        reward = self._reward(before.account.equity, self._mark.account.equity)
        if self.render_mode is not None:
            self._trail.append(self._mark)
        terminated = self._mark.account.equity <= 0.0
        truncated = at == self._end and not terminated
        self._ended = terminated or truncated
        observation, info = self._shown()
        if self._ended and self._setup.tells_market:
            self._tell_market(info, self._path.history.assets)
        return observation, reward, terminated, truncated, info

    def _begin(self, first: int) -> tuple[Observation, Info]:
        setup = self._setup
        self._at, self._end, self._ended = first, first + setup.steps, False
        self._trader = PerpetualTrader(setup, self._path.history, setup.decisions.item(first))
        self._mark = self._trader.mark
        self._trail = [self._mark]
        return self._shown()

    def _draw(self, mode: str) -> Any:
        return draw_perpetuals(self._setup, self._path.history, self._trail, mode)

    def _reward(self, before: float, after: float) -> float:
        function = self._setup.reward
        return after / before - 1.0 if function is None else reward_of(function, before, after)

    def _shown(self) -> tuple[Observation, Info]:
        """The decision at hand with its account, in objects of the reader's own."""
        mark, history, now = self._mark, self._path.history, self._mark.now
        documents = self._documents()
        seen = PerpetualView(self._setup, history, mark, self._steps_left())
        parts: dict[str, Callable[[], Any]] = {
            "features": lambda: seen.features,
            "mask": lambda: seen.mask,
            "series": lambda: seen.series,
            "series_mask": lambda: seen.series_mask,
            "account": lambda: np.array(seen.figures, np.float32),
            "text": lambda: seen.text,
            "news": lambda: tuple([str(row) for row in documents if row.kind == NEWS]),
            "time": lambda: now.time,
        }
        observation = {name: parts[name]() for name in self.observation_space.spaces}
        info = {
            "symbols": self._setup.symbols,
            **self._constants(now),
            "documents": documents,
            "account": mark.account,
            "positions": mark.positions,
            "plans": dict(mark.plans),
            "fills": mark.fills,
            "closed": mark.closed,
            "funding": mark.funding,
            "rejections": mark.rejections,
            "repairs": mark.repairs,
            "outage": mark.idle,
            "ranks": None,
            "rules": self._setup.rules.name,
            "limits": self._setup.limits,
            "equity": mark.account.equity,
            "cash": mark.account.cash,
            "costs": mark.account.costs,
        }
        if self._setup.labelled and not self._ended:
            info["label"] = self._label()
        return observation, info

    def _documents(self) -> tuple[Document, ...]:
        """What became available since the decision before."""
        if self._setup.options.every == 1 or not self._at:
            return self._mark.now.documents
        before = self._setup.decisions.item(self._at - 1)
        return self._path.history.documents_since(before, self._mark.now.t)

    def _steps_left(self) -> int:
        """Decisions to come, of the split or of a shorter episode."""
        setup = self._setup
        if not setup.has_whole_episodes:
            return self._end - self._at
        # Gaps included: which bars will be known is not known beforehand.
        bars = setup.span.stop - 1 - self._mark.now.t
        return -(-bars // setup.options.every)

    def _label(self) -> npt.NDArray[np.float64]:
        """What a long position in each coin earns from its fill to the end of the next step [A].

        0 for one that does not trade when it should be filled, and at the end of the split.
        """
        decisions, history = self._setup.decisions, self._path.history
        if self._at + 1 == len(decisions):
            return np.zeros(len(history.symbols))
        return history.gain(self._mark.now.t + 1, decisions.item(self._at + 1))

    def _step_outside_an_episode(self) -> tuple[Observation, float, bool, bool, Info]:
        self._warn_of_end()
        self._mark = self._mark.without_events()
        terminated = self._mark.account.equity <= 0.0
        observation, info = self._shown()
        return observation, 0.0, terminated, not terminated, info
