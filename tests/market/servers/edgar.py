"""EDGAR with a few made filings: its lists, documents, headers, facts, and how it says no."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.market.conftest import Reply, Server

VARIABLES = ("INVESTORBENCH_EDGAR_URL", "INVESTORBENCH_EDGAR_ARCHIVE_URL")
PAGE = (
    "<!DOCTYPE html><html><head><title>SEC.gov | {title}</title></head><body>{words}</body></html>"
)
UNDECLARED = PAGE.format(
    title="Your Request Originates from an Undeclared Automated Tool",
    words="Please declare your traffic by updating your user agent",
)
TOO_OFTEN = PAGE.format(title="Request Rate Threshold Exceeded", words="Current guidelines limit")
REFUSALS = {
    "undeclared tool": Reply(status=403, body=UNDECLARED),
    "undeclared tool, as a page": Reply(body=UNDECLARED),
    "too often": Reply(status=403, body=TOO_OFTEN),
}


@dataclass(frozen=True, kw_only=True)
class MadeFiling:
    """A filing; ``accepted`` is New York's clock, ``exhibits`` and ``values`` by their names."""

    form: str
    filed: date
    accepted: str
    number: int
    words: str
    exhibits: tuple[str, ...] = ()
    values: tuple[tuple[str, str, float], ...] = ()
    """Concept, first day or "", and value; the last day is a month before the filing."""

    @property
    def accession(self) -> str:
        return f"0000000001-{self.filed:%y}-{self.number:06d}"


def serve(server: Server, symbol: str, company: int, made: list[MadeFiling]) -> None:
    """Have a server answer as EDGAR does about one company."""
    server.answer(
        "/files/company_tickers.json",
        {"0": {"cik_str": company, "ticker": symbol.replace(".", "-"), "title": f"{symbol} Inc."}},
    )
    recent = {
        "form": [filing.form for filing in made],
        "accessionNumber": [filing.accession for filing in made],
        "filingDate": [filing.filed.isoformat() for filing in made],
        "acceptanceDateTime": [f"{filing.filed}T00:00:00.000Z" for filing in made],
        "primaryDocument": [f"main{filing.number}.htm" for filing in made],
    }
    server.answer(
        f"/submissions/CIK{company:010d}.json", {"filings": {"recent": recent, "files": []}}
    )
    facts: dict[str, Any] = {}
    for filing in made:
        folder = f"/Archives/edgar/data/{company}/{filing.accession.replace('-', '')}"
        server.answer(f"{folder}/main{filing.number}.htm", f"<html><p>{filing.words}</p></html>")
        server.answer(
            f"{folder}/{filing.accession}.hdr.sgml",
            f"<SEC-HEADER>\n<ACCEPTANCE-DATETIME>{filing.accepted}\n",
        )
        names = [f"ex99{n}.htm" for n in range(len(filing.exhibits))]
        server.answer(f"{folder}/{filing.accession}-index.html", _index(folder, filing, names))
        for name, words in zip(names, filing.exhibits, strict=True):
            server.answer(f"{folder}/{name}", f"<html><p>{words}</p></html>")
        for concept, start, value in filing.values:
            units = facts.setdefault(concept, {"units": {"USD": []}})["units"]["USD"]
            last = filing.filed.replace(day=1).isoformat()
            fact = {"end": last, "val": value, "accn": filing.accession, "form": filing.form}
            units.append({**fact, "start": start} if start else fact)
            # What stands in a filing to be compared with.
            before = f"{filing.filed.year - 1}{last[4:]}"
            units.append({**fact, "end": before, "val": value / 2})
    if facts:
        server.answer(
            f"/api/xbrl/companyfacts/CIK{company:010d}.json", {"facts": {"us-gaap": facts}}
        )


def _index(folder: str, filing: MadeFiling, exhibits: list[str]) -> str:
    documents = [(f"main{filing.number}.htm", filing.form), ("logo.jpg", "GRAPHIC")]
    documents += [(name, f"EX-99.{number + 1}") for number, name in enumerate(exhibits)]
    documents += [("ex991.pdf", "EX-99.1")]
    rows = "".join(
        f'<tr><td scope="row">{number}</td><td scope="row"></td>'
        f'<td scope="row"><a href="{folder}/{name}">{name}</a></td>'
        f'<td scope="row">{kind}</td><td scope="row">9</td></tr>\n'
        for number, (name, kind) in enumerate(documents, start=1)
    )
    return f'<html><table class="tableFile" summary="Document Format Files">{rows}</table></html>'
