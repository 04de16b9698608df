"""Records of jobs at an address of fsspec, such as ``s3://bucket/prefix``: each part put whole.

An object store knows no locks, and no file that grows. So an episode is one object, put when it has
ended, and what else a job has is one more: its configuration, references and manifest, the answers
that it asked for and what they cost. Who writes a job has put its token there before, and puts no
more once another one stands in its place. Others may have put objects below the same address:
nothing is fetched but what has the name of a part of a record.
"""

import contextlib
import errno
import json
import platform
import re
import secrets
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from filelock import FileLock

from investorbench.agents.llm.answer_files import INSERT, rows_beside
from investorbench.agents.llm.cache import Cache
from investorbench.tasks.record.archives import LARGEST, NOT_WHOLE, pack, unpack
from investorbench.tasks.record.digests import MANIFEST
from investorbench.tasks.record.episode_folder import METRICS
from investorbench.tasks.record.kept_answers import ANSWERS, open_at_rest
from investorbench.tasks.record.references import REFERENCES
from investorbench.tasks.record.run_folder import SEED
from investorbench.tasks.record.settings import CONFIG
from investorbench_env.errors import InvestorBenchError, MissingDependencyError
from investorbench_env.whole_files import write_atomically

T = TypeVar("T")
SPENDING = "spending.txt"
OF_THE_RUN = (SEED, "suite.json", "salt.txt", "plan.seal", "record.seal")
"""Small files of a whole run, each an object of its own."""
OF_THE_JOB = (CONFIG, REFERENCES, MANIFEST)
JOB, WRITER, ENDING = "job.tar.gz", "writer", ".tar.gz"
EPISODE = re.compile(r"repeat-(0|[1-9]\d{0,8})")
FETCHED, FETCHING, ROOM = ".fetched.json", ".fetched.lock", ".fetched-"
"""Which state of each object a folder has; held while it fetches, and where it unpacks."""
EXTRAS = {"s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3")}
"""What protocols need, and the extra that has it."""
ADDRESS = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+):/+(.*)", re.DOTALL)
FINAL = (PermissionError, FileNotFoundError, NotImplementedError)
"""Refusals that another try would not change."""
OF_NAMES = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EILSEQ)
"""What a disk says of a name that no file can have on it."""
TRIES, WAIT_S = 4, 0.5


class StoreError(InvestorBenchError):
    """An object store refuses something, or holds what cannot be read."""


class ObjectError(StoreError):
    """An object that cannot be taken, which leaves the others alone."""


NOT_PUT = (StoreError, OSError, sqlite3.Error)
"""What keeps a part from being put: the store, or the disk on which it is packed."""


class _Object(NamedTuple):
    """What a store says of an object: what changes when it is put again, and bytes."""

    state: str
    size: int


def address_in(given: str | Path) -> str | None:
    """The address that a setting or an argument is; None where it is the path of a folder.

    Raises:
        InvestorBenchError: it holds a password, or names nothing.
    """
    found = ADDRESS.fullmatch(str(given))
    if found is None:
        return None
    scheme, rest = found[1].lower(), found[2]
    if not rest.strip("/"):
        raise InvestorBenchError(f"{scheme}:// names no place: give {scheme}://bucket/prefix")
    if re.match(r"[^/]*:[^/]*@", rest) or "?" in rest:
        raise InvestorBenchError(
            f"{scheme}://… has a password in it, which records would keep: leave it to the "
            "environment, as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of s3://"
        )
    return f"{scheme}://{'/' * (scheme == 'file')}{rest.rstrip('/')}"


def mirror_of(address: str) -> Path:
    """The folder on this machine into which the records at an address are fetched."""
    scheme, _, rest = address.partition("://")
    return Path("runs", scheme, *(part for part in rest.split("/") if part.strip(".")))


