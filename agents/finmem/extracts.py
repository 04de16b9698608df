"""The sentences of a text that say most, by rules: what a reader without a language model keeps.

A sentence counts by how much it shares with the rest of its text (Luhn, 1958), by whether it stands
at the beginning or by itself, and by figures, changes, reasons and outlooks in it; what was said by
another one already counts less (Carbonell and Goldstein, 1998). Only the cues know English.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import exp, log1p

SHORTEST, LONGEST = 25, 450
"""Characters of a sentence: less is a heading, more is a list."""
COMMON = 0.25
"""Share of sentences from which on a word is as good as in all of them, and says nothing."""
REPEATED = 3.0
"""What it costs that all words of a sentence were in others."""
LEAD, LEAD_SENTENCES = 3.0, 12
"""What the first sentence is worth for being it, and after how many that is a third."""
ALONE, ALONE_WORDS = 0.7, 7
"""What a sentence is worth for being a paragraph, as points of a list and titles of risks are; and
how many words it takes."""
OUTDATED = 3.0
"""What it costs to name years, and only such as are past where the text speaks of a later one."""
DANGLING = 1.5
"""What it costs to begin with what only the sentence before explains."""

_ENDS = re.compile(r"(?<=[.!?])[\"”’)]{0,2}\s+(?=[A-Z“\"•(])|(?<=[。！？])")
_NO_END = re.compile(
    r"\b(?:Inc|Corp|Co|Ltd|No|Mr|Ms|Mrs|Dr|St|vs|Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec|[A-Z])\.$"
)
_WORD = re.compile(r"[^\W\d_]{3,}")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_DANGLES = re.compile(
    r"(?:This|These|Those|Such|They|It|Its|That|However|Likewise|Additionally|Also|Further|Moreover"
    r"|Accordingly|Therefore|Owing|Conversely|In addition|For example|As a result|Of these)\b"
    r"|.{0,60}\b(?:such|the foregoing|then|these)\b"
)
_CUES = {
    "figure": 1.5, "change": 1.0, "outlook": 1.0, "reason": 0.5, "money": 0.5, "risk": 0.5,
    "event": 0.5,
}  # fmt: skip
_CUE = re.compile(
    r"(?P<figure>[$€£¥]\s?\d|\d[\d,.]*\s?(?:%|percent\b|basis points|[mb]illion\b|trillion\b))"
    r"|\b(?:(?P<change>increas|decreas|grew|grow|rose|fell|declin|higher|lower|improv|record)"
    r"|(?P<outlook>expect|anticipat|outlook|guidance|forecast|target|plan(?:s|ned)? to\b)"
    r"|(?P<reason>due to|driven by|primarily|attributable|offset)"
    r"|(?P<money>revenue|sales|income|margin|profit|loss|cash|debt|demand|deliver|dividend)"
    r"|(?P<risk>(?:could|may) (?:be (?:un|adv)|harm|adversely|negatively|fail|experience))"
    r"|(?P<event>impair|restructur|recall|investigat|default|acqui|repurchas|terminat))",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"incorporated (?:herein )?by reference|in conjunction with|forward-looking|proxy statement"
    r"|certificate of incorporation"
    r"|following (?:table|discussion|chart|is a|are|section|summar)"
    r"|(?:set forth|presented|as shown) (?:below|above|in)|included elsewhere|this item\b"
    r"|this (?:annual|quarterly|current) report|\bform (?:10|8|20|6|40)-|\bexhibits?\s[\d.]+"
    r"|(?:^|\W)(?:see|refer to|refer also to) (?:accompanying|note|item|part|the\b|“)"
    r"|www\s?\.|https?:"
    r"|securities (?:exchange )?act|securities and exchange commission|private securities litig"
    r"|accounting (?:standards|pronouncement|principles)|\bGAAP\b|ASU \d|critical accounting"
    r"|(?:summary|table|discussion|information) (?:below|above)|described (?:below|above)"
    r"|for (?:further|more|additional) (?:information|discussion|detail)|fiscal year (?:is|ends)"
    r"|unless (?:otherwise|the context)|not applicable|including,? without limitation"
    r"|carefully consider|reclassified to conform|shall not be deemed|\(in (?:millions|thousands)"
    r"|hereunto duly|\(unaudited\)|not (?:necessarily )?indicative|undue reliance|safe harbor"
    r"|\b(?:we|company) (?:records?|recognizes?|estimates?|evaluates?|measures?|accounts?)\b"
    r"|based (?:up)?on (?:assumptions|estimates)|do(?:es)? not enter into|early adoption"
    r"|undertakes? no obligation|accompanying notes|webcast|web\s?sites?\b|found here|\.\.\.$",
    re.IGNORECASE,
)
"""What a filing has to say and a trader need not read."""
_MARK = re.compile(r"^(?:\(?\d{1,2}\)?|[*•†‡·–—-]+)\s+(?=[A-Z])")
"""Of a note, a page or a point of a list."""
_TITLE_TWICE = re.compile(r"^((?:\S+ ){1,6}?)(?=\1)", re.IGNORECASE)
_TITLE_BEFORE = re.compile(
    r"^(?:[A-Z][\w,’'&/-]*\s(?:(?:and|of|the|in|for|to) )*){2,8}"
    r"(?=(?:The|In|We|Our|During|For|As of|Net|Total|On)\s)"
)
"""The title of a paragraph, where a text has no lines and it runs into the first sentence."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    words: frozenset[str]
    worth: float


