"""SEC EDGAR: reports of companies as text, and their statements, known from their acceptance.

The acceptance time is read from a filing's own header, which is always in New York time: the time
in EDGAR's JSON ends in Z, but for a good part of the filers it is the New York clock all the same.
"""

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files import store
from investorbench_env.market.filings import plain_text
from investorbench_env.market.sources import edgar_statements, kept
from investorbench_env.market.sources.contracts import Contract, Probe, Refusal
from investorbench_env.market.sources.http import (
    Downloader,
    DownloadError,
    NotThereError,
    Politeness,
    Response,
    base_url,
)
from investorbench_env.market.sources.source import (
    FetchOutcome,
    FetchRequest,
    Kind,
    Progress,
    Source,
)

REPORTS = ("10-K", "10-K405", "10-KT", "10-Q", "10-QT", "20-F", "40-F")
CURRENT = "6-K"
"""What a company from abroad files between its yearly reports; its words stand in exhibits."""
FORMS = frozenset(f"{form}{end}" for form in (*REPORTS, CURRENT) for end in ("", "/A"))
WORDS = (".htm", ".html", ".txt")
SHORTEST = 200
"""Letters of a report; less is a page that says where it moved."""
ARCHIVE = "https://www.sec.gov"
NEW_YORK = ZoneInfo("America/New_York")
FILED_LATER = timedelta(days=4)
"""What is accepted in the evening counts as filed on the next working day."""


