"""Whether a run fits its seals, and which parts of it do not."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from investorbench.tasks.record.run_folder import jobs_in
from investorbench.tasks.record.sealing.misfits import misfit, misfits
from investorbench.tasks.record.sealing.plans import record_parts
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
    findings, notes = list(misfits(run, seal)), []
    file = line_file(run, seal.kind)
    if file.is_file() and file.read_bytes().strip() != seal.line.encode():
        findings.append(misfit(path=file, what=f"is not the line of {path.name}"))
    elif file.is_file():
        for ending, words, look in (
            (SIGNATURE, "signature", partial(signature_of, signers=signers)),
            (PROOF, "proof of time", proof_of),
        ):
            if (other := beside(file, ending)).is_file():
                what, is_wrong = look(file)
                findings += [misfit(path=other, what=what)] * is_wrong
                notes += [f"{words}: {what}"] * (not is_wrong)
        if (other := beside(file, PUBLISHED)).is_file():
            notes.append(f"published, says {other.name}: {published_of(file)}")
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
        findings = [*_disagreement(run, seal, name), *misfits(run, seal)]
        is_compared = seal.is_open
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
        if not _is_file(given):
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


def _is_file(given: str) -> bool:
    try:
        return Path(given).is_file()
    except (OSError, ValueError):  # a text that can be no path
        return False


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
