"""A step of a portfolio's agent: one question about all assets, orders that stand by themselves."""

import asyncio
import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.llm import Answer, ServerError
from investorbench.agents.portfolio import FinMemPortfolio
from investorbench.agents.portfolio.actions import shares_ordered
from investorbench.agents.portfolio.perception import perceive
from investorbench_env.errors import InvestorBenchError
from tests.agents.finmem import episodes as one_asset
from tests.agents.finmem.episodes import Scripted
from tests.agents.llm.asking import client
from tests.agents.llm.stub_server import StubServer
from tests.agents.portfolio.episodes import (
    STEPS,
    SYMBOLS,
    Day,
    agent_of,
    answer,
    arrays,
    environment,
    labels_in,
    market,
    order,
    play,
    sections,
    varied,
)

DATA = market()


def test_of(days: list[Day]) -> list[Day]:
    return [day for day in days if day.split == "test"]


test_of.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("action", ["orders", "weights"])
def test_one_question_a_step_in_one_schema_and_what_never_changes_first(action: str) -> None:
    model = Scripted(varied)
    episode = play(FinMemPortfolio(model, arrays), DATA, action)
    assert len(model.asked) == len(episode) == sum(STEPS.values())
    assert len({json.dumps(schema) for _, schema in model.asked}) == 1
    assert len({messages[0]["content"] for messages, _ in model.asked}) == 1
    for messages, _ in model.asked:
        assert [*sections(messages[1]["content"])] == [*SYMBOLS]


def test_training_orders_what_rises_and_no_test_shows_a_label() -> None:
    for day in play(agent_of(varied), DATA):
        prompt = day.thought.question.user
        if day.split == "test":
            assert "returns" not in prompt.partition("# Assets")[2].replace("Returns", "")
            assert day.thought.record()["labels"] is None
            continue
        rising = {s for s, label in zip(SYMBOLS, day.info["label"], strict=True) if label > 0}
        held = {position.symbol for position in day.outcome["account"].positions}
        assert held == rising and not day.outcome["rejections"]
        for symbol, label in zip(SYMBOLS, day.info["label"], strict=True):
            assert f"It returns {label:+.2%} next." in sections(prompt)[symbol]


def test_a_rejected_order_takes_no_other_with_it_and_is_said_at_the_next_decision() -> None:
    wanted = [
        order("ACME", "buy", 10, stop=1.0),
        order("BOLT", "sell", 5),
        order("CALX", "buy", -3),
        order("BOLT", "buy", 7, limit=20.0, until="cancelled"),
        order("ACME", "cancel", id="W99"),
    ]
    model = Scripted(lambda messages, schema: answer(messages, wanted))
    first, second, *_ = test_of(play(FinMemPortfolio(model, arrays), DATA))
    assert [fill.symbol for fill in first.outcome["fills"]] == ["ACME"]
    assert len(first.outcome["rejections"]) == 3
    events = second.thought.question.user.partition("# Since the last decision")[2]
    events = events.partition("# Recent decisions")[0]
    assert "bought 10 shares of ACME" in events and events.count("rejected: ") == 3
    assert "5 shares of BOLT are more than the 0 held" in events
    account = second.thought.question.user.partition("# Since")[0]
    assert re.search(r"- ACME: 10 shares, .*, stop 1\.00", account)
    assert "waiting order W1: buy 7 BOLT, limit 20, until cancelled" in account


def test_a_waiting_order_is_cancelled_by_the_id_that_is_shown() -> None:
    def say(messages: Any, schema: Any) -> Any:
        shown = re.findall(r"waiting order (W\d+)", messages[-1]["content"])
        cancels = [order("ACME", "cancel", id=id) for id in shown]
        waits = [order("ACME", "buy", 1, limit=1.0, until="cancelled")]
        return answer(messages, cancels or waits)

    episode = test_of(play(agent_of(say), DATA))
    waiting = [[each.id for each in day.outcome["open_orders"]] for day in episode]
    assert waiting == [["W1"], [], ["W2"], [], ["W3"], [], ["W4"], []]


