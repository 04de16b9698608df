"""Which theses are kept to learn from: they pass structure, then evidence, then direction.

Each stage of training takes what passes its own filter and those before it. Pure functions.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from investorbench.agents.thesis.thesis import parse
from investorbench.tasks.trading_r1.citable import Citable
from investorbench.tasks.trading_r1.rewards import SIZES, STAGES, Rewards, rewards
from investorbench_env.errors import InvestorBenchError, UnknownNameError

ThesisFault = Literal["structure", "evidence", "direction"]


class Judged(NamedTuple):
    """What a filter says of a thesis.

    Attributes:
        rewards: that it earns.
        stage: the last stage whose filter it passes; None where it passes none.
        fault: what it fails by first; None where it passes all.
    """

    rewards: Rewards
    stage: str | None
    fault: ThesisFault | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThesisFilter:
    """What a thesis must earn to be kept.

    Attributes:
        structure: the least reward for structure, from stage I on.
        evidence: the least reward for evidence, from stage II on. In stage III the decision must
            also point where the label does: up, down, or nowhere.
    """

    structure: float = 0.7
    evidence: float = 0.75

    def __post_init__(self) -> None:
        for name in ("structure", "evidence"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise InvestorBenchError(f"{name}={value!r} must be a reward from 0 to 1")

    def judge(self, text: str, citable: Citable, truth: str) -> Judged:
        """Reward a thesis, and say how far it comes.

        Args:
            text: what was written.
            citable: what its briefing gave it to cite.
            truth: the true class.
        """
        earned = rewards(text, citable, truth)
        decided = parse(text).decision
        passed = {
            "structure": earned.structure >= self.structure,
            "evidence": earned.evidence >= self.evidence,
            "direction": decided is not None and _sign(decided) == _sign(truth),
        }
        stage, fault = None, None
        for name, own in zip(STAGES, passed, strict=True):
            if not passed[own]:
                fault = own
                break
            stage = name
        return Judged(earned, stage, fault)  # type: ignore[arg-type]


def reaches(stage: str | None, wanted: str) -> bool:
    """Whether what passed the filters up to one stage passed that of another.

    Raises:
        UnknownNameError: there is no such stage.
    """
    order = list(STAGES)
    if wanted not in order:
        raise UnknownNameError("stage", wanted, order)
    return stage is not None and order.index(stage) >= order.index(wanted)


def _sign(label: str) -> int:
    size = SIZES[label]
    return (size > 0) - (size < 0)
