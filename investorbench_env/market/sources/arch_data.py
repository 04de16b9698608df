"""Twenty years of two stock indices, from the files that the package ``arch`` carries.

They are Yahoo's daily figures of 1999 to 2018, under the licence of ``arch`` (NCSA). Nothing is
copied from there, and ``arch`` is not imported, which would bring SciPy and statsmodels.
"""

import zlib
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench_env.errors import CorruptDataError, MissingDependencyError
from investorbench_env.market.market import Market

if TYPE_CHECKING:
    import pandas as pd

DIVIDEND_YIELDS = {"SP500": 2, "NASDAQ": 1}
"""What the companies of each index paid a year in those years, in percent of its level."""
FEW = 0.01
"""A share of sessions that chance may give."""
COLUMNS = {"Date": "date", "High": "high", "Low": "low", "Close": "close", "Volume": "volume"}


def read(symbol: str) -> Market | None:
    """The market of an index; None where ``arch`` has no such index.

    Raises:
        MissingDependencyError: ``arch`` is not installed.
        CorruptDataError: its file is of another form.
    """
    from investorbench_env.market.files.assemble import assemble

    if symbol not in DIVIDEND_YIELDS:
        return None
    file = _folder(symbol) / f"{symbol.lower()}.csv.gz"
    rows = _rows(file)
    return assemble(
        symbol,
        "index",
        rows[list(COLUMNS)].rename(columns=COLUMNS),
        source=f"{file.name} of the package arch (NCSA licence)",
        origin=str(file),
        findings=(
            f"a price index: Buy & Hold lacks some {DIVIDEND_YIELDS[symbol]} % of dividends a year",
            "cash earns nothing, where Treasury bills earned some 2 % a year",
            _without_opens(rows),
        ),
    )


def _without_opens(rows: "pd.DataFrame") -> str:
    """Why there are none: at the open of an index nothing could be had."""
    unmoved = rows["Open"].to_numpy()[1:] == rows["Close"].to_numpy()[:-1]
    reason = "opens are left out, for stocks that have not traded yet count at their last price"
    if unmoved.mean() < FEW:
        return reason
    return f"{reason}: {unmoved.sum():,} of {len(unmoved):,} are the close before, to the cent"


def _folder(symbol: str) -> Traversable:
    package: Any = find_spec("arch")
    if package is None:
        raise MissingDependencyError("arch", "stats", f"the real market of {symbol}")
    folder: Traversable = package.loader.get_resource_reader("arch").files()
    return folder / "data" / symbol.lower()


def _rows(file: Traversable) -> "pd.DataFrame":
    import pandas as pd

    try:
        with file.open("rb") as stream:
            rows = pd.read_csv(stream, compression="gzip")
        rows["Date"] = pd.to_datetime(rows["Date"], format="%m/%d/%Y")
        prices = rows[["Open", *list(COLUMNS)[1:]]].astype(float)
    except (OSError, EOFError, zlib.error, KeyError, ValueError) as error:
        raise CorruptDataError(
            f"{file}: not the file that arch 7 and 8 carry ({error!r}); pip install 'arch>=7'"
        ) from error
    return prices.assign(Date=rows["Date"], row=np.arange(len(rows)) + 1)
