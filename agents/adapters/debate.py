"""A debate: a bull and a bear argue over the same day, and a judge decides."""

import asyncio
from dataclasses import asdict
from typing import Any

from investorbench.agents.agent import Action, Info, Observation
from investorbench.agents.asked_forecasts import AskedForecast
from investorbench.agents.interpreter import Interpreter
from investorbench.agents.llm import Answer, LanguageModel, Message
from investorbench.agents.llm.contents import text_of, with_text
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

SIDES = {"bull": "for a higher price", "bear": "for a lower price"}
"""Who argues, and for what."""
JUDGE = "decision"
"""The role of the judge's answer: it is the one that decides."""
ARGUE = (
    "You are the {side} in a debate over this asset. Make the strongest honest case {what} over "
    "the days to come, from the facts above alone, in at most 120 words. Name figures and dates."
)
REPLY = "The {other} said:\n{argument}\nAnswer it, where it is wrong, in at most 80 words."
DECIDE = (
    "You are the judge. Weigh the arguments by their evidence, not by their tone, and decide what "
    "to do. Give your rationale in two sentences, then the decision."
)


class Debate:
    """Bull and bear argue at once, answer each other, and a judge decides.

    It has no memory: it asks nothing in a warm-up, and holds there.

    Args:
        model: what answers for all three.
        rounds: of arguments; from the second on each side answers the other.
        forecast: what the judge is asked for beside the decision: ``"probability"``, of a return
            above 0 over the sessions that the decision is scored over; None for nothing.

    Raises:
        InvestorBenchError: there are no rounds.
        UnknownNameError: there is no such forecast.
    """

    name = "debate"

    def __init__(
        self, model: LanguageModel, *, rounds: int = 1, forecast: str | None = None
    ) -> None:
        self._forecast = AskedForecast(forecast)
        if rounds < 1:
            raise InvestorBenchError(f"rounds={rounds!r} must be at least 1")
        self.model, self.rounds = model, rounds
        self._record: dict[str, Any] = {}

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Begin a split."""
        self._interpreter = Interpreter(facts, self.name, self._forecast.kind)
        self._is_warmup, self._seed, self._record = split == "warmup", seed, {}

    async def act(self, observation: Observation, info: Info) -> Action:
        """Have both sides argue, and the judge decide."""
        if self._is_warmup:
            return self._interpreter.read("hold", info).action
        task = self._interpreter.task(observation)
        content = self._interpreter.content(observation, info)
        answers: list[dict[str, Any]] = []
        said: dict[str, str] = {}
        for _ in range(self.rounds):
            parts = (_part(side, said) for side in SIDES)
            replies = await asyncio.gather(*(self._ask(task, content, part) for part in parts))
            said = {side: reply.text for side, reply in zip(SIDES, replies, strict=True)}
            answers += [{**asdict(r), "role": side} for side, r in zip(SIDES, replies, strict=True)]
        heard = "\n\n".join(f"The {side}:\n{argument}" for side, argument in said.items())
        verdict = await self._ask(task, content, f"{heard}\n\n{DECIDE}", self._interpreter.schema)
        decided = self._interpreter.read(verdict.value, info)
        answers.append({**asdict(verdict), "role": JUDGE})
        question = {"system": task, "user": text_of(content)}
        self._record = {**decided.record(), "question": question, "answers": answers}
        return decided.chosen

    async def _ask(
        self, task: str, content: Any, instruction: str, schema: dict[str, Any] | None = None
    ) -> Answer:
        user = with_text(content, after=f"\n\n# Your part\n{instruction}")
        system: Message = {"role": "system", "content": task}
        messages = (system, {"role": "user", "content": user})
        return await self.model.decide(messages, schema, seed=self._seed)

    def record(self) -> dict[str, Any]:
        """The last decision, what all three were shown of the day, and their answers."""
        return self._record

    def describe(self) -> dict[str, Any]:
        """What determines it."""
        return {
            "agent": self.name,
            "model": self.model.name,
            "rounds": self.rounds,
            **self._forecast.described(),
        }


def _part(side: str, said: dict[str, str]) -> str:
    """What a side is asked for: its case, or an answer to what the other one said."""
    case = ARGUE.format(side=side, what=SIDES[side])
    (other,) = SIDES.keys() - {side}
    if not said:
        return case
    return f"{case}\n\nYou said:\n{said[side]}\n\n{REPLY.format(other=other, argument=said[other])}"
