"""FinMem (Yu et al., 2023) for a portfolio: the same step, with one decision about all assets.

Each asset has a memory of its own, which is read, recalled, reinforced and forgotten by itself; the
model is asked once, about all of them and the account. Until it has answered, a step changes
nothing in memory; so a step whose model could not be asked can simply be taken again.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from investorbench.agents.agent import Action, Info, Observation
from investorbench.agents.finmem.asking import Answered, ask_within, counter_for, room_of
from investorbench.agents.finmem.asset_memory import AssetMemory, apart, require_new
from investorbench.agents.finmem.character import Character, names_of
from investorbench.agents.finmem.past_decisions import Lesson
from investorbench.agents.finmem.perception import arrivals
from investorbench.agents.finmem.question import labels_for
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
from investorbench.agents.finmem.settings import require_at_least_one, settings_of
from investorbench.agents.finmem.summaries import Kept, ReadDocuments, kept_of_filings, read_all
from investorbench.agents.finmem.today import Arrived, items_of
from investorbench.agents.llm import LanguageModel
from investorbench.agents.portfolio import saving
from investorbench.agents.portfolio.actions import ordered_of
from investorbench.agents.portfolio.concluding import conclude, done_to
from investorbench.agents.portfolio.decision import read_answer, require_portfolio, schema_of
from investorbench.agents.portfolio.past_sessions import PastSession, contributions
from investorbench.agents.portfolio.perception import PortfolioPerception, perceive
from investorbench.agents.portfolio.question import (
    PortfolioBriefing,
    ask,
    prompts_sha256,
    system_message,
)
from investorbench.agents.portfolio.state import PortfolioCounts, PortfolioState
from investorbench.agents.portfolio.thought import PortfolioSituation, PortfolioThought
from investorbench.memory import LayeredMemory
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

NAME = "finmem_portfolio"
ANSWER_TOKENS = 120
"""For an asset, beyond what the model's answers may have: a view and an order."""
TOP_STORIES = 1
"""Of each asset, those whose headline is shown however many tokens it takes."""


