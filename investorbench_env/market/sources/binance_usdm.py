"""Binance's perpetuals in USDT: candles with those of the mark, and funding with what it is on."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from investorbench_env.market.files.column_names import MARKS
from investorbench_env.market.sources.binance import QUOTE
from investorbench_env.market.sources.contracts import Contract, Probe, Refusal
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

NAME = "Binance futures"
KLINES, RATES = "/fapi/v1/klines", "/fapi/v1/fundingRate"
MARK_KLINES = "/fapi/v1/markPriceKlines"
MOST_CANDLES, MOST_RATES = 1_500, 1_000
EARLIEST = date(2019, 9, 8)
NAMES = ("open", "high", "low", "close", "volume")


def fetch(request: FetchRequest, progress: Progress) -> FetchOutcome:
    """Put candles and funding rates of a coin into the folder of a request."""
    api = PerpetualApi(
        source=BINANCE_USDM,
        venue="binance",
        earliest=EARLIEST,
        candles=candles,
        most_candles=MOST_CANDLES,
        rates=rates,
        most_rates=MOST_RATES,
        hours=1,
    )
    return fetch_perpetual(api, request, progress)


def candles(downloader: Downloader, symbol: str, interval: str) -> Ask:
    """What asks for candles of a coin against USDT, each with the mark of the same time."""

    def of(path: str, names: Sequence[str], first: int, last: int) -> AnswerRows:
        answer, given = _answer(
            downloader, path, symbol, first, last, MOST_CANDLES, interval=interval
        )
        return rows_of(
            NAME,
            CONTRACT.needs,
            answer,
            given,
            lambda row: row[0],
            lambda row: {name: row[number] for number, name in enumerate(names, 1)},
        )

    def ask(first: int, last: int) -> AnswerRows:
        answer, rows = of(KLINES, NAMES, first, last)
        marks = {row["ms"]: row for row in of(MARK_KLINES, MARKS, first, last)[1]} if rows else {}
        return answer, [{**row, **marks.get(row["ms"], {})} for row in rows]

    return ask


def rates(downloader: Downloader, symbol: str) -> Ask:
    """What asks for funding rates, each with the mark that it was charged on."""

    def ask(first: int, last: int) -> AnswerRows:
        answer, given = _answer(downloader, RATES, symbol, first, last, MOST_RATES)
        return rows_of(
            NAME,
            "list of funding rates in JSON",
            answer,
            given,
            lambda row: row["fundingTime"],
            # Of its first years the price is missing, an empty text.
            lambda row: {
                "funding_rate": row["fundingRate"],
                **({"oracle": row["markPrice"]} if row.get("markPrice") else {}),
            },
        )

    return ask


def _answer(
    downloader: Downloader,
    path: str,
    symbol: str,
    first: int,
    last: int,
    most: int,
    **more: str,
) -> tuple[Response, Any]:
    """An answer, and what it holds.

    Raises:
        NotThereError: Binance has no such perpetual.
    """
    parameters = {
        "symbol": f"{symbol}{QUOTE}",
        **more,
        "startTime": str(first),
        "endTime": str(last),
        "limit": str(most),
    }
    answer = downloader.get(f"{BINANCE_USDM.url}{path}", parameters, check_json)
    given = json.loads(answer.content)
    if isinstance(given, dict):
        raise NotThereError(f"{NAME}, {symbol}{QUOTE}: {given.get('msg', given)}")
    return answer, given


def _is_list_of_candles(answer: Response) -> bool:
    given = json.loads(answer.content)
    return bool(given) and all(len([float(cell) for cell in row[:6]]) == 6 for row in given)


CONTRACT = Contract(
    source=NAME,
    probe=Probe(path=KLINES, parameters={"symbol": f"BTC{QUOTE}", "interval": "4h", "limit": "2"}),
    needs="list of candles in JSON",
    form=_is_list_of_candles,
    refusals=(
        Refusal(
            name="restricted location",
            matches=lambda answer: (
                answer.status in (403, 451) or "restricted location" in answer.text[:400]
            ),
            says="451, it serves nothing to this country",
            then="try from another network, or --source hyperliquid for the newest candles",
        ),
        Refusal(
            name="too many requests",
            matches=lambda answer: answer.status in (418, 429),
            says="this address asked too much",
            then="try again in a few minutes",
            passes=True,
        ),
        Refusal(
            name="unknown symbol",
            matches=lambda answer: answer.status == 400 and "-1121" in answer.text[:400],
            says="it has no such perpetual in USDT",
            then="look for its name among its contracts",
            state="changed its form",
        ),
    ),
)

BINANCE_USDM = Source(
    name="binance_usdm",
    address="https://fapi.binance.com",
    gives="candles, marks, funding of perpetuals in USDT",
    kinds=frozenset({"prices", "funding"}),
    classes=frozenset({"perpetual"}),
    begins=EARLIEST,
    terms="Binance terms of use",
    terms_url="https://www.binance.com/en/terms",
    fetch=fetch,
    size=size_of,
    contract=CONTRACT,
    politeness=Politeness(interval_s=0.25),
)
