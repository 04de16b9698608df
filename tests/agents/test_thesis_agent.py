"""The agent that writes theses: what it asks, how it trades, what it records."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from investorbench.agents.llm import Answer, ContextLengthError, ModelError, connect, load_model
from investorbench.agents.llm.answer import Message, Status, Usage
from investorbench.agents.llm.models import Model
from investorbench.agents.thesis.agent import ANSWER_TOKENS, ThesisAgent
from investorbench.agents.thesis.targets import TARGETS, targets_of
from investorbench.agents.thesis.thesis import CLASSES, parse
from investorbench.tasks import evaluate
from investorbench.tasks.answers import answers_of
from investorbench.tasks.step import Step
from investorbench.tasks.trading_r1.recorded import theses_of
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from tests.env.small_markets import date, document, small_market

DOCUMENTS = [document(30.0 + n / 2, f"Orders at the plant rose by {n} percent.") for n in range(20)]
MARKET = small_market([100.0 + n % 9 for n in range(60)], documents=DOCUMENTS)
DAYS: dict[str, Any] = {"data": MARKET, "start": date(40), "end": date(45), "seed": 0}
STEPS = 5
EACH = [f"<news>\n- Up *orders at the plant rose* `n1`\n</news>\n[[[{each}]]]" for each in CLASSES]
OFFLINE = connect(load_model("offline"))

Reply = str | tuple[str, Status]


class Scripted:
    """A model that says what a script has next, the last for ever; it keeps what it was asked."""

    name = "scripted"
    is_language_model = True

    def __init__(self, replies: Sequence[Reply], model: Model | None = None) -> None:
        self._replies, self.model = list(replies), model
        self.asked: list[Sequence[Message]] = []
        self.most_tokens: list[int | None] = []
        self.takes: Callable[[str], bool] = lambda text: True

    def __deepcopy__(self, memo: Any) -> "Scripted":
        return self

    async def decide(
        self, messages: Sequence[Message], schema: Any, *, seed: Any = None, repeat: int = 0,
        max_tokens: int | None = None, tools: Any = (),
    ) -> Answer:  # fmt: skip
        assert schema is None
        if not self.takes("".join(str(message["content"]) for message in messages[1:])):
            raise ContextLengthError("here", self.name, None, None)
        self.asked.append(messages)
        self.most_tokens.append(max_tokens)
        said = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        text, status = (said, "ok") if isinstance(said, str) else said
        return Answer(
            value=None, text=text, status=status, rung="text", model=self.name,
            request_hash=f"{len(self.asked)}", usage=Usage(known=True), cost_usd=0.0,
        )  # fmt: skip


def traded(
    replies: Sequence[Reply], agent: dict[str, Any] | None = None, **options: Any
) -> tuple[Scripted, list[Step]]:
    """What was asked of a model with these replies, and the steps that came of them."""
    model = Scripted(replies)
    steps: list[Step] = []
    evaluate(
        ThesisAgent(model, **(agent or {})), "InvestorBench/Stock",
        **{"warmup": False, "watch": steps.append, **DAYS, **options},
    )  # fmt: skip
    return model, steps


@pytest.mark.parametrize(
    ("options", "actions"),
    [
        ({"action": "weight"}, [[1.0], [0.5], [0.0], [-0.5], [-1.0]]),
        ({"action": "weight", "long_only": True}, [[1.0], [0.5], [0.0], [0.0], [0.0]]),
        ({"action": "trade"}, [2, 2, 1, 0, 0]),
        ({"action": "trade", "long_only": True}, [2, 2, 1, 0, 0]),
        ({"action": "trade", "protocol": "paper"}, [2, 2, 1, 0, 0]),
    ],
)
def test_each_decision_trades_by_the_table(options: dict[str, Any], actions: list[Any]) -> None:
    _, steps = traded(EACH, **options)
    assert [step.action for step in steps] == actions
    assert [found.decision for found in theses_of(steps)] == list(CLASSES)


def test_a_table_of_ones_own_holds_and_its_words_are_the_nearest() -> None:
    own = {"strong_buy": 0.9, "buy": 0.4, "hold": 0.1, "sell": -0.2, "strong_sell": -0.6}
    _, steps = traded(EACH, {"weights": own}, action="weight")
    assert [step.action[0] for step in steps] == pytest.approx([0.9, 0.4, 0.1, -0.2, -0.6])
    _, steps = traded(EACH, {"weights": own})
    assert [step.action for step in steps] == [2, 1, 1, 1, 0]


def test_a_table_that_is_none_is_refused_with_what_is_wrong() -> None:
    assert targets_of(None) is TARGETS
    with pytest.raises(UnknownNameError, match="decision 'bye'"):
        targets_of({**TARGETS, "bye": 0.0})
    with pytest.raises(InvestorBenchError, match="weights lack buy, hold"):
        targets_of({"strong_buy": 1, "sell": 0, "strong_sell": 0})
    for wrong in (1.5, float("nan"), "1", True, None):
        with pytest.raises(InvestorBenchError, match=r"weights\.buy="):
            targets_of({**TARGETS, "BUY": wrong})


def test_a_thesis_without_a_decision_is_asked_for_it_once() -> None:
    model, steps = traded(["<news>Up.</news>\nWell.", "[[[SELL]]]", EACH[0]], action="weight")
    assert len(model.asked) == STEPS + 1
    system, user, thesis, again = model.asked[1]
    assert [system, user] == [*model.asked[0]]
    assert thesis == {"role": "assistant", "content": "<news>Up.</news>\nWell."}
    assert again["role"] == "user" and "answer with its decision alone" in again["content"]
    assert steps[0].thought and len(steps[0].thought["answers"]) == 2
    (found,) = theses_of(steps[:1])
    assert (found.text, found.decision) == ("<news>Up.</news>\nWell.\n[[[SELL]]]", "SELL")
    assert steps[0].action == [-0.5] and steps[0].thought["decision"]["valid"]


def test_a_thought_that_was_cut_off_does_not_swallow_the_decision_that_mends_it() -> None:
    _, steps = traded(["<think>I could go on", "<think>So?</think>[[[BUY]]]"], end=date(41))
    assert [found.decision for found in theses_of(steps)] == ["BUY"]


@pytest.mark.parametrize("second", ["[[[SELL]]]", "<news>- Up *a b c d* `n1`</news>\n[[[SELL]]]"])
def test_of_a_second_answer_only_the_decision_counts(second: str) -> None:
    _, steps = traded(["[[[BUY]]]\n[[[HOLD]]]", second], end=date(41))
    (found,) = theses_of(steps)
    assert found.decision == "SELL" and parse(found.text).sections == ()
    assert steps[0].thought and len(steps[0].thought["answers"]) == 2


@pytest.mark.parametrize("reply", ["Well.", "[[[BUY|SELL]]]", "[[[BUY]]]\n[[[SELL]]]"])
def test_without_any_decision_it_leaves_the_position_and_is_counted(reply: str) -> None:
    model = Scripted([EACH[1], reply])
    steps: list[Step] = []
    result = evaluate(
        ThesisAgent(model), "InvestorBench/Stock", watch=steps.append, warmup=False,
        action="weight", **DAYS,
    )  # fmt: skip
    assert len(model.asked) == 1 + 2 * (STEPS - 1)
    held = [step.action[0] for step in steps[1:]]
    assert held == pytest.approx([np.float32(step.info["weight"]) for step in steps[1:]])
    assert [step.thought and step.thought["decision"] for step in steps[1:]] == [
        {"word": "hold", "valid": False, "rationale": ""}
    ] * (STEPS - 1)
    counted = answers_of(result)
    assert counted is not None and counted.invalid == STEPS - 1
    assert [found.decision for found in theses_of(steps)] == ["BUY", None, None, None, None]


@pytest.mark.parametrize("status", ["refused", "truncated", "invalid"])
def test_what_was_declined_or_is_empty_is_not_pressed_for(status: Status) -> None:
    model, steps = traded([("", status), EACH[0]], end=date(42))
    assert len(model.asked) == 2
    assert [step.action for step in steps] == [1, 2]


def test_in_a_warmup_it_asks_nothing_and_holds() -> None:
    model = Scripted(EACH)
    steps: list[Step] = []
    evaluate(ThesisAgent(model), "stock/sim", seed=0, end="2020-10-05", watch=steps.append)
    assert len(model.asked) == sum(step.split == "test" for step in steps)
    warmup = [step for step in steps if step.split == "warmup"]
    assert warmup and {step.action for step in warmup} == {1}
    assert theses_of(warmup) == ()


def test_the_question_is_the_briefing_and_nothing_else() -> None:
    model, steps = traded(EACH)
    for asked, step, found in zip(model.asked, steps, theses_of(steps), strict=True):
        system, user = asked
        assert step.thought is not None
        assert (system["role"], user["role"]) == ("system", "user")
        assert user["content"] == found.briefing == step.thought["question"]["user"]
        assert f"after the session of {step.info['session']}" in found.briefing
        assert {"t1", "n1"} <= set(found.ids) and found.cut == ()
        for id in found.ids:
            assert f"\n[{id}] " in found.briefing
        assert found.citable.has("orders at the plant rose")
    assert len({str(asked[0]["content"]) for asked in model.asked}) == 1
    assert model.most_tokens == [None] * STEPS


def test_the_instructions_name_the_five_decisions_best_first() -> None:
    model, _ = traded(EACH, end=date(41))
    system = str(model.asked[0][0]["content"])
    marks = [f"[[[{each}]]]" for each in CLASSES]
    assert sorted(marks, key=system.index) == marks
    assert "Judge by what you are shown alone" in system  # which a wording says otherwise


def test_every_model_and_repeat_is_asked_the_same_unless_another_draw_is_set() -> None:
    few = {"briefing": {"news": [2, 2, 2]}}
    asked = [
        [str(messages[1]["content"]) for messages in traded([reply], own, seed=seed)[0].asked]
        for reply, own, seed in (
            ("[[[BUY]]]", few, 0),
            ("[[[SELL]]]", few, 1),
            ("[[[BUY]]]", {**few, "briefing_seed": 1}, 0),
        )
    ]
    assert asked[0] == asked[1] != asked[2]
    with pytest.raises(InvestorBenchError, match="briefing_seed=-1"):
        ThesisAgent(OFFLINE, briefing_seed=-1)


def test_a_model_with_little_room_is_shown_less_and_all_of_it_is_counted() -> None:
    settings = load_model("gpt-4o-mini")
    longest = settings.sampling.max_tokens + ANSWER_TOKENS
    _, whole = traded(EACH)
    small = Scripted(EACH, replace(settings, tokenizer=None, context_length=longest + 1_900))
    steps: list[Step] = []
    evaluate(ThesisAgent(small), "InvestorBench/Stock", watch=steps.append, warmup=False, **DAYS)
    assert small.most_tokens == [longest] * STEPS
    for step, less, more in zip(steps, theses_of(steps), theses_of(whole), strict=True):
        assert step.thought is not None
        assert len(less.briefing) < len(more.briefing) and less.cut
        assert step.thought["left_out"] == {"pieces": len(more.ids) - len(less.ids)}
    tiny = Scripted(EACH, replace(settings, tokenizer=None, context_length=longest + 100))
    with pytest.raises(ModelError, match="what thesis always shows takes"):
        evaluate(ThesisAgent(tiny), "InvestorBench/Stock", warmup=False, **DAYS)


def test_a_server_that_refuses_a_long_question_is_asked_about_less() -> None:
    model = Scripted(EACH)
    model.takes = lambda text: len(text) < 2_500
    steps: list[Step] = []
    result = evaluate(
        ThesisAgent(model), "InvestorBench/Stock", watch=steps.append, warmup=False, **DAYS
    )
    assert all(len(found.briefing) < 2_500 for found in theses_of(steps))
    (episode,) = result.episodes
    left_out = (episode.answers or {})["test"]["left_out"]
    assert left_out["refused"] >= STEPS and left_out["decisions"] == STEPS
    model.takes = lambda text: False
    with pytest.raises(ModelError, match="choose a model with a longer context"):
        evaluate(ThesisAgent(model), "InvestorBench/Stock", warmup=False, **DAYS)


def test_a_thesis_that_leaves_no_room_to_ask_for_its_decision_decides_nothing() -> None:
    model = Scripted(["Up and down. " * 900])
    model.takes = lambda text: len(text) < 9_000
    steps: list[Step] = []
    evaluate(ThesisAgent(model), "InvestorBench/Stock", watch=steps.append, warmup=False, **DAYS)
    assert len(model.asked) == STEPS and [step.action for step in steps] == [1] * STEPS
    assert [found.decision for found in theses_of(steps)] == [None] * STEPS
    assert all(step.thought and len(step.thought["refused"]) == 1 for step in steps)


@pytest.mark.heavy
@pytest.mark.parametrize("action", ["trade", "weight"])
def test_it_decides_on_snapshots(action: str) -> None:
    steps: list[Step] = []
    evaluate(
        partial(ThesisAgent, OFFLINE), "snapshot/sim", seed=0, action=action, watch=steps.append
    )
    found = theses_of(steps)
    assert len(found) == len(steps) > 1
    assert all(each.decision in CLASSES and {"t1", "n1"} <= {*each.ids} for each in found)


def test_what_it_cannot_read_is_refused_in_a_sentence() -> None:
    with pytest.raises(InvestorBenchError, match="thesis decides on one asset"):
        evaluate(ThesisAgent(OFFLINE), "portfolio/sim", seed=0, warmup=False)
    with pytest.raises(UnknownNameError, match="setting of a briefing 'session'"):
        ThesisAgent(OFFLINE, briefing={"session": 3})
    with pytest.raises(InvestorBenchError, match="drop=2"):
        ThesisAgent(OFFLINE, briefing={"drop": 2})


def test_what_determines_it_is_described() -> None:
    said = ThesisAgent(OFFLINE, briefing={"sessions": 3}).describe()
    assert said["weights"] == dict(TARGETS) and len(said["prompts_sha256"]) == 64
    assert (said["briefing"]["sessions"], said["briefing"]["drop"]) == (3, 0.0)
