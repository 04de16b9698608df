"""An agent that calls tools: a model looks things up in the past, a few times, and then decides.

It keeps nothing from one decision to the next, so that it learns nothing in a warm-up, where it
holds and asks no model.
"""

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import Any

from investorbench.agents.agent import Action, Info, Observation
from investorbench.agents.asked_forecasts import AskedForecast
from investorbench.agents.finmem.rules import Rules
from investorbench.agents.horizons import over_horizon
from investorbench.agents.llm import Answer, LanguageModel, Message
from investorbench.agents.llm.canonical import canonical
from investorbench.agents.single_asset import takes_weight
from investorbench.agents.tool_user.room import Room
from investorbench.agents.tool_user.verbs import (
    VERBS,
    CallOutcome,
    as_message,
    as_recorded,
    carry_out,
    excerpt,
    shown,
)
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.facts import Facts

NEWEST = 12
"""Documents of a bar whose beginnings a question shows; the others can be looked up."""
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "rationale": {"type": "string"},
        "decision": {"type": "string", "enum": ["buy", "hold", "sell"]},
    },
    "required": ["rationale", "decision"],
    "additionalProperties": False,
}
NO_ROOM = CallOutcome("Error: there is no room left for results. Decide now.", "too_long")
NONE_LEFT = CallOutcome("Error: no calls are left. Decide now.", "too_many")