def test_an_order_that_fits_no_schema_is_asked_for_again_then_left_out_counted_and_said() -> None:
    def reply(request: dict[str, Any]) -> str:
        messages = request["messages"][:2]
        bad = {**order("GOOG", "buy", 3), "leverage": 10}
        return json.dumps(answer(messages, [order("ACME", "buy", 2), bad]))

    with StubServer(reply) as server:
        agent = FinMemPortfolio(client(server.url), arrays, filings="extracts")
        episode = play(agent, DATA)
    assert len(server.requests) == 2 * len(episode)
    longest = agent.model.model.sampling.max_tokens + 120 * len(SYMBOLS)  # type: ignore[attr-defined]
    assert {request["max_tokens"] for request in server.requests} == {longest}
    first, second, *_ = test_of(episode)
    assert [each["symbol"] for each in first.action] == ["ACME"]
    assert "left out of your last answer: 1 of its entries" in second.thought.question.user
    assert "GOOG" in second.thought.question.user.partition("# Recent")[0]
    assert first.thought.record()["decision"]["orders_left_out"] == 1
    assert agent.counts.left_out == agent.counts.decisions == agent.counts.repaired == len(episode)
    assert agent.counts.invalid == 0


def test_without_a_usable_answer_everything_stays_as_it_is() -> None:
    for action in ("orders", "weights"):
        agent = agent_of(lambda messages, schema: None)
        for day in test_of(play(agent, DATA, action)):
            assert not day.outcome["fills"] and not day.thought.record()["decision"]["valid"]
        assert agent.counts.invalid == sum(STEPS.values())


def test_weights_keep_what_is_not_listed_and_what_is_none_is_left_out_and_said() -> None:
    listed = [
        {"symbol": "ACME", "weight": 0.3},
        {"symbol": "BOLT", "weight": 1.7},
        {"symbol": "CALX", "weight": 0.1},
        {"symbol": "CALX", "weight": 0.2},
    ]

    def say(messages: Any, schema: Any) -> Any:
        value = answer(
            messages, weights=listed if "Nothing is held" in messages[-1]["content"] else []
        )
        del value["orders"]
        return value

    first, second, *rest = test_of(play(agent_of(say), DATA, "weights"))
    np.testing.assert_allclose(first.action, [0.3, 0.0, 0.0], atol=1e-7)
    said = second.thought.question.user.partition("# Recent decisions")[0]
    assert "BOLT to a weight of 1.7, not within 0 to 1" in said and "CALX has 2 weights" in said
    for day in (second, *rest):
        (held,) = day.info["account"].positions
        np.testing.assert_allclose(day.action, [held.weight, 0.0, 0.0], rtol=1e-6)
        assert sum(fill.notional for fill in day.outcome["fills"]) < 0.05 * day.info["equity"]


def test_weights_that_are_scaled_down_are_said() -> None:
    def say(messages: Any, schema: Any) -> Any:
        value = answer(messages, weights=[{"symbol": s, "weight": 0.5} for s in SYMBOLS])
        del value["orders"]
        return value

    first, second, *_ = test_of(play(agent_of(say), DATA, "weights"))
    assert "were scaled down" not in first.thought.question.user
    assert "were scaled down" in second.thought.question.user


def test_each_asset_has_a_memory_of_its_own() -> None:
    agent = agent_of(varied)
    episode = play(agent, DATA)
    for day in episode:
        for symbol, text in sections(day.thought.question.user).items():
            others = {*SYMBOLS} - {symbol}
            assert not any(f"the {other} plant" in text for other in others)
        shown = [memory["label"] for memory in day.thought.record()["recalled"]]
        assert len(shown) == len({*shown})
    assert {*agent.memories} == {*SYMBOLS}
    for symbol, memory in agent.memories.items():
        texts = [each.text for layer in memory.recall("plant", 50).values() for each in layer]
        assert texts and not any(other in text for text in texts for other in {*SYMBOLS} - {symbol})


