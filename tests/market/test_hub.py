"""Data sets on the hub come once, in parts where that is enough, and each refusal is known."""

import pickle
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files import store
from investorbench_env.market.library import find_market
from investorbench_env.market.sources import finsaber, finsaber_v2, fnspid, hub, kept
from investorbench_env.market.sources.http import Downloader, DownloadError, NotThereError
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Source
from tests.market.servers import data_hub, made_finsaber
from tests.market.servers.data_hub import DataHub, parquet
from tests.market.servers.made_finsaber import FIRST_NAME, LATER_NAME, PICKLE, V2_NAME
from tests.market.servers.made_stock import MadeStock

TSLA = MadeStock(
    symbol="TSLA",
    first="2020-07-01",
    last="2020-10-30",
    dividends={},
    splits={"2020-08-31": 5.0},
)
"""Its real split, which this package knows, at made prices."""
OTHERS = tuple(replace(TSLA, symbol=name, splits={}) for name in ("AMZN", "MSFT", "NFLX", "COIN"))


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Serve a hub for as long as the test runs."""
    monkeypatch.delenv(hub.TOKEN, raising=False)
    with ExitStack() as stack:

        def serve(made: DataHub) -> DataHub:
            stack.enter_context(data_hub.running(made))
            monkeypatch.setenv(hub.VARIABLE, made.url)
            return made

        yield serve


@pytest.fixture
def wanted(tmp_path: Path, eager) -> FetchRequest:
    return FetchRequest(
        symbol="TSLA",
        asset_class="stock",
        first=date(2020, 7, 1),
        last=date(2020, 10, 30),
        into=tmp_path,
        politeness=eager,
    )


@pytest.fixture
def ask(eager) -> Iterator[Downloader]:
    with finsaber.FINSABER.downloader(
        FetchRequest(
            symbol="TSLA",
            asset_class="stock",
            first=date.min,
            last=date.max,
            into=Path(),
            politeness=eager,
        )
    ) as downloader:
        yield downloader


def silent(done: int, total: int, what: str) -> None:
    pass


def fetch(source: Source, request: FetchRequest) -> FetchOutcome:
    return source.fetch(request, silent)


def test_what_finsaber_has_is_the_market_that_was_made(served, wanted: FetchRequest) -> None:
    served(made_finsaber.hub_with(TSLA, *OTHERS))

    outcome = fetch(finsaber.FINSABER, wanted)
    market = find_market("TSLA", "stock", wanted.into)

    assert outcome.status == "fetched"
    assert [path.parent.name for path in outcome.paths] == ["filings", "news", "prices"]
    assert market.bars[:, 0, :].tolist() == [list(TSLA.bar(day)) for day in TSLA.days]
    assert market.share_splits[:, 0].tolist() == [
        TSLA.splits.get(day.isoformat(), 1) for day in TSLA.days
    ]
    titles = [text.title for text in market.documents if text.kind == "news"]
    assert titles == [item for day in TSLA.days for item in made_finsaber.headlines(TSLA, day)]
    reports = [(text.kind, text.text) for text in market.documents if text.kind != "news"]
    assert reports == [(form, text.strip()) for form, text in made_finsaber.filings(TSLA).values()]


def test_both_data_sets_of_finsaber_give_one_market(served, wanted: FetchRequest) -> None:
    served(made_finsaber.hub_with(TSLA, *OTHERS))
    markets = []
    for source in (finsaber.FINSABER, finsaber_v2.FINSABER_V2):
        request = replace(wanted, into=wanted.into / source.name)
        fetch(source, request)
        markets.append(find_market("TSLA", "stock", request.into))

    first, second = markets
    assert first.bars.tolist() == second.bars.tolist()
    assert first.dividends.tolist() == second.dividends.tolist()
    assert [(each.available_at, each.title, each.text) for each in first.documents] == [
        (each.available_at, each.title, each.text) for each in second.documents
    ]


def test_a_second_stock_of_the_file_needs_no_second_download(served, wanted: FetchRequest) -> None:
    made = served(made_finsaber.hub_with(TSLA, *OTHERS))
    fetch(finsaber.FINSABER, wanted)
    sent = len(made.sent)

    outcome = fetch(finsaber.FINSABER, replace(wanted, symbol="COIN"))

    assert (outcome.status, len(made.sent)) == ("fetched", sent)
    again = fetch(finsaber.FINSABER, replace(wanted, first=date(2010, 1, 1)))
    assert again.status == "already there"


def test_only_the_kinds_that_are_wanted_are_written(served, wanted: FetchRequest) -> None:
    served(made_finsaber.hub_with(TSLA))

    outcome = fetch(finsaber.FINSABER, replace(wanted, kinds=frozenset({"news"})))

    assert [path.name for path in outcome.paths] == ["TSLA_finsaber.parquet"]
    assert not (wanted.into / "prices").exists()
    provenance = store.read_provenance(outcome.paths[0])
    assert provenance["kinds"] == ["news"]
    assert "Signature" not in str(provenance["requests"])
    rows = pd.read_parquet(outcome.paths[0])
    assert set(rows["source"]) == {"FINSABER"}


def test_a_download_that_was_cut_off_goes_on_from_there(
    served, wanted: FetchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = served(made_finsaber.hub_with(TSLA, *OTHERS))
    size = len(made.files[FIRST_NAME][PICKLE])
    monkeypatch.setattr(hub, "STEP", size // 5)
    real = Downloader.get
    parts = 0

    def killed(self: Downloader, url: str, *rest: Any, **more: Any) -> Any:
        nonlocal parts
        parts += "resolve" in url
        if parts == 4:
            raise KeyboardInterrupt
        return real(self, url, *rest, **more)

    monkeypatch.setattr(Downloader, "get", killed)
    with pytest.raises(KeyboardInterrupt):
        fetch(finsaber.FINSABER, wanted)
    monkeypatch.setattr(Downloader, "get", real)
    assert fetch(finsaber.FINSABER, wanted).status == "fetched"

    assert sum(sent for _, sent in made.sent) == size


def test_a_begun_download_of_other_bytes_is_thrown_away(served, wanted: FetchRequest) -> None:
    made = served(made_finsaber.hub_with(TSLA))
    folder = wanted.into / kept.PARTIAL / "finsaber"
    folder.mkdir(parents=True)
    digest = store.sha256(made.files[FIRST_NAME][PICKLE])[:32]
    (folder / f"{digest}.pkl.begun").write_bytes(b"other")

    with pytest.raises(DownloadError, match="that are not the"):
        fetch(finsaber.FINSABER, wanted)

    assert fetch(finsaber.FINSABER, wanted).status == "fetched"


@pytest.mark.parametrize("play", ["no parts", "parts refused"])
def test_a_storage_that_gives_no_parts_gives_the_whole_file(
    served, wanted: FetchRequest, play: str
) -> None:
    made = served(made_finsaber.hub_with(TSLA))
    made.play = play

    assert fetch(finsaber.FINSABER, wanted).status == "fetched"
    assert [span for span, _ in made.sent] == ["whole"]


def test_an_answer_that_is_cut_off_is_asked_for_again(served, wanted: FetchRequest) -> None:
    made = served(made_finsaber.hub_with(TSLA))
    made.play, made.times = "cut off", 2

    assert fetch(finsaber.FINSABER, wanted).status == "fetched"


def test_the_token_goes_to_the_hub_and_never_to_its_storage(
    served, wanted: FetchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = served(made_finsaber.hub_with(TSLA))
    made.play = "gated"
    monkeypatch.setenv(hub.TOKEN, "hf_mine")

    outcome = fetch(finsaber.FINSABER, wanted)

    assert set(made.authorised["hub"]) == {"Bearer hf_mine"}
    assert set(made.authorised["storage"]) == {None}
    assert "hf_mine" not in outcome.paths[0].with_name(
        outcome.paths[0].name + ".provenance.json"
    ).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("play", "reason"),
    [
        (
            "gated",
            r"FINSABER: only who has accepted .*/waylonli/FINSABER-data, then export HF_TOKEN",
        ),
        ("gated, not accepted", "only who has accepted the conditions"),
        ("renamed", "the hub shows no data set waylonli/FINSABER-data"),
        ("token", "does not take who asks; export HF_TOKEN"),
        ("captcha", "asks for a captcha"),
        ("too many requests", "more requests than the hub takes"),
        ("another form", "has no 'sha'"),
    ],
)
def test_each_way_in_which_the_hub_says_no_is_one_line(
    served, wanted: FetchRequest, play: str, reason: str
) -> None:
    made = served(made_finsaber.hub_with(TSLA))
    made.play = play

    with pytest.raises(DownloadError, match=reason) as caught:
        fetch(finsaber.FINSABER, wanted)

    assert "\n" not in str(caught.value)
    assert not list(wanted.into.rglob("*.parquet"))


def test_a_hub_that_is_busy_for_a_while_is_waited_for(served, wanted: FetchRequest) -> None:
    made = served(made_finsaber.hub_with(TSLA))
    made.play, made.times = "too many requests", 2

    assert fetch(finsaber.FINSABER, wanted).status == "fetched"


def test_a_data_set_under_its_later_name_is_found(served, wanted: FetchRequest) -> None:
    made = made_finsaber.hub_with(TSLA)
    made.files[LATER_NAME] = made.files.pop(FIRST_NAME)
    served(made)

    assert fetch(finsaber.FINSABER, wanted).status == "fetched"


def in_place_of(content: bytes) -> DataHub:
    return DataHub(files={FIRST_NAME: {PICKLE: content}})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (pickle.dumps(print), "asks for 'builtins.print'"),
        (pickle.dumps({}), "no dict of days, but dict"),
        (pickle.dumps(["a"]), "no dict of days, but list"),
        (pickle.dumps({"2024-01-02": {}}), "'2024-01-02' is no date with a dict"),
        (pickle.dumps({date(2024, 1, 2): {"price": [1]}}), "2024-01-02: 'price' is no dict"),
        (
            pickle.dumps({date(2024, 1, 2): {"price": {"TSLA": {"close": "ten"}}}}),
            "2024-01-02: close of TSLA is 'ten'",
        ),
        (
            pickle.dumps({date(2024, 1, 2): {"price": {"TSLA": {}}, "news": {"TSLA": [1]}}}),
            "2024-01-02: news of TSLA has 1",
        ),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_place(
    served, wanted: FetchRequest, content: bytes, reason: str
) -> None:
    served(in_place_of(content))

    with pytest.raises(CorruptDataError, match=reason):
        fetch(finsaber.FINSABER, wanted)


def padded(stock: MadeStock) -> dict[str, bytes]:
    """News of a year in which each month is too large for what is read of every file anyway."""
    groups = []
    for symbol in ("AMZN", stock.symbol, "ZZZ"):
        items = [(day, text) for day in stock.days for text in made_finsaber.headlines(stock, day)]
        groups.append(
            {
                "date": [day.isoformat() for day, _ in items],
                "symbol": [symbol] * len(items),
                "news_text": [f"{text} {'x' * 9000}" for _, text in items],
            }
        )
    return {"news_items/year=2020/part-000.parquet": parquet(groups)}


def test_of_parquet_only_the_groups_of_rows_that_are_needed_are_downloaded(
    served, wanted: FetchRequest
) -> None:
    made = served(DataHub(files={V2_NAME: padded(TSLA)}))
    size = len(made.files[V2_NAME]["news_items/year=2020/part-000.parquet"])

    outcome = fetch(finsaber_v2.FINSABER_V2, replace(wanted, kinds=frozenset({"news"})))

    assert outcome.rows == sum(len(made_finsaber.headlines(TSLA, day)) for day in TSLA.days)
    assert sum(sent for _, sent in made.sent) < size / 2


def test_a_group_that_may_hold_a_symbol_and_does_not_costs_its_symbols_alone(
    served, ask: Downloader
) -> None:
    first = {"symbol": ["A", "Z"] * 50, "news_text": [f"{n} {'x' * 5000}" for n in range(100)]}
    second = {"symbol": ["A", "TSLA"] * 50, "news_text": ["y" * 10] * 100}
    made = served(DataHub(files={"a/b": {"f.parquet": parquet([first, second])}}))
    url = f"{made.url}/datasets/a/b/resolve/main/f.parquet"

    found = hub.groups_with(ask, url, "symbol", ["TSLA"], ["news_text"])
    (rows,) = hub.rows_about(found, "symbol", ["TSLA"], ["news_text"])

    assert (found.groups, len(rows)) == ([0, 1], 50)
    assert sum(sent for _, sent in made.sent) < 2 * hub.TAIL


def test_symbols_kept_as_a_dictionary_are_found(served, ask: Downloader) -> None:
    categories = pd.Categorical(["A", "TSLA", "TSLA"])
    content = parquet([{"symbol": categories, "news_text": ["a", "b", "c"]}])
    made = served(DataHub(files={"a/b": {"f.parquet": content}}))
    url = f"{made.url}/datasets/a/b/resolve/main/f.parquet"

    found = hub.groups_with(ask, url, "symbol", ["TSLA"], ["news_text"])
    (rows,) = hub.rows_about(found, "symbol", ["TSLA"], ["news_text"])

    assert list(rows["news_text"]) == ["b", "c"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<!doctype html>", "not readable as Parquet"),
        (
            parquet([{"date": ["2021-01-04"], "symbol": ["TSLA"], "news_text": [["x"]]}]),
            "no column 'news_text' in",
        ),
        (parquet([{"date": ["2020-07-04"], "symbol": ["TSLA"]}]), "no column 'news_text' in"),
        (
            parquet([{"date": ["soon"], "symbol": ["TSLA"], "news_text": ["x"]}]),
            "a column of another form",
        ),
    ],
)
def test_parquet_of_another_form_is_refused(
    served, wanted: FetchRequest, content: bytes, reason: str
) -> None:
    served(DataHub(files={V2_NAME: {"news_items/year=2020/part-000.parquet": content}}))

    with pytest.raises(DownloadError, match=reason):
        fetch(finsaber_v2.FINSABER_V2, replace(wanted, kinds=frozenset({"news"})))

    assert not list((wanted.into / "news").glob("*.parquet"))


@pytest.mark.parametrize("play", ["no parts", "parts refused"])
def test_large_parquet_of_a_storage_without_parts_is_left(
    served, wanted: FetchRequest, play: str
) -> None:
    made = served(DataHub(files={V2_NAME: padded(TSLA)}))
    made.play = play

    with pytest.raises(DownloadError, match="FINSABER-2: the storage gives no parts of files"):
        fetch(finsaber_v2.FINSABER_V2, replace(wanted, kinds=frozenset({"news"})))


def test_a_symbol_that_the_data_set_has_not_is_said(served, wanted: FetchRequest) -> None:
    served(made_finsaber.hub_with(TSLA))

    with pytest.raises(NotThereError, match="no filings of NIO"):
        fetch(finsaber_v2.FINSABER_V2, replace(wanted, symbol="NIO"))


def fnspid_rows(symbol: str, dates: list[str], size: int = 10) -> dict[str, list[Any]]:
    return {
        "Date": dates,
        "Article_title": [f"{symbol} on {day}" for day in dates],
        "Stock_symbol": [symbol] * len(dates),
        "Url": ["https://example.org"] * len(dates),
        "Article": ["z" * size] * len(dates),
        "Lsa_summary": [None, *["In short"] * (len(dates) - 1)],
    }


def test_fnspid_gives_dates_headlines_and_summaries(served, wanted: FetchRequest) -> None:
    # The third is a repetition of the second. The first is of 10:30 in New York, as its publisher
    # says; the last may be of a time after midnight there.
    dates = [
        "2020-06-05 06:30:54 UTC",
        "2020-07-06 00:00:00 UTC",
        "2020-07-06 00:00:00 UTC",
        "2020-12-31 19:30:00 UTC",
    ]
    groups = [fnspid_rows("AAPL", dates, 100_000), fnspid_rows("TSLA", dates, 100_000)]
    name = fnspid.REPOSITORIES[0]
    made = served(
        DataHub(
            files={name: {"p/0.parquet": parquet(groups)}},
            conversions={name: {"partial-train": ["p/0.parquet"]}},
        )
    )

    outcome = fetch(fnspid.FNSPID, wanted)
    rows = pd.read_parquet(outcome.paths[0])

    assert [f"{day:%Y-%m-%d}" for day in rows["date"]] == ["2020-06-05", "2020-07-06", "2021-01-01"]
    assert "timestamp" not in rows
    assert list(rows["headline"]) == [f"TSLA on {dates[n]}" for n in (0, 1, 3)]
    assert list(rows["text"].fillna("")) == ["", "In short", "In short"]
    assert sum(sent for _, sent in made.sent) < 3 * hub.TAIL


def test_where_the_hubs_conversion_ends_before_a_symbol_the_whole_one_is_asked(
    served, wanted: FetchRequest
) -> None:
    dates = ["2020-07-05 14:30:00 UTC"]
    first, second = fnspid.REPOSITORIES
    served(
        DataHub(
            files={
                first: {"0.parquet": parquet([fnspid_rows("AAPL", dates)])},
                second: {"0.parquet": parquet([fnspid_rows("TSLA", dates)])},
            },
            conversions={
                first: {"partial-train": ["0.parquet"]},
                second: {"train": ["0.parquet"]},
            },
        )
    )

    assert fetch(fnspid.FNSPID, wanted).rows == 1


@pytest.mark.parametrize(("limit", "value"), [("MOST_BYTES", 100), ("MOST_GROUPS", 1)])
def test_a_symbol_spread_over_too_much_is_left_with_its_size(
    served, wanted: FetchRequest, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(fnspid, limit, value)
    rows = fnspid_rows("TSLA", ["2020-07-05 14:30:00 UTC"])
    served(
        DataHub(
            files={name: {"0.parquet": parquet([rows, rows])} for name in fnspid.REPOSITORIES},
            conversions={name: {"train": ["0.parquet"]} for name in fnspid.REPOSITORIES},
        )
    )

    with pytest.raises(DownloadError, match=r"may be anywhere in 0\.0 GB of 2 groups"):
        fetch(fnspid.FNSPID, wanted)


def test_news_without_a_date_or_a_headline_is_left_out(served, wanted: FetchRequest) -> None:
    rows = fnspid_rows("TSLA", ["2020-07-05 14:30:00 UTC"] * 3)
    rows["Date"][0] = None
    rows["Article_title"][1] = None
    name = fnspid.REPOSITORIES[0]
    served(
        DataHub(
            files={name: {"0.parquet": parquet([rows])}},
            conversions={name: {"train": ["0.parquet"]}},
        )
    )

    assert fetch(fnspid.FNSPID, wanted).rows == 1
