"""Yahoo's daily bars, dividends and splits of stocks, funds and indices, through yfinance.

Prices and dividends come divided by every split up to the day of the download. Dividends are led
back to what was paid; the file of the prices names the day up to which they are adjusted.
"""

import json
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench_env.errors import MissingDependencyError
from investorbench_env.market.files import store
from investorbench_env.market.sources import kept
from investorbench_env.market.sources.browser import Browser
from investorbench_env.market.sources.contracts import (
    UNREADABLE,
    ChangedFormError,
    Contract,
    Refusal,
)
from investorbench_env.market.sources.http import (
    DownloadError,
    NotReachedError,
    NotThereError,
    Politeness,
    RefusedError,
    Response,
    no_such_name,
    not_trusted,
)
from investorbench_env.market.sources.patience import patiently
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source

if TYPE_CHECKING:
    import pandas as pd

ADDRESS = "https://query2.finance.yahoo.com"
SECONDS_A_DAY = 24 * 60 * 60
BYTES_A_DAY = 60
"""Of an answer, for each day of the calendar."""
BAR_COLUMNS = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Volume": "volume",
    "Adj Close": "adj_close",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Daily bars and corporate actions of one symbol, each row with its source."""

    bars: "pd.DataFrame"
    actions: "pd.DataFrame"


def chart(
    browser: Browser,
    symbol: str,
    first: date,
    last: date,
    waiting: Callable[[str], None] = lambda why: None,
    *,
    complete: date | None = None,
) -> Chart:
    """Bars from ``first`` to ``last``, and actions from ``first`` to today.

    Args:
        browser: asks.
        symbol: as the benchmark writes it; Yahoo writes BRK.B as BRK-B.
        first: first day.
        last: last day.
        waiting: called with why and how long it is waited, before each wait.
        complete: the last day whose bar is complete; None for yesterday, by this machine's clock.

    Raises:
        RefusedError: Yahoo said no in a way that is known.
        DownloadError: it does not know the symbol, or answers in a form that is not its own.
    """
    whole = patiently(browser.politeness, lambda: _history(browser, symbol, first), waiting)
    _check_what_it_is_of(browser.last, symbol)
    dates = whole.index.tz_localize(None).normalize()
    days = whole.set_axis(dates).rename_axis("date").reset_index()
    days.insert(1, "symbol", symbol)
    days["source"] = "Yahoo"
    if b'"adjclose"' not in browser.last.content:
        # yfinance puts the closes in their place, as if nothing had ever been paid.
        days["Adj Close"] = np.nan
    until = complete or datetime.now(whole.index.tz).date() - timedelta(days=1)
    return Chart(bars=_bars(days, first, min(last, until)), actions=_actions(days))


def _bars(days: "pd.DataFrame", first: date, last: date) -> "pd.DataFrame":
    bars = days[["date", "symbol", *BAR_COLUMNS, "source"]].rename(columns=BAR_COLUMNS)
    # yfinance writes 0 where Yahoo gives no volume.
    bars["volume"] = bars["volume"].astype(float).replace(0.0, np.nan)
    day = bars["date"].dt.date
    wanted = (day >= first) & (day <= last)
    # A null bar is a missing one; it stays missing.
    bars = bars[wanted].dropna(subset=["close"]).reset_index(drop=True)
    return bars.drop(columns="adj_close") if bars["adj_close"].isna().all() else bars


def _actions(days: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    about = ["date", "symbol", "source"]
    # On a day with an action and no bar yfinance gives the one and NaN for the others.
    cash, splits = days["Dividends"].fillna(0.0), days["Stock Splits"].fillna(0.0)
    later = splits.replace(0.0, 1.0)[::-1].cumprod().shift(fill_value=1.0)[::-1]
    parts = [
        days[about].assign(action="dividend", amount=(cash * later).round(6)),
        days[about].assign(action="split", amount=splits),
    ]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows["amount"] != 0].sort_values(["date", "action"], ignore_index=True)
    return rows[["symbol", "date", "action", "amount", "source"]]


def _history(browser: Browser, symbol: str, first: date) -> "pd.DataFrame":
    """What yfinance makes of Yahoo's answer, with each of its refusals by its name."""
    from curl_cffi.requests.exceptions import InvalidJSONError, RequestException
    from yfinance.exceptions import YFException, YFRateLimitError

    # Splits after the last day are divided out of the prices too: the events must reach to today.
    until = date.today() + timedelta(days=2)
    try:
        with _yfinance() as yfinance:
            ticker = yfinance.Ticker(symbol.replace(".", "-"), session=browser.session)
            found: pd.DataFrame = ticker.history(
                start=first, end=until, auto_adjust=False, actions=True
            )
    except YFRateLimitError as error:
        raise RefusedError("Yahoo", CONTRACT.refusal("too many requests")) from error
    except InvalidJSONError as error:
        raise _what_came(browser.last, symbol) from error
    except RequestException as error:
        raise _not_reached(browser.address or ADDRESS, error) from error
    except (YFException, *UNREADABLE) as error:
        raise _what_came(browser.last, symbol) from error
    if found.empty:
        raise NotThereError(f"Yahoo, {symbol}: no bars since {first}")
    return found


