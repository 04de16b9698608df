"""Many episodes of trading one asset at once: the vectorised twin of ``SingleAssetEnv``.

The same market, the same account and the same options, over arrays of N episodes instead of floats;
given the same actions it agrees with the scalar environment to the bit.
"""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from investorbench_env.accounting.account import Amounts, TradeAmounts, reopen
from investorbench_env.envs.options import MODALITIES, Options
from investorbench_env.envs.setup import AMOUNTS, prepare
from investorbench_env.envs.tape import Prices, Tape
from investorbench_env.errors import InvalidActionError, InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.documents import Document
from investorbench_env.spaces import BUY, AccountFigures

Array = npt.NDArray[Any]
Observation = dict[str, Array]
Info = dict[str, Any]

ACCOUNT = (
    "cash", "equity", "costs", "quantities", "entry_prices", "prices", "weights", "unrealised_pnl"
)  # fmt: skip
FILL = ("quantity", "price", "notional", "cost")
REPORTED = ("session", "time", "documents", *AMOUNTS, "account", "fills", "rejections")
TEXT = ("news", "filings", "time")
NUMERIC = tuple(name for name in MODALITIES if name not in TEXT)


class SingleAssetVectorEnv(VectorEnv[Observation, Array, Array]):
    """N episodes side by side; see :class:`~investorbench_env.envs.single_asset.SingleAssetEnv`.

    Observations are the numeric ones, each with a leading axis [N]. Text stays in the market's
    table: ``info["documents"]`` int64 [N, 2] are the rows ``start:stop`` of
    ``env.documents`` that are new, and where an episode has just begun,
    ``info["latest_filings"]`` int64 [N, 8] are those of the latest filing of each form, oldest
    first, then -1. Every value in an info is an array [N] beside its mask ``_name``; an account and
    its fills are dicts of such arrays, [N, 1] where there is one value an asset.

    An episode that ended starts again at the next step, whose action it ignores and whose reward
    is 0 (``AutoresetMode.NEXT_STEP``).

    Args:
        num_envs: N.
        render_mode: None; one episode at a time can be rendered.
        options: the attributes of :class:`~investorbench_env.envs.options.Options`.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": [],
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self, num_envs: int = 1, *, render_mode: str | None = None, **options: Any
    ) -> None:
        if render_mode is not None:
            raise InvestorBenchError(
                f"render_mode={render_mode!r}: a vectorised environment has no picture; "
                "render one episode with gym.make"
            )
        self.setup = setup = prepare(_without_text(options))
        self.num_envs = num_envs
        self.render_mode = None
        self.single_observation_space = setup.observation_space()
        self._shows_account = "account" in setup.modalities
        self.single_action_space = setup.action_space()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._tape = Tape.of(setup)
        self._account = setup.account()
        self._sides, self._no_order = np.array(setup.sides), setup.no_order
        self._everyone = _read_only(np.ones(num_envs, dtype=np.bool_))
        self._pays = setup.protocol.prices == "traded"
        self._account_masks = {"_" + name: self._everyone for name in ACCOUNT}
        self._fill_masks = {"_" + name: self._everyone for name in FILL}
        self._reward = setup.reward
        self._template = self._masked_constants()
        self._started = False

    @property
    def facts(self) -> Facts:
        """What may be known without stepping."""
        return self.setup.facts

    @property
    def documents(self) -> tuple[Document, ...]:
        """All texts of the market, of which an info gives row numbers; also those of the future."""
        return self.setup.market.documents.rows

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        """Start all episodes anew."""
        super().reset(seed=seed, options=options)
        self._first = self._starts(self.num_envs)
        self._end = self._first + self.setup.steps
        self._at = self._first.copy()
        # As long as all episodes stand at the same session, its prices are single numbers.
        self._together = self.setup.options.episode_length is None
        self._amounts = self._opening(self._at)
        self._trade: TradeAmounts | None = None
        self._ended = np.zeros(self.num_envs, dtype=np.bool_)
        self._any_ended = False
        self._started = True
        return self._observe(), self._report(self._everyone)

    def step(self, actions: Array) -> tuple[Observation, Array, Array, Array, Info]:
        """Take one step in every episode.

        Raises:
            InvalidActionError: an action is not in the action space; nothing has changed.
            ResetNeeded: there was no reset before.
        """
        if not self._started:
            raise ResetNeeded("Cannot call env.step() before calling env.reset()")
        weights, trades = self._orders(actions)
        if self._any_ended and self._ended.all():
            return self._restart_all()
        restarts, restarted = self._ended, self._any_ended
        before, equity_before = self._amounts, self._amounts[1]
        # A step beyond an episode's last session goes nowhere; that episode starts anew below.
        self._at = np.minimum(self._at + 1, self._tape.last) if restarted else self._at + 1
        prices = self._tape.prices(self._at, self._together)
        self._amounts, self._trade, rewards = self._account.step(before, weights, trades, prices)
        if self._reward is not None:
            rewards = self._reward(equity_before, self._amounts[1])
        if restarted:
            rewards = np.where(restarts, 0.0, rewards)
            self._restart(restarts)
        terminated = self._amounts[1] <= 0.0
        truncated = (self._at == self._end) & ~terminated
        self._ended = terminated | truncated
        self._any_ended = bool(np.count_nonzero(self._ended))
        info = self._report(restarts if restarted else None)
        if prices.ex_date and self._pays:
            held = before[3]
            if self._trade is not None and self.setup.fills == "close":
                held = held + self._trade[0]
            self._report_distributions(info, held * ~restarts, prices)
        return self._observe(), rewards, terminated, truncated, info

    def _orders(self, actions: Array) -> tuple[Array, Array]:
        """Target weights [N] and which of them are orders [N]."""
        given = np.asarray(actions)
        if self.setup.options.action == "weight":
            weights = given.reshape(-1) if given.shape == (self.num_envs, 1) else given
            self._require(
                actions, weights.shape == (self.num_envs,) and weights.dtype.kind in "fiu"
            )
            weights = weights.astype(np.float64)
            self._require(actions, bool(((weights >= self._sides[0]) & (weights <= 1.0)).all()))
            return weights, self._everyone
        self._require(actions, given.shape == (self.num_envs,) and given.dtype.kind in "iu")
        # Read as unsigned, what is below SELL lies above BUY.
        self._require(actions, bool(given.view(f"u{given.itemsize}").max() <= BUY))
        weights = self._sides.take(given)
        trades = weights * self._amounts[3] <= 0.0
        if self._no_order is not None:
            trades &= given != self._no_order
        return weights, trades

    def _require(self, actions: Any, valid: bool) -> None:
        if not valid:
            raise InvalidActionError(
                f"actions {actions!r} are not in {self.action_space}; nothing was traded"
            )

    def _starts(self, count: int) -> Array:
        spare = len(self.setup.decisions) - 1 - self.setup.steps
        if not spare:
            return np.zeros(count, dtype=np.int64)
        return self.np_random.integers(spare + 1, size=count)

    def _opening(self, at: Array) -> Amounts:
        cash = np.full(self.num_envs, self.setup.options.initial_cash)
        return self._account.open(cash, self._tape.final[at])

    def _restart_all(self) -> tuple[Observation, Array, Array, Array, Info]:
        observation, info = self.reset()
        nothing = np.zeros(self.num_envs)
        never = np.zeros(self.num_envs, dtype=np.bool_)
        return observation, nothing, never, never.copy(), info

    def _restart(self, which: Array) -> None:
        self._together = False
        self._first = self._first.copy()
        self._first[which] = self._starts(int(which.sum()))
        self._end = self._first + self.setup.steps
        self._at = np.where(which, self._first, self._at)
        self._amounts = reopen(self._amounts, which, self._opening(self._at))
        if self._trade is not None:
            quantity, price, notional, cost, rejected = self._trade
            quantity, notional, cost = (np.where(which, 0.0, x) for x in (quantity, notional, cost))
            self._trade = quantity, price, notional, cost, rejected & ~which

    def _observe(self) -> Observation:
        at = self._at
        observation: Observation = {}
        for name, values in self._tape.observation.items():
            observation[name] = values.take(at, axis=0, mode="clip")  # quicker; all are inside
        if self._shows_account:
            cash, equity, _, units, _, _, weight, unrealised, _ = self._amounts
            amounts = np.empty((len(AccountFigures._fields), self.num_envs), dtype=np.float32)
            amounts[0] = units
            amounts[1] = weight
            amounts[2] = cash
            amounts[3] = equity
            amounts[4] = unrealised
            amounts[5] = self._steps_left()
            observation["account"] = amounts.T
        return observation

    def _steps_left(self) -> Array:
        if self.setup.options.episode_length is None:
            return self._tape.bars_left.take(self._at)
        return self._end - self._at

    def _masked_constants(self) -> Info:
        """What is the same in every info, and the mask of every value in it."""
        setup = self.setup
        constants = {
            "symbol": setup.symbol,
            "data_source": setup.market.source,
            "simulated": setup.market.simulated,
            "protocol": setup.protocol.name,
        }
        info: Info = {
            name: _read_only(np.full(self.num_envs, value)) for name, value in constants.items()
        }
        nothing = _read_only(np.zeros(self.num_envs))
        info.update(fill_price=nothing, notional=nothing, cost=nothing)
        self._no_fills = dict.fromkeys(FILL, nothing[:, None]) | self._fill_masks
        info["rejections"] = _read_only(np.zeros((self.num_envs, 1), dtype=np.bool_))
        info.update({"_" + name: self._everyone for name in (*constants, *REPORTED)})
        return info

    def _report(self, starts: Array | None) -> Info:
        """The info; ``starts`` says which episodes have just begun, None that none has."""
        tape, at = self._tape, self._at
        cash, equity, costs, units, entry, _, weight, unrealised, _ = self._amounts
        for amounts in (cash, equity, costs, units, entry, weight, unrealised):
            amounts.setflags(write=False)  # the account goes on with them
        info = self._template.copy()
        info["session"] = tape.sessions.take(at)
        info["time"] = tape.times.take(at)
        info["documents"] = tape.documents.take(at, axis=0)
        info["equity"] = equity
        info["cash"] = cash
        info["position"] = units
        info["weight"] = weight
        info["costs"] = costs
        info["account"] = {
            "cash": cash,
            "equity": equity,
            "costs": costs,
            "quantities": units[:, None],
            "entry_prices": entry[:, None],
            "prices": tape.final.take(at)[:, None],
            "weights": weight[:, None],
            "unrealised_pnl": unrealised[:, None],
            **self._account_masks,
        }
        if self._trade is None:
            info["fills"] = self._no_fills.copy()
        else:
            self._report_trade(info, *self._trade)
        if starts is not None:
            info["latest_filings"] = tape.latest_filings.take(at, axis=0)
            info["_latest_filings"] = starts
        if self.setup.labelled:
            info["label"] = np.where(self._ended, 0.0, tape.labels.take(at))
            info["_label"] = ~self._ended
        return info

    def _report_trade(
        self, info: Info, quantity: Array, price: Any, notional: Array, cost: Array, rejected: Any
    ) -> None:
        info["fill_price"] = fill_price = (notional > 0.0) * price
        info["notional"] = notional
        info["cost"] = cost
        info["fills"] = {
            "quantity": quantity[:, None],
            "price": fill_price[:, None],
            "notional": notional[:, None],
            "cost": cost[:, None],
            **self._fill_masks,
        }
        if rejected is not False:
            info["rejections"] = rejected[:, None]

    def _report_distributions(self, info: Info, held: Array, prices: Prices) -> None:
        """What those got who held units on the way here."""
        paid = (held != 0.0) & ((prices.dividend != 0.0) | (prices.split != 1.0))
        info["distributions"] = {
            "cash": (held * prices.dividend)[:, None],
            "ratio": np.where(paid, prices.split, 1.0)[:, None],
            "_cash": paid,
            "_ratio": paid,
        }
        info["_distributions"] = paid


def _without_text(given: dict[str, Any]) -> Options:
    options = Options.of(given)
    if options.modalities is None:
        return Options.of({**given, "modalities": NUMERIC})
    if texts := [name for name in options.modalities if name in TEXT]:
        raise InvestorBenchError(
            f"modalities={texts}: a vectorised environment has no text in its observations; leave "
            "them out, and find times in info['time'] and texts as rows of the market's table in "
            "info['documents']"
        )
    return options


def _read_only(array: Array) -> Array:
    array.setflags(write=False)
    return array