def test_only_what_was_shown_of_an_asset_can_be_cited_for_it() -> None:
    def say(messages: Any, schema: Any) -> Any:
        views = [{"symbol": "ACME", "rationale": "x", "memory_ids": ["N1", "N19", "M8"]}]
        return answer(messages, views=views)

    for day in play(agent_of(say), DATA):
        known = labels_in(sections(day.thought.question.user)["ACME"])
        decision = day.thought.record()["decision"]
        assert decision["dropped"] == 3 - len({*known} & {"N1", "N19", "M8"})
        assert all(each.startswith("ACME ") for each in decision["cited"])


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), action=st.sampled_from(["orders", "weights"]))
def test_contributions_add_up_to_what_the_account_earned(seed: int, action: str) -> None:
    data = market(ACME={"splits": {23: 2.0}, "dividends": {22: 1.5}}, BOLT={"dividends": {25: 4.0}})

    def say(messages: Any, schema: Any) -> Any:
        prompt = f"{seed}{messages[-1]['content']}"
        return varied([*messages[:-1], {**messages[-1], "content": prompt}], schema)

    agent = agent_of(say)
    episode = play(agent, data, action)
    for past, day in zip(agent._current.track, episode, strict=True):
        earned = day.outcome["equity"] / day.info["equity"] - 1.0
        assert past.earned == pytest.approx(earned, abs=1e-12)
        assert sum(past.contributions.values()) == pytest.approx(earned, abs=1e-12)


def test_memories_get_the_sign_of_what_their_own_asset_earned() -> None:
    agent = agent_of(varied)
    episode = play(agent, DATA)
    track = [*agent._current.track]
    signs = set()
    for step, day in enumerate(episode):
        for symbol, own in day.thought.assets.items():
            if step < agent.look_back:
                assert not own.feedback.ids
                continue
            earned = sum(past.contributions.get(symbol, 0.0) for past in track[step - 3 : step])
            assert own.feedback.ids == track[step - 3].cited[symbol]
            assert own.feedback.sign == (earned > 0) - (earned < 0)
            signs.add(own.feedback.sign)
    assert signs >= {1, -1}


def test_a_step_whose_model_could_not_be_asked_is_taken_again_as_if_for_the_first_time() -> None:
    class Failing(Scripted):
        fails = False

        async def decide(self, messages: Any, schema: Any, **options: Any) -> Answer:
            self.fails = not self.fails
            if self.fails:
                raise ServerError("http://server", "it is away")
            return await super().decide(messages, schema, **options)

    class Stubborn(FinMemPortfolio):
        async def act(self, observation: Any, info: Any) -> Any:
            with pytest.raises(ServerError):
                await super().act(observation, info)
            return await super().act(observation, info)

    again = play(Stubborn(Failing(varied), arrays), DATA)
    once = play(agent_of(varied), DATA)
    assert [day.thought.record() for day in again] == [day.thought.record() for day in once]


def test_a_record_is_plain_json_with_the_answer() -> None:
    for day in play(agent_of(varied), DATA):
        record = day.thought.record()
        assert json.loads(json.dumps(record, allow_nan=False)).keys() == record.keys()
        assert record["answer"]["status"] == "ok" and record["question"]["sha256"]
        assert {"recalled", "question", "decision", "perception"} <= record.keys()


def test_an_environment_of_one_asset_and_numbers_below_one_are_refused() -> None:
    single = one_asset.environment(one_asset.task_of(one_asset.market()), "test")
    with pytest.raises(InvestorBenchError, match=r"decides on a portfolio, .* use agent=finmem"):
        agent_of(varied).begin(single.unwrapped.facts, "test", 0)
    with pytest.raises(InvestorBenchError, match="news_tokens=0 must be at least 1"):
        agent_of(varied, news_tokens=0)
    with pytest.raises(InvestorBenchError, match="has not begun"):
        agent_of(varied).save(".")


