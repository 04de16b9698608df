"""FinMem: perceive, store, recall, decide, reflect, hear feedback, forget; REFERENCE.md §1.5–1.6.

Until the model has answered, a step changes nothing but what new documents are in memory, each
once; so a step whose model could not be asked can simply be taken again.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from investorbench.agents.agent import Action, Info, Observation, TaskFacts
from investorbench.agents.finmem import saving
from investorbench.agents.finmem.character import Character
from investorbench.agents.finmem.decision import read_answer, word_of
from investorbench.agents.finmem.life import Counts, Life
from investorbench.agents.finmem.outcomes import Deed
from investorbench.agents.finmem.perception import Facts, arrivals, perceive
from investorbench.agents.finmem.question import ask, fill, templates_sha256
from investorbench.agents.finmem.rules import Rules
from investorbench.agents.finmem.thought import Moment, Thought
from investorbench.agents.llm import Answer, LanguageModel
from investorbench.memory import LayeredMemory, Recalled
from investorbench_env.errors import InvestorBenchError

T = TypeVar("T")


class FinMem:
    """The reference agent: a language model with layered memory.

    Args:
        model: what answers.
        new_memory: makes the empty memory of a life, given its seed; ``begin`` calls it.
        character: role, appetite for risk, background.
        look_back: L, the steps after which cited memories get feedback, over which the appetite
            for risk looks back, and after which recent decisions are reflected upon.
        k: memories recalled from each layer; None: as many as the memory's profile says.
        document_chars: characters of a document that are remembered.
    """

    name = "finmem"

    def __init__(
        self,
        model: LanguageModel,
        new_memory: Callable[[int], LayeredMemory],
        *,
        character: Character | None = None,
        look_back: int = 3,
        k: int | None = None,
        document_chars: int = 3000,
    ) -> None:
        for name, value in {
            "look_back": look_back,
            "k": k,
            "document_chars": document_chars,
        }.items():
            if value is not None and value < 1:
                raise InvestorBenchError(f"{name}={value!r} must be at least 1")
        self.model = model
        self.character = character or Character()
        self.look_back, self.k, self.document_chars = look_back, k, document_chars
        self.last: Thought | None = None
        """The last step, for records."""
        self._new_memory = new_memory
        self._life: Life | None = None

    @property
    def memory(self) -> LayeredMemory:
        """The memory of this life."""
        return self._living.memory

    @property
    def counts(self) -> Counts:
        """How often what happened in this life."""
        return self._living.counts

    def begin(self, task: TaskFacts, split: str, seed: int) -> None:
        """Begin a life, in which nothing of an earlier one is known.

        Only a test split right after the warm-up of the same task and seed goes on with its life.
        """
        self._rules = Rules.of(task)
        self.last = None
        life, before = self._life, (task.id, "warmup", seed)
        if life and split == "test" and (life.task, life.split, life.seed) == before:
            self._settle_last_step(life)
            life.enter(split)
            return
        self.close()
        self._life = Life(task=task.id, seed=seed, split=split, memory=self._new_memory(seed))

    async def act(self, observation: Observation, info: Info) -> Action:
        """Take one step.

        Raises:
            InvestorBenchError: prices are not observed, or there was no ``begin``.
            ModelError: the model could not be asked; the same step may be taken again.
        """
        life = self._living
        moment = await _apart(life, self._perceive, life, observation, info)
        question = moment.question
        answer = await self.model.decide(question.messages, question.schema, seed=life.seed)
        self.last = await _apart(life, self._conclude, life, moment, answer)
        return self._rules.action(self.last.action)

    def learn(self, reward: float, info: Info) -> None:
        """Note what the step was lived through with, and what came to be known at its end."""
        life = self._living
        position = float(info["position"])
        life.side = (position > 0) - (position < 0)
        life.pending = self._arrivals(info)

    def save(self, folder: str | Path) -> None:
        """Keep this life in a folder; between steps, and safe against a kill."""
        saving.save(self._living, Path(folder))

    def load(self, folder: str | Path) -> None:
        """Take up the life in a folder, after ``begin`` with its task, its split and its seed.

        Raises:
            InvestorBenchError: there is none, or it is another's.
        """
        saving.load(self._living, Path(folder))

    def record(self) -> dict[str, Any]:
        """The last step as plain JSON values."""
        if self.last is None:
            raise InvestorBenchError("FinMem has taken no step of this split yet")
        return self.last.record()

    def close(self) -> None:
        """Let go of the memory."""
        if self._life is not None:
            self._life.memory.close()
            self._life = None

    def describe(self) -> dict[str, Any]:
        """All that determines what this agent does, as plain JSON values."""
        life = self._life
        return {
            "agent": self.name,
            "model": self.model.name,
            "is_language_model": self.model.is_language_model,
            "role": self.character.role,
            "appetite": self.character.appetite,
            "background": life.background if life else self.character.background,
            "look_back": self.look_back,
            "k": self.k,
            "document_chars": self.document_chars,
            "prompts_sha256": templates_sha256(),
            "memory": life.memory.identity if life else None,
        }

    @property
    def _living(self) -> Life:
        if self._life is None:
            raise InvestorBenchError("FinMem has not begun: call begin(task, split, seed) first")
        return self._life

    def _perceive(self, life: Life, observation: Observation, info: Info) -> Moment:
        """All of a step that comes before the model is asked."""
        facts = perceive(observation, info, life.start_equity)
        self._open(life, facts, simulated=bool(info.get("simulated")))
        stored = life.store(self._arrivals(info))
        recalled = self._recall(life, facts)
        # No split but the warm-up has labels, whatever an info holds.
        label = float(info["label"]) if life.split == "warmup" and "label" in info else None
        equities = [*life.equities, facts.equity][-1 - self.look_back :]
        appetite = self.character.appetite_after(equities)
        recent = life.track.recent(self.look_back)
        reflects = len(recent) == self.look_back and life.steps % self.look_back == 0
        return Moment(
            facts=facts,
            label=label,
            appetite=appetite,
            stored=stored,
            recalled=recalled,
            equities=equities,
            question=ask(life.system, recalled, recent, facts, appetite, label, reflects=reflects),
        )

    def _conclude(self, life: Life, moment: Moment, answer: Answer) -> Thought:
        """All that comes after the model has answered."""
        facts, label = moment.facts, moment.label
        shown = {memory.id for memory in moment.recalled}
        decision = read_answer(answer, shown, None if label is None else word_of(label))
        reflections = life.reflect(facts.session, decision, label)
        life.track.add(Deed(session=facts.session, decision=decision.word, cited=decision.cited))
        feedback = life.track.feedback(self.look_back)
        life.memory.reinforce(feedback.ids, feedback.sign)
        stepped = life.memory.step()
        thought = Thought(
            split=life.split,
            step=life.steps,
            facts=facts,
            label=label,
            appetite=moment.appetite,
            stored=moment.stored,
            recalled=moment.recalled,
            question=moment.question,
            answer=answer,
            decision=decision,
            reflections=reflections,
            feedback=feedback,
            deleted=stepped.deleted,
            moves=stepped.moves,
            action=self._rules.target(decision.word, facts.weight),
        )
        life.counts.add(answer, decision)
        life.steps += 1
        life.equities, life.label, life.side = moment.equities, label, None
        life.start_equity = life.start_equity or facts.equity
        return thought

    def _open(self, life: Life, facts: Facts, *, simulated: bool) -> None:
        """Write the static part of the prompts once in a life; settle the step before this one."""
        if life.start_equity is not None and facts.returns:
            side = (facts.position > 0) - (facts.position < 0)
            life.track.settle(side, facts.returns[-1])
        if life.steps > 0:
            return
        if life.memory.steps > 0:
            raise InvestorBenchError(
                f"a new life begins, but its memory has lived {life.memory.steps} steps already: "
                "load what was saved, or have new_memory(seed) give an empty one"
            )
        life.background = self.character.background_of(
            facts.symbol, facts.session, simulated=simulated
        )
        life.system = fill(
            "system",
            role=self.character.role,
            symbol=facts.symbol,
            background=life.background,
            **self._rules.words(),
        )

    def _settle_last_step(self, life: Life) -> None:
        """The last step of the warm-up, whose next close no decision of that split sees."""
        if life.label is not None and life.side is not None:
            life.track.settle(life.side, self._rules.simple_return(life.label))
        else:
            life.track.settle(0, 0.0)

    def _arrivals(self, info: Info) -> Any:
        documents = info.get("documents", ())
        return arrivals(documents, str(info["session"]), self._living.seen, self.document_chars)

    def _recall(self, life: Life, facts: Facts) -> tuple[Recalled, ...]:
        layers = life.memory.recall([life.background, str(facts)], self.k)
        return tuple(memory for layer in layers.values() for memory in layer)


async def _apart(life: Life, work: Callable[..., T], *arguments: Any) -> T:
    """Do the work of a step, in another thread where memory may keep the event loop waiting."""
    if life.memory.is_slow:
        return await asyncio.to_thread(work, *arguments)
    return work(*arguments)
