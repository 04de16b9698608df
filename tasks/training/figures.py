"""What each update of a training says of itself."""

from collections.abc import Mapping
from typing import Any, NamedTuple

EQUAL_GROUPS, ENTROPY, TRUNCATED, LENGTH = "equal groups", "entropy", "truncated", "mean length"
NAMES = {
    "loss": "loss",
    "reward": "reward",
    EQUAL_GROUPS: "frac_reward_zero_std",
    ENTROPY: "entropy",
    TRUNCATED: "completions/clipped_ratio",
    LENGTH: "completions/mean_length",
    "accuracy": "mean_token_accuracy",
}
"""Our names of figures, and TRL's."""
SHARES = (EQUAL_GROUPS, TRUNCATED)


class UpdateFigures(NamedTuple):
    """The figures of one update.

    Attributes:
        phase: of ``PHASES``.
        step, steps: which update of how many.
        values: by our names. Groups whose rewards are all equal teach nothing; theses that were
            cut off have no decision.
    """

    phase: str
    step: int
    steps: int
    values: Mapping[str, float]

    @property
    def line(self) -> str:
        """All of it in one line."""
        shown = [f"{name} {_shown(name, value)}" for name, value in self.values.items()]
        return f"{self.phase} {self.step}/{self.steps} · {' · '.join(shown)}"


def figures_of(logs: Mapping[str, Any], names: Mapping[str, str] = NAMES) -> dict[str, float]:
    """The figures in what a trainer logs."""
    return {name: float(logs[theirs]) for name, theirs in names.items() if theirs in logs}


def _shown(name: str, value: float) -> str:
    if name in SHARES:
        return f"{value:.0%}".replace("%", " %")
    return f"{value:.1f}" if name == LENGTH else f"{value:.4f}"