class RunStore:
    """The records of a run at an address.

    Args:
        address: of fsspec; who may use it is for the library to find out, from the environment.

    Raises:
        MissingDependencyError: the package for this kind of address is not installed.
        InvestorBenchError: there is no such kind of address.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        scheme = address.partition("://")[0]
        try:
            from fsspec.core import url_to_fs

            more = {"auto_mkdir": True} if scheme == "file" else {"use_listings_cache": False}
            self._files, self._root = url_to_fs(address, **more)
        except ImportError as error:
            if scheme in EXTRAS or error.name == "fsspec":
                package, extra = EXTRAS.get(scheme, EXTRAS["s3"])
                raise MissingDependencyError(package, extra, f"folder={address}") from None
            raise InvestorBenchError(f"folder={address}: {error}") from None
        except ValueError as error:
            raise InvestorBenchError(f"folder={address}: {error}") from None

    def put_run(self, run: Path) -> None:
        """Put what is of the whole run: its seed, its suite, its seals.

        Raises:
            StoreError: the store refuses it.
        """
        for name in OF_THE_RUN:
            if (run / name).is_file():
                content = (run / name).read_bytes()
                self._tried(lambda: self._files.pipe_file(self._at(name), content))  # noqa: B023

    def take_over(self, place: str) -> str:
        """Become the writer of a job, and its token.

        Raises:
            StoreError: the store refuses it.
        """
        token = secrets.token_hex(16)
        self._tried(lambda: self._files.pipe_file(self._at(place, WRITER), token.encode()))
        return token

    def put_job(self, run: Path, place: str, token: str, names: Sequence[str] = OF_THE_JOB) -> None:
        """Put what a job has beside its episodes.

        Args:
            run: the folder of the run.
            place: the folder of the job in it.
            token: of its writer.
            names: of its files, beside answers and costs.

        Raises:
            StoreError: the store refuses it, or another writer has taken the job over.
        """
        with tempfile.TemporaryDirectory(prefix="investorbench-put-") as room:
            parts = {name: run / place / name for name in names}
            if (run / SPENDING).is_file():
                parts[SPENDING] = Path(room) / SPENDING
                own = (each for each in _lines(run / SPENDING) if _is_of(each, place))
                write_atomically(parts[SPENDING], "".join(own))
            if (run / ANSWERS).is_file():
                parts[ANSWERS] = Path(room) / ANSWERS
                _copy_answers(run / ANSWERS, parts[ANSWERS])
            self._put_archive(place, JOB, token, parts)

    def put_episode(self, run: Path, place: str, name: str, token: str) -> None:
        """Put an episode of a job; the same."""
        folder = run / place / name
        parts = {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }
        self._put_archive(place, name + ENDING, token, parts)

    def fetch(self, run: Path, places: Sequence[str] | None = None) -> int:
        """Fetch what is newer than what a folder has of it.

        Args:
            run: the folder, which is made where there is anything to fetch.
            places: the jobs that are wanted, by their folders in the run; all for None, with what
                is of the whole run.

        Returns:
            How many objects were fetched.

        Raises:
            StoreError: the store refuses it, an object cannot be read, or the folder not be made.
        """
        listed: dict[str, _Object] = {}
        for root in [self._root] if places is None else [self._at(place) for place in places]:
            listed |= self._tried(lambda: self._listed(root))  # noqa: B023
        if not listed and not run.is_dir():
            return 0
        try:
            run.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{run} cannot be made, where {self.address} is fetched to: {error.strerror}; "
                "run this in another folder"
            ) from None
        with FileLock(run / FETCHING):
            known = _read_state(run)
            if places is None:
                self._require_all_there(listed, known, run)
            return self._fetch_listed(listed, known, run)

    def _fetch_listed(
        self, listed: Mapping[str, "_Object"], known: dict[str, str], run: Path
    ) -> int:
        for left in run.glob(f"{ROOM}*"):  # by a command that was killed
            shutil.rmtree(left, ignore_errors=True)
        wanted = sorted(name for name in listed if listed[name].state != known.get(name))
        refused: list[StoreError] = []
        try:
            for name in wanted:
                try:
                    self._fetch(name, listed[name].size, run)
                    known[name] = listed[name].state
                except ObjectError as error:  # the others may do
                    refused.append(error)
        finally:
            if wanted:
                write_atomically(run / FETCHED, json.dumps(known))
        if refused:
            more = f", and {len(refused) - 1} more like it" if len(refused) > 1 else ""
            raise StoreError(f"{refused[0]}{more}; the rest is in {run}")
        return len(wanted)

    def _require_all_there(
        self, listed: Collection[str], known: Collection[str], run: Path
    ) -> None:
        """Refuse a folder that has what its address does not: it is the copy of something else.

        Raises:
            StoreError: it has.
        """
        finished = (path.parent.relative_to(run) for path in run.rglob(METRICS))
        ours = {f"{path.as_posix()}{ENDING}" for path in finished if EPISODE.fullmatch(path.name)}
        gone = sorted(ours.union(filter(_is_part, known)).difference(listed))
        if gone:
            raise StoreError(
                f"{run} has {gone[0].removesuffix(ENDING)}, which is not at {self.address}: it is "
                "of another run, or that one was removed; move the folder away"
            )

    def _listed(self, root: str) -> dict[str, "_Object"]:
        """The parts of records below a root, each with what changes when it is put again."""
        try:
            found = self._files.find(root, detail=True)
        except FileNotFoundError:
            self._require_bucket()
            return {}
        if not found:
            self._require_bucket()
        own = self._root.rstrip("/") + "/"
        objects = {}
        for path, about in found.items():
            name = path.removeprefix(own)
            if path.startswith(own) and _is_part(name):
                marks = ("ETag", "etag", "size", "mtime", "LastModified", "created")
                state = " ".join(str(about[mark]) for mark in marks if mark in about)
                objects[name] = _Object(state, int(about.get("size") or 0))
        return objects

    def _require_bucket(self) -> None:
        """Refuse an address whose bucket is gone; an empty folder may begin there.

        Raises:
            FileNotFoundError: there is none.
        """
        bucket = self._root.lstrip("/").partition("/")[0]
        if not self._root.startswith("/") and not self._files.exists(bucket):
            self._files.ls(bucket, refresh=True)

    def _fetch(self, name: str, size: int, run: Path) -> None:
        place, _, archive = name.rpartition("/")
        if not place and archive.endswith(ENDING):
            raise StoreError(f"{self.address} is a part of a run: give the address of all of it")
        where = f"{self.address}/{name}"
        if size > LARGEST:
            raise ObjectError(f"{where} is larger than any record: remove it")
        with tempfile.TemporaryDirectory(prefix=ROOM, dir=run) as room:
            packed, inside = Path(room) / "packed", Path(room) / "inside"
            self._tried(lambda: self._files.get_file(self._at(name), str(packed)))
            if not archive.endswith(ENDING):
                packed.replace(run / name)
                return
            inside.mkdir()
            try:
                unpack(packed, inside)
                if archive == JOB:
                    self._merge_job(inside, run, place)
            except NOT_WHOLE as error:
                raise ObjectError(f"{where} is no whole record ({error}): remove it") from None
            except OSError as error:
                kind = ObjectError if error.errno in OF_NAMES else StoreError
                raise kind(f"{where} cannot be unpacked here: {error.strerror}") from None
            if archive != JOB:
                target = run / place / archive.removesuffix(ENDING)
                target.parent.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(FileNotFoundError):
                    target.rename(Path(room) / "before")
                inside.rename(target)

    def _merge_job(self, inside: Path, run: Path, place: str) -> None:
        if (inside / ANSWERS).is_file():
            self._merge_answers(inside / ANSWERS, run / ANSWERS, place)
        if (inside / SPENDING).is_file():
            others = [each for each in _lines(run / SPENDING) if not _is_of(each, place)]
            own = [each for each in _lines(inside / SPENDING) if _is_of(each, place)]
            write_atomically(run / SPENDING, "".join([*others, *own]))
        (run / place).mkdir(parents=True, exist_ok=True)
        for name in OF_THE_JOB:
            if (inside / name).is_file():
                (inside / name).replace(run / place / name)
            else:
                (run / place / name).unlink(missing_ok=True)

    def _merge_answers(self, fetched: Path, into: Path, place: str) -> None:
        with Cache(into):
            pass  # the file, with its table
        with contextlib.closing(sqlite3.connect(into)) as ours, ours:
            for row in _answers_in(fetched):
                added = ours.execute(INSERT, row)
                if added.rowcount:
                    continue
                (kept,) = ours.execute("SELECT completion FROM answers WHERE key = ?", row[:1])
                if kept != row[2:]:
                    raise ObjectError(
                        f"{place} was answered otherwise than another job that asked the same, "
                        "without a cache in common: run them with a folder that they share"
                    )

    def _put_archive(self, place: str, name: str, token: str, parts: dict[str, Path]) -> None:
        self._require_writer(place, token)
        with tempfile.TemporaryDirectory(prefix="investorbench-put-") as room:
            packed = Path(room) / name
            pack(parts, packed)
            self._tried(lambda: self._files.put_file(str(packed), self._at(place, name)))

    def _require_writer(self, place: str, token: str) -> None:
        found = self._tried(lambda: self._files.cat_file(self._at(place, WRITER)))
        if found.decode(errors="replace") != token:
            raise StoreError(f"{self.address}/{place} was taken over by another run")

    def _at(self, *parts: str) -> str:
        return "/".join([self._root.rstrip("/"), *parts])

    def _tried(self, call: Callable[[], T]) -> T:
        """What a call of the library returns, after some tries.

        Raises:
            StoreError: it cannot be had.
        """
        for number in range(TRIES):
            try:
                return call()
            except Exception as error:  # noqa: BLE001 - each library has errors of its own
                if isinstance(error, FINAL) or number == TRIES - 1:
                    reason = " ".join(str(error).split()) or type(error).__name__
                    raise StoreError(f"{self.address} refuses: {reason}") from None
                time.sleep(WAIT_S * 2**number)
        raise AssertionError


class PuttingJobs:
    """Jobs that are run in a folder of this machine, and put as their episodes end.

    Args:
        store: where to.
        run: the folder.
        places: the folders of the jobs in it.

    Raises:
        StoreError: the store refuses it before anything was run.
    """

    def __init__(self, store: RunStore, run: Path, places: Sequence[str]) -> None:
        self._store, self._run = store, run
        self._tokens = {place: store.take_over(place) for place in places}
        self._due: list[tuple[str, str]] = []
        self._alone = threading.Lock()
        store.fetch(run, places)

    def ended(self, episode: Path) -> None:
        """Put an episode that has ended; what is refused is put at the end, or never.

        Several may end at once, of which what is put last must not be what was packed first.
        """
        place, _, name = episode.relative_to(self._run).as_posix().rpartition("/")
        with self._alone:
            self._due.append((place, name))
            with contextlib.suppress(*NOT_PUT):
                # Its answers first: without them, an episode that is run again would be paid again.
                self._store.put_job(self._run, place, self._tokens[place])
                self._store.put_episode(self._run, place, name, self._tokens[place])
                self._due.remove((place, name))

    def finish(self) -> None:
        """Put what is left, of each job whatever became of the others.

        Raises:
            StoreError: the store refuses some of it.
        """
        refused: list[StoreError] = []
        for place in self._tokens:
            try:
                self._finish(place)
            except StoreError as error:
                refused.append(error)
            except NOT_PUT as error:
                refused.append(StoreError(f"{place} cannot be packed here: {error}"))
        if refused:
            raise refused[0]

    def _finish(self, place: str) -> None:
        if not (self._run / place / CONFIG).is_file():
            return
        token, due = self._tokens[place], [each for each in self._due if each[0] == place]
        if due:  # a manifest speaks of episodes that are there
            self._store.put_job(self._run, place, token, (CONFIG, REFERENCES))
        for own, name in due:
            self._store.put_episode(self._run, own, name, token)
        self._store.put_job(self._run, place, token)


@contextlib.contextmanager
def put_from_here(address: str, places: Sequence[str]) -> Iterator[tuple[Path, PuttingJobs]]:
    """A folder of this machine for jobs whose records are put at an address as the block runs.

    Raises:
        StoreError: the store refuses it; what it has not taken stays in the folder, which is named.
    """
    run = Path(tempfile.mkdtemp(prefix="investorbench-run-"))
    try:
        putting = PuttingJobs(RunStore(address), run, places)
    except BaseException:
        shutil.rmtree(run, ignore_errors=True)
        raise
    try:
        yield run, putting
    finally:
        try:
            putting.finish()
        except StoreError as error:
            here = f"{platform.node()}:{run}"
            raise StoreError(f"{error}; what it has not taken lies in {here}") from None
        shutil.rmtree(run, ignore_errors=True)


def _is_part(name: str) -> bool:
    """Whether an object below an address has the name of a part of a record, which none leads out.

    A name may be anything that somebody else has put there.
    """
    place, _, last = name.rpartition("/")
    is_archive = last == JOB or (
        last.endswith(ENDING) and EPISODE.fullmatch(last.removesuffix(ENDING)) is not None
    )
    is_within = place.isprintable() and not {"", ".", ".."} & set(place.split("/"))
    is_inside = "/" not in name or (is_within and "\\" not in place)
    return name in OF_THE_RUN or (is_archive and is_inside)


def _is_of(line: str, place: str) -> bool:
    """Whether a line of the ledger is of an episode of a job."""
    return line.rstrip("\n").partition(" ")[2].startswith(f"{place}/")


def _lines(ledger: Path) -> list[str]:
    if not ledger.is_file():
        return []
    return ledger.read_text(encoding="utf-8").splitlines(keepends=True)


def _copy_answers(path: Path, copy: Path) -> None:
    """Copy a file of answers, also while this process writes it."""
    with (
        contextlib.closing(sqlite3.connect(path)) as db,
        contextlib.closing(sqlite3.connect(copy)) as other,
    ):
        db.backup(other)
        other.execute("PRAGMA journal_mode = DELETE")
        with other:
            other.executemany(INSERT, rows_beside(path))


def _answers_in(fetched: Path) -> Iterator[tuple[Any, ...]]:
    """The rows of a file of answers that was fetched.

    Raises:
        ValueError: it is none.
    """
    try:
        with open_at_rest(fetched) as theirs:
            yield from theirs.execute("SELECT key, model, completion FROM answers")
    except InvestorBenchError as error:
        raise ValueError(str(error).replace(str(fetched), ANSWERS)) from None


def _read_state(run: Path) -> dict[str, str]:
    try:
        found: Any = json.loads((run / FETCHED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
