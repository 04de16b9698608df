"""BM25 (Robertson and Zaragoza, 2009), a yardstick for recall: texts in order of time."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from investorbench.memory.rarity import STOP_WORDS

SATURATION, LENGTH = 1.2, 0.75
"""k₁ and b, as they are usually set."""

_WORDS = re.compile(r"\w+")


class BM25:
    """Texts by their words; what a query scores depends on the texts before it alone."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._counts = [Counter(words_of(text)) for text in texts]
        self._lengths = np.array([counts.total() for counts in self._counts], np.float64)
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for place, counts in enumerate(self._counts):
            for word, count in counts.items():
                postings[word].append((place, count))
        self._postings = {word: np.array(entries).T for word, entries in postings.items()}

    def scores(self, query: int, earlier: int) -> NDArray[np.float64]:
        """The scores of the first texts for one of the texts as a query [earlier]."""
        scores = np.zeros(earlier)
        lengths = self._lengths[:earlier]
        norms = SATURATION * (1 - LENGTH + LENGTH * lengths / max(lengths.mean(), 1.0))
        for word, asked in self._counts[query].items():
            places, counts = self._postings[word]
            frequency = np.searchsorted(places, earlier)
            places, counts = places[:frequency], counts[:frequency]
            rarity = np.log1p((earlier - frequency + 0.5) / (frequency + 0.5))
            gain = counts * (SATURATION + 1) / (counts + norms[places])
            scores[places] += asked * rarity * gain
        return scores


def words_of(text: str) -> list[str]:
    """Its words without stop words, in small letters."""
    return [word for word in _WORDS.findall(text.lower()) if word not in STOP_WORDS]
