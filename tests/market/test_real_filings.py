"""Filings as they were filed: every item that their contents name is at its place."""

from functools import cache
from pathlib import Path

import pytest

from investorbench_env.market.filings import CutFiling, cut

ANNUAL = "1 1A 1B 1C 2 3 4 5 6 7 7A 8 9 9A 9B 9C 10 11 12 13 14 15 16"
BEFORE_2021 = "1 1A 1B 2 3 4 5 6 7 7A 8 9 9A 9B 10 11 12 13 14 15 16"
QUARTERLY = "I.1 I.2 I.3 I.4 II.1 II.1A II.2 II.3 II.4 II.5 II.6"

PAGES = {
    "AAPL-10-K-2024-11-01": ("2024-09-28", ANNUAL),
    "AMZN-10-K-2025-02-07": ("2024-12-31", ANNUAL),
    "TSLA-10-K-2025-01-30": ("2024-12-31", ANNUAL),
    "old-10-K-1999": ("1999-06-30", "1 2 3 4 5 6 7 7A 8 9 10 11 12 13 14"),
    "AAPL-10-Q-2025-08-01": ("2025-06-28", QUARTERLY),
    "TSLA-10-Q-2025-07-24": ("2025-06-30", QUARTERLY),
    "NVDA-10-Q-2025-08-27": ("2025-07-27", "I.1 I.2 I.3 I.4 II.1 II.1A II.2 II.5 II.6"),
    "JNJ-10-Q-2025-07-24": ("2025-06-29", "I.1 I.2 I.3 I.4 II.1 II.2 II.5 II.6"),
    "foreign-20-F-2016": (
        "2015-12-31",
        "1 2 3 3A 3B 3C 3D 4 4A 5 6 7 8 9 10 11 12 13 14 15 16A 16B 16C 16D 16E 16F 16G 16H "
        "17 18 19",
    ),
    "BKE-8-K": ("2024-11-22", "2.02 9.01"),
    "JWN-8-K": ("2023-03-01", "5.02 9.01"),
    "ORCL-8-K": ("2024-11-14", "5.07"),
    "BKE-8-K-EX-99.1": ("2024-11-22", ""),
    "PHG-6-K": ("2023-01-30", ""),
}
"""Period and items, as a reader finds them in the table of contents and turning the pages."""

PLACES = {
    "AAPL-10-K-2024-11-01": {
        "1": ("Company Background", "inactive textual references only."),
        "1A": ("The Company’s business, reputation", "confidence and employee retention."),
        "3": ("Digital Markets Act Investigations", "could be materially adversely affected."),
        "7": ("The following discussion should be read", "condition and operating results."),
        "7A": ("The Company is exposed to economic risk", "foreign currency derivatives."),
    },
    "TSLA-10-K-2025-01-30": {
        "1": ("Overview", "by reference into this Annual Report on Form 10-K."),
        "1A": ("You should carefully consider the risks", "to pay for our common stock."),
        "7": ("The following discussion and analysis", "in this Annual Report on Form 10-K."),
        "7A": ("Foreign Currency Risk", "assuming no foreign currency hedging."),
    },
    "AMZN-10-K-2025-02-07": {
        "1A": ("Please carefully consider the following", "at any time, without cause."),
        "7": ("Forward-Looking Statements", "or legal settlements are concluded."),
        "7A": ("We are exposed to market risk", "for additional information."),
    },
    "old-10-K-1999": {
        "1": ("The Company\n\nMedicis", "could be substantially diminished."),
        "2": ("The Company presently occupies", "Quebec, Canada, under a lease agreement that"),
        "4": ("No matters were submitted", "the fourth quarter of fiscal 1999."),
        "7": ("Information required by this item", "1999 Annual Report to Shareholders."),
    },
    "AAPL-10-Q-2025-08-01": {
        "I.1": ("Apple Inc.\n\nCONDENSED CONSOLIDATED", "$  93,625"),
        "I.2": ("This Item and other sections", "accounting estimates since the 2024 Form 10-K."),
        "II.1": ("Digital Markets Act Investigations", "materially adversely affected."),
    },
    "JNJ-10-Q-2025-07-24": {
        "I.1": ("Johnson & Johnson and subsidiaries", "December 29, 2024 were insignificant."),
        "I.2": ("Results of operations", "one or more valid patents are in place."),
    },
    "NVDA-10-Q-2025-08-27": {
        "I.1": ("NVIDIA Corporation and Subsidiaries", "weighted average discount rate of 4.16%."),
        "I.2": ("Forward-Looking Statements", "recently issued accounting pronouncements."),
    },
    "foreign-20-F-2016": {
        "3D": ("There are a number of risks", "listing application would be accepted."),
        "5": ("See the management's discussion", "G.  Safe Harbor\n\nNot applicable."),
        "16B": ("The Company has adopted a code", "culture of ethical business conduct."),
    },
    "JWN-8-K": {"5.02": ("e) Compensatory Arrangements", "this Current Report on Form 8-K.")},
    "BKE-8-K": {"2.02": ("On November 22, 2024", "by specific reference in such filing.")},
    "ORCL-8-K": {"5.07": ("On November 14, 2024", "250,464,124 broker non-votes.")},
}
"""The first and the last words of items, found by eye."""


