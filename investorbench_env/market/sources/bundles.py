"""What tasks have, in one file to carry to a machine without a network, and taken in there.

A bundle is a zip archive of the files as they are, with what stands beside them, and a list of them
with their checksums. Nothing of it is written before all of it has been verified.
"""

import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from investorbench_env.errors import CorruptDataError, DataNotFoundError, InvestorBenchError
from investorbench_env.market.files import index, store
from investorbench_env.market.sources.source import FetchRequest

CONTENTS = "bundle.json"
FORMAT = 1
BESIDE = (index.PROVENANCE, index.TERMS)
"""How files end that say something of others."""
LONGEST_LIST = 1 << 24
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in it, so that the same files make the same bundle."""
UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledFile:
    """One file of a bundle.

    Attributes:
        name: within the folder of data.
        size: in bytes.
        sha256: of its content.
        terms: of use, where they are known.
        is_new: whether it was not there before.
    """

    name: str
    size: int
    sha256: str
    terms: str = ""
    is_new: bool = True

    @property
    def is_beside(self) -> bool:
        """Whether it says something of another one."""
        return self.name.endswith(BESIDE)


def bundle(requests: Sequence[FetchRequest], file: Path) -> list[BundledFile]:
    """Write what the folder of each request has of its symbol into one file, with its terms.

    Raises:
        DataNotFoundError: it has nothing of one of them.
        CorruptDataError: a file is not the one that was fetched.
        InvestorBenchError: two folders have a file of one name.
    """
    found: dict[str, Path] = {}
    for request in requests:
        paths = _files(request)
        if not paths:
            raise DataNotFoundError(
                f"nothing of {request.symbol} is in {request.into}; first: investorbench data "
                f"fetch {request.asset_class}/{request.symbol.lower()}"
            )
        for path in paths:
            other = found.setdefault(path.relative_to(request.into).as_posix(), path)
            if other != path:
                raise InvestorBenchError(f"{other} and {path} have one name: bundle them apart")
    listed = [_bundled(name, path) for name, path in sorted(found.items())]
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for each in listed:
                _put(archive, each.name, found[each.name].read_bytes())
            _put(archive, CONTENTS, _contents(listed))
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return [each for each in listed if not each.is_beside]


def _bundled(name: str, path: Path) -> BundledFile:
    content = path.read_bytes()
    terms = {} if name.endswith(BESIDE) else store.read_provenance(path)
    return BundledFile(
        name=name,
        size=len(content),
        sha256=store.sha256(content),
        terms=str(terms.get("terms", "")),
    )


def _contents(listed: Sequence[BundledFile]) -> bytes:
    rows = [
        {"name": each.name, "size": each.size, "sha256": each.sha256, "terms": each.terms}
        for each in listed
    ]
    return json.dumps({"format": FORMAT, "files": rows}, indent=1, sort_keys=True).encode()


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)


def add(file: Path, into: Path, *, again: bool = False) -> list[BundledFile]:
    """Take in the files of a bundle, once all of them have been verified.

    Args:
        file: what ``bundle`` wrote.
        into: the folder of data.
        again: replace files that are there and are others.

    Raises:
        DataNotFoundError: there is no such file.
        CorruptDataError: it is no bundle, or was cut off or changed.
        InvestorBenchError: another file of the same name is there.
    """
    if not file.is_file():
        raise DataNotFoundError(f"{file} does not exist")
    try:
        with zipfile.ZipFile(file) as archive:
            listed = _listed(archive, file)
            new = {each.name: _is_new(archive, each, file, into) for each in listed}
            for each in listed:
                if new[each.name] and (into / each.name).exists() and not (each.is_beside or again):
                    raise InvestorBenchError(
                        f"{into / each.name} is there and differs from the one in {file}: give "
                        "another --into, or --again to replace it"
                    )
            # What stands beside a file goes last: without it that one counts as half-written.
            for each in sorted(listed, key=lambda row: row.is_beside):
                of_new = new.get(each.name.removesuffix(index.PROVENANCE), False)
                is_kept = each.is_beside and (into / each.name).exists() and not (of_new or again)
                if new[each.name] and not is_kept:
                    with store.only_one(into / each.name):
                        store.write_atomic(into / each.name, _content(archive, each, file))
    except UNREADABLE as error:
        if isinstance(error, OSError) and error.filename:  # of this disk, not of the bundle
            raise
        raise CorruptDataError(f"{file}: no bundle, or cut off ({error}); copy it again") from error
    return [replace(each, is_new=new[each.name]) for each in listed if not each.is_beside]


def _files(request: FetchRequest) -> list[Path]:
    """The files with something of a symbol, and what stands beside each.

    Raises:
        CorruptDataError: one was changed since it was fetched.
    """
    stamped = index.stamps(request.into) if request.into.is_dir() else ()
    found, broken = index.readable(stamped)
    for path, _ in broken:
        if store.read_provenance(path).get("symbol") == request.symbol:
            raise _changed(path)
    holding = [
        file
        for file in found
        if file.kind != "unused" and file.spellings(request.symbol, request.asset_class)
    ]
    names = {file.path.name for file in holding if file.kind == "market"}
    holding += [file for file in found if file.metadata.get("part_of") in names]
    paths: list[Path] = []
    for file in holding:
        provenance = store.read_provenance(file.path)
        if provenance and not store.is_whole(file.path):
            raise _changed(file.path)
        terms = file.path.parent / f"{provenance.get('source')}{index.TERMS}"
        beside = (store.provenance_path(file.path), terms)
        paths += [file.path, *(path for path in beside if path.exists())]
    return paths


def _changed(path: Path) -> CorruptDataError:
    return CorruptDataError(f"{path}: changed since it was fetched; fetch it again")


def _listed(archive: zipfile.ZipFile, file: Path) -> list[BundledFile]:
    """What a bundle says that it holds.

    Raises:
        CorruptDataError: it says nothing that can be read, or names what is no file of data.
    """
    try:
        with archive.open(CONTENTS) as stream:
            contents = json.loads(stream.read(LONGEST_LIST))
        if contents["format"] != FORMAT:
            written = contents["format"]
            raise CorruptDataError(f"{file}: format {written!r}, this version reads {FORMAT}")
        listed = [
            BundledFile(
                name=str(row["name"]),
                size=int(row["size"]),
                sha256=str(row["sha256"]),
                terms=str(row["terms"]),
            )
            for row in contents["files"]
        ]
    except CorruptDataError:
        raise
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CorruptDataError(f"{file}: no bundle of data ({error!r})") from error
    for each in listed:
        parts = PurePosixPath(each.name).parts
        is_inside = parts and not any(part.startswith((".", "/")) for part in parts)
        is_data = each.name.lower().endswith((*index.SUFFIXES, *BESIDE))
        if not is_inside or not is_data or set(each.name) & set("\\:\0"):
            raise CorruptDataError(f"{file}: {each.name!r} is no file of data; nothing was written")
    return listed


def _is_new(archive: zipfile.ZipFile, each: BundledFile, file: Path, into: Path) -> bool:
    """Whether a file, which is the one that the bundle lists, is not there as it is."""
    _content(archive, each, file)
    path = into / each.name
    return not path.is_file() or store.sha256(path.read_bytes()) != each.sha256


def _content(archive: zipfile.ZipFile, each: BundledFile, file: Path) -> bytes:
    """A file of a bundle as it is listed, and no more.

    Raises:
        CorruptDataError: it is another one.
    """
    try:
        with archive.open(each.name) as stream:
            content = stream.read(each.size + 1)
    except KeyError:
        raise CorruptDataError(f"{file}: {each.name} is missing; copy it again") from None
    if store.sha256(content) != each.sha256:
        raise CorruptDataError(f"{file}: {each.name} was changed or cut off; copy it again")
    return content


def terms_of(listed: Sequence[BundledFile]) -> Iterator[str]:
    """The terms of use of files, each once."""
    yield from dict.fromkeys(each.terms or "not stated beside the files" for each in listed)
