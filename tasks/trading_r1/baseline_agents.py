"""Agents that end in Trading-R1's decisions without reading anything, and record them as theses.

They trade by the same table as the agent of theses, so that its account can be seen beside theirs.
In a warm-up they hold.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from investorbench.agents.interpreter import Interpreter
from investorbench.agents.thesis.targets import meant, targets_of
from investorbench.tasks.trading_r1.decisions import class_of, mark_of
from investorbench.tasks.trading_r1.labels import label_scores
from investorbench.tasks.trading_r1.thresholds import Thresholds, freeze, label_split, labels_of
from investorbench.tasks.trading_r1.truths import Labelling, labelling_of, truths_of
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.market import Market
from investorbench_env.market.past import Past

Observation = Any
Info = Mapping[str, Any]


class ClassAgent:
    """Ends in one of the five decisions each day, and trades by a table of target weights.

    Args:
        weights: the target weight of each decision, by its name; None for -1, -.5, 0, .5, 1.

    Raises:
        InvestorBenchError: the weights are not those of the five decisions.
    """

    name: str

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        self._targets = dict(targets_of(weights))
        self._record: dict[str, Any] = {}

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Begin a split.

        Raises:
            InvestorBenchError: there are several assets, or actions of another kind.
        """
        self._facts, self._is_warmup = facts, split == "warmup"
        self._interpreter = Interpreter(facts, self.name)
        self._record = {}

    def act(self, observation: Observation, info: Info) -> Any:
        """What the decision of the day stands for."""
        if self._is_warmup:
            return self._interpreter.read("hold", info).action
        decision = self.decide(info)
        decided = self._interpreter.read(meant(decision, self._targets, self._facts), info)
        thesis = {"text": mark_of(decision), "decision": decision}
        self._record = {**decided.record(), "thesis": thesis}
        return decided.action

    def decide(self, info: Info) -> str:
        """One of ``CLASSES``."""
        raise NotImplementedError

    def record(self) -> dict[str, Any]:
        """The last decision."""
        return self._record


class ConstantDecision(ClassAgent):
    """The same decision every day: what there is to earn without looking.

    Args:
        decision: in any case, with a blank or an underscore.
        weights: likewise of all.

    Raises:
        UnknownNameError: there is no such decision.
    """

    name = "constant"

    def __init__(
        self, decision: str = "buy", *, weights: Mapping[str, float] | None = None
    ) -> None:
        super().__init__(weights)
        self._decision = class_of(decision)

    def decide(self, info: Info) -> str:
        return self._decision


class MomentumClass(ClassAgent):
    """The class of the move that has been, by thresholds of its own; hold where there is none.

    Args:
        labels: what the task says of its labels: the window that thresholds are frozen on.
        weights: likewise of all.

    Raises:
        InvestorBenchError: there are none, or no such window.
    """

    name = "momentum_class"

    def __init__(
        self,
        labels: Mapping[str, Any] | None,
        *,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(weights)
        self._labelling = _labelling(self.name, labels)
        self._thresholds: Thresholds | None = None

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Begin a split, without thresholds.

        Raises:
            InvestorBenchError: bars are shorter or longer than a day.
        """
        super().begin(facts, split, seed)
        _require_days(facts, self.name)
        self._thresholds = None

    def decide(self, info: Info) -> str:
        """By all closes so far.

        Raises:
            InvestorBenchError: the environment shows no history, or too little of it.
        """
        past = info.get("history")
        if not isinstance(past, Past):
            raise InvestorBenchError(
                f'{self.name} reads info["history"], which {self._facts.family} does not give: use '
                "an environment of one asset, such as stock/sim"
            )
        bars = past.bars()
        bars = bars[~np.isnan(bars["close"])]
        growth = 1.0 + np.nan_to_num(bars["total_return"])
        scores = label_scores(
            bars["session"], np.cumprod(growth), "trailing", self._labelling.volatility
        )
        if self._thresholds is None:
            split = label_split(
                scores.sessions, self._labelling.train, (past.session, past.session)
            )
            self._thresholds = freeze(scores, split, symbol=past.symbol, source=self._facts.source)
        (label,) = labels_of(scores, self._thresholds, slice(-1, None))
        return label or "HOLD"


class LabelOracle(ClassAgent):
    """Decides by the label, which cannot be known on the day; hold where there is none.

    Args:
        market: all of it.
        labels: what the task says of its labels.
        weights: likewise of all.

    Raises:
        InvestorBenchError: there are none, or no such window.
    """

    name = "label_oracle"

    def __init__(
        self,
        market: Market,
        labels: Mapping[str, Any] | None,
        *,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(weights)
        self._market = market
        self._labelling = _labelling(self.name, labels)

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Label the days of the test.

        Raises:
            InvestorBenchError: the windows, the closes or the bars allow no labels.
        """
        super().begin(facts, split, seed)
        _require_days(facts, self.name)
        if split != "warmup":
            self._days = truths_of(self._market, facts.window, self._labelling).days

    def decide(self, info: Info) -> str:
        return self._days[str(info["session"])].label or "HOLD"


def _labelling(agent: str, labels: Mapping[str, Any] | None) -> Labelling:
    if labels is None:
        raise InvestorBenchError(
            f"{agent} decides by labels: choose a task that has some, such as trading_r1/sim, or "
            'say what they are: task.labels={train: ["2021-01-04", "2022-12-30"]}'
        )
    # A configuration has lists of its own.
    plain = {
        name: [*part] if isinstance(part, Sequence) and not isinstance(part, str) else part
        for name, part in labels.items()
    }
    return labelling_of(plain)


def _require_days(facts: Facts, agent: str) -> None:
    if facts.interval != "1d" or facts.horizon is not None:
        raise InvestorBenchError(
            f"{agent} decides by labels of consecutive days, and {facts.family} has "
            + (
                "single decisions, each held for a horizon"
                if facts.horizon is not None
                else f"bars of {facts.interval}"
            )
            + ": use a task such as trading_r1/sim"
        )
