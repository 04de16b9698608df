"""Seals as data and as files: a digest of each part, and one of all of them, which is public.

The digest of a part is the SHA-256 of the JSON, with sorted keys, without blanks and in ASCII, of
``[nonce, place, part, content]``; that of the seal, of ``{"kind", "parts", "seal"}``. A plan has a
nonce, since what is planned could be guessed from a bare hash; a finished record has none, so that
everybody who has it comes to the same digest.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from investorbench.agents.llm.canonical import digest
from investorbench.tasks.record.files import read_json
from investorbench.tasks.record.run_files import SealedParts
from investorbench_env.errors import InvestorBenchError
from investorbench_env.whole_files import write_atomically

FORMAT = 1
Kind = Literal["plan", "record"]
KINDS: tuple[Kind, ...] = ("plan", "record")
PREFIX = "investorbench"
Digests = dict[str, dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Seal:
    """What fixes a plan or a record.

    Attributes:
        kind: ``"plan"``, made before anything is run, or ``"record"``, made when all of it is.
        parts: the digest of each part, by place: the folder of a job in the run, or ``"."``.
        content: what they are digests of; None where that, or the nonce, is kept back.
        nonce: 128 bits in hexadecimal; None of a record, or where it is kept back.
        written_at: wall-clock time, ISO 8601 in UTC; it is no part of the digest.
    """

    kind: Kind
    parts: Mapping[str, Mapping[str, str]]
    content: Mapping[str, SealedParts] | None = None
    nonce: str | None = None
    written_at: str = ""

    @classmethod
    def of(cls, kind: Kind, content: Mapping[str, SealedParts], nonce: str | None = None) -> Self:
        """The seal of some content, as of now."""
        return cls(
            kind=kind,
            parts=_digests(content, nonce),
            content=content,
            nonce=nonce,
            written_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """The seal in a file.

        Raises:
            InvestorBenchError: it is none, or one of another version, or was changed.
        """
        content = read_json(path)
        version = content.get("seal")
        if not isinstance(version, int):
            raise InvestorBenchError(f"{path} is no seal: it names no version")
        if version != FORMAT:
            raise InvestorBenchError(
                f"{path} is a seal of version {version}, and this InvestorBench reads version "
                f"{FORMAT}: the version that wrote it can check it"
            )
        try:
            found = cls(
                kind=content["kind"],
                parts={place: dict(own) for place, own in content["parts"].items()},
                content=_content(content.get("content")),
                nonce=content.get("nonce"),
                written_at=str(content.get("written_at", "")),
            )
            found._require_unchanged(str(content["digest"]), path)
        except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
            raise InvestorBenchError(f"{path} is no seal: {error!r}") from None
        return found

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the digests of all parts."""
        return digest({"seal": FORMAT, "kind": self.kind, "parts": self.parts})

    @property
    def line(self) -> str:
        """What is published."""
        return f"{PREFIX}-{self.kind}:{self.digest}"

    @property
    def is_open(self) -> bool:
        """Whether what it was made of can be compared with a record."""
        return self.content is not None and (self.nonce is not None or self.kind == "record")

    def write(self, run: Path) -> None:
        """Write the seal into the folder of a run, with its public line in a file of its own."""
        content = {
            "seal": FORMAT,
            "kind": self.kind,
            "digest": self.digest,
            "written_at": self.written_at,
            "nonce": self.nonce,
            "parts": self.parts,
            "content": self.content,
        }
        try:
            write_atomically(seal_file(run, self.kind), json.dumps(content, indent=1) + "\n")
            write_atomically(line_file(run, self.kind), self.line + "\n")
        except OSError as error:
            raise InvestorBenchError(
                f"{run} cannot be written to, so there is no seal: {error.strerror}"
            ) from None

    def other_parts(self, other: Self) -> list[str]:
        """The names of the parts that another seal of the same kind has otherwise."""
        if self.content is not None and other.content is not None:
            return _differing(self.content, other.content)
        return _differing(self.parts, other.parts)  # which a nonce makes others

    def _require_unchanged(self, recorded: str, path: Path) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"it is one of {self.kind!r}")
        if self.digest != recorded:
            raise InvestorBenchError(f"{path} was changed: its digest is not that of its parts")
        if self.content is not None and self.is_open:
            own = _digests(self.content, self.nonce)
            if others := _differing(self.parts, own):
                names = ", ".join(others)
                raise InvestorBenchError(f"{path} was changed: its digests are of another {names}")


def name_of(place: str, part: str) -> str:
    """Such as ``repeat-0 of stock-sim/momentum``."""
    return part if place == "." else f"{part} of {place}"


def seal_file(run: Path, kind: Kind) -> Path:
    """Where a seal lies in the folder of a run, with what it was made of."""
    return run / f"{kind}.seal.json"


def line_file(run: Path, kind: Kind) -> Path:
    """The public line of a seal: the file to publish, to sign and to stamp."""
    return run / f"{kind}.seal"


def _content(found: Any) -> dict[str, SealedParts] | None:
    if found is None:
        return None
    return {
        place: {part: dict(content) for part, content in own.items()}
        for place, own in found.items()
    }


def _digests(content: Mapping[str, SealedParts], nonce: str | None) -> Digests:
    return {
        place: {part: digest([nonce, place, part, own]) for part, own in parts.items()}
        for place, parts in content.items()
    }


def _differing(one: Mapping[str, Mapping[str, Any]], other: Mapping[str, Any]) -> list[str]:
    return [
        name_of(place, part)
        for place in dict.fromkeys([*one, *other])
        for part in dict.fromkeys([*one.get(place, ()), *other.get(place, ())])
        if one.get(place, {}).get(part) != other.get(place, {}).get(part)
    ]
