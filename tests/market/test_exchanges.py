"""Other exchanges through ccxt: the first that has a coin gives all of its bars."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from investorbench_env.errors import MissingDependencyError
from investorbench_env.market.sources import exchanges
from investorbench_env.market.sources.fetching import fetch
from investorbench_env.market.sources.source import FetchRequest
from tests.market.servers import exchanges as theirs
from tests.market.servers.made_coin import MadeCoin

pytest.importorskip("ccxt", reason="the extra crypto is not installed")
COIN = MadeCoin()


@pytest.fixture
def wanted(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eager) -> FetchRequest:
    monkeypatch.setenv("INVESTORBENCH_CCXT_URL", server.url)
    theirs.play(server)
    return FetchRequest(
        symbol="BTC",
        asset_class="crypto",
        first=date(2020, 3, 1),
        last=date(2021, 6, 30),
        into=tmp_path,
        politeness=eager,
    )


def bars(wanted: FetchRequest) -> pd.DataFrame:
    (outcome,) = fetch(wanted, ["ccxt"])
    assert outcome.status == "fetched", outcome.note
    return pd.read_parquet(outcome.paths[0])


def assert_whole(rows: pd.DataFrame, wanted: FetchRequest, source: str) -> None:
    days = COIN.days(wanted.first, wanted.last)
    assert list(rows["date"].dt.date) == days
    columns = rows[["open", "high", "low", "close", "volume"]]
    assert columns.to_numpy().tolist() == [list(COIN.bar(day)) for day in days]
    assert set(rows["source"]) == {source}


def test_the_first_exchange_gives_all_bars(server, wanted: FetchRequest) -> None:
    assert_whole(bars(wanted), wanted, "Bitstamp BTC/USD")
    assert theirs.coinbase_path("BTC") not in {path for path, _, _ in server.asked}


def test_the_second_gives_them_where_the_first_fails(server, reply, wanted: FetchRequest) -> None:
    """Also where the first gave some of them: bars of two exchanges are never mixed."""
    path = theirs.bitstamp_path("BTC")
    server.answer(path, *server.replies[path], reply(status=500))
    wanted = replace(wanted, last=date(2022, 12, 31))

    assert_whole(bars(wanted), wanted, "Coinbase Exchange BTC/USD")
    assert sum(asked == path for asked, _, _ in server.asked) > 1


def test_the_second_is_asked_in_its_own_smaller_pieces(server, reply, wanted) -> None:
    server.answer(theirs.bitstamp_path("BTC"), reply(status=403, body={"message": "forbidden"}))
    bars(wanted)

    asked = [each for path, each, _ in server.asked if path == theirs.coinbase_path("BTC")]
    spans = [
        (date.fromisoformat(each["end"][:10]) - date.fromisoformat(each["start"][:10])).days
        for each in asked
    ]
    assert len(spans) == 3
    assert max(spans) < exchanges.MOST_ROWS["coinbaseexchange"]


def test_a_coin_that_none_has_is_said_with_each_exchange(server, wanted: FetchRequest) -> None:
    (outcome,) = fetch(replace(wanted, symbol="NOPE"), ["ccxt"])

    assert outcome.note == "bitstamp has no NOPE/USD; coinbaseexchange has no NOPE/USD"


def test_without_ccxt_the_extra_is_named(
    wanted: FetchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchanges, "find_spec", lambda name: None)
    exchanges._venue.cache_clear()

    with pytest.raises(MissingDependencyError, match=r"pip install 'investorbench\[crypto\]'"):
        exchanges.fetch(wanted, lambda done, total, what: None)
