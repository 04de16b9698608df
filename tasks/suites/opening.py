"""What a run of a suite has in its folder: which suite, the hash of its salt, and in the end that.

``suite.json`` is written before the first decision and holds the hash alone; the salt lies beside
it, for a run that is resumed, until everything is on record.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from investorbench.tasks.suites.freezing import require_frozen
from investorbench.tasks.suites.salt import (
    drawn_salt,
    require_salt,
    salt_hash,
    salt_in,
    seed_of,
)
from investorbench.tasks.suites.suite import Suite
from investorbench_env.errors import InvestorBenchError
from investorbench_env.regular_files import read_text
from investorbench_env.whole_files import write_atomically

SUITE, SALT, LOCK = "suite.json", "salt.txt", ".suite.lock"
OF_A_JOB = "suite"
"""Names the setting of a job that says of which suite it is."""
GIVEN = "salt_given"
"""Says that a salt was given, and not drawn by the run: its markets may have been known before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSuite:
    """A suite that is run in a folder.

    Attributes:
        suite: which.
        sha256: that it is frozen by.
        seed: of the run.
    """

    suite: Suite
    sha256: str
    seed: int


def open_suite(suite: Suite, run: Path, salt: str | None = None) -> OpenedSuite:
    """Draw the salt of a run and write down its hash, or go on with what the folder holds.

    Args:
        suite: that is run.
        run: the folder.
        salt: what was given for it: a file, or the folder of an earlier run; None draws one.

    Raises:
        InvestorBenchError: the suite has changed, the folder holds a run of another one or with
            another salt, or no salt can be read where one was named.
    """
    sha256 = require_frozen(suite)
    given = None if salt is None else salt_at(Path(salt))
    run.mkdir(parents=True, exist_ok=True)
    with FileLock(run / LOCK):
        if (run / SUITE).exists():
            known = _known(run, suite, sha256)
            if given not in (None, known):
                raise InvestorBenchError(
                    f"{run} holds a run of suite {suite.name} with another salt than {salt} has: "
                    "leave out salt=..., or give another folder=..."
                )
        else:
            known = given or drawn_salt()
            _keep_salt(run, known)
            content = _content(suite, sha256, known)
            write_suite(run, content if given is None else {**content, GIVEN: True})
    return OpenedSuite(suite=suite, sha256=sha256, seed=seed_of(sha256, known))


def close_suite(run: Path) -> str:
    """Show the salt of a run all of which is on record; what is known of it, in two lines.

    Raises:
        InvestorBenchError: the salt is lost or was changed.
    """
    with FileLock(run / LOCK):
        said = {**read_suite(run), "salt": _kept_salt(run)}
        if (run / SALT).exists():
            write_suite(run, said)
            (run / SALT).unlink()
    given = ", which was given" if said.get(GIVEN) else ""
    return f"suite {said['suite']} ({said['sha256']})\nsalt {said['salt']}{given}"


def salt_at(path: Path) -> str:
    """The salt in a file, or in the folder of a run.

    Raises:
        InvestorBenchError: there is none.
    """
    if not path.is_dir():
        return salt_in(path)
    if (path / SALT).exists():
        return salt_in(path / SALT)
    return require_salt(str(read_suite(path).get("salt", "")), str(path / SUITE))


def read_suite(run: Path) -> Mapping[str, Any]:
    """What the folder of a run says of its suite.

    Raises:
        InvestorBenchError: it says nothing that can be read.
    """
    path = run / SUITE
    try:
        content = json.loads(read_text(path))
    except FileNotFoundError:
        raise InvestorBenchError(f"{run} holds no run of a suite: it has no {SUITE}") from None
    except (OSError, ValueError) as error:
        raise InvestorBenchError(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise InvestorBenchError(f"{path} is no JSON object")
    return content


def write_suite(run: Path, content: Mapping[str, Any]) -> None:
    """Write what the folder of a run says of its suite."""
    write_atomically(run / SUITE, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _content(suite: Suite, sha256: str, salt: str) -> dict[str, Any]:
    definition = {name: part for name, part in asdict(suite).items() if name != "frozen"}
    return {
        "suite": suite.name,
        "sha256": sha256,
        "salt_sha256": salt_hash(salt),
        "definition": definition,
    }


def _known(run: Path, suite: Suite, sha256: str) -> str:
    """The salt of the run in a folder.

    Raises:
        InvestorBenchError: the run is of another suite, or its salt is lost or was changed.
    """
    content = read_suite(run)
    if (content.get("suite"), content.get("sha256")) != (suite.name, sha256):
        raise InvestorBenchError(
            f"{run} holds a run of suite {content.get('suite')} ({content.get('sha256')}), and "
            f"this is {suite.name} ({sha256}): give another folder=..."
        )
    return _kept_salt(run)


def _kept_salt(run: Path) -> str:
    """The salt of the run in a folder, by the hash of it.

    Raises:
        InvestorBenchError: it is lost or was changed.
    """
    salt = salt_at(run)
    if salt_hash(salt) != read_suite(run).get("salt_sha256"):
        raise InvestorBenchError(f"{run}: the salt is not the one that {SUITE} has the hash of")
    return salt


def _keep_salt(run: Path, salt: str) -> None:
    write_atomically(run / SALT, f"{salt}\n")
    (run / SALT).chmod(0o600)
