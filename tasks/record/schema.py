"""What a record holds, version 2: a header, then a line a decision. Knows no file.

docs/runs.md has this as a table. Values are JSON's own; a figure that is no finite number is null.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

import numpy as np

from investorbench.agents.forecasts import forecast_of
from investorbench.tasks.answers import RecordedAnswer, answers_in, without_answers
from investorbench.tasks.judging import is_of_snapshots
from investorbench.tasks.record import perpetuals
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.step import Step
from investorbench_env.accounting.events import (
    AccountState,
    ClosedTrade,
    Distribution,
    Fill,
    FundingPayment,
    Order,
    PerpetualPosition,
    Position,
    Rejection,
)
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.accounting.signals import Repair, Signal
from investorbench_env.facts import Facts

SCHEMA = 2
"""The version that is written; :mod:`investorbench.tasks.record.version_1` reads the one before."""

Content = dict[str, Any]
T = TypeVar("T", Fill, Order, Position, Distribution)
MAY_LACK = ("limit", "stop")
"""Prices that an order for shares need not have: null is none, and no number that is not known."""
OF_THE_WRITING = ("thought", "answers", "written_at")
"""What of a line may be otherwise when its step is taken again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known of a split before its first decision.

    Attributes:
        facts: of its environment.
        opening: the account at the first decision.
        split: ``"warmup"`` or ``"test"``.
        repeat: the number of the episode among those of its job.
        seed: what the agent began with.
        market_seed: what the environment began with; None in older records, where that was
            ``seed``, too.
        agent: its ``name``, and as ``described`` what determines it, where it says so.
        model: the settings of the language model that it asks; None where it asks none.
        configuration: SHA-256 of each part of the job's settings, by name.
        code: ``sha256`` of ours, ``versions`` of packages, ``python``.
        written_at: wall-clock time, ISO 8601 in UTC.
    """

    facts: Facts
    opening: AccountState
    split: str
    repeat: int
    seed: int
    market_seed: int | None = None
    agent: Content
    model: Content | None = None
    configuration: Mapping[str, str]
    code: Content
    written_at: str

    def content(self) -> Content:
        """What a line of the file holds of it, but for the chain."""
        return {
            "schema": SCHEMA,
            "facts": self.facts.values(),
            "opening": _of_account(self.opening),
            "split": self.split,
            "repeat": self.repeat,
            "seed": self.seed,
            **({} if self.market_seed is None else {"market_seed": self.market_seed}),
            "agent": self.agent,
            "model": self.model,
            "configuration": self.configuration,
            "code": self.code,
            "written_at": self.written_at,
        }

    @property
    def seeds(self) -> Seeds:
        """What both sides of the episode began with."""
        market = self.seed if self.market_seed is None else self.market_seed
        return Seeds(market=market, agent=self.seed)

    def to_json(self) -> Content:
        """The same as it is read again."""
        return as_json(self.content())

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The header that a line holds.

        Raises:
            ValueError: it is none, or its facts contradict each other.
        """
        try:
            return cls(
                facts=Facts(**content["facts"]),
                opening=_account(content["opening"]),
                split=str(content["split"]),
                repeat=int(content["repeat"]),
                seed=int(content["seed"]),
                market_seed=int(content["market_seed"]) if "market_seed" in content else None,
                agent=dict(content["agent"]),
                model=content["model"],
                configuration=dict(content["configuration"]),
                code=dict(content["code"]),
                written_at=str(content["written_at"]),
            )
        except (LookupError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(_named(error)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One decision and what came of it.

    Attributes:
        number: 0 for the first decision of the split.
        time: of the decision, ISO 8601 in UTC.
        session: of the decision.
        marked_at: the time at which the step was marked, likewise; empty where it is not known.
        marked: the session in which it was marked; empty where it is not known.
        documents: ids of the news and filings that were new.
        action: in plain values, see :mod:`investorbench.tasks.actions`.
        forecast: of the return, see :mod:`investorbench.agents.forecasts`; None where none came.
        reward: what it returned.
        is_last: whether the split ended with it.
        account: after the step.
        fills: trades of the step.
        rejections: orders that were not carried out.
        distributions: what assets paid to the account.
        open_orders: those that wait after the step; None where the environment knows no waiting.
        scaled: what target weights added up to, where they had to be scaled down; else None.
        stale: the assets that are marked at an old price; None likewise.
        perpetuals: positions with their margins after the step; None where there are none.
        closed: positions in perpetuals that ended in the step; None where there are no perpetuals.
        funding: what was paid for holding them; None likewise.
        repairs: what was not written in an action as it should be, and was read; None likewise.
        ranks: what the agent was shown of the accounts beside its own; None where it was not.
        dividend: cash for each unit held before the step; None where the environment does not say,
            or of an older record.
        split: units for each of them, likewise.
        market_seed: what the environment began with, of a snapshot in a block; None of a step.
        scored: what a snapshot is scored by: the ``return`` of its horizon and, of a simulated
            market, the ``mean`` and ``variance`` that it had; None of a step.
        observed: SHA-256 of what the agent was shown, see
            :mod:`investorbench.tasks.record.observed`; None of an older record.
        answers: of language models, see :mod:`investorbench.tasks.answers`.
        thought: what else the agent recorded of it.
        written_at: wall-clock time, ISO 8601 in UTC.
    """

    number: int
    time: str
    session: str
    marked_at: str
    marked: str
    documents: tuple[str, ...]
    action: Any
    reward: float
    is_last: bool
    account: AccountState
    fills: tuple[Fill, ...]
    rejections: tuple[Rejection, ...]
    distributions: tuple[Distribution, ...]
    open_orders: tuple[ShareOrder, ...] | None = None
    scaled: float | None = None
    stale: tuple[str, ...] | None = None
    perpetuals: tuple[PerpetualPosition, ...] | None = None
    closed: tuple[ClosedTrade, ...] | None = None
    funding: tuple[FundingPayment, ...] | None = None
    repairs: tuple[Repair, ...] | None = None
    ranks: Content | None = None
    dividend: float | None = None
    split: float | None = None
    market_seed: int | None = None
    scored: Mapping[str, float] | None = None
    observed: str | None = None
    forecast: Content | None = None
    answers: tuple[RecordedAnswer, ...] = ()
    thought: Content | None = None
    written_at: str = ""

    @property
    def units(self) -> float:
        """Held of one asset after a step, or of a snapshot, flat at its end, over the horizon."""
        is_snapshot = self.market_seed is not None
        return float(
            sum(each.quantity for each in (self.fills if is_snapshot else self.account.positions))
        )

    @classmethod
    def of(cls, step: Step, written_at: str = "") -> Self:
        """The line of a step."""
        info, outcome = step.info, step.outcome
        return cls(
            number=step.number,
            time=info["time"],
            session=info["session"],
            marked_at=outcome["time"],
            marked=outcome["session"],
            documents=tuple(document.id for document in info.get("documents", ())),
            action=step.action,
            reward=step.reward,
            is_last=step.is_last,
            account=outcome["account"],
            fills=tuple(outcome["fills"]),
            rejections=tuple(outcome.get("rejections", ())),
            distributions=tuple(outcome.get("distributions", ())),
            open_orders=_several(outcome.get("open_orders")),
            scaled=outcome.get("scaled"),
            stale=_several(outcome.get("stale")),
            perpetuals=_several(outcome.get("positions")),
            closed=_several(outcome.get("closed")),
            funding=_several(outcome.get("funding")),
            repairs=_several(outcome.get("repairs")),
            ranks=info.get("ranks"),
            dividend=outcome.get("dividend"),
            split=outcome.get("split"),
            market_seed=step.market_seed if is_of_snapshots(step.facts) else None,
            scored=outcome.get("scored"),
            observed=step.observed,
            forecast=step.forecast,
            answers=answers_in(step.thought),
            thought=without_answers(step.thought),  # type: ignore[arg-type]
            written_at=written_at,
        )

    def content(self) -> Content:
        """What a line of the file holds of it, but for the chain."""
        account = _of_account(self.account)
        return {
            "number": self.number,
            "time": self.time,
            "session": self.session,
            "marked_at": self.marked_at,
            "marked": self.marked,
            "documents": self.documents,
            "action": self.action,
            **({} if self.forecast is None else {"forecast": self.forecast}),
            "reward": self.reward,
            "is_last": self.is_last,
            "account": {name: account.pop(name) for name in ("cash", "equity", "costs")},
            **account,
            "fills": [each._asdict() for each in self.fills],
            "rejections": [
                {"order": each.order._asdict(), "reason": each.reason} for each in self.rejections
            ],
            "distributions": [each._asdict() for each in self.distributions],
            **self._of_several(),
            **({} if self.dividend is None else {"dividend": self.dividend}),
            **({} if self.split is None else {"split": self.split}),
            **({} if self.market_seed is None else {"market_seed": self.market_seed}),
            **({} if self.scored is None else {"scored": dict(self.scored)}),
            **({} if self.observed is None else {"observed": self.observed}),
            "thought": self.thought,
            "answers": self.answers,
            "written_at": self.written_at,
        }

    def _of_several(self) -> Content:
        """What environments of several assets say besides."""
        parts = {
            "open_orders": _listed(self.open_orders),
            "scaled": self.scaled,
            "stale": self.stale,
            "perpetuals": _listed(self.perpetuals),
            "closed": None if self.closed is None else perpetuals.closed_content(self.closed),
            "funding": _listed(self.funding),
            "repairs": _listed(self.repairs),
            "ranks": self.ranks,
        }
        return {name: part for name, part in parts.items() if part is not None}

    def to_json(self) -> Content:
        """The same as it is read again."""
        return as_json(self.content())

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The line that a line of the file holds.

        Raises:
            ValueError: it is none.
        """
        try:
            return cls(
                number=int(content["number"]),
                time=str(content["time"]),
                session=str(content["session"]),
                marked_at=str(content["marked_at"]),
                marked=str(content["marked"]),
                documents=tuple(map(str, content["documents"])),
                action=content["action"],
                reward=_number(content["reward"]),
                is_last=bool(content["is_last"]),
                account=_account(
                    {
                        **content["account"],
                        "positions": content["positions"],
                        "marks": content["marks"],
                    }
                ),
                fills=_events(Fill, content["fills"]),
                rejections=tuple(
                    Rejection(_order(each["order"]), each["reason"])
                    for each in content["rejections"]
                ),
                distributions=_events(Distribution, content["distributions"]),
                open_orders=_several(map(_share_order, content["open_orders"]))
                if "open_orders" in content
                else None,
                scaled=_number(content["scaled"]) if "scaled" in content else None,
                stale=_several(content.get("stale")),
                perpetuals=perpetuals.positions_in(content["perpetuals"])
                if "perpetuals" in content
                else None,
                closed=perpetuals.closed_in(content["closed"]) if "closed" in content else None,
                funding=perpetuals.funding_in(content["funding"]) if "funding" in content else None,
                repairs=perpetuals.repairs_in(content["repairs"]) if "repairs" in content else None,
                ranks=content.get("ranks"),
                dividend=_number(content["dividend"]) if "dividend" in content else None,
                split=_number(content["split"]) if "split" in content else None,
                market_seed=int(content["market_seed"]) if "market_seed" in content else None,
                scored={str(n): _number(x) for n, x in content["scored"].items()}
                if "scored" in content
                else None,
                observed=str(content["observed"]) if "observed" in content else None,
                forecast=_forecast(content["forecast"]) if "forecast" in content else None,
                answers=tuple(content["answers"]),
                thought=content["thought"],
                written_at=str(content["written_at"]),
            )
        except (LookupError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(_named(error)) from None

    def without_younger(self, recorded: Self) -> Self:
        """The same without what a record that is older than it does not hold."""
        own = self if recorded.dividend is not None else replace(self, dividend=None, split=None)
        return own if recorded.observed is not None else replace(own, observed=None)

    def outcome(self) -> Content:
        """All that must be the same when the step is taken again, in JSON values."""
        content = self.to_json()
        return {name: part for name, part in content.items() if name not in OF_THE_WRITING}


def steps_of(header: Header, lines: Sequence[Line]) -> list[Step]:
    """The steps that lines record, as far as what follows from an episode needs them."""
    info: Content = {"account": header.opening}
    steps = []
    for line in lines:
        if is_of_snapshots(header.facts):  # each begins with an account of its own
            info = {"account": header.opening}
        info |= {"session": line.session, "time": line.time}
        outcome: Content = {
            "session": line.marked or "NaT",
            "time": line.marked_at,
            "account": line.account,
            "fills": line.fills,
            "rejections": line.rejections,
            "scaled": line.scaled,
            "positions": line.perpetuals,
            "closed": line.closed,
            "funding": line.funding,
            "scored": line.scored,
        }
        steps.append(
            Step(
                repeat=header.repeat,
                seed=header.seed,
                market_seed=header.seeds.market if line.market_seed is None else line.market_seed,
                split=header.split,
                facts=header.facts,
                number=line.number,
                info=info,
                action=line.action,
                reward=line.reward,
                outcome=outcome,
                is_last=line.is_last,
                thought=line.thought,
                forecast=line.forecast,
            )
        )
        info = dict(outcome)
    return steps


def as_text(content: Mapping[str, Any]) -> str:
    """Content as JSON in a line."""
    try:
        return json.dumps(content, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError):  # a number that is not finite, or a mapping that is no dict
        return json.dumps(without_nan(content), ensure_ascii=False, default=_plain)


def as_json(content: Mapping[str, Any]) -> Content:
    """Content as reading its JSON gives it back."""
    return dict(json.loads(as_text(content)))


def without_nan(value: Any) -> Any:
    """The same with None in place of every float that is no finite number."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _plain(value: Any) -> Any:
    """A number or an array of NumPy's, which JSON does not know."""
    if isinstance(value, np.ndarray | np.generic):
        return without_nan(value.tolist())
    raise TypeError(f"{type(value).__name__} {value!r} is no JSON value")


def _of_account(account: AccountState) -> Content:
    return {
        "cash": account.cash,
        "equity": account.equity,
        "costs": account.costs,
        "positions": [position._asdict() for position in account.positions],
        "marks": dict(account.marks),
    }


def _account(content: Mapping[str, Any]) -> AccountState:
    return AccountState(
        cash=_number(content["cash"]),
        equity=_number(content["equity"]),
        costs=_number(content["costs"]),
        positions=_events(Position, content["positions"]),
        marks={str(symbol): _number(price) for symbol, price in content["marks"].items()},
    )


def _events(kind: type[T], contents: Sequence[Mapping[str, Any]]) -> tuple[T, ...]:
    return tuple(_event(kind, content) for content in contents)


def _event(kind: type[T], content: Mapping[str, Any]) -> T:
    named: Content = {
        name: part if isinstance(part, str) else _number(part) for name, part in content.items()
    }
    return kind(**named)


def _order(content: Mapping[str, Any]) -> Order | ShareOrder | Signal:
    if "signal" in content:
        return perpetuals.signal_in(content)
    return _share_order(content) if "side" in content else _event(Order, content)


def _share_order(content: Mapping[str, Any]) -> ShareOrder:
    named: Content = {
        name: part if isinstance(part, str) or (part is None and name in MAY_LACK)
        else _number(part)
        for name, part in content.items()
    }  # fmt: skip
    return ShareOrder(**named)


def _listed(events: Iterable[Any] | None) -> list[Content] | None:
    """Events as a line holds them; None where there can be none."""
    return None if events is None else [each._asdict() for each in events]


def _several(values: Iterable[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def _forecast(content: Any) -> Content:
    """A forecast as it was recorded, which is a law."""
    forecast_of(content)
    return dict(content)


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, int | float):
        return float(value)
    raise TypeError(f"{value!r} is no number")


def _named(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)
