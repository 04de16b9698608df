"""Runs in one file, from which another person makes the same tables and the same page.

A bundle is a zip archive of every file of the records, with their seals, and a list of them. The
same records make the same file. Answers are rows in it, so that it does not matter how a database
lays them out. What comes from elsewhere is opened with suspicion, and nothing of it half.
"""

import json
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from investorbench.tasks.record.answer_rows import answer_rows
from investorbench.tasks.record.code import code_of
from investorbench.tasks.record.files import bytes_of
from investorbench.tasks.record.kept_answers import ANSWERS
from investorbench.tasks.record.lines import hash_of, header_in
from investorbench.tasks.record.run_files import A_LINK, file_hash, files_of
from investorbench.tasks.record.run_folder import jobs_in
from investorbench.tasks.record.sealing.seals import KINDS, line_file
from investorbench_env.errors import InvestorBenchError
from investorbench_env.whole_files import written_whole

CONTENTS, ROWS = "bundle.json", "answers.jsonl"
FORMAT = 1
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in it."""
UNIX, MODE = 3, (stat.S_IFREG | 0o644) << 16
LARGEST, MOST = 8 << 30, 200_000
"""Bytes, and files, of a bundle when it is opened."""
LONGEST_NAME = 255
FORBIDDEN = re.compile(r'[\\:*?"<>|]')
OF_CODE = (".py", ".pyc", ".pyd", ".pyw", ".pyz", ".pth", ".so", ".dll", ".dylib", ".egg", ".whl")
"""How the names of files end that Python may import; a record holds none, and no bundle."""
RATIO, SLACK = 100, 1024
"""What compresses by more is stored as it is, so that no small bundle fills a disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFile:
    """A file of a bundle: its path, which begins with the name of its run, size and SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBundle:
    """What a bundle says that it holds.

    Attributes:
        version: of the InvestorBench that made it.
        runs: the names of the runs, in the order in which they are shown.
        files: all files.
    """

    version: str
    runs: tuple[str, ...]
    files: tuple[PackedFile, ...]

    def to_json(self) -> bytes:
        """The list as the archive holds it."""
        content = {"bundle": FORMAT, **asdict(self)}
        return json.dumps(content, indent=1).encode()


def bundle_runs(runs: Sequence[str | Path], file: str | Path) -> RunBundle:
    """Write the records of runs into one file.

    Args:
        runs: their folders, of different names.
        file: what to write.

    Raises:
        InvestorBenchError: one is no run folder, two have one name, or a file is a link, cannot be
            read, or has a name that others cannot have.
    """
    folders, file = [Path(run) for run in runs], Path(file)
    names = [folder.resolve().name for folder in folders]
    sources: dict[str, Path | bytes] = {}
    for folder, name in zip(folders, names, strict=True):
        if names.count(name) > 1:
            raise InvestorBenchError(f"two runs are called {name}: rename the folder of one")
        sources |= {f"{name}/{inner}": source for inner, source in _sources(folder)}
    if wrong := next((name for name in sources if not is_portable(name)), None):
        raise InvestorBenchError(
            f"{wrong!r} is no name of a file everywhere, or one of code: rename it"
        )
    size = sum(source.stat().st_size for source in sources.values() if isinstance(source, Path))
    if size > LARGEST or len(sources) > MOST:
        raise InvestorBenchError(f"{file} would be larger than anybody opens: bundle fewer runs")
    try:
        with written_whole(file) as whole, zipfile.ZipFile(whole, "w") as archive:
            return _pack(archive, names, sources)
    except OSError as error:
        raise InvestorBenchError(f"{file} cannot be written: {error.strerror}") from None


def _pack(
    archive: zipfile.ZipFile, names: Sequence[str], sources: Mapping[str, Path | bytes]
) -> RunBundle:
    files: list[PackedFile] = []
    for name, source in sorted(sources.items()):
        content = source if isinstance(source, bytes) else bytes_of(source)
        files.append(PackedFile(name=name, size=len(content), sha256=hash_of(content)))
        _put(archive, name, content)
    version = code_of()["versions"]["investorbench"]
    contents = RunBundle(version=version, runs=tuple(names), files=tuple(files))
    _put(archive, CONTENTS, contents.to_json())
    return contents


def real_sources(runs: Sequence[Path]) -> list[str]:
    """Where the real markets came from that agents were shown, and that lines may quote."""
    paths = [path for run in runs for job in jobs_in(run) for path in job.glob("repeat-*/*.jsonl")]
    facts = [header.facts for path in paths if (header := header_in(path)) is not None]
    return sorted({each.source for each in facts if not each.simulated})


def is_portable(name: str) -> bool:
    """Whether a path is one within a folder, on every system, and nothing else."""
    parts = name.split("/")
    return (
        len(parts) > 1
        and not {"", ".", ".."} & set(parts)
        and not FORBIDDEN.search(name)
        and max(len(part.encode("utf-8", "replace")) for part in parts) <= LONGEST_NAME
        and name.isprintable()
        and not name.lower().endswith(OF_CODE)
    )


def _sources(run: Path) -> Iterator[tuple[str, Path | bytes]]:
    """What goes into a bundle of a run: every file of its record, its seals, rows of answers."""
    beside = [path for kind in KINDS for path in sorted(run.glob(f"{line_file(run, kind).name}*"))]
    for path in [*(path for _, path in files_of(run)), *beside]:
        if file_hash(path) == A_LINK:
            raise InvestorBenchError(f"{path} is {A_LINK}: put the file in its place")
        yield path.relative_to(run).as_posix(), path
    if (run / ANSWERS).exists():
        yield ROWS, "".join(answer_rows(run / ANSWERS)).encode()


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, EPOCH)
    info.create_system, info.external_attr = UNIX, MODE
    shrinks = len(zlib.compress(content)) * RATIO < len(content)
    info.compress_type = zipfile.ZIP_STORED if shrinks else zipfile.ZIP_DEFLATED
    archive.writestr(info, content)
