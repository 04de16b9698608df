"""Binance's archive of months, its API, and their refusals."""

import hashlib
import io
import zipfile
from datetime import date, timedelta
from typing import Any

from tests.market.conftest import Reply, Server
from tests.market.servers.made_coin import MadeCoin, day_of, milliseconds

VARIABLES = ("INVESTORBENCH_BINANCE_URL", "INVESTORBENCH_BINANCE_ARCHIVE_URL")
KEYS: dict[str, str] = {}
KLINES = "/api/v3/klines"
MICROSECONDS_SINCE = date(2025, 1, 1)
REFUSALS = {
    "restricted location": Reply(
        status=451,
        body={
            "code": 0,
            "msg": "Service unavailable from a restricted location according to 'b. Eligibility' "
            "in https://www.binance.com/en/terms.",
        },
    ),
    "too many requests": Reply(
        status=429, body={"code": -1003, "msg": "Too many requests."}, headers={"Retry-After": "0"}
    ),
}


def path(symbol: str, month: str) -> str:
    return f"/data/spot/monthly/klines/{symbol}USDT/1d/{symbol}USDT-1d-{month}.zip"


def candle(coin: MadeCoin, day: date, unit: int = 1) -> list[Any]:
    begin = milliseconds(day) * unit
    opening, high, low, close, volume = coin.bar(day)
    end = begin + 86_400_000 * unit - 1
    return [begin, *map(str, (opening, high, low, close, volume)), end, "0", 1, "0", "0", "0"]


def month_of(coin: MadeCoin, first: date) -> bytes:
    """An archived month, zipped."""
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    unit = 1000 if first >= MICROSECONDS_SINCE else 1
    rows = [",".join(map(str, candle(coin, day, unit))) for day in coin.days(first, last)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"{coin.symbol}USDT-1d-{first:%Y-%m}.csv", "\n".join(rows) + "\n")
    return buffer.getvalue()


def archive(server: Server, coin: MadeCoin, *months: str) -> None:
    """Put months into the archive, with their checksums."""
    for month in months:
        place, content = path(coin.symbol, month), month_of(coin, date.fromisoformat(f"{month}-01"))
        name = place.rsplit("/", 1)[1]
        server.answer(place, content)
        server.answer(f"{place}.CHECKSUM", f"{hashlib.sha256(content).hexdigest()}  {name}\n")


def play(server: Server, state: str = "fine", coin: MadeCoin | None = None) -> None:
    """Answer as its API does: ``fine``, ``slow``, ``cut off``, or one of its refusals."""
    coin = coin or MadeCoin()

    def fine(asked: dict[str, str]) -> Any:
        if asked["symbol"] != f"{coin.symbol}USDT":
            return {"code": -1121, "msg": "Invalid symbol."}
        if "startTime" not in asked:
            return [candle(coin, coin.listed)]
        last = day_of(int(asked["endTime"]))
        days = coin.days(day_of(int(asked["startTime"])), last)[: int(asked["limit"])]
        return [candle(coin, day) for day in days]

    replies = {
        "fine": Reply(body=fine),
        "slow": Reply(body=fine, wait=0.3),
        "cut off": Reply(body=fine, cut=20),
        **REFUSALS,
    }
    server.answer(KLINES, replies[state])
