"""The rules of entries in words: each set says what it limits, and nothing that it does not."""

from dataclasses import asdict

import pytest

from investorbench.agents.arena.rule_words import rule_words
from investorbench_env.accounting.trading_rules import RULES
from tests.agents.arena.asking import LIMITS

SAYS = {
    "season1": ("no adding to it", "at least 5 % of free cash", "from 5 to the most"),
    "baseline": ("may add to a position", "from 5 to the most"),
    "monk": ("at most 4 entries", "at most 10 % of the account"),
    "situational": ("shown your rank", "no adding to it"),
    "max_leverage": ("takes the most leverage of its coin: BTC 40, ETH 25, DOGE 10",),
}
APART = ("entries are made in a day", "your rank", "takes the most leverage", "may add to")


def words(name: str) -> str:
    contracts = {each: LIMITS[each] for each in ("max_leverage", "size_decimals")}
    return "\n".join(rule_words({**asdict(RULES[name]), **contracts})).replace("At most", "at most")


@pytest.mark.parametrize("name", RULES)
def test_a_set_of_rules_says_what_it_limits(name: str) -> None:
    said = words(name)
    assert [each for each in SAYS[name] if each not in said] == []
    assert sum(each in said for each in APART) == (name != "season1")


def test_limits_that_a_set_may_have_besides_are_said() -> None:
    said = "\n".join(rule_words({**LIMITS, "most_leverage": 10, "needs": ("stop_loss",),
                                 "most_positions": 2}))  # fmt: skip
    assert "BTC 10, ETH 10, DOGE 10" in said
    assert "without one of stop_loss is rejected" in said and "At most 2 positions" in said


def test_an_environment_without_limits_in_its_info_is_worded_all_the_same() -> None:
    assert len(rule_words({})) == 2
