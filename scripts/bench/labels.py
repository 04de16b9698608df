"""How labels fall on real test days, and how little the published direction says about them.

``python -m investorbench.scripts.bench.labels AAPL MSFT NVDA SPY`` freezes thresholds on training
days and prints them, the mix of test days, what baselines earn on it, and how far trailing labels,
as the published listing has them, agree with forward ones.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple, get_args

from investorbench.agents.thesis.thesis import CLASSES
from investorbench.tasks.statistics.estimate import Estimate
from investorbench.tasks.trading_r1.baselines import (
    LabelAgreement,
    agreement,
    baseline_decisions,
    mean_decision_reward,
)
from investorbench.tasks.trading_r1.labels import Volatility, label_scores
from investorbench.tasks.trading_r1.thresholds import (
    Dates,
    Thresholds,
    freeze,
    label_split,
    labels_of,
)
from investorbench_env.market import Market
from investorbench_env.market.library import find_market
from investorbench_env.universes import R1

SYMBOLS = ("AAPL", "MSFT", "NVDA", "SPY")
TRAIN, TEST = ("2021-01-04", "2022-12-30"), ("2023-02-01", "2023-12-29")


class LabelStudy(NamedTuple):
    """Labels of one asset's test days.

    Attributes:
        thresholds: those of forward labels.
        mix: test days of each class.
        unlabelled: test days without a label.
        rewards: the mean decision reward of each baseline.
        agreement: of forward and trailing labels.
    """

    thresholds: Thresholds
    mix: Counter[str]
    unlabelled: int
    rewards: dict[str, float]
    agreement: LabelAgreement


def study_labels(
    market: Market, train: Dates, test: Dates, volatility: Volatility = "listing"
) -> LabelStudy:
    """Freeze thresholds of a market's first asset, and label its test days in both directions.

    Raises:
        InvestorBenchError: the windows or the closes allow no labels.
    """
    split = label_split(market.sessions, train, test)
    closes, symbol = market.adjusted_close[:, 0], market.symbols[0]
    forward = label_scores(market.sessions, closes, "forward", volatility)
    trailing = label_scores(market.sessions, closes, "trailing", volatility)
    thresholds = freeze(forward, split, symbol=symbol, source=market.source)
    momentum = freeze(trailing, split, symbol=symbol, source=market.source)
    truths = labels_of(forward, thresholds, split.test)
    before = labels_of(trailing, momentum, split.test)
    decided = baseline_decisions(truths, before)
    return LabelStudy(
        thresholds=thresholds,
        mix=Counter(label for label in truths if label is not None),
        unlabelled=truths.count(None),
        rewards={name: mean_decision_reward(each, truths) for name, each in decided.items()},
        agreement=agreement(truths, before),
    )


def page(studies: Sequence[LabelStudy]) -> Iterator[str]:
    """What the studies found, line by line."""
    yield "thresholds, and the test days from strong sell to strong buy"
    for each in studies:
        frozen = each.thresholds
        values = "".join(f"{value:11.6f}" for value in frozen.values)
        mix = "".join(f"{each.mix[label]:5}" for label in reversed(CLASSES))
        yield f"  {frozen.symbol:6}{frozen.days:5} days {values}  |{mix}"
        if each.unlabelled:
            yield f"  {'':6}{each.unlabelled} test days have no label"
    yield "mean decision reward of baselines"
    yield f"  {'':21}" + "".join(f"{each.thresholds.symbol:>9}" for each in studies)
    for name in studies[0].rewards:
        yield f"  {name:21}" + "".join(f"{each.rewards[name]:9.4f}" for each in studies)
    yield "forward against trailing labels"
    for each in studies:
        found = each.agreement
        yield (
            f"  {each.thresholds.symbol:6}equal on {found.equal:5.1%} of {found.days} days, by "
            f"chance on {found.by_chance:5.1%}; rank correlation {_cell(found.ranks)}"
        )


def _cell(given: Estimate) -> str:
    """A correlation with its interval, as far as there is any."""
    if given.value is None:
        return "-"
    between = "" if given.low is None else f" [{given.low:+.2f}, {given.high:+.2f}]"
    return f"{given.value:+.3f}{between}"


def main() -> None:
    """Study labels from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("symbols", nargs="*", default=SYMBOLS)
    parser.add_argument("--train", nargs=2, default=TRAIN, metavar=("FIRST", "LAST"))
    parser.add_argument("--test", nargs=2, default=TEST, metavar=("FIRST", "LAST"))
    parser.add_argument("--volatility", choices=get_args(Volatility), default="listing")
    given = parser.parse_args()
    classes = {member.symbol: member.asset_class for member in R1.members}
    markets = [find_market(each, classes.get(each, "stock"), "real") for each in given.symbols]
    train, test = tuple(given.train), tuple(given.test)
    studies = [study_labels(market, train, test, given.volatility) for market in markets]
    print("\n".join(page(studies)))


if __name__ == "__main__":
    main()
