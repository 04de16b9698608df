"""Files that are whole or not there: atomic writes, checksums, locks, and where each came from."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.index import PROVENANCE
from investorbench_env.market.files.tables import METADATA_KEY
from investorbench_env.whole_files import write_atomically

if TYPE_CHECKING:
    import pyarrow as pa


def write_atomic(path: Path, content: bytes) -> str:
    """Write a file so that a kill leaves the old one or the new one; returns its SHA-256."""
    write_atomically(path, content)
    return sha256(content)


def write_parquet(path: Path, table: "pa.Table", about: Mapping[str, Any]) -> str:
    """Write a table with what it says about itself; returns the file's SHA-256."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    ours = {METADATA_KEY: json.dumps(about, sort_keys=True).encode()}
    buffer = pa.BufferOutputStream()
    kept = dict(table.schema.metadata or {})
    pq.write_table(table.replace_schema_metadata({**kept, **ours}), buffer, compression="zstd")
    return write_atomic(path, buffer.getvalue().to_pybytes())


def write_provenance(path: Path, provenance: Mapping[str, Any]) -> None:
    """Put beside a file where it came from."""
    text = json.dumps(provenance, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    write_atomic(provenance_path(path), text.encode())


def read_provenance(path: Path) -> dict[str, Any]:
    """Where a file came from; empty where nothing stands beside it."""
    beside = provenance_path(path)
    if not beside.exists():
        return {}
    try:
        provenance = json.loads(beside.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, RecursionError, UnicodeDecodeError) as error:
        raise CorruptDataError(f"{beside}: not JSON ({error}); delete it to fetch again") from error
    return provenance if isinstance(provenance, dict) else {}


def provenance_path(path: Path) -> Path:
    """The file beside another that says where that one came from."""
    return path.with_name(path.name + PROVENANCE)


def is_whole(path: Path) -> bool:
    """Whether a file stands there exactly as its provenance says."""
    recorded = read_provenance(path).get("sha256")
    return path.is_file() and recorded == sha256(path.read_bytes())


def sha256(content: bytes) -> str:
    """The checksum that everything here is recorded with."""
    return hashlib.sha256(content).hexdigest()


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold a file's lock, so that of two processes the second waits for the first."""
    from filelock import FileLock

    folder = path.parent / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{path.name}.lock"):
        yield
