"""All that was known of several assets at a decision: ``info["history"]`` of a portfolio.

As a past of one asset it is the rows since the decision before, and what was known then: it leads
to no market, and costs a step no more than those rows.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from investorbench_env.errors import UnknownNameError
from investorbench_env.market.bar_rows import BAR
from investorbench_env.market.documents import Document
from investorbench_env.market.past import Past, PastElsewhere


class Pasts(Mapping[str, Past]):
    """The past of each asset by its symbol, put together when it is asked for.

    A copy is the same. One that is pickled stays behind as its pasts do, in whose places others
    stand that say so.
    """

    __slots__ = ("_before", "_documents", "_made", "_rows", "_symbols")

    def __init__(
        self,
        symbols: tuple[str, ...],
        before: "Pasts | None",
        rows: bytes,
        documents: tuple[Document, ...],
    ) -> None:
        """What is new, and what was known before.

        Args:
            symbols: of the A assets.
            before: what was known at the decision before.
            rows: the bars since, as ``BAR`` [K, A].
            documents: that became available since.
        """
        self._symbols = symbols
        self._before = before
        self._rows = rows
        self._documents = documents
        self._made: dict[str, Past] = {}

    def __getitem__(self, symbol: str) -> Past:
        """The past of one asset.

        Raises:
            UnknownNameError: it is none of them.
        """
        if symbol not in self._symbols:
            raise UnknownNameError("symbol", symbol, self._symbols)
        asset = self._symbols.index(symbol)
        part: Pasts | None = self
        missing = []
        while part is not None and symbol not in part._made:
            missing.append(part)
            part = part._before
        past = None if part is None else part._made[symbol]
        for part in reversed(missing):
            documents = tuple(row for row in part._documents if row.symbol == symbol)
            past = part._made[symbol] = Past(symbol, past, part._rows_of(asset), documents)
        assert past is not None
        return past

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._symbols

    def __iter__(self) -> Iterator[str]:
        return iter(self._symbols)

    def __len__(self) -> int:
        return len(self._symbols)

    def __copy__(self) -> "Pasts":
        return self

    def __deepcopy__(self, memo: Mapping[int, Any]) -> "Pasts":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        last = {
            symbol: self._rows_of(asset)[-BAR.itemsize :]
            for asset, symbol in enumerate(self._symbols)
        }
        return _elsewhere, (last,)

    def __repr__(self) -> str:
        return f"Pasts({', '.join(self._symbols)})"

    def _rows_of(self, asset: int) -> bytes:
        rows = np.frombuffer(self._rows, BAR).reshape(-1, len(self._symbols))
        return rows[:, asset].tobytes()


def _elsewhere(last: Mapping[str, bytes]) -> dict[str, Past]:
    return {symbol: PastElsewhere(symbol, row) for symbol, row in last.items()}
