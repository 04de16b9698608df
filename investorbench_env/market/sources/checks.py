"""How each source stands: one small request to it, read through the contract that fetching has."""

from collections.abc import Iterable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.sources.contracts import (
    UNREADABLE,
    ChangedFormError,
    Probe,
    State,
    UnforeseenFormError,
)
from investorbench_env.market.sources.http import (
    Downloader,
    DownloadError,
    NotReachedError,
    NotThereError,
    Politeness,
    RefusedError,
)
from investorbench_env.market.sources.source import Source

DEADLINE_S = 10.0
"""All sources are asked at once; what has not answered by then is not reached."""
ONCE = Politeness(interval_s=0, tries=1, timeout_s=DEADLINE_S - 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How a source stands, and what to do where it does not answer."""

    source: Source
    state: State
    says: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong that a key or an extra does not mend."""
        return self.state not in ("answers", "wants a key", "not installed")


def check(source: Source, contact: str = "") -> Check:
    """Ask a source for one small thing."""
    hindrance = source.hindrance(contact)
    try:
        if hindrance:
            _reach(source)
            state: State = "wants a key" if source.is_installed else "not installed"
            return Check(source=source, state=state, says=hindrance)
        _ask(source, contact)
    except RefusedError as error:
        return Check(source=source, state=error.refusal.state, says=str(error))
    except NotReachedError as error:
        return Check(source=source, state="not reached", says=str(error))
    except (ChangedFormError, NotThereError) as error:  # or its address
        return Check(source=source, state="changed its form", says=str(error))
    except InvestorBenchError as error:
        return Check(source=source, state="blocks us", says=str(error))
    except UNREADABLE as error:
        says = str(UnforeseenFormError(source.contract.source, error))
        return Check(source=source, state="changed its form", says=says)
    return Check(source=source, state="answers")


def check_all(
    sources: Iterable[Source], contact: str = "", deadline_s: float = DEADLINE_S
) -> list[Check]:
    """All sources at once, in their order; none waits longer than the deadline."""
    asked = list(sources)
    done: SimpleQueue[Check] = SimpleQueue()
    for source in asked:
        # Daemons, so that a source that never answers does not hold up the end of the program.
        Thread(target=_put, args=(done, source, contact), daemon=True).start()
    found: dict[str, Check] = {}
    until = monotonic() + deadline_s
    while len(found) < len(asked):
        try:
            each = done.get(timeout=max(0.0, until - monotonic()))
        except Empty:
            break
        found[each.source.name] = each
    late = f"no answer in {deadline_s:g} s"
    return [
        found.get(source.name, Check(source=source, state="not reached", says=late))
        for source in asked
    ]


def _put(done: "SimpleQueue[Check]", source: Source, contact: str) -> None:
    done.put(check(source, contact))


def _reach(source: Source) -> None:
    """Ask without a key, whatever the answer.

    Raises:
        NotReachedError: there is none.
    """
    with Downloader(politeness=ONCE) as downloader:
        try:
            downloader.get(source.url)
        except NotReachedError:
            raise
        except DownloadError:
            return


def _ask(source: Source, contact: str) -> None:
    """Make the one request, and read it as fetching would.

    Raises:
        InvestorBenchError: the source is not reached, says no, or has another form.
    """
    contract = source.contract
    if not isinstance(contract.probe, Probe):
        contract.probe()
        return
    with source.asking(contact, ONCE) as downloader:
        url, probe = f"{source.url}{contract.probe.path}", contract.probe
        response = downloader.get(url, probe.parameters, body=probe.body)
    try:
        fits = contract.form(response)
    except (InvestorBenchError, *UNREADABLE):
        fits = False
    if not fits:
        raise ChangedFormError(contract.source, contract.needs, response)
