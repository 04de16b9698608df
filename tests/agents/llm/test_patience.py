"""A server that is away is waited for, by a clock that the test moves."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from investorbench.agents.agent import as_agent
from investorbench.agents.llm import Answer, Client, Completion, Endpoints, ServerError
from investorbench.agents.llm.request import Request
from investorbench.agents.llm.retrying import Fault
from investorbench.tasks.running.episode import live
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.task import Task
from tests.agents.llm.asking import GOOD_TEXT, MESSAGES, SCHEMA, model
from tests.agents.llm.skipping import run_skipping

PATIENT = {"attempts": 3, "total_timeout_s": 600.0, "first_wait_s": 0.5, "longest_wait_s": 60.0}
LATENCY_S = 0.1
AWAY = [
    Fault("unreachable", "cannot connect"),
    Fault("status", "HTTP 502", status=502),
    Fault("status", "HTTP 503", status=503),
    Fault("cut_off", "the connection broke"),
]
FREE = [*AWAY, *(Fault("status", f"HTTP {code}", status=code) for code in (429, 500, 409))]
BILLED = [Fault("timeout", "late"), Fault("not_json", "HTML"), Fault("broken_off", "abort")]


class Server:
    """Answers after a while, or does at each moment what its script says.

    Args:
        script: the fault at a time of the loop's clock and of the number of a request.
    """

    address = "http://server.example/v1"

    def __init__(self, script: Callable[[float, int], Fault | None]) -> None:
        self._script = script
        self.times: list[float] = []
        self.at_once: list[int] = []
        self._open = 0

    async def context_length(self, model: str) -> int | None:
        fault = self._script(asyncio.get_running_loop().time(), 0)
        if fault is not None:
            raise fault
        return None

    async def complete(self, request: Request) -> Completion:
        loop = asyncio.get_running_loop()
        self.times.append(loop.time())
        self._open += 1
        self.at_once.append(self._open)
        try:
            fault = self._script(loop.time(), len(self.times))
            await asyncio.sleep(LATENCY_S)
        finally:
            self._open -= 1
        if fault is not None:
            raise fault
        return Completion(text=GOOD_TEXT)


def client(server: Server, said: list[str] | None = None, **options: Any) -> Client:
    asked = model(**{"patience": PATIENT} | options)
    say = None if said is None else said.append
    rng = np.random.default_rng(0)
    return Client(asked, server, endpoints=Endpoints(), rng=rng, say=say)


async def ask(asking: Client, number: int = 0) -> Answer:
    return await asking.decide(MESSAGES, SCHEMA, repeat=number)


async def ask_many(asking: Client, many: int) -> list[Answer | BaseException]:
    calls = (ask(asking, number) for number in range(many))
    return await asyncio.gather(*calls, return_exceptions=True)


def gone(fault: Fault, start: float, end: float) -> Callable[[float, int], Fault | None]:
    return lambda time, number: fault if start <= time < end else None


class Asks:
    """Does what a model says; asks it at every step."""

    name = "asks"

    def __init__(self, model: Client) -> None:
        self.model = model

    def begin(self, facts: Any, split: str, seed: int) -> None:
        self.day = 0

    async def act(self, observation: Any, info: Any) -> int:
        self.day += 1
        answer = await ask(self.model, self.day)
        return 2 if answer.value and answer.value["decision"] == "BUY" else 1


@pytest.mark.parametrize("fault", AWAY, ids=lambda fault: fault.reason)
def test_a_server_that_is_gone_for_four_minutes_ends_no_episode(fault: Fault) -> None:
    server, said = Server(gone(fault, 1.0, 241.0)), list[str]()
    task = Task.of("stock/sim", options={"end": "2020-10-30"})

    async def play() -> Any:
        asking = client(server, said, patience={})  # as it comes
        episodes = (
            live(as_agent(Asks(asking)), task, seeds=Seeds(0, n), warmup=False) for n in range(8)
        )
        return await asyncio.gather(*episodes)

    for episode in run_skipping(play()):
        assert len(episode.actions) == 21
    during = [time for time in server.times if 1.0 + LATENCY_S < time < 241.0]
    assert 3 < len(during) < 20
    assert len(said) == 2 and "tried again" in said[0] and "answers again" in said[1]


@settings(max_examples=30, deadline=None)
@given(
    fault=some.sampled_from(AWAY),
    end=some.floats(2.0, 500.0),
    many=some.integers(1, 100),
    concurrency=some.sampled_from([1, 4, 64]),
)
def test_while_a_server_is_away_one_call_at_a_time_tries_it(
    fault: Fault, end: float, many: int, concurrency: int
) -> None:
    server = Server(gone(fault, 0.0, end))
    asking = client(server, limits={"concurrency": concurrency})
    answers = run_skipping(ask_many(asking, many))
    assert all(isinstance(each, Answer) and each.status == "ok" for each in answers)
    tries = [
        at_once
        for time, at_once in zip(server.times, server.at_once, strict=True)
        if LATENCY_S < time < end
    ]
    assert set(tries) <= {1} and len(tries) <= 8 + end / 30.0
    back = min(time for time in server.times if time >= end)
    assert back <= end + 60.0 + 1.0  # no wait is longer than the longest


@pytest.mark.parametrize("fault", FREE, ids=lambda fault: fault.reason)
def test_what_does_not_end_is_given_up_at_the_total_timeout_by_all_at_once(fault: Fault) -> None:
    server = Server(gone(fault, 0.0, 1e9))

    async def end() -> float:
        ended = await ask_many(client(server), 100)
        assert all(isinstance(each, ServerError) for each in ended)
        assert all("total_timeout_s=600" in str(each) for each in ended)
        return asyncio.get_running_loop().time()

    assert 600.0 - 60.0 - LATENCY_S < run_skipping(end()) <= 600.0 + LATENCY_S


@settings(max_examples=30, deadline=None)
@given(faults=some.lists(some.sampled_from([*FREE, *BILLED]), max_size=12))
def test_attempts_count_what_may_cost_money_and_nothing_else(faults: list[Fault]) -> None:
    server = Server(lambda time, number: faults[number - 1] if 0 < number <= len(faults) else None)
    priced = {"price": {"input": 1.0, "output": 1.0}}
    (ended,) = run_skipping(ask_many(client(server, **priced), 1))
    lost = [n for n, fault in enumerate(faults, 1) if fault in BILLED or fault.kind == "cut_off"]
    if len(lost) >= 3:
        assert isinstance(ended, ServerError) and "after 3 requests" in str(ended)
        assert len(server.times) == lost[2]
    else:
        assert isinstance(ended, Answer) and len(server.times) == len(faults) + 1


def test_a_server_that_breaks_every_connection_off_is_tried_by_what_costs_nothing() -> None:
    server = Server(gone(AWAY[-1], 0.0, 240.0))
    priced = {"price": {"input": 1.0, "output": 1.0}}
    (answer,) = run_skipping(ask_many(client(server, **priced), 1))
    assert isinstance(answer, Answer) and answer.attempts == 2


def test_connections_that_a_server_of_ones_own_breaks_cost_nothing() -> None:
    server = Server(gone(AWAY[-1], 0.0, 240.0))
    (answer,) = run_skipping(ask_many(client(server), 1))
    assert isinstance(answer, Answer) and answer.attempts > 3


def test_a_request_that_alone_breaks_the_connection_is_not_sent_on_and_on() -> None:
    class Breaking(Server):
        async def complete(self, request: Request) -> Completion:
            self._script = gone(AWAY[-1], 0.0, 1e9 if request.repeat == 7 else 0.0)
            return await super().complete(request)

    server = Breaking(lambda time, number: None)

    async def ask_on(asking: Client) -> None:
        asked = asyncio.create_task(ask(asking, 7))
        while not asked.done():
            await ask(asking, 1)
        with pytest.raises(ServerError, match="connection broke"):
            await asked

    run_skipping(ask_on(client(server, patience=PATIENT | {"total_timeout_s": 100.0})))
    assert len(server.times) < 100.0 / LATENCY_S + 20


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_is_left_alone_for_as_long_as_it_asks(status: int) -> None:
    busy = Fault("status", "busy", status=status, retry_after_s=100.0)
    server = Server(gone(busy, 0.0, 100.0))
    answers = run_skipping(ask_many(client(server), 10))
    assert all(isinstance(each, Answer) for each in answers)
    assert not [time for time in server.times if LATENCY_S < time < 100.0]


def test_a_call_that_is_cancelled_while_it_tries_leaves_that_to_the_next() -> None:
    server = Server(gone(AWAY[0], 0.0, 50.0))

    async def cancel() -> list[Any]:
        asking = client(server)
        calls = [asyncio.create_task(ask(asking, number)) for number in range(3)]
        rng = np.random.default_rng(0)
        for _ in range(200):
            await asyncio.sleep(float(rng.uniform(0.0, 0.3)))
            if server._open and len(calls) < 60:
                calls.append(asyncio.create_task(ask(asking, len(calls))))
                calls[int(rng.integers(len(calls)))].cancel()
        return await asyncio.gather(*calls, return_exceptions=True)

    ended = run_skipping(cancel())
    kept = [each for each in ended if not isinstance(each, asyncio.CancelledError)]
    assert kept and all(isinstance(each, Answer) and each.status == "ok" for each in kept)
