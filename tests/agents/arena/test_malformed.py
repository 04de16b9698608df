"""Two thousand malformed replies: none crashes, and each is counted in its class."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from investorbench.agents.arena import ArenaAgent
from investorbench.agents.llm import Answer, Completion
from investorbench.agents.llm.replies import Reading, read_reply, status_without
from investorbench_env.accounting.signal_lists import kind_of
from tests.agents.arena.malformed import COINS, MAKERS, PRICES, MalformedSignals, cases
from tests.env.perpetual_markets import flat, perpetual_market, perpetuals


class Repeating:
    """A model that gives one reply to the first question and to the repair turn alike."""

    name, is_language_model = "repeating", True

    def __init__(self) -> None:
        self.case: MalformedSignals | None = None

    async def decide(self, messages: Any, schema: Any, **options: Any) -> Answer:
        assert self.case is not None
        given = Completion(text=self.case.text, finish_reason=self.case.finish_reason)
        first = second = read_reply(given, schema)
        if first.defect is not None:
            second = read_reply(given, schema).without_unfit()
        return Answer(
            value=second.value, text=self.case.text, status=_status(first, second), rung="text",
            model=self.name, request_hash="", problem=second.problem, tolerated=second.tolerated,
            defects=() if first.defect is None else (first.defect,),
        )  # fmt: skip


def _status(first: Reading, second: Reading) -> Any:
    if second.defect is not None:
        return status_without(second)
    return "ok" if first.defect is None else "repaired"


def outcomes(given: list[MalformedSignals]) -> list[MalformedSignals]:
    """What becomes of replies, as far as they say it of themselves."""
    bars = {coin: flat(price, 3) for coin, price in PRICES.items()}
    env = perpetuals(perpetual_market({coin: bars[coin] for coin in COINS}))
    model = Repeating()
    agent = ArenaAgent(model)  # type: ignore[arg-type]
    found = []
    for case in given:
        observation, info = env.reset(seed=0)
        agent.begin(env.facts, "test", 0)
        model.case = case
        action = asyncio.run(agent.act(observation, info))
        _, _, _, _, info = env.step(action)
        thought = agent.record() or {}
        answer, decision = thought["answer"], thought["decision"]
        found.append(
            case._replace(
                defect=next(iter(answer["defects"]), None),
                tolerated=case.tolerated & {*answer["tolerated"]},
                unfit=decision["orders_left_out"] if decision["valid"] else None,
                rejected={each.order.symbol: kind_of(each.reason) for each in info["rejections"]},
                entered=frozenset(each.symbol for each in info["positions"]),
            )
        )
    return found


def wrong(number: int) -> list[tuple[MalformedSignals, MalformedSignals]]:
    given = cases(number, seed=14)
    pairs = zip(given, outcomes(given), strict=True)
    return [(case, outcome) for case, outcome in pairs if case != outcome]


def test_malformed_replies_of_every_kind_are_each_counted_in_their_class() -> None:
    assert wrong(len(MAKERS)) == []


@pytest.mark.heavy
def test_two_thousand_malformed_replies_are_each_counted_in_their_class() -> None:
    assert wrong(2_000) == []
    assert min(Counter(case.kind for case in cases(2_000, seed=14)).values()) >= 45
