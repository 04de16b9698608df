"""The prompt about a portfolio: what is said of the account, and of each asset under its symbol."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from investorbench.agents.finmem.character import Appetite
from investorbench.agents.finmem.foreign import neutral
from investorbench.agents.finmem.past_decisions import Lesson
from investorbench.agents.finmem.perception import signed_percent
from investorbench.agents.finmem.question import (
    Question,
    block,
    blocks,
    fill,
    news_of,
    shared_words,
    template,
    templates_sha256,
)
from investorbench.agents.finmem.room import Excerpt, OfAsset
from investorbench.agents.finmem.rules import change_words
from investorbench.agents.portfolio.decision import ORDERS
from investorbench.agents.portfolio.past_sessions import PastSession
from investorbench.agents.portfolio.perception import PortfolioPerception
from investorbench.memory import Profile
from investorbench_env.facts import Facts

OWN_PACKAGE = "investorbench.agents.portfolio"
LIMITS: Mapping[str, str] = {
    "max_positions": "at most {:g} assets are held at once",
    "max_weight": "at most {:.4g} of equity is in one asset",
    "min_price": "no share is bought below {:g}",
    "min_dollar_volume": "no asset is bought of which less than {:,.0f} was traded in the session "
    "before",
    "max_market_cap": "no company is bought above a market capitalisation of {:,.0f}",
    "cash_floor": "a purchase leaves at least {:,.0f} in cash",
    "volume_cap": "an order fills at most {:.4g} of the volume of a session",
}
"""The limits of purchases in words, by their names."""
LAST = "last"
"""What the block of the last conclusion is called; nothing cites it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioBriefing:
    """What a question may be made of, beside what never changes.

    Attributes:
        perception: of the day.
        appetite: for risk.
        labels: what each asset returns next, by symbol; None outside the warm-up.
        recent: decisions, oldest first.
        reflects: whether to ask what these teach.
        lesson: what earlier ones taught; None before there was any.
        left_out: what could not be meant of the last answer, in words.
        assets: memories and news of each, in the order of the quotes.
    """

    perception: PortfolioPerception
    appetite: Appetite
    labels: Mapping[str, float] | None
    recent: Sequence[PastSession]
    reflects: bool
    lesson: Lesson | None
    left_out: Sequence[str]
    assets: Sequence[OfAsset]


def system_message(
    facts: Facts,
    role: str,
    backgrounds: Mapping[str, str],
    profile: Profile,
    constraints: Mapping[str, Any],
) -> str:
    """The part of a prompt that never changes in a repeat.

    Args:
        facts: of the environment.
        role: completes "You are".
        backgrounds: of the assets.
        profile: of their memories.
        constraints: limits of purchases, by name.
    """
    limits = "; ".join(limit_words(constraints))
    kind = facts.action
    return fill(
        "system",
        OWN_PACKAGE,
        role=role,
        count=str(len(facts.symbols)),
        actions=_actions(facts),
        change=change_words(facts.fills, facts.cost_rate),
        limits=f"- Limits, which no purchase may break: {limits}.\n" if limits else "",
        waiting=", orders that wait" if kind == ORDERS else "",
        decision=fill(f"{kind}_answer", OWN_PACKAGE),
        example=fill(f"{kind}_example", OWN_PACKAGE),
        backgrounds="\n".join(f"- {symbol}: {text}" for symbol, text in backgrounds.items()),
        **shared_words(profile),
    )


def _actions(facts: Facts) -> str:
    if facts.action == ORDERS:
        return fill("orders", OWN_PACKAGE)
    short = "A negative weight is a short position; absolute weights that add up to more"
    long = "Weights that add up to more"
    more = "than the account allows are scaled down or rejected, and you are told."
    words = f"{long if facts.long_only else short} {more}"
    return fill("weights", OWN_PACKAGE, least="0" if facts.long_only else "-1", short=words)


def limit_words(constraints: Mapping[str, Any]) -> Iterator[str]:
    """The limits of purchases that there are, in words."""
    for name, words in LIMITS.items():
        if constraints.get(name) is not None:
            yield words.format(constraints[name])
    if constraints.get("whole_shares"):
        yield "shares are whole"


def ask(
    system: str,
    schema: Mapping[str, Any],
    kind: str,
    day: PortfolioBriefing,
    excerpts: Sequence[Excerpt],
    lesson: Lesson | None,
) -> Question:
    """The question about one day.

    Args:
        system: the part that never changes.
        schema: of the answer.
        kind: what actions are.
        day: all that may be shown of it.
        excerpts: what to show of the memories and news of each asset.
        lesson: what recent decisions taught, where that is shown.
    """
    values = {
        "account": day.perception.account_words(),
        "events": "\n".join(f"- {event}" for event in _events(day)) or "Nothing.",
        "recent": "\n".join(_recent(day.recent, lesson)) or "None yet.",
        "assets": "\n\n".join(_assets(day, kind, excerpts)),
        "appetite": template(day.appetite).strip(),
        "reflect": template("reflect") if day.reflects else "",
        "kind": kind,
    }
    if day.labels is None:
        user = fill("test", OWN_PACKAGE, **values)
    else:
        rise = [symbol for symbol, label in day.labels.items() if label > 0.0]
        held = f"to hold {', '.join(rise)} in equal parts and nothing else"
        user = fill("training", OWN_PACKAGE, decision=held if rise else "to hold nothing", **values)
    return Question(system=system, user=user, schema=schema)


def _events(day: PortfolioBriefing) -> Iterator[str]:
    yield from day.perception.events
    for words in day.left_out:
        yield f"left out of your last answer: {neutral(words)}"


def _recent(recent: Sequence[PastSession], lesson: Lesson | None) -> Iterator[str]:
    """The last decisions, and below them what was last concluded from such."""
    yield from map(str, recent)
    if lesson is not None:
        yield "What you concluded last:"
        yield block(LAST, lesson.time, lesson.text)


def _assets(day: PortfolioBriefing, kind: str, excerpts: Sequence[Excerpt]) -> Iterator[str]:
    perception = day.perception
    for quote, own, shown in zip(perception.quotes, day.assets, excerpts, strict=True):
        lines = [f"## {quote.symbol}", quote.words(perception.equity, sizes=kind == ORDERS)]
        if day.labels is not None and quote.symbol in day.labels:
            lines.append(f"It returns {signed_percent(day.labels[quote.symbol])} next.")
        if shown.memories:
            lines.append(blocks(shown.memories, "###"))
        if shown.memories and own.news.items:
            lines.append("### New")
        lines.append(news_of(own.news, shown.sheet))
        yield "\n".join(lines)


def prompts_sha256() -> str:
    """Of all templates that prompts are made of."""
    return templates_sha256("investorbench.agents.finmem", OWN_PACKAGE)
