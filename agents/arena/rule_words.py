"""The rules of entries in the words of a prompt, from the data that an environment goes by."""

from collections.abc import Iterator, Mapping
from typing import Any

FIELDS = {"target": "profit_target", "stop": "stop_loss"}
"""What a reply calls a field that rules name otherwise."""


def rule_words(limits: Mapping[str, Any]) -> list[str]:
    """What an entry must keep to, a sentence a rule.

    Args:
        limits: by the names of ``TradingRules``; ``max_leverage`` and ``size_decimals`` are those
            of the contracts, by coin.
    """
    return [*_of_positions(limits), *_of_size(limits), *_of_leverage(limits)]


def rank_words(ranks: Mapping[str, Any]) -> str:
    """Where an account stands, as a tournament says it.

    Args:
        ranks: ``rank``, 1 for the highest, ``of`` how many, and the ``equities`` of all, falling.
    """
    values = ", ".join(f"{equity:.2f}" for equity in ranks["equities"])
    return f"Your account is number {ranks['rank']} of {ranks['of']}; their values: {values}"


def _of_positions(limits: Mapping[str, Any]) -> Iterator[str]:
    if limits.get("adding"):
        yield "An entry may add to a position of the same side; it takes the newer plan."
    else:
        yield "A coin in which you have a position can only be held or closed: no adding to it."
    yield "A position is closed in full, and never turned around: close it first, then enter."
    if limits.get("most_positions") is not None:
        yield f"At most {limits['most_positions']} positions are held at once."
    if limits.get("entries_a_day") is not None:
        yield f"At most {limits['entries_a_day']} entries are made in a day of UTC, of all coins."
    if limits.get("ranks"):
        yield "You compete with other traders on the same market, and are shown your rank."
    if needs := [FIELDS.get(name, name) for name in limits.get("needs", ())]:
        yield f"An entry without one of {', '.join(needs)} is rejected."


def _of_size(limits: Mapping[str, Any]) -> Iterator[str]:
    if limits.get("least_margin"):
        yield f"The margin of an entry is at least {_percent(limits['least_margin'])} of free cash."
    if (limits.get("most_margin") or 1.0) < 1.0:
        yield f"The margin of an entry is at most {_percent(limits['most_margin'])} of the account."


def _of_leverage(limits: Mapping[str, Any]) -> Iterator[str]:
    most: Mapping[str, float] = limits.get("max_leverage", {})
    own = limits.get("most_leverage")
    named = ", ".join(
        f"{coin} {contract if own is None else min(own, contract):g}"
        for coin, contract in most.items()
    )
    if named and limits.get("full_leverage"):
        yield f"Each entry takes the most leverage of its coin: {named}."
    elif named:
        least = limits.get("least_leverage", 1.0)
        yield f"Leverage is a whole number from {least:g} to the most of its coin: {named}."
    if decimals := limits.get("size_decimals", {}):
        by_coin = ", ".join(f"{coin} {each}" for coin, each in decimals.items())
        yield f"Quantities are rounded down to so many decimals: {by_coin}."


def _percent(share: float) -> str:
    return f"{100.0 * share:.4g} %"
