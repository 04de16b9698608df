"""Recorded answers in place of a model: the same questions must lead to them, or it shows.

It asks no server. What a reply says is read from its text again, and the key of a question is
computed again, so an answer that was recorded otherwise comes out otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Self, get_args

from investorbench.agents.llm.answer import (
    RUNGS,
    Answer,
    Completion,
    Defect,
    Message,
    Schema,
    Status,
    Tool,
    ToolCall,
    Usage,
)
from investorbench.agents.llm.errors import ContextLengthError, ModelError
from investorbench.agents.llm.models import Model
from investorbench.agents.llm.replies import Reading, read_reply, read_text, status_without
from investorbench.agents.llm.request import Request
from investorbench.agents.llm.tool_calls import checked

RecordedAnswer = Mapping[str, Any]
"""The fields of an :class:`Answer` in JSON values, the usage as ``tokens``."""
ROUNDING = 1e-9
OF_AN_ANSWER = tuple(each.name for each in fields(Answer))


class NothingRecordedError(ModelError):
    """A question was asked, and no answer to it is left in the record."""


class RecordedAnswers:
    """Answers in the order in which they were recorded.

    Of questions that were asked at once, each finds its own answer by its key.

    Args:
        model: the settings of the model that gave them.
        answers: all that it gave in an episode, as they are recorded.
        refused: requests that its server refused as too long, by their hash: the tokens that a
            request may have, and those that the prompt had, where it said so.
    """

    def __init__(
        self,
        model: Model,
        answers: Iterable[RecordedAnswer],
        refused: Mapping[str, tuple[int | None, int | None]] | None = None,
    ) -> None:
        self._refused = refused or {}
        self.model, self.name = model, model.name
        self.is_language_model = model.is_language_model
        self._left = list(answers)

    def __deepcopy__(self, memo: Mapping[int, Any]) -> Self:
        return self  # a copy of an agent goes on with what is left

    async def decide(
        self,
        messages: Sequence[Message],
        schema: Schema | None,
        *,
        seed: int | None = None,
        repeat: int = 0,
        max_tokens: int | None = None,
        tools: Sequence[Tool] = (),
    ) -> Answer:
        """The answer that was recorded for this question; for the arguments see ``Client.decide``.

        Raises:
            NothingRecordedError: none is left.
            ContextLengthError: the question was refused as too long.
        """
        first = Request(
            model=self.model,
            messages=tuple(messages),
            schema=schema,
            rung="text",
            seed=seed,
            repeat=repeat,
            max_tokens=max_tokens or self.model.sampling.max_tokens,
            tools=checked(tools),
        )
        places = dict.fromkeys(str(each.get("address", "")) for each in self._left)
        keys = {
            key: rung
            for place in places
            for key, (rung, _) in replace(first, address=place)
            .variants(RUNGS, self.model.accepts)
            .items()
        }
        if refused := next((key for key in keys if key in self._refused), None):
            raise ContextLengthError("the record", self.name, *self._refused[refused])
        recorded = self._next(set(keys))
        status, reading = self._read(recorded, schema)
        values = {name: recorded[name] for name in OF_AN_ANSWER if name in recorded}
        values |= {
            "value": reading.value,
            "status": status,
            "problem": reading.problem,
            "usage": Usage(**recorded["tokens"]),
            "defects": self._defects(recorded, reading),
            "is_language_model": self.is_language_model,
            "tolerated": tuple(recorded.get("tolerated", ())),
            "tool_calls": tuple(ToolCall(**call) for call in recorded.get("tool_calls", ())),
        }
        if not _took_two(recorded):
            own = (key for key, rung in keys.items() if rung == recorded["rung"])
            is_own = keys.get(str(recorded.get("request_hash"))) == recorded["rung"]
            values["request_hash"] = recorded["request_hash"] if is_own else next(own, "")
            values["tolerated"] = reading.tolerated
            values["cost_usd"] = self._cost(recorded)
        return Answer(**values)

    def _defects(self, recorded: RecordedAnswer, reading: Reading) -> tuple[str, ...]:
        """Those that the last reply shows; of a first one that is not recorded, what was noted."""
        own = () if reading.defect is None else (str(reading.defect),)
        if not _took_two(recorded):
            return own
        first = str(next(iter(recorded["defects"]), ""))
        return (*(first,) * (first in get_args(Defect)), *own)

    def _cost(self, recorded: RecordedAnswer) -> float | None:
        """What a single reply cost: its price at least, for what a kill cut off may come on top."""
        cost: float | None = recorded.get("cost_usd")
        usage, price = Usage(**recorded["tokens"]), self.model.price
        if price is None or not usage.known or recorded.get("cached"):
            return cost
        least = price.of(usage)
        return cost if cost is not None and cost >= least * (1.0 - ROUNDING) else least

    def _next(self, keys: set[str]) -> RecordedAnswer:
        if not self._left:
            raise NothingRecordedError(
                f"the agent asks {self.name} a question to which no answer is recorded"
            )
        number = next(
            (n for n, each in enumerate(self._left) if each.get("request_hash") in keys), 0
        )
        return self._left.pop(number)

    def _read(self, recorded: RecordedAnswer, schema: Schema | None) -> tuple[Status, Reading]:
        """What the last reply says, and what status follows from it."""
        text, defects = str(recorded["text"]), tuple(recorded.get("defects", ()))
        # That a server said in a field of its own that the model declined is known by its defect.
        declined = defects[-1:] == ("refusal",) and not text.strip()
        completion = Completion(
            text=text,
            reasoning=str(recorded.get("reasoning", "")),
            refusal="it declined" if declined else "",
            finish_reason=str(recorded.get("finish_reason", "stop")),
        )
        if recorded.get("tool_calls"):
            reading = Reading()
        elif schema is None:
            reading = read_text(completion)
        else:
            reading = read_reply(completion, schema, self.model.limits.longest_answer)
        if len(defects) == 1 and _took_two(recorded):
            reading = reading.without_unfit()
        if declined:
            reading = Reading(defect="refusal", problem=str(recorded.get("problem", "")))
        if reading.defect is not None:
            return status_without(reading), reading
        return "repaired" if defects else "ok", reading


def _took_two(recorded: RecordedAnswer) -> bool:
    """Whether a repair turn followed, whose question holds a first reply that is not recorded."""
    usable = recorded.get("status") in ("ok", "repaired")
    return len(recorded.get("defects", ())) + usable > 1
