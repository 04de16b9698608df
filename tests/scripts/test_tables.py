"""Tables: what shares one, what stands below it, and that it fits a terminal."""

import io
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from investorbench.scripts.tables import _fitting, _Line, folded, print_results
from investorbench.tasks import Result, evaluate
from investorbench.tasks.leaderboard import leaderboards
from investorbench.tasks.leaderboard.columns import INTERVAL_HEAD
from investorbench.tasks.result import Entry, Failure
from tests.env.small_markets import small_market, weekly

RISING = small_market([100.0 * 1.002**t * (1 + 0.01 * (t % 3)) for t in range(500)])
NOISY = small_market(
    (100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.02, 500)))).tolist()
)
SHORT = {"start": "2021-01-01", "end": "2021-02-28", "warmup": False}


def score(agent: Any, market: Any = RISING, **options: Any) -> Result:
    return evaluate(agent, "InvestorBench/Stock", data=market, **{**SHORT, **options})


def printed(*results: Result | Entry, width: int = 80) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    print_results(results, console)
    return console.export_text()


def cells(text: str, agent: str) -> list[str]:
    (row,) = [line.split() for line in text.splitlines() if re.match(rf" \S+ +{agent} ", line)]
    return row


def test_agents_stand_in_the_order_of_their_sharpe_ratios_beside_buy_and_hold() -> None:
    text = printed(score("always_sell"), score("cash"))
    places = [text.index(f" {agent} ") for agent in ("buy_and_hold", "cash", "always_sell")]
    assert places == sorted(places)


def test_a_title_names_task_symbol_protocol_and_window() -> None:
    assert printed(score("cash")).splitlines()[0] == (
        "InvestorBench/Stock TEST · standard · 2021-01-01 to 2021-02-28"
    )


def test_a_figure_stands_as_percent_or_as_it_is_and_zero_has_no_sign() -> None:
    row = cells(printed(score("cash")), "cash")
    assert row[:5] == ["1–2", "cash", "0.0", "0.00", "–"] and row[-2:] == ["0", "0"]
    flat = score(lambda observation, info: 1, reward="return")
    object.__setattr__(flat.median, "metrics", {**flat.metrics, "SR": -0.001, "CR": -0.0001})
    assert "−0.0 " not in printed(flat) and "−0.00" not in printed(flat)


def test_numbers_are_those_of_the_leaderboard() -> None:
    result = score("momentum", NOISY)
    (board,) = leaderboards([Entry(result=result, planned=1)], jointly=False)
    row = next(row for row in board.rows if row.agent == "momentum")
    figures, ratio = result.metrics, row.statistics.sr
    assert ratio.low is not None and ratio.high is not None
    shown = [
        f"{figures['CR'] * 100:.1f}", f"{figures['SR']:.2f}", f"{ratio.low:.1f}…{ratio.high:.1f}",
    ]  # fmt: skip
    found = cells(printed(result), "momentum")
    assert found[2:5] == [each.replace("-", "−") for each in shown]
    assert found[-2:] == [
        f"{figures['MDD'] * 100:.0f}",
        f"{figures['time_in_market'] * 100:.0f}",
    ]


@pytest.mark.parametrize("other", [{"protocol": "paper"}, {"long_only": True}])
def test_results_of_different_settings_never_share_a_table(other: dict[str, Any]) -> None:
    text = printed(score("cash"), score("momentum"), score("cash", **other))
    assert len(re.findall("^ rank +agent ", text, re.MULTILINE)) == 2
    assert len(re.findall("^ .* cash ", text, re.MULTILINE)) == 2


def test_agents_over_several_tasks_have_a_table_of_their_own() -> None:
    results = [score("momentum", NOISY), score("momentum", NOISY, end="2021-01-31")]
    text = printed(*results)
    title, _, _, *rows = text[text.index("mean over") :].splitlines()
    assert title == "mean over 2 tasks · standard"
    assert max(map(len, rows)) <= 80
    mean = np.mean([result.metrics["SR"] for result in results])
    row = next(line.split() for line in rows if " momentum " in line)
    assert row[3] == f"{mean:.2f}".replace("-", "−")
    assert (
        "Over 2 tasks (standard protocol, real data), the means of 1 agent were compared. "
        "momentum has a" in " ".join(text.split())
    )
    assert "mean over" not in printed(results[0])


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


def test_what_the_data_lacks_stands_below_its_name() -> None:
    text = printed(score("cash", small_market([100.0] * 500, findings=("dividends are missing",))))
    assert "data: made for a test\ndividends are missing\n" in text


def test_what_the_data_of_several_tasks_lacks_stands_once_below_them_all() -> None:
    lacks = ("dividends are missing",)
    markets = {
        "A": small_market([100.0 + t % 5 for t in range(500)], symbols=("A",), findings=lacks),
        "B": small_market([99.0 + t % 7 for t in range(500)], symbols=("B",), findings=lacks),
        "TEST": replace(NOISY, findings=("a gap",)),
    }
    text = printed(*(score("cash", market, symbol=name) for name, market in markets.items()))
    mean = text[text.index("mean over") :]
    assert mean.count("dividends are missing") == 1
    assert "Stock A and Stock B: dividends are missing\nStock TEST: a gap\n" in mean


def test_a_week_is_called_a_week() -> None:
    closes = (100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.02, 80)))).tolist()
    dates = {"start": "2020-01-05", "end": "2021-06-27"}
    text = " ".join(printed(score("momentum", weekly(closes), **dates)).split())
    assert "77 weeks from 2020-01-05" in text and "draws of weeks in blocks of" in text
    assert "day" not in text


