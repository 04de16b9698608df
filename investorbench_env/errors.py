"""The errors of this package: each says what is wrong, with the value, and what to do next."""

from collections.abc import Iterable
from difflib import SequenceMatcher


class InvestorBenchError(Exception):
    """Anything that this package refuses; catch it to catch all of the below."""


SHOWN = 5
"""Names that are shown of those that exist."""
LONGEST_NAME = 200
"""Characters of a name that are compared and shown: it may be any text of a model or a client."""


class UnknownNameError(InvestorBenchError, ValueError):
    """A symbol, split, protocol, option or agent that does not exist."""

    def __init__(self, kind: str, name: object, valid: Iterable[str], advice: str = "") -> None:
        """Show the nearest names that there are.

        Args:
            kind: what was named, such as ``"protocol"``.
            name: the name that was given.
            valid: the names that exist.
            advice: what else can be done.
        """
        if len(given := str(name)) > LONGEST_NAME:
            name = given = f"{given[:LONGEST_NAME]}…"
        names = sorted(set(valid), key=lambda known: (-_closeness(given, known), known))
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        listed = (", ".join(names[:SHOWN]) or "none") + more
        super().__init__(
            f"unknown {kind} {name!r}; valid, nearest first: {listed}"
            + (f"; {advice}" if advice else "")
        )


class DataNotFoundError(InvestorBenchError, FileNotFoundError):
    """No market data where it was looked for."""


class CorruptDataError(InvestorBenchError, ValueError):
    """A file that cannot be read as what it claims to be: names file, row and reason."""


class MarketError(InvestorBenchError, ValueError):
    """Arrays that do not make a market: shapes, order or values."""


class FactsError(InvestorBenchError, ValueError):
    """Facts of an environment that contradict each other, or what the environment then shows."""


class ProtocolError(InvestorBenchError, ValueError):
    """Rules of trading that no account keeps, or that go by the name of others."""


class DateRangeError(InvestorBenchError, ValueError):
    """Dates outside the data; the message says which range there is."""


class NotYetKnownError(DateRangeError):
    """A date after the decision at which the past is asked for it."""


class InvalidActionError(InvestorBenchError, ValueError):
    """An action that is not in the action space; the account is as it was."""


class ForecastError(InvestorBenchError, ValueError):
    """A forecast that is no law, or is about another return than its score."""


class MissingDependencyError(InvestorBenchError, ImportError):
    """An optional package is not installed; the message has the command that installs it."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {package!r}, which is not installed: "
            f"pip install 'investorbench[{extra}]'"
        )


class SimulatedDataWarning(UserWarning):
    """A simulated market stands in for a real one that was asked for with ``data="auto"``."""


class DataWarning(UserWarning):
    """A file of a folder that cannot be read, or is none, and was passed over."""


def shown(value: object, longest: int = 200) -> str:
    """A value as a message shows it: cut, or its type where it cannot be written at all."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - whatever an object of somebody's own raises
        return f"of type {type(value).__name__}"
    return text if len(text) <= longest else f"{text[:longest]}…"


def _closeness(given: str, known: str) -> float:
    return SequenceMatcher(None, given.lower(), known.lower()).ratio()
