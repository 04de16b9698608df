"""A memory in one file: NumPy arrays and JSON, written so that a kill leaves the old or the new."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from investorbench.memory.errors import ArchiveError
from investorbench.memory.records import STATE, MemoryContent, Rows, Snapshot, refuse_another
from investorbench.memory.whole_files import written_whole


def write_snapshot(path: Path, snapshot: Snapshot, identity: Mapping[str, Any]) -> None:
    """Write a memory to a file, which is never seen half written.

    Args:
        path: a file; its folder is made where it is missing.
        snapshot: the memory.
        identity: what it takes to go on with it.
    """
    header = {
        "identity": identity,
        "step": snapshot.step,
        "next_id": snapshot.next_id,
        "contents": [asdict(content) for content in snapshot.rows.contents],
    }
    with written_whole(path) as file:
        np.savez(
            file,
            allow_pickle=False,
            header=np.frombuffer(json.dumps(header).encode(), np.uint8),
            vectors=snapshot.rows.vectors,
            **snapshot.rows.state,
        )


def read_snapshot(path: Path, identity: Mapping[str, Any]) -> Snapshot:
    """Read what `write_snapshot` wrote.

    Raises:
        ArchiveMismatchError: it is a memory made with other constants.
        ArchiveError: there is no such file, or it is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            columns: dict[str, NDArray[Any]] = dict(arrays)
        header = json.loads(columns["header"].tobytes())
        snapshot = Snapshot(
            step=header["step"],
            next_id=header["next_id"],
            rows=Rows(
                state={name: columns[name] for name in STATE},
                vectors=columns["vectors"],
                contents=[MemoryContent(**content) for content in header["contents"]],
            ),
        )
        found = header["identity"]
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ArchiveError(f"no saved memory can be read from {path}: {error}") from error
    refuse_another(found, identity, str(path))
    return snapshot