def _check_what_it_is_of(answer: Response, symbol: str) -> None:
    """Hold an answer to what was asked for, of which yfinance hands on numbers alone.

    Raises:
        DownloadError: it is of another symbol or of no days, has dividends in another currency, or
            a split twice.
    """
    found = _json(answer)["chart"]["result"][0]
    about, events = found["meta"], found.get("events") or {}
    asked = symbol.replace(".", "-").upper()
    if str(about.get("symbol", asked)).upper() != asked:
        raise DownloadError(f"Yahoo, {symbol}: an answer about {about['symbol']}")
    if (step := about.get("dataGranularity", "1d")) != "1d":
        raise DownloadError(f"Yahoo, {symbol}: bars of {step} in place of days")
    paid = {row.get("currency") for row in (events.get("dividends") or {}).values()}
    if others := sorted(paid - {None, "", about.get("currency")}):
        raise DownloadError(
            f"Yahoo, {symbol}: dividends in {others[0]} to prices in {about.get('currency')}; "
            "name another source with --source"
        )
    days = [row["date"] // SECONDS_A_DAY for row in (events.get("splits") or {}).values()]
    if len(days) != len(set(days)):
        raise DownloadError(f"Yahoo, {symbol}: two splits on one day; name another source")


def _not_reached(url: str, error: Exception) -> NotReachedError:
    from curl_cffi.requests.exceptions import CertificateVerifyError, DNSError

    if isinstance(error, DNSError):
        return no_such_name(url)
    if isinstance(error, CertificateVerifyError):
        return not_trusted(url)
    # What curl says goes on with an address of its own help.
    said = str(error).split(" See https://", 1)[0]
    return NotReachedError(f"{url}: {type(error).__name__} ({said})")


def _what_came(answer: Response, symbol: str) -> DownloadError:
    """The error that an answer stands for of which yfinance could make nothing."""
    try:
        CONTRACT.read(answer)
    except RefusedError as refused:
        return refused
    content = _json(answer)
    outer = content.get("chart") if isinstance(content, dict) else None
    if isinstance(outer, dict) and (error := outer.get("error")):
        said = error.get("description") if isinstance(error, dict) else None
        return NotThereError(f"Yahoo, {symbol}: {said or error}")
    return ChangedFormError("Yahoo", CONTRACT.needs, answer)


def _json(answer: Response) -> Any:
    try:
        return json.loads(answer.content)
    except (RecursionError, ValueError):
        return None


@contextmanager
def _yfinance() -> Iterator[Any]:
    """The library, while it raises what it would otherwise log, and logs nothing."""
    import yfinance

    # It would give a refusal again that it was once given.
    yfinance.data.YfData.cache_get.cache_clear()
    hides = yfinance.config.debug.hide_exceptions
    yfinance.config.debug.hide_exceptions = False
    logger = logging.getLogger("yfinance")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            # What pandas thinks of yfinance's own code is not for its users.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            yield yfinance
    finally:
        yfinance.config.debug.hide_exceptions = hides
        logger.setLevel(level)


@lru_cache(maxsize=1)
def _browser(address: str, politeness: Politeness) -> Browser:
    """One for all symbols: yfinance keeps one cookie a process."""
    if find_spec("yfinance") is None:
        raise MissingDependencyError("yfinance", "data", "fetching from Yahoo")
    import yfinance

    # It keeps nothing on the disk where no folder can be: two processes would share its cookies.
    yfinance.set_tz_cache_location(f"{os.devnull}/none")
    return Browser("" if address == ADDRESS else address, politeness)


def ask(request: FetchRequest) -> Browser:
    """What asks Yahoo for a request, with nothing on record yet."""
    browser = _browser(YAHOO.url, request.politeness or YAHOO.politeness)
    browser.records.clear()
    return browser


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put bars and corporate actions of a symbol into the folder of a request."""
    path = request.into / "prices" / f"{kept.file_name(request.symbol)}.parquet"
    listed = request.into / "actions" / path.name
    with store.only_one(path):
        request, there = kept.needed(request, path, YAHOO)
        if there and store.is_whole(listed):
            return replace(there, paths=(listed, path))
        browser = ask(request)
        what = f"{request.symbol} from Yahoo"
        progress(0, 1, what)

        def waiting(why: str) -> None:
            progress(0, 1, f"{what}, {why}")

        found = chart(browser, request.symbol, request.first, request.last, waiting)
        progress(1, 1, what)
        # Actions first: bars without their splits would be read wrongly, not the other way round.
        actions = kept.keep(request, listed, YAHOO, "actions", found.actions, browser)
        bars = kept.keep(request, path, YAHOO, "bars", found.bars, browser, adjusted=True)
        return kept.together([actions, bars])


def _is_chart(answer: Response) -> bool:
    result = _json(answer)["chart"]["result"][0]
    return bool(result["timestamp"]) and "close" in result["indicators"]["quote"][0]


def _one_week() -> None:
    """The probe: a few days of a fund that is always there."""
    week = date.today() - timedelta(days=7)
    chart(_browser(YAHOO.url, ONCE), "SPY", week, date.today())


ONCE = Politeness(interval_s=0, tries=1, timeout_s=8)
"""Of a probe, which is to say within ten seconds how a source stands."""

CONTRACT = Contract(
    source="Yahoo",
    probe=_one_week,
    needs="chart of daily bars in JSON",
    form=_is_chart,
    refusals=(
        Refusal(
            name="too many requests",
            matches=lambda answer: answer.status == 429 or "Too Many Requests" in answer.text[:400],
            says="429, it takes this address for a machine that asks too much",
            then="wait an hour, or name another source with --source",
            passes=True,
        ),
        Refusal(
            name="invalid crumb",
            matches=lambda answer: answer.status == 401 or '"Invalid Crumb"' in answer.text,
            says="401 Invalid Crumb, it does not take the cookie that it gave",
            then="try again in a few minutes",
        ),
        Refusal(
            name="consent page",
            matches=lambda answer: any(
                sign in answer.text for sign in ("consent.yahoo.com", "collectConsent")
            ),
            says="it asks for consent to its cookies, as it does in Europe",
            then="try again, or from another network, or name another source with --source",
        ),
        Refusal(
            name="out of order",
            matches=lambda answer: "Will be right back" in answer.text,
            says="it is out of order",
            then="try again later",
        ),
        Refusal(
            name="forbidden",
            matches=lambda answer: answer.status in (403, 451, 999),
            says="it answers nothing to this address",
            then="try from another network, or name another source with --source",
        ),
    ),
)

YAHOO = Source(
    name="yahoo",
    address=ADDRESS,
    package="yfinance",
    extra="data",
    gives="daily bars, dividends, splits",
    kinds=frozenset({"prices", "actions"}),
    classes=frozenset({"stock", "etf"}),
    terms="personal use, no redistribution (Yahoo terms of service)",
    terms_url="https://legal.yahoo.com/us/en/yahoo/terms/otos/index.html",
    forbids=frozenset({"commercial", "publishing"}),
    fetch=fetch,
    size=lambda request: BYTES_A_DAY * (date.today() - request.first).days,
    contract=CONTRACT,
    politeness=Politeness(backoff_s=15.0),
)
