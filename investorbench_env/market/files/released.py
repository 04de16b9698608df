"""Files that InvestorBench (Li et al., 2025) released: a price, news and filings by date."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.asset_classes import AssetClass
from investorbench_env.market.documents import NEWS, Document, Sentiment
from investorbench_env.market.files.knowing import moments_ended
from investorbench_env.market.files.moments import EARLIEST_YEAR, LATEST_YEAR
from investorbench_env.market.files.sentiments import WORDS
from investorbench_env.market.files.texts import document, replaced
from investorbench_env.market.market import MOST_PRICE

if TYPE_CHECKING:
    import pandas as pd

FORMS = {"10k": "10-K", "10q": "10-Q"}
SUFFIX = re.compile(r"\s*\(\s*sentiment\s*:\s*(\w+)\s*\)\s*\.?\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What one released file holds.

    Attributes:
        bars: date, close and row of each date that has a price.
        documents: news and filings, repeated items included.
        findings: what was odd, in words.
    """

    bars: "pd.DataFrame"
    documents: tuple[Document, ...]
    findings: tuple[str, ...]


def read_released(path: Path, symbol: str, asset_class: AssetClass) -> Released:
    """Read a released file; its texts have no time of day, so they count once it has ended.

    Raises:
        CorruptDataError: it is not JSON of that form; the message names the date.
    """
    import pandas as pd

    days = _parsed(path.read_bytes(), path)
    dates = np.array(list(days), dtype="datetime64[D]")
    prices = [_price(path, day, entry) for day, entry in days.items()]
    bars = pd.DataFrame(
        {
            "date": dates.astype("datetime64[ns]"),
            "close": np.array(prices, dtype=float),
            "row": np.arange(len(dates)) + 1,
        }
    )
    documents: list[Document] = []
    findings: list[str] = []
    unlabelled = 0
    seen: Counter[str] = Counter()
    for moment, (day, entry) in zip(moments_ended(dates, asset_class), days.items(), strict=True):
        for item in _items(path, day, entry, "news"):
            text, sentiment = without_suffix(item)
            unlabelled += sentiment is None
            documents.append(
                document(
                    kind=NEWS,
                    symbol=symbol,
                    available_at=moment,
                    title="",
                    text=text,
                    sentiment=sentiment,
                    source="InvestorBench",
                )
            )
        for key, form in FORMS.items():
            documents += [
                document(
                    kind=form,
                    symbol=symbol,
                    available_at=moment,
                    title=form,
                    text=item.strip(),
                    source="InvestorBench",
                )
                for item in _items(path, day, entry, key)
            ]
    documents = [_distinct(row, seen) for row in documents]
    if repeated := sum(seen.values()) - len(seen):
        # The published results count them, so they stay.
        findings.append(f"{repeated} repeated items in the release, kept")
    if missing := int(np.isnan(bars["close"]).sum()):
        findings.append(f"{missing} dates without a price")
    findings += replaced(
        item
        for day, entry in days.items()
        for key in ("news", *FORMS)
        for item in _items(path, day, entry, key)
    )
    if unlabelled:
        findings.append(f"{unlabelled} news items without a sentiment")
    return Released(bars=bars, documents=tuple(documents), findings=tuple(findings))


def what_is_inside(asset_class: AssetClass) -> str:
    """What every released file of a class lacks, in words."""
    lacks = "close only: open, high, low and volume are unknown"
    return f"{lacks}, dividends are inside the price" if asset_class.corporate_actions else lacks


def dates_in(content: bytes, place: Path | str) -> list[str]:
    """The dates of a released file, from its bytes.

    Raises:
        CorruptDataError: it is not JSON of that form; the message names the place.
    """
    return list(_parsed(content, place))


def without_suffix(item: str) -> tuple[str, Sentiment | None]:
    """A news text without its "(sentiment: positive)", and that sentiment."""
    found = SUFFIX.search(item)
    sentiment = WORDS.get(found[1].lower()) if found else None
    if found is None or sentiment is None:
        return item.strip(), None
    return item[: found.start()].strip(), sentiment


def _distinct(row: Document, seen: Counter[str]) -> Document:
    """The document, with an id of its own where the same item came before."""
    seen[row.id] += 1
    return row if seen[row.id] == 1 else replace(row, id=f"{row.id}-{seen[row.id]}")


def _parsed(content: bytes, path: Path | str) -> dict[str, Mapping[str, Any]]:
    """The entries by date, in order."""
    try:
        days = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once(path))
    except json.JSONDecodeError as error:
        raise CorruptDataError(
            f"{path}, line {error.lineno}, character {error.pos:,}: not JSON ({error.msg}); "
            "cut off?"
        ) from error
    except UnicodeDecodeError as error:
        raise CorruptDataError(f"{path}, byte {error.start:,}: not UTF-8 text") from error
    except (RecursionError, ValueError) as error:  # lists in lists, numbers of thousands of digits
        raise CorruptDataError(f"{path}: not readable as JSON ({error})") from error
    if not isinstance(days, dict) or not days:
        raise CorruptDataError(f"{path}: it holds no dates")
    for day, entry in days.items():
        if not _is_date(day):
            raise CorruptDataError(
                f"{path}: {day!r:.40} is not a date YYYY-MM-DD of {EARLIEST_YEAR} to {LATEST_YEAR}"
            )
        if not isinstance(entry, dict):
            raise CorruptDataError(f"{path}, {day}: expected an object, got {entry!r:.40}")
    return dict(sorted(days.items()))


def _is_date(day: str) -> bool:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", day, re.ASCII) is None:
        return False
    try:
        return EARLIEST_YEAR <= date.fromisoformat(day).year <= LATEST_YEAR
    except ValueError:
        return False


def _once(path: Path | str) -> Any:
    """JSON silently keeps the last of two equal keys; a date given twice must not vanish so."""

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(pairs)
        if len(built) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            first, second = (value for key, value in pairs if key == twice)
            if first != second:
                raise CorruptDataError(f"{path}: {twice!r} is given twice, and differently")
        return built

    return build


def _price(path: Path, day: str, entry: Mapping[str, Any]) -> float:
    price = entry.get("prices")
    if price is None:
        return float("nan")
    if isinstance(price, bool) or not isinstance(price, int | float):
        raise CorruptDataError(f"{path}, {day}: prices is {price!r:.40}, expected a number")
    if not abs(price) <= MOST_PRICE:
        raise CorruptDataError(
            f"{path}, {day}: prices is {float(str(price)):g}, expected a number that is finite, or "
            "null for none"
        )
    return float(price)


def _items(path: Path, day: str, entry: Mapping[str, Any], key: str) -> list[str]:
    items = entry.get(key) or []
    if isinstance(items, str):
        items = [items]
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise CorruptDataError(f"{path}, {day}: {key} is not a list of texts")
    return [item for item in items if item.strip()]
