"""What a person says about files that do not say it themselves: ``dates=`` and a file beside them.

``investorbench.yaml`` in a folder of data holds ``dates``, ``numbers`` and ``encoding`` for every
file of that folder and of those below it, and under ``files`` the same by name.
"""

from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from investorbench_env.errors import CorruptDataError, InvestorBenchError, UnknownNameError

SIDECAR = "investorbench.yaml"
ORDERS = ("day-first", "month-first", "year-first")
UNITS = {"seconds": 0, "milliseconds": 3, "microseconds": 6, "nanoseconds": 9}
"""Units of a number that counts from 1970, and how many decimals of a second each has."""
AS_WRITTEN = "as-written"
NUMBERS = ("decimal-point", "decimal-comma")
KEYS = ("dates", "numbers", "encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSettings:
    """What settles a column that does not settle itself; empty where nothing was said.

    Attributes:
        order: one of ``ORDERS``.
        unit: one of ``UNITS``.
        timezone: IANA name of the zone in which times without one are, and moments are dates.
        as_written: a date counts as it is written, whatever time and zone stand behind it.
        numbers: one of ``NUMBERS``.
        encoding: of a text file.
    """

    order: str = ""
    unit: str = ""
    timezone: str = ""
    as_written: bool = False
    numbers: str = ""
    encoding: str = ""

    @classmethod
    def of_dates(cls, words: object) -> Self:
        """Settings from ``dates=``: words such as ``"day-first"`` or ``"day-first, Europe/Rome"``.

        Raises:
            InvestorBenchError: it is no text.
            UnknownNameError: a word is none of those.
        """
        if not isinstance(words, str):
            raise InvestorBenchError(
                f"dates={words!r} must be words such as 'day-first' or 'Europe/Berlin'"
            )
        found: dict[str, Any] = {}
        for word in words.replace(",", " ").split():
            if word in ORDERS:
                found["order"] = word
            elif word in UNITS:
                found["unit"] = word
            elif word == AS_WRITTEN:
                found["as_written"] = True
            elif _is_zone(word):
                found["timezone"] = word
            else:
                raise UnknownNameError(
                    "word of dates=",
                    word,
                    (*ORDERS, *UNITS, AS_WRITTEN),
                    "or a time zone such as 'America/New_York'",
                )
        return cls(**found)

    def over(self, other: Self) -> Self:
        """These settings, and the other's where these say nothing."""
        said = {name: value for name in self.__slots__ if (value := getattr(self, name))}
        return replace(other, **said)


NOTHING = FileSettings()


def settings_of(path: Path, root: Path) -> FileSettings:
    """What the sidecars of a file's folder and of those above it, up to a root, say about it.

    Raises:
        CorruptDataError: a sidecar is not of that form.
    """
    settings = NOTHING
    for folder in (path.parent, *path.parent.parents):
        beside = folder / SIDECAR
        if beside.is_file():
            status = beside.stat()
            rules = _rules(beside, status.st_mtime_ns, status.st_size)
            matching = (given for pattern, given in rules if fnmatch(path.name, pattern))
            for given in matching:
                settings = settings.over(given)
        if folder == root:
            break
    return settings


@lru_cache(maxsize=256)
def _rules(path: Path, _changed: int, _size: int) -> tuple[tuple[str, FileSettings], ...]:
    """Patterns of names and their settings; those of single files come before those of all."""
    import yaml

    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, OSError, ValueError, RecursionError) as error:
        why = " ".join(str(error).split())
        raise CorruptDataError(f"{path}: not readable as YAML ({why})") from error
    if not isinstance(given, dict) or not isinstance(given.get("files", {}), dict):
        raise CorruptDataError(f"{path}: expected {', '.join(KEYS)}, and the same under files")
    files = given.pop("files", {})
    rules = [(str(name), _settings(path, each)) for name, each in files.items()]
    return (*rules, ("*", _settings(path, given)))


def _settings(path: Path, given: Any) -> FileSettings:
    if not isinstance(given, dict) or not set(given) <= set(KEYS):
        named = given if not isinstance(given, dict) else sorted(map(str, set(given) - set(KEYS)))
        raise CorruptDataError(f"{path}: {named!r} is none of {', '.join(KEYS)}")
    try:
        settings = FileSettings.of_dates(given["dates"]) if "dates" in given else NOTHING
    except InvestorBenchError as error:
        raise CorruptDataError(f"{path}: {error}") from error
    numbers, encoding = given.get("numbers", ""), given.get("encoding", "")
    if numbers not in ("", *NUMBERS):
        raise CorruptDataError(f"{path}: numbers: {numbers!r} is none of {', '.join(NUMBERS)}")
    if not isinstance(encoding, str) or (encoding and not _is_encoding(encoding)):
        raise CorruptDataError(f"{path}: encoding: {encoding!r} is no encoding, such as cp1252")
    return replace(settings, numbers=numbers, encoding=encoding)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _is_encoding(name: str) -> bool:
    try:
        return isinstance(b"a".decode(name), str)
    except (LookupError, UnicodeDecodeError, ValueError):
        return False
