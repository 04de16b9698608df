"""Candles and funding rates of a perpetual, asked for piece by piece and kept in two files."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.files import store
from investorbench_env.market.intervals import DAY, length_of
from investorbench_env.market.sources import kept
from investorbench_env.market.sources.contracts import ChangedFormError
from investorbench_env.market.sources.http import Downloader, NotThereError, Response
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source
from investorbench_env.market.sources.spans import spans

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "perpetuals"
BYTES_A_CANDLE, BYTES_A_RATE = 140, 110
STRETCH = 1.1
"""Times the distance of rows, the next one stands at the latest."""
ONE_DAY = date(2020, 1, 2) - date(2020, 1, 1)
MILLISECOND = np.timedelta64(1, "ms")

AnswerRows = tuple[Response, list[dict[str, Any]]]
Ask = Callable[[int, int], AnswerRows]
"""From the first to the last millisecond: the answer, and the rows in it, each with its ``ms``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpetualApi:
    """What differs from venue to venue.

    Attributes:
        source: the row of the catalogue.
        venue: as the files name it.
        earliest: the first day that it has.
        candles: asks for candles of a symbol and a length, as rows of open to volume and, where
            the venue says it, of the mark.
        most_candles: in one answer.
        rates: asks for funding rates of a symbol, as rows of ``funding_rate`` and, where the venue
            says it, of the price that was charged on.
        most_rates: in one answer.
        hours: from stamp to stamp of funding at the least.
        contract: the terms of a symbol, in words; raises where there is none.
        no_candles: why it may have none of some days, in words.
    """

    source: Source
    venue: str
    earliest: date
    candles: Callable[[Downloader, str, str], Ask]
    most_candles: int
    rates: Callable[[Downloader, str], Ask]
    most_rates: int
    hours: int
    contract: Callable[[Downloader, str], str] = lambda downloader, symbol: ""
    no_candles: str = ""


