"""Hyperliquid's perpetuals: the newest 5,000 candles of each length, and all funding rates.

Everything is asked by ``POST /info``. Its terms of a contract, leverage and sizes, come with it.
"""

import json
from datetime import date
from typing import Any

from investorbench_env.market.sources.contracts import (
    ChangedFormError,
    Contract,
    Probe,
    Refusal,
)
from investorbench_env.market.sources.http import (
    Downloader,
    NotThereError,
    Politeness,
    Response,
    check_json,
)
from investorbench_env.market.sources.perpetual_pieces import (
    AnswerRows,
    Ask,
    PerpetualApi,
    fetch_perpetual,
    rows_of,
    size_of,
)
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source

NAME = "Hyperliquid"
INFO = "/info"
MOST_CANDLES, MOST_RATES = 5_000, 500
"""Candles of a length that it keeps, and funding rates in one answer."""
EARLIEST = date(2023, 5, 12)
NAMED = 8


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put candles and funding rates of a coin into the folder of a request."""
    api = PerpetualApi(
        source=HYPERLIQUID,
        venue=HYPERLIQUID.name,
        earliest=EARLIEST,
        candles=candles,
        most_candles=MOST_CANDLES,
        rates=rates,
        most_rates=MOST_RATES,
        hours=1,
        contract=contract,
        no_candles=(
            f"it serves its newest {MOST_CANDLES:,} of a length alone; for older ones --source "
            "binance_usdm, or an archive"
        ),
    )
    return fetch_perpetual(api, request, progress)


def candles(downloader: Downloader, symbol: str, interval: str) -> Ask:
    """What asks for candles, which it has from the newest 5,000 of a length alone."""

    def ask(first: int, last: int) -> AnswerRows:
        span = {"startTime": first, "endTime": last}
        body = {"type": "candleSnapshot", "req": {"coin": symbol, "interval": interval, **span}}
        answer = _answer(downloader, body)
        return rows_of(
            NAME,
            "list of candles in JSON",
            answer,
            json.loads(answer.content),
            lambda row: _of(row, s=symbol, i=interval)["t"],
            lambda row: {name: row[name[0]] for name in ("open", "high", "low", "close", "volume")},
        )

    return ask


def rates(downloader: Downloader, symbol: str) -> Ask:
    """What asks for funding rates of a coin."""

    def ask(first: int, last: int) -> AnswerRows:
        body = {"type": "fundingHistory", "coin": symbol, "startTime": first, "endTime": last}
        answer = _answer(downloader, body)
        return rows_of(
            NAME,
            "list of funding rates in JSON",
            answer,
            json.loads(answer.content),
            lambda row: _of(row, coin=symbol)["time"],
            lambda row: {"funding_rate": row["fundingRate"]},
        )

    return ask


def _of(row: Any, **wanted: str) -> Any:
    """A row of what was asked for; another one is no answer."""
    if any(row[name] != value for name, value in wanted.items()):
        raise ValueError(row)
    return row


def contract(downloader: Downloader, symbol: str) -> str:
    """The terms of a coin, as a venue of one's own takes them.

    Raises:
        NotThereError: there is no perpetual of it.
        DownloadError: the answer is of another form.
    """
    answer = _answer(downloader, {"type": "meta"})
    try:
        meta = json.loads(answer.content)
        coins = {coin["name"]: coin for coin in meta["universe"]}
        tables = dict(meta.get("marginTables", ()))
        if symbol not in coins:
            named = ", ".join(list(coins)[:NAMED])
            raise NotThereError(f"{NAME} has no perpetual of {symbol}; it has {named}, …")
        coin = coins[symbol]
        tiers = _tiers(coin, tables)
        return f"contract: size_decimals {int(coin['szDecimals'])}, tiers {tiers}"
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ChangedFormError(NAME, "list of contracts in JSON", answer) from error


def _tiers(coin: Any, tables: Any) -> list[list[float]]:
    """Lower bounds of notional with the leverage from there on."""
    table = tables.get(coin.get("marginTableId"))
    if table is None:
        return [[0, int(coin["maxLeverage"])]]
    return [[float(tier["lowerBound"]), int(tier["maxLeverage"])] for tier in table["marginTiers"]]


def _answer(downloader: Downloader, body: dict[str, Any]) -> Response:
    return downloader.get(f"{HYPERLIQUID.url}{INFO}", check=check_json, body=body)


def _is_list_of_contracts(answer: Response) -> bool:
    return bool(json.loads(answer.content)["universe"][0]["name"])


CONTRACT = Contract(
    source=NAME,
    probe=Probe(path=INFO, body={"type": "meta"}),
    needs="list of contracts in JSON",
    form=_is_list_of_contracts,
    refusals=(
        Refusal(
            name="too many requests",
            matches=lambda answer: answer.status == 429,
            says="this address asked too much",
            then="try again in a minute",
            passes=True,
        ),
        Refusal(
            name="restricted location",
            matches=lambda answer: answer.status in (403, 451),
            says="it serves nothing to this address",
            then="try from another network, or --source binance_usdm",
        ),
    ),
)

HYPERLIQUID = Source(
    name="hyperliquid",
    address="https://api.hyperliquid.xyz",
    gives="candles and hourly funding of perpetuals",
    kinds=frozenset({"prices", "funding"}),
    classes=frozenset({"perpetual"}),
    begins=EARLIEST,
    terms="Hyperliquid terms of use",
    terms_url="https://app.hyperliquid.xyz/terms",
    fetch=fetch,
    size=size_of,
    contract=CONTRACT,
    politeness=Politeness(interval_s=1.0, backoff_s=5.0),
)
