"""Opening bundles, which come from elsewhere: all is as it is listed, or nothing is written."""

import hashlib
import json
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from investorbench.tasks.record.answer_rows import restore_answers
from investorbench.tasks.record.bundling.packing import (
    CONTENTS,
    FORMAT,
    LARGEST,
    MOST,
    RATIO,
    ROWS,
    SLACK,
    PackedFile,
    RunBundle,
    is_portable,
)
from investorbench.tasks.record.code import code_of
from investorbench.tasks.record.kept_answers import ANSWERS
from investorbench.tasks.record.object_store import RunStore, address_in, mirror_of
from investorbench.tasks.wording import count
from investorbench_env.errors import InvestorBenchError

LONGEST_LIST = 1 << 26
CHUNK = 1 << 20
VERSION = re.compile(r"[\w.+!-]{1,40}")
BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError,
    ValueError,
)  # fmt: skip
"""What reading an archive raises that is none, or not whole."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
Say = Callable[[str], None]


def bundle_at(path: Path) -> Path | None:
    """The bundle that a path is, or leads into, as ``mine.zip/mine/stock-sim`` does."""
    return next((each for each in (path, *path.parents) if each.is_file()), None)


@contextmanager
def opened(paths: Sequence[Path], say: Say = lambda message: None) -> Iterator[list[Path]]:
    """The folders of runs while the block runs; those of bundles are gone afterwards.

    Args:
        paths: of folders, which stay as they are, of bundles, or into them, and addresses of object
            stores, of which what is newer is fetched.
        say: takes what is worth knowing of a bundle, or of what is fetched.

    Raises:
        InvestorBenchError: one is a file, and no bundle that this version opens, or an object store
            refuses what it has.
    """
    with ExitStack() as stack:
        folders: list[Path] = []
        rooms: dict[str, Path] = {}
        for path in paths:
            if (address := address_in(path)) is not None:
                folders.append(fetched(address, say))
                continue
            file = bundle_at(path)
            if file is None:
                folders.append(path)
                continue
            empty = stack.enter_context(tempfile.TemporaryDirectory(prefix="investorbench-"))
            room = Path(empty, file.name)  # so that runs of one name are named by their bundles
            runs = open_bundle(file, room, say)
            inner = path.relative_to(file)
            folders += runs if inner == Path() else [room / inner]
            rooms[str(room)] = file
        try:
            yield folders
        except InvestorBenchError as error:
            message = str(error)
            for unpacked, file in rooms.items():
                message = message.replace(unpacked, str(file))
            if message == str(error):
                raise
            raise InvestorBenchError(message) from None


def fetched(address: str, say: Say) -> Path:
    """The folder on this machine that has what is at the address of a run.

    Raises:
        InvestorBenchError: it cannot be had.
    """
    folder = mirror_of(address)
    number = RunStore(address).fetch(folder)
    say(f"{address} is fetched into {folder}: {count(number, 'newer object')}")
    return folder


@contextmanager
def opened_run(path: Path, say: Say = lambda message: None) -> Iterator[Path]:
    """The same of one run.

    Raises:
        InvestorBenchError: it is a bundle of several, or none.
    """
    with opened([path], say) as found:
        if len(found) > 1:
            names = ", ".join(run.name for run in found)
            raise InvestorBenchError(
                f"{path} holds the runs {names}: name one of them, as {path}/{found[0].name}"
            )
        yield found[0]


def open_bundle(file: Path, into: Path, say: Say = lambda message: None) -> list[Path]:
    """Unpack the runs of a bundle into a folder, all of them or none.

    Args:
        file: the bundle.
        into: the folder; it is made where it is missing.
        say: takes what is worth knowing of it.

    Raises:
        InvestorBenchError: it is no bundle of this version, was cut off or changed, unpacks to more
            than it should, or something is in its place.
    """
    if not file.is_file():
        raise InvestorBenchError(f"there is no bundle {file}")
    try:
        with zipfile.ZipFile(file) as archive:
            contents = _contents(archive, file)
            runs = [into / name for name in contents.runs]
            if there := [run for run in runs if run.exists()]:
                raise InvestorBenchError(f"{there[0]} is there already: name another folder")
            _require_as_listed(archive, contents, file)
            into.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".bundle-", dir=into) as name:
                room = Path(name)
                _require_room(room, contents, file)
                for each in contents.files:
                    _unpack(archive, each, room / each.name, file)
                for run in contents.runs:
                    _restore(room / run, file)
                    (room / run).rename(into / run)
    except InvestorBenchError:
        raise
    except BROKEN as error:
        raise InvestorBenchError(
            f"{file} is no bundle, or was cut off: copy it again ({error})"
        ) from None
    except OSError as error:
        raise InvestorBenchError(f"{file} cannot be opened: {error}") from None
    if contents.version != (own := code_of()["versions"]["investorbench"]):
        say(
            f"{file} was made by InvestorBench {contents.version}, and this is {own}: what is "
            f"computed of it may look otherwise; pip install investorbench=={contents.version} "
            "gives the same page"
        )
    return runs


def _contents(archive: zipfile.ZipFile, file: Path) -> RunBundle:
    """What a bundle says that it holds.

    Raises:
        InvestorBenchError: it says nothing that can be read, or is of another version.
    """
    try:
        with archive.open(CONTENTS) as stream:
            content: Any = json.loads(stream.read(LONGEST_LIST))
        version, form = str(content["version"]), content["bundle"]
        if not isinstance(form, int) or not VERSION.fullmatch(version):
            raise ValueError(f"{CONTENTS} names no version")
        if form != FORMAT:
            raise InvestorBenchError(
                f"{file} is a bundle of version {form}, and this InvestorBench reads version "
                f"{FORMAT}: pip install investorbench=={version}, which made it, reads it, and any "
                "program for zip archives unpacks its files"
            )
        return RunBundle(
            version=version,
            runs=tuple(map(str, content["runs"])),
            files=tuple(
                PackedFile(name=str(f["name"]), size=int(f["size"]), sha256=str(f["sha256"]))
                for f in content["files"]
            ),
        )
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        if isinstance(error, InvestorBenchError):
            raise
        raise InvestorBenchError(f"{file} is no bundle of runs: {error}") from None


def _require_as_listed(archive: zipfile.ZipFile, contents: RunBundle, file: Path) -> None:
    """Refuse an archive that holds anything but the files of its list, by their sizes."""
    found = archive.infolist()
    listed = {each.name: each for each in contents.files}
    folders = {parent for name in listed for parent in _folders(name)}
    wrong = (
        _first(name for name in listed if not is_portable(name))
        or _first(name for name in listed if name.split("/")[0] not in contents.runs)
        or _first(name for name in listed if name in folders)
        or _first(each.filename for each in found if not _is_file(each))
        or _first(run for run in contents.runs if not any(n.startswith(f"{run}/") for n in listed))
        or _first(run for run in contents.runs if "/" in run or contents.runs.count(run) > 1)
        or _first(name for name in listed if name.rpartition("/")[2].startswith(ANSWERS))
    )
    if wrong is not None:
        raise InvestorBenchError(
            f"{file} holds {wrong!r}, which no bundle does: nothing was opened"
        )
    names = [each.filename for each in found]
    if sorted(names) != sorted([*listed, CONTENTS]) or len(listed) < len(contents.files):
        raise InvestorBenchError(f"{file} holds other files than it lists: nothing was opened")
    total = sum(each.size for each in contents.files)
    if len(listed) > MOST or not 0 <= total <= LARGEST:
        raise InvestorBenchError(f"{file} unpacks to more than {LARGEST >> 30} GiB")
    for each in found:
        own = listed.get(each.filename)
        if own is not None and own.size != each.file_size:
            raise InvestorBenchError(f"{file}: {own.name} was changed or cut off")
        if each.file_size > RATIO * each.compress_size + SLACK:
            raise InvestorBenchError(
                f"{file}: {each.filename} unpacks to more than {RATIO} times its size, and no "
                "bundle's file does"
            )
    packed = file.stat().st_size  # what several entries share is there once
    if total > RATIO * packed + SLACK * len(listed):
        raise InvestorBenchError(f"{file} unpacks to more than {RATIO} times its size")


def _require_room(room: Path, contents: RunBundle, file: Path) -> None:
    total = sum(each.size for each in contents.files)
    if total > shutil.disk_usage(room).free:
        raise InvestorBenchError(
            f"{file} unpacks to {total:,} bytes, more than {room} has room for"
        )


def _unpack(archive: zipfile.ZipFile, each: PackedFile, path: Path, file: Path) -> None:
    """Write one file, as it is listed and no more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with archive.open(each.name) as packed, path.open("xb") as unpacked:
        while chunk := packed.read(CHUNK):
            digest.update(chunk)
            unpacked.write(chunk)
    if digest.hexdigest() != each.sha256:
        raise InvestorBenchError(f"{file}: {each.name} was changed or cut off; copy it again")


def _restore(run: Path, file: Path) -> None:
    """Make the file of answers of a run from its rows."""
    rows = run / ROWS
    if rows.exists():
        try:
            with rows.open(encoding="utf-8") as lines:
                restore_answers(run / ANSWERS, lines)
        except (InvestorBenchError, UnicodeError) as error:
            raise InvestorBenchError(f"{file}: {error}") from None
        rows.unlink()


def _is_file(info: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(info.external_attr >> 16)
    return not info.is_dir() and kind in (0, stat.S_IFREG) and info.compress_type in METHODS


def _folders(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _first(names: Iterator[str]) -> str | None:
    return next(names, None)
