"""Data sets on the Hugging Face hub: what a repository holds, whole files, and parts of files.

It knows the hub and nothing of what is in a data set. ``$HF_ENDPOINT`` takes the hub's place, and
``$HF_TOKEN`` is sent where it is set: to the hub, and never on to the storage that it leads to.
"""

import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import quote

from investorbench_env.market.files import store
from investorbench_env.market.sources.contracts import Contract, Probe, Refusal
from investorbench_env.market.sources.http import (
    Downloader,
    DownloadError,
    NotThereError,
    RefusedError,
    Response,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.parquet as pq

Got = TypeVar("Got")

ENDPOINT = "https://huggingface.co"
SHORT = "https://hf.co/datasets"
"""The same, in addresses that are shown."""
VARIABLE = "HF_ENDPOINT"
TOKEN = "HF_TOKEN"
NO_SUCH_SET, NO_PARTS = "no such set", "no parts"
TAIL = 1 << 16
"""Bytes from the end of a Parquet file, in which its table of contents nearly always fits."""
STEP = 1 << 22
"""Bytes of a whole file that are asked for at once; a kill loses at most one."""


class HubFile(NamedTuple):
    """One file of a repository, at one commit; ``sha256`` is empty where the hub has none."""

    path: str
    url: str
    size: int
    sha256: str


def endpoint() -> str:
    """The hub's address."""
    return (os.environ.get(VARIABLE) or ENDPOINT).rstrip("/")


def _here(address: str) -> str:
    """An address that the hub names, at what takes its place: mirrors leave the hub's own in."""
    if address.startswith(f"{ENDPOINT}/"):
        return f"{endpoint()}{address.removeprefix(ENDPOINT)}"
    return address


def contract(source: str, repository: str) -> Contract:
    """What the hub must answer about a repository, and how it refuses.

    Args:
        source: the data set's name in messages.
        repository: ``"user/name"``.
    """
    page = f"{SHORT}/{repository}"
    return Contract(
        source=source,
        probe=Probe(path=f"/api/datasets/{repository}"),
        needs="description of a data set as JSON",
        form=lambda answer: b'"sha"' in answer.content,
        refusals=(
            Refusal(
                name="gated",
                matches=lambda answer: _code(answer) == "GatedRepo",
                says="only who has accepted the conditions of the data set may have it",
                then=f"accept them at {page}, then export {TOKEN}=…",
                state="wants a key",
            ),
            Refusal(
                name=NO_SUCH_SET,
                matches=lambda answer: _code(answer) == "RepoNotFound",
                says=f"the hub shows no data set {repository}, which may be renamed or private",
                then=f"look at {page}; for a private one export {TOKEN}=…",
                state="changed its form",
            ),
            Refusal(
                name="token",
                matches=lambda answer: answer.status == 401,
                says="the hub does not take who asks",
                then=f"export {TOKEN}=… with a token that is valid, or unset it",
                state="wants a key",
            ),
            Refusal(
                name="captcha",
                matches=lambda answer: (
                    answer.status == 405 or "x-amzn-waf-action" in answer.headers
                ),
                says="the hub asks for a captcha",
                then="try from another network, or with a token",
            ),
            Refusal(
                name="too many requests",
                matches=lambda answer: answer.status == 429,
                says="more requests than the hub takes in five minutes",
                then=f"wait, or export {TOKEN}=…, with which it takes more",
                passes=True,
            ),
            Refusal(
                name=NO_PARTS,
                matches=lambda answer: answer.status == 416,
                says="the storage gives no parts of files, and whole ones are too large",
                then="try again later, or fetch the data set with Hugging Face's own tools",
            ),
        ),
    )


def _code(answer: Response) -> str:
    return answer.headers.get("x-error-code", "") if answer.status >= 400 else ""


def files(downloader: Downloader, repository: str, folder: str = "") -> list[HubFile]:
    """The files in a folder of a repository and in all folders below, at its newest commit.

    Raises:
        DownloadError: there is no such data set, or it may not be had.
    """
    root = f"{endpoint()}/api/datasets/{repository}"
    commit = _text_of(downloader.json(root), "sha", repository)
    tree: str | None = f"{root}/tree/{commit}/{quote(folder)}".rstrip("/") + "?recursive=true"
    found: list[HubFile] = []
    seen: set[str] = set()
    while tree and tree not in seen:
        seen.add(tree)
        answer = downloader.get(tree)
        for entry in _entries(answer, repository):
            if entry.get("type") == "file":
                path = _text_of(entry, "path", repository)
                found.append(
                    HubFile(
                        path=path,
                        url=f"{endpoint()}/datasets/{repository}/resolve/{commit}/{quote(path)}",
                        size=int(entry.get("size") or 0),
                        sha256=str((entry.get("lfs") or {}).get("oid", "")),
                    )
                )
        # A long list comes in pages, each of which names the next.
        after = re.search(r'<([^>]+)>;\s*rel="next"', answer.headers.get("link", ""))
        tree = _here(after[1]) if after else None
    return found


def conversions(downloader: Downloader, repository: str) -> dict[str, dict[str, list[str]]]:
    """The addresses of the Parquet files into which the hub has converted a data set.

    Of a large one the hub converts a beginning, as a split whose name begins with ``partial-``.

    Returns:
        They, by configuration and split.

    Raises:
        DownloadError: the hub has converted nothing.
    """
    listed = downloader.json(f"{endpoint()}/api/datasets/{repository}/parquet")
    try:
        found = {
            str(configuration): {
                str(split): [_here(str(address)) for address in addresses]
                for split, addresses in splits.items()
            }
            for configuration, splits in listed.items()
        }
    except (AttributeError, TypeError):
        found = {}
    if not any(addresses for splits in found.values() for addresses in splits.values()):
        raise DownloadError(f"the hub lists no Parquet files of {repository}")
    return found


def whole(downloader: Downloader, file: HubFile, folder: Path, progress: Any = None) -> bytes:
    """All of a file, which stays in a folder, so that it is downloaded once and can be resumed.

    Args:
        downloader: what asks.
        file: which.
        folder: where it is kept.
        progress: called with the bytes that are there and those of the whole.

    Raises:
        DownloadError: it did not come, or is not what the hub says that it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = (
        folder / f"{(file.sha256 or store.sha256(file.url.encode()))[:32]}{Path(file.path).suffix}"
    )
    if kept.exists() and _is(content := kept.read_bytes(), file):
        downloader.records.append(_record(file, content))
        return content
    beginning = kept.with_name(f"{kept.name}.begun")
    before = list(downloader.records)
    with beginning.open("ab") as begun:
        while (at := begun.tell()) < file.size or not at:
            if progress is not None:
                progress(at, file.size)
            answer = _piece(downloader, file, at)
            if answer.status != 206:  # all of it, whatever was asked for
                begun.truncate(0)
            begun.write(answer.content)
            begun.flush()
            if answer.status != 206 or not answer.content:
                break
    content = beginning.read_bytes()
    if not _is(content, file):
        beginning.unlink()
        raise DownloadError(
            f"{file.url}: {len(content):,} bytes that are not the {file.size:,} that the hub "
            "lists; try again"
        )
    beginning.replace(kept)
    downloader.records[:] = [*before, _record(file, content)]
    return content


def _piece(downloader: Downloader, file: HubFile, at: int) -> Response:
    """The next bytes of a file, or all of it where the storage gives no parts."""
    end = min(at + STEP, file.size) - 1
    try:
        return downloader.get(file.url, headers=_range(f"{at}-{end}"))
    except RefusedError as error:
        if error.refusal.name != NO_PARTS:
            raise
        return downloader.get(file.url)


def _range(span: str) -> dict[str, str]:
    """Headers that ask for these bytes, as they are: a part of what is compressed is of no use."""
    return {"Range": f"bytes={span}", "Accept-Encoding": "identity"}


def _is(content: bytes, file: HubFile) -> bool:
    if len(content) != file.size:
        return False
    return not file.sha256 or hashlib.sha256(content).hexdigest() == file.sha256


def _record(file: HubFile, content: bytes) -> dict[str, Any]:
    return Response(url=file.url, content=content).record()


class Parts(io.RawIOBase):
    """A file on the hub of which only what is read is downloaded.

    Raises:
        RefusedError: the storage gives whole files alone.
    """

    def __init__(self, downloader: Downloader, url: str) -> None:
        super().__init__()
        self._downloader, self._url = downloader, url
        self._at = 0
        self._tail = b""
        self.size = 0
        answer, self.size = self._ask(f"-{TAIL}")
        self._tail = answer

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte, as of any file."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The next bytes, of which those at the end of the file are there already."""
        until = self.size if size is None or size < 0 else min(self._at + size, self.size)
        start = self._at
        if until <= start:
            return b""
        known_from = self.size - len(self._tail)
        if start >= known_from:
            content = self._tail[start - known_from : until - known_from]
        else:
            content, _ = self._ask(f"{start}-{until - 1}")
        if len(content) != until - start:
            raise DownloadError(f"{self._url}: {len(content):,} bytes came of {until - start:,}")
        self._at = until
        return content

    def _ask(self, span: str) -> tuple[bytes, int]:
        answer = self._downloader.get(self._url, headers=_range(span))
        total = re.search(r"/(\d+)$", answer.headers.get("content-range", ""))
        if answer.status != 206 or total is None:
            known = self._downloader.contract
            if known is None or len(answer.content) <= TAIL:
                # A file that is smaller than its table of contents may be: it is all there.
                return answer.content, len(answer.content)
            raise RefusedError(known.source, known.refusal(NO_PARTS))
        return answer.content, int(total[1])


class Found(NamedTuple):
    """The groups of rows of a Parquet file in which a symbol may be, and their bytes."""

    file: "pq.ParquetFile"
    groups: list[int]
    size: int


def groups_with(
    downloader: Downloader, url: str, column: str, spellings: Sequence[str], wanted: Sequence[str]
) -> Found:
    """Where in a Parquet file on the hub a symbol is, by its table of contents alone.

    Args:
        downloader: what asks.
        url: of the file.
        column: with the symbols.
        spellings: of the symbol.
        wanted: the columns that are to be read.

    Raises:
        DownloadError: it is no Parquet file, or has not these columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(Parts(downloader, url), pre_buffer=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DownloadError(f"{url}: not readable as Parquet ({error})") from error
    leaves = {file.metadata.schema.column(n).path: n for n in range(len(file.metadata.schema))}
    if lacking := [name for name in (column, *wanted) if name not in leaves]:
        raise DownloadError(f"{url}: there is no column {lacking[0]!r} in {list(leaves)}")
    groups, size = [], 0
    try:
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            if _may_hold(group.column(leaves[column]).statistics, spellings):
                groups.append(number)
                size += sum(group.column(leaves[name]).total_compressed_size for name in wanted)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DownloadError(f"{url}: not readable as Parquet ({error})") from error
    return Found(file, groups, size)


def _may_hold(statistics: Any, spellings: Sequence[str]) -> bool:
    """Whether a group of rows may hold a symbol, by the first and the last that it holds."""
    if statistics is None or not statistics.has_min_max or statistics.min is None:
        return True
    return any(str(statistics.min) <= name <= str(statistics.max) for name in spellings)


def rows_about(
    found: Found, column: str, spellings: Sequence[str], wanted: Sequence[str]
) -> Iterator["pd.DataFrame"]:
    """The rows about a symbol, a group at a time; of a group without any only its symbols are read.

    Raises:
        DownloadError: a group cannot be read.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for number in found.groups:
        try:
            symbols = found.file.read_row_group(number, columns=[column], use_threads=False)
            about = pc.is_in(symbols[column].cast(pa.string()), value_set=pa.array(spellings))
            if pc.any(about).as_py():
                rows = found.file.read_row_group(number, columns=list(wanted), use_threads=False)
                # What the file says of pandas is not needed, and may be anything.
                yield rows.filter(about).replace_schema_metadata(None).to_pandas()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise DownloadError(f"a group of rows is not readable ({error})") from error


def _entries(answer: Response, repository: str) -> list[Mapping[str, Any]]:
    try:
        entries = json.loads(answer.content)
    except ValueError:
        entries = None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DownloadError(f"the hub's list of {repository} is of another form")
    return entries


def _text_of(entry: Any, name: str, repository: str) -> str:
    value = entry.get(name) if isinstance(entry, Mapping) else None
    if not isinstance(value, str) or not value:
        raise DownloadError(f"the hub's answer about {repository} has no {name!r}")
    return value


def under_a_name(repositories: Sequence[str], get: Callable[[str], Got]) -> Got:
    """What a data set gives under the first of its names that the hub knows.

    Raises:
        DownloadError: it gives nothing under any, or cannot be had.
    """
    *others, last = repositories
    for repository in others:
        try:
            return get(repository)
        except NotThereError:
            continue
        except RefusedError as error:
            if error.refusal.name != NO_SUCH_SET:
                raise
    return get(last)


def named(found: Sequence[HubFile], repository: str, *endings: str) -> HubFile:
    """The first file of a repository with one of these endings, the first ending first.

    Raises:
        NotThereError: there is none.
    """
    for ending in endings:
        for file in found:
            if file.path.endswith(ending):
                return file
    raise NotThereError(f"{repository}: it has no {endings[0]} any more")
