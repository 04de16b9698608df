"""Fetching one symbol from its sources into a folder that ``find_market`` understands.

Whatever is complete is kept at once: a kill at any point loses at most one request, and the next
run goes on from there. Two processes that fetch the same file wait for each other.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from investorbench_env.errors import CorruptDataError, InvestorBenchError, UnknownNameError
from investorbench_env.market.market import AssetClass
from investorbench_env.market.sources import (
    binance,
    edgar,
    investorbench_json,
    nifty,
    stooq,
    store,
    yahoo,
)
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.download import Downloader, DownloadError, Politeness

if TYPE_CHECKING:
    import pandas as pd

CONTACT = "INVESTORBENCH_CONTACT"
PARTIAL = ".partial"
EARLIEST = date(2012, 1, 1)
PACE = {"edgar": Politeness(interval_s=0.15), "binance": Politeness(interval_s=0.2)}

Status = Literal["fetched", "already there", "failed", "skipped"]
Progress = Callable[[int, int, str], None]
"""Told how many requests of a job are done, of how many, and what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to fetch.

    Attributes:
        symbol: one asset.
        asset_class: of it.
        first: first day.
        last: last day.
        into: the folder.
        contact: name and e-mail for the SEC, or empty.
        anew: fetch also what is there already.
        politeness: pace and patience, or None for each source's own.
    """

    symbol: str
    asset_class: AssetClass
    first: date
    last: date
    into: Path
    contact: str = ""
    anew: bool = False
    politeness: Politeness | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of asking one source for one symbol."""

    symbol: str
    source: str
    status: Status
    path: Path | None = None
    rows: int = 0
    note: str = ""


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
    path = order.into / "prices" / f"{_plain(order.symbol)}.parquet"
    with store.only_one(path), _downloader(order, "yahoo") as downloader:
        order, there = _needed(order, path, "yahoo")
        if there:
            return there
        progress(0, 1, f"{order.symbol} from Yahoo")
        chart = yahoo.fetch(downloader, order.symbol, order.first, order.last)
        progress(1, 1, f"{order.symbol} from Yahoo")
        # Actions first: bars without their splits would be read wrongly, not the other way round.
        listed = order.into / "actions" / path.name
        _keep(order, listed, "yahoo", "actions", chart.actions, downloader)
        return _keep(order, path, "yahoo", "bars", chart.bars, downloader, adjusted=True)


def _stooq(order: Order, progress: Progress) -> Outcome:
    path = order.into / "prices" / f"{_plain(order.symbol)}_stooq.parquet"
    with store.only_one(path), _downloader(order, "stooq") as downloader:
        order, there = _needed(order, path, "stooq")
        if there:
            return there
        progress(0, 1, f"{order.symbol} from Stooq")
        bars = stooq.fetch(downloader, order.symbol, order.first, order.last)
        progress(1, 1, f"{order.symbol} from Stooq")
        return _keep(order, path, "stooq", "bars", bars, downloader, adjusted=True)


def _binance(order: Order, progress: Progress) -> Outcome:
    path = order.into / "prices" / f"{_plain(order.symbol)}_binance.parquet"
    with store.only_one(path), _downloader(order, "binance") as downloader:
        order, there = _needed(order, path, "binance")
        if there:
            return there
        pieces = []
        spans = list(binance.spans(order.first, order.last))
        for done, (first, last) in enumerate(spans):
            progress(done, len(spans), f"{order.symbol} from Binance")
            kept = _partial(order, "binance") / f"{first}_{last}.parquet"
            pieces.append(
                _piece(
                    kept,
                    lambda first=first, last=last: binance.fetch(  # type: ignore[misc]
                        downloader, order.symbol, first, last
                    ),
                )
            )
        progress(len(spans), len(spans), f"{order.symbol} from Binance")
        outcome = _keep(order, path, "binance", "bars", _joined(pieces), downloader)
        shutil.rmtree(_partial(order, "binance"), ignore_errors=True)
        return outcome


def _nifty(order: Order, progress: Progress) -> Outcome:
    path = order.into / "news" / f"{_plain(order.symbol)}_nifty.parquet"
    # The data set does not change, so a request for other days needs no second download.
    whole = replace(order, first=date.min, last=date(2020, 12, 31))
    with store.only_one(path), _downloader(order, "nifty") as downloader:
        whole, there = _needed(whole, path, "nifty")
        if there:
            return there
        parts = nifty.parts(downloader)
        files = [(split, file) for split, names in parts.items() for file in names]
        pieces = []
        for done, (split, file) in enumerate(files):
            progress(done, len(files), "NIFTY headlines")
            kept = _partial(order, "nifty") / f"{split}_{store.sha256(file.encode())[:12]}.parquet"
            pieces.append(_piece(kept, lambda file=file: nifty.fetch(downloader, file)))  # type: ignore[misc]
        progress(len(files), len(files), "NIFTY headlines")
        news = _joined(pieces).drop_duplicates(["date", "headline"])
        outcome = _keep(whole, path, "nifty", "news", news, downloader)
        shutil.rmtree(_partial(order, "nifty"), ignore_errors=True)
        return outcome


