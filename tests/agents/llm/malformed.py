"""Generated answers, most of them malformed, each with the class that its generator says it has."""

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.agents.llm.asking import GOOD, GOOD_TEXT
from tests.agents.llm.stub_server import Reply

FOREIGN = (
    "由于需求强劲，我认为应该买入这只股票。",
    "Спрос растёт, поэтому акции стоит покупать сейчас.",
    "الطلب قوي ولذلك يجب شراء السهم الآن.",
    "मांग बढ़ रही है इसलिए शेयर खरीदें।",
)
PROSE = (
    "I think the market will go up.",
    "BUY",
    "buy, because demand is up [1]",
    "ok",
    "42",
    "...",
)
REFUSALS = (
    "I'm sorry, but I can't give financial advice.",
    "I cannot help with investment decisions.",
    "As an AI, I do not trade.",
    "Sorry, I won't do that.",
)


class Case(NamedTuple):
    """An answer and what must become of it."""

    kind: str
    reply: Reply
    defect: str | None = None
    """None: it is to be used, with ``tolerated``."""
    tolerated: tuple[str, ...] = ()
    declined: bool = False
    """The server itself says so; nothing is asked again."""


Maker = Callable[[random.Random], Case]


def cases(number: int, seed: int) -> list[Case]:
    """So many cases, all kinds equally often."""
    rng = random.Random(seed)
    makers = list(MAKERS.items())
    made = [make(rng)._replace(kind=kind) for kind, make in makers * (number // len(makers) + 1)]
    return made[:number]


def _usable(text: str, *tolerated: str, **options: Any) -> Case:
    return Case("", Reply(text=text, **options), None, tolerated)


def _bad(defect: str, text: str, **options: Any) -> Case:
    return Case("", Reply(text=text, **options), defect)


def _good(rng: random.Random) -> dict[str, Any]:
    """A valid answer, some fields drawn."""
    words = rng.choices("demand up while margins fall and the yen slips".split(), k=6)
    return {
        "rationale": "it is " + " ".join(words),
        "decision": rng.choice(["SELL", "HOLD", "BUY"]),
        "confidence": round(rng.random(), 2),
        "memory_ids": rng.sample([1, 2, 3], rng.randint(0, 3)),
    }


def _text(rng: random.Random, **changes: Any) -> str:
    return json.dumps(_good(rng) | changes)


def _cut(rng: random.Random) -> str:
    """An object that ends before it is complete."""
    text = _text(rng)
    return text[: rng.randint(1, len(text) - 1)]


def _without_a_key(rng: random.Random) -> str:
    value = _good(rng)
    del value[rng.choice(sorted(value))]
    return json.dumps(value)


def _broken(rng: random.Random) -> str:
    """Complete at both ends, and no JSON between."""
    text = _text(rng)
    return rng.choice(
        [
            text[:-1] + ",}",
            str(_good(rng)),
            text.replace(": ", " = "),
            text.replace(",", ";"),
            _text(rng, confidence=float("nan")),
            text.replace('"decision"', "decision"),
            '{"a":' * 3000 + "1" + "}" * 3000,
            '{"confidence": ' + "9" * 5000 + "}",
            "[" * 2000 + '{"a": [' * 1000 + "]}" * 1000 + "]" * 2000,
        ]
    )


def _doubled_key(rng: random.Random) -> str:
    text = _text(rng, decision="BUY")
    return text.replace('"decision"', '"decision": "SELL", "decision"')


def _two_objects(rng: random.Random) -> str:
    both = [_text(rng, decision="BUY"), _text(rng, decision="SELL")]
    return rng.choice(["\n", " or ", "\n\nNo, rather:\n"]).join(both)


def _wrong_value(rng: random.Random) -> str:
    changes: dict[str, Any] = rng.choice(
        [
            {"decision": "MAYBE"},
            {"decision": None},
            {"decision": ["BUY"]},
            {"confidence": 1.5},
            {"confidence": "high"},
            {"confidence": "70%"},
            {"confidence": 1e999},
            {"confidence": True},
            {"memory_ids": "1, 2"},
            {"memory_ids": None},
            {"rationale": 3},
            {"surprise": 1},
        ]
    )
    return _text(rng, **changes).replace("Infinity", "1e999")


def _shouted(rng: random.Random) -> Case:
    word = rng.choice(["buy", "Hold", " sell ", "bUy"])
    return _usable(_text(rng, decision=word), "enum_case")


def _numbers_as_words(rng: random.Random) -> Case:
    return _usable(_text(rng, confidence=str(round(rng.random(), 3))), "number_from_string")


def _unknown_ids(rng: random.Random) -> Case:
    unknown = rng.choices([7, 99, -1, "x", None, 1.5, True], k=rng.randint(1, 3))
    ids = [1, 2, *unknown]
    rng.shuffle(ids)
    return _usable(_text(rng, memory_ids=ids), *["unknown_item"] * len(unknown))


def _noise(rng: random.Random) -> str:
    """Characters of all kinds, none of which begins an object."""
    points = (rng.randint(1, 0x2FFF) for _ in range(rng.randint(1, 200)))
    return "?" + "".join(map(chr, points)).replace("{", "(").strip()


MAKERS: dict[str, Maker] = {
    "valid": lambda rng: _usable(_text(rng)),
    "fenced": lambda rng: _usable(f"```json\n{_text(rng)}\n```", "fence"),
    "prose around": lambda rng: _usable(
        f"Here you are:\n{_text(rng)}\nGood luck!", "surrounding_text"
    ),
    "in a list": lambda rng: _usable(f"[{_text(rng)}]", "list"),
    "said twice": lambda rng: _usable(f"{GOOD_TEXT}\n{GOOD_TEXT}", "repeated"),
    "number as string": _numbers_as_words,
    "ids never shown": _unknown_ids,
    "enum in another case": _shouted,
    "control characters": lambda rng: _usable(_text(rng).replace("it is", "it\x01\tis")),
    "lone surrogate": lambda rng: _usable(_text(rng, rationale="up \ud800"), "lone_surrogate"),
    "thinking in tags": lambda rng: _usable(f"<think>BUY? {{SELL}}?</think>\n{_text(rng)}"),
    "thinking unopened": lambda rng: _usable(f'Hm, {{"decision": 1}}.</think>{_text(rng)}'),
    "thinking apart": lambda rng: _usable(_text(rng), reasoning="{Hm}"),
    "complete though cut": lambda rng: _usable(
        _text(rng) + "\n\n", "cut_after_object", finish_reason="length"
    ),
    "refusal": lambda rng: _bad("refusal", rng.choice(REFUSALS)),
    "declared refusal": lambda rng: Case(
        "", Reply(refusal=rng.choice(REFUSALS)), "refusal", declined=True
    ),
    "filtered": lambda rng: Case(
        "", Reply(text=_cut(rng), finish_reason="content_filter"), "refusal", declined=True
    ),
    "cut off": lambda rng: _bad("truncated", _cut(rng), finish_reason="length"),
    "cut in prose": lambda rng: _bad("truncated", rng.choice(PROSE), finish_reason="length"),
    "cut in thinking": lambda rng: _bad("truncated", "<think>Let me", finish_reason="length"),
    "partial": lambda rng: _bad("partial", _cut(rng)),
    "empty": lambda rng: _bad("empty", rng.choice(["", " \n\t", "<think>Hm</think>", "<think>Hm"])),
    "prose": lambda rng: _bad("not_json", rng.choice(PROSE)),
    "noise": lambda rng: _bad("not_json", _noise(rng)),
    "broken": lambda rng: _bad("not_json", _broken(rng)),
    "bare list": lambda rng: _bad("not_json", '["BUY", 0.7]'),
    "two objects": lambda rng: _bad("contradictory", _two_objects(rng)),
    "list of two": lambda rng: _bad("contradictory", f"[{_text(rng)}, {json.dumps(GOOD)}]"),
    "key twice": lambda rng: _bad("contradictory", _doubled_key(rng)),
    "far too long": lambda rng: _bad("over_long", _text(rng, rationale="up " * 9000)),
    "field too long": lambda rng: _bad("over_long", _text(rng, rationale="up " * 900)),
    "other language": lambda rng: _bad("language", _text(rng, rationale=rng.choice(FOREIGN))),
    "key missing": lambda rng: _bad("schema", _without_a_key(rng)),
    "wrong value": lambda rng: _bad("schema", _wrong_value(rng)),
    "another object": lambda rng: _bad("schema", '{"action": "BUY"}'),
}
