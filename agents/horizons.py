"""What prompts say of the next session, where a decision is the only one and held for a horizon.

The words go into texts that are there; without a horizon they stay what they are.
"""

import re

ONCE = re.compile(
    r"once (?:after each|at the end of each) (?P<unit>session|bar)\. "
    r"Each decision is for the next (?P=unit)\."
)
SPAN = re.compile(r"for the next (?P<unit>session|bar)\?")
ALONE = (
    ("keep the position that you have", "have no position"),
    ("new since your last decision", "new"),
    ("Change it when the evidence is worth the cost, not because a day has passed.",
     "Take one when the evidence is worth the cost."),
)  # fmt: skip
"""What is said of earlier decisions, and what where there are none."""


def over_horizon(text: str, horizon: int | None) -> str:
    """A prompt's own text, or its template, as it is where decisions are held for a horizon.

    Args:
        text: without anything that others wrote.
        horizon: that of the facts; None for an account, of which nothing is changed.
    """
    if horizon is None:
        return text
    text = ONCE.sub(lambda found: _once(found["unit"], horizon), text)
    text = SPAN.sub(lambda found: f"for the next {_span(found['unit'], horizon)}?", text)
    for phrase, other in ALONE:
        text = text.replace(phrase, other)
    return text


def _once(unit: str, horizon: int) -> str:
    held = (
        f"for {_span(unit, horizon)}, to the close of the last" if horizon > 1 else "to its close"
    )
    return (
        f"once, after the close of a {unit}. A position is entered at the open of the next {unit} "
        f"and held {held}; its cost is paid once."
    )


def _span(unit: str, horizon: int) -> str:
    return unit if horizon == 1 else f"{horizon} {unit}s"
