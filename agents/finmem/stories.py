"""Which texts say the same: near-duplicates together, in time linear in the number of texts.

Equal words in the same order are the same; of others, texts with the same smallest hashes of words
(Broder, 1997) are candidates, and each is compared with a few of these alone. Knows words; nothing
of news, times or memories.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

READ_WORDS = 40
"""Words of a text that are compared: what is copied is copied from the beginning."""
LONGEST_WORD = 8
"""Characters that a word and a space take, at most, on the average of so many words."""
ALIKE = 0.7
"""Share of the words of the longer of two texts that both have, for them to be the same story."""
BANDS, ROWS = 4, 3
"""Of hashes: texts that agree in all rows of a band are compared. At 70 % of words in common that
is 81 % of pairs, at 90 % all but one in two hundred."""
MOST_COMPARED = 2
"""Texts of one band with which another is compared at most."""
MOST_READ = 1 << 14
"""Texts whose words are kept: many episodes read the same."""

Words = tuple[str, ...]
"""The first of a text, in its order; a figure is one with its decimals, and so is its sign."""

TURNING = frozenset(
    "no not never none neither nor cannot without isn aren wasn weren don doesn didn won wouldn "
    "couldn shouldn hasn haven hadn deny denies denied denying dispute disputes disputed refute "
    "refutes refuted reject rejects rejected false untrue fake hoax fail fails failed halt halts "
    "halted stop stops stopped cancel cancels cancelled canceled delay delays delayed unlikely "
    "unless despite instead correction corrects corrected retracts retracted "
    "up down above below over under more less least fewer few off out before after against "
    "if may might could would almost nearly only".split()
)
"""Words that turn the sense of a text, or say where to: with one of them it is another story."""

_WORDS = re.compile(
    r"(?<!\w)[-+−](?=[$€£¥]?\d)|\d+(?:[.,:/-]\d+)*|[^\W\d]+|[↑↓▲△▼▽⬆⬇⏫⏬📈📉🔺🔻🔼🔽]"
)
_MULTIPLIERS = np.array(
    [0x9E3779B97F4A7C15 * (2 * place + 1) % (1 << 64) for place in range(BANDS * ROWS)], np.uint64
)


class _Read(NamedTuple):
    """What is compared of a text: its words, and a key for each band of their smallest hashes."""

    words: Words
    keys: tuple[bytes, ...]


_READ: dict[str, _Read] = {}


def stories(texts: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Places of the texts that say the same, each group in order, groups by their first.

    Args:
        texts: of which the first :data:`READ_WORDS` words count.
    """
    groups: list[list[int]] = []
    leading: dict[Words, int] = {}
    firsts: list[Words] = []
    buckets: dict[bytes, list[int]] = {}
    for place, (words, keys) in enumerate(_read(texts)):
        group = leading.get(words)
        if group is None:
            candidates = dict.fromkeys(group for key in keys for group in buckets.get(key, ()))
            group = next((one for one in candidates if is_same(firsts[one], words)), None)
        if group is not None:
            groups[group].append(place)
            continue
        leading[words] = len(groups)
        for key in keys:
            own = buckets.setdefault(key, [])
            if len(own) < MOST_COMPARED:
                own.append(len(groups))
        groups.append([place])
        firsts.append(words)
    return tuple(map(tuple, groups))


def is_same(one: Words, other: Words) -> bool:
    """Whether two texts tell one story: one is the other with a few words more.

    Where each has a word of its own, or the same ones in another order, or one adds a figure or
    turns the sense, they are two: "up" is not "down", and a buyer is not the bought.
    """
    return one == other or _only_adds(one, other) or _only_adds(other, one)


def _only_adds(words: Words, longer: Words) -> bool:
    """Whether a text is another one with a few words more that do not change what it says."""
    added = _added(words, longer)
    return added is not None and not any(word in TURNING or not word.isalpha() for word in added)


def _added(words: Words, longer: Words) -> list[str] | None:
    """What a text has beside all words of another in their order; None where that is too much.

    What it adds may push the last words of the other one out of those that are compared.
    """
    most = int((1.0 - ALIKE) * len(longer))
    added: list[str] = []
    rest = iter(longer)
    for place, word in enumerate(words):
        before = len(added)
        for found in rest:
            if found == word:
                break
            added.append(found)
            if len(added) > most:
                return None
        else:
            pushed_out = len(added) == before and len(longer) == READ_WORDS
            return added if pushed_out and len(words) - place <= before else None
    added += rest
    return added if len(added) <= most else None


def _read(texts: Sequence[str]) -> list[_Read]:
    """What is compared of each text; what was not read before is read at once."""
    known = {text: _READ[text] for text in texts if text in _READ}
    new = [text for text in dict.fromkeys(texts) if text not in known]
    words = [
        tuple(_WORDS.findall(text[: LONGEST_WORD * READ_WORDS].lower())[:READ_WORDS]) or (text,)
        for text in new
    ]
    fresh = dict(zip(new, map(_Read, words, _keys([*map(frozenset, words)])), strict=True))
    if len(_READ) > MOST_READ:
        _READ.clear()
    _READ.update(fresh)
    known |= fresh
    return [known[text] for text in texts]


def _keys(sets: Sequence[frozenset[str]]) -> list[tuple[bytes, ...]]:
    """For each set of words the key of each band of its smallest hashes."""
    if not sets:
        return []
    hashes = np.array(
        [crc32(word.encode("utf-8", "surrogatepass")) for words in sets for word in words],
        np.uint64,
    )
    starts = np.cumsum([0, *(len(words) for words in sets[:-1])])
    mixed = (hashes[:, None] * _MULTIPLIERS) >> np.uint64(32)
    smallest: NDArray[np.uint32] = np.minimum.reduceat(mixed, starts, axis=0).astype(np.uint32)
    bands = smallest.reshape(len(sets), BANDS, ROWS)
    return [
        tuple(bytes([place]) + band.tobytes() for place, band in enumerate(own)) for own in bands
    ]
