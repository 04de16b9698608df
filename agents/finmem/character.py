"""Who the agent is: its role, its appetite for risk, and what it knows of its asset beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from investorbench.agents.finmem.backgrounds import BACKGROUNDS

Appetite = Literal["risk_seeking", "risk_averse"]

UNKNOWN_BACKGROUND = "Nothing is known of {symbol} beforehand."


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """The profile of an agent, as in FinMem (Yu et al., 2023).

    Attributes:
        role: completes "You are …".
        appetite: ``"dynamic"`` follows the recent return; the others never change.
        background: of the asset, in place of the table's; its author answers for its date.
    """

    role: str = "an experienced trader who weighs evidence and keeps count of the risk."
    appetite: Literal["dynamic", "risk_seeking", "risk_averse"] = "dynamic"
    background: str | None = None

    def appetite_after(self, equities: Sequence[float]) -> Appetite:
        """The appetite for risk, given the equity before and after each recent step, oldest first.

        Dynamic, it is risk-seeking when the cumulative return over them is ≥ 0, else risk-averse.
        """
        if self.appetite != "dynamic":
            return self.appetite
        falling = len(equities) > 1 and equities[-1] < equities[0]
        return "risk_averse" if falling else "risk_seeking"

    def background_of(self, symbol: str, session: str, *, simulated: bool) -> str:
        """What is known of an asset before a first session, YYYY-MM-DD.

        Of a simulated market nothing is, whatever real name it borrows; and facts of a later day
        than the session are left out.
        """
        if self.background is not None:
            return self.background
        known = BACKGROUNDS.get(symbol.upper())
        if known is None or simulated or known.as_of >= session:
            return UNKNOWN_BACKGROUND.format(symbol=symbol)
        return f"{known.text} (As of {known.as_of}.)"


def names_of(symbol: str, background: str) -> tuple[str, ...]:
    """What an asset is called: its symbol, and the first word of what is known of it."""
    if background == UNKNOWN_BACKGROUND.format(symbol=symbol):
        return (symbol,)
    return symbol, background.partition(" ")[0].rstrip(",")
