"""What a portfolio's prompt holds: all of its assets within the context, foreign text in blocks."""

import re
from itertools import pairwise
from typing import Any

import pytest

from investorbench.agents.llm import ModelError
from investorbench.agents.llm.canonical import canonical
from investorbench.agents.portfolio import FinMemPortfolio
from investorbench.agents.portfolio.finmem_portfolio import ANSWER_TOKENS
from investorbench_env.token_estimate import estimate
from tests.agents.finmem.episodes import Scripted
from tests.agents.finmem.test_injection import MARK, POISONS
from tests.agents.llm.asking import model as model_of_stub
from tests.agents.portfolio.episodes import (
    SYMBOLS,
    agent_of,
    answer,
    arrays,
    market,
    play,
    sections,
    varied,
)

THIRTY = tuple(f"S{number:02d}" for number in range(30))
BLOCK = re.compile(r'<memory id="(?:M\d+|last)" date="[\d-]+">\n([^<>]*)\n</memory>')
NEWS = re.compile(r"<news>\n([^<>]*)\n</news>")


class Small(Scripted):
    """A scripted model with a context."""

    is_language_model = True

    def __init__(self, context_length: int) -> None:
        super().__init__(varied)
        sampling = {"max_tokens": 500}
        self.model = model_of_stub(context_length=context_length, sampling=sampling)


def long_news(symbol: str, t: int) -> str:
    return f"{symbol} reports orders of {t} million. " + f"Plant {t} ran for {t + 7} hours. " * 30


@pytest.mark.parametrize("context_length", [16_384, 32_768])
def test_prompts_about_thirty_assets_fit_and_show_all_of_them(context_length: int) -> None:
    agent = FinMemPortfolio(Small(context_length), arrays, filings="extracts")
    episode = play(agent, market(THIRTY, long_news), "weights")
    for day in episode:
        question = day.thought.question
        tokens = sum(map(estimate, (question.system, question.user, canonical(question.schema))))
        assert tokens <= context_length - 500 - 30 * ANSWER_TOKENS
        assert [*sections(question.user)] == [*THIRTY]
    assert agent.counts.shortened > 0 and agent.counts.invalid == 0


def test_a_context_without_room_for_what_is_always_shown_is_refused_before_anything_is_asked() -> (
    None
):
    model = Small(8_192)
    agent = FinMemPortfolio(model, arrays, filings="extracts")
    with pytest.raises(ModelError, match="what finmem_portfolio always shows takes"):
        play(agent, market(THIRTY, long_news))
    assert not model.asked


def test_each_asset_has_the_headline_of_its_top_story_before_any_has_a_second() -> None:
    agent = FinMemPortfolio(Small(16_384), arrays, filings="extracts")
    for day in play(agent, market(THIRTY, long_news), "weights"):
        for own in day.thought.assets.values():
            assert own.news.top_shown == min(own.news.top, own.news.items)


def test_poison_stays_in_its_block_and_changes_no_schema() -> None:
    def poison(symbol: str, t: int) -> str:
        return POISONS[t % len(POISONS)]

    def echo(messages: Any, schema: Any) -> Any:
        value = varied(messages, schema)
        if MARK in messages[-1]["content"]:
            views = [{**view, "rationale": POISONS[0]} for view in value["views"]]
            value |= {"reflection": POISONS[0], "views": views}
        return value

    model = Scripted(echo)
    play(FinMemPortfolio(model, arrays), market(news=poison))
    clean = Scripted(varied)
    play(FinMemPortfolio(clean, arrays), market())
    shown = 0
    for (messages, schema), (_, expected) in zip(model.asked, clean.asked, strict=True):
        system, user = (message["content"] for message in messages)
        assert MARK not in system and schema == expected
        rest = NEWS.sub("", BLOCK.sub("", user))
        assert MARK not in rest and "<" not in rest and ">" not in rest
        shown += user.count(MARK)
    assert shown > 100


def test_nothing_stands_twice_in_a_section() -> None:
    for day in play(agent_of(varied), market()):
        for symbol, text in sections(day.thought.question.user).items():
            lines = [line for line in text.splitlines() if symbol in line]
            assert len(lines) == len({*lines})


def test_what_was_concluded_last_is_shown_until_there_is_something_newer() -> None:
    def say(messages: Any, schema: Any) -> Any:
        return answer(messages, reflection=f"Lesson {len(messages[-1]['content'])}.")

    episode = play(agent_of(say), market())
    taught = [day.thought.decision.reflection for day in episode]
    assert [bool(each) for each in taught] == [n % 3 == 0 and n > 0 for n in range(len(episode))]
    for before, day in pairwise(episode):
        if before.thought.decision.reflection:
            assert before.thought.decision.reflection in day.thought.question.user


def test_symbols_of_the_schema_are_those_of_the_market() -> None:
    model = Scripted(varied)
    play(FinMemPortfolio(model, arrays), market())
    parts = model.asked[0][1]["properties"]
    for name in ("views", "orders"):
        assert parts[name]["items"]["properties"]["symbol"]["enum"] == [*SYMBOLS]
