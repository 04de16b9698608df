"""Binance's daily candles of spot pairs against USDT; the bar of day D closes at 24:00 UTC of D.

Whole months come from its public archive, each with its checksum; days that are not there yet, and
all of them where the archive is closed to this address, from the API.
"""

import io
import json
import shutil
import zipfile
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from investorbench_env.market.files import store
from investorbench_env.market.sources import kept
from investorbench_env.market.sources.contracts import (
    ChangedFormError,
    Contract,
    Probe,
    Refusal,
)
from investorbench_env.market.sources.http import (
    Downloader,
    NotReachedError,
    NotThereError,
    Politeness,
    RefusedError,
    Response,
    base_url,
    check_json,
)
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source
from investorbench_env.market.sources.spans import DAY, spans

if TYPE_CHECKING:
    import pandas as pd

QUOTE = "USDT"
ARCHIVE = "https://data.binance.vision"
MOST_ROWS = 1000
EARLIEST = date(2017, 7, 1)
COLUMNS = ["date", "open", "high", "low", "close", "volume"]
MICROSECONDS = 10**14
"""Times from here on are in microseconds, as the archive's are since 2025."""
LARGEST_MONTH = 1 << 20
"""Bytes of an archived month of days, unpacked; they are some 4,000."""
BYTES_A_DAY = 90
UNPUBLISHED = 2
"""Months at the end that may not be in the archive yet."""


def months(first: date, last: date) -> list[date]:
    """The first days of the months of a span that are over, the latest first."""
    start, until = max(first, EARLIEST), min(last, datetime.now(UTC).date() - DAY)
    found, month = [], until.replace(day=1)
    while start <= until and month >= start.replace(day=1):
        if _end(month) < datetime.now(UTC).date():
            found.append(month)
        month = (month - DAY).replace(day=1)
    return found


def archived_month(
    downloader: Downloader, symbol: str, month: date, *, archive: str | None = None
) -> "pd.DataFrame":
    """The bars of a month as the archive has them.

    Raises:
        NotThereError: the archive has no such month.
        DownloadError: what came is not what its checksum says, or of another form.
    """
    name = f"{symbol}{QUOTE}-1d-{month:%Y-%m}"
    root = archive or base_url("binance_archive", ARCHIVE)
    url = f"{root}/data/spot/monthly/klines/{symbol}{QUOTE}/1d/{name}.zip"
    checksum = downloader.text(f"{url}.CHECKSUM").split(maxsplit=1)[:1]

    def as_its_checksum(url: str, content: bytes) -> str | None:
        same = [store.sha256(content)] == checksum
        return None if same else f"{url}: not what its checksum says, cut off?"

    answer = downloader.get(url, check=as_its_checksum)
    try:
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            inside = packed.getinfo(f"{name}.csv")
            if inside.file_size > LARGEST_MONTH:
                raise ValueError(f"{inside.file_size:,} bytes")
            lines = packed.read(inside).decode("ascii").split()
        return _bars((line.split(",") for line in lines if line[0].isdigit()), symbol)
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, NotImplementedError) as error:
        raise ChangedFormError("Binance", f"{name}.csv in a zip", answer) from error


def daily_bars(
    downloader: Downloader, symbol: str, first: date, last: date, *, address: str | None = None
) -> "pd.DataFrame":
    """Daily bars of at most 1,000 days from the API, each row with its source.

    Raises:
        DownloadError: Binance has no such pair, or answers in a form that is not its own.
    """
    parameters = {
        "symbol": f"{symbol}{QUOTE}",
        "interval": "1d",
        "startTime": str(_milliseconds(first)),
        "endTime": str(_milliseconds(last + DAY) - 1),
        "limit": str(MOST_ROWS),
    }
    answer = downloader.get(f"{address or BINANCE.url}/api/v3/klines", parameters, check_json)
    candles = json.loads(answer.content)
    if isinstance(candles, dict):
        raise NotThereError(f"Binance, {symbol}{QUOTE}: {candles.get('msg', candles)}")
    try:
        return _bars(candles, symbol)
    except (TypeError, ValueError, LookupError) as error:
        raise ChangedFormError("Binance", CONTRACT.needs, answer) from error


def _bars(candles: Any, symbol: str) -> "pd.DataFrame":
    import pandas as pd

    bars = pd.DataFrame([_row(candle) for candle in candles], columns=COLUMNS)
    bars["date"] = pd.to_datetime(bars["date"])
    bars.insert(1, "symbol", symbol)
    bars["source"] = f"Binance {symbol}{QUOTE}"
    return bars


