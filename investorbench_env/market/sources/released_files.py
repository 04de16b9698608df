"""The files that InvestorBench released, as they are; ``files/released.py`` reads them."""

from dataclasses import replace
from datetime import date

from investorbench_env.market.files import store
from investorbench_env.market.files.released import dates_in
from investorbench_env.market.sources import kept
from investorbench_env.market.sources.contracts import Contract, Probe
from investorbench_env.market.sources.http import Downloader
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source

SIZE = 2_000_000
"""About so many bytes are in one file; the largest has three million."""


def released_file(
    downloader: Downloader, symbol: str, *, address: str | None = None
) -> tuple[bytes, list[str]]:
    """The released file of a symbol as it is, and the dates in it.

    Raises:
        CorruptDataError: what came is not a released file.
        DownloadError: there is none, or it did not come.
    """
    place = f"{address or INVESTORBENCH.url}/{symbol.lower()}.json"
    content = downloader.content(place)
    return content, dates_in(content, place)


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put the released file of a symbol into the folder of a request."""
    path = request.into / "investorbench" / f"{kept.file_name(request.symbol).lower()}.json"
    whole = replace(request, first=date.min, last=date.max)
    with store.only_one(path), INVESTORBENCH.downloader(request) as downloader:
        whole, there = kept.needed(whole, path, INVESTORBENCH)
        if there:
            return there
        progress(0, 1, f"{request.symbol}, the InvestorBench release")
        content, days = released_file(downloader, request.symbol)
        progress(1, 1, f"{request.symbol}, the InvestorBench release")
        digest = store.write_atomic(path, content)
        kept.record(whole, path, INVESTORBENCH, digest, days, downloader, ("news", "filings"))
        return INVESTORBENCH.outcome(request, "fetched", paths=(path,), rows=len(days))


INVESTORBENCH = Source(
    name="investorbench",
    address="https://raw.githubusercontent.com/felis33/INVESTOR-BENCH/HEAD/data",
    gives="released closes, news, filing summaries",
    kinds=frozenset({"news", "filings"}),
    classes=frozenset({"stock", "crypto"}),
    symbols=frozenset({"MSFT", "JNJ", "UVV", "HON", "NFLX", "BTC", "ETH"}),
    terms="no licence stated; do not redistribute",
    terms_url="https://github.com/felis33/INVESTOR-BENCH",
    forbids=frozenset({"publishing"}),
    fetch=fetch,
    size=lambda request: SIZE,
    contract=Contract(
        source="InvestorBench release",
        probe=Probe(path="/btc.json"),
        needs="JSON by date",
        form=lambda answer: answer.first_line.startswith("{"),
    ),
)
