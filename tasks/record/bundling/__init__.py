"""Records of runs in one file for others, which is packed here and opened with suspicion."""

from investorbench.tasks.record.bundling.opening import (
    bundle_at,
    fetched,
    open_bundle,
    opened,
    opened_run,
)
from investorbench.tasks.record.bundling.packing import RunBundle, bundle_runs, real_sources

__all__ = [
    "RunBundle", "bundle_at", "bundle_runs", "fetched", "open_bundle", "opened", "opened_run",
    "real_sources",
]  # fmt: skip
