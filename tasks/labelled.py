"""What is known afterwards of an episode's decisions, in plain values: as ``labels.json`` holds it.

It knows neither how a label is made nor how a thesis is read: ``tasks.trading_r1`` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self


class MarkedDay(NamedTuple):
    """A decision, what came after it, and what it earned.

    Attributes:
        session: ``YYYY-MM-DD``.
        label: the class that came; None where ``why`` says the reason.
        why: there is no label.
        score: that the label follows from.
        momentum: the class of what had been, by thresholds of its own.
        horizon_return: of the next seven sessions.
        daily_volatility: of the last twenty.
        decided: the class that was decided; None for none.
        structure, evidence: what a thesis earned for them; None where none was written.
        decision: what the class earned; None without a label, or of who decides no classes.
        graded: the same in money, in units of what the stock moves; None likewise.
    """

    session: str
    label: str | None = None
    why: str | None = None
    score: float | None = None
    momentum: str | None = None
    horizon_return: float | None = None
    daily_volatility: float | None = None
    decided: str | None = None
    structure: float | None = None
    evidence: float | None = None
    decision: float | None = None
    graded: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledEpisode:
    """The decisions of an episode with what came after them.

    Attributes:
        thresholds: of the labels, with their provenance; None where there are no labels.
        trailing: of the momentum classes, likewise.
        round_trip_rate: what buying and selling cost together, as a share.
        why: no day has a label; None where some have.
        decides: whether the agent decides classes.
        days: a row a decision [T].
    """

    thresholds: Mapping[str, Any] | None
    trailing: Mapping[str, Any] | None
    round_trip_rate: float
    why: str | None
    decides: bool
    days: tuple[MarkedDay, ...]

    def plain(self) -> dict[str, Any]:
        """The same as JSON holds it."""
        return {
            "thresholds": self.thresholds,
            "trailing": self.trailing,
            "round_trip_rate": self.round_trip_rate,
            "why": self.why,
            "decides": self.decides,
            "days": [day._asdict() for day in self.days],
        }

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """From what JSON holds.

        Raises:
            ValueError: it holds something else.
        """
        try:
            return cls(
                thresholds=_mapping(content["thresholds"]),
                trailing=_mapping(content["trailing"]),
                round_trip_rate=float(content["round_trip_rate"]),
                why=_text(content["why"]),
                decides=bool(content["decides"]),
                days=tuple(map(_day, content["days"])),
            )
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"{type(error).__name__} {error}") from None


OF_TEXT = ("session", "label", "why", "momentum", "decided")


def _day(content: Mapping[str, Any]) -> MarkedDay:
    if set(content) != set(MarkedDay._fields):
        raise ValueError(f"a day has {', '.join(content)}")
    read: dict[str, Any] = {
        name: _text(value) if name in OF_TEXT else _number(value) for name, value in content.items()
    }
    return MarkedDay(**read)


def _mapping(value: Any) -> dict[str, Any] | None:
    return None if value is None else dict(value)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"{value!r} is no text")


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"{value!r} is no number")
