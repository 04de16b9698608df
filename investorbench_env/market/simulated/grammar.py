"""Sentences of our own about a fact, varied in structure so that single words say little.

A statement's polarity is the product of three signs: what the noun's rise means, the direction of
the verb, and the frame, which asserts, negates, reverses or compares with an expectation. Each
word occurs with either polarity, so that counting words does not recover it; reading does.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import NamedTuple, TypeVar

from investorbench_env.market.simulated.lexicon import (
    ATTRIBUTIONS,
    CHANGES,
    EXTENTS,
    FILLERS,
    INTRODUCTIONS,
    LINK,
    NOUNS,
    REPEATS,
    RIVALS,
    TONE,
    TRIVIA,
    VERBS,
    Noun,
)

Option = TypeVar("Option")


class WordChoices:
    """A large random integer that is spent choice by choice; it fixes a text."""

    def __init__(self, number: int) -> None:
        self.left = number
        """What of the number the choices made so far have not spent."""

    def below(self, count: int) -> int:
        """A number in [0, count)."""
        self.left, chosen = divmod(self.left, count)
        return chosen

    def pick(self, options: Sequence[Option]) -> Option:
        """One of the options."""
        self.left, chosen = divmod(self.left, len(options))
        return options[chosen]


class Fact(NamedTuple):
    """What a sentence has to say."""

    firm: str
    noun: Noun
    direction: int
    """+1 where there is more of the noun than was expected, −1 where there is less."""
    rival: str


SentenceFrame = Callable[[Fact, WordChoices], str]


def _owned(fact: Fact, c: WordChoices) -> str:
    """The noun with its owner."""
    head, firm = fact.noun.head, fact.firm
    return c.pick((f"{firm}'s {head}", f"the {head} {LINK[fact.noun.topic]} {firm}"))


def _verb(fact: Fact, c: WordChoices, direction: int, form: str) -> str:
    return str(getattr(c.pick(VERBS[fact.noun.kind][direction]), form))


def _asserted(fact: Fact, c: WordChoices) -> str:
    extent = c.pick(EXTENTS[fact.noun.kind])
    return f"{_owned(fact, c)} {_verb(fact, c, fact.direction, 'past')}{extent}"


def _undisputed(fact: Fact, c: WordChoices) -> str:
    doubt = c.pick(("no one now disputes", "nobody denies", "it can no longer be denied"))
    return f"{doubt} that {_owned(fact, c)} {_verb(fact, c, fact.direction, 'past')}"


def _double_negation(fact: Fact, c: WordChoices) -> str:
    claim = c.pick(("it is not true", "it was wrong to say", "it is not the case"))
    return (
        f"{claim} that {_owned(fact, c)} failed to {_verb(fact, c, fact.direction, 'infinitive')}"
    )


def _unlike_rival(fact: Fact, c: WordChoices) -> str:
    other = _verb(fact, c, -fact.direction, "past")
    own = _verb(fact, c, fact.direction, "infinitive")
    return f"unlike {fact.rival}, whose {fact.noun.head} {other}, {fact.firm} saw its own {own}"


def _negated(fact: Fact, c: WordChoices) -> str:
    contrary = c.pick(("contrary to reports", "whatever was predicted", "despite the rumours"))
    surface = _verb(fact, c, -fact.direction, "infinitive")
    return f"{_owned(fact, c)} did not {surface}, {contrary}"


def _refuted(fact: Fact, c: WordChoices) -> str:
    source = c.pick(
        ("an audit refuted", "filings contradict", "a regulator rejected", "data refute")
    )
    claim = c.pick(("the claim", "a report", "the rumour"))
    surface = _verb(fact, c, -fact.direction, "participle")
    return f"{source} {claim} that {_owned(fact, c)} had {surface}"


def _opposite_of_rival(fact: Fact, c: WordChoices) -> str:
    agrees = c.below(2)
    surface = _verb(fact, c, fact.direction if agrees else -fact.direction, "past")
    verdict = c.pick(
        ("reported the same", "was no exception", "followed suit")
        if agrees
        else ("reported the opposite", "was the exception", "went the other way")
    )
    return f"{fact.rival}'s {fact.noun.head} {surface}; {fact.firm} {verdict}"


def _turned(fact: Fact, c: WordChoices) -> str:
    past = c.pick(("last year", "in the quarter before", "for most of last year"))
    before = c.pick(CHANGES[-fact.direction])
    return f"after a {before} {past}, {_owned(fact, c)} {_verb(fact, c, fact.direction, 'past')}"


def _persisted(fact: Fact, c: WordChoices) -> str:
    keeps = c.pick(("kept", "went on", "did not stop"))
    return f"{_owned(fact, c)} {keeps} {_verb(fact, c, fact.direction, 'gerund')}"


def _stopped(fact: Fact, c: WordChoices) -> str:
    ends = c.pick(("stopped", "ceased"))
    return f"{_owned(fact, c)} {ends} {_verb(fact, c, -fact.direction, 'gerund')}"


def _averted(fact: Fact, c: WordChoices) -> str:
    awaited = c.pick(("expected", "predicted", "much discussed", "pencilled-in"))
    change = c.pick(CHANGES[-fact.direction])
    absent = c.pick(("did not come", "failed to appear", "never came", "has not happened"))
    return f"the {awaited} {change} in {_owned(fact, c)} {absent}"


def _arrived(fact: Fact, c: WordChoices) -> str:
    awaited = c.pick(("expected", "predicted", "much discussed", "pencilled-in"))
    change = c.pick(CHANGES[fact.direction])
    came = c.pick(("did come", "came", "has happened", "duly appeared"))
    return f"the {awaited} {change} in {_owned(fact, c)} {came}"


def _misread(fact: Fact, c: WordChoices) -> str:
    change = c.pick(CHANGES[-fact.direction])
    turned = c.pick(("turned out to be the reverse", "proved to be the opposite"))
    return f"what looked like a {change} in {_owned(fact, c)} {turned}"


def _two_numbers(c: WordChoices) -> tuple[str, str]:
    """A smaller and a clearly larger number."""
    small = 1.0 + c.below(60) / 10
    return f"{small:.1f}", f"{small + 0.4 + c.below(40) / 10:.1f}"


def _against_forecast(fact: Fact, c: WordChoices) -> str:
    small, large = _two_numbers(c)
    actual, expected = (large, small) if fact.direction > 0 else (small, large)
    owned = _owned(fact, c)
    pattern = c.pick(
        (
            "{n} came in at {a} against {e} expected",
            "against the {e} that had been expected, {n} came in at {a}",
            "forecasts for {n} stood at {e}; the figure is {a}",
            "{n} reached {a}, where the consensus was {e}",
            "guidance for {n} is now {a}, and the consensus was {e}",
        )
    )
    return pattern.format(n=owned, a=actual, e=expected)


def _change_against_forecast(fact: Fact, c: WordChoices) -> str:
    """A fall that is smaller than expected counts as a rise, and the other way round."""
    small, large = _two_numbers(c)
    surface = c.pick((1, -1))
    actual, expected = (large, small) if surface == fact.direction else (small, large)
    pattern = c.pick(
        (
            "{n} {v} by {a} %, where {e} % had been expected",
            "{n} {v} by {a} %; the consensus was {e} %",
            "{n} {v} {a} % against a forecast of {e} %",
        )
    )
    verb = _verb(fact, c, surface, "past")
    return pattern.format(n=_owned(fact, c), v=verb, a=actual, e=expected)


ANY_FRAMES: tuple[SentenceFrame, ...] = (
    _asserted,
    _asserted,
    _undisputed,
    _double_negation,
    _unlike_rival,
    _negated,
    _negated,
    _refuted,
    _opposite_of_rival,
)
"""Frames for whatever can happen or not."""

AMOUNT_FRAMES: tuple[SentenceFrame, ...] = (
    *ANY_FRAMES,
    _turned,
    _persisted,
    _stopped,
    _averted,
    _averted,
    _arrived,
    _misread,
    _against_forecast,
    _against_forecast,
    _change_against_forecast,
    _change_against_forecast,
)
"""Frames for what can rise and fall."""


def statement(firm: str, noun: Noun, polarity: int, rival: str, c: WordChoices) -> str:
    """One sentence, without its full stop, that is good (+1) or bad (−1) news for ``firm``."""
    fact = Fact(firm, noun, polarity * noun.sign, rival)
    frame = c.pick(AMOUNT_FRAMES if noun.kind == "amount" else ANY_FRAMES)
    sentence = frame(fact, c)
    if c.below(3) == 0:
        sentence = f"{c.pick(ATTRIBUTIONS)}, {sentence}"
    return sentence


def news(firm: str, vocabulary: str, topic: str, polarity: int, number: int) -> str:
    """A news text in which one sentence carries the news and others may distract.

    Args:
        firm: whom the news is about.
        vocabulary: what can happen to it.
        topic: of the hidden state's components, the one that the news is about.
        polarity: +1 good, −1 bad.
        number: a random integer of some 120 bits, which fixes the words.
    """
    return write_news(firm, vocabulary, topic, polarity, WordChoices(number))


def write_news(firm: str, vocabulary: str, topic: str, polarity: int, c: WordChoices) -> str:
    """``news`` with choices that can be counted afterwards."""
    rival, third, noun = _cast(firm, vocabulary, topic, c)
    main = statement(firm, noun, polarity, rival, c)
    sentences = [main]
    if c.below(2) == 0 and f"{firm}'s " in main:
        # The owner is named once, and the news refers back to it.
        sentences = [c.pick(INTRODUCTIONS).format(f=firm), main.replace(f"{firm}'s ", "its ")]
    if c.below(3) == 0:
        aside = statement(third, c.pick(NOUNS[vocabulary]), c.pick((1, -1)), rival, c)
        sentences.insert(c.pick((0, len(sentences))), f"elsewhere, {aside}")
    if c.below(2) == 0:
        # Tone agrees with the news two times in three: a hint for those who count words.
        sentences.append(c.pick(TONE[polarity if c.below(3) else -polarity]))
    return joined([*sentences, *_fillers(c)])


def subject(firm: str, vocabulary: str, topic: str, number: int) -> str:
    """What ``news`` with the same arguments reports on, such as ``"orders"``."""
    return _cast(firm, vocabulary, topic, WordChoices(number))[2].head


def trivia(firm: str, number: int) -> str:
    """A text of no consequence."""
    c = WordChoices(number)
    return joined([c.pick(TRIVIA).format(f=firm), *_fillers(c)])


def bystander(vocabulary: str, number: int) -> str:
    """Somebody else's name."""
    rivals = RIVALS[vocabulary]
    return rivals[number % len(rivals)]


