"""The rules of entries in the words of a prompt, from the data that an environment goes by."""

from collections.abc import Iterator, Mapping
from typing import Any

FIELDS = {"target": "profit_target", "stop": "stop_loss"}
"""What a reply calls a field that rules name otherwise."""


def rule_words(rules: Mapping[str, Any], contracts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What an entry must keep to, a sentence a rule.

    Args:
        rules: limits by the names of ``TradingRules``.
        contracts: ``max_leverage`` and ``size_decimals`` by coin.
    """
    return [*_of_positions(rules), *_of_size(rules), *_of_leverage(rules, contracts)]


def _of_positions(rules: Mapping[str, Any]) -> Iterator[str]:
    if rules.get("adding"):
        yield "An entry may add to a position of the same side; it takes the newer plan."
    else:
        yield "A coin in which you have a position can only be held or closed: no adding to it."
    yield "A position is closed in full, and never turned around: close it first, then enter."
    if rules.get("most_positions") is not None:
        yield f"At most {rules['most_positions']} positions are held at once."
    if rules.get("entries_a_day") is not None:
        yield f"At most {rules['entries_a_day']} entries are made in a day of UTC, of all coins."
    if rules.get("ranks"):
        yield "You compete with other traders on the same market, and are shown your rank."
    if needs := [FIELDS.get(name, name) for name in rules.get("needs", ())]:
        yield f"An entry without one of {', '.join(needs)} is rejected."


def _of_size(rules: Mapping[str, Any]) -> Iterator[str]:
    if rules.get("least_margin"):
        yield f"The margin of an entry is at least {_percent(rules['least_margin'])} of free cash."
    if rules.get("most_margin", 1.0) < 1.0:
        yield f"The margin of an entry is at most {_percent(rules['most_margin'])} of the account."


def _of_leverage(
    rules: Mapping[str, Any], contracts: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    most = rules.get("most_leverage")
    own = {
        coin: each["max_leverage"] if most is None else min(most, each["max_leverage"])
        for coin, each in contracts.items()
    }
    if not own:
        return
    named = ", ".join(f"{coin} {leverage:g}" for coin, leverage in own.items())
    if rules.get("full_leverage"):
        yield f"Each entry takes the most leverage of its coin: {named}."
    else:
        least = rules.get("least_leverage", 1.0)
        yield f"Leverage is a whole number from {least:g} to the most of its coin: {named}."
    decimals = ", ".join(f"{coin} {each['size_decimals']}" for coin, each in contracts.items())
    yield f"Quantities are rounded down to so many decimals: {decimals}."


def _percent(share: float) -> str:
    return f"{100.0 * share:.4g} %"
