"""A Ray cluster of two nodes on this machine: ``python -m tests.end_to_end.ray_cluster``.

It prints its address, and ends with its standard input. A test starts it in a process of its own,
for Ray leaves sockets and warnings behind that are errors in tests.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

COMPILED = {
    "PYTHONPYCACHEPREFIX": str(Path(sys.prefix, "compiled")),
    "PYTHONDONTWRITEBYTECODE": "",
}
"""Each command gets workers of its own, which compile Ray and all else again where none may keep
what it has compiled: most of the time that a worker takes to its first question."""
STORE_BYTES = 80_000_000
TRIES = 3
"""A busy machine may take longer to start a node than Ray waits for it."""


@dataclass(frozen=True)
class RayCluster:
    """The cluster: its address, and the process below which all of its own are."""

    address: str
    pid: int

    def workers(self) -> list[int]:
        """The processes that run jobs now."""
        parents, names = {}, {}
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                stat = (path / "stat").read_text().rpartition(")")[2].split()
                parents[int(path.name)] = int(stat[1])
                names[int(path.name)] = (path / "cmdline").read_bytes().decode(errors="replace")

        def is_ours(pid: int) -> bool:
            while pid in parents and pid != self.pid:
                pid = parents[pid]
            return pid == self.pid

        return [pid for pid in names if names[pid].startswith("ray::_play") and is_ours(pid)]


@contextlib.contextmanager
def ray_cluster(environment: Mapping[str, str]) -> Iterator[RayCluster]:
    """A cluster whose workers have these variables in their environment, while the block runs."""
    own = {**os.environ, **environment, **COMPILED, "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "-m", __name__]
    for _ in range(TRIES):
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=own,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        with process.stdin, process.stdout:
            lines = iter(process.stdout.readline, "")
            address = next((line.split()[1] for line in lines if line.startswith("at ")), None)
            try:
                if address is not None:
                    yield RayCluster(address, process.pid)
                    return
            finally:
                process.stdin.close()
                process.wait(120)
    raise AssertionError("no Ray cluster could be started")


def main() -> None:
    """Start the cluster, and stop it when nobody listens."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        cluster.add_node(**node)
        print(f"at {cluster.address}", flush=True)
        sys.stdin.read()
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
