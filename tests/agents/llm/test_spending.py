import asyncio
import math
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from investorbench.agents.llm import Budget, Cache, Price, SpendCapError, Usage
from tests.agents.llm.asking import GOOD_TEXT, MESSAGES, QUICK, SCHEMA, ask, client
from tests.agents.llm.stub_server import Reply, StubServer

# 100 tokens read and 10 written cost 0.02 USD.
PRICE = {"price": {"input": 100.0, "output": 1000.0}, "sampling": {"max_tokens": 10}}
USAGE = {"prompt_tokens": 100, "completion_tokens": 10}


def test_a_price_counts_cached_tokens_apart() -> None:
    usage = Usage(input=1000, cached=600, output=50)
    assert Price(input=2.0, output=10.0, cached=1.0).of(usage) == pytest.approx(0.0019)
    assert Price(input=2.0, output=10.0).of(usage) == pytest.approx(0.0025)


def test_the_cap_stops_before_the_call_that_could_exceed_it(tmp_path: Path) -> None:
    async def ask_on(asking: Any) -> None:
        for number in range(100):
            await asking.decide(MESSAGES, SCHEMA, repeat=number)

    budget = Budget(max_usd=0.1)
    with (
        StubServer(Reply(text=GOOD_TEXT, usage=USAGE)) as server,
        Cache(tmp_path / "answers.sqlite") as cache,
    ):
        asking = client(server.url, PRICE, budget=budget, cache=cache)
        with pytest.raises(SpendCapError, match=r"max_usd=0\.1.*resume"):
            asyncio.run(ask_on(asking))
        assert 0 < server.calls == len(cache)
        assert budget.spent_usd == pytest.approx(0.02 * server.calls) and budget.spent_usd <= 0.1
        assert ask(asking, repeat=0).cached  # what was answered is kept, and costs nothing


def test_calls_in_flight_together_never_exceed_the_cap_and_use_what_is_left() -> None:
    async def ask_fifty(asking: Any) -> list[Any]:
        many = (asking.decide(MESSAGES, SCHEMA, repeat=n) for n in range(50))
        return await asyncio.gather(*many, return_exceptions=True)

    budget = Budget(max_usd=0.3)
    with StubServer(Reply(text=GOOD_TEXT, usage=USAGE), latency_s=0.01) as server:
        results = asyncio.run(ask_fifty(client(server.url, PRICE, budget=budget)))
        stopped = sum(isinstance(result, SpendCapError) for result in results)
        assert server.calls == 50 - stopped
    assert budget.spent_usd == pytest.approx(0.02 * (50 - stopped))
    assert 0.3 - 0.06 < budget.spent_usd <= 0.3


@pytest.mark.parametrize("at_once", [1, 8])
def test_answers_beyond_their_limit_exceed_the_cap_by_no_more_than_those_in_flight(
    at_once: int,
) -> None:
    async def ask_on(asking: Any) -> list[Any]:
        many = (asking.decide(MESSAGES, SCHEMA, repeat=n) for n in range(60))
        return await asyncio.gather(*many, return_exceptions=True)

    # 1,010 tokens are written where 10 may be: 1.02 USD, and some 0.04 are set aside.
    long = Reply(text=GOOD_TEXT, usage={"prompt_tokens": 100, "completion_tokens": 1010})
    budget, limits = Budget(max_usd=3.0), {"limits": {"concurrency": at_once}}
    with StubServer(long, latency_s=0.01) as server:
        results = asyncio.run(ask_on(client(server.url, PRICE | limits, budget=budget)))
    over = budget.spent_usd - 3.0
    assert 0.0 < over <= at_once * 1.02
    stopped = [str(each) for each in results if isinstance(each, SpendCapError)]
    assert stopped and "by calls that cost more than was set aside" in stopped[-1]
    assert f"{over:.4f} beyond max_usd=3" in budget.overrun


def test_a_request_whose_reply_was_lost_counts_as_billed() -> None:
    budget = Budget(max_usd=1.0)
    lost = [Reply(text=GOOD_TEXT, fault="close_mid_body"), Reply(text=GOOD_TEXT, usage=USAGE)]
    with StubServer(lost) as server:
        answer = ask(client(server.url, PRICE, budget=budget))
    assert answer.cost_usd == pytest.approx(budget.spent_usd)
    assert budget.spent_usd > 0.03


