"""Labels of sentiment: what sources write, mapped where it is certain and counted where not."""

from collections.abc import Sequence
from dataclasses import dataclass

from investorbench_env.market.documents import Sentiment
from investorbench_env.market.files.session_bars import count

WORDS: dict[str, Sentiment] = {
    **dict.fromkeys(("positive", "pos", "bullish"), "positive"),
    **dict.fromkeys(("neutral", "neu"), "neutral"),
    **dict.fromkeys(("negative", "neg", "bearish"), "negative"),
}
"""What sources call a sentiment, and what it is called here."""
DEGREES = ("very ", "strongly ", "somewhat ", "slightly ", "mostly ", "extremely ")
SIGNS: dict[float, Sentiment] = {-1.0: "negative", 0.0: "neutral", 1.0: "positive"}
BLANKS = ("", "nan", "none", "null", "na", "n/a", "-", "<na>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moods:
    """The sentiment of each cell [N], and what was not understood, in words."""

    labels: tuple[Sentiment | None, ...]
    findings: tuple[str, ...]


def sentiments_of(cells: Sequence[str], whole: Sequence[str]) -> Moods:
    """What some cells of a column mean.

    Numbers are understood where the column holds -1 and otherwise only 0 and 1; which of 0, 1
    and 2 is good news differs from source to source.

    Args:
        cells: those that are wanted [N].
        whole: all of their column.
    """
    known = _by_sign(whole) or {}
    labels, strange = [], []
    for cell in cells:
        word = cell.strip().lower()
        label = known.get(word) or word_of(word)
        labels.append(label)
        if label is None and word not in BLANKS:
            strange.append(cell)
    findings = []
    if strange:
        shown = ", ".join(repr(word[:30]) for word in list(dict.fromkeys(strange))[:3])
        findings.append(
            f"{count(len(strange), 'label')} of sentiment not understood, left out: {shown}"
        )
    return Moods(labels=tuple(labels), findings=tuple(findings))


def word_of(word: str) -> Sentiment | None:
    """What a word in small letters means, None where it is not certain."""
    plain = word.replace("-", " ").replace("_", " ").strip()
    for degree in DEGREES:
        plain = plain.removeprefix(degree)
    return WORDS.get(plain)


def _by_sign(whole: Sequence[str]) -> dict[str, Sentiment] | None:
    """What the numbers of a column mean, None where it is not certain."""
    words = {cell.strip().lower() for cell in whole} - set(BLANKS)
    try:
        numbers = {word: float(word) for word in words}
    except ValueError:
        return None
    if -1.0 not in numbers.values() or not set(numbers.values()) <= set(SIGNS):
        return None
    return {word: SIGNS[number] for word, number in numbers.items()}