def _edgar(order: Order, progress: Progress) -> Outcome:
    import pandas as pd

    path = order.into / "filings" / f"{_plain(order.symbol)}_edgar.parquet"
    with store.only_one(path), _downloader(order, "edgar") as downloader:
        order, there = _needed(order, path, "edgar")
        if there:
            return there
        known = _rows_by_accession(path)
        found = edgar.filings(downloader, order.symbol, order.first, order.last)
        rows = []
        for done, filing in enumerate(found):
            progress(done, len(found), f"{order.symbol} {filing.form} of {filing.filing_date}")
            rows.append(known.get(filing.accession) or _report(order, downloader, filing))
        progress(len(found), len(found), f"{order.symbol} from EDGAR")
        if not rows:
            raise DownloadError(
                f"EDGAR, {order.symbol}: no 10-K or 10-Q from {order.first} to {order.last}"
            )
        table = pd.DataFrame(rows)
        table["filing_date"] = pd.to_datetime(table["filing_date"])
        table["accepted"] = pd.to_datetime(table["accepted"], utc=True, format="ISO8601")
        outcome = _keep(order, path, "edgar", "filings", table, downloader)
        shutil.rmtree(_partial(order, "edgar"), ignore_errors=True)
        return outcome


def _investorbench(order: Order, progress: Progress) -> Outcome:
    path = order.into / "investorbench" / f"{_plain(order.symbol).lower()}.json"
    whole = replace(order, first=date.min, last=date.min)
    with store.only_one(path), _downloader(order, "investorbench") as downloader:
        whole, there = _needed(whole, path, "investorbench")
        if there:
            return there
        progress(0, 1, f"{order.symbol}, the InvestorBench release")
        content, days = investorbench_json.fetch(downloader, order.symbol)
        progress(1, 1, f"{order.symbol}, the InvestorBench release")
        digest = store.write_atomic(path, content)
        _record(whole, path, "investorbench", digest, days, downloader)
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


def _needed(order: Order, path: Path, source: str) -> tuple[Order, Outcome | None]:
    """The order widened to what the file holds already, or the outcome that nothing is needed."""
    if order.anew or not store.is_whole(path):
        return order, None
    said = store.read_provenance(path)
    first, last = (date.fromisoformat(said["asked"][end]) for end in ("first", "last"))
    if first <= order.first and order.last <= last:
        return order, Outcome(
            symbol=order.symbol,
            source=source,
            status="already there",
            path=path,
            rows=int(said.get("rows", 0)),
        )
    return replace(order, first=min(first, order.first), last=max(last, order.last)), None


def _keep(
    order: Order,
    path: Path,
    source: str,
    kind: str,
    frame: "pd.DataFrame",
    downloader: Downloader,
    *,
    adjusted: bool = False,
) -> Outcome:
    """Write a table and where it came from."""
    import pyarrow as pa

    if kind == "bars" and not len(frame):
        raise DownloadError(f"{source}, {order.symbol}: no bars from {order.first} to {order.last}")
    about: dict[str, Any] = {"kind": kind, "source": source}
    if adjusted:
        about["adjusted_to"] = datetime.now(UTC).date().isoformat()
    digest = store.write_parquet(path, pa.Table.from_pandas(frame, preserve_index=False), about)
    dates = frame["filing_date" if kind == "filings" else "date"]
    _record(order, path, source, digest, [str(day)[:10] for day in dates], downloader)
    return Outcome(symbol=order.symbol, source=source, status="fetched", path=path, rows=len(frame))


def _record(
    order: Order,
    path: Path,
    source: str,
    digest: str,
    days: Sequence[str],
    downloader: Downloader,
) -> None:
    store.write_provenance(
        path,
        {
            "file": path.name,
            "sha256": digest,
            "symbol": order.symbol,
            "source": source,
            "terms": SOURCES[source].terms,
            "asked": {"first": order.first.isoformat(), "last": order.last.isoformat()},
            "rows": len(days),
            "first": min(days, default=""),
            "last": max(days, default=""),
            "requests": [answer.record() for answer in downloader.answers],
        },
    )


def _piece(kept: Path, get: Callable[[], "pd.DataFrame"]) -> "pd.DataFrame":
    """A piece that an earlier run kept, or a new one, kept for the next."""
    import pandas as pd
    import pyarrow as pa

    if kept.exists():
        return pd.read_parquet(kept)
    piece = get()
    store.write_parquet(kept, pa.Table.from_pandas(piece, preserve_index=False), {})
    return piece


def _report(order: Order, downloader: Downloader, filing: edgar.Filing) -> dict[str, Any]:
    kept = _partial(order, "edgar") / f"{filing.accession}.json"
    if kept.exists():
        report: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return report
    report = edgar.fetch(downloader, filing)
    store.write_atomic(kept, json.dumps(report, ensure_ascii=False).encode())
    return report


def _rows_by_accession(path: Path) -> dict[str, dict[str, Any]]:
    """The reports that a file holds already; none where it is not whole."""
    import pandas as pd

    try:
        if not store.is_whole(path):
            return {}
    except CorruptDataError:
        return {}
    return {str(row["accession"]): row for row in pd.read_parquet(path).to_dict("records")}


def _joined(pieces: Iterable["pd.DataFrame"]) -> "pd.DataFrame":
    import pandas as pd

    held = [piece for piece in pieces if len(piece)]
    if not held:
        return pd.DataFrame({"date": [], "headline": []})
    return pd.concat(held, ignore_index=True).sort_values("date", kind="stable")


def _partial(order: Order, source: str) -> Path:
    return order.into / PARTIAL / source / _plain(order.symbol)


def _plain(symbol: str) -> str:
    """A symbol as a file name: nothing that could leave the folder."""
    return "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in symbol)


def _silent(done: int, total: int, what: str) -> None:
    return None


def contact() -> str:
    """Name and e-mail for the SEC, as the user's environment says."""
    return os.environ.get(CONTACT, "")
