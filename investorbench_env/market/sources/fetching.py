"""Fetching one symbol from its sources into a folder that ``find_market`` understands.

Whatever is complete is kept at once: a kill at any point loses at most one request, and the next
run goes on from there. Two processes that fetch the same file wait for each other.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.market.files import store
from investorbench_env.market.sources import (
    binance,
    edgar,
    investorbench_json,
    kept,
    nifty,
    stooq,
    yahoo,
)
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.http import Downloader, DownloadError, Politeness
from investorbench_env.market.sources.kept import Order, Outcome

CONTACT = "INVESTORBENCH_CONTACT"
PACE = {"edgar": Politeness(interval_s=0.15), "binance": Politeness(interval_s=0.2)}

Progress = Callable[[int, int, str], None]
"""Told how many requests of a job are done, of how many, and what it is about."""


def fetch(
    order: Order, sources: Sequence[str] = (), progress: Progress | None = None
) -> list[Outcome]:
    """Ask every source that has the symbol, or only those that are named.

    A source that fails does not stop the others; Stooq is asked only where Yahoo fails, or when it
    is named.

    Raises:
        UnknownNameError: a source that does not exist.
    """
    for name in sources:
        if name not in SOURCES:
            raise UnknownNameError("source", name, SOURCES)
    chosen = [
        name
        for name, source in SOURCES.items()
        if source.has(order.symbol, order.asset_class) and (name in sources or not sources)
    ]
    outcomes: list[Outcome] = [
        Outcome(
            symbol=order.symbol,
            source=name,
            status="skipped",
            note=f"has no {order.asset_class} {order.symbol}",
        )
        for name in sources
        if name not in chosen
    ]
    for name in chosen:
        failed = [outcome.source for outcome in outcomes if outcome.status == "failed"]
        if name == "stooq" and "stooq" not in sources and "yahoo" not in failed:
            continue
        outcomes.append(_asked(order, name, progress or _silent))
    return outcomes


def _asked(order: Order, name: str, progress: Progress) -> Outcome:
    try:
        if name == "edgar" and not order.contact:
            return Outcome(
                symbol=order.symbol,
                source=name,
                status="skipped",
                note=f"the SEC asks who you are: --contact 'Name mail@example.org' or ${CONTACT}",
            )
        return _JOBS[name](order, progress)
    except InvestorBenchError as error:
        return Outcome(symbol=order.symbol, source=name, status="failed", note=str(error))


def _downloader(order: Order, source: str) -> Downloader:
    politeness = order.politeness or PACE.get(source, Politeness())
    if source == "edgar":
        return Downloader(user_agent=f"investorbench {order.contact}", politeness=politeness)
    return Downloader(politeness=politeness)


def _yahoo(order: Order, progress: Progress) -> Outcome:
    path = order.into / "prices" / f"{kept.plain(order.symbol)}.parquet"
    listed = order.into / "actions" / path.name
    with store.only_one(path), _downloader(order, "yahoo") as downloader:
        order, there = kept.needed(order, path, "yahoo")
        if there and store.is_whole(listed):
            return there
        progress(0, 1, f"{order.symbol} from Yahoo")
        chart = yahoo.fetch(downloader, order.symbol, order.first, order.last)
        progress(1, 1, f"{order.symbol} from Yahoo")
        # Actions first: bars without their splits would be read wrongly, not the other way round.
        kept.keep(order, listed, "yahoo", "actions", chart.actions, downloader)
        return kept.keep(order, path, "yahoo", "bars", chart.bars, downloader, adjusted=True)


def _stooq(order: Order, progress: Progress) -> Outcome:
    path = order.into / "prices" / f"{kept.plain(order.symbol)}_stooq.parquet"
    with store.only_one(path), _downloader(order, "stooq") as downloader:
        order, there = kept.needed(order, path, "stooq")
        if there:
            return there
        progress(0, 1, f"{order.symbol} from Stooq")
        bars = stooq.fetch(downloader, order.symbol, order.first, order.last)
        progress(1, 1, f"{order.symbol} from Stooq")
        return kept.keep(order, path, "stooq", "bars", bars, downloader, adjusted=True)


def _binance(order: Order, progress: Progress) -> Outcome:
    path = order.into / "prices" / f"{kept.plain(order.symbol)}_binance.parquet"
    with store.only_one(path), _downloader(order, "binance") as downloader:
        order, there = kept.needed(order, path, "binance")
        if there:
            return there
        pieces = []
        spans = list(binance.spans(order.first, order.last))
        for done, (first, last) in enumerate(spans):
            progress(done, len(spans), f"{order.symbol} from Binance")
            part = kept.pieces_folder(order, "binance") / f"{first}_{last}.parquet"
            get = partial(binance.fetch, downloader, order.symbol, first, last)
            pieces.append(kept.piece_of(downloader, part, get))
        progress(len(spans), len(spans), f"{order.symbol} from Binance")
        outcome = kept.keep(order, path, "binance", "bars", kept.joined(pieces), downloader)
        shutil.rmtree(kept.pieces_folder(order, "binance"), ignore_errors=True)
        return outcome


def _nifty(order: Order, progress: Progress) -> Outcome:
    path = order.into / "news" / f"{kept.plain(order.symbol)}_nifty.parquet"
    # The data set does not change, so a request for other days needs no second download.
    whole = replace(order, first=date.min, last=date(2020, 12, 31))
    with store.only_one(path), _downloader(order, "nifty") as downloader:
        whole, there = kept.needed(whole, path, "nifty")
        if there:
            return there
        parts = nifty.parts(downloader)
        files = [(split, file) for split, names in parts.items() for file in names]
        pieces = []
        for done, (split, file) in enumerate(files):
            progress(done, len(files), "NIFTY headlines")
            name = f"{split}_{store.sha256(file.encode())[:12]}.parquet"
            part = kept.pieces_folder(order, "nifty") / name
            get = partial(nifty.fetch, downloader, file)
            pieces.append(kept.piece_of(downloader, part, get))
        progress(len(files), len(files), "NIFTY headlines")
        news = kept.joined(pieces).drop_duplicates(["date", "headline"])
        outcome = kept.keep(whole, path, "nifty", "news", news, downloader)
        shutil.rmtree(kept.pieces_folder(order, "nifty"), ignore_errors=True)
        return outcome


def _edgar(order: Order, progress: Progress) -> Outcome:
    import pandas as pd

    path = order.into / "filings" / f"{kept.plain(order.symbol)}_edgar.parquet"
    with store.only_one(path), _downloader(order, "edgar") as downloader:
        order, there = kept.needed(order, path, "edgar")
        if there:
            return there
        known = kept.rows_by_accession(path)
        if known:
            downloader.records += store.read_provenance(path)["requests"]
        found = edgar.filings(downloader, order.symbol, order.first, order.last)
        rows = []
        for done, filing in enumerate(found):
            progress(done, len(found), f"{order.symbol} {filing.form} of {filing.filing_date}")
            rows.append(known.get(filing.accession) or kept.report_of(order, downloader, filing))
        progress(len(found), len(found), f"{order.symbol} from EDGAR")
        if not rows:
            raise DownloadError(
                f"EDGAR, {order.symbol}: no 10-K or 10-Q from {order.first} to {order.last}"
            )
        table = pd.DataFrame(rows)
        table["filing_date"] = pd.to_datetime(table["filing_date"])
        table["accepted"] = pd.to_datetime(table["accepted"], utc=True, format="ISO8601")
        outcome = kept.keep(order, path, "edgar", "filings", table, downloader)
        shutil.rmtree(kept.pieces_folder(order, "edgar"), ignore_errors=True)
        return outcome


def _investorbench(order: Order, progress: Progress) -> Outcome:
    path = order.into / "investorbench" / f"{kept.plain(order.symbol).lower()}.json"
    whole = replace(order, first=date.min, last=date.min)
    with store.only_one(path), _downloader(order, "investorbench") as downloader:
        whole, there = kept.needed(whole, path, "investorbench")
        if there:
            return there
        progress(0, 1, f"{order.symbol}, the InvestorBench release")
        content, days = investorbench_json.fetch(downloader, order.symbol)
        progress(1, 1, f"{order.symbol}, the InvestorBench release")
        digest = store.write_atomic(path, content)
        kept.record(whole, path, "investorbench", digest, days, downloader)
        return Outcome(
            symbol=order.symbol, source="investorbench", status="fetched", path=path, rows=len(days)
        )


_JOBS: Mapping[str, Callable[[Order, Progress], Outcome]] = {
    "yahoo": _yahoo,
    "stooq": _stooq,
    "edgar": _edgar,
    "investorbench": _investorbench,
    "nifty": _nifty,
    "binance": _binance,
}


def _silent(done: int, total: int, what: str) -> None:
    return None


def contact() -> str:
    """Name and e-mail for the SEC, as the user's environment says."""
    return os.environ.get(CONTACT, "")
