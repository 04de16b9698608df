"""Markets as Hugging Face data sets: on disk, and on the hub.

A market is three configurations of one repository: ``bars``, ``documents`` (left out where there
are none, since ``datasets`` cannot read an empty one back), and ``about``, a single row with what
stands in neither. Bars of other lengths, and their texts, stand beside them, such as ``bars-4h``.
It comes back to the last bit.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from investorbench_env.errors import (
    CorruptDataError,
    DataNotFoundError,
    MissingDependencyError,
)
from investorbench_env.market.files import saved
from investorbench_env.market.market import Market

if TYPE_CHECKING:
    from datasets import Dataset

HUB_SPLIT = "train"
"""The hub wants a split's name for everything; here it means nothing."""


def to_datasets(market: Market) -> dict[str, "Dataset"]:
    """A market as data sets, by name."""
    datasets = _library()
    import pyarrow as pa

    tables = saved.to_tables(market)
    parts: dict[str, pa.Table] = {}
    about = _add_parts(parts, tables, "")
    about["intervals"] = {
        name: _add_parts(parts, other, f"-{name}") for name, other in tables.intervals.items()
    }
    parts["about"] = pa.table({"about": [json.dumps(about, sort_keys=True)]})
    return {
        name: datasets.Dataset(datasets.table.InMemoryTable(table)) for name, table in parts.items()
    }


def _add_parts(parts: dict[str, Any], tables: saved.Tables, suffix: str) -> dict[str, Any]:
    """Put a market's tables among the parts; the row about them."""
    parts[f"bars{suffix}"] = tables.bars
    if len(tables.documents):
        parts[f"documents{suffix}"] = tables.documents
    return {**tables.about, "texts": len(tables.documents)}


def save_to_disk(market: Market, folder: str | os.PathLike[str]) -> None:
    """Write the data sets into a folder, as ``datasets`` does."""
    for name, part in to_datasets(market).items():
        part.save_to_disk(str(Path(folder, name)))


def load_from_disk(folder: str | os.PathLike[str]) -> Market:
    """The market that ``save_to_disk`` wrote.

    Raises:
        DataNotFoundError: there is none.
    """
    datasets = _library()
    if not Path(folder, "about").is_dir():
        raise DataNotFoundError(f"no market was saved in {folder}: it has no folder 'about'")
    return _market(lambda name: datasets.load_from_disk(str(Path(folder, name))), str(folder))


def push_to_hub(
    market: Market, repository: str, *, private: bool = True, token: str | None = None
) -> None:
    """Send a market to the hub; private by default, since most data may not be passed on.

    Args:
        market: what to send.
        repository: ``"user/name"``.
        private: whether a repository that is made for it is private.
        token: of the hub; else the one that the user logged in with.
    """
    for name, part in to_datasets(market).items():
        part.push_to_hub(
            repository, config_name=name, split=HUB_SPLIT, private=private, token=token
        )


def load_from_hub(
    repository: str, *, revision: str | None = None, token: str | None = None
) -> Market:
    """The market that ``push_to_hub`` sent.

    Args:
        repository: ``"user/name"``.
        revision: a commit or tag, so that a result can be repeated.
        token: for a private repository.
    """
    datasets = _library()

    def part(name: str) -> Any:
        return datasets.load_dataset(
            repository, name, split=HUB_SPLIT, revision=revision, token=token
        )

    return _market(part, repository)


def _market(part: Callable[[str], Any], origin: str) -> Market:
    """A market from its parts, each of them asked for by name."""
    try:
        about = json.loads(_table(part("about"))["about"][0].as_py())
        intervals = {
            name: _market_of_parts(part, row, f"-{name}", origin)
            for name, row in about.get("intervals", {}).items()
        }
        return _market_of_parts(part, about, "", origin, intervals)
    except (KeyError, IndexError, TypeError, FileNotFoundError, json.JSONDecodeError) as error:
        raise CorruptDataError(f"{origin}: not a market ({error!r})") from error


def _market_of_parts(
    part: Callable[[str], Any],
    about: Mapping[str, Any],
    suffix: str,
    origin: str,
    intervals: Mapping[str, Market] | None = None,
) -> Market:
    documents = _table(part(f"documents{suffix}")) if about["texts"] else None
    bars = _table(part(f"bars{suffix}"))
    return saved.from_tables(bars, documents, about, origin=origin, intervals=intervals)


def _table(dataset: Any) -> Any:
    return dataset.with_format("arrow")[:]


def _library() -> Any:
    try:
        import datasets
    except ImportError:
        raise MissingDependencyError(
            "datasets", "data", "reading and writing Hugging Face data sets"
        ) from None
    return datasets