def test_a_column_that_holds_nothing_is_not_explained() -> None:
    alone = printed(score("buy_and_hold", NOISY))
    assert "alpha %: " not in alone and "p: that alpha" not in alone


def test_the_sentence_stands_below_and_says_who_is_best_and_what_is_distinguishable() -> None:
    text = " ".join(printed(score("momentum", NOISY)).split())
    assert "1 agent with 1 repeat was scored. momentum has a Sharpe ratio of " in text
    assert "Its alpha over Buy & Hold " in text


def test_repeats_that_failed_are_told() -> None:
    failed = (Failure(1, "infrastructure", "the server was down"),)
    text = printed(Entry(result=score("momentum"), planned=2, failures=failed))
    note = "momentum: 1 of 2 repeats (repeat 1: infrastructure: the server was down)"
    assert note in " ".join(text.split())


def test_what_a_model_answered_is_told() -> None:
    split = {
        "is_language_model": True, "decisions": 1200, "invalid": 3, "cost_usd": 0.25,
        "tokens": {"input": 5000, "output": 70},
    }  # fmt: skip
    result = score("momentum")
    episodes = [replace(result.median, answers={"warmup": split, "test": split})]
    note = "momentum: 2,400 decisions, 6 without a usable answer; 10,000 tokens read, 140 written"
    text = " ".join(printed(replace(result, episodes=tuple(episodes))).split())
    assert f"{note}, 0.5000 USD" in text
    rules = [replace(episodes[0], answers={"test": {**split, "is_language_model": False}})]
    text = printed(replace(result, episodes=tuple(rules)))
    assert "momentum: a word list and momentum, not a language model" in text


def test_a_long_name_folds_and_no_figure_is_cut() -> None:
    result = score(lambda observation, info: 2)
    object.__setattr__(result, "agent", "an agent with a very long name indeed " * 3)
    text = printed(result)
    assert max(map(len, text.splitlines())) <= 80
    assert f" {result.metrics['CR'] * 100:.1f} " in text
    assert all(re.search(r"\d…[\d−]", text[at - 1 : at + 2]) for at in _dots(text))


@pytest.mark.parametrize("seed", range(50))
def test_names_break_after_words_and_lose_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = ["buy", "and", "hold", "a" * 14, "model", "†", "10", "qwen2"]
    joints = ["_", " ", "=", ".", "-", "/"]
    picked = [str(rng.choice(words)) + str(rng.choice(joints)) for _ in range(rng.integers(1, 7))]
    name, width = "".join(picked)[:-1], int(rng.integers(-3, 30))
    lines = folded(name, width).split("\n")
    assert "".join(lines).replace(" ", "") == name.replace(" ", "")
    for line in lines:  # a line beyond the width is one word
        assert len(line) <= width or not re.search(r"[_ =./-].", line)
    for part in name.split():  # what fits a line stands on one
        assert len(part) > width or any(part in line for line in lines)
    assert folded(name, len(name)) == name


@pytest.mark.parametrize("width", range(76, 92, 2))
def test_a_narrow_terminal_breaks_no_word_of_a_usual_name(width: int) -> None:
    crash = small_market([100.0] * 380 + [350.0] * 120)
    text = printed(
        *(score(agent, crash) for agent in ("always_sell", "news_sentiment", "cash")), width=width
    )
    assert re.search(r"news_(sentiment)? ", text) and re.search(r"buy_and_(hold)? ", text)
    assert max(map(len, text.splitlines())) <= width


def test_the_widest_figures_fit_a_terminal() -> None:
    # An account that grows by thousands of percent, among names of usual length.
    rng = np.random.default_rng(0)
    wild = small_market((100.0 * np.exp(np.cumsum(rng.normal(0.05, 0.2, 500)))).tolist())
    text = printed(*(score(agent, wild) for agent in ("momentum", "random", "news_sentiment")))
    assert max(map(len, text.splitlines())) <= 80
    assert all(re.search(r"\d…[\d−]", text[at - 1 : at + 2]) for at in _dots(text))


def test_square_brackets_in_a_name_are_shown() -> None:
    result = score("cash")
    object.__setattr__(result, "agent", "mine[/bold]")
    assert "mine[/bold]" in printed(result)


def _dots(text: str) -> list[int]:
    return [match.start() for match in re.finditer("…", text)]


@pytest.mark.parametrize("seed", range(20))
def test_a_table_too_wide_for_its_terminal_goes_on_below_and_loses_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns, width = int(rng.integers(4, 14)), int(rng.integers(40, 200))
    heads = [INTERVAL_HEAD if n % 3 == 1 else f"figure{n}" for n in range(columns)]
    names = ["text_reader", "filter ‡", "tool_user model=openai/gpt-4o"]
    figures = [[f"{rng.integers(10**6)}…{n}" for n in range(columns)] for _ in names]
    lines = [
        _Line("1–3", name, own[: len(heads)]) for name, own in zip(names, figures, strict=True)
    ]
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(_fitting(heads, lines, console))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    assert all(figure in text for own in figures for figure in own)
    assert all(word in text for word in ("reader", "filter", "user", "openai/"))
    starts = re.findall(r"rank +agent +(.*)", text)
    assert not any(start.startswith(INTERVAL_HEAD) for start in starts)
