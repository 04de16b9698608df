"""The cover of a filing: where it ends, the period that it names, and where signatures begin."""

import re
from datetime import datetime

COVER = re.compile(
    "|".join(
        (
            r"securities and exchange commission",
            r"washington,?\s?d\.?\s?c\.?,?\s?20549",
            r"pursuant to (?:section|rule) 1[23]",
            r"exact name of (?:the )?(?:registrant|company)",
            r"translation of (?:the )?registrant.{0,3}s name",
            r"(?:state|jurisdiction|country)[^.]{0,30} of (?:incorporation|organization)",
            r"commission file (?:number|no)",
            r"employer\s+identification",
            r"address(?:es)? of (?:the )?(?:registrant.{0,3}s )?principal executive",
            r"zip code",
            r"telephone number,? (?:including|of)",
            r"title of each class",
            r"trading symbol",
            r"name of each exchange",
            r"indicate by check\s?mark",
            r"check the appropriate box",
            r"former name",
            r"well-known seasoned issuer",
            r"(?:large )?accelerated filer",
            r"emerging growth company",
            r"shell company",
            r"aggregate market value",
            r"documents incorporated by reference",
            r"incorporated by reference (?:in|into) part",
            r"(?:number of )?shares (?:of the registrant|outstanding of)",
            r"date of (?:report|earliest event)",
            r"written communications pursuant to rule 425",
            r"soliciting material pursuant",
            r"pre-?commencement communications",
            r"report of foreign (?:private )?issuer",
            r"under cover (?:of )?form (?:20|40)-f",
            r"form 20-f\W{1,6}form 40-f",
            r"in paper as permitted by",
            r"rule 12g3-2",
            r"name and address of person authorized",
            r"receive notices and communications",
            r"duly caused this report",
            r"hereunto duly authorized",
            r"transition period from",
            r"\(mark one\)",
            r"^\W*/s/",
        )
    ),
    re.IGNORECASE,
)
"""What covers and signatures say, whoever files."""
COVER_LETTERS = 12_000
"""Characters within which a cover ends."""

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
    ends = [found.end() for found in COVER.finditer(text, 0, COVER_LETTERS)]
    if len(ends) < 3:
        return text
    end = text.find("\n\n", ends[-1])
    if 0 <= end < ends[-1] + 500:
        return text[end:]
    return text[ends[-1] :]


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
