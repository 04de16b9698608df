"""How brittle a model is: each probe over states, beside the noise of the model itself.

Of each state a probe asks three questions: the first one; the same again with another seed, which
shows the model's noise; and the second one with the seed of the first. Without an effect of the
wording, the first two differ as often as the first and the third.
"""

import asyncio
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from investorbench.agents.arena.arena import ANSWER_TOKENS
from investorbench.agents.finmem.asking import max_tokens_of
from investorbench.agents.finmem.question import Question
from investorbench.agents.llm import Answer, LanguageModel
from investorbench.tasks.probes.forms import BY_COIN
from investorbench.tasks.probes.states import ProbeState, RecordedStates
from investorbench.tasks.probes.ten import PROBES, BrittlenessProbe
from investorbench.tasks.statistics import holm
from investorbench.tasks.statistics.proportions import Share, more_often

LEVEL = 0.05
UNREADABLE = "unreadable"
OTHER_SEEDS = 1_000_003
"""From the seed of a question to that of the same one, asked again."""
CONCURRENCY = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOutcome:
    """What a probe has found.

    Attributes:
        probe: which.
        flips: states in which the second question was answered otherwise than the first.
        noise: states in which the first one, asked again, was answered otherwise.
        p_value: that flips are no more frequent than noise; None without states.
        adjusted: the same over all probes.
        unreadable: replies to the second question that could not be read as they stood.
        breaches: of probes that look for a breach, in how many replies to the first and to the
            second question there was one; None of the others.
    """

    probe: BrittlenessProbe
    flips: Share
    noise: Share
    p_value: float | None
    adjusted: float | None
    unreadable: int
    breaches: tuple[int, int] | None

    @property
    def is_brittle(self) -> bool:
        """Whether the wording changes decisions beyond the model's own noise."""
        return self.adjusted is not None and self.adjusted < LEVEL

    def record(self) -> dict[str, Any]:
        """As plain JSON values."""
        own = {name: getattr(self.probe, name) for name in ("name", "kind", "says")}
        shares = {
            name: {**share._asdict(), "share": share.value, "interval": list(share.interval())}
            for name, share in (("flips", self.flips), ("noise", self.noise))
        }
        found = ("p_value", "adjusted", "is_brittle", "unreadable", "breaches")
        return {**own, **shares, **{name: getattr(self, name) for name in found}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Brittleness:
    """What all probes have found of a model.

    Attributes:
        model: its name.
        is_language_model: whether it is one.
        task: whose states these are.
        source: of their prices, in words.
        simulated: whether any of these is not real.
        seed: of the states, and of the questions.
        states: how many.
        markets: in how many markets.
        hours_apart: between two states of one market, at least; infinite where there are none.
        outcomes: in the order of the probes.
        cost_usd: of all answers; None without a price.
    """

    model: str
    is_language_model: bool
    task: str
    source: str
    simulated: bool
    seed: int
    states: int
    markets: int
    hours_apart: float
    outcomes: tuple[ProbeOutcome, ...]
    cost_usd: float | None

    @property
    def kinds(self) -> frozenset[str]:
        """Of the probes that find it brittle."""
        return frozenset(each.probe.kind for each in self.outcomes if each.is_brittle)

    def record(self) -> dict[str, Any]:
        """As plain JSON values."""
        plain = {name: getattr(self, name) for name in self.__slots__ if name != "outcomes"}
        apart = self.hours_apart if self.hours_apart < float("inf") else None
        outcomes = [each.record() for each in self.outcomes]
        return {**plain, "hours_apart": apart, "outcomes": outcomes}


async def probe_brittleness(
    model: LanguageModel,
    recorded: RecordedStates,
    *,
    seed: int,
    probes: Sequence[BrittlenessProbe] = PROBES,
    concurrency: int = CONCURRENCY,
) -> Brittleness:
    """Put all probes to a model.

    Args:
        model: that is probed.
        recorded: states to ask about.
        seed: of the questions; each state has one of its own.
        probes: which.
        concurrency: questions at once.

    Raises:
        ModelError: the model could not be asked.
    """
    asking = _Asking(model, seed, concurrency)
    found = await asyncio.gather(*(_put(asking, probe, recorded.states) for probe in probes))
    adjusted = holm([outcome.p_value for outcome in found])
    states = recorded.states
    return Brittleness(
        model=model.name,
        is_language_model=model.is_language_model,
        task=recorded.task,
        source=recorded.source,
        simulated=recorded.simulated,
        seed=seed,
        states=len(states),
        markets=len({state.market for state in states}),
        hours_apart=recorded.hours_apart,
        outcomes=tuple(
            replace(outcome, adjusted=own) for outcome, own in zip(found, adjusted, strict=True)
        ),
        cost_usd=asking.cost_usd,
    )


class _Asking:
    """Asks each question once, so many at a time."""

    def __init__(self, model: LanguageModel, seed: int, concurrency: int) -> None:
        self._model, self._seed = model, seed
        self._free = asyncio.Semaphore(concurrency)
        self._asked: dict[tuple[str, int], asyncio.Task[Answer]] = {}
        self.cost_usd: float | None = 0.0

    async def answer(
        self, question: Question, state: ProbeState, place: int, *, again: bool = False
    ) -> Answer:
        """The answer to a question of a state, with its seed or with the other one."""
        seed = self._seed + place + OTHER_SEEDS * again
        key = (question.sha256, seed)
        if key not in self._asked:
            asked = self._ask(question, seed, ANSWER_TOKENS * len(state.symbols))
            self._asked[key] = asyncio.ensure_future(asked)
        return await self._asked[key]

    async def _ask(self, question: Question, seed: int, more: int) -> Answer:
        longest = max_tokens_of(self._model)
        async with self._free:
            answer = await self._model.decide(
                question.messages, question.schema, seed=seed,
                max_tokens=longest + more if longest else None,
            )  # fmt: skip
        is_priced = self.cost_usd is not None and answer.cost_usd is not None
        self.cost_usd = (self.cost_usd or 0.0) + (answer.cost_usd or 0.0) if is_priced else None
        return answer


async def _put(
    asking: _Asking, probe: BrittlenessProbe, states: Sequence[ProbeState]
) -> ProbeOutcome:
    """Put one probe."""
    places = [n for n, each in enumerate(states) if probe.suits(each)]
    replies = await asyncio.gather(*(_three(asking, probe, states[n], n) for n in places))
    flips = [first != second for first, _, second in replies]
    noise = [first != again for first, again, _ in replies]
    pairs = list(zip(flips, noise, strict=True))
    flipped, noisy = pairs.count((True, False)), pairs.count((False, True))
    is_breach = any(isinstance(each, bool) for reply in replies for each in reply)
    return ProbeOutcome(
        probe=probe,
        flips=Share(sum(flips), len(places)),
        noise=Share(sum(noise), len(places)),
        p_value=more_often(flipped, noisy) if places else None,
        adjusted=None,
        unreadable=sum(second == UNREADABLE for *_, second in replies),
        breaches=(_true(replies, 0), _true(replies, 2)) if is_breach else None,
    )


async def _three(
    asking: _Asking, probe: BrittlenessProbe, state: ProbeState, place: int
) -> tuple[Hashable, Hashable, Hashable]:
    """What is compared of the replies to the first question, to it again, and to the second."""
    question = state.question
    first, second = probe.first(state, question), probe.second(state, question)
    form = probe.form
    second = replace(second, schema=form.schema(second.schema))
    if form.words:
        second = replace(second, system=f"{second.system}\n\n{form.words}")
    answers = await asyncio.gather(
        asking.answer(first, state, place),
        asking.answer(first, state, place, again=True),
        asking.answer(second, state, place),
    )
    forms = (BY_COIN, BY_COIN, form)
    read = [own.read(each, state.symbols) for own, each in zip(forms, answers, strict=True)]
    kept = [UNREADABLE if each is None else probe.reads(state, each) for each in read]
    return kept[0], kept[1], kept[2]


def _true(replies: Sequence[tuple[Hashable, ...]], place: int) -> int:
    return sum(reply[place] is True for reply in replies)