def fetch_perpetual(api: PerpetualApi, request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put candles and rates of a symbol into the folder of a request.

    Raises:
        InvestorBenchError: nothing came of what was wanted; where some came, a note has the rest.
    """
    outcomes: list[FetchOutcome] = []
    faults: list[InvestorBenchError] = []
    for kind, get in (("funding", _rates), ("prices", _candles)):
        if kind in request.kinds:
            try:
                outcomes.append(get(api, request, progress))
            except InvestorBenchError as error:
                faults.append(error)
    if not outcomes:
        raise faults[0]
    outcomes += [api.source.outcome(request, "failed", note=str(error)) for error in faults]
    return kept.together(outcomes)


def pages(
    ask: Ask, first: int, last: int, most: int, apart: float = inf
) -> Iterator[dict[str, Any]]:
    """All rows from a first to a last millisecond, of however many answers.

    Args:
        ask: makes one request.
        first: millisecond.
        last: likewise.
        most: rows in one answer. One with fewer is the last where the next row would be beyond
            the span; else there is a smaller limit, or a hole, and the rest is asked for.
        apart: milliseconds between rows, where that is known; else the least between those seen.

    Raises:
        ChangedFormError: an answer leads no further, as it would for ever.
    """
    while first <= last:
        answer, rows = ask(first, last)
        yield from (row for row in rows if first <= row["ms"] <= last)
        if not rows:
            return
        moments = sorted({row["ms"] for row in rows})
        reached = moments[-1]
        # Rates are written down some milliseconds after their stamps, not always as many.
        seen = min((after - before for before, after in pairwise(moments)), default=0)
        apart = min(apart, seen or apart)
        if len(rows) < most and seen and last - reached < STRETCH * apart:
            return
        if reached < first:
            raise ChangedFormError("pages of rows", f"row from millisecond {first} on", answer)
        first = reached + 1


def milliseconds(day: date) -> int:
    """The beginning of a day in UTC."""
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1000


def size_of(request: FetchRequest) -> int:
    """About how many bytes the candles and rates of a request are."""
    days = (request.last - request.first).days + 1
    candles = sum(DAY / length_of(interval) for interval in request.intervals) * BYTES_A_CANDLE
    wanted = {"prices": candles, "funding": 24 * BYTES_A_RATE}
    return int(days * sum(size for kind, size in wanted.items() if kind in request.kinds))


def _candles(api: PerpetualApi, request: FetchRequest, progress: Progress) -> FetchOutcome:
    import pandas as pd

    path = _path(request, api.source.name)
    with store.only_one(path), api.source.downloader(request) as downloader:
        request, there = kept.needed(request, path, api.source)
        if there:
            return there
        terms = api.contract(downloader, request.symbol)
        parts = []
        for interval in request.intervals:
            part = _of_length(api, downloader, request, interval, progress)
            parts.append(part.assign(interval=interval))
        table = pd.concat(parts, ignore_index=True)
        outcome = kept.keep(request, path, api.source, "candles", table, downloader)
        shutil.rmtree(_pieces(request, api, "candles"), ignore_errors=True)
        note = "; ".join(part for part in (terms, outcome.note) if part)
        return api.source.outcome(
            request, outcome.status, paths=outcome.paths, rows=outcome.rows, note=note
        )


def _of_length(
    api: PerpetualApi,
    downloader: Downloader,
    request: FetchRequest,
    interval: str,
    progress: Progress,
) -> "pd.DataFrame":
    """The candles of one length, the newest pieces first, up to one before which there are none."""
    folder = _pieces(request, api, "candles")
    days = max(1, int(api.most_candles * length_of(interval) // DAY))
    pairs = list(spans(request.first, request.last, earliest=api.earliest, days=days))[::-1]
    ask = api.candles(downloader, request.symbol, interval)
    pieces: list[pd.DataFrame] = []
    for done, (first, last) in enumerate(pairs):
        progress(done, len(pairs), f"{request.symbol} {interval} from {api.venue}")
        most, apart = api.most_candles, length_of(interval) / MILLISECOND
        get = partial(_table, api, request.symbol, ask, first, last, most, apart)
        place = folder / f"{interval}_{first}_{last}.parquet"
        pieces.append(kept.piece_of(downloader, place, get))
        if not len(pieces[-1]):
            break
    found = [piece for piece in pieces if len(piece)]
    if not found:
        why = f": {api.no_candles}" if api.no_candles else ""
        raise NotThereError(
            f"{api.source.contract.source} has no candles of {interval} of {request.symbol} from "
            f"{request.first} to {request.last}{why}"
        )
    return kept.in_order(found)


def _rates(api: PerpetualApi, request: FetchRequest, progress: Progress) -> FetchOutcome:
    path = _path(request, f"{api.source.name}_funding")
    with store.only_one(path), api.source.downloader(request) as downloader:
        request, there = kept.needed(request, path, api.source)
        if there:
            return there
        api.contract(downloader, request.symbol)  # which there must be
        folder = _pieces(request, api, "funding")
        days = max(1, api.most_rates * api.hours // 24)
        pairs = list(spans(request.first, request.last, earliest=api.earliest, days=days))
        ask, pieces = api.rates(downloader, request.symbol), []
        for done, (first, last) in enumerate(pairs):
            progress(done, len(pairs), f"{request.symbol} funding from {api.venue}")
            get = partial(_table, api, request.symbol, ask, first, last, api.most_rates)
            pieces.append(kept.piece_of(downloader, folder / f"{first}_{last}.parquet", get))
        table = kept.in_order(pieces)
        if not len(table):
            raise NotThereError(
                f"{api.source.contract.source} has no funding rates of {request.symbol} from "
                f"{request.first} to {request.last}"
            )
        outcome = kept.keep(request, path, api.source, "funding", table, downloader)
        shutil.rmtree(folder, ignore_errors=True)
        return outcome


def _table(
    api: PerpetualApi, symbol: str, ask: Ask, first: date, last: date, most: int, apart: float = inf
) -> "pd.DataFrame":
    """What there is of some days, both inclusive, each row with its moment and venue."""
    import pandas as pd

    begin, end = milliseconds(first), milliseconds(last + ONE_DAY) - 1
    table = pd.DataFrame(list(pages(ask, begin, end, most, apart)))
    if not len(table):
        return table
    moments = table.pop("ms").to_numpy().astype("datetime64[ms]")
    table.insert(0, "date", moments)
    table.insert(1, "symbol", symbol)
    table["venue"] = api.venue
    return table.drop_duplicates()


def rows_of(
    source: str,
    needs: str,
    answer: Response,
    given: Any,
    moment: Callable[[Any], Any],
    numbers: Callable[[Any], dict[str, Any]],
) -> AnswerRows:
    """The rows of an answer, each with its millisecond.

    Args:
        source: in words.
        needs: the form that the answer must have, in words.
        answer: of the server.
        given: what it holds.
        moment: of a row, in milliseconds.
        numbers: of a row, by their names.

    Raises:
        ChangedFormError: it is of another form.
    """
    try:
        rows = [
            {"ms": int(moment(row)), **{name: float(text) for name, text in numbers(row).items()}}
            for row in given
        ]
        is_sound = all(np.isfinite(list(row.values())).all() for row in rows)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ChangedFormError(source, needs, answer) from error
    if not isinstance(given, Sequence) or not is_sound:
        raise ChangedFormError(source, needs, answer)
    return answer, rows


def _path(request: FetchRequest, ending: str) -> Path:
    return request.into / FOLDER / f"{kept.file_name(request.symbol)}_{ending}.parquet"


def _pieces(request: FetchRequest, api: PerpetualApi, what: str) -> Path:
    return kept.pieces_folder(request, api.source) / what
