"""Fetching one symbol from its sources into a folder that ``find_market`` understands.

Whatever is complete is kept at once: a kill at any point loses at most one request, and the next
run goes on from there. Two processes that fetch the same file wait for each other.
"""

import os
from collections.abc import Sequence

from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.source import FetchOutcome, FetchRequest, Progress, Source

CONTACT = "INVESTORBENCH_CONTACT"


def fetch(
    request: FetchRequest, sources: Sequence[str] = (), progress: Progress | None = None
) -> list[FetchOutcome]:
    """Ask every source that has the symbol, or only those that are named.

    A source that fails does not stop the others; one that stands in for another is asked only where
    that one fails, or when it is named.

    Raises:
        UnknownNameError: a source that does not exist.
    """
    for name in sources:
        if name not in SOURCES:
            raise UnknownNameError("source", name, SOURCES)
    outcomes: list[FetchOutcome] = []
    chosen: list[Source] = []
    for source in SOURCES.values():
        if source.has(request.symbol, request.asset_class):
            if not sources or source.name in sources:
                chosen.append(source)
        elif source.name in sources:
            note = f"has no {request.asset_class} {request.symbol}"
            outcomes.append(source.outcome(request, "skipped", note=note))
    if not chosen and not outcomes:
        outcomes.append(_nothing_to_ask(request))
    for source in chosen:
        failed = [outcome.source for outcome in outcomes if outcome.status == "failed"]
        stands_in = source.instead_of and source.name not in sources
        if not stands_in or source.instead_of in failed:
            outcomes.append(_fetch_from(source, request, progress or _silent))
    return outcomes


def _nothing_to_ask(request: FetchRequest) -> FetchOutcome:
    note = f"no source has {request.asset_class} {request.symbol}"
    if find_asset_class(request.asset_class).installed:
        note += f"; an installed package may: investorbench data describe {request.symbol}"
    return FetchOutcome(symbol=request.symbol, source="–", status="skipped", note=note)


def _fetch_from(source: Source, request: FetchRequest, progress: Progress) -> FetchOutcome:
    if source.needs_contact and not request.contact:
        note = f"the SEC asks who you are: --contact 'Name mail@example.org' or ${CONTACT}"
        return source.outcome(request, "skipped", note=note)
    try:
        return source.fetch(request, progress)
    except InvestorBenchError as error:
        return source.outcome(request, "failed", note=str(error))


def unmended(outcomes: Sequence[FetchOutcome]) -> list[FetchOutcome]:
    """Failures for which no other source stood in."""
    mended = {
        (outcome.symbol, SOURCES[outcome.source].instead_of)
        for outcome in outcomes
        if outcome.source in SOURCES and outcome.status != "failed"
    }
    return [
        outcome
        for outcome in outcomes
        if outcome.status == "failed" and (outcome.symbol, outcome.source) not in mended
    ]


def _silent(done: int, total: int, what: str) -> None:
    return None


def contact() -> str:
    """Name and e-mail for the SEC, from the user's environment."""
    return os.environ.get(CONTACT, "")
