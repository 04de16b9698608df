"""Whether a recorded briefing is the one that its day, form and seed give: evidence is paid by it.

The form and the seed are those that an agent says of itself: ``briefing``, the settings of a
:class:`BriefingForm`, and ``briefing_seed``. It knows no market: who has a step's history calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Self

from investorbench.tasks.trading_r1.recorded import RecordedThesis
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.past import Past
from investorbench_env.wrappers.briefing import Brief, brief, seed_of_decision
from investorbench_env.wrappers.briefing_form import SETTINGS, BriefingForm

AROUND = 12
"""Characters before the first that differs which a difference quotes."""
LONGEST = 40
"""Characters of a line that a difference quotes."""
SAYS = ("briefing", "briefing_seed")
"""What an agent says of itself, from which its briefings follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefingCard:
    """What the briefings of an agent follow from, besides the market.

    Attributes:
        form: how much of everything.
        seed: from which, with the time of a decision, that of its briefing follows.
    """

    form: BriefingForm
    seed: int

    @classmethod
    def of(cls, described: Mapping[str, Any] | None) -> Self | None:
        """From what an agent says of itself; None where it says nothing of briefings.

        Raises:
            InvestorBenchError: there is no such form, or no such seed.
        """
        form, seed = ((described or {}).get(name) for name in SAYS)
        if form is None and seed is None:
            return None
        try:
            if type(seed) is not int or not set(form or {}) <= set(SETTINGS):
                raise TypeError(f"a form has {', '.join(SETTINGS)}, and a seed is a whole number")
            return cls(form=BriefingForm(**(form or {})), seed=seed)
        except (InvestorBenchError, TypeError, AttributeError) as error:
            raise InvestorBenchError(
                f"what the agent says of its briefings is no form and seed: {error}"
            ) from None


def other_briefing(
    written: RecordedThesis, card: BriefingCard, past: Past, facts: Facts
) -> str | None:
    """How a recorded briefing differs from the one of its day, in words; None where it does not.

    Args:
        written: a thesis with what was recorded of its briefing.
        card: what the agent says of its briefings.
        past: what was known at the decision.
        facts: of the environment.
    """
    seed = seed_of_decision(card.seed, past.time)
    found = brief(past, facts, seed=seed, form=card.form)
    if written.left_out:  # counted by what only its model has: the same pieces gave way
        room = max(len(found.pieces) - written.left_out, 1)
        found = brief(past, facts, seed=seed, form=card.form, pieces=room)
    return first_other_line(written.briefing, found.text) or _other_part(written, found)


def first_other_line(was: str, now: str) -> str | None:
    """The first line in which a briefing differs from what it comes to; None where none does."""
    lines = zip_longest(was.split("\n"), now.split("\n"))
    for number, (own, other) in enumerate(lines, 1):
        if own is None:
            return f"its briefing lacks line {number}: {other[:LONGEST]!r}"
        if other is None:
            return f"its briefing has a line {number} too many: {own[:LONGEST]!r}"
        if own != other:
            at = _common(own, other)
            return f"line {number} of its briefing is {_quoted(own, at)}, not {_quoted(other, at)}"
    return None


def _other_part(written: RecordedThesis, found: Brief) -> str | None:
    for name in ("seed", "ids", "cut", "sha256"):
        was, now = getattr(written, name), getattr(found, name)
        if was != now:
            if isinstance(now, tuple):  # the first that differs says enough
                was, now = next(pair for pair in zip_longest(was, now) if pair[0] != pair[1])
            return f"{name} of its briefing has {was!r:.80}, not {now!r:.80}"
    return None


def _common(one: str, other: str) -> int:
    """How many characters two lines begin with alike."""
    pairs = enumerate(zip_longest(one, other))
    return next(number for number, (own, its) in pairs if own != its)


def _quoted(line: str, at: int) -> str:
    """A line around one of its characters."""
    first = max(at - AROUND, 0)
    shown = line[first : first + LONGEST]
    return repr(f"{'…' * (first > 0)}{shown}{'…' * (first + LONGEST < len(line))}")
