"""The arena's agent: what it asks, what it makes of a reply, and what it carries on."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents.arena import ArenaAgent
from investorbench_env.accounting.events import ClosedTrade, Rejection
from investorbench_env.accounting.signals import Signal
from investorbench_env.errors import InvestorBenchError
from tests.agents.arena.asking import INFO, OBSERVATION, entry, hold, perpetuals
from tests.agents.finmem.episodes import Scripted

AT = datetime(2025, 7, 17, tzinfo=UTC)
REPLY = {"thinking": "Momentum.", "BTC": entry("BTC"), "ETH": hold("ETH"), "DOGE": None}
CLOSED = ClosedTrade(
    symbol="BTC", quantity=0.62, entry_price=108_026.0, exit_price=111_000.0, reason="target",
    opened=AT, closed=AT, pnl=1843.88, fees=61.11, funding=-13.52, margin=3348.8, leverage=20.0,
)  # fmt: skip


def begun(say: Any = None, split: str = "test", **options: Any) -> tuple[ArenaAgent, Scripted]:
    model = Scripted(lambda messages, schema: REPLY if say is None else say(messages))
    agent = ArenaAgent(model, **options)  # type: ignore[arg-type]
    agent.begin(perpetuals(), split, 3)
    return agent, model


def act(agent: ArenaAgent, info: dict[str, Any] = INFO) -> Any:
    return asyncio.run(agent.act(OBSERVATION, info))


def test_a_reply_becomes_an_action_without_what_it_left_empty() -> None:
    agent, _ = begun()
    action = act(agent)
    assert action["BTC"]["signal"] == "buy_to_enter" and action["BTC"]["leverage"] == 20
    assert action["ETH"] == {"coin": "ETH", "signal": "hold"}
    assert "DOGE" not in action
    thought = agent.record() or {}
    assert thought["action"] == action
    assert thought["decision"]["word"] == "buy_to_enter BTC"
    assert thought["decision"]["rationale"] == "Momentum."


def test_a_question_has_the_rules_first_and_the_observation_as_the_environment_words_it() -> None:
    agent, model = begun()
    act(agent)
    ((system, question), schema) = model.asked[0]
    assert "from 5 to the most of its coin: BTC 40, ETH 25, DOGE 10" in system["content"]
    assert "0.045 % of its notional" in system["content"]
    assert "at least 5 % of free cash" in system["content"]
    assert OBSERVATION["text"] in question["content"]
    assert [*schema["properties"]] == ["thinking", "BTC", "ETH", "DOGE"]


def test_ranks_are_asked_with_where_a_tournament_shows_them() -> None:
    agent, model = begun()
    ranks = {"rank": 2, "of": 3, "equities": [11_000.0, 10_250.5, 9_000.0]}
    act(agent, {**INFO, "ranks": ranks})
    ((_, question), _) = model.asked[0]
    assert "number 2 of 3; their values: 11000.00, 10250.50, 9000.00" in question["content"]


def test_between_two_questions_everything_is_held_and_nothing_recorded() -> None:
    agent, model = begun(every=3)
    assert [bool(act(agent)) for _ in range(7)] == [True, False, False] * 2 + [True]
    assert len(model.asked) == 3
    act(agent)
    assert agent.record() is None


def test_a_warm_up_asks_nothing() -> None:
    agent, model = begun(split="warmup")
    assert act(agent) == {} and model.asked == []


def test_what_happened_since_the_last_question_is_shown_once() -> None:
    agent, model = begun(every=2)
    act(agent)
    refused = Rejection(Signal("ETH", "buy_to_enter"), "leverage: 50 is above the 25 of ETH")
    agent.learn(0.0, {"closed": (CLOSED,), "rejections": (refused,)})
    act(agent)
    agent.learn(0.0, {})
    act(agent)
    agent.learn(0.0, {})
    for _ in range(2):
        act(agent)
    shown = [messages[-1]["content"] for messages, _ in model.asked]
    assert "closed at its profit target at 111000; profit +1,843.88" in shown[1]
    assert "ETH buy_to_enter was rejected: leverage: 50 is above the 25 of ETH" in shown[1]
    assert "Nothing." in shown[0] and "Nothing." in shown[2]


def test_its_last_decisions_are_shown_as_far_as_it_remembers() -> None:
    agent, model = begun(memory=2)
    for n in range(4):
        act(agent, {**INFO, "time": f"2025-07-17 0{n}:00"})
    last = model.asked[-1][0][-1]["content"]
    assert "01:00" in last and "02:00" in last and "00:00" not in last
    assert "RSI7 turns up." in last and "invalidated by: 4-hour close below 105,000" in last
    assert "recent decisions" not in model.asked[0][0][-1]["content"]
    forgetful, model = begun()
    for _ in range(2):
        act(forgetful)
    assert "recent decisions" not in model.asked[-1][0][-1]["content"]


def test_without_a_usable_answer_it_holds_and_says_so_next_time() -> None:
    agent, model = begun(lambda messages: None)
    assert act(agent) == {}
    assert (agent.record() or {})["decision"]["valid"] is False
    act(agent)
    assert "left out, as it did not fit: all" in model.asked[-1][0][-1]["content"]


def test_a_saved_agent_goes_on_with_the_same_questions(tmp_path: Path) -> None:
    def episode(*, broken_off: bool) -> list[str]:
        agent, model = begun(memory=3, every=2)
        asked = []
        for n in range(6):
            act(agent, {**INFO, "time": f"2025-07-17 0{n}:00"})
            agent.learn(0.0, {"closed": (CLOSED,) * (n == 2)})
            asked += [messages[-1]["content"] for messages, _ in model.asked]
            if broken_off:
                agent.save(tmp_path)
                agent, model = begun(memory=3, every=2)
                agent.load(tmp_path)
            else:
                model.asked.clear()
        return asked

    assert episode(broken_off=True) == episode(broken_off=False)


def test_a_state_of_another_task_is_refused(tmp_path: Path) -> None:
    agent, _ = begun()
    agent.save(tmp_path)
    other = ArenaAgent(agent.model)
    other.begin(perpetuals(symbols=("BTC",)), "test", 3)
    with pytest.raises(InvestorBenchError, match="another task, split or seed"):
        other.load(tmp_path)
    with pytest.raises(InvestorBenchError, match="holds no state of arena"):
        agent.load(tmp_path / "nowhere")


def test_what_it_cannot_trade_or_read_is_refused_in_a_sentence() -> None:
    agent, _ = begun()
    with pytest.raises(InvestorBenchError, match="arena trades perpetuals"):
        agent.begin(perpetuals(action="orders"), "test", 3)
    with pytest.raises(InvestorBenchError, match="set modalities"):
        asyncio.run(agent.act({"features": 1}, INFO))
    for wrong in ({"every": 0}, {"memory": -1}, {"memory": True}, {"thinking": "no"}):
        with pytest.raises(InvestorBenchError):
            begun(**wrong)  # type: ignore[arg-type]


def test_what_determines_it_is_described() -> None:
    agent, _ = begun(every=5, memory=7, thinking=False)
    described = agent.describe()
    assert {"every": 5, "memory": 7, "thinking": False}.items() <= described.items()
    assert len(described["prompts_sha256"]) == 64
