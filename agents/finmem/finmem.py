"""FinMem (Yu et al., 2023): perceive, recall, decide, store, reflect, take feedback, forget.

Until the model has answered, a step changes nothing in memory; so a step whose model could not be
asked can simply be taken again. What is new stands in the prompt by itself, and what is recalled is
older.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from investorbench.agents.agent import Action, Info, Observation
from investorbench.agents.asked_forecasts import AskedForecast
from investorbench.agents.finmem import saving
from investorbench.agents.finmem.asking import Answered, ask_within, counter_for, room_of
from investorbench.agents.finmem.asset_memory import apart, require_new
from investorbench.agents.finmem.character import Character, names_of
from investorbench.agents.finmem.decision import read_answer, schema_of, word_of
from investorbench.agents.finmem.past_decisions import Lesson, PastDecision
from investorbench.agents.finmem.perception import Perception, arrivals, perceive
from investorbench.agents.finmem.question import (
    AssetBriefing,
    Question,
    ask,
    fill,
    labels_for,
    shared_words,
    templates_sha256,
)
from investorbench.agents.finmem.recall import recall
from investorbench.agents.finmem.room import (
    GROWS,
    Excerpt,
    FittedQuestion,
    OfAsset,
    fitted,
    require_room,
    shown_ids,
)
from investorbench.agents.finmem.rules import Rules
from investorbench.agents.finmem.settings import require_at_least_one, settings_of
from investorbench.agents.finmem.state import AgentState, Counts
from investorbench.agents.finmem.summaries import (
    Kept,
    ReadDocuments,
    kept_of_filings,
    read_all,
)
from investorbench.agents.finmem.thought import QUOTED_CHARACTERS, Shown, Situation, Thought
from investorbench.agents.finmem.today import Arrived, NewsSheet, items_of
from investorbench.agents.horizons import over_horizon
from investorbench.agents.llm import LanguageModel
from investorbench.memory import LayeredMemory
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.rendering.png import png_of


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
        news_tokens: that what is new may take in a prompt: all headlines, then whole texts.
        filings: what is kept of their items: ``"summaries"`` that the model writes, or
            ``"extracts"``, sentences chosen by rules; None: summaries by a language model.
        forecast: what the model is asked for beside its decision: ``"probability"``, of a return
            above 0 over the sessions that the decision is scored over; None for nothing.

    Raises:
        InvestorBenchError: a number is too small, or what is no language model is to sum up.
        UnknownNameError: ``filings`` or ``forecast`` is none of these.
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
        news_tokens: int = 2800,
        filings: Kept | None = None,
        forecast: str | None = None,
    ) -> None:
        self._forecast = AskedForecast(forecast)
        require_at_least_one(
            look_back=look_back, k=k, document_chars=document_chars, news_tokens=news_tokens
        )
        self.filings = kept_of_filings(model, filings)
        self.model = model
        self.character = character or Character()
        self.look_back, self.k = look_back, k
        self.document_chars, self.news_tokens = document_chars, news_tokens
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
        self._rules, self._horizon = Rules.of(facts), facts.horizon
        self._forecast = AskedForecast(self._forecast.kind, facts)
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
        self._open(state, perception, simulated=bool(info.get("simulated")))
        if state.steps == 0:
            await self._require_room(state, perception)
        model = self.model if self.filings == "summaries" else None
        arrived = state.arrived(self._arrivals(info), self.document_chars)
        read = await read_all(arrived, self.document_chars, model)
        chart = png_of(observation["chart"]) if "chart" in observation else b""
        situation = await apart(state.memory, self._perceive, state, perception, read, info, chart)
        asked = await self._ask(state, situation.day)
        self.last = await apart(state.memory, self._conclude, state, situation, asked)
        action = self._rules.action(self.last.action)
        # In the warm-up the model is shown what comes.
        if state.split == "warmup":
            return action
        return self._forecast.decided(action, asked.answer.value)

    def learn(self, reward: float, info: Info) -> None:
        """Note what the account did over the step, and the documents that came with its outcome."""
        state = self._current
        position = float(info["position"])
        side = (position > 0) - (position < 0)
        state.track.settle(side, float(info["equity"]) / state.equities[-1] - 1.0)
        state.pending = tuple(state.arrived(self._arrivals(info), self.document_chars))

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
            **settings_of(self),
            **self._forecast.described(),
            "background": state.background if state else self.character.background,
            "prompts_sha256": templates_sha256(),
            "context_length": state.context_length if state else None,
            "memory": state.memory.identity if state else None,
        }

    @property
    def _current(self) -> AgentState:
        if self._state is None:
            raise InvestorBenchError("FinMem has not begun: call begin(facts, split, seed) first")
        return self._state

    def _perceive(
        self,
        state: AgentState,
        perception: Perception,
        read: ReadDocuments,
        info: Info,
        chart: bytes,
    ) -> Situation:
        """The rest of a step up to its question."""
        items = items_of(read.parts, names_of(perception.symbol, state.background))
        vectors = state.memory.embed([item.part.text for item in items])
        lesson = state.lesson if state.lesson and state.lesson.id in state.memory else None
        memories = recall(state.memory, items, vectors, perception.question(), lesson, self.k)
        # No split but the warm-up has labels, whatever an info holds.
        label = float(info["label"]) if state.split == "warmup" and "label" in info else None
        equities = [*state.equities, perception.equity][-1 - self.look_back :]
        recent = state.track.recent(self.look_back)
        day = AssetBriefing(
            perception=perception,
            appetite=self.character.appetite_after(equities),
            label=label,
            recent=recent,
            reflects=len(recent) == self.look_back and state.steps % self.look_back == 0,
            lesson=lesson,
            memories=memories.shown,
            news=Arrived(items=items, known_since=memories.known_since, usual=state.usual_texts),
            chart=chart,
            horizon=self._horizon,
        )
        return Situation(
            day=day,
            vectors=vectors,
            equities=equities,
            summaries=read.summaries,
            refused=read.refused,
        )

    async def _require_room(self, state: AgentState, perception: Perception) -> None:
        """Refuse a context without room for what is always shown, before anything is asked."""
        room = await room_of(self.model, state)
        if room is None:
            return
        past = PastDecision(
            session=perception.session, decision="hold", cited=(), side=-1, earned=-0.1,
            asset_return=-0.1,
        )  # fmt: skip
        label = -0.1 if state.split == "warmup" else None
        always = AssetBriefing(
            perception=perception, appetite="risk_seeking", label=label, reflects=True,
            recent=(past,) * self.look_back, lesson=None, memories=(),
            news=Arrived(items=(), known_since={}, usual=0.0), horizon=self._horizon,
        )  # fmt: skip
        question = ask(state.system, state.schema, always, (), NewsSheet())
        takes = question.tokens(counter_for(self.model))
        require_room(takes + GROWS, room, self.model.name, "FinMem")

    async def _ask(self, state: AgentState, day: AssetBriefing) -> Answered:
        """Ask about a day."""

        def word(excerpts: Sequence[Excerpt], lesson: Lesson | None) -> Question:
            (own,) = excerpts
            return ask(state.system, state.schema, replace(day, lesson=lesson), *own)

        def fit(room: int | None) -> FittedQuestion:
            return fitted(
                word,
                [OfAsset(day.memories, day.news)],
                day.lesson,
                news_tokens=self.news_tokens, room=room, counter=counter_for(self.model),
                model=self.model.name, agent="FinMem",
            )  # fmt: skip

        return await ask_within(self.model, await room_of(self.model, state), fit, seed=state.seed)

    def _conclude(self, state: AgentState, situation: Situation, asked: Answered) -> Thought:
        """All that comes after the model has answered."""
        day, fit, answer = situation.day, asked.fitted, asked.answer
        perception, label = day.perception, day.label
        stored = state.store(day.news.items, situation.vectors)
        decision = read_answer(
            answer,
            shown_ids(fit.excerpts[0], stored, fit.lesson),
            None if label is None else word_of(label),
            reflects=day.reflects,
        )
        reflections = state.reflect(perception.session, decision, label)
        state.track.add(
            PastDecision(session=perception.session, decision=decision.word, cited=decision.cited)
        )
        feedback = state.track.feedback(self.look_back, one_unit=self._rules.log_returns)
        state.memory.reinforce(feedback.ids, feedback.sign)
        stepped = state.memory.step()
        items = day.news.items
        thought = Thought(
            split=state.split,
            step=state.steps,
            perception=perception,
            label=label,
            appetite=day.appetite,
            stored={id: items[place].part.text[:QUOTED_CHARACTERS] for place, id in stored.items()},
            news=Shown.of(day.news, fit.excerpts[0].sheet),
            recalled=fit.excerpts[0].memories,
            left_out=fit.left_out,
            refused=(*situation.refused, *asked.refused),
            summaries=situation.summaries,
            question=fit.question,
            answer=answer,
            decision=decision,
            reflections=reflections,
            feedback=feedback,
            deleted=stepped.deleted,
            moves=stepped.moves,
            action=self._rules.target(decision.word, perception.weight),
        )
        state.counts.add(
            answer, fit.left_out, len(asked.refused),
            valid=decision.valid, dropped=decision.dropped,
        )  # fmt: skip
        state.counts.add_summaries(situation.summaries)
        state.steps += 1
        state.equities, state.label = situation.equities, label
        state.start_equity = state.start_equity or perception.equity
        state.room = asked.room or state.room
        return thought

    def _open(self, state: AgentState, perception: Perception, *, simulated: bool) -> None:
        """Write the static part of the prompts once a repeat; note how the price moved since."""
        if state.start_equity is not None and perception.returns:
            state.track.note_move(perception.returns[-1])
        if state.steps > 0:
            return
        require_new(state.memory)
        state.background = self.character.background_of(
            perception.symbol, perception.session, simulated=simulated
        )
        system = fill(
            "system",
            role=self.character.role,
            symbol=perception.symbol,
            background=state.background,
            **shared_words(state.memory.profile),
            **self._rules.words(),
        )
        state.system = self._forecast.system(over_horizon(system, self._horizon))
        schema = schema_of(labels_for(state.memory.profile, self.k))
        state.schema = self._forecast.schema(schema)

    def _arrivals(self, info: Info) -> Any:
        documents = info.get("documents", ())
        return arrivals(documents, str(info["session"]), self._current.seen, self.document_chars)
