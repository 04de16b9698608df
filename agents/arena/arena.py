"""A language model in the arena: one question a decision about all coins, one JSON reply."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from investorbench.agents.agent import Action, Info, Observation
from investorbench.agents.arena.past_signals import ArenaState, PastSignals, signal_words
from investorbench.agents.arena.question import ask, prompts_sha256, system_message
from investorbench.agents.arena.reply import ArenaDecision, read_reply
from investorbench.agents.arena.rule_words import rank_words, rule_words
from investorbench.agents.finmem.asking import max_tokens_of
from investorbench.agents.finmem.question import Question
from investorbench.agents.finmem.settings import require_at_least_one
from investorbench.agents.llm import Answer, LanguageModel
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.whole_files import write_atomically

NAME = "arena"
SIGNALS = "signals"
"""What actions are."""
STATE = "arena.json"
ANSWER_TOKENS = 200
"""For a coin, beyond what the model's answers may have: ten fields and a justification."""


class ArenaAgent:
    """A language model that trades perpetuals.

    In the warm-up it holds and asks nothing: it learns from no labels.

    Args:
        model: what answers.
        every: decisions from one question to the next; between them everything is held.
        memory: of its own decisions that did something, how many of the last are shown again.
        thinking: whether a reply begins with its reasons.

    Raises:
        InvestorBenchError: a number is too small, or of the wrong kind.
    """

    name = NAME

    def __init__(
        self, model: LanguageModel, *, every: int = 1, memory: int = 0, thinking: bool = True
    ) -> None:
        require_at_least_one(every=every)
        if type(memory) is not int or memory < 0:
            raise InvestorBenchError(f"memory={memory!r} must be a whole number of at least 0")
        if type(thinking) is not bool:
            raise InvestorBenchError(f"thinking={thinking!r} must be true or false")
        self.model, self.every, self.memory, self.thinking = model, every, memory, thinking
        self._state: ArenaState | None = None
        self._system = ""
        self._record: dict[str, Any] | None = None

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Begin a split, with nothing known of an earlier one.

        Raises:
            InvestorBenchError: actions are no signals about perpetuals.
        """
        if facts.action != SIGNALS:
            raise InvestorBenchError(
                f"{NAME} trades perpetuals, by signals; {facts.family} has "
                f"action={facts.action!r}: use agent=finmem for one asset, portfolio/finmem for "
                "several"
            )
        self._facts, self._system, self._record = facts, "", None
        task = f"{facts.family}-{','.join(facts.symbols)}"
        self._state = ArenaState(task=task, split=split, seed=seed)

    async def act(self, observation: Observation, info: Info) -> Action:
        """Decide, or hold where this decision is between two questions.

        Raises:
            InvestorBenchError: the text is not observed, or there was no ``begin``.
            ModelError: the model could not be asked; the same step may be taken again.
        """
        state = self._current
        self._record = None
        if state.split == "warmup" or state.steps % self.every:
            state.steps += 1
            return {}
        if not isinstance(observation, Mapping) or not observation.get("text"):
            raise InvestorBenchError(
                f'{NAME} reads the environment\'s own text: set modalities to have "text" in it'
            )
        rules = rule_words(info.get("limits", {}))
        self._system = self._system or system_message(self._facts, rules, thinks=self.thinking)
        shown = state.recent[-self.memory :] if self.memory else []
        question = ask(
            self._system, self._facts.symbols, _shown(observation["text"], info), state.events,
            shown, thinks=self.thinking,
        )  # fmt: skip
        more = ANSWER_TOKENS * len(self._facts.symbols)
        longest = max_tokens_of(self.model)
        answer = await self.model.decide(
            question.messages, question.schema, seed=state.seed,
            max_tokens=longest + more if longest else None,
        )  # fmt: skip
        decision = read_reply(answer)
        self._conclude(state, info, decision)
        action = {coin: dict(own) for coin, own in decision.signals.items()}
        self._record = _record(state.steps, question, answer, decision, action)
        state.steps += 1
        return action

    def learn(self, reward: float, info: Info) -> None:
        """Note what ended, and what was rejected."""
        self._current.note(info)

    def record(self) -> dict[str, Any] | None:
        """The last decision as plain JSON values; None where nothing was asked."""
        return self._record

    def save(self, folder: str | Path) -> None:
        """Keep the state in a folder, which holds either the old or the new one at any instant."""
        state = json.dumps(self._current.plain(), allow_nan=False)
        write_atomically(Path(folder) / STATE, state)

    def load(self, folder: str | Path) -> None:
        """Take the state from a folder, after ``begin`` with its task, its split and its seed.

        Raises:
            InvestorBenchError: there is none, or it is that of something else.
        """
        state, path = self._current, Path(folder) / STATE
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvestorBenchError(f"{path} holds no state of {NAME}: {error}") from None
        own = (state.task, state.split, state.seed)
        if (saved["task"], saved["split"], saved["seed"]) != own:
            raise InvestorBenchError(f"{path} is the state of another task, split or seed")
        state.restore(saved)

    def describe(self) -> dict[str, Any]:
        """All that determines what this agent does, as plain JSON values."""
        return {
            "agent": NAME,
            "model": self.model.name,
            "is_language_model": self.model.is_language_model,
            "every": self.every,
            "memory": self.memory,
            "thinking": self.thinking,
            "prompts_sha256": prompts_sha256(),
        }

    @property
    def _current(self) -> ArenaState:
        if self._state is None:
            raise InvestorBenchError(f"{NAME} has not begun: call begin(facts, split, seed) first")
        return self._state

    def _conclude(self, state: ArenaState, info: Info, decision: ArenaDecision) -> None:
        state.events = []
        if decision.unfit or not decision.valid:
            left_out = f"{decision.unfit} signals of your last answer" if decision.unfit else "all"
            state.events = [f"left out, as it did not fit: {left_out} ({decision.problem})"]
        done = decision.entries_and_exits
        if done and self.memory:
            words = tuple(signal_words(coin, own) for coin, own in done.items())
            past = PastSignals(time=str(info["time"]), equity=float(info["equity"]), words=words)
            state.recent = [*state.recent, past][-self.memory :]


def _shown(text: str, info: Info) -> str:
    """What the environment words, with the ranks that a tournament shows."""
    ranks = info.get("ranks")
    return text if ranks is None else f"{text}\n{rank_words(ranks)}"


def _record(
    step: int,
    question: Question,
    answer: Answer,
    decision: ArenaDecision,
    action: Mapping[str, Any],
) -> dict[str, Any]:
    done = decision.entries_and_exits
    held = len(action) - len(done)
    words = [f"{own['signal']} {coin}" for coin, own in done.items()]
    return {
        "step": step,
        "question": question.record(),
        "answer": {**asdict(answer), "repaired": answer.repaired},
        "decision": {
            "word": ", ".join(words) or ("hold" if held or not action else ""),
            "valid": decision.valid,
            "rationale": decision.thinking,
            "signals": dict(decision.signals),
            "orders_left_out": decision.unfit,
            "left_out": [decision.problem] if decision.problem else [],
        },
        "action": dict(action),
    }
