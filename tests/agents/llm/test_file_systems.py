"""Kinds of file systems: as Linux and macOS list them, and what of them others share."""

from pathlib import Path

import pytest

from investorbench.agents.llm import file_systems
from investorbench.agents.llm.cache import files_for
from investorbench.agents.llm.file_systems import FileSystem, file_system_of, in_mount, in_mountinfo

LINUX = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 0:40 / /data rw,relatime shared:9 master:3 - nfs4 server:/data rw,vers=4.2
41 40 0:41 / /data/ann/my\040disk rw - xfs /dev/sdb1 rw
42 27 0:42 / /scratch rw - lustre mgs@tcp:/scratch rw
43 27 0:43 / /mnt/far rw - fuse.sshfs ann@far:/ rw
44 27 0:44 / /mnt/ntfs rw - fuseblk /dev/sdc1 rw
45 27 0:45 / /mnt/both rw - ext4 /dev/sdd1 rw
46 27 0:46 / /mnt/both rw - cifs //server/share rw
47 27 0:47 / /net rw - autofs systemd-1 rw
48 47 0:48 / /net/local rw - ext4 /dev/sde1 rw
49 27 0:49 / /mnt/bucket rw - fuse bucket rw
half a line
"""
MACOS = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
map auto_home on /System/Volumes/Data/data (autofs, automounted, nobrowse)
//ann@server/share on /Volumes/the share (smbfs, nodev, nosuid, mounted by ann)
server:/exports on /Volumes/nfs (nfs)
"""


@pytest.mark.parametrize(
    ("path", "kind", "shared"),
    [
        ("/", "ext4", False),
        ("/etc/hosts", "ext4", False),
        ("/data/ann/runs", "nfs4", True),
        ("/data/ann/my disk/runs", "xfs", False),
        ("/datawork", "ext4", False),
        ("/scratch/not/made/yet", "lustre", True),
        ("/mnt/far", "fuse.sshfs", True),
        ("/mnt/ntfs/runs", "fuseblk", False),
        ("/mnt/both/runs", "cifs", True),
        ("/net/far/not/mounted/yet", "autofs", True),
        ("/net/local/runs", "ext4", False),
        ("/mnt/bucket/runs", "fuse", True),
    ],
)
def test_a_path_is_on_what_is_mounted_deepest_and_last(
    path: str, kind: str, shared: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mountinfo").write_text(LINUX)
    monkeypatch.setattr(file_systems, "MOUNTS", tmp_path / "mountinfo")
    found = file_system_of(Path(path))
    assert (found.kind, found.is_of_a_network) == (kind, shared)


def test_what_macos_lists_is_read() -> None:
    kinds = {each.point.as_posix(): (each.kind, each.is_of_a_network) for each in in_mount(MACOS)}
    assert kinds["/"] == ("apfs", False)
    assert kinds["/Volumes/the share"] == ("smbfs", True)
    assert kinds["/Volumes/nfs"] == ("nfs", True)


def test_every_kind_that_the_pages_name_is_of_a_network() -> None:
    named = "nfs nfs4 cifs smb3 lustre gpfs beegfs fuse.sshfs ceph glusterfs fuse.glusterfs afs 9p"
    assert all(FileSystem(kind).is_of_a_network for kind in named.split())
    assert not any(FileSystem(kind).is_of_a_network for kind in ("ext4", "xfs", "apfs", "tmpfs"))


def test_a_link_is_followed_to_where_it_leads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    lines = f"1 0 0:1 / / rw - ext4 a rw\n2 1 0:2 / {tmp_path}/real rw - nfs b rw\n"
    (tmp_path / "mountinfo").write_text(lines)
    monkeypatch.setattr(file_systems, "MOUNTS", tmp_path / "mountinfo")
    assert file_system_of(tmp_path / "link" / "runs").kind == "nfs"
    assert "(nfs)" in files_for(tmp_path / "link" / "a.sqlite").said
    assert files_for(tmp_path / "link" / "a.sqlite").files == "each"
    assert files_for(tmp_path / "link" / "a.sqlite", "one") == ("one", "")
    assert files_for(tmp_path / "a.sqlite") == ("one", "")


def test_where_nothing_is_said_the_kind_is_unknown_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mountinfo").write_text("")
    monkeypatch.setattr(file_systems, "MOUNTS", tmp_path / "mountinfo")
    assert file_system_of(tmp_path) == FileSystem("unknown")
    found = files_for(tmp_path / "answers.sqlite")
    assert found.files == "one" and "is unknown" in found.said and "cache_files=each" in found.said


def test_a_mount_point_may_hold_what_ends_a_line_elsewhere() -> None:
    text = "1 0 0:1 / /mnt/a\u2028b\x0cc rw - nfs a rw\n"
    assert in_mountinfo(text) == [FileSystem("nfs", Path("/mnt/a\u2028b\x0cc"))]


def test_this_machine_says_something() -> None:
    assert in_mountinfo(LINUX)[0] == FileSystem("proc", Path("/proc"))
    assert file_system_of(Path(__file__)).kind
