"""How rare words are: a table of weights by the hash of a word, and the words that say nothing.

The table holds no words. It was counted by `investorbench.scripts.word_rarity` over 126,000 news
items, posts and paragraphs of filings in English, on companies, coins and markets.
"""

from functools import cache
from importlib.resources import files
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.uint8]

BUCKETS = 1 << 17
RAREST = 5.0
"""ln(texts / texts with the word), at most: what is rarer than one text in 150 is mostly names."""
STEPS = 16
"""A weight is the root of that, in sixteenths: a product of two holds the rarity of a word once."""
FIGURE = "0"
"""Numbers are counted as one word: that a price was never seen before does not make it rare."""
FILE = "word_rarity.bin"

STOP_WORDS = frozenset(
    """
    a about above after again against all almost alone along already also although always am among
    an and another any anybody anyone anything are around as at away back be became because become
    becomes been before behind being below between both but by came can cannot come comes could
    d did do does doing done down during each either else enough even ever every everybody everyone
    everything far few for from further gave get gets getting give given gives go goes going gone
    got had has have having he hence her here hers herself him himself his how however i if in
    indeed instead into is it its itself just keep kept least less let like ll m made make makes
    many may maybe me might mine more most mostly much must my myself namely neither never
    nevertheless next no nobody none nor not nothing now of off often on once one only onto or other
    others otherwise our ours ourselves out over own per perhaps put quite rather re really s said
    same say says see seem seemed seems several shall she should since so some somebody someone
    something sometimes still such t take taken than that the their theirs them themselves then
    there therefore these they thing things this those though through throughout thus to together
    too took toward towards under until up upon us ve very via was we well went were what whatever
    when whenever where whereas wherever whether which while who whoever whole whom whose why will
    with within without would yet you your yours yourself yourselves
    """.split()
)


def bucket(word: str) -> int:
    """Where a word's weight stands in the table."""
    known = FIGURE if word.isdecimal() else word
    return crc32(known.encode(errors="surrogatepass")) % BUCKETS


@cache
def table() -> Weights:
    """The weights by bucket; that of a word that was never seen is the highest."""
    return np.frombuffer((files("investorbench.memory") / FILE).read_bytes(), np.uint8)


@cache
def version() -> str:
    """It changes whenever a weight does."""
    words = "\n".join(sorted(STOP_WORDS)).encode()
    return f"{crc32(table().tobytes() + words):08x}"


def weight(word: str) -> int:
    """How much a word says, in steps; 0 for a stop word."""
    return 0 if word in STOP_WORDS else int(table()[bucket(word)])
