"""The salt of a suite's run: 128 bits from which, with the suite's hash, all its seeds follow.

Its own hash is written down before the first decision, and the salt itself when all of them are on
record: a reader of both sees that the markets were not chosen, and none could be known beforehand.
"""

import hashlib
import json
import secrets
from pathlib import Path

from investorbench.tasks.seeds import BITS
from investorbench_env.errors import InvestorBenchError
from investorbench_env.regular_files import read_text

DIGITS = BITS // 4
"""Of a salt in hexadecimal."""


def drawn_salt() -> str:
    """A salt that cannot be guessed, in hexadecimal."""
    return secrets.token_hex(BITS // 8)


def salt_in(path: Path) -> str:
    """The salt in a file of its own.

    Raises:
        InvestorBenchError: there is none.
    """
    try:
        return require_salt(read_text(path).strip(), str(path))
    except (OSError, UnicodeDecodeError):
        raise InvestorBenchError(
            f"salt={path} cannot be read: give the folder of an earlier run of the suite, or a "
            f"file that holds {DIGITS} hexadecimal digits"
        ) from None


def require_salt(text: str, where: str) -> str:
    """A salt as it is written down, in lower case.

    Raises:
        InvestorBenchError: it is none.
    """
    salt = text.lower()
    if len(salt) != DIGITS or not set(salt) <= set("0123456789abcdef"):
        raise InvestorBenchError(
            f"{where} holds no salt: it is {BITS} bits, {DIGITS} hexadecimal digits, such as "
            "`openssl rand -hex 16` draws"
        )
    return salt


def salt_hash(salt: str) -> str:
    """SHA-256 of a salt, as it is written before the first decision."""
    return hashlib.sha256(salt.encode()).hexdigest()


def seed_of(suite_sha256: str, salt: str) -> int:
    """The seed of a run, of 128 bits, from which its markets and agents follow by their numbers."""
    text = json.dumps(["suite", suite_sha256, salt])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[: BITS // 8], "big")