UNREADABLE = ("", "{}", "[]", "null", "[" * 10_000, '{"choices": [{"message": null}]}', "<html>")
BILLED = [
    *(Reply(raw=text) for text in UNREADABLE),
    *(Reply(text=GOOD_TEXT, fault=fault) for fault in ("close_mid_body", "close", "html")),
    *(Reply(status=status, error="<html>") for status in (504, 524)),
]
"""What a server may have generated 10 tokens for, though nothing of them arrived."""


@settings(max_examples=20, deadline=None)
@given(lost=some.lists(some.sampled_from(BILLED), max_size=4))
def test_no_reply_that_may_have_been_billed_is_free(lost: list[Reply]) -> None:
    budget = Budget(max_usd=10.0)
    with StubServer([*lost, Reply(text=GOOD_TEXT, usage=USAGE)]) as server:
        patience = {"attempts": 5, "first_wait_s": 0.0, "longest_wait_s": 0.0}
        answer = ask(client(server.url, PRICE | {"patience": patience}, budget=budget))
    assert budget.spent_usd >= 0.02 + 0.01 * len(lost)  # 10 tokens written are 0.01 USD
    assert answer.cost_usd == pytest.approx(budget.spent_usd)


def test_a_refused_request_costs_nothing() -> None:
    budget = Budget(max_usd=1.0)
    limits = [Reply(status=429, error="{}"), Reply(text=GOOD_TEXT, usage=USAGE)]
    with StubServer(limits) as server:
        ask(client(server.url, PRICE | {"patience": QUICK}, budget=budget))
    assert budget.spent_usd == pytest.approx(0.02)


def test_money_spent_before_a_resume_counts() -> None:
    with StubServer(GOOD_TEXT) as server, pytest.raises(SpendCapError):
        ask(client(server.url, PRICE, budget=Budget(max_usd=1.0, spent_usd=0.999)))
    assert server.calls == 0


def test_processes_that_share_a_ledger_count_what_the_others_spent(tmp_path: Path) -> None:
    async def spend(budget: Budget, usd: float) -> None:
        with budget.settling(await budget.set_aside(usd)) as reservation:
            reservation.cost(usd)

    one, other = (Budget(max_usd=1.0, ledger=tmp_path / "spending.txt") for _ in range(2))
    asyncio.run(spend(one, 0.4))
    asyncio.run(spend(other, 0.5))
    with pytest.raises(SpendCapError, match=r"0\.9000 USD are spent"):
        asyncio.run(spend(one, 0.2))
    asyncio.run(spend(one, 0.1))
    assert Budget(max_usd=1.0, ledger=tmp_path / "spending.txt").spent_usd == pytest.approx(1.0)
    assert len((tmp_path / "spending.txt").read_text().splitlines()) == 3


calls = some.lists(
    some.tuples(
        some.sampled_from(["stock-sim/finmem/repeat-0", "stock-sim/a name/repeat-1", ""]),
        some.floats(1e-6, 10.0),
        some.floats(0.0, 1.0),
        some.sampled_from(["answered", "lost", "killed"]),
    ),
    max_size=12,
)


@given(calls=calls)
def test_after_a_kill_a_ledger_counts_what_calls_cost_and_of_those_in_flight_the_most(
    calls: list[tuple[str, float, float, str]],
) -> None:
    async def spend(budget: Budget) -> None:
        for payer, at_most, share, end in calls:
            reservation = await budget.set_aside(at_most, payer)
            if end == "killed":
                continue  # nothing is said of it any more
            with budget.settling(reservation):
                if end == "lost":
                    reservation.may_be_billed()
                else:
                    reservation.cost(share * at_most)

    expected: dict[str, list[float]] = defaultdict(list)
    for payer, at_most, share, end in calls:
        expected[payer].append(share * at_most if end == "answered" else at_most)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "spending.txt"
        asyncio.run(spend(Budget(ledger=ledger)))
        resumed = Budget(ledger=ledger)
        for payer, costs in expected.items():
            assert resumed.paid_by(payer) == pytest.approx(math.fsum(costs), abs=1e-12)
        everything = math.fsum(cost for costs in expected.values() for cost in costs)
        assert resumed.spent_usd == pytest.approx(everything, abs=1e-12)


def test_a_ledger_of_an_older_version_is_read_on(tmp_path: Path) -> None:
    (tmp_path / "spending.txt").write_text("0.25\n0.5\n0.12")  # a kill cut the last line off
    budget = Budget(ledger=tmp_path / "spending.txt")
    assert budget.spent_usd == 0.75 and budget.paid_by("stock-sim/finmem/repeat-0") == 0.0
