"""What a text of a noisy market says that lasts or that is of the day; knows words, no market.

Like ``statements``, it shares the vocabulary of the texts and none of the code that writes them.
"""

import re
from functools import cache
from typing import NamedTuple

from investorbench.agents.simulated.statements import (
    SENTENCE_END,
    names,
    statement_in,
    statements_in,
)
from investorbench_env.market.simulated.lexicon import REPEATS
from investorbench_env.market.simulated.noise_words import FACTS, LIARS

GUIDANCE = "guidance"
QUARTER = "for the quarter ahead"
MOOD = "mood"
NOT_SO = re.compile(r"\bnot (?:true|the case)\b")
LIAR = re.compile("|".join(map(re.escape, LIARS)), re.IGNORECASE)


class Claim(NamedTuple):
    """What a text says of the asset."""

    about: str
    """``"guidance"``, the name of a fact, or ``"mood"``."""
    sign: int
    """+1 good, −1 bad."""


def claims_in(text: str, symbol: str) -> tuple[Claim, ...]:
    """What a text says that a reader can rely on: nothing where it is old, or its source lies.

    See ``repeated_in`` for what an old one repeats.
    """
    body = text.removeprefix(f"{_title(text)}\n")
    if body.startswith(REPEATS) or LIAR.search(body) or not names(body, symbol):
        return ()
    found = [
        claim
        for sentence in SENTENCE_END.split(body)
        if names(sentence, symbol) and (claim := _lasting(sentence, symbol))
    ]
    mood = [
        Claim(MOOD, each.polarity) for each in statements_in(text, symbol) if each.topic == MOOD
    ]
    return (*found, *mood)


def repeated_in(text: str) -> str:
    """What a text repeats that says it is old; empty for all others."""
    return text.partition(": ")[2] if text.startswith(REPEATS) else ""


def _title(text: str) -> str:
    """The line before a text's body, where it has one."""
    return text.partition("\n")[0] if "\n" in text else ""


def _lasting(sentence: str, symbol: str) -> Claim | None:
    if QUARTER in sentence:  # guidance for a figure that is out by now says nothing of a quarter
        statement = statement_in(sentence, symbol, symbol)
        return Claim(GUIDANCE, statement.polarity) if statement else None
    match = _owned(symbol).search(sentence)
    if match is None:
        return None
    fact = next(fact for fact in FACTS if fact.head == (match[1] or match[2]))
    turned = -1 if NOT_SO.search(sentence.lower()) else 1
    for sign, verbs in ((1, fact.good), (-1, fact.bad)):
        if any(verb in sentence for verb in verbs):
            return Claim(fact.head, sign * turned)
    return None


@cache
def _owned(symbol: str) -> re.Pattern[str]:
    """A fact with its owner, as "its licence" or as "the licence of it"."""
    heads, name = "|".join(re.escape(fact.head) for fact in FACTS), re.escape(symbol)
    return re.compile(rf"(?<!\w){name}'s ({heads})|({heads}) of {name}(?!\w)")
