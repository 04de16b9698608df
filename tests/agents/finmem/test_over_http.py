"""Lives against a real server on loopback: what it is sent, and what its answers come to."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from investorbench.agents.finmem import FinMem
from tests.agents.finmem.episodes import (
    CLOSES,
    STEPS,
    Day,
    answer,
    arrays,
    market,
    play,
    shown_labels,
    task_of,
    varied,
)
from tests.agents.llm.asking import client
from tests.agents.llm.stub_server import StubServer, schema_of

Request = dict[str, Any]


def episode_over_http(say: Callable[[Request], str]) -> tuple[list[Day], list[Request], FinMem]:
    with StubServer(say) as server:
        agent = FinMem(client(server.url), arrays)
        # Without costs what the account earns is what the price moved, and no other day's move.
        episode = play(agent, task_of(market(), commission_bps=0.0, slippage_bps=0.0))
    return episode, server.requests, agent


def says_varied(request: Request) -> str:
    return json.dumps(varied(request["messages"], schema_of(request)))


@pytest.fixture(scope="module")
def plain() -> tuple[list[Day], list[Request], FinMem]:
    """An episode in which every answer is as it should be."""
    return episode_over_http(says_varied)


def user_of(request: Mapping[str, Any]) -> str:
    return str(request["messages"][1]["content"])


def session_of(request: Mapping[str, Any]) -> str:
    found = re.search(r"^Session: (\S+)$", user_of(request), re.MULTILINE)
    assert found
    return found[1]


def place_of(session: str) -> int:
    """A date as a session of the market."""
    return int((np.datetime64(session) - np.datetime64("2020-01-01")).astype(int))


def move_of(t: int) -> float:
    """The return of the step after session t."""
    return CLOSES[t + 1] / CLOSES[t] - 1.0


def test_invalid_answers_hold_and_ids_never_shown_are_dropped_and_both_are_counted() -> None:
    speechless = {"2020-07-03", "2020-07-23", "2020-07-27"}

    def say(request: Request) -> str:
        if session_of(request) in speechless:
            return "there is no JSON in here at all"
        messages = request["messages"]
        labels = [987_654, *shown_labels(messages)[:1], "M20"]
        return json.dumps(answer(messages, memory_ids=labels))

    episode, requests, agent = episode_over_http(say)
    counts, good = agent.counts, len(episode) - len(speechless)
    assert (counts.decisions, counts.invalid, counts.repaired) == (len(episode), 3, 0)
    assert counts.dropped_ids == 2 * good
    assert len(requests) == len(episode) + len(speechless)  # a repair turn each
    for day in episode:
        decision, session = day.thought.decision, day.info["session"]
        ids = [*(memory.id for memory in day.thought.recalled), *day.thought.stored]
        if session in speechless:
            assert (decision.valid, decision.cited, decision.rationale) == (False, (), "")
            rises = move_of(place_of(session)) > 0
            assert day.action == (1 if day.split == "test" else 2 if rises else 0)
            assert day.thought.answer.status == "invalid"
        else:
            assert (decision.valid, decision.cited, decision.dropped) == (True, (ids[0],), 2)


def test_no_prompt_of_the_test_split_holds_a_return_or_a_price_to_come(
    plain: tuple[list[Day], list[Request], FinMem],
) -> None:
    _, requests, _ = plain
    tested = [request for request in requests if session_of(request) >= "2020-07-20"]
    assert (len(requests), len(tested)) == (sum(STEPS.values()), STEPS["test"])
    for request in tested:
        # What the account has earned so far may happen to be of the same size.
        text = re.sub(r"[-+][\d.]+% since the start", "", json.dumps(request))
        today = place_of(session_of(request))
        assert f"{move_of(today - 1):+.2%}" in text  # what was is there
        for t in range(today, 214):
            size = re.escape(f"{abs(move_of(t)):.2%}")
            assert not re.search(rf"(?<![\d.]){size}", text), (session_of(request), t)
            assert f"{CLOSES[t + 1]:.2f}" not in text
        assert "This is training" not in text and not re.search(r"\blabel\b", text)


def test_prompts_of_the_warm_up_ask_to_explain_the_label(
    plain: tuple[list[Day], list[Request], FinMem],
) -> None:
    _, requests, _ = plain
    for request in requests[: STEPS["warmup"]]:
        move = move_of(place_of(session_of(request)))
        word = "buy" if move > 0 else "sell"
        assert f"TEST returned {move:+.2%}. The decision that follows is {word}." in user_of(
            request
        )


def test_prices_returns_holdings_pnl_and_momentum_are_numbers_oldest_first(
    plain: tuple[list[Day], list[Request], FinMem],
) -> None:
    episode, requests, _ = plain
    entry, seen = 0.0, set()
    for day, request in zip(episode, requests, strict=True):
        today = place_of(day.info["session"])
        shown = dict(facts_in(user_of(request)))
        closes = [CLOSES[t] for t in range(today - 5, today + 1)]
        assert shown["Closes of TEST"] == ", ".join(f"{close:.2f}" for close in closes)
        moves = [move_of(t) for t in range(today - 5, today)]
        assert shown["Returns from close to close"] == ", ".join(f"{move:+.2%}" for move in moves)
        momentum = CLOSES[today] / CLOSES[today - 3] - 1.0
        assert shown["Momentum over 3 sessions"] == f"{momentum:+.2%}"
        if day.info["session"] == "2020-07-20":
            entry = 0.0  # another account
        held = day.info["position"]
        side = "long" if held > 0 else "short" if held < 0 else "none"
        pnl = held * (CLOSES[today] - entry)
        assert shown["Position"].startswith(f"{side}, {number(held)} units, weight ")
        found = float(shown["Position"].rpartition("unrealised PnL ")[2])
        assert found == pytest.approx(pnl, rel=1e-6, abs=0.011)  # float32, two digits
        money = f"{number(day.info['cash'])}. Equity: {number(day.info['equity'])},"
        assert shown["Cash"].startswith(money)
        entry = day.outcome["fill_price"] or entry
        seen.add(side)
    assert seen == {"long", "short", "none"}


def test_memories_and_decisions_are_shown_oldest_first(
    plain: tuple[list[Day], list[Request], FinMem],
) -> None:
    episode, requests, _ = plain
    for place, request in enumerate(requests):
        memories, _, rest = user_of(request).partition("# Recent decisions\n")
        for layer in memories.split("\n## ")[1:]:
            dates = re.findall(r'<memory id="M\d+" date="([\d-]+)"', layer)
            assert dates == sorted(dates)
        own = rest.partition("\n\n# Today")[0]
        recent = own.partition("\nWhat you concluded last:")[0].splitlines()
        sessions = [day.info["session"] for day in episode[max(0, place - 3) : place]]
        assert [text.partition(":")[0] for text in recent if place] == sessions


def test_the_system_message_never_changes_and_opens_every_prompt(
    plain: tuple[list[Day], list[Request], FinMem],
) -> None:
    _, requests, _ = plain
    assert {request["messages"][0]["role"] for request in requests} == {"system"}
    systems = {request["messages"][0]["content"].encode() for request in requests}
    assert len(systems) == 1
    prompts = [json.dumps(request["messages"]) for request in requests]
    static = len(json.dumps(requests[0]["messages"][:1])) - 1
    for one, other in pairwise(prompts):
        assert one != other and one[:static] == other[:static]
    assert static > 1000


def facts_in(user: str) -> Iterator[tuple[str, str]]:
    for text in user.partition("# Today\n")[2].partition("\n\n")[0].splitlines():
        name, _, value = text.partition(": ")
        yield name, value


def number(value: float) -> str:
    value = 0.0 if abs(value) < 1e-8 else value  # a rest of rounding
    return f"{value:.2f}" if abs(value) >= 1 or value == 0 else f"{value:.6g}"
