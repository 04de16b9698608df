"""The cover of a filing: where it ends, the period that it names, and where signatures begin."""

import re
from datetime import datetime

PHRASES = (
    "securities and exchange commission", "washington, d", "pursuant to section 13",
    "pursuant to rule 13a-16", "exact name of registrant", "exact name of the registrant",
    "exact name of company", "translation of registrant", "translation of the registrant",
    "of incorporation or", "jurisdiction of incorporation", "commission file n",
    "employer identification", "of principal executive",
    "(zip code)", "telephone number, including", "title of each class", "trading symbol",
    "name of each exchange", "indicate by check mark", "indicate by checkmark",
    "check the appropriate box", "former name", "well-known seasoned issuer", "accelerated filer",
    "emerging growth company", "shell company", "aggregate market value",
    "documents incorporated by reference", "incorporated by reference in part",
    "incorporated by reference into part", "shares of the registrant", "date of report",
    "earliest event", "pursuant to rule 425", "soliciting material", "pre-commencement commun",
    "report of foreign", "under cover of form", "under cover form", "form 40-f",
    "in paper as permitted by", "rule 12g3-2", "person authorized to", "receive notices and comm",
    "duly caused this report", "thereunto duly authorized", "transition period from", "(mark one)",
    "/s/",
)  # fmt: skip
"""What covers and signatures say, of any filer, in small letters."""
COVER_LETTERS = 12_000
"""Characters within which a cover ends."""

FEWEST_PHRASES = 3
"""By which a cover is known."""
LAST_LINE = 500
"""Characters of the longest paragraph at the end of a cover."""

_SPACE = re.compile(r"\s")
_SIGNATURES = re.compile(
    r"(?:(?<=\n)[ \t]*|(?<=[.|\d] ))SIGNATURES?\b\s{0,4}(?=Pursuant to|\n)", re.IGNORECASE
)
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = rf"(?:(?:{_MONTHS})\s?\d{{1,2}}\s?,?\s?\d{{4}}|\d{{1,2}}\s(?:{_MONTHS}),?\s\d{{4}})"
_PERIOD = re.compile(
    rf"(?:year|quarter|quarterly\s+period|months|period|fiscal\s+year)\s*ended\s*:?\s*({_DATE})",
    re.IGNORECASE,
)
_ANY_DATE = re.compile(_DATE, re.IGNORECASE)


def period_of(text: str, kind: str) -> str:
    """The last day of the period that a filing reports, YYYY-MM-DD; empty where it is not found.

    For a form that reports no period, the day of the report, which is the first on its cover.
    """
    cover = text[:COVER_LETTERS]
    if kind.startswith(("8-K", "6-K")):
        found = _ANY_DATE.search(cover)
        return _day(found[0]) if found else ""
    found = _PERIOD.search(cover)
    return _day(found[1]) if found else ""


def body_of(text: str) -> str:
    """A text without its cover: what follows the last of a cover's phrases near its beginning."""
    cover = _small(text[:COVER_LETTERS])
    places = [place for phrase in PHRASES if (place := cover.rfind(phrase)) >= 0]
    if len(places) < FEWEST_PHRASES:
        return text
    last = max(places)
    end = text.find("\n\n", last)
    return text[end:] if 0 <= end < last + LAST_LINE else text[last:]


def is_of_cover(paragraph: str) -> bool:
    """Whether a paragraph has a phrase of covers or signatures in it."""
    small = _small(paragraph)
    return any(phrase in small for phrase in PHRASES)


def _small(text: str) -> str:
    return _SPACE.sub(" ", text).lower()


def signatures_begin(text: str, start: int) -> int:
    """Where the signatures begin that follow a place; the end of the text where there are none."""
    found = _SIGNATURES.search(text, start)
    return found.start() if found else len(text)


def _day(words: str) -> str:
    plain = re.sub(r"\s+", " ", words.replace(",", " ")).title()
    plain = re.sub(r"([A-Za-z])(\d)", r"\1 \2", plain)
    for order in ("%B %d %Y", "%d %B %Y"):
        try:
            return datetime.strptime(plain.strip(), order).date().isoformat()
        except ValueError:
            continue
    return ""
