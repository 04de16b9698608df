"""Whether a run fits its seals, and which parts of it do not."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from investorbench.tasks.record.digests import MANIFEST
from investorbench.tasks.record.kept_answers import ANSWERS
from investorbench.tasks.record.run_files import FILES, ROWS, THE_RUN
from investorbench.tasks.record.run_folder import jobs_in
from investorbench.tasks.record.sealing.plans import (
    CODE,
    DATA,
    FINISHED,
    NUMBER,
    PARTS,
    SEEDS,
    planned_of,
    record_parts,
)
from investorbench.tasks.record.sealing.seals import KINDS, PREFIX, Seal, line_file, seal_file
from investorbench.tasks.record.sealing.signatures import (
    PROOF,
    PUBLISHED,
    SIGNATURE,
    beside,
    proof_of,
    published_of,
    signature_of,
)
from investorbench.tasks.record.verifying.findings import Finding
from investorbench_env.errors import InvestorBenchError

LINE = re.compile(rf"{PREFIX}-({'|'.join(KINDS)}):([0-9a-f]{{64}})(?![0-9a-f])")
BARE = re.compile(r"[0-9a-f]{64}")
LONGEST = 64
"""Characters of a value that a finding quotes."""
ABSENT = "nothing"
misfit = partial(Finding, kind="seal")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSeal:
    """What a look at a seal found.

    Attributes:
        name: the file, or what was given in its place.
        kind: of what it is one; empty where that is not known.
        digest: what was published of it; empty where it cannot be read.
        findings: what does not fit, or could not be checked.
        notes: what else is known of it.
        is_compared: whether the run could be compared with what was sealed.
    """

    name: str
    kind: str
    digest: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    is_compared: bool = True

    @property
    def verdict(self) -> str:
        """Whether all that was sealed is there as it was, in words."""
        if any(finding.is_wrong for finding in self.findings):
            return "differs"
        if not self.is_compared:
            return "not checked"
        return "fits so far" if self.findings else "fits"


def check_seals(
    run: str | Path, given: str | None = None, signers: Path | None = None
) -> list[CheckedSeal]:
    """Compare a run with the seals in its folder, and with one that comes from elsewhere.

    Args:
        run: the folder.
        given: a file of a seal, or a text in which its public line, or a bare digest, stands.
        signers: those who may have signed, as Git's ``allowedSignersFile`` lists them.

    Raises:
        InvestorBenchError: the folder holds no record, or what is given is no seal.
    """
    run = Path(run)
    jobs_in(run)  # there is something to compare
    own = [
        _own(run, seal_file(run, kind), signers) for kind in KINDS if seal_file(run, kind).exists()
    ]
    return own if given is None else _with_given(run, own, given)


def seal_findings(run: str | Path, given: str | None = None) -> list[Finding]:
    """What does not fit the seals of a run; nothing where it has none.

    Raises:
        InvestorBenchError: what is given is no seal.
    """
    return [finding for each in check_seals(run, given) for finding in each.findings]


def _own(run: Path, path: Path, signers: Path | None) -> CheckedSeal:
    """A seal that lies in the folder of its run."""
    try:
        seal = Seal.read(path)
    except InvestorBenchError as error:
        what = str(error).removeprefix(f"{path} ")
        found = (misfit(path=path, what=what),)
        return CheckedSeal(name=path.name, kind="", digest="", findings=found)
    findings, notes = list(_misfits(run, seal)), []
    file = line_file(run, seal.kind)
    if file.is_file() and file.read_bytes().strip() != seal.line.encode():
        findings.append(misfit(path=file, what=f"is not the line of {path.name}"))
    elif file.is_file():
        for ending, words in ((SIGNATURE, "signature"), (PROOF, "proof of time")):
            if beside(file, ending).is_file():
                known = signature_of(file, signers) if ending == SIGNATURE else proof_of(file)
                what, is_wrong = known
                if is_wrong:
                    findings.append(misfit(path=beside(file, ending), what=what))
                else:
                    notes.append(f"{words}: {what}")
        if beside(file, PUBLISHED).is_file():
            notes.append(f"published, says {beside(file, PUBLISHED).name}: {published_of(file)}")
    return CheckedSeal(
        name=path.name,
        kind=seal.kind,
        digest=seal.digest,
        findings=tuple(findings),
        notes=tuple(notes),
        is_compared=seal.is_open,
    )


def _with_given(run: Path, own: list[CheckedSeal], given: str) -> list[CheckedSeal]:
    """The seals of a folder and one that comes from elsewhere; where it is one of them, a note."""
    seal = _seal_in(given)
    kind, digest = (seal.kind, seal.digest) if isinstance(seal, Seal) else seal
    same = [each for each in own if each.digest == digest and kind in ("", each.kind)]
    if same:
        noted = replace(same[0], notes=(*same[0].notes, "its digest is the one that was given"))
        return [noted if each is same[0] else each for each in own]
    name = given if isinstance(seal, Seal) else f"{kind} {digest}".strip()
    if isinstance(seal, Seal):
        findings, is_compared = (
            [*_disagreement(run, seal, name), *_misfits(run, seal)],
            seal.is_open,
        )
    else:
        findings = list(_unknown(run, own, kind, digest))
        is_compared = not findings or findings[0].is_wrong
    checked = CheckedSeal(
        name=name,
        kind=kind,
        digest=digest,
        findings=tuple(findings),
        is_compared=is_compared,
    )
    return [*own, checked]


def _seal_in(given: str) -> Seal | tuple[str, str]:
    """The seal that is given as a file, or its kind, where that is said, and its digest."""
    text = given.strip()
    if not LINE.search(text) and not BARE.fullmatch(text):
        if not Path(given).is_file():
            raise InvestorBenchError(
                f"{given} is no seal: give its file, its line {PREFIX}-plan:... or "
                f"{PREFIX}-record:..., or 64 hexadecimal digits"
            )
        text = Path(given).read_text(encoding="utf-8", errors="replace").strip()
        if text.startswith("{") or not (LINE.search(text) or BARE.fullmatch(text)):
            return Seal.read(Path(given))
    found = {(kind, digest) for kind, digest in LINE.findall(text)} or {("", text)}
    if len(found) > 1:
        raise InvestorBenchError(f"{given} has the lines of {len(found)} seals: give one of them")
    return found.pop()


def _disagreement(run: Path, seal: Seal, name: str) -> Iterator[Finding]:
    """In which parts a seal that comes from elsewhere and that of the folder disagree."""
    path = seal_file(run, seal.kind)
    with contextlib.suppress(InvestorBenchError):  # the look at the other one says so
        if path.exists() and (others := seal.other_parts(Seal.read(path))):
            yield misfit(path=path, what=f"and {name} are two seals: {', '.join(others)}")


def _unknown(run: Path, own: list[CheckedSeal], kind: str, digest: str) -> Iterator[Finding]:
    """What is to be said of a digest that no seal in the folder has."""
    known = {each.kind: each.digest for each in own if kind in ("", each.kind)}
    if kind != "plan" and "record" not in known:  # nothing of a record is secret
        known["record"] = Seal.of("record", record_parts(run)).digest
        if known["record"] == digest:
            return
    if not known:
        what = "could not be compared: plan.seal.json, which has the nonce of the plan, is not here"
        yield misfit(path=run, what=what, is_wrong=False)
        return
    others = " and ".join(f"{each} has {own}" for each, own in known.items())
    maybe = "" if kind or "plan" in known else "; a plan can be compared with its plan.seal.json"
    yield misfit(path=run, what=f"is not what {digest} seals: its {others}{maybe}")


def _misfits(run: Path, seal: Seal) -> Iterator[Finding]:
    """How a run differs from what was sealed."""
    if seal.content is None or not seal.is_open:
        kept = "the nonce" if seal.content is not None else "what it was made of"
        what = f"could not be compared with {seal.line}: {kept} is not in its file"
        yield misfit(path=run, what=what, is_wrong=False)
        return
    found = planned_of(run) if seal.kind == "plan" else record_parts(run)
    content = {**({THE_RUN: {}} if THE_RUN in found else {}), **seal.content}
    for place, sealed in content.items():
        own = found.get(place, {})
        if not (run / place).is_dir():
            yield Finding(
                path=run / place, what=f"is missing, and is in the {seal.kind} that was sealed"
            )
            continue
        for part in dict.fromkeys([*sealed, *own]):
            if sealed.get(part) != own.get(part):
                is_file = part not in PARTS and (place, part) != (THE_RUN, ROWS)
                misfits = _files if is_file else _values
                yield from misfits(run, place, part, sealed.get(part), own.get(part))
    for place in found:
        if place not in content:
            yield misfit(path=run / place, what=f"is not in the {seal.kind} that was sealed")


def _files(run: Path, place: str, part: str, sealed: Any, found: Any) -> Iterator[Finding]:
    """Which files of a part are others."""
    folder = run / place if part == FILES else run / place / part
    sealed, found = sealed or {}, found or {}
    for name in dict.fromkeys([*sealed, *found]):
        if sealed.get(name) != found.get(name):
            how = "was changed" if name in sealed and name in found else "was removed"
            how = "was added" if name not in sealed else how
            what = f"{how} after the record was sealed ({part} of {place})"
            yield misfit(path=folder / name, what=what)


def _values(run: Path, place: str, part: str, sealed: Any, found: Any) -> Iterator[Finding]:
    """Which values of a part are others; what a run has not come to yet is none."""
    is_finished = place == THE_RUN or (run / place / MANIFEST).exists()
    path = run / ANSWERS if part == ROWS else run / place
    if found is None:
        what = f"{part} could not be compared with what was sealed: the record has none"
        yield misfit(path=path, what=what, is_wrong=is_finished)
        return
    was, now = _flat(sealed or {}), _flat(found)
    if part == SEEDS or (part in (CODE, DATA) and not is_finished):
        was = {name: value for name, value in was.items() if name in now}
    names = [n for n in dict.fromkeys([*was, *now]) if was.get(n, ABSENT) != now.get(n, ABSENT)]
    if not names:
        return
    if names == [FINISHED]:
        finished, planned = now.get(FINISHED, now[NUMBER]), now[NUMBER]
        what = f"{part}: {finished} of {planned} are finished"
        yield misfit(path=path, what=what, is_wrong=is_finished)
        return
    first, *rest = names
    values = [f"{each.get(first, ABSENT)!s:.{LONGEST}}" for each in (was, now)]
    also = f"; also {', '.join(rest)}" if rest else ""
    what = f"{part}: {first} was sealed as {values[0]} and is {values[1]}{also}"
    yield misfit(path=path, what=what)


def _flat(value: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, part in value.items():
        if isinstance(part, dict) and part:
            flat |= _flat(part, f"{before}{name}.")
        else:
            flat[f"{before}{name}"] = part
    return flat
