"""A corpus is written in pages, over one market at a time, however long it is."""

import gc
import tracemalloc
from pathlib import Path

import pytest

from investorbench.tasks.trading_r1.corpus import building
from investorbench.tasks.trading_r1.corpus.building import build_corpus
from investorbench.tasks.trading_r1.corpus.markets import labelled, markets_of
from investorbench_env.market.library import forget_markets
from tests.tasks.trading_r1.corpora import settings_of, write_data

NEWS, WORDS = 1_500, 400
"""Some 3 MB of text a market: more than a page of rows takes."""


@pytest.mark.heavy
def test_pages_of_several_markets_take_less_memory_than_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "PAGE", 16)
    data = write_data(tmp_path / "data", "AAA", "BBB", "CCC", news=NEWS, words=WORDS)
    settings = settings_of(data, "AAA", "BBB", "CCC", variants=1)
    other = settings_of(write_data(tmp_path / "other", "ZZZ"), "ZZZ", variants=1)
    build_corpus(tmp_path / "small", other)  # what is kept for good is there before it is measured
    which = markets_of(settings)[0]
    forget_markets()
    tracemalloc.start()
    try:
        before = used()
        market = labelled(which, settings)
        size = used() - before
        del market
        forget_markets()
        peaks: dict[str, list[int]] = {}

        def watch(name: str, *_: int) -> None:
            if name in peaks:  # the page before was of the same market
                peaks[name].append(tracemalloc.get_traced_memory()[1] - before)
            peaks.setdefault(name, [])
            tracemalloc.reset_peak()

        build_corpus(tmp_path / "corpus", settings, watch=watch)
    finally:
        tracemalloc.stop()
    written = [peak for name in ("AAA", "BBB", "CCC") for peak in peaks[name]]
    assert len(written) > 12 and size > 2e6
    print(f"a market takes {size / 1e6:.1f} MB, pages {max(written) / size:.2f} of it at most")
    assert max(written) < 2 * size


def used() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
