"""Daily candles of coins in dollars from exchanges with an open and long history, through ccxt.

The bars of a coin are all of one exchange: the first of these that has it.
"""

import json
import shutil
from datetime import UTC, date, datetime, time
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from investorbench_env.errors import MissingDependencyError
from investorbench_env.market.files import store
from investorbench_env.market.sources import kept
from investorbench_env.market.sources.contracts import (
    ChangedFormError,
    Contract,
    Refusal,
)
from investorbench_env.market.sources.http import (
    DownloadError,
    NotReachedError,
    NotThereError,
    Politeness,
    Response,
    no_such_name,
    not_trusted,
)
from investorbench_env.market.sources.patience import patiently
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source
from investorbench_env.market.sources.spans import DAY, spans

if TYPE_CHECKING:
    import pandas as pd

QUOTE = "USD"
MOST_ROWS = MappingProxyType({"bitstamp": 1000, "coinbaseexchange": 300})
"""Exchanges by their names in ccxt, in the order in which they are asked: candles a request."""
EARLIEST = date(2011, 8, 1)
BYTES_A_DAY = 150
OF_ANOTHER_FORM = (AttributeError, LookupError, TypeError, ValueError)
"""What ccxt stumbles with over an answer that is not of the form that it knows."""


class Venue:
    """One exchange as ccxt knows it, which keeps what came.

    Attributes:
        name: in ccxt.
        politeness: patience with it.
        records: of every answer: address, time, size and checksum.
        last: the last answer.
    """

    def __init__(self, name: str, address: str, politeness: Politeness) -> None:
        import ccxt

        self.name = name
        self.politeness = politeness
        self.records: list[dict[str, Any]] = []
        self.last = Response(url="")
        self._client = getattr(ccxt, name)({"timeout": int(politeness.timeout_s * 1000)})
        # Markets alone are needed to ask for candles.
        self._client.has["fetchCurrencies"] = False
        self._client.session.hooks["response"].append(self._keep)
        if address:
            own = self._client.urls["api"]
            self._client.urls["api"] = {part: _at(address, url) for part, url in own.items()}
            self._client.enableRateLimit = False

    def daily_bars(self, symbol: str, first: date, last: date) -> "pd.DataFrame":
        """Daily bars of at most as many days as one answer holds, each row with its source.

        Raises:
            RefusedError: the exchange said no in a way that is known.
            DownloadError: it has no such coin, or answers in a form that is not its own.
        """
        import pandas as pd

        candles = patiently(self.politeness, partial(self._candles, symbol, first, last))
        try:
            rows = {_day(candle[0]): [float(value) for value in candle[1:6]] for candle in candles}
        except (TypeError, ValueError, IndexError) as error:
            raise ChangedFormError(self.name, CONTRACT.needs, self.last) from error
        kept_rows = [(day, *row) for day, row in rows.items() if first <= day <= last]
        names = ["date", "open", "high", "low", "close", "volume"]
        bars = pd.DataFrame(kept_rows, columns=names)
        bars["date"] = pd.to_datetime(bars["date"])
        bars.insert(1, "symbol", symbol)
        bars["source"] = f"{self._client.name} {symbol}/{QUOTE}"
        return bars

    def _candles(self, symbol: str, first: date, last: date) -> Any:
        """What ccxt makes of the answer, with each refusal by its name."""
        import ccxt

        since = int(datetime.combine(first, time(), UTC).timestamp()) * 1000
        self.last = Response(url="")
        try:
            found = self._client.fetch_ohlcv(
                f"{symbol}/{QUOTE}", "1d", since, (last - first).days + 1
            )
            CONTRACT.read(self.last)
            json.loads(self.last.content)
        except ccxt.BadSymbol as error:
            raise NotThereError(f"{self.name} has no {symbol}/{QUOTE}") from error
        except (ccxt.BaseError, *OF_ANOTHER_FORM) as error:
            CONTRACT.read(self.last)
            if not self.last.url or self.last.status >= 500:
                raise _not_reached(self._client.urls["api"]["public"], error) from error
            raise ChangedFormError(self.name, CONTRACT.needs, self.last) from error
        return found

    def _keep(self, response: Any, *_: Any, **__: Any) -> None:
        self.last = Response(
            url=response.url,
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            content=response.content,
            retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self.records.append(self.last.record())


def _not_reached(url: str, error: BaseException) -> NotReachedError:
    """What kept an answer from coming, which ccxt leaves to what it was raised from."""
    from requests.exceptions import SSLError

    if isinstance(error.__cause__, SSLError):
        return not_trusted(url)
    if "NameResolutionError" in str(error.__cause__):
        return no_such_name(url)
    return NotReachedError(f"{url}: {type(error).__name__}")


def _at(address: str, url: str) -> str:
    """An address of an exchange at another server."""
    there = urlsplit(address)
    return urlunsplit(urlsplit(url)._replace(scheme=there.scheme, netloc=there.netloc))


def _day(milliseconds: int) -> date:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date()


@lru_cache(maxsize=len(MOST_ROWS))
def _venue(name: str, address: str, politeness: Politeness) -> Venue:
    """One for all coins: it knows its markets from the first request on."""
    if find_spec("ccxt") is None:
        raise MissingDependencyError("ccxt", "crypto", "fetching from other exchanges")
    return Venue(name, "" if address == CCXT.address else address, politeness)


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put bars of a symbol into the folder of a request, from the first exchange that has it."""
    path = request.into / "prices" / f"{kept.file_name(request.symbol)}_ccxt.parquet"
    with store.only_one(path):
        request, there = kept.needed(request, path, CCXT)
        if there:
            return there
        faults = []
        for name in MOST_ROWS:
            exchange = _venue(name, CCXT.url, request.politeness or CCXT.politeness)
            exchange.records.clear()
            folder = kept.pieces_folder(request, CCXT)
            try:
                bars = _all_bars(exchange, request, folder / name, progress)
            except DownloadError as error:
                faults.append(error)
                continue
            outcome = kept.keep(request, path, CCXT, "bars", bars, exchange)
            shutil.rmtree(folder, ignore_errors=True)
            return outcome
        raise DownloadError("; ".join(map(str, faults))) from faults[0]


def _all_bars(
    exchange: Venue, request: FetchRequest, folder: Path, progress: Progress
) -> "pd.DataFrame":
    pairs = list(
        spans(request.first, request.last, earliest=EARLIEST, days=MOST_ROWS[exchange.name])
    )
    pieces = []
    for done, (first, last) in enumerate(pairs):
        progress(done, len(pairs), f"{request.symbol} from {exchange.name}")
        get = partial(exchange.daily_bars, request.symbol, first, last)
        pieces.append(kept.piece_of(exchange, folder / f"{first}_{last}.parquet", get))
    progress(len(pairs), len(pairs), f"{request.symbol} from {exchange.name}")
    bars = kept.in_order(pieces)
    if not len(bars):
        raise NotThereError(f"{exchange.name} has no {request.symbol}/{QUOTE} of that time")
    return bars


def _yesterday() -> None:
    """The probe: a bar of the best-known coin from the first exchange."""
    day = datetime.now(UTC).date() - DAY
    _venue(next(iter(MOST_ROWS)), CCXT.url, ONCE).daily_bars("BTC", day, day)


ONCE = Politeness(interval_s=0, tries=1, timeout_s=8)
"""Of a probe, which is to say within ten seconds how a source stands."""

CONTRACT = Contract(
    source="ccxt",
    probe=_yesterday,
    needs="list of candles",
    refusals=(
        Refusal(
            name="too many requests",
            matches=lambda answer: answer.status in (418, 429),
            says="this address asked too much",
            then="try again in a few minutes",
            passes=True,
        ),
        Refusal(
            name="restricted location",
            matches=lambda answer: answer.status in (403, 451),
            says="it serves nothing to this address",
            then="try from another network, or name another source with --source",
        ),
    ),
)

CCXT = Source(
    name="ccxt",
    address="https://www.bitstamp.net",
    package="ccxt",
    extra="crypto",
    gives="daily bars in USD of Bitstamp or Coinbase",
    kinds=frozenset({"prices"}),
    classes=frozenset({"crypto"}),
    begins=EARLIEST,
    terms="personal use (terms of the exchange)",
    terms_url="https://www.bitstamp.net/terms-of-use/",
    forbids=frozenset({"commercial"}),
    fetch=fetch,
    size=lambda request: BYTES_A_DAY * (request.last - request.first).days,
    contract=CONTRACT,
)
