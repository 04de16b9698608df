"""Which files a process of this machine has locked, without taking a lock oneself."""

import os
from collections.abc import Iterable
from pathlib import Path

LOCKS = Path("/proc/locks")


def locked(paths: Iterable[Path]) -> set[Path]:
    """Those of some files on which a lock is held, as far as the system says so.

    Systems but Linux say nothing, and of other machines none does: what is not in the answer may
    be locked all the same.
    """
    paths = list(paths)
    if not paths:
        return set()
    try:
        held = {tuple(line.split()[5].split(":")) for line in LOCKS.read_text().splitlines()
                if len(line.split()) > 5}  # fmt: skip
    except OSError:
        return set()
    if not held:
        return set()
    found = set()
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue
        device = f"{os.major(stat.st_dev):02x}", f"{os.minor(stat.st_dev):02x}"
        if (*device, str(stat.st_ino)) in held:
            found.add(path)
    return found
