"""The warm-up and test windows of each asset class, REFERENCE.md §1.1."""

from dataclasses import dataclass
from typing import Literal

from investorbench_env.errors import UnknownNameError

SplitName = Literal["warmup", "test"]


@dataclass(frozen=True, slots=True)
class Split:
    """A window of dates ``YYYY-MM-DD``, both ends inclusive."""

    start: str
    end: str


SPLITS: dict[str, dict[SplitName, Split]] = {
    "stock": {
        "warmup": Split("2020-07-01", "2020-09-30"),
        "test": Split("2020-10-01", "2021-05-06"),
    },
    "crypto": {
        "warmup": Split("2023-02-11", "2023-04-04"),
        "test": Split("2023-04-05", "2023-11-05"),
    },
    "etf": {
        "warmup": Split("2019-07-29", "2019-12-30"),
        "test": Split("2020-01-02", "2020-09-21"),
    },
}


def find_split(
    asset_class: str, name: str, start: str | None = None, end: str | None = None
) -> Split:
    """A split by name, with its dates overridden where others are given.

    Raises:
        UnknownNameError: there is no split of that name.
    """
    splits = SPLITS[asset_class]
    for known, split in splits.items():
        if known == name:
            return Split(start or split.start, end or split.end)
    raise UnknownNameError("split", name, splits)