def extract(paragraphs: Iterable[str], longest: int) -> list[str]:
    """The sentences of a text that say most, in its order.

    Args:
        paragraphs: of the text.
        longest: characters of them all together, spaces between them included.
    """
    found = _weighed(_candidates(paragraphs))
    # What a sentence adds only ever falls as others are chosen, so the first of the heap that adds
    # what it was thought to add is the best.
    heap = [(-each.worth, place) for place, each in enumerate(found)]
    heapify(heap)
    chosen: list[int] = []
    read: set[str] = set()
    while heap and longest >= SHORTEST:
        thought, place = heappop(heap)
        sentence = found[place]
        adds = sentence.worth - REPEATED * len(sentence.words & read) / max(1, len(sentence.words))
        if adds <= 0.0 or len(sentence.text) > longest:
            continue
        if -adds > thought + 1e-9:
            heappush(heap, (-adds, place))
        elif not says_nothing(sentence.text):
            chosen.append(place)
            read |= sentence.words
            longest -= len(sentence.text) + 1
    return [found[place].text for place in sorted(chosen)]


def weight_of_cues(text: str) -> float:
    """What a text is worth for the figures, changes, reasons and outlooks in it."""
    return sum(_CUES[cue] for cue in {str(cue.lastgroup) for cue in _CUE.finditer(text)})


def says_nothing(sentence: str) -> bool:
    """Whether a sentence is one of those that a filing has to have and a trader need not read."""
    return bool(_EMPTY.search(sentence))


def ends_in_abbreviation(text: str) -> bool:
    """Whether the full stop at the end of a text is that of an abbreviation, such as "Inc."."""
    return bool(_NO_END.search(text))


def sentences(paragraph: str) -> Iterator[str]:
    """A paragraph sentence by sentence; an abbreviation ends none."""
    pending = ""
    for piece in _ENDS.split(paragraph):
        pending = f"{pending} {piece}" if pending else piece
        if not ends_in_abbreviation(pending):
            yield pending.strip()
            pending = ""
    if pending:
        yield pending.strip()


def passages(chosen: Sequence[str], longest: int) -> list[str]:
    """Sentences joined to passages that are about as long as each other."""
    length = sum(map(len, chosen))
    count = max(1, -(-length // longest))
    parts: list[list[str]] = [[] for _ in range(count)]
    before = 0
    for sentence in chosen:
        parts[min(count - 1, before * count // max(1, length))].append(sentence)
        before += len(sentence)
    return [" ".join(part) for part in parts if part]


def _candidates(paragraphs: Iterable[str]) -> dict[str, float]:
    """Sentences of a fit length, each once, and what they are worth for where they stand."""
    found: dict[str, float] = {}
    for paragraph in paragraphs:
        own = list(sentences(paragraph))
        for sentence in own:
            text = _TITLE_BEFORE.sub("", _TITLE_TWICE.sub("", _MARK.sub("", sentence)))
            fits = SHORTEST <= len(text) <= LONGEST and text[-1] in ".!?。！？"
            if fits and not text[0].islower():
                lead = LEAD * exp(-len(found) / LEAD_SENTENCES)
                alone = len(own) == 1 and text.count(" ") >= ALONE_WORDS
                found.setdefault(text, lead + ALONE * alone)
    return found


def _weighed(found: Mapping[str, float]) -> list[_Sentence]:
    words = {each: frozenset(map(str.lower, _WORD.findall(each))) for each in found}
    counts = Counter(word for own in words.values() for word in own)
    often = max(3.0, COMMON * len(words))
    weights = {word: log1p(count - 1) for word, count in counts.items() if count <= often}
    years = {text: [int(year) for year in _YEAR.findall(text)] for text in found}
    named = Counter(year for own in years.values() for year in own)
    now = max(named, key=lambda year: (named[year], year), default=0)
    return [
        _Sentence(
            text,
            own & weights.keys(),
            found[text]
            + _worth(text, own, weights)
            - OUTDATED * (bool(years[text]) and max(years[text]) < now),
        )
        for text, own in words.items()
    ]


def _worth(text: str, words: frozenset[str], weights: Mapping[str, float]) -> float:
    """What a sentence is worth for what it says."""
    shared = 0.6 * sum(weights.get(word, 0.0) for word in words) / (5.0 + len(words))
    worth = shared + weight_of_cues(text) - len(text) / LONGEST
    # A text in a language without cues has its best sentences too.
    return max(0.1, worth - DANGLING * bool(_DANGLES.match(text)))
