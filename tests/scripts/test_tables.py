"""Tables: what shares one, what stands below it, and that it fits a terminal."""

import io
from typing import Any

import pytest
from rich.console import Console

from scripts.tables import print_results
from tasks import Result, evaluate
from tests.env.small_markets import small_market

RISING = small_market([100.0 * 1.002**t * (1 + 0.01 * (t % 3)) for t in range(500)])
SHORT = {"start": "2021-01-01", "end": "2021-02-28", "warmup": False}


def score(agent: Any, market: Any = RISING, **options: Any) -> Result:
    return evaluate(agent, "InvestorBench/Stock", data=market, **{**SHORT, **options})


def printed(*results: Result, width: int = 80) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    print_results(results, console)
    return console.export_text()


def tables(text: str) -> list[str]:
    return [part for part in text.split("\n\n") if "·" in part]


def test_agents_stand_in_the_order_of_their_sharpe_ratios() -> None:
    text = printed(score("always_sell"), score("cash"), score("buy_and_hold"))
    assert text.index("buy_and_hold") < text.index("cash") < text.index("always_sell")


def test_a_title_names_task_symbol_protocol_and_window() -> None:
    assert printed(score("cash")).splitlines()[0] == (
        "InvestorBench/Stock TEST · standard · 2021-01-01 to 2021-02-28"
    )


def test_a_figure_stands_as_percent_or_as_it_is_and_zero_has_no_sign() -> None:
    (row,) = [line.split() for line in printed(score("cash")).splitlines() if "cash" in line]
    assert row == ["cash", "0.0", "0.00", "–", "0.0", "0.0", "–", "0.0", "0"]
    flat = score(lambda observation, info: 1, reward="return")
    object.__setattr__(flat.median, "metrics", {**flat.metrics, "SR": -0.001, "CR": -0.0001})
    assert "−0.0 " not in printed(flat) and "−0.00" not in printed(flat)


def test_numbers_are_those_of_the_result() -> None:
    result = score("momentum")
    (row,) = [line.split() for line in printed(result).splitlines() if "momentum" in line]
    figures = result.metrics
    shown = [
        f"{figures['CR'] * 100:.1f}", f"{figures['SR']:.2f}",
        f"{figures['SR_low']:.1f}…{figures['SR_high']:.1f}", f"{figures['AV'] * 100:.1f}",
        f"{figures['MDD'] * 100:.1f}", f"{figures['hit_ratio'] * 100:.1f}",
        f"{figures['time_in_market'] * 100:.1f}", str((result.median.notional > 0).sum()),
    ]  # fmt: skip
    assert row[1:] == [figure.replace("-", "−") for figure in shown]


@pytest.mark.parametrize(
    "other",
    [
        {"protocol": "paper"},
        {"end": "2021-01-31"},
        {"long_only": True},
        {"market": small_market([100.0 + t for t in range(500)], source="another")},
    ],
)
def test_results_of_different_settings_never_share_a_table(other: dict[str, Any]) -> None:
    text = printed(score("cash"), score("momentum"), score("cash", **other))
    assert text.count("agent ") == 2
    assert text.count("momentum") == 1


def test_options_of_the_environment_are_told() -> None:
    assert "options: long_only=True, window=7" in printed(score("cash", long_only=True, window=7))


def test_a_simulated_market_is_stamped_first_of_all() -> None:
    assert printed(evaluate("cash", "stock/sim", warmup=False)).startswith("SIMULATED ")


def test_a_ruined_account_is_marked_and_the_mark_explained() -> None:
    crash = small_market([100.0] * 380 + [350.0] * 120)
    text = printed(score("always_sell", crash), score("cash", crash))
    assert "always_sell †" in text
    assert "cash †" not in text
    assert "† ruined before the end" in text


def test_data_without_opens_says_when_orders_filled() -> None:
    closes = [100.0 + t % 5 for t in range(500)]
    market = small_market(closes, opens=[float("nan")] * 500)
    assert "filled at the next close, since the data has no opens" in printed(score("cash", market))


def test_it_says_whether_anything_can_be_told_apart() -> None:
    held = score("buy_and_hold")
    assert "no agent is clearly above buy and hold" in printed(held, score("momentum"))
    assert "tell no agents apart" in printed(score("cash"), score("momentum"))
    sold, other = score("always_sell"), score("momentum")
    object.__setattr__(sold, "agent", "buy_and_hold")
    object.__setattr__(other.median, "metrics", {**other.metrics, "SR_low": 99.0, "SR": 100.0})
    assert "clearly above buy and hold (intervals do not overlap): momentum" in printed(sold, other)


def test_a_long_name_folds_and_no_figure_is_cut() -> None:
    result = score(lambda observation, info: 2)
    object.__setattr__(result, "agent", "an agent with a very long name indeed " * 3)
    text = printed(result)
    assert max(map(len, text.splitlines())) <= 80
    assert f"{result.metrics['CR'] * 100:.1f}" in text
    assert "…" not in text.replace(f"{result.metrics['SR_low']:.1f}…".replace("-", "−"), "")


def test_square_brackets_in_a_name_are_shown() -> None:
    result = score("cash")
    object.__setattr__(result, "agent", "mine[/bold]")
    assert "mine[/bold]" in printed(result)
