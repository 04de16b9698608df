"""Which sessions are to be taken at a moment: the clock is an argument."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from investorbench.tasks.live.experiment.settings import ExperimentSettings
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.sessions import SessionHours, session_hours

AROUND = timedelta(days=15)
"""No exchange is closed for so long."""


class NotDueError(InvestorBenchError):
    """A step at a moment at which none is due; nothing was changed."""


class Due(NamedTuple):
    """What a step has to do.

    Attributes:
        sessions: to be taken, oldest first; none where the last one was.
        at: the last session that has closed.
        next: the one that opens next, whose bar orders of now meet.
    """

    sessions: tuple[SessionHours, ...]
    at: SessionHours
    next: SessionHours


def due(settings: ExperimentSettings, taken: str | None, last_at: datetime, now: datetime) -> Due:
    """What a step has to do now.

    A session is taken between its close and the open of the next: an order that is written down
    later would meet a bar that has begun.

    Args:
        settings: of the experiment.
        taken: the last session that was taken; None for none.
        last_at: when the last entry was written.
        now: the time, with its zone.

    Raises:
        NotDueError: the clock was set back, or the exchange is open or has only just closed.
    """
    if now < last_at:
        raise NotDueError(
            f"the clock shows {shown(now)}, but the last entry is of {shown(last_at)}: nothing was "
            "changed; set the clock right"
        )
    name = find_asset_class(settings.asset_class).calendar
    first = min(now.date() - AROUND, datetime.fromisoformat(taken).date() if taken else now.date())
    hours = session_hours(name, str(first - AROUND), str(now.date() + AROUND))
    delay = timedelta(minutes=settings.delay_min)
    closed = [each for each in hours if each.closes + delay <= now]
    at, following = closed[-1], hours[len(closed)]
    if following.opens <= now:
        raise NotDueError(
            f"{name} opened at {shown(following.opens)}: nothing was changed; the next step is due "
            f"from {shown(following.closes + delay)}"
        )
    return Due(tuple(_since(closed, taken)), at, following)


def nothing_due(settings: ExperimentSettings, found: Due) -> str:
    """Why a step does nothing after a session that was taken, in one sentence."""
    from_then = found.next.closes + timedelta(minutes=settings.delay_min)
    return (
        f"the session of {found.at.date} was taken already: nothing was changed; the next step is "
        f"due from {shown(from_then)}"
    )


def _since(closed: Sequence[SessionHours], taken: str | None) -> Sequence[SessionHours]:
    return closed[-1:] if taken is None else [each for each in closed if each.date > taken]


def shown(moment: datetime) -> str:
    """A moment as messages show it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
