"""Answers FinMem's questions on a noisy market as one who understands each text that it is shown.

It knows the law, as the filter does, and of the market nothing but the prompt. It recalls nothing
from one question to the next and disregards its own conclusions: what it knows it must be shown.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from statistics import NormalDist
from typing import Any, NamedTuple, Self

from investorbench.agents.llm.answer import Answer, Message, Schema, Usage
from investorbench.agents.llm.canonical import canonical, digest
from investorbench.agents.simulated.lasting_statements import (
    GUIDANCE,
    MOOD,
    Claim,
    claims_in,
    repeated_in,
)
from investorbench_env.errors import MarketError
from investorbench_env.market.simulated import Dynamics, NoisyDynamics

OUTLIVED_DAYS = 125
"""Calendar days after which guidance is certain to have been followed by another report."""
HORIZON = 5.0
"""Sessions for which a position taken for what lasts is expected to stay."""
MOOD_OF_ONE = 0.4
"""The mood that one statement of today lets expect, in standard deviations."""

_BLOCK = re.compile(r"<(\w+)((?:\s[^<>]*)?)>\n?([^<]*)</\1>")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_SESSION = re.compile(r"(?m)^Session: (\d{4}-\d\d-\d\d)")
_LABEL = re.compile(r" \((?:positive|neutral|negative)\)$")
_NEWS = "news"
_ITEM = re.compile(r"^(N\d+|–)(?: \(([^)]*)\))?: (.+)$")
_KNOWN = re.compile(r"known since (\S+)")
_FORCED = re.compile(r"The decision that follows is (buy|hold|sell)")


class ShownText(NamedTuple):
    """One text of a prompt."""

    id: str
    """What it can be cited by; empty where it cannot."""
    date: str
    """Since when it is known."""
    text: str


class Evidence(NamedTuple):
    """What one text says, and where it stands."""

    claim: Claim
    date: str
    id: str


class Belief(NamedTuple):
    """What a prompt lets its reader believe."""

    guidance: int
    """+1, −1, or 0 where nothing shows it."""
    facts: Mapping[str, int]
    mood: float
    """In standard deviations."""
    evidence: tuple[Evidence, ...]
    """What the belief rests on."""


class PromptReader:
    """A language model's stand-in; the same prompt always gets the same answer.

    Args:
        dynamics: the parameters of the market's law.
        cost_rate: of traded notional, for which a gain must make up.

    Raises:
        MarketError: they are those of another law.
    """

    is_language_model = False
    name = "reader"

    def __init__(self, dynamics: Dynamics, *, cost_rate: float = 0.001) -> None:
        if not isinstance(dynamics, NoisyDynamics):
            raise MarketError("this reader knows the law of stock/sim-noise, and no other one")
        self._dynamics = dynamics
        self._threshold = cost_rate / dynamics.daily_volatility
        self.beliefs: list[Belief] = []
        """Of each question, in order, for an evaluator."""

    def __deepcopy__(self, memo: Mapping[int, Any]) -> Self:
        return self

    async def decide(
        self,
        messages: Sequence[Message],
        schema: Schema | None,
        *,
        seed: int | None = None,
        repeat: int = 0,
        max_tokens: int | None = None,
        tools: Sequence[Any] = (),
    ) -> Answer:
        """Fill in a schema; for the arguments see ``Client.decide``. Seeds change nothing here."""
        prompt = "\n".join(str(m["content"]) for m in messages if m["role"] == "user")
        belief = self.believe(prompt, _symbol_in(prompt))
        if _SESSION.search(prompt):  # else it is not asked about a day
            self.beliefs.append(belief)
        value = self._fill(schema or {}, belief, _FORCED.search(prompt))
        return Answer(
            value=value,
            text=canonical(value),
            status="ok",
            rung="text",
            model=self.name,
            request_hash=digest([self.name, list(messages), schema]),
            usage=Usage(),
            cost_usd=0.0,
            is_language_model=False,
        )

    def believe(self, prompt: str, symbol: str) -> Belief:
        """What a prompt lets one believe of an asset."""
        today = _SESSION.search(prompt)
        now = today[1] if today else ""
        latest: dict[str, Evidence] = {}
        mood = []
        for shown in sorted(texts_in(prompt, now), key=lambda shown: shown.date):
            for claim in claims_in(shown.text, symbol):
                evidence = Evidence(claim, shown.date, shown.id)
                if claim.about != MOOD:
                    latest[claim.about] = evidence
                elif shown.date == now:
                    mood.append(evidence)
        guidance = latest.pop(GUIDANCE, None)
        if guidance and _days(guidance.date, now) > OUTLIVED_DAYS:
            guidance = None
        return Belief(
            guidance=guidance.claim.sign if guidance else 0,
            facts={about: evidence.claim.sign for about, evidence in latest.items()},
            mood=MOOD_OF_ONE * sum(evidence.claim.sign for evidence in mood),
            evidence=(*([guidance] if guidance else []), *latest.values(), *mood),
        )

    def gain(self, belief: Belief) -> float:
        """What being long is expected to gain, in daily volatilities."""
        d = self._dynamics
        lasts = d.guidance_strength * belief.guidance + d.fact_strength * sum(belief.facts.values())
        passing = d.mood_strength * belief.mood * (d.mood_days - d.overnight_share)
        return HORIZON * lasts + passing

    def _fill(self, schema: Schema, belief: Belief, forced: re.Match[str] | None) -> dict[str, Any]:
        gain = self.gain(belief)
        sign = (gain > self._threshold) - (gain < -self._threshold)
        word = forced[1] if forced else ("hold", "buy", "sell")[sign]
        sign = {"buy": 1, "sell": -1, "hold": sign}[word]
        why = ", ".join(f"{about} {each:+d}" for about, each in sorted(belief.facts.items()))
        rationale = (
            f"Guidance {belief.guidance:+d}; facts: {why or 'none'}; mood {belief.mood:+.1f}; "
            f"a position gains {gain:+.2f} daily volatilities: {word}."
        )
        parts: dict[str, Any] = {}
        for key, part in schema.get("properties", {}).items():
            if part.get("type") == "array":
                allowed = part["items"].get("enum", ())
                cited = {each.id for each in belief.evidence if each.claim.sign == sign}
                parts[key] = [id for id in allowed if str(id) in cited]
            elif part.get("type") == "number":  # how likely a rise is, over about as long
                parts[key] = NormalDist().cdf(gain / math.sqrt(HORIZON))
            else:
                parts[key] = word if key == "decision" else rationale
        return parts


def texts_in(prompt: str, now: str) -> Iterator[ShownText]:
    """The texts of others in a prompt: memories of earlier days, and what is new."""
    for tag, attributes, text in _BLOCK.findall(prompt):
        if tag != _NEWS:
            named = dict(_ATTRIBUTE.findall(attributes))
            yield ShownText(named["id"], named["date"], _LABEL.sub("", text.strip()))
            continue
        for line in text.splitlines():
            if item := _ITEM.match(line):
                label, about, words = item.groups()
                known = _KNOWN.search(about or "")
                # What was known before is a memory, though it comes as news.
                old = repeated_in(words) if known else ""
                yield ShownText(label.strip("–"), known[1] if known else now, old or words)


def _symbol_in(prompt: str) -> str:
    found = re.search(r"(?m)^Closes of (\S+):", prompt)
    return found[1] if found else ""


def _days(earlier: str, later: str) -> int:
    return (date.fromisoformat(later) - date.fromisoformat(earlier)).days
