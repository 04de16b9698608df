"""Fetching one symbol from its sources into a folder that ``find_market`` understands.

Whatever is complete is kept at once: a kill at any point loses at most one request, and the next
run goes on from there. Two processes that fetch the same file wait for each other.
"""

import errno
import os
from collections.abc import Sequence
from dataclasses import replace

from investorbench_env.errors import InvestorBenchError, MissingDependencyError, UnknownNameError
from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.sources import coverage
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.contracts import UNREADABLE, UnforeseenFormError
from investorbench_env.market.sources.source import (
    CONTACT,
    USES,
    FetchOutcome,
    FetchRequest,
    KeyProblemError,
    Kind,
    Progress,
    Source,
    kinds_of,
    last_over,
)

OF_THE_DISK = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}
)
"""Errors that the next source would meet as well."""


def fetch(
    request: FetchRequest, sources: Sequence[str] = (), progress: Progress | None = None
) -> list[FetchOutcome]:
    """Ask for each kind of data the first source that has it, and the next for what is lacking.

    Sources that are named are all asked, and no others. One that fails does not stop the others.

    Raises:
        UnknownNameError: a source that does not exist.
    """
    for name in sources:
        if name not in SOURCES:
            raise UnknownNameError("source", name, SOURCES)
    outcomes: list[FetchOutcome] = []
    request = replace(request, last=min(request.last, last_over(request.asset_class)))
    lacking = request.kinds & kinds_of(request.asset_class)
    for source in SOURCES.values():
        if sources and source.name not in sources:
            continue
        wanted = source.serves(request if sources else replace(request, kinds=lacking))
        if not wanted:
            if sources:
                outcomes.append(source.outcome(request, "skipped", note=_why_not(source, request)))
            continue
        try:
            outcome = _fetch_from(source, replace(request, kinds=wanted), progress or _silent)
        except OSError as error:
            what = error.strerror or type(error).__name__
            note = f"{what}: {error.filename or request.into}; what is complete is kept"
            failed = source.outcome(request, "failed", note=note)
            outcomes.append(replace(failed, is_last=error.errno in OF_THE_DISK))
            if outcomes[-1].is_last:
                break
            continue
        outcomes.append(outcome)
        if outcome.status in ("fetched", "already there"):
            lacking &= coverage.lacking(request, [request.into])
    return outcomes or [_nothing_to_ask(request)]


def _why_not(source: Source, request: FetchRequest) -> str:
    if not source.has(request.symbol, request.asset_class):
        return f"has no {request.asset_class} {request.symbol}"
    if forbidden := request.uses & source.forbids:
        uses = " and ".join(USES[use] for use in sorted(forbidden))
        return f"its terms forbid {uses}: {source.terms}"
    if not source.kinds & request.kinds & kinds_of(request.asset_class):
        return f"gives {source.gives}, which is not wanted"
    span = f"{source.begins or ''}..{source.ends or ''}"
    return f"has {span}, nothing from {request.first} to {request.last}"


def _nothing_to_ask(request: FetchRequest) -> FetchOutcome:
    note = f"no source has {request.asset_class} {request.symbol}"
    if find_asset_class(request.asset_class).installed:
        note += f"; an installed package may: investorbench data describe {request.symbol}"
    return FetchOutcome(symbol=request.symbol, source="–", status="skipped", note=note)


def _fetch_from(source: Source, request: FetchRequest, progress: Progress) -> FetchOutcome:
    try:
        return source.fetch(request, progress)
    except (KeyProblemError, MissingDependencyError) as error:
        return source.outcome(request, "skipped", note=str(error))
    except InvestorBenchError as error:
        return source.outcome(request, "failed", note=str(error))
    except UNREADABLE as error:
        note = str(UnforeseenFormError(source.contract.source, error))
        return source.outcome(request, "failed", note=note)


def unmended(request: FetchRequest, outcomes: Sequence[FetchOutcome]) -> frozenset[Kind]:
    """The kinds that a source failed to give, no other gave, and of which days are lacking."""
    kinds: dict[bool, set[Kind]] = {True: set(), False: set()}
    for outcome in outcomes:
        if outcome.status != "skipped":
            kinds[outcome.status == "failed"] |= SOURCES[outcome.source].serves(request)
    failed = frozenset(kinds[True] - kinds[False])
    if any(outcome.is_last for outcome in outcomes):
        failed = request.kinds
    return failed & coverage.lacking(request, [request.into]) if failed else frozenset()


def _silent(done: int, total: int, what: str) -> None:
    return None


def contact() -> str:
    """Name and e-mail for the SEC, from the user's environment."""
    return os.environ.get(CONTACT, "")
