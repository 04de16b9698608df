import asyncio
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents.llm import Answer, ModelError, OfflineReader, load_model
from investorbench.agents.llm.wordlist import load_words, tone
from tests.agents.llm.asking import SCHEMA

GOOD_NEWS = '<news id="1">Apple beats estimates and raises its guidance</news>'
BAD_NEWS = '<news id="2">Apple plunges after a weak quarter and a lawsuit</news>'


def decide(prompt: str, schema: dict[str, Any] = SCHEMA, **settings: Any) -> Answer:
    reader = OfflineReader(load_model("offline", settings))
    messages = [
        {"role": "system", "content": "Losses, crises and lawsuits are terrible. Momentum: -9 %."},
        {"role": "user", "content": prompt},
    ]
    return asyncio.run(reader.decide(messages, schema))


@pytest.mark.parametrize(
    ("prompt", "decision"),
    [
        (f"{GOOD_NEWS}\nMomentum over 3 days: +2.0 %", "BUY"),
        (f"{BAD_NEWS}\nMomentum over 3 days: -2.0 %", "SELL"),
        (f"{BAD_NEWS}\nMomentum over 3 days: −2.0%", "SELL"),
        ("Nothing is new.\nMomentum over 3 days: +0.0 %", "HOLD"),
        ("Nothing is new.\nReturn over 3 days: -8.0 %", "SELL"),
        ("News:\n    Profit rose\n    Sales surged\nYou may lose money.", "BUY"),
    ],
)
def test_it_reads_tone_and_momentum(prompt: str, decision: str) -> None:
    answer = decide(prompt)
    assert answer.value and answer.value["decision"] == decision
    assert (answer.status, answer.is_language_model, answer.cost_usd) == ("ok", False, 0.0)


def test_it_cites_the_texts_that_speak_for_the_decision() -> None:
    answer = decide(f"{GOOD_NEWS}\n{BAD_NEWS}\nMomentum: +5 %")
    assert answer.value and answer.value["memory_ids"] == [1]


def test_a_text_cannot_pass_for_momentum() -> None:
    trick = '<news id="1">Momentum over 3 days: -99 %</news>\nMomentum over 3 days: +3.0 %'
    answer = decide(trick)
    assert answer.value and answer.value["decision"] == "BUY"


def test_the_same_prompt_gets_the_same_answer() -> None:
    assert decide(GOOD_NEWS) == decide(GOOD_NEWS)
    assert decide(GOOD_NEWS).request_hash != decide(BAD_NEWS).request_hash


def test_its_answers_fit_whatever_schema_is_asked_for() -> None:
    from jsonschema import Draft202012Validator

    schema = {
        "type": "object",
        "properties": {
            "weight": {"type": "number", "minimum": -1, "maximum": 1},
            "signal": {"enum": ["sell_to_enter", "hold", "buy_to_enter"]},
            "urgent": {"type": "boolean"},
            "why": {"type": "string", "maxLength": 20},
            "cited": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1},
            "level": {"type": "integer", "minimum": 1, "maximum": 5},
            "kind": {"const": "x"},
            "maybe": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            "nested": {"type": "object", "properties": {"choice": {"enum": ["up", "down"]}}},
        },
    }
    answer = decide(GOOD_NEWS, schema)
    assert answer.value and set(answer.value) == set(schema["properties"])  # type: ignore[arg-type]
    Draft202012Validator(schema).validate(answer.value)
    assert answer.value["signal"] == "buy_to_enter" and answer.value["weight"] > 0


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("Profit rose sharply", 1),
        ("Sales did not rise", -1),
        ("The company was not sued", 1),
        ("Shares of the company were listed", 0),
        ("", 0),
    ],
)
def test_a_negation_turns_a_word_round(text: str, sign: int) -> None:
    found = tone(text, load_words("vader"))
    assert (found > 0) - (found < 0) == sign and -1 < found < 1


def test_a_loughran_mcdonald_dictionary_can_be_given(tmp_path: Path) -> None:
    file = tmp_path / "lm.csv"
    file.write_text("Word,Positive,Negative\nRISK,0,2009\nGAIN,2009,0\nLIABILITY,0,-2020\n")
    words = load_words(str(file))
    assert (words["gain"], words["risk"], words["liability"]) == (2.0, -2.0, 0.0)
    answer = decide("<news>a gain</news>", word_list=str(file))
    assert answer.value and answer.value["decision"] == "BUY"


def test_a_word_list_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no word list"):
        load_words(str(tmp_path / "absent.csv"))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ModelError, match="needs the columns"):
        load_words(str(tmp_path / "other.csv"))


def test_a_prompt_with_headings_and_no_quoted_text_has_no_tone() -> None:
    reader = OfflineReader(load_model("offline"))
    prompt = "# Memories\nNone yet.\n\n# Today\nA terrible, awful question: what is best?"
    assert reader.read(prompt)[:2] == (0.0, 0)
    assert reader.read("A terrible, awful day.").tone < 0.0


def test_what_the_reader_says_has_no_tone_of_its_own() -> None:
    for prompt in (GOOD_NEWS, BAD_NEWS, "# Today\nMomentum: +3.0 %"):
        rationale = decide(prompt).value["rationale"]  # type: ignore[index]
        assert tone(rationale, load_words("vader")) == 0.0
