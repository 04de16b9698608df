"""What a training is determined by."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from investorbench.tasks.integrations.trl import PAID_BY
from investorbench.tasks.trading_r1.rewards import STAGES
from investorbench_env.errors import InvestorBenchError, UnknownNameError

PHASES = ("supervised", "rewards", "distillation")
"""In their order: on a teacher's theses, by rewards (GRPO), on the model's own that pass."""
LOSS_TYPES = ("grpo", "dr_grpo", "dapo", "bnpo")
LEARNING_RATES: Mapping[str, float] = MappingProxyType(
    {"supervised": 1e-5, "rewards": 1e-6, "distillation": 1e-5}
)
"""Of a model of billions of parameters; the smaller a model, the larger they may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """One stage of training; see docs/training.md.

    Attributes:
        stage: whose weights the rewards have, and whose filter theses must pass.
        phases: those of ``PHASES`` to go through, each from where the one before it ended.
        paid_by: ``"label"`` pays decisions by the true class, ``"money"`` by what came, and
            ``"expected"`` by what was to be expected on a simulated market.
        supervised_steps, rewards_steps, distillation_steps: updates of each phase.
        supervised_rate, rewards_rate, distillation_rate: their learning rates.
        batch: theses of an update, in the phase by rewards those of all its groups.
        group: theses about one briefing, which are compared with each other.
        tokens: of a thesis at most.
        temperature: that theses are drawn at.
        loss_type: how the losses of tokens are put together, as in TRL's ``GRPOConfig``.
        scale_rewards: whether rewards are divided by their deviation in a group, which lets groups
            that hardly differ count as much as others.
        beta: what the distance from the first model weighs; above 0 needs its copy in memory.
        briefings: that the model writes about itself for distillation.
        unseen: rows of the test that every phase is looked at on.
        save_every: updates from one checkpoint to the next.
        seed: of all that is drawn.
    """

    stage: str
    phases: tuple[str, ...] = PHASES
    paid_by: str = "label"
    supervised_steps: int = 200
    rewards_steps: int = 200
    distillation_steps: int = 100
    supervised_rate: float = LEARNING_RATES["supervised"]
    rewards_rate: float = LEARNING_RATES["rewards"]
    distillation_rate: float = LEARNING_RATES["distillation"]
    batch: int = 32
    group: int = 8
    tokens: int = 1024
    temperature: float = 1.0
    loss_type: str = "dr_grpo"
    scale_rewards: bool = False
    beta: float = 0.0
    briefings: int = 256
    unseen: int = 200
    save_every: int = 25
    seed: int = 0

    def __post_init__(self) -> None:
        for kind, given, known in (
            ("stage", (self.stage,), STAGES),
            ("phase", self.phases, PHASES),
            ("way to pay decisions", (self.paid_by,), PAID_BY),
            ("loss type", (self.loss_type,), LOSS_TYPES),
        ):
            for name in given:
                if name not in known:
                    raise UnknownNameError(kind, name, known)
        if not self.phases or list(self.phases) != [n for n in PHASES if n in self.phases]:
            raise InvestorBenchError(
                f"phases={','.join(self.phases)} must be some of {','.join(PHASES)}, each once, in "
                "this order"
            )
        for name in WHOLE:
            value = getattr(self, name)
            if type(value) is not int or value < WHOLE[name]:
                raise InvestorBenchError(
                    f"{name}={value!r} must be a whole number of at least {WHOLE[name]}"
                )
        for name in POSITIVE:
            value = getattr(self, name)
            if not (math.isfinite(value) and (value > 0 or (name == "beta" and value == 0))):
                raise InvestorBenchError(f"{name}={value!r} must be a number above 0")
        if self.batch % self.group:
            raise InvestorBenchError(
                f"batch={self.batch} must hold whole groups of group={self.group}: give a multiple"
            )

    def steps(self, phase: str) -> int:
        """Updates of a phase."""
        return int(getattr(self, f"{phase}_steps"))

    def rate(self, phase: str) -> float:
        """The learning rate of a phase."""
        return float(getattr(self, f"{phase}_rate"))

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {**asdict(self), "phases": list(self.phases)}


WHOLE = MappingProxyType(
    {
        "supervised_steps": 1, "rewards_steps": 1, "distillation_steps": 1, "batch": 1, "group": 2,
        "tokens": 1, "briefings": 1, "unseen": 1, "save_every": 1, "seed": 0,
    }
)  # fmt: skip
"""Settings that are whole numbers, and the least of each."""
POSITIVE = (
    "supervised_rate", "rewards_rate", "distillation_rate", "temperature", "beta",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlaces:
    """Where a training finds and leaves things.

    Attributes:
        model: the folder of the model to begin with, with its tokenizer.
        corpus: the folder of the corpus.
        into: where checkpoints, models and figures go.
    """

    model: Path
    corpus: Path
    into: Path
