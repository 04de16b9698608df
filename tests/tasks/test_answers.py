"""What counts as an unusable decision, what is done about many, and what answered."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from investorbench.agents.llm import Answer, Usage
from investorbench.tasks.answers import answers_in, as_written, is_unusable, tally, with_asked
from investorbench.tasks.servers import Asking, changes_of_server, differences_of_servers

STATUSES = ("ok", "repaired", "refused", "truncated", "invalid")
ROLES = ("decision", "reflection", "summary")


def answer(role: str = "decision", status: str = "ok", **fields: Any) -> dict[str, Any]:
    """An answer as a line holds it."""
    tokens = {"input": 7, "output": 3, "cached": 0, "reasoning": 0}
    return {
        "role": role, "status": status, "tokens": tokens, "cost_usd": 0.5, "latency_s": 1.0,
        "is_language_model": True, "model": "m", **fields,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "thought", "unusable"),
    [
        ([answer()], None, False),
        ([answer(status="repaired")], None, False),
        ([answer(status="refused")], None, True),
        ([answer(status="truncated")], {"decision": "hold"}, True),
        ([answer(status="invalid")], {"decision": {"valid": True}}, True),
        ([answer("analyst"), answer(status="invalid")], {"decision": {"valid": True}}, False),
        ([answer(status="invalid", is_language_model=False)], None, False),
        ([answer(status="invalid"), answer("screen", is_language_model=False)], None, True),
        ([answer()], {"decision": {"valid": False}}, True),
        ([answer(), answer("reflection", "invalid")], None, False),
        ([answer(status="invalid"), answer("reflection")], None, True),
        ([answer("analyst", "invalid"), answer("trader")], None, False),
        ([answer("analyst"), answer("trader", "invalid")], None, True),
    ],
)
def test_a_decision_is_unusable_as_its_agent_says_or_where_the_deciding_answer_has_no_value(
    answers: list[dict[str, Any]], thought: dict[str, Any] | None, unusable: bool
) -> None:
    assert is_unusable(answers, thought) is unusable


some_answers = some.lists(
    some.lists(
        some.builds(
            answer, role=some.sampled_from(ROLES), status=some.sampled_from(STATUSES),
            cost_usd=some.sampled_from([0.25, 0.5, 2.0]),
        ),
        max_size=4,
    ),
    max_size=12,
)  # fmt: skip


@given(days=some_answers)
def test_every_answer_of_a_day_is_counted_once_in_its_role(days: Sequence[Any]) -> None:
    asked = [each for day in days for each in day]
    counted = tally((day, None) for day in days)
    if not asked:
        assert counted is None
        return
    assert counted is not None
    assert set(counted["roles"]) == {each["role"] for each in asked}
    for role, own in counted["roles"].items():
        mine = [each for each in asked if each["role"] == role]
        bad = [each for each in mine if each["status"] in ("refused", "truncated", "invalid")]
        assert (own["answers"], own["unusable"]) == (len(mine), len(bad))
        assert own["tokens"]["input"] == 7 * len(mine)
        assert own["cost_usd"] == sum(each["cost_usd"] for each in mine)
    assert sum(own["cost_usd"] for own in counted["roles"].values()) == counted["cost_usd"]
    assert counted["decisions"] == sum(bool(day) for day in days)


asked_answers = some.lists(
    some.builds(
        lambda request, status, cost: Answer(
            value=None, text=f"{request} {status} {cost}", status=status, rung="text", model="m",
            request_hash=request, usage=Usage(input=7, output=3, known=True), cost_usd=cost,
        ),
        request=some.sampled_from("ab"), status=some.sampled_from(STATUSES),
        cost=some.sampled_from([0.25, 0.5, 2.0]),
    ),
    min_size=1, max_size=4,
)  # fmt: skip
claims = some.lists(
    some.fixed_dictionaries(
        {
            "status": some.sampled_from(STATUSES),
            "usage": some.just({"input": 0, "output": 0, "cached": 0, "reasoning": 0}),
            "cost_usd": some.just(0.0), "latency_s": some.just(0.0),
            "is_language_model": some.booleans(),
        },
        optional={
            "request_hash": some.sampled_from([None, "a", "b"]),
            "role": some.sampled_from(ROLES), "text": some.just("as the agent says"),
        },
    ),
    max_size=4,
)  # fmt: skip


@given(asked=asked_answers, claimed=claims, valid=some.booleans())
def test_whatever_an_agent_says_of_its_answers_they_are_recorded_as_they_were_given(
    asked: list[Answer], claimed: list[dict[str, Any]], valid: bool
) -> None:
    thought = {"answers": claimed, "decision": {"valid": valid}}
    recorded = answers_in(with_asked(thought, asked))
    requests = {each.request_hash for each in asked}
    genuine = [each for each in recorded if each.get("request_hash") in requests]
    assert sorted(each["text"] for each in genuine) == sorted(each.text for each in asked)
    assert all(each["text"] == f"{each['request_hash']} {each['status']} {each['cost_usd']}"
               and each["is_language_model"] and each["tokens"]["input"] == 7
               for each in genuine)  # fmt: skip
    if len(recorded) == len(genuine) and not any(each.is_usable for each in asked):
        assert is_unusable(recorded, thought)


def test_what_an_older_version_wrote_is_compared_with_what_it_counted() -> None:
    now = {"test": tally([([answer(status="invalid")], None)]), "warmup": None}
    assert now["test"] is not None and now["test"]["invalid"] == 1
    older = {name: part for name, part in now["test"].items() if name not in ("roles", "servers")}
    kept = {"test": older | {"invalid": 0}, "warmup": None}
    assert as_written(now, kept) == kept
    assert as_written(now, now) == now
    assert as_written(now, None) == now


def test_one_model_that_answers_two_agents_as_two_models_is_named() -> None:
    def asking(agent: str, *models: str, asked: str = "gpt") -> Asking:
        return Asking(agent, asked, [tally([([answer(model=m)], None)]) for m in models])

    same = [asking("a", "gpt-1", "gpt-1"), asking("b", "gpt-1"), asking("c", asked="")]
    assert list(differences_of_servers(same)) == []
    other = asking("d", "gpt-2"), asking("e", "llama-1", asked="llama")
    assert list(differences_of_servers([*same, *other])) == [
        "gpt is not one model here: answered were a by gpt-1; b by gpt-1; d by gpt-2"
    ]


def changes(*servers: dict[str, Any]) -> list[str]:
    tallies = [tally([([answer(**server)], None)]) for server in servers]
    return list(changes_of_server("finmem", tallies))


def test_a_change_of_what_servers_say_of_themselves_is_named() -> None:
    same = {"model": "m-1", "system_fingerprint": "fp_1", "server": "vLLM 0.11.0"}
    assert changes(same, same, {"model": "m-1"}) == []  # what is left out is no change
    assert changes(same, same | {"model": "m-2", "cached": True}) == [
        "finmem: the model changed within the run, so its figures mix m-1 (1 answer), "
        "m-2 (1 answer; from the cache)"
    ]
    (fingerprint,) = changes(same, same | {"system_fingerprint": "fp_2"})
    assert "the system_fingerprint of m-1 changed" in fingerprint and "fp_2" in fingerprint
    (version,) = changes(same, same | {"server": "vLLM 0.12.0"})
    assert "the server version changed" in version
