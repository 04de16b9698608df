"""SEC EDGAR: 10-K and 10-Q reports as text, each with the moment it was accepted.

The acceptance time is read from a filing's own header, which is always in New York time: the time
in EDGAR's JSON ends in Z, but for a good part of the filers it is the New York clock all the same.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.http import (
    Downloader,
    DownloadError,
    NotThereError,
    base_url,
)

FORMS = ("10-K", "10-Q", "10-K/A", "10-Q/A")
ARCHIVE = "https://www.sec.gov"
NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """One report in EDGAR's list.

    Attributes:
        symbol: of the company.
        company: its number at the SEC (CIK).
        form: such as ``"10-K"``.
        accession: the filing's number.
        filing_date: the day on which it counts as filed.
        listed_time: the acceptance time of the list, of which the zone is not certain.
        document: the name of its main document.
    """

    symbol: str
    company: int
    form: str
    accession: str
    filing_date: date
    listed_time: str
    document: str

    def folder(self, archive: str) -> str:
        return f"{archive}/Archives/edgar/data/{self.company}/{self.accession.replace('-', '')}"


def filings(
    downloader: Downloader,
    symbol: str,
    first: date,
    last: date,
    *,
    address: str | None = None,
    archive: str | None = None,
) -> list[Filing]:
    """The reports that a company filed from ``first`` to ``last``, oldest first.

    Raises:
        DownloadError: the SEC does not know the symbol.
    """
    url = address or base_url("edgar", SOURCES["edgar"].address)
    company = _company(downloader, symbol, archive or base_url("edgar_archive", ARCHIVE))
    listing = downloader.json(f"{url}/submissions/CIK{company:010d}.json")
    blocks = [listing["filings"]["recent"]]
    blocks += [
        downloader.json(f"{url}/submissions/{older['name']}")
        for older in listing["filings"].get("files", [])
        if older.get("filingTo", "9999") >= first.isoformat()
    ]
    found = [filing for block in blocks for filing in _listed(block, symbol, company)]
    chosen = {
        filing.accession: filing
        for filing in found
        if filing.form in FORMS and first <= filing.filing_date <= last and filing.document
    }
    return sorted(chosen.values(), key=lambda filing: (filing.filing_date, filing.accession))


def fetch(downloader: Downloader, filing: Filing, *, archive: str | None = None) -> dict[str, Any]:
    """One report as a row: symbol, form, filing_date, accepted, accession, item, text, source."""
    root = archive or base_url("edgar_archive", ARCHIVE)
    folder = filing.folder(root)
    text = plain_text(downloader.text(f"{folder}/{filing.document}"))
    if len(text) < 200:
        raise DownloadError(f"{folder}/{filing.document}: no report, only {len(text)} characters")
    return {
        "symbol": filing.symbol,
        "form": filing.form,
        "filing_date": filing.filing_date.isoformat(),
        "accepted": _accepted(downloader, filing, folder).isoformat(),
        "accession": filing.accession,
        "item": "FULL",
        "text": text,
        "source": f"SEC EDGAR {filing.accession}",
    }


def _company(downloader: Downloader, symbol: str, archive: str) -> int:
    listed = downloader.json(f"{archive}/files/company_tickers.json")
    wanted = symbol.upper().replace(".", "-")
    for entry in listed.values():
        if str(entry.get("ticker", "")).upper() == wanted:
            return int(entry["cik_str"])
    raise NotThereError(f"EDGAR, {symbol}: not among the {len(listed):,} companies of the SEC")


def _listed(block: dict[str, list[Any]], symbol: str, company: int) -> Iterator[Filing]:
    try:
        columns = zip(
            block["form"],
            block["accessionNumber"],
            block["filingDate"],
            block["acceptanceDateTime"],
            block["primaryDocument"],
            strict=True,
        )
        for form, accession, filed, accepted, document in columns:
            yield Filing(
                symbol=symbol,
                company=company,
                form=str(form),
                accession=str(accession),
                filing_date=date.fromisoformat(filed),
                listed_time=str(accepted),
                document=str(document),
            )
    except (KeyError, TypeError, ValueError) as error:
        raise DownloadError(f"EDGAR, {symbol}: a list of another form ({error!r})") from error


def _accepted(downloader: Downloader, filing: Filing, folder: str) -> datetime:
    try:
        header = downloader.text(f"{folder}/{filing.accession}.hdr.sgml")
    except NotThereError:
        header = ""
    found = re.search(r"ACCEPTANCE-DATETIME>\s*(\d{14})", header)
    if found:
        local = datetime.strptime(found[1], "%Y%m%d%H%M%S")
    else:
        # Without a header the later of the two readings holds: never too early.
        local = datetime.fromisoformat(filing.listed_time.rstrip("Z").split(".")[0])
    return local.replace(tzinfo=NEW_YORK).astimezone(UTC)


def plain_text(page: str) -> str:
    """The words of a report's HTML, a line a paragraph or table row."""
    if "<" not in page:
        return page.strip()
    reader = _Reader()
    reader.feed(page)
    reader.close()
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in reader.text().split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    BLOCKS = frozenset({"p", "div", "br", "tr", "li", "table", "h1", "h2", "h3", "h4", "hr"})
    SILENT = frozenset({"script", "style", "head", "ix:header"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self.SILENT
        if tag in self.BLOCKS:
            self._parts.append("\n")
        elif tag in ("td", "th"):
            self._parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in self.SILENT))
        if tag in self.BLOCKS:
            self._parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            # Line ends in the source of a page mean nothing.
            self._parts.append(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        return "".join(self._parts)
