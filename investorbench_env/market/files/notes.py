"""Insider transactions and analysts' ratings as documents, known once they were published."""

from collections.abc import Sequence

from investorbench_env.market.asset_classes import AssetClass
from investorbench_env.market.documents import Document
from investorbench_env.market.files.fundamentals import shortened
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.texts import Texts, document, known, text_cells
from investorbench_env.market.files.tidy import FileRows, read_rows


def insider(
    file: DataFile, spellings: Sequence[str], symbol: str, asset_class: AssetClass
) -> Texts:
    """Transactions, known when the report on them was accepted, else after its filing date.

    The day of a transaction, up to two business days before, is no moment of knowing it.
    """
    rows = read_rows(file, spellings)
    cells = zip(
        *(text_cells(rows.frame, name) for name in ("insider", "relation", "transaction")),
        # A column "price" is known as that of closes.
        *(_numbers(rows, name) for name in ("shares", "close")),
        strict=True,
    )
    words = []
    for name, relation, transaction, shares, price in cells:
        who = f"{name}, {relation}" if relation else name
        at = f" at {price}" if price else ""
        words.append(f"{who}: {transaction or 'transaction'} of {shares} shares{at}")
    return _texts(rows, words, symbol, asset_class)


def analyst(
    file: DataFile, spellings: Sequence[str], symbol: str, asset_class: AssetClass
) -> Texts:
    """Ratings and target prices, known when they were published, else after their day."""
    rows = read_rows(file, spellings)
    cells = zip(
        *(text_cells(rows.frame, name) for name in ("firm", "analyst", "rating")),
        text_cells(rows.frame, "previous_rating"),
        *(_numbers(rows, name) for name in ("target_price", "previous_target")),
        strict=True,
    )
    words = []
    for firm, name, rating, before, target, former in cells:
        who = ", ".join(filter(None, (firm, name)))
        now = f"{rating} (before {before})" if before else rating
        aim = f", target {target}" if target else ""
        aim += f" (before {former})" if target and former else ""
        words.append(f"{who}: {now}{aim}")
    return _texts(rows, words, symbol, asset_class)


def _texts(rows: FileRows, words: Sequence[str], symbol: str, asset_class: AssetClass) -> Texts:
    times = known(rows, asset_class)
    documents: list[Document] = [
        document(
            kind=rows.file.kind,
            symbol=symbol,
            available_at=moment,
            title="",
            text=text,
            source=rows.file.path.name,
        )
        for moment, text in zip(times.times, words, strict=True)
        if moment is not None
    ]
    return Texts(documents=tuple(documents), findings=times.findings)


def _numbers(rows: FileRows, name: str) -> list[str]:
    """A column of numbers, shortened; what is none stays as it is written."""
    return [_number(cell) for cell in text_cells(rows.frame, name)]


def _number(cell: str) -> str:
    try:
        value = float(cell.replace(",", "").lstrip("$"))
    except ValueError:
        return cell
    return shortened(value) if value == value else ""