def filing(symbol: str, vocabulary: str, polarities: Sequence[tuple[str, int]], number: int) -> str:
    """A report with one sentence for each (topic, polarity)."""
    c = WordChoices(number)
    sentences = ["This report covers the period just ended"]
    for topic, polarity in polarities:
        noun, rival = c.pick(_about(vocabulary, topic)), c.pick(RIVALS[vocabulary])
        sentences.append(statement(symbol, noun, polarity, rival, c))
    return joined(sentences)


def repeat(text: str, number: int) -> str:
    """An old text, marked as such."""
    return f"{WordChoices(number).pick(REPEATS)}: {text}"


def _cast(firm: str, vocabulary: str, topic: str, c: WordChoices) -> tuple[str, str, Noun]:
    """Two others that a text may mention, and what it is about: the first choices of all."""
    rivals = _rivals(vocabulary, firm)
    first = c.below(len(rivals))
    third = rivals[first - 1 - c.below(len(rivals) - 1)]
    return rivals[first], third, c.pick(_about(vocabulary, topic))


@cache
def _about(vocabulary: str, topic: str) -> tuple[Noun, ...]:
    return tuple(noun for noun in NOUNS[vocabulary] if noun.topic == topic)


@lru_cache(maxsize=64)
def _rivals(vocabulary: str, firm: str) -> tuple[str, ...]:
    return tuple(rival for rival in RIVALS[vocabulary] if rival != firm)


def _fillers(c: WordChoices) -> list[str]:
    return [c.pick(FILLERS)] if c.below(3) == 0 else []


def joined(sentences: Iterable[str]) -> str:
    """Sentences without their full stops as one text."""
    return " ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in sentences)