def _row(candle: Any) -> tuple[date | float, ...]:
    opened = int(candle[0])
    seconds = opened / (1e6 if opened >= MICROSECONDS else 1e3)
    return (datetime.fromtimestamp(seconds, UTC).date(), *(float(candle[n]) for n in range(1, 6)))


def _milliseconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1000


def _end(month: date) -> date:
    return (month + 31 * DAY).replace(day=1) - DAY


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put bars of a symbol into the folder of a request, piece by piece."""
    path = request.into / "prices" / f"{kept.file_name(request.symbol)}_binance.parquet"
    with store.only_one(path), BINANCE.downloader(request) as downloader:
        request, there = kept.needed(request, path, BINANCE)
        if there:
            return there
        folder = kept.pieces_folder(request, BINANCE)
        pieces, left = _from_archive(request, downloader, folder, progress)
        pairs = [
            pair
            for first, last in left
            for pair in spans(first, last, earliest=EARLIEST, days=MOST_ROWS)
        ]
        for done, (first, last) in enumerate(pairs):
            progress(done, len(pairs), f"{request.symbol} from Binance")
            get = partial(daily_bars, downloader, request.symbol, first, last)
            pieces.append(kept.piece_of(downloader, folder / f"{first}_{last}.parquet", get))
        progress(len(pairs), len(pairs), f"{request.symbol} from Binance")
        bars = kept.in_order(pieces)
        if not len(bars):
            span = f"from {request.first} to {request.last}"
            raise NotThereError(f"Binance has no {request.symbol}{QUOTE} {span}")
        days = bars["date"].dt.date
        bars = bars[(days >= request.first) & (days <= request.last)]
        outcome = kept.keep(request, path, BINANCE, "bars", bars, downloader)
        shutil.rmtree(folder, ignore_errors=True)
        return outcome


def _from_archive(
    request: FetchRequest, downloader: Downloader, folder: Path, progress: Progress
) -> "tuple[list[pd.DataFrame], list[tuple[date, date]]]":
    """The months that the archive has, and the spans that are left for the API."""
    wanted = months(request.first, request.last)
    found: dict[date, pd.DataFrame] = {}
    for done, month in enumerate(wanted):
        progress(done, len(wanted), f"{request.symbol} {month:%Y-%m} from Binance")
        get = partial(archived_month, downloader, request.symbol, month)
        try:
            found[month] = kept.piece_of(downloader, folder / f"{month:%Y-%m}.parquet", get)
        except NotThereError:
            # The latest months are not published yet; before others the coin was not listed.
            if found or done + 1 >= UNPUBLISHED:
                break
        except (RefusedError, NotReachedError):
            break
    if not found:
        return [], [(request.first, request.last)]
    before, after = min(found) - DAY, _end(max(found)) + DAY
    return list(found.values()), [(request.first, before), (after, request.last)]


def _is_list_of_candles(answer: Response) -> bool:
    candles = [_row(candle) for candle in json.loads(answer.content)]
    return bool(candles) and all(len(candle) == len(COLUMNS) for candle in candles)


CONTRACT = Contract(
    source="Binance",
    probe=Probe(
        path="/api/v3/klines",
        parameters={"symbol": f"BTC{QUOTE}", "interval": "1d", "limit": "2"},
    ),
    needs="list of candles in JSON",
    form=_is_list_of_candles,
    refusals=(
        Refusal(
            name="restricted location",
            matches=lambda answer: (
                answer.status in (403, 451) or "restricted location" in answer.text[:400]
            ),
            says="451, it serves nothing to this country",
            then="the other exchanges do: --source ccxt",
        ),
        Refusal(
            name="too many requests",
            matches=lambda answer: answer.status in (418, 429),
            says="this address asked too much",
            then="try again in a few minutes",
            passes=True,
        ),
    ),
)

BINANCE = Source(
    name="binance",
    address="https://data-api.binance.vision",
    gives="daily bars in USDT",
    kinds=frozenset({"prices"}),
    classes=frozenset({"crypto"}),
    begins=EARLIEST,
    terms="Binance terms of use",
    terms_url="https://www.binance.com/en/terms",
    fetch=fetch,
    size=lambda request: BYTES_A_DAY * (request.last - request.first).days,
    contract=CONTRACT,
    politeness=Politeness(interval_s=0.1),
)