def test_the_limits_of_the_environment_stand_in_the_system_message() -> None:
    limits = {"max_weight": 0.25, "max_positions": 2, "whole_shares": True, "volume_cap": 0.6}
    episode = play(agent_of(varied), DATA, constraints=limits)
    system = episode[0].thought.question.system
    assert (
        "at most 2 assets are held at once; at most 0.25 of equity is in one asset; an order fills "
        "at most 0.6 of the volume of a session; shares are whole."
    ) in system
    assert "Limits" not in play(agent_of(varied), DATA)[0].thought.question.system
    for day in episode:
        if day.split == "warmup":  # training keeps to them
            assert not day.outcome["rejections"]


def test_a_price_that_is_old_is_said_to_be_and_moves_neither_asset_nor_universe() -> None:
    gone = market(BOLT={"last": 23})
    episode = test_of(play(agent_of(varied), gone))
    texts = [sections(day.thought.question.user)["BOLT"].splitlines()[0] for day in episode]
    assert ["an old one: it did not trade" in text for text in texts] == [False] * 4 + [True] * 4
    assert all(("Returns" in text) != ("an old one" in text) for text in texts)
    closes = {symbol: gone.bars[:, n, 3] for n, symbol in enumerate(gone.symbols)}
    last = episode[-1].thought.day
    moves = [closes[symbol][27] / closes[symbol][26] - 1.0 for symbol in ("ACME", "CALX")]
    assert last.perception.universe_return == pytest.approx(sum(moves) / 3, rel=1e-5)


NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 500)
ANY_ORDER = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(SYMBOLS),
        "side": st.sampled_from(["buy", "sell", "stop", "cancel"]),
        "quantity": NUMBERS,
        "limit": NUMBERS,
        "stop": NUMBERS,
        "until": st.sampled_from(["day", "cancelled"]),
        "id": st.none() | st.text(max_size=5) | st.sampled_from(["W1", "</news>", "# Question"]),
    }
)


@settings(max_examples=40, deadline=None)
@given(orders=st.lists(ANY_ORDER, max_size=5))
def test_whatever_fits_the_schema_is_ordered_or_rejected_and_can_be_put_in_words(
    orders: list[Any],
) -> None:
    env = environment(DATA, "test")
    observation, info = env.reset(seed=0)
    facts = env.unwrapped.facts
    for _ in range(2):
        ordered = shares_ordered(orders, 0)
        observation, _, _, _, info = env.step(ordered.action)
        seen = perceive(observation, info, facts, None)
        words = "\n".join([seen.account_words(), *seen.events, ordered.words()])
        assert "<" not in "\n".join([seen.account_words(), *seen.events]) and words


@settings(max_examples=40, deadline=None)
@given(
    weights=st.lists(
        st.fixed_dictionaries(
            {
                "symbol": st.sampled_from(SYMBOLS),
                "weight": st.floats(allow_nan=False, allow_infinity=False) | st.floats(-0.2, 1.2),
            }
        ),
        max_size=5,
    )
)
def test_whatever_weights_fit_the_schema_make_an_action(weights: list[Any]) -> None:
    def say(messages: Any, schema: Any) -> Any:
        value = answer(messages, weights=weights)
        del value["orders"]
        return value

    env = environment(DATA, "test", "weights")
    agent = agent_of(say)

    async def two_steps() -> None:
        observation, info = env.reset(seed=0)
        agent.begin(env.unwrapped.facts, "test", 0)
        for _ in range(2):
            action = await agent.act(observation, info)
            assert action in env.action_space
            observation, reward, _, _, info = env.step(action)
            agent.learn(reward, info)

    asyncio.run(two_steps())
    assert agent.last is not None and agent.counts.left_out == 2 * agent.last.orders_left_out
