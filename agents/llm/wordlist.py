"""Words with a tone: a list that a library or a file carries, put right for finance."""

import csv
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from investorbench.agents.llm.errors import ModelError
from investorbench_env.errors import MissingDependencyError

# VADER's list is of everyday English. In finance some of its words are neutral, and those that say
# where a price or a profit goes are missing. These are our own choice, on VADER's scale of ±4.
_NEUTRAL = """
    alert best better chance chances comprehensive credit crude debt engage fine free gross
    growing interest interested interests kind like matter matters natural partner please pretty
    profit profits share shared shares solution solutions special subject super top trust united
    vice want well
"""
_GOOD = """
    accelerate accelerated beat beats bullish buyback climb climbed climbs double doubled doubles
    exceed exceeded exceeds expand expanded expands expansion gained grew grow grown grows growth
    higher improve improved improvement increase increased increases increasing jump jumped jumps
    narrowed outpace outpaced outperform outperformed outperforms profitable raise raised raises
    rallied rally rebound rebounded record recovered recovery rise risen rises rising rose
    soar soared soars stronger surge surged surges surpassed tops upbeat upgrade upgraded upgrades
"""
_BAD = """
    bankruptcy bearish breach cut cuts cutting decline declined declines declining decrease
    decreased decreases default deficit delisted dip dipped dips downgrade downgraded downgrades
    downturn drop dropped drops fall fallen falling falls fell fined halted hack hacked
    impairment investigation layoff layoffs lawsuit liquidated lower lowered miss missed misses
    outflow outflows plummet plummeted plunge plunged plunges probe recall recession shortfall
    shrank shrink sink sinks sank slash slashed slid slide slides slip slipped slips slow slowdown
    slowed slows slump slumped sued tumble tumbled tumbles underperform underperformed warned
    warning warns weaken weakened weaker weakness widened worse worst writedown
"""
OUR_VALENCE = 2.0
_NEGATORS = frozenset(
    "not no never none neither nor cannot without hardly barely isn't wasn't aren't weren't don't "
    "doesn't didn't won't wouldn't can't couldn't hasn't haven't hadn't".split()
)
NEGATION_REACH = 3
"""Words before a toned one in which a negation turns it round; as in VADER."""
NEGATED = -0.74
_DAMPING = 15.0
"""How many toned words it takes to be sure; as in VADER (Hutto and Gilbert, ICWSM 2014)."""
LONGEST_TEXT = 4_000
_WORD = re.compile(r"[a-z][a-z'’]*")

Words = Mapping[str, float]


def tone(text: str, words: Words) -> float:
    """How good or bad a text sounds, in (−1, 1); 0 for one without toned words."""
    read = _WORD.findall(text[:LONGEST_TEXT].lower().replace("’", "'"))
    total = 0.0
    for place, word in enumerate(read):
        valence = words.get(word, 0.0)
        if valence:
            before = read[max(0, place - NEGATION_REACH) : place]
            total += valence * (NEGATED if _NEGATORS & set(before) else 1.0)
    return total / math.sqrt(total * total + _DAMPING)


@lru_cache(maxsize=4)
def load_words(name: str) -> Words:
    """A word list.

    Args:
        name: ``vader``: the list of the package vaderSentiment (MIT) with finance's words put
            right (of the toned sentences of the Financial PhraseBank it finds 76 % and has 90 % of
            those right); else a CSV of the Loughran–McDonald master dictionary with the columns
            Word, Positive and Negative (37 % and 81 %; free for research, so not ours to ship).

    Raises:
        ModelError: there is no such file, or it has other columns.
        MissingDependencyError: vaderSentiment is not installed.
    """
    return MappingProxyType(_vader() if name == "vader" else _loughran_mcdonald(Path(name)))


def _vader() -> dict[str, float]:
    try:
        lines = (resources.files("vaderSentiment") / "vader_lexicon.txt").read_text("utf-8")
    except ModuleNotFoundError:
        raise MissingDependencyError("vaderSentiment", "llm", "model=offline") from None
    rows = (line.split("\t") for line in lines.splitlines() if line)
    words = {row[0]: float(row[1]) for row in rows if _WORD.fullmatch(row[0])}
    words |= dict.fromkeys(_NEUTRAL.split(), 0.0)
    words |= dict.fromkeys(_GOOD.split(), OUR_VALENCE)
    return words | dict.fromkeys(_BAD.split(), -OUR_VALENCE)


def _loughran_mcdonald(path: Path) -> dict[str, float]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {row["Word"].lower(): _valence(row) for row in csv.DictReader(file)}
    except FileNotFoundError:
        raise ModelError(
            f"there is no word list {str(path)!r}: give vader, or a CSV of the Loughran–McDonald "
            "master dictionary (sraf.nd.edu)"
        ) from None
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"{path} is no Loughran–McDonald master dictionary: it needs the columns Word, "
            f"Positive and Negative ({error})"
        ) from None


def _valence(row: Mapping[str, str]) -> float:
    """A cell is the year a word was put on a list: 0 if it is not, negative if taken off again."""
    good, bad = (float(row[column] or 0) > 0 for column in ("Positive", "Negative"))
    return OUR_VALENCE * (good - bad)