Listed = Callable[[date, date], list["Filing"]]


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
    url = address or EDGAR.url
    company = _company(downloader, symbol, archive or base_url("edgar_archive", ARCHIVE))
    listing = downloader.json(f"{url}/submissions/CIK{company:010d}.json")
    try:
        blocks = [listing["filings"]["recent"]]
        older = [
            page["name"]
            for page in listing["filings"].get("files", [])
            if page.get("filingTo", "9999") >= first.isoformat()
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise _another_form(symbol, error) from error
    blocks += [downloader.json(f"{url}/submissions/{name}") for name in older]
    found = [filing for block in blocks for filing in _listed(block, symbol, company)]
    chosen = {
        filing.accession: filing
        for filing in found
        if filing.form in FORMS
        and first <= filing.filing_date <= last
        and filing.document.lower().endswith(WORDS)
    }
    return sorted(chosen.values(), key=lambda filing: (filing.filing_date, filing.accession))


def report(downloader: Downloader, filing: Filing, *, archive: str | None = None) -> dict[str, Any]:
    """One report as a row: symbol, form, filing_date, accepted, accession, item, text, source.

    Raises:
        DownloadError: it is not there, or has no words.
    """
    root = archive or base_url("edgar_archive", ARCHIVE)
    folder = filing.folder(root)
    text = _words(downloader, f"{folder}/{filing.document}")
    if filing.form.startswith(CURRENT):
        found = _exhibits(downloader, filing, folder)
        parts = [_words(downloader, f"{root}{path}") for path in found]
        text = "\n\n".join(filter(None, [text, *parts]))
    elif len(text) < SHORTEST:
        raise DownloadError(f"{folder}/{filing.document}: no report, only {len(text)} characters")
    return _row(filing, text=text, downloader=downloader, archive=root)


def _words(downloader: Downloader, url: str) -> str:
    """The words of a document.

    Raises:
        DownloadError: it is not there, or was cut off.
    """
    answer = downloader.get(url)
    begins = b"<html" in answer.content[:4000].lower()
    if begins and not answer.is_measured and b"</html" not in answer.content[-4000:].lower():
        raise DownloadError(f"{url}: a page that does not end, cut off; try again later")
    return plain_text(answer.text)


def _row(
    filing: Filing,
    *,
    text: str,
    downloader: Downloader,
    accepted: datetime | None = None,
    archive: str | None = None,
) -> dict[str, Any]:
    folder = filing.folder(archive or base_url("edgar_archive", ARCHIVE))
    known = accepted or _accepted(downloader, filing, folder)
    return {
        "symbol": filing.symbol,
        "form": filing.form,
        "filing_date": filing.filing_date.isoformat(),
        "accepted": known.isoformat(),
        "accession": filing.accession,
        "item": "FULL",
        "text": text,
        "source": f"SEC EDGAR {filing.accession}",
    }


def _exhibits(downloader: Downloader, filing: Filing, folder: str) -> list[str]:
    """The paths of a filing's exhibits of words, from the page that lists its documents."""
    try:
        page = downloader.text(f"{folder}/{filing.accession}-index.html")
    except NotThereError:
        return []
    rows = re.findall(r"<tr.*?</tr>", page, re.DOTALL | re.IGNORECASE)
    found = []
    for row in rows:
        path = re.search(r'href="(?:/ix\?doc=)?(/Archives/[^"]+)"', row)
        if path and re.search(r">\s*EX-99[^<]*<", row) and path[1].lower().endswith(WORDS):
            found.append(path[1])
    return list(dict.fromkeys(found))


def _company(downloader: Downloader, symbol: str, archive: str) -> int:
    listed = downloader.json(f"{archive}/files/company_tickers.json")
    wanted = symbol.upper().replace(".", "-")
    try:
        for entry in listed.values():
            if str(entry.get("ticker", "")).upper() == wanted:
                return int(entry["cik_str"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _another_form(symbol, error) from error
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
        raise _another_form(symbol, error) from error


def _another_form(symbol: str, error: Exception) -> DownloadError:
    return DownloadError(f"EDGAR, {symbol}: a list of another form ({error!r})")


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


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put reports and statements of a company into the folder of a request, one by one."""
    wanted = EDGAR.serves(request)
    outcomes = []
    with EDGAR.downloader(request) as downloader:
        listed = cache(partial(filings, downloader, request.symbol))
        if "filings" in wanted:
            outcomes.append(_fetch_reports(request, listed, downloader, progress))
        if "fundamentals" in wanted:
            try:
                outcomes.append(_fetch_statements(request, listed, downloader, progress))
            except NotThereError as error:  # before 2009 companies filed none as data
                if not outcomes:
                    raise
                outcomes.append(EDGAR.outcome(request, "skipped", note=str(error)))
    return kept.together(outcomes)


def _fetch_reports(
    request: FetchRequest, listed: Listed, downloader: Downloader, progress: Progress
) -> FetchOutcome:
    path = request.into / "filings" / f"{kept.file_name(request.symbol)}_edgar.parquet"
    with store.only_one(path):
        request, there = kept.needed(request, path, EDGAR)
        if there:
            return there
        known = _rows_by_accession(path)
        if known:
            downloader.records += store.read_provenance(path)["requests"]
        found = listed(request.first_of("filings"), request.last + FILED_LATER)
        folder = kept.pieces_folder(request, EDGAR)
        rows = []
        for done, filing in enumerate(found):
            progress(done, len(found), f"{request.symbol} {filing.form} of {filing.filing_date}")
            get = partial(report, downloader, filing)
            piece = folder / f"{filing.accession}.json"
            rows.append(known.get(filing.accession) or _kept_row(downloader, piece, get))
        progress(len(found), len(found), f"{request.symbol} from EDGAR")
        outcome = _keep(request, path, rows, downloader, "filings")
        shutil.rmtree(folder, ignore_errors=True)
        return outcome


def _fetch_statements(
    request: FetchRequest, listed: Listed, downloader: Downloader, progress: Progress
) -> FetchOutcome:
    path = request.into / "fundamentals" / f"{kept.file_name(request.symbol)}_edgar.parquet"
    with store.only_one(path):
        request, there = kept.needed(request, path, EDGAR)
        if there:
            return there
        reports = _rows_by_accession(
            request.into / "filings" / f"{kept.file_name(request.symbol)}_edgar.parquet"
        )
        found = listed(request.first_of("fundamentals"), request.last + FILED_LATER)
        facts = _facts(downloader, request.symbol, found)
        reported = [filing for filing in found if filing.accession in facts]
        folder = kept.pieces_folder(request, EDGAR) / "statements"
        rows = []
        for done, filing in enumerate(reported):
            what = f"{request.symbol} statements of {filing.filing_date}"
            progress(done, len(reported), what)
            text = edgar_statements.as_text(facts[filing.accession])
            known = reports.get(filing.accession)
            get = partial(_statement, downloader, filing, text, known)
            rows.append(_kept_row(downloader, folder / f"{filing.accession}.json", get))
        progress(len(reported), len(reported), f"{request.symbol} statements from EDGAR")
        outcome = _keep(request, path, rows, downloader, "fundamentals")
        shutil.rmtree(folder, ignore_errors=True)
        return outcome


def _facts(
    downloader: Downloader, symbol: str, found: Sequence[Filing]
) -> dict[str, list[edgar_statements.ReportedFact]]:
    """What each filing reported as data.

    Raises:
        NotThereError: none of them did.
    """
    if not found:
        raise NotThereError(f"EDGAR, {symbol}: no filings on the days that are wanted")
    url = f"{EDGAR.url}/api/xbrl/companyfacts/CIK{found[0].company:010d}.json"
    try:
        return edgar_statements.facts_by_accession(downloader.json(url))
    except NotThereError as error:
        raise NotThereError(f"EDGAR, {symbol}: no statements as data") from error
    except ValueError as error:
        raise DownloadError(f"EDGAR, {symbol}: {error}") from error


def _statement(
    downloader: Downloader, filing: Filing, text: str, report: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The statements of a filing as a row, known from when the filing was."""
    row = _row(
        filing,
        accepted=datetime.fromisoformat(str(report["accepted"])) if report else None,
        downloader=downloader,
        text=text,
    )
    # By a form of its own, so that it takes no report's place as the latest of its form.
    return {**row, "form": f"{filing.form} statements"}


def _keep(
    request: FetchRequest,
    path: Path,
    rows: Sequence[Mapping[str, Any]],
    downloader: Downloader,
    kind: Kind,
) -> FetchOutcome:
    import pandas as pd

    if not rows:
        span = f"from {request.first} to {request.last}"
        raise NotThereError(f"EDGAR, {request.symbol}: no {kind} {span}")
    table = pd.DataFrame(rows)
    table["filing_date"] = pd.to_datetime(table["filing_date"])
    table["accepted"] = pd.to_datetime(table["accepted"], utc=True, format="ISO8601")
    return kept.keep(request, path, EDGAR, "filings", table, downloader, kinds=(kind,))


def _kept_row(
    downloader: Downloader, path: Path, get: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """A row that an earlier run kept, or a new one, kept for the next; with its requests."""
    if path.exists():
        with contextlib.suppress(KeyError, OSError, RecursionError, TypeError, ValueError):
            piece = json.loads(path.read_text(encoding="utf-8"))
            known: dict[str, Any] = {**piece["row"]}
            downloader.records += piece["requests"]
            return known
    before = len(downloader.records)
    row = get()
    piece = {"row": row, "requests": downloader.records[before:]}
    store.write_atomic(path, json.dumps(piece, ensure_ascii=False).encode())
    return row


def _rows_by_accession(path: Path) -> dict[str, dict[str, Any]]:
    """The reports that a file holds already; none where it is not whole."""
    import pandas as pd

    try:
        if not store.is_whole(path):
            return {}
    except CorruptDataError:
        return {}
    return {str(row["accession"]): row for row in pd.read_parquet(path).to_dict("records")}


UNDECLARED, TOO_OFTEN = "Undeclared Automated Tool", "Request Rate Threshold Exceeded"

EDGAR = Source(
    name="edgar",
    address="https://data.sec.gov",
    gives="10-K, 10-Q, 20-F, 6-K, statements, to the second",
    kinds=frozenset({"filings", "fundamentals"}),
    classes=frozenset({"stock"}),
    terms="public; SEC asks for your name and e-mail",
    terms_url="https://www.sec.gov/os/accessing-edgar-data",
    fetch=fetch,
    contract=Contract(
        source="EDGAR",
        probe=Probe(path="/submissions/CIK0000320193.json"),
        needs="list of filings as JSON",
        form=lambda answer: b'"filings"' in answer.content,
        refusals=(
            Refusal(
                name="undeclared tool",
                matches=lambda answer: _says(answer, UNDECLARED),
                says="the SEC does not take who asks for a person with an address",
                then="give --contact 'Name mail@example.org' with your own",
            ),
            Refusal(
                name="too often",
                matches=lambda answer: _says(answer, TOO_OFTEN),
                says="more requests came from this network than the 10 a second that it takes",
                then="wait ten minutes and go on",
            ),
        ),
    ),
    politeness=Politeness(interval_s=0.15),
    needs_contact=True,
)


def _says(answer: Response, words: str) -> bool:
    """Whether an answer is a page that says so; the SEC sends some with HTTP 200."""
    start = answer.content[:4000]
    return words.encode() in start and (answer.status == 403 or b"<html" in start.lower())
