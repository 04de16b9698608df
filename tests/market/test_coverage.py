"""Which of the wanted days are there, whatever was asked for before."""

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.market.sources import coverage, fetching, kept
from investorbench_env.market.sources.contracts import Contract, Probe
from investorbench_env.market.sources.coverage import Held
from investorbench_env.market.sources.http import Downloader
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source


@given(
    spans=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=8),
    first=st.integers(0, 30),
    days=st.integers(0, 20),
)
def test_the_days_that_no_span_holds_are_counted(
    spans: list[tuple[int, int]], first: int, days: int
) -> None:
    start = date(2021, 1, 1)
    wanted = set(range(first, first + days + 1))
    left = wanted - {day for begin, length in spans for day in range(begin, begin + length + 1)}
    request = FetchRequest(
        symbol="ABC",
        asset_class="stock",
        first=start + timedelta(first),
        last=start + timedelta(first + days),
        into=Path(),
    )
    held = Held(
        spans=[(start + timedelta(a), start + timedelta(a + length)) for a, length in spans]
    )
    assert coverage._left(request, "news", held) == len(left)


WEEK = ("2021-01-11", "2021-01-12", "2021-01-13", "2021-01-14", "2021-01-15")


def with_days(name: str, days: set[str]) -> Source:
    """A source that has the prices of some days, and of none nothing."""

    def get(request: FetchRequest, progress: Progress) -> FetchOutcome:
        path = request.into / "prices" / f"{request.symbol}_{name}.parquet"
        frame = pd.DataFrame({"date": pd.to_datetime(sorted(days)), "close": 10.0})
        frame = frame.assign(symbol=request.symbol, source=name)
        return kept.keep(request, path, row, "bars", frame, Downloader())

    row = Source(
        name=name,
        address="",
        gives="bars",
        kinds=frozenset({"prices"}),
        classes=frozenset({"stock"}),
        terms="free",
        terms_url="https://example.org",
        fetch=get,
        contract=Contract(source=name, probe=Probe(path="/"), needs="bars"),
    )
    return row


@pytest.mark.heavy
@settings(max_examples=25, deadline=None)
@given(held=st.lists(st.sets(st.sampled_from(WEEK)), min_size=1, max_size=4))
def test_sources_are_asked_in_order_until_every_session_has_a_price(held: list[set[str]]) -> None:
    rows = {f"s{n}": with_days(f"s{n}", days) for n, days in enumerate(held)}
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetching, "SOURCES", rows)
        request = FetchRequest(
            symbol="ABC",
            asset_class="stock",
            first=date(2021, 1, 9),
            last=date(2021, 1, 17),
            into=Path(folder),
            kinds=frozenset({"prices"}),
        )
        outcomes = fetching.fetch(request)
        lacking = coverage.held(request, [request.into])["prices"].missing
        files = {path.name for path in request.into.rglob("*.parquet")}

    needed = next(
        (n for n in range(1, len(held)) if set().union(*held[:n]) == set(WEEK)), len(held)
    )
    assert [outcome.source for outcome in outcomes] == list(rows)[:needed]
    assert lacking == len(set(WEEK) - set().union(*held[:needed]))
    # One that has nothing fails, and leaves no file.
    assert files == {f"ABC_s{n}.parquet" for n in range(needed) if held[n]}
    assert [outcome.status for outcome in outcomes] == [
        "fetched" if days else "failed" for days in held[:needed]
    ]