class ToolUser:
    """A language model with tools over ``info["history"]``.

    Args:
        model: what answers.
        max_calls: of tools before each decision; with 0 there are no tools.
        result_chars: characters that a result may have.
        tools: names of those that there are; None for all.
        forecast: what the model is asked for beside its decision: ``"probability"``, of a return
            above 0 over the sessions that the decision is scored over; None for nothing.
    """

    name = "tool_user"

    def __init__(
        self,
        model: LanguageModel,
        *,
        max_calls: int = 6,
        result_chars: int = 6_000,
        tools: list[str] | None = None,
        forecast: str | None = None,
    ) -> None:
        self._forecast = AskedForecast(forecast)
        for name, value, least in (
            ("max_calls", max_calls, 0),
            ("result_chars", result_chars, 1),
        ):
            if type(value) is not int or value < least:
                raise InvestorBenchError(f"{name}={value!r} must be a whole number ≥ {least}")
        for tool in tools or ():
            if tool not in VERBS:
                raise UnknownNameError("tool", tool, VERBS)
        self.model, self.max_calls, self.result_chars = model, max_calls, result_chars
        self._verbs = {name: VERBS[name] for name in (VERBS if tools is None else tools)}
        self._record: dict[str, Any] | None = None

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Begin a split.

        Raises:
            InvestorBenchError: there are several assets, or actions that are none of its words.
        """
        self._rules, self._horizon = rules_of(facts, self.name), facts.horizon
        self._forecast = AskedForecast(self._forecast.kind, facts)
        self._split, self._seed, self._record = split, seed, None

    async def act(self, observation: Observation, info: Info) -> Action:
        """Look things up, and decide.

        Raises:
            ModelError: the model could not be asked; the same step may be taken again.
        """
        weight = float(info["weight"])
        if self._split == "warmup":
            self._record = None
            return self._rules.action(self._rules.target("hold", weight))
        messages, schema = self._question(info), self._forecast.schema(SCHEMA)
        room = Room(self.model, [verb.tool for verb in self._verbs.values()], schema)
        for message in messages:
            room.use(message["content"])
        answers: list[Answer] = []
        calls: list[dict[str, Any]] = []
        while True:
            left = self.max_calls - len(calls)
            tools = [verb.tool for verb in self._verbs.values()] if left > 0 else []
            answer = await self.model.decide(messages, schema, seed=self._seed, tools=tools)
            answers.append(answer)
            if not answer.tool_calls:
                break
            asked = [as_message(call) for call in answer.tool_calls]
            messages.append({"role": "assistant", "content": answer.text, "tool_calls": asked})
            room.use(answer.text + canonical(asked))
            for call in answer.tool_calls:
                outcome = NONE_LEFT
                if len(calls) < self.max_calls:
                    outcome = carry_out(call, info["history"], self.result_chars, self._verbs)
                    outcome = outcome if room.fits(outcome.text) else NO_ROOM
                calls.append(as_recorded(call, outcome))
                room.use(outcome.text)
                result = {"role": "tool", "tool_call_id": call.id, "content": outcome.text}
                messages.append(result)
        value = answer.value or {}
        word = value.get("decision", "hold")
        action = self._rules.target(word, weight)
        self._record = {
            "question": {"system": messages[0]["content"], "user": messages[1]["content"]},
            "tool_calls": calls,
            "decision": {
                "word": word,
                "valid": answer.value is not None,
                "rationale": str(value.get("rationale", "")),
            },
            "answers": [
                {**asdict(each), "role": "decision" if each is answers[-1] else "look_up"}
                for each in answers
            ],
            "action": action,
        }
        return self._forecast.decided(self._rules.action(action), answer.value)

    def record(self) -> dict[str, Any] | None:
        """The last step as plain JSON values; nothing of a warm-up."""
        return self._record

    def save(self, folder: object) -> None:
        """Nothing: there is no state."""

    def load(self, folder: object) -> None:
        """Nothing: there is no state."""

    def describe(self) -> dict[str, Any]:
        """All that determines what this agent does, as plain JSON values."""
        return {
            "agent": self.name,
            "model": self.model.name,
            "is_language_model": self.model.is_language_model,
            "max_calls": self.max_calls,
            "result_chars": self.result_chars,
            "tools": list(self._verbs),
            **self._forecast.described(),
            "prompts_sha256": sha256(_system().template.encode()).hexdigest(),
        }

    def _question(self, info: Info) -> list[Message]:
        system = _system().substitute(
            symbol=info["symbol"],
            calls=f"{self.max_calls} calls" if self.max_calls else "no calls",
            **self._rules.words(),
        )
        system = self._forecast.system(over_horizon(system, self._horizon))
        return [
            {"role": "system", "content": system},
            {"role": "user", "content": now_in_words(info)},
        ]


def rules_of(facts: Facts, agent: str) -> Rules:
    """What buy, hold and sell mean in an environment with bars of any length.

    Args:
        facts: of the environment.
        agent: whose words these are, for the error.

    Raises:
        InvestorBenchError: there are several assets, or actions that are none of these.
    """
    by_weight = takes_weight(facts, agent)
    return Rules(
        hold="keep" if by_weight else facts.hold,
        long_only=facts.long_only,
        by_weight=by_weight,
        log_returns=facts.convention == "log",
        fills=facts.fills,
        cost_rate=facts.cost_rate,
    )


def now_in_words(info: Info) -> str:
    """What is known of now without looking anything up."""
    bars = info["history"].bars(last=11)
    closes = " ".join(f"{close:.6g}" for close in bars["close"])
    returns = " ".join(f"{each:+.2%}" for each in bars["total_return"][1:])
    news = [shown(each, excerpt(each)) for each in info["documents"][:NEWEST]]
    more = len(info["documents"]) - len(news)
    rest = [f"{more} more are among the documents of today."] if more else []
    return "\n".join(
        [
            f"## {info['symbol']}, {info['session']}",
            f"- closes: {closes}",
            f"- returns: {returns}",
            f"- account: weight {info['weight']:+.2f}, equity {info['equity']:,.2f}, "
            f"costs so far {info['costs']:,.2f}",
            "",
            "## New since the last decision",
            *(news or ["Nothing."]),
            *rest,
        ]
    )


@cache
def _system() -> Template:
    return Template((files(__package__) / "prompts" / "system.md").read_text(encoding="utf-8"))
