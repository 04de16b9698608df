"""Statements in simulated news: what a text says about whom; knows grammar, not the market.

The reader shares the vocabulary of the simulated texts, as any reader shares a language with a
writer, and none of the code that writes them: it finds whom a sentence is about, the direction of
its verb, the numbers it compares, and counts how often the sense is turned round.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

from investorbench_env.market.simulated.lexicon import CHANGES, NOUNS, REPEATS, VERBS, Noun

SENTENCE_END = re.compile(r"(?<=[A-Za-z%0-9])\.(?: (?=[A-Z])|$)")
NEGATORS = re.compile(
    r"\b(?:did not|has not|not true|not the case|wrong to say|no longer|no one|nobody|never|"
    r"failed to|disputes|denies|denied|refuted?|contradict|rejected|stop|stopped|ceased|"
    r"the reverse|the opposite|the exception|the other way)\b"
)
"""Each of these turns the sense round once; two of them cancel."""
EXPECTED = re.compile(
    r"(\d+\.\d)(?: %)?(?: that)?(?: had been)? expected"
    r"|(?:consensus was|forecast of|stood at) (\d+\.\d)"
)
NUMBER = re.compile(r"\d+\.\d")
PAST = re.compile(r"\bafter an? \S+ (?:last year|in the quarter before|for most of last year), ")
UNLIKE = re.compile(r"\bunlike .+?, whose .+, .+? saw its own ", re.IGNORECASE)


class Statement(NamedTuple):
    """What one sentence says about the asset."""

    topic: str
    """``"regime"``, ``"value"`` or ``"mood"``."""
    polarity: int
    """+1 good, −1 bad."""


@lru_cache(maxsize=1024)  # one text is read by several agents, and by several days of one
def statements_in(text: str, symbol: str) -> tuple[Statement, ...]:
    """What a text says about ``symbol``, sentence by sentence; nothing for an old text."""
    headline = text.split("\n", 1)[-1]
    if headline.startswith(REPEATS):
        return ()
    subject, statements = symbol, []
    for sentence in SENTENCE_END.split(headline):
        statement = statement_in(sentence, symbol, subject) if sentence else None
        if statement is not None:
            statements.append(statement)
        if not sentence.startswith("Elsewhere"):
            subject = symbol if names(sentence, symbol) else "another"
    return tuple(statements)


def new_statements(observation: Mapping[str, Any], symbol: str) -> list[tuple[str, Statement]]:
    """What the new texts of an observation say, each with ``"news"`` or ``"filings"``."""
    return [
        (kind, statement)
        for kind in ("news", "filings")
        for text in observation.get(kind, ())
        for statement in statements_in(text, symbol)
    ]


def names(sentence: str, symbol: str) -> bool:
    """Whether an asset is named."""
    return re.search(rf"(?<!\w){re.escape(symbol)}(?!\w)", sentence) is not None


def statement_in(sentence: str, symbol: str, subject: str) -> Statement | None:
    """What a sentence says about ``symbol``, where the one before was about ``subject``."""
    words = _vocabulary()
    found = words.noun.search(sentence)
    if found is None or not _is_about(sentence, symbol, subject):
        return None
    noun = words.nouns[found.group().lower()]
    clause = PAST.sub("", sentence[0].lower() + sentence[1:])
    clause = UNLIKE.sub("", clause)
    verb = words.verb.search(words.noun.sub("it", clause))
    direction = words.directions[verb.group()] if verb else 1
    turned = -1 if len(NEGATORS.findall(clause)) % 2 else 1
    return Statement(noun.topic, noun.sign * direction * turned * _surprise(clause))


def _is_about(sentence: str, symbol: str, subject: str) -> bool:
    """Whether the sentence's news is about the asset: by name, or by an "its" that refers to it."""
    if names(sentence, symbol):
        return True
    own = re.search(r"\b[Ii]ts (?!own )", sentence) is not None
    return own and subject == symbol and not sentence.startswith("Elsewhere")


def _surprise(sentence: str) -> int:
    """−1 where a number falls short of the one that was expected, else +1."""
    expected = EXPECTED.search(sentence)
    if expected is None:
        return 1
    forecast = expected.group(1) or expected.group(2)
    numbers = NUMBER.findall(sentence)
    numbers.remove(forecast)
    return 1 if float(numbers[0]) > float(forecast) else -1


class _Vocabulary(NamedTuple):
    noun: re.Pattern[str]
    nouns: dict[str, Noun]
    verb: re.Pattern[str]
    directions: dict[str, int]


@cache
def _vocabulary() -> _Vocabulary:
    nouns = {noun.head.lower(): noun for table in NOUNS.values() for noun in table}
    directions = {
        form: sign
        for verbs in VERBS.values()
        for sign, group in verbs.items()
        for verb in group
        for form in verb
    } | {change: sign for sign, changes in CHANGES.items() for change in changes}
    return _Vocabulary(_any_of(nouns, re.IGNORECASE), nouns, _any_of(directions), directions)


def _any_of(words: dict[str, Noun] | dict[str, int], flags: int = 0) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b", flags)
