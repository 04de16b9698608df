"""What stands beside the public line of a seal: a signature, a proof of its time, where it is.

``plan.seal.sig`` is an SSH signature as ``ssh-keygen -Y sign`` writes it, ``plan.seal.ots`` a proof
of OpenTimestamps, and ``plan.seal.published`` a text that says where the line was published. The
tools that made them check them without us; what can be said without a network is said here.
"""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from investorbench.tasks.record.files import bytes_of
from investorbench_env.errors import InvestorBenchError
from investorbench_env.whole_files import write_atomically

NAMESPACE = "investorbench"
PROGRAM = "ssh-keygen"
SIGNATURE, PROOF, PUBLISHED = ".sig", ".ots", ".published"
PROOF_BEGINS = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294")
"""The magic bytes of a detached proof; a version, an operation and a digest follow."""
SHA256_OF_VERSION_1 = b"\x01\x08"
LONGEST_NOTE = 1000


def beside(file: Path, ending: str) -> Path:
    """A file that says something of another one, such as ``plan.seal.sig``."""
    return file.with_name(file.name + ending)


def sign(file: Path, key: Path) -> None:
    """Sign a file with an SSH key, which may be one that an agent or a token holds.

    Args:
        file: what to sign.
        key: of the signer, private, or public where an agent has the other one.

    Raises:
        InvestorBenchError: there is no ssh-keygen, or no such key.
    """
    done = _keygen(["sign", "-f", str(key)], file)
    if done is None:
        raise InvestorBenchError(
            f"{PROGRAM} is missing, which signs: install OpenSSH, or leave out the key"
        )
    if done.returncode != 0:
        raise InvestorBenchError(f"{file} cannot be signed with {key}: {_reason(done)}")
    write_atomically(beside(file, SIGNATURE), done.stdout)


def signature_of(file: Path, signers: Path | None = None) -> tuple[str, bool]:
    """What is known of the signature beside a file, in words, and whether it is wrong.

    Args:
        file: that is signed.
        signers: those who may sign, as ``ssh-keygen -Y verify`` and Git take them: a line a key,
            with a name; None to take any key.
    """
    signature = ["-s", str(beside(file, SIGNATURE))]
    arguments = ["check-novalidate", *signature]
    if signers is not None:
        named = _keygen(["find-principals", "-f", str(signers), *signature], file)
        if named is None or named.returncode != 0:
            why = "" if named is None else f": {_reason(named)}"
            return f"is of none of {signers}{why}", True
        principal = named.stdout.decode("utf-8", "replace").splitlines()[0]
        arguments = ["verify", "-f", str(signers), "-I", principal, *signature]
    done = _keygen(arguments, file)
    if done is None:
        return f"was not checked: {PROGRAM} is missing", False
    if done.returncode != 0:
        return f"is not that of this seal: {_reason(done)}", True
    return _last_line(done.stdout), False


def proof_of(file: Path) -> tuple[str, bool]:
    """What is known of the proof beside a file, in words, and whether it is wrong."""
    proof = bytes_of(beside(file, PROOF))
    before = PROOF_BEGINS + SHA256_OF_VERSION_1
    if not proof.startswith(before):
        return "is no proof of OpenTimestamps that says of which file it is", True
    stamped = proof[len(before) : len(before) + hashlib.sha256().digest_size]
    if stamped != hashlib.sha256(bytes_of(file)).digest():
        return f"is a proof of another file than {file.name}", True
    return f"is of this seal; `ots verify {beside(file, PROOF).name}` asks since when", False


def published_of(file: Path) -> str:
    """What is said of where a line was published, which is not checked."""
    text = beside(file, PUBLISHED).read_text(encoding="utf-8", errors="replace")
    line = " ".join(text.split())[:LONGEST_NOTE]
    return "".join(each if each.isprintable() else "�" for each in line)


def _keygen(arguments: Sequence[str], file: Path) -> subprocess.CompletedProcess[bytes] | None:
    """Have ssh-keygen sign or check a file; None where there is no ssh-keygen."""
    command, *rest = arguments
    try:
        with file.open("rb") as content:
            return subprocess.run(
                [PROGRAM, "-Y", command, "-n", NAMESPACE, *rest],
                stdin=content, capture_output=True, check=False,
            )  # fmt: skip
    except FileNotFoundError:
        return None


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    return _last_line(done.stderr) or _last_line(done.stdout) or f"status {done.returncode}"


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
