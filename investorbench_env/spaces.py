"""What actions and observations are made of: the words of trades, and spaces Gymnasium lacks.

Tuples of text and free text have membership in constant time.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.orders import SIDES, UNTIL
from investorbench_env.accounting.signals import SIDES as SIDES_OF_ENTRIES
from investorbench_env.accounting.signals import SIGNAL_WORDS

SELL, HOLD, BUY = range(3)
"""The actions of ``Discrete(3)``."""

TradeWord = Literal["sell", "hold", "buy"]
TRADE_WORDS: tuple[TradeWord, ...] = get_args(TradeWord)
"""Their words, in the same order."""


class AccountFigures(NamedTuple):
    """What the array ``account`` of a single asset's observation holds, in its order.

    Attributes:
        position: units, negative when short; a weight where the protocol knows no units.
        weight: its value as a share of equity.
        cash: money.
        equity: cash and position.
        unrealised_pnl: what closing the position at its mark would realise, costs apart.
        steps_left: bars left, gaps included: which of them will be known is not known yet.
    """

    position: float
    weight: float
    cash: float
    equity: float
    unrealised_pnl: float
    steps_left: float


class PortfolioFigures(NamedTuple):
    """What the array ``account`` of a portfolio's observation holds, in its order.

    Attributes:
        cash: money; a short sale adds its proceeds.
        cash_weight: as a share of equity.
        equity: cash and all holdings.
        steps_left: bars left, gaps included: which of them will be known is not known yet.
    """

    cash: float
    cash_weight: float
    equity: float
    steps_left: float


class HoldingFigures(NamedTuple):
    """What each row of the array ``holdings`` of a portfolio's observation holds, in its order.

    Attributes:
        shares: held, negative when short.
        weight: their value as a share of equity.
        entry_price: average price at which they were bought or sold short; 0 without any.
        unrealised_pnl: what closing the position at its mark would realise, costs apart.
    """

    shares: float
    weight: float
    entry_price: float
    unrealised_pnl: float


class Documents(gym.Space[tuple[str, ...]]):
    """Any number of texts of any length in any script.

    ``gymnasium.spaces.Text`` knows an alphabet and a maximum length and reads every character of
    every text to test membership; here membership looks at the type of the ends only.
    """

    def __init__(self, seed: int | np.random.Generator | None = None) -> None:
        super().__init__(shape=None, dtype=None, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        return False

    def sample(self, mask: Any | None = None, probability: Any | None = None) -> tuple[str, ...]:
        """A few short texts."""
        count = int(self.np_random.integers(4))
        return tuple(f"sample text {self.np_random.integers(1000)}" for _ in range(count))

    def contains(self, x: object) -> bool:
        return isinstance(x, tuple) and (
            not x or (isinstance(x[0], str) and isinstance(x[-1], str))
        )

    def to_jsonable(self, sample_n: Any) -> list[list[str]]:
        return [list(sample) for sample in sample_n]

    def from_jsonable(self, sample_n: list[Any]) -> list[tuple[str, ...]]:
        return [tuple(sample) for sample in sample_n]

    def __repr__(self) -> str:
        return "Documents()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Documents)

    def __hash__(self) -> int:
        return hash(Documents)


class FreeText(gym.Space[str]):
    """One text of any length in any script."""

    def __init__(self, seed: int | np.random.Generator | None = None) -> None:
        super().__init__(shape=None, dtype=None, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        return False

    def sample(self, mask: Any | None = None, probability: Any | None = None) -> str:
        """A short text."""
        return f"sample text {self.np_random.integers(1000)}"

    def contains(self, x: object) -> bool:
        return isinstance(x, str)

    def __repr__(self) -> str:
        return "FreeText()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FreeText)

    def __hash__(self) -> int:
        return hash(FreeText)


OrderList = list[Any]
"""Orders as an agent gives them: dicts of plain values, or what it took for them."""


class OrderLists(gym.Space[OrderList]):
    """Lists of orders for some assets, each a dict with at least a symbol and a side.

    Every list is in it: an entry that is no order, or one that breaks a rule, is rejected with its
    reason when the list is carried out.
    """

    def __init__(
        self, symbols: Sequence[str], seed: int | np.random.Generator | None = None
    ) -> None:
        self.symbols = tuple(symbols)
        super().__init__(shape=None, dtype=None, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        return False

    def sample(self, mask: Any | None = None, probability: Any | None = None) -> OrderList:
        """Up to four orders, of which some cannot be carried out."""
        return [self._order() for _ in range(self._number(5))]

    def contains(self, x: object) -> bool:
        return isinstance(x, list | tuple)

    def to_jsonable(self, sample_n: Any) -> list[OrderList]:
        return [list(sample) for sample in sample_n]

    def from_jsonable(self, sample_n: list[Any]) -> list[OrderList]:
        return [list(sample) for sample in sample_n]

    def __repr__(self) -> str:
        return f"OrderLists({', '.join(self.symbols)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OrderLists) and self.symbols == other.symbols

    def __hash__(self) -> int:
        return hash(self.symbols)

    def _order(self) -> dict[str, Any]:
        symbols = (*self.symbols * 4, "NONE")
        order = {"symbol": symbols[self._number(len(symbols))], "side": SIDES[self._number(4)]}
        if order["side"] == "cancel":
            return {**order, "id": f"order {self._number(20)}"}
        given: dict[str, Any] = {
            "quantity": (self._number(200) - 10) / (1 + self._number(2)),
            "limit": self._price(),
            "stop": self._price(),
            "until": UNTIL[self._number(2)],
            "id": f"order {self._number(20)}",
        }
        return order | {name: value for name, value in given.items() if self._number(3)}

    def _price(self) -> float:
        return round(float(10.0 ** self.np_random.uniform(0.0, 3.0)), 2)

    def _number(self, below: int) -> int:
        return int(self.np_random.integers(below))


class SignalsByCoin(gym.Space[Any]):
    """Signals for some coins: an object by coin, or a list of objects that name theirs.

    Every mapping and every list is in it: a decision that cannot be read, or that breaks a rule, is
    rejected with its reason when the action is carried out.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        leverages: Sequence[tuple[float, float]],
        seed: int | np.random.Generator | None = None,
    ) -> None:
        """Signals of some coins.

        Args:
            symbols: of the coins.
            leverages: the least and the most of an entry in each of them.
            seed: of samples.
        """
        self.symbols = tuple(symbols)
        self.leverages = tuple(leverages)
        super().__init__(shape=None, dtype=None, seed=seed)

    @property
    def is_np_flattenable(self) -> bool:
        return False

    def sample(self, mask: Any | None = None, probability: Any | None = None) -> dict[str, Any]:
        """Signals for some of the coins, in numbers that make sense at any price."""
        signals = {
            symbol: self._signal(*leverages)
            for symbol, leverages in zip(self.symbols, self.leverages, strict=True)
        }
        return {symbol: signal for symbol, signal in signals.items() if self._number(2)}

    def contains(self, x: object) -> bool:
        return isinstance(x, Mapping | list | tuple)

    def to_jsonable(self, sample_n: Any) -> list[Any]:
        return list(sample_n)

    def from_jsonable(self, sample_n: list[Any]) -> list[Any]:
        return list(sample_n)

    def __repr__(self) -> str:
        return f"SignalsByCoin({', '.join(self.symbols)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SignalsByCoin) and self._known == other._known

    def __hash__(self) -> int:
        return hash(self._known)

    @property
    def _known(self) -> tuple[Any, ...]:
        return self.symbols, self.leverages

    def _signal(self, least: float, most: float) -> dict[str, Any]:
        word = SIGNAL_WORDS[self._number(len(SIGNAL_WORDS))]
        if word not in SIDES_OF_ENTRIES:
            return {"signal": word}
        return {
            "signal": word,
            "quantity": round(float(10.0 ** self.np_random.uniform(-3.0, 3.0)), 5),
            "leverage": math.ceil(least) + self._number(int(most) - math.ceil(least) + 1),
            "confidence": round(float(self.np_random.uniform()), 2),
        }

    def _number(self, below: int) -> int:
        return int(self.np_random.integers(below))


def unbounded(
    *shape: int, dtype: npt.DTypeLike = np.float32, low: float | None = None
) -> gym.spaces.Box:
    """Any finite number in this shape, or any of at least ``low``.

    The bounds are the largest numbers there are: Gymnasium's ``check_env`` warns of infinite ones.
    """
    limits: Any = np.iinfo(dtype) if np.issubdtype(dtype, np.integer) else np.finfo(dtype)
    least: Any = limits.min if low is None else low
    return gym.spaces.Box(least, limits.max, shape, dtype)  # type: ignore[arg-type]
