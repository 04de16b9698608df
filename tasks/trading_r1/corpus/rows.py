"""What a corpus consists of: its rows, and the files that they are written to and read from.

It knows how a row looks, and not where one comes from; docs/corpus.md has every field.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast, get_args

from investorbench.tasks.record.files import read_json
from investorbench.tasks.trading_r1.corpus.shapes import ROW, unlike
from investorbench_env.errors import DataNotFoundError, InvestorBenchError, UnknownNameError
from investorbench_env.whole_files import written_whole

if TYPE_CHECKING:
    import pyarrow as pa

CorpusSplit = Literal["train", "test"]
SPLITS: tuple[CorpusSplit, ...] = get_args(CorpusSplit)
MANIFEST = "manifest.json"
PAGE_ROWS = 256
"""Rows of a group of the Parquet file, so many of which are in memory at once."""


class ChatMessage(TypedDict):
    """One message of a conversation, as TRL's ``messages`` format has it."""

    role: Literal["system", "user", "assistant"]
    content: str


class CorpusRow(TypedDict):
    """One briefing with its label, and what a teacher wrote about it.

    Attributes:
        id: names the row in its corpus: market, day and variant.
        market: names the market in the manifest, which has its task and its thresholds.
        task: the id of the environment that the day is of.
        symbol: the asset.
        market_seed: that its simulated market was drawn with; None where there is one market alone.
        date: the session of the decision, ``YYYY-MM-DD``.
        split: ``"train"`` or ``"test"``.
        variant: the number of the briefing among those of its day, from 0.
        seed: of the briefing.
        label: the true class, one of ``CLASSES``.
        score: what the label follows from.
        horizon_return: the asset's simple return over the next 7 sessions.
        daily_volatility: standard deviation of its daily returns over the last 20 sessions.
        round_trip_rate: what buying and selling cost together, as a share of the position.
        briefing_sha256: of the text of the briefing.
        ids: of its pieces, which a thesis may cite.
        prompt: system and user; the user's message is the briefing.
        messages: the same, and the assistant's where there is a completion.
        completion: what the teacher wrote; None without a teacher, or where it was rejected.
        teacher: the model that wrote it, by its name; None without a completion.
        stage: the last stage of training whose filter it passes, ``"I"`` to ``"III"``.
        rejected: what the last try of the teacher failed by: ``"structure"``, ``"evidence"``,
            ``"direction"`` or ``"no answer"``; None where it passed, or nothing was asked.
        structure, evidence, decision: the completion's rewards; None without one.
    """

    id: str
    market: str
    task: str
    symbol: str
    market_seed: int | None
    date: str
    split: CorpusSplit
    variant: int
    seed: int
    label: str
    score: float
    horizon_return: float
    daily_volatility: float
    round_trip_rate: float
    briefing_sha256: str
    ids: list[str]
    prompt: list[ChatMessage]
    messages: list[ChatMessage]
    completion: str | None
    teacher: str | None
    stage: str | None
    rejected: str | None
    structure: float | None
    evidence: float | None
    decision: float | None


FIELDS = tuple(CorpusRow.__annotations__)
"""The fields of a row, in the order of the files."""


def row_line(row: CorpusRow) -> bytes:
    """A row as a line of JSON, its end included: equal rows are equal to the byte."""
    content = {name: row[name] for name in FIELDS}  # type: ignore[literal-required]
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


def row_of(line: bytes, where: str) -> CorpusRow:
    """The row in a line of JSON.

    Args:
        line: with or without its end.
        where: what a message calls it.

    Raises:
        InvestorBenchError: it is none, or lacks fields; and which.
    """
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvestorBenchError(f"{where} is no JSON: {error}; build the corpus again") from None
    if not isinstance(content, dict):
        raise InvestorBenchError(f"{where} is no row of a corpus: no object; build it again")
    if missing := [name for name in FIELDS if name not in content]:
        fault = f"it lacks {', '.join(missing)}"
    elif wrong := unlike(content, ROW):
        fault = wrong
    else:
        return cast(CorpusRow, content)
    raise InvestorBenchError(f"{where} is no row of a corpus: {fault}; build the corpus again")


def file_of(folder: Path, split: CorpusSplit, suffix: str = "jsonl") -> Path:
    """Where a split of a corpus is."""
    if split not in SPLITS:
        raise UnknownNameError("split of a corpus", split, SPLITS)
    return folder / f"{split}.{suffix}"


def read_rows(folder: Path, split: CorpusSplit) -> Iterator[CorpusRow]:
    """The rows of a split, one at a time, in the order of the file.

    Raises:
        DataNotFoundError: there is no such file.
        InvestorBenchError: a line is no row; and which.
    """
    path = file_of(folder, split)
    if not path.exists():
        raise DataNotFoundError(
            f"{folder} holds no {path.name}: build a corpus with investorbench corpus build"
        )
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            yield row_of(line, f"line {number} of {path}")


def read_manifest(folder: Path) -> Mapping[str, Any]:
    """What a corpus was made from: settings, markets, thresholds, counts and hashes of its files.

    Raises:
        DataNotFoundError: the corpus is not finished, or there is none.
        InvestorBenchError: it cannot be read.
    """
    path = folder / MANIFEST
    if not path.exists():
        raise DataNotFoundError(
            f"{folder} holds no finished corpus, which has a {MANIFEST}: build it, or go on with "
            "it, with investorbench corpus build"
        )
    return read_json(path)


def write_rows(path: Path, rows: Iterable[CorpusRow]) -> int:
    """Write rows as JSON lines, atomically, and return how many."""
    number = 0
    with written_whole(path) as file:
        for row in rows:
            file.write(row_line(row))
            number += 1
    return number


def write_parquet(jsonl: Path, parquet: Path) -> None:
    """Write the rows of a JSON lines file as Parquet, atomically, a page in memory at a time."""
    import pyarrow.parquet as pq

    schema = parquet_schema()
    with written_whole(parquet) as file, pq.ParquetWriter(file, schema, compression="zstd") as out:
        page: list[CorpusRow] = []
        with jsonl.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                page.append(row_of(line, f"line {number} of {jsonl}"))
                if len(page) == PAGE_ROWS:
                    _write_page(out, page, schema)
                    page.clear()
        if page:
            _write_page(out, page, schema)


def read_parquet(path: Path) -> Iterator[CorpusRow]:
    """The rows of a Parquet file, a page in memory at a time.

    Raises:
        InvestorBenchError: it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for page in file.iter_batches(PAGE_ROWS):
                yield from page.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InvestorBenchError(f"{path} cannot be read: {error}") from None


def parquet_schema() -> "pa.Schema":
    """The columns of the Parquet file; those of the JSON lines, in the same order."""
    import pyarrow as pa

    text, number, whole = pa.string(), pa.float64(), pa.int64()
    chat = pa.list_(pa.struct([("role", text), ("content", text)]))
    other = {
        **dict.fromkeys(("market_seed", "variant", "seed"), whole),
        **dict.fromkeys(
            (
                "score", "horizon_return", "daily_volatility", "round_trip_rate",
                "structure", "evidence", "decision",
            ),
            number,
        ),
        "ids": pa.list_(text),
        "prompt": chat,
        "messages": chat,
    }  # fmt: skip
    return pa.schema([(name, other.get(name, text)) for name in FIELDS])


def _write_page(out: Any, page: list[CorpusRow], schema: "pa.Schema") -> None:
    import pyarrow as pa

    out.write_table(pa.Table.from_pylist(page, schema=schema))
