"""FinMem (Yu et al., 2023): perceive, store, recall, decide, reflect, take feedback, forget.

Until the model has answered, a step changes nothing but what new documents are in memory, each
once; so a step whose model could not be asked can simply be taken again.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from investorbench.agents.agent import Action, Info, Observation
from investorbench.agents.finmem import saving
from investorbench.agents.finmem.character import Character
from investorbench.agents.finmem.decision import read_answer, word_of
from investorbench.agents.finmem.past_decisions import PastDecision
from investorbench.agents.finmem.perception import Perception, arrivals, perceive
from investorbench.agents.finmem.question import ask, fill, templates_sha256
from investorbench.agents.finmem.rules import Rules
from investorbench.agents.finmem.state import AgentState, Counts
from investorbench.agents.finmem.summaries import (
    Kept,
    ReadDocuments,
    kept_of_filings,
    read_all,
)
from investorbench.agents.finmem.thought import Situation, Thought
from investorbench.agents.llm import Answer, LanguageModel
from investorbench.memory import LayeredMemory, Recalled
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

T = TypeVar("T")


class FinMem:
    """The reference agent: a language model with layered memory.

    Args:
        model: what answers.
        memory: makes the empty memory of a repeat, given its seed; ``begin`` calls it.
        character: role, appetite for risk, background.
        look_back: L, the steps after which cited memories get feedback, over which the appetite
            for risk looks back, and after which recent decisions are reflected upon.
        k: memories recalled from each layer; None: as many as the memory's profile says.
        document_chars: characters of a document that are remembered; of a filing, in all its
            memories together.
        filings: what is kept of their items: ``"summaries"`` that the model writes, or
            ``"extracts"``, sentences chosen by rules; None: summaries by a language model.

    Raises:
        InvestorBenchError: a number is too small, or what is no language model is to sum up.
        UnknownNameError: ``filings`` is neither.
    """

    name = "finmem"

    def __init__(
        self,
        model: LanguageModel,
        memory: Callable[[int], LayeredMemory],
        *,
        character: Character | None = None,
        look_back: int = 3,
        k: int | None = None,
        document_chars: int = 3000,
        filings: Kept | None = None,
    ) -> None:
        for name, value in {
            "look_back": look_back,
            "k": k,
            "document_chars": document_chars,
        }.items():
            if value is not None and value < 1:
                raise InvestorBenchError(f"{name}={value!r} must be at least 1")
        self.filings = kept_of_filings(model, filings)
        self.model = model
        self.character = character or Character()
        self.look_back, self.k, self.document_chars = look_back, k, document_chars
        self.last: Thought | None = None
        """The last step, for records."""
        self._new_memory = memory
        self._state: AgentState | None = None

    @property
    def memory(self) -> LayeredMemory:
        """The memory of this repeat."""
        return self._current.memory

    @property
    def counts(self) -> Counts:
        """How often what happened in this repeat."""
        return self._current.counts

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Begin a split, with an empty memory and nothing known of an earlier repeat.

        Only a test split right after the warm-up of the same task and seed keeps its state.

        Raises:
            InvestorBenchError: there are several assets, or actions other than FinMem's.
        """
        self._rules = Rules.of(facts)
        self.last = None
        task = f"{facts.family}-{facts.symbol}"
        state, before = self._state, (task, "warmup", seed)
        if state and split == "test" and (state.task, state.split, state.seed) == before:
            if state.label is not None and self._rules.log_returns:
                # No decision of the warm-up sees its last close, over which one unit earns.
                state.track.note_move(self._rules.simple_return(state.label))
            state.enter(split)
            return
        self.close()
        self._state = AgentState(task=task, seed=seed, split=split, memory=self._new_memory(seed))

    async def act(self, observation: Observation, info: Info) -> Action:
        """Take one step.

        Raises:
            InvestorBenchError: prices are not observed, or there was no ``begin``.
            ModelError: the model could not be asked; the same step may be taken again.
        """
        state = self._current
        perception = perceive(observation, info, state.start_equity)
        model = self.model if self.filings == "summaries" else None
        arrived = state.arrived(self._arrivals(info))
        read = await read_all(arrived, self.document_chars, model)
        situation = await _apart(state, self._perceive, state, perception, read, info)
        question = situation.question
        answer = await self.model.decide(question.messages, question.schema, seed=state.seed)
        self.last = await _apart(state, self._conclude, state, situation, answer)
        return self._rules.action(self.last.action)

    def learn(self, reward: float, info: Info) -> None:
        """Note what the account did over the step, and the documents that came with its outcome."""
        state = self._current
        position = float(info["position"])
        side = (position > 0) - (position < 0)
        state.track.settle(side, float(info["equity"]) / state.equities[-1] - 1.0)
        state.pending = tuple(state.arrived(self._arrivals(info)))

    def save(self, folder: str | Path) -> None:
        """Keep the state in a folder; between steps, and safe against a kill."""
        saving.save(self._current, Path(folder))

    def load(self, folder: str | Path) -> None:
        """Take the state from a folder, after ``begin`` with its task, its split and its seed.

        Raises:
            InvestorBenchError: there is none, or it is another agent's.
        """
        saving.load(self._current, Path(folder))

    def record(self) -> dict[str, Any]:
        """The last step as plain JSON values."""
        if self.last is None:
            raise InvestorBenchError("FinMem has taken no step of this split yet")
        return self.last.record()

    def close(self) -> None:
        """Let go of the memory."""
        if self._state is not None:
            self._state.memory.close()
            self._state = None

    def describe(self) -> dict[str, Any]:
        """All that determines what this agent does, as plain JSON values."""
        state = self._state
        return {
            "agent": self.name,
            "model": self.model.name,
            "is_language_model": self.model.is_language_model,
            "role": self.character.role,
            "appetite": self.character.appetite,
            "background": state.background if state else self.character.background,
            "look_back": self.look_back,
            "k": self.k,
            "document_chars": self.document_chars,
            "filings": self.filings,
            "prompts_sha256": templates_sha256(),
            "memory": state.memory.identity if state else None,
        }

    @property
    def _current(self) -> AgentState:
        if self._state is None:
            raise InvestorBenchError("FinMem has not begun: call begin(facts, split, seed) first")
        return self._state

    def _perceive(
        self, state: AgentState, perception: Perception, read: ReadDocuments, info: Info
    ) -> Situation:
        """The rest of a step up to its question."""
        self._open(state, perception, simulated=bool(info.get("simulated")))
        stored = state.store(read.parts)
        recalled = self._recall(state, perception)
        # No split but the warm-up has labels, whatever an info holds.
        label = float(info["label"]) if state.split == "warmup" and "label" in info else None
        equities = [*state.equities, perception.equity][-1 - self.look_back :]
        appetite = self.character.appetite_after(equities)
        recent = state.track.recent(self.look_back)
        reflects = len(recent) == self.look_back and state.steps % self.look_back == 0
        return Situation(
            perception=perception,
            label=label,
            appetite=appetite,
            stored=stored,
            recalled=recalled,
            equities=equities,
            summaries=read.summaries,
            question=ask(
                state.system, recalled, recent, perception, appetite, label, reflects=reflects
            ),
        )

    def _conclude(self, state: AgentState, situation: Situation, answer: Answer) -> Thought:
        """All that comes after the model has answered."""
        perception, label = situation.perception, situation.label
        shown = {memory.id for memory in situation.recalled}
        decision = read_answer(answer, shown, None if label is None else word_of(label))
        reflections = state.reflect(perception.session, decision, label)
        state.track.add(
            PastDecision(session=perception.session, decision=decision.word, cited=decision.cited)
        )
        feedback = state.track.feedback(self.look_back, one_unit=self._rules.log_returns)
        state.memory.reinforce(feedback.ids, feedback.sign)
        stepped = state.memory.step()
        thought = Thought(
            split=state.split,
            step=state.steps,
            perception=perception,
            label=label,
            appetite=situation.appetite,
            stored=situation.stored,
            recalled=situation.recalled,
            summaries=situation.summaries,
            question=situation.question,
            answer=answer,
            decision=decision,
            reflections=reflections,
            feedback=feedback,
            deleted=stepped.deleted,
            moves=stepped.moves,
            action=self._rules.target(decision.word, perception.weight),
        )
        state.counts.add(answer, decision)
        state.counts.add_summaries(situation.summaries)
        state.steps += 1
        state.equities, state.label = situation.equities, label
        state.start_equity = state.start_equity or perception.equity
        return thought

    def _open(self, state: AgentState, perception: Perception, *, simulated: bool) -> None:
        """Write the static part of the prompts once a repeat; note how the price moved since."""
        if state.start_equity is not None and perception.returns:
            state.track.note_move(perception.returns[-1])
        if state.steps > 0:
            return
        if state.memory.steps > 0:
            raise InvestorBenchError(
                f"a new repeat begins, but its memory holds {state.memory.steps} steps already: "
                "load what was saved, or have memory(seed) give an empty one"
            )
        state.background = self.character.background_of(
            perception.symbol, perception.session, simulated=simulated
        )
        state.system = fill(
            "system",
            role=self.character.role,
            symbol=perception.symbol,
            background=state.background,
            **self._rules.words(),
        )

    def _arrivals(self, info: Info) -> Any:
        documents = info.get("documents", ())
        return arrivals(documents, str(info["session"]), self._current.seen, self.document_chars)

    def _recall(self, state: AgentState, perception: Perception) -> tuple[Recalled, ...]:
        layers = state.memory.recall([state.background, str(perception)], self.k)
        return tuple(memory for layer in layers.values() for memory in layer)


async def _apart(state: AgentState, work: Callable[..., T], *arguments: Any) -> T:
    """Do the work of a step, in another thread where memory may keep the event loop waiting."""
    if state.memory.is_slow:
        return await asyncio.to_thread(work, *arguments)
    return work(*arguments)
