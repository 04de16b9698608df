"""How a language model is asked for a forecast beside its decision, and what is read from it.

The question goes into system messages and schemas that are there; where no forecast is asked for,
both are what they are without this.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from investorbench.agents.forecasts import Decision, UpForecast, horizon_of
from investorbench_env.errors import UnknownNameError
from investorbench_env.facts import Facts
from investorbench_env.market.intervals import DAILY

PROBABILITY = "probability"
"""That of a return above 0: the one kind that is asked for."""
UP = "probability_up"
DECISION = "decision"
ASKED = (
    "how likely it is, from 0 to 1, that the asset returns more than 0 from the price at which an "
    "order given now is filled to the close {when}, whatever you decide; 0.5 says that you do not "
    "know."
)
EXAMPLE = "0.35"


class AskedForecast:
    """What is asked of a model in one environment.

    Args:
        kind: ``"probability"``, or None for nothing.
        facts: of the environment; None before it is known.

    Raises:
        UnknownNameError: there is no such kind.
    """

    def __init__(self, kind: str | None, facts: Facts | None = None) -> None:
        if kind not in (None, PROBABILITY):
            raise UnknownNameError("forecast", kind, [PROBABILITY], "or leave it out for none")
        self.kind = kind
        self._horizon = 1 if facts is None else horizon_of(facts)
        self._unit = "session" if facts is None or facts.interval == DAILY else "bar"

    @property
    def words(self) -> str:
        """What the probability is of."""
        count, unit = self._horizon, self._unit
        several = f"of the last of the next {count} {unit}s"
        return ASKED.format(when=several if count > 1 else f"of the next {unit}")

    @property
    def paragraph(self) -> str:
        """The question in a paragraph of its own; empty where nothing is asked."""
        if self.kind is None:
            return ""
        return f"\n\n# Forecast\nWith a decision comes `{UP}`: {self.words}"

    def schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """A schema of decisions, with the probability before what is decided."""
        if self.kind is None:
            return dict(schema)
        parts: dict[str, Any] = {}
        for name, part in schema["properties"].items():
            if name == DECISION:
                parts[UP] = {"type": "number", "minimum": 0.0, "maximum": 1.0}
            parts[name] = part
        return {**schema, "properties": parts, "required": [*parts]}

    def system(self, text: str) -> str:
        """A system message that lists the keys of an answer, with this one in its place."""
        if self.kind is None:
            return text
        lines = text.split("\n")
        place = next(n for n, line in enumerate(lines) if line.startswith(f"- `{DECISION}`:"))
        lines.insert(place, f"- `{UP}`: {self.words}")
        before, after = f'"{DECISION}":', f'"{UP}": {EXAMPLE}, "{DECISION}":'
        return "\n".join(
            line.replace(before, after) if line.startswith("{") else line for line in lines
        )

    def decided(self, action: Any, value: Mapping[str, Any] | None) -> Any:
        """An action with the probability in an answer, where there is one.

        Args:
            action: as the environment takes it.
            value: what was answered; None where that could not be used.
        """
        up = None if self.kind is None or value is None else value.get(UP)
        if isinstance(up, bool) or not isinstance(up, int | float) or not 0.0 <= up <= 1.0:
            return action
        return Decision(action, forecast=UpForecast(up=up, horizon=self._horizon))

    def described(self) -> dict[str, str]:
        """What determines an agent by it: nothing where nothing is asked."""
        if self.kind is None:
            return {}
        return {"forecast": self.kind, "forecast_sha256": sha256(ASKED.encode()).hexdigest()}
