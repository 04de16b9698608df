"""The record of one step of a portfolio's agent."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from investorbench.agents.finmem.past_decisions import Feedback
from investorbench.agents.finmem.question import Question
from investorbench.agents.finmem.room import Excerpt, LeftOut, RefusedQuestion
from investorbench.agents.finmem.summaries import Summary
from investorbench.agents.finmem.thought import (
    Shown,
    answers_record,
    plain,
    recalled_records,
)
from investorbench.agents.llm import Answer
from investorbench.agents.portfolio.actions import Ordered
from investorbench.agents.portfolio.decision import PortfolioDecision
from investorbench.agents.portfolio.question import PortfolioBriefing
from investorbench.memory import Stepped


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioSituation:
    """What a step rests on up to its question.

    Attributes:
        day: what may be shown.
        vectors: of the texts of each asset's news, [N, D] each.
        equities: at the last decisions and now, oldest first.
        summaries: that were asked for of new filings, one an item.
        refused: longer questions about these, which the server did not take.
    """

    day: PortfolioBriefing
    vectors: tuple[NDArray[np.float32], ...]
    equities: list[float]
    summaries: tuple[Summary, ...]
    refused: tuple[RefusedQuestion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetThought:
    """What a step was for one asset.

    Attributes:
        stored: the new texts in memory, by id, with their beginnings.
        news: how much of them the prompt shows.
        shown: memories and lines in it.
        reflections: ids of what was concluded.
        feedback: to memories cited earlier.
        stepped: what was forgotten, and what moved, at the end of the step.
    """

    stored: Mapping[int, str]
    news: Shown
    shown: Excerpt
    reflections: tuple[int, ...]
    feedback: Feedback
    stepped: Stepped


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioThought:
    """One step of the agent.

    Attributes:
        split: ``"warmup"`` or ``"test"``.
        step: of the repeat, from 0, the warm-up included.
        day: what could be shown.
        assets: what it was for each, by symbol.
        left_out: what the model had no room for.
        refused: longer questions, which its server did not take.
        summaries: that were asked for of new filings, one an item.
        question: what was asked.
        answer: of the model.
        decision: what was read from it.
        ordered: what went to the environment.
        unmeant: what of the answer could not be meant, in words.
    """

    split: str
    step: int
    day: PortfolioBriefing
    assets: Mapping[str, AssetThought]
    left_out: LeftOut
    refused: tuple[RefusedQuestion, ...]
    summaries: tuple[Summary, ...]
    question: Question
    answer: Answer
    decision: PortfolioDecision
    ordered: Ordered
    unmeant: tuple[str, ...]

    @property
    def orders_left_out(self) -> int:
        """How many orders or weights of the answer could not be meant."""
        return len(self.unmeant) + max(self.decision.unfit - 1, 0)

    def record(self) -> dict[str, Any]:
        """All of it as plain JSON values, by asset what belongs to one.

        The texts of recalled memories are in the prompt, each in its block, and not repeated. Where
        the decision is not the only answer, all of them are under ``answers``, by their roles.
        """
        answer = {**plain(self.answer), "repaired": self.answer.repaired}
        record = {
            "split": self.split,
            "step": self.step,
            "perception": self.day.perception.record(),
            "labels": None if self.day.labels is None else dict(self.day.labels),
            "appetite": self.day.appetite,
            "stored": {
                f"{symbol} {id}": text
                for symbol, own in self.assets.items()
                for id, text in own.stored.items()
            },
            "news": {symbol: own.news._asdict() for symbol, own in self.assets.items()},
            "recalled": [
                {**memory, "id": f"{symbol} {memory['id']}", "label": f"{symbol} {memory['label']}"}
                for symbol, own in self.assets.items()
                for memory in recalled_records(own.shown.memories)
            ],
            "left_out": self.left_out._asdict(),
            "refused": [each._asdict() for each in self.refused],
            "question": self.question.record(),
            "answer": answer,
            "decision": self._decision(),
            **self._later(),
            "action": self.ordered.plain(),
        }
        if self.summaries:
            record["answers"] = answers_record(self.answer, self.summaries)
        return record

    def _later(self) -> dict[str, Any]:
        """What became of the memories of each asset, by its symbol and their ids."""
        assets = self.assets.items()

        def named(ids: Callable[[AssetThought], Iterable[int]]) -> list[str]:
            return [f"{symbol} {id}" for symbol, own in assets for id in ids(own)]

        return {
            "reflections": named(lambda own: own.reflections),
            "feedback": [
                {"ids": [f"{symbol} {id}" for id in own.feedback.ids], "sign": own.feedback.sign}
                for symbol, own in assets
                if own.feedback.ids
            ],
            "deleted": named(lambda own: own.stepped.deleted),
            "moves": [
                {**plain(move), "id": f"{symbol} {move.id}"}
                for symbol, own in assets
                for move in own.stepped.moves
            ],
        }

    def _decision(self) -> dict[str, Any]:
        decision = self.decision
        return {
            "word": self.ordered.word,
            "orders": self.ordered.words(),
            "valid": decision.valid,
            "rationale": decision.rationale,
            "reflection": decision.reflection,
            "views": {view.symbol: view.rationale for view in decision.views},
            "cited": [f"{view.symbol} {id}" for view in decision.views for id in view.cited],
            "dropped": decision.dropped,
            "left_out": list(self.unmeant),
            "orders_left_out": self.orders_left_out,
        }
