"""What an agent may say of a perpetual: enter, hold, close, and the plan of a position."""

from typing import Literal, NamedTuple, get_args

SignalWord = Literal["buy_to_enter", "sell_to_enter", "hold", "close_position"]
SIGNAL_WORDS: tuple[SignalWord, ...] = get_args(SignalWord)
BUY_TO_ENTER, SELL_TO_ENTER, HOLD, CLOSE = SIGNAL_WORDS
MOST_NUMBER = 1e30
"""No number of a signal is larger: observations hold it in single precision."""
SIDES: dict[str, float] = {BUY_TO_ENTER: 1.0, SELL_TO_ENTER: -1.0}
"""The sign of the position that an entry opens."""


class Signal(NamedTuple):
    """What was decided about one coin.

    Attributes:
        symbol: the coin.
        signal: one of ``SIGNAL_WORDS``; empty where it could not be read.
        quantity: coins, of an entry.
        leverage: of an entry.
        profit_target: the price at which the position is closed with a profit; None for none.
        stop_loss: the price at which it is closed with a loss; None for none.
        invalidation_condition: what would make the agent close it, in words.
        confidence: that the target is met before the stop, from 0 to 1.
        risk_usd: what the stop would lose, as the agent has worked it out.
        justification: why, in words.
    """

    symbol: str
    signal: str
    quantity: float | None = None
    leverage: float | None = None
    profit_target: float | None = None
    stop_loss: float | None = None
    invalidation_condition: str = ""
    confidence: float | None = None
    risk_usd: float | None = None
    justification: str = ""

    @property
    def is_entry(self) -> bool:
        """Whether it opens a position or adds to one."""
        return self.signal in SIDES


class Repair(NamedTuple):
    """Something in a decision that was not written as it should be, and whose meaning is certain.

    Attributes:
        symbol: the coin; empty where it is of all of them.
        kind: one of ``REPAIRS``.
        what: in words.
    """

    symbol: str
    kind: str
    what: str


REPAIRS = {
    "list": "a list of objects that name their coins, in place of one object by coin",
    "single": "one object that names its coin, in place of one object by coin",
    "wrapped": "a list of one object in place of the object",
    "word": "a signal alone in place of an object",
    "case": "a coin or a signal in other letters or with blanks around it",
    "number": "a number in quotation marks",
    "ignored": "a field that the signal has no use for and that cannot be read",
}
"""What is repaired, by its kind."""
