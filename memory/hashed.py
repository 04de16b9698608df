"""The embedder that needs nothing: words and their parts, hashed, the rarer the heavier.

A word is a row of small integers, made once; a text is a sum of rows, and exact in any order, so
that it is the same bits on every machine. Knows no meaning.
"""

import math
import re
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from investorbench.memory import rarity
from investorbench.memory.embedding import Vectors
from investorbench.memory.errors import InvalidInputError

WHOLE = 24.0
PARTS = 36.0
"""Lengths of what a row holds of its word: of the whole, and of all its n-grams together."""
LARGEST = 127
"""In a row."""
STEPS_OF_ROOT = 4
"""The square root lets a word that is repeated outweigh others, but not by much; in quarters."""
MANY, MOST_WORDS = 1 << 10, 1 << 15
MOST_TEXTS = 1 << 13

_WORDS = re.compile(r"\w+")
_SIGNS = re.compile(r"[^\w\s]+")


class HashedNgrams:
    """Words and their character n-grams, hashed into a vector.

    The same text gives the same bits in every process, on every machine, with nothing to download.
    Texts are near where they share rare words and parts of them. A text of stop words alone is at
    right angles to every text that says something.
    """

    is_quick = True

    def __init__(
        self, dimension: int = 1024, sizes: tuple[int, ...] = (3, 4, 5), *, by_rarity: bool = True
    ) -> None:
        """Choose the size.

        Args:
            dimension: D.
            sizes: lengths of the character n-grams.
            by_rarity: whether rare words weigh more and stop words nothing.
        """
        if dimension < 1 or not all(size >= 1 for size in sizes):
            raise InvalidInputError(f"hashed n-grams of dimension {dimension} and sizes {sizes}")
        self._dimension = dimension
        self._sizes = sizes
        self._by_rarity = by_rarity
        self._lock = Lock()
        self._rows = _WordRows(max(dimension - 1, 1), sizes, by_rarity=by_rarity)
        # Many episodes read the same news, and each asks for its background at every step.
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()

    @property
    def name(self) -> str:
        """It changes whenever vectors would."""
        weights = f":rarity-{rarity.version()}" if self._by_rarity else ""
        return f"hashed-ngrams-v2:{','.join(map(str, self._sizes))}{weights}"

    @property
    def dimension(self) -> int:
        """D."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors [N, D] of unit length."""
        with self._lock:
            known = {text: self._vectors[text] for text in texts if text in self._vectors}
            new = [text for text in dict.fromkeys(texts) if text not in known]
            known.update(zip(new, self._vectors_of(new), strict=True))
            for text, vector in known.items():
                self._vectors[text] = vector
                self._vectors.move_to_end(text)
            while len(self._vectors) > MOST_TEXTS:
                self._vectors.popitem(last=False)
        return np.array([known[text] for text in texts], np.float32).reshape(-1, self.dimension)

    def _vectors_of(self, texts: Sequence[str]) -> Iterator[Vectors]:
        counts = [Counter(self._words(text)) for text in texts]
        self._rows.learn(counts)
        for words in counts:
            vector = np.zeros(self.dimension)
            summed = self._rows.sum(words)
            vector[: len(summed)] = summed
            length = math.sqrt(vector @ vector)
            if not length:  # stop words alone; or features of opposite signs met
                vector[-1] = length = 1.0
            yield (vector / length).astype(np.float32)

    def _words(self, text: str) -> list[str]:
        lower = text.lower()
        words = _WORDS.findall(lower) or _SIGNS.findall(lower) or [text]
        if self._by_rarity:
            words = [word for word in words if word not in rarity.STOP_WORDS]
        return words


