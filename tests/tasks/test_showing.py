"""How a result shows itself: short, whole in what matters, and with nothing of others unescaped."""

import sys
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench.tasks import Result, evaluate
from investorbench.tasks.wording import number, percent
from investorbench_env.errors import MissingDependencyError
from tests.env.small_markets import intraday, small_market
from tests.tasks.toys import PairEnv

CLOSES = (100.0 * np.exp(np.cumsum(np.random.default_rng(2).normal(0.0, 0.02, 80)))).tolist()
DATES = {"start": "2020-01-10", "end": "2020-03-15", "warmup": False}
LACKS = ("1 session without a bar", "opens <are> unknown")


def score(agent: Any = "momentum", market: Any = None, **options: Any) -> Result:
    market = market or small_market(CLOSES, findings=LACKS)
    return evaluate(agent, "InvestorBench/Stock", data=market, **{**DATES, **options})


class Tags(HTMLParser):
    """What opens and closes in a piece of HTML, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += f"{data}\n"


def test_a_result_is_a_few_lines_that_say_who_what_where_and_what_the_data_lacks() -> None:
    result = score(repeats=3, long_only=True)
    title, figures, *rest = repr(result).splitlines()
    assert title == (
        "momentum on InvestorBench/Stock TEST · standard · 2020-01-10 to 2020-03-15, 65 steps"
    )
    assert f"CR {percent(result.metrics['CR'])} %" in figures
    assert f"SR {number(result.metrics['SR'], 2)}" in figures
    assert rest[:2] == ["data: made for a test", "options: long_only=True"]
    assert rest[2].startswith("3 repeats, SR ") and rest[2].endswith("means over them")
    assert rest[3] == "equity, actions and pictures are of the repeat with the median Sharpe ratio"
    assert rest[4:] == list(LACKS)


def test_a_simulated_market_is_stamped_in_text_in_html_and_in_the_picture() -> None:
    result = evaluate("cash", "InvestorBench/Stock-SIM", warmup=False, end="2020-11-06", seed=0)
    assert "SIMULATED: " in repr(result) and "SIMULATED: " in result._repr_html_()
    assert "SIMULATED: " in result.plot().get_suptitle()


def test_what_an_agent_knows_beyond_what_it_observes_is_shown() -> None:
    result = replace(score(), handed=("market",))
    assert "\nmomentum knows the future\n" in repr(result)
    assert "momentum knows the future" in Tags(result._repr_html_()).words


@pytest.mark.parametrize("repeats", [1, 7])
def test_html_is_short_and_whole_and_what_others_wrote_is_escaped(repeats: int) -> None:
    result = score("random", repeats=repeats)
    hostile = replace(result, agent="<script>alert('&')</script>")
    tags = Tags(hostile._repr_html_())
    assert tags.open == []
    assert tags.seen <= {"div", "b", "span", "svg", "line", "polyline"}
    assert "<script>alert('&')</script> on InvestorBench/Stock TEST" in tags.words
    for line in repr(hostile).splitlines()[2:]:
        assert f"{line}\n" in tags.words
    assert len(hostile._repr_html_()) < 10_000


def test_many_and_long_findings_are_cut_and_counted() -> None:
    many = tuple(f"finding {n} " + "of a date, " * 100 for n in range(50))
    result = score(market=small_market(CLOSES, findings=many))
    assert "… and 42 more findings in result.findings" in repr(result)
    assert len(repr(result)) < 4_000 and len(result._repr_html_()) < 8_000
    assert result.findings == many


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("InvestorBench/Stock", {"data": small_market(CLOSES), **DATES}),
        ("InvestorBench/Stock", {"data": small_market([100.0] * 380 + [350.0] * 120)}),
        (
            "InvestorBench/Crypto",
            {"data": intraday(CLOSES, 360), "start": "2020-01-03", "end": "2020-01-15"},
        ),
        ("Toys/Shown", {}),
    ],
)
def test_a_picture_has_equity_drawdown_and_weights(task: str, options: dict[str, Any]) -> None:
    if task not in gym.registry and task.startswith("Toys"):
        gym.register(task, entry_point=PairEnv, disable_env_checker=True)
    orders = ({"asset": 0, "weight": np.array([0.4])}, {"asset": 1, "weight": np.array([0.2])})
    agent = (lambda o, i: orders) if task.startswith("Toys") else "always_sell"
    result = evaluate(agent, task, **{"warmup": False, **options})
    figure = result.plot()
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "equity, USD",
        "drawdown, %",
        "weight, %",
    ]
    drawn = figure.axes[0].lines[0].get_ydata()
    assert np.array_equal(np.asarray(drawn), result.equity)
    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r"investorbench\[plot\]"):
        score().plot()


def test_the_window_is_that_of_the_episode_where_each_begins_on_a_day_of_its_own() -> None:
    result = score("random", repeats=5, episode_length=10)
    sessions = result.median.sessions
    assert len(sessions) == 11
    assert result.window == (str(sessions[0]), str(sessions[-1]))
    assert len({tuple(each.sessions[[0, -1]].tolist()) for each in result.episodes}) > 1
    assert score().window == ("2020-01-10", "2020-03-15")


def test_weights_of_several_assets_are_stacked_longs_above_and_shorts_below() -> None:
    symbols = [f"SIM-{letter}" for letter in "ABCDEFGHIJ"]
    invested = np.array([0.3, 0.2, 0.1, *[0.02] * 7], np.float32)
    result = evaluate(
        lambda observation, info: np.concatenate([-invested[:1], invested[1:]]), "portfolio/sim",
        end="2020-10-30", seed=0, warmup=False, long_short=True,
    )  # fmt: skip
    axes = result.plot().axes[2]
    longs, shorts = axes.collections[:10], axes.collections[10:]
    tops = [each.get_paths()[0].vertices[:, 1] for each in longs]
    assert max(map(np.max, tops)) == pytest.approx(44.0, abs=3.0)
    lows = [each.get_paths()[0].vertices[:, 1].min() for each in shorts]
    assert min(lows) == pytest.approx(-30.0, abs=3.0)
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names[:3] == symbols[:3] and sorted(names) == symbols
