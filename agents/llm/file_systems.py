"""What kind of file system a path is on, as far as the system says, and whether others share it."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

UNKNOWN = "unknown"
OF_A_NETWORK = frozenset({
    "9p", "acfs", "afpfs", "afs", "autofs", "beegfs", "beegfs_nodev", "ceph", "cifs", "coda",
    "davfs", "drvfs", "dvs", "fakeowner", "fuse", "gfs", "gfs2", "glusterfs", "gpfs", "lustre",
    "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2", "openafs", "orangefs", "panfs", "prl_fs", "pvfs2",
    "smb", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs", "webdav", "wekafs",
})  # fmt: skip
"""Of machines that share one, of a host and its guests, and of what is mounted once it is used."""
OF_THIS_MACHINE = frozenset({"fuse.ext2", "fuse.mergerfs", "fuse.ntfs", "fuse.ntfs-3g", "fuseblk"})
"""Those by a program that are on a disk; of others nobody knows what is behind them."""
MOUNTS = Path("/proc/self/mountinfo")
OF_MACOS = re.compile(r".* on (?P<point>/.*) \((?P<kind>[\w.]+)[,)]")


class FileSystem(NamedTuple):
    """A file system.

    Attributes:
        kind: as the system calls it, such as ``ext4`` or ``nfs4``; ``unknown`` where it does not.
        point: where it is mounted.
    """

    kind: str
    point: Path = Path("/")

    @property
    def is_known(self) -> bool:
        """Whether the system says what it is."""
        return self.kind != UNKNOWN

    @property
    def is_of_a_network(self) -> bool:
        """Whether other machines may have it, or a program stands between it and this one."""
        if self.kind in OF_THIS_MACHINE:
            return False
        return self.kind in OF_A_NETWORK or self.kind.startswith("fuse.")


def file_system_of(path: Path) -> FileSystem:
    """The file system that a path is on, or would be if it were made."""
    path = path.resolve()
    return _deepest(_mounted(), path)


def _deepest(mounted: Iterable[FileSystem], path: Path) -> FileSystem:
    """The one whose point lies deepest on the way to a path; of several there the last one."""
    found = FileSystem(UNKNOWN)
    for each in mounted:
        is_above = each.point == path or each.point in path.parents
        if is_above and len(each.point.parts) >= len(found.point.parts):
            found = each
    return found


def _mounted() -> list[FileSystem]:
    with contextlib.suppress(OSError):
        return in_mountinfo(MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
    if sys.platform == "darwin":
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            said = subprocess.run(["/sbin/mount"], capture_output=True, timeout=5, check=True)
            return in_mount(said.stdout.decode(errors="surrogateescape"))
    return []


def in_mountinfo(text: str) -> list[FileSystem]:
    """The file systems of Linux's ``mountinfo``, in the order in which they were mounted."""
    found = []
    for line in text.split("\n"):  # a name may hold what others take for the end of a line
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")[0]
        if len(fields) > 4 and kind:
            found.append(FileSystem(kind, Path(_unescaped(fields[4]))))
    return found


def in_mount(text: str) -> list[FileSystem]:
    """The file systems that ``mount`` of macOS lists."""
    lines = map(OF_MACOS.match, text.splitlines())
    return [FileSystem(line["kind"], Path(line["point"])) for line in lines if line is not None]


def _unescaped(text: str) -> str:
    """A path of ``mountinfo``, in which a space is an octal number."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)