class _WordRows:
    """A row for each word that was met; all are forgotten when there are too many."""

    def __init__(self, dimension: int, sizes: tuple[int, ...], *, by_rarity: bool) -> None:
        self._dimension = dimension
        self._sizes = sizes
        self._by_rarity = by_rarity
        self._places: dict[str, int] = {}
        self._rows = np.empty((MANY, dimension), np.int8)
        self._weights = np.empty(MANY)

    def learn(self, texts: Sequence[Counter[str]]) -> None:
        """Make the rows that the words of these texts need."""
        if len(self._places) > MOST_WORDS:
            self._places.clear()
        new = list(dict.fromkeys(w for words in texts for w in words if w not in self._places))
        if not new:
            return
        first, end = len(self._places), len(self._places) + len(new)
        if end > len(self._rows):
            more = max(end, 2 * len(self._rows)) - len(self._rows)
            self._rows = np.concatenate([self._rows, np.empty((more, self._dimension), np.int8)])
            self._weights = np.concatenate([self._weights, np.empty(more)])
        self._rows[first:end] = rows_of(new, self._dimension, self._sizes)
        self._weights[first:end] = [rarity.weight(w) if self._by_rarity else 1 for w in new]
        self._places.update(zip(new, range(first, end), strict=True))

    def sum(self, words: Counter[str]) -> NDArray[np.float64]:
        """The sum of the rows of a text's words, each by its rarity and the root of its count."""
        places = [self._places[word] for word in words]
        counts = np.fromiter(words.values(), np.float64, len(words))
        weights = self._weights[places] * np.floor(STEPS_OF_ROOT * np.sqrt(counts))
        # Whole numbers that the type holds: neither the order of a sum nor its library matters.
        is_short = weights.sum() * LARGEST < 1 << 24
        kind = np.float32 if is_short else np.float64
        summed = weights.astype(kind) @ self._rows[places].astype(kind)
        whole: NDArray[np.float64] = summed.astype(np.float64)
        return whole


def rows_of(words: Sequence[str], dimension: int, sizes: Sequence[int]) -> NDArray[np.int8]:
    """The features of words, hashed: each word itself, and its n-grams [W, D].

    Args:
        words: not empty.
        dimension: D.
        sizes: lengths of the n-grams; the edges of a word are characters, too.
    """
    lengths = np.array([len(word) + 2 for word in words])
    codes = np.frombuffer(
        "".join(f"<{word}>" for word in words).encode("utf-32-le", "surrogatepass"), np.uint32
    ).astype(np.uint64)
    of_word = np.repeat(np.arange(len(words)), lengths)
    starts = np.cumsum(lengths) - lengths
    places = (np.arange(len(codes)) - np.repeat(starts, lengths)).astype(np.uint64)
    wholes = np.add.reduceat(_mixed(codes + (places << np.uint64(32))), starts)
    rows = _scattered(np.arange(len(words)), wholes, len(words), dimension) * WHOLE
    kept, hashes = [], []
    rolled = codes
    for size in range(1, max(sizes, default=0) + 1):
        if size > 1:
            rolled = rolled[:-1] * _PRIME + codes[size - 1 :]
        if size in sizes:
            inside = np.flatnonzero(of_word[: len(rolled)] == of_word[size - 1 :])
            kept.append(of_word[inside])
            hashes.append(rolled[inside] + np.uint64(size))
    if kept:
        parts_of = np.concatenate(kept)
        parts = _scattered(parts_of, np.concatenate(hashes), len(words), dimension)
        each = np.bincount(parts_of, minlength=len(words))
        rows += parts * (PARTS / np.sqrt(np.maximum(each, 1)))[:, None]
    return np.rint(rows).clip(-LARGEST, LARGEST).astype(np.int8)


def _scattered(
    row: NDArray[np.int64], features: NDArray[np.uint64], rows: int, dimension: int
) -> NDArray[np.float64]:
    """Features as signed counts, each in the column that its hash says [rows, D]."""
    hashes = _mixed(features)
    columns = ((hashes >> np.uint64(1)) % np.uint64(dimension)).astype(np.int64)
    signs = np.where(hashes & np.uint64(1), 1.0, -1.0)
    counted = np.bincount(row * dimension + columns, signs, rows * dimension)
    return counted.astype(np.float64, copy=False).reshape(rows, dimension)


_PRIME = np.uint64(0x100000001B3)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): every bit depends on every bit."""
    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