class FinMemPortfolio:
    """A language model with a layered memory for each asset, which decides on a portfolio.

    Args:
        model: what answers.
        memory: makes the empty memory of an asset, given the seed of the repeat and the symbol;
            ``begin`` calls it.
        character: role, appetite for risk; its background is of all assets.
        look_back: L, the steps after which cited memories get feedback, over which the appetite
            for risk looks back, and after which recent decisions are reflected upon.
        k: memories recalled from each layer of each asset; None: as many as the memory's profile
            says.
        document_chars: characters of a document that are remembered; of a filing, in all its
            memories together.
        news_tokens: that what is new of all assets may take in a prompt: all headlines, then whole
            texts.
        filings: what is kept of their items: ``"summaries"`` that the model writes, or
            ``"extracts"``, sentences chosen by rules; None: summaries by a language model.

    Raises:
        InvestorBenchError: a number is too small, or what is no language model is to sum up.
        UnknownNameError: ``filings`` is neither.
    """

    name = NAME

    def __init__(
        self,
        model: LanguageModel,
        memory: Callable[[int, str], LayeredMemory],
        *,
        character: Character | None = None,
        look_back: int = 3,
        k: int | None = 2,
        document_chars: int = 3000,
        news_tokens: int = 5600,
        filings: Kept | None = None,
    ) -> None:
        require_at_least_one(
            look_back=look_back, k=k, document_chars=document_chars, news_tokens=news_tokens
        )
        self.filings = kept_of_filings(model, filings)
        self.model = model
        self.character = character or Character(
            role="an experienced portfolio manager who weighs evidence and keeps count of the risk."
        )
        self.look_back, self.k = look_back, k
        self.document_chars, self.news_tokens = document_chars, news_tokens
        self.last: PortfolioThought | None = None
        """The last step, for records."""
        self._new_memory = memory
        self._state: PortfolioState | None = None

    @property
    def memories(self) -> dict[str, LayeredMemory]:
        """The memory of each asset in this repeat, by symbol."""
        return {symbol: own.memory for symbol, own in self._current.assets.items()}

    @property
    def counts(self) -> PortfolioCounts:
        """How often what happened in this repeat."""
        return self._current.counts

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Begin a split, with empty memories and nothing known of an earlier repeat.

        Only a test split right after the warm-up of the same task and seed keeps its state.

        Raises:
            InvestorBenchError: actions are neither orders nor weights of several assets, or bars
                are not daily.
        """
        require_portfolio(facts, NAME)
        self._facts = facts
        self.last = None
        task = f"{facts.family}-{facts.symbol}"
        state, before = self._state, (task, "warmup", seed)
        if state and split == "test" and (state.task, state.split, state.seed) == before:
            state.enter(split)
            return
        self.close()
        self._state = PortfolioState(
            task=task,
            seed=seed,
            split=split,
            assets={
                symbol: AssetMemory(memory=self._new_memory(seed, symbol))
                for symbol in facts.symbols
            },
        )

    async def act(self, observation: Observation, info: Info) -> Action:
        """Take one step.

        Raises:
            InvestorBenchError: prices are not observed, or there was no ``begin``.
            ModelError: the model could not be asked; the same step may be taken again.
        """
        state = self._current
        perception = perceive(observation, info, self._facts, state.start_equity)
        self._open(state, perception, info)
        if state.steps == 0:
            await self._require_room(state, perception)
        read = await self._read(state, info)
        memory = self._any_memory
        situation = await apart(memory, self._perceive, state, perception, read, info)
        asked = await self._ask(state, situation.day)
        self.last = await apart(memory, self._conclude, state, situation, asked, info)
        return self.last.ordered.action

    def learn(self, reward: float, info: Info) -> None:
        """Note what each asset earned over the step, and the documents that came with it."""
        state = self._current
        assert state.account is not None  # an action comes before its outcome
        after, before = info["account"], state.account
        state.track.settle(
            after.equity / before.equity - 1.0,
            contributions(before, after, info.get("fills", ()), info.get("distributions", ())),
        )
        state.account = None
        for symbol, own in state.assets.items():
            own.pending = tuple(own.arrived(self._arrivals(info, symbol), self.document_chars))

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
            raise InvestorBenchError(f"{NAME} has taken no step of this split yet")
        return self.last.record()

    def close(self) -> None:
        """Let go of the memories."""
        if self._state is not None:
            for own in self._state.assets.values():
                own.memory.close()
            self._state = None

    def describe(self) -> dict[str, Any]:
        """All that determines what this agent does, as plain JSON values."""
        state = self._state
        return {
            **settings_of(self),
            "background": dict(state.backgrounds) if state else self.character.background,
            "prompts_sha256": prompts_sha256(),
            "context_length": state.context_length if state else None,
            "memory": self._any_memory.identity if state else None,
        }

    @property
    def _current(self) -> PortfolioState:
        if self._state is None:
            raise InvestorBenchError(f"{NAME} has not begun: call begin(facts, split, seed) first")
        return self._state

    @property
    def _any_memory(self) -> LayeredMemory:
        """One of them: all are of the same constants."""
        return next(iter(self._current.assets.values())).memory

    def _open(self, state: PortfolioState, perception: PortfolioPerception, info: Info) -> None:
        """Write the static part of the prompts once a repeat; note how the universe moved since."""
        if state.start_equity is not None:
            state.track.note_universe(perception.universe_return)
        if state.steps > 0:
            return
        memory = self._any_memory
        require_new(memory)
        simulated = bool(info.get("simulated"))
        state.backgrounds = {
            symbol: self.character.background_of(symbol, perception.session, simulated=simulated)
            for symbol in state.assets
        }
        state.system = system_message(
            self._facts, self.character.role, state.backgrounds, memory.profile,
            perception.constraints,
        )  # fmt: skip
        labels = labels_for(memory.profile, self.k)
        state.schema = schema_of([*state.assets], labels, self._facts.action)

    def _arrivals(self, info: Info, symbol: str) -> Any:
        own = [each for each in info.get("documents", ()) if each.symbol == symbol]
        seen = self._current.assets[symbol].seen
        return arrivals(own, str(info["session"]), seen, self.document_chars)

    async def _read(self, state: PortfolioState, info: Info) -> list[ReadDocuments]:
        """What the new documents of each asset leave in memory."""
        model = self.model if self.filings == "summaries" else None
        read = []
        for symbol, own in state.assets.items():
            arrived = own.arrived(self._arrivals(info, symbol), self.document_chars)
            read.append(await read_all(arrived, self.document_chars, model))
        return read

    def _perceive(
        self,
        state: PortfolioState,
        perception: PortfolioPerception,
        read: Sequence[ReadDocuments],
        info: Info,
    ) -> PortfolioSituation:
        """The rest of a step up to its question."""
        assets, vectors = [], []
        for (symbol, own), documents in zip(state.assets.items(), read, strict=True):
            items = items_of(documents.parts, names_of(symbol, state.backgrounds[symbol]))
            embedded = own.memory.embed([item.part.text for item in items])
            question = f"What moves {symbol}?"
            memories = recall(own.memory, items, embedded, question, None, self.k)
            news = Arrived(
                items=items,
                known_since=memories.known_since,
                usual=own.usual_texts,
                top_stories=TOP_STORIES,
            )
            assets.append(OfAsset(memories.shown, news))
            vectors.append(embedded)
        equities = [*state.equities, perception.equity][-1 - self.look_back :]
        recent = state.track.recent(self.look_back)
        day = PortfolioBriefing(
            perception=perception,
            appetite=self.character.appetite_after(equities),
            labels=self._labels(state, info),
            recent=recent,
            reflects=len(recent) == self.look_back and state.steps % self.look_back == 0,
            lesson=state.lesson,
            left_out=state.left_out,
            assets=assets,
        )
        return PortfolioSituation(
            day=day,
            vectors=tuple(vectors),
            equities=equities,
            summaries=tuple(summary for each in read for summary in each.summaries),
            refused=tuple(question for each in read for question in each.refused),
        )

    def _labels(self, state: PortfolioState, info: Info) -> dict[str, float] | None:
        """What each asset returns next; no split but the warm-up has labels, whatever is shown."""
        if state.split != "warmup" or "label" not in info:
            return None
        labels = np.asarray(info["label"], dtype=np.float64)
        named = zip(state.assets, labels.tolist(), strict=True)
        return {symbol: label for symbol, label in named if np.isfinite(label)}

    async def _require_room(self, state: PortfolioState, perception: PortfolioPerception) -> None:
        """Refuse a context without room for what is always shown, before anything is asked."""
        room = await room_of(self.model, state, ANSWER_TOKENS * len(state.assets))
        if room is None:
            return
        nothing = OfAsset((), Arrived(items=(), known_since={}, usual=0.0))
        symbols = [*state.assets]
        cited: Mapping[str, tuple[int, ...]] = {}
        past = PastSession(
            session=perception.session, decision=", ".join(symbols), cited=cited, earned=-0.1,
            contributions=dict.fromkeys(symbols, -0.1), universe=-0.1,
        )  # fmt: skip
        always = PortfolioBriefing(
            perception=perception, appetite="risk_seeking", recent=(past,) * self.look_back,
            labels=dict.fromkeys(symbols, 0.1) if state.split == "warmup" else None,
            reflects=True, lesson=None, left_out=(), assets=[nothing] * len(symbols),
        )  # fmt: skip
        excerpts = [Excerpt()] * len(symbols)
        question = ask(state.system, state.schema, self._facts.action, always, excerpts, None)
        takes = question.tokens(counter_for(self.model)) + GROWS * len(symbols)
        require_room(takes, room, self.model.name, NAME)

    async def _ask(self, state: PortfolioState, day: PortfolioBriefing) -> Answered:
        """Ask about a day."""
        word = partial(ask, state.system, state.schema, self._facts.action, day)

        def fit(room: int | None) -> FittedQuestion:
            return fitted(
                word, day.assets, day.lesson,
                news_tokens=self.news_tokens, room=room, counter=counter_for(self.model),
                model=self.model.name, agent=NAME,
            )  # fmt: skip

        more = ANSWER_TOKENS * len(state.assets)
        room = await room_of(self.model, state, more)
        return await ask_within(self.model, room, fit, seed=state.seed, more_tokens=more)

    def _conclude(
        self, state: PortfolioState, situation: PortfolioSituation, asked: Answered, info: Info
    ) -> PortfolioThought:
        """All that comes after the model has answered."""
        day, fit, answer = situation.day, asked.fitted, asked.answer
        stored = [
            own.store(of_asset.news.items, vectors)
            for own, of_asset, vectors in zip(
                state.assets.values(), day.assets, situation.vectors, strict=True
            )
        ]
        shown = {
            symbol: shown_ids(excerpt, ids)
            for symbol, excerpt, ids in zip(state.assets, fit.excerpts, stored, strict=True)
        }
        decision = read_answer(answer, shown, self._facts.action, reflects=day.reflects)
        ordered = ordered_of(self._facts, day, decision.orders, state.last_id)
        left_out = (*decision.left_out, *ordered.left_out)
        session = day.perception.session
        views = {view.symbol: view for view in decision.views}
        state.track.add(
            PastSession(
                session=session,
                decision=ordered.words(),
                cited={symbol: view.cited for symbol, view in views.items()},
            )
        )
        if decision.reflection:
            text = f"{session}, on recent decisions: {decision.reflection}"
            state.lesson = Lesson(id=None, time=session, text=text)
        assets = {
            symbol: conclude(
                own, day.assets[place], fit.excerpts[place], stored[place], views.get(symbol),
                done_to(symbol, day, ordered), state.track.feedback(symbol, self.look_back),
                session,
            )
            for place, (symbol, own) in enumerate(state.assets.items())
        }  # fmt: skip
        thought = PortfolioThought(
            split=state.split,
            step=state.steps,
            day=day,
            assets=assets,
            left_out=fit.left_out,
            refused=(*situation.refused, *asked.refused),
            summaries=situation.summaries,
            question=fit.question,
            answer=answer,
            decision=decision,
            ordered=ordered,
            unmeant=left_out,
        )
        state.counts.add(
            answer, fit.left_out, len(asked.refused),
            valid=decision.valid, dropped=decision.dropped,
        )  # fmt: skip
        state.counts.add_summaries(situation.summaries)
        state.counts.left_out += thought.orders_left_out
        state.counts.orders += len(ordered.by_asset)
        state.last_id = ordered.last_id
        state.steps += 1
        state.left_out, state.account = left_out, info["account"]
        state.equities = situation.equities
        state.start_equity = state.start_equity or day.perception.equity
        state.room = asked.room or state.room
        return thought
