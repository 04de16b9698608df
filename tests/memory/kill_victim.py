"""A process to be killed: it lives day by day over an archive, and says when a day is over.

Chroma writes the files of its index every few rows here, not every thousand, so that kills hit it.
"""

import sys
from pathlib import Path

from investorbench.memory import Chroma
from tests.memory.small_memories import empty, live_a_day

OFTEN = {"hnsw": {"sync_threshold": 10, "batch_size": 5}}


def main(folder: str, days: int, log: str) -> None:
    """Live over an archive, and add a line to a file when it is open and after each day."""
    import chromadb.api.client

    client = chromadb.api.client.Client
    for name in ("create_collection", "get_or_create_collection"):
        made = getattr(client, name)
        setattr(client, name, lambda *a, made=made, **k: made(*a, **k, configuration=OFTEN))
    memory = empty("investorbench", Chroma(folder, kept_steps=4))
    with Path(log).open("a", buffering=1) as lines:
        lines.write("opened\n")
        for day in range(memory.steps, days):
            live_a_day(memory, day)
            lines.write(f"{memory.steps}\n")
    memory.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