@cache
def page(data_folder: Path, name: str) -> CutFiling:
    text = (data_folder / "filings_html" / f"{name}.html").read_text(encoding="utf-8")
    kind = next(kind for kind in ("10-K", "10-Q", "20-F", "8-K", "6-K") if kind in name)
    return cut(text, kind)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_edgar_has_the_items_of_its_contents(data_folder: Path, name: str) -> None:
    period, items = PAGES[name]
    found = page(data_folder, name)
    assert found.period == period
    assert " ".join(section.item for section in found.sections).strip() == items
    assert found.by == ("items" if items else "size")


@pytest.mark.parametrize("name", PLACES)
def test_an_item_begins_and_ends_with_its_own_words(data_folder: Path, name: str) -> None:
    sources = {section.item: section.source for section in page(data_folder, name).sections}
    for item, (first, last) in PLACES[name].items():
        assert sources[item].startswith(first), item
        assert last in sources[item][-300:], item


def test_texts_without_the_lines_of_the_page_have_their_items_too(data_folder: Path) -> None:
    import pandas as pd

    texts = pd.read_parquet(data_folder / "text" / "filings_text.parquet")
    for row in texts.itertuples():
        if row.item != "FULL":
            continue
        found = cut(row.text, row.form)
        year = row.filing_date.year
        wanted = {
            "10-K": ANNUAL if year > 2021 else BEFORE_2021,
            "10-Q": QUARTERLY,
            "10-K/A": "10 11 12 13 14 15",
        }[row.form]
        assert " ".join(section.item for section in found.sections) == wanted, row[:4]


def test_an_item_that_is_there_by_itself_is_the_item_of_the_whole(data_folder: Path) -> None:
    """Another hand has cut the same filings; where it failed, its text is far shorter."""
    import pandas as pd

    texts = pd.read_parquet(data_folder / "text" / "filings_text.parquet")
    compared = 0
    for _, rows in texts[texts.accession != ""].groupby("accession"):
        whole = rows[rows.item == "FULL"]
        if len(whole) != 1:
            continue
        found = cut(whole.text.iloc[0], whole.form.iloc[0])
        ours = {section.item: "".join(section.source.split()) for section in found.sections}
        for row in rows[rows.item != "FULL"].itertuples():
            theirs = "".join(row.text.split())
            own = ours[row.item.removeprefix("Item ")]
            if len(theirs) > 0.5 * len(own):
                assert theirs[100:400] in own
                assert abs(len(theirs) - len(own)) < 0.1 * len(own), row[1:6]
                compared += 1
    assert compared > 15
