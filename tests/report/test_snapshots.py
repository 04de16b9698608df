"""The section of snapshots: bars of skill, calibration, and what can be distinguished."""

import dataclasses
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.agents.agent import Decision
from investorbench.agents.forecasts import UpForecast
from investorbench.tasks import Task, evaluate
from investorbench.tasks.answers import Answers
from investorbench.tasks.forecasts import CalibrationBin
from investorbench.tasks.leaderboard.exports import export
from investorbench.tasks.leaderboard.snapshot_rows import SnapshotBoard, snapshot_boards
from investorbench.tasks.record.run_folder import found_in
from investorbench.tasks.report import ReportContent, html_page
from investorbench.tasks.report.calibration_plots import calibration_plots
from investorbench.tasks.report.cost_points import snapshot_costs
from investorbench.tasks.report.overview import snapshot_verdict
from investorbench.tasks.report.skill_bars import SkillScale
from investorbench.tasks.result import Entry
from investorbench.tasks.snapshots.distinguishing import pair_needs, seen_difference
from investorbench.tasks.statistics import Estimate
from tests.report.reading import Page

TASK = Task.of("InvestorBench/Snapshot-SIM", data="simulated")


def buys(observation: Any, info: Any) -> int:
    return 2


def also_buys(observation: Any, info: Any) -> int:
    return 2


class Foretells:
    """Sells, and says <b>so</b>: a return above 0 is as likely as one of three."""

    def act(self, observation: Any, info: Any) -> Decision:
        return Decision(0, forecast=UpForecast(up=0.33, horizon=5))


def played(folder: Path) -> str:
    """The page of a run of two agents, one of which gives forecasts."""
    for agent in (buys, Foretells):
        evaluate(agent, TASK, seed=11, folder=folder)
    found = found_in([folder])
    (board,) = snapshot_boards(entry for _, entry in found.entries)
    return html_page(
        ReportContent(boards=(), overalls=(), records=tuple(found.entries), snapshots=(board,))
    )


@pytest.fixture(scope="module")
def board() -> SnapshotBoard:
    agents: tuple[Any, ...] = (buys, also_buys, Foretells)
    results = [evaluate(agent, TASK, seed=11) for agent in agents]
    (board,) = snapshot_boards([Entry(result=each, planned=1) for each in results])
    return board


@pytest.fixture(scope="module")
def page(board: SnapshotBoard) -> Page:
    pytest.importorskip("plotly")
    return Page(html_page(ReportContent(boards=(), overalls=(), records=(), snapshots=(board,))))


def test_a_page_of_snapshots_alone_has_their_section_and_says_what_is_simulated(
    page: Page,
) -> None:
    section = page.by_id("snapshots-1")
    assert "SIMULATED" in section.text and "held for 5 sessions" in section.text
    assert "3 agents on 1 task: " in page.html
    assert [each.text for each in page.all("h3")][:3] == [
        "Skill",
        "Calibration",
        "What this table can distinguish",
    ]


def test_the_first_line_says_who_is_best_by_how_much_and_whether_it_may_be_luck(
    page: Page, board: SnapshotBoard
) -> None:
    (line,) = [each.text for each in page.all("p") if each.attributes.get("class") == "verdict"]
    best = board.rows[0]
    edge = best.headline
    assert edge.value is not None and edge.low is not None and edge.high is not None
    figures = f"{edge.value:,.1f} [{edge.low:,.1f}, {edge.high:,.1f}]".replace("-", "−")
    assert line.startswith(f"{best.agent} has the highest edge, {figures} basis points a decision.")
    assert line.endswith("not distinguishable from 2 others: the lead may be luck.")
    apart = dataclasses.replace(best, places=(1, 1))
    alone = snapshot_verdict(dataclasses.replace(board, rows=(apart, *board.rows[1:])))
    assert alone is not None and "distinguishable from every other agent" in alone


def test_cost_stands_beside_what_decisions_were_worth(board: SnapshotBoard) -> None:
    pytest.importorskip("plotly")
    assert snapshot_costs(board) is None
    nothing = dict.fromkeys(Answers._fields, 0)
    asked = Answers(**{**nothing, "read": 900, "written": 100, "cost_usd": 2.5})  # type: ignore[arg-type]
    rows = (dataclasses.replace(board.rows[0], answers=asked), *board.rows[1:])
    paid = dataclasses.replace(board, rows=rows)
    points = snapshot_costs(paid)
    assert points is not None and points["across"] == "cost, USD"
    assert [each["across"] for each in points["agents"]] == [2.5, None, None]
    assert points["agents"][0]["ratio"][0] == board.rows[0].headline.value
    page = Page(html_page(ReportContent(boards=(), overalls=(), records=(), snapshots=(paid,))))
    assert page.json("costs") == {"snapshots-1": points}
    (chart,) = [each for each in page.all("div") if "data-points" in each.attributes]
    assert chart.attributes["data-points"] == "snapshots-1"


def test_the_pairs_of_a_table_are_those_of_its_scores(page: Page, board: SnapshotBoard) -> None:
    rows = page.rows("Observations until a difference")
    agents = [row.agent for row in board.rows]
    gap = board.scores["buys"] - board.scores["Foretells"]
    needed = (2.8015852 * gap.std(ddof=1) / gap.mean()) ** 2
    cell = rows[1 + agents.index("buys")][1 + agents.index("Foretells")]
    assert float(cell.split()[0].replace(",", "")) == pytest.approx(needed, rel=0.05)
    alike = rows[1 + agents.index("buys")][1 + agents.index("also_buys")]
    assert "decided alike" in alike


def test_only_agents_with_forecasts_have_a_plot_of_calibration(page: Page) -> None:
    (plot,) = [each for each in page.all("svg") if each.attributes.get("role") == "img"]
    label = str(plot.attributes["aria-label"])
    assert label.startswith("Calibration of Foretells: .33 came in .") and "of 25" in label


def test_each_line_of_a_block_is_a_decision_of_the_page(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    directory = Page(played(tmp_path)).json("directory")
    assert [each["days"] for each in directory["episodes"]] == [25, 25]
    assert {each["task"] for each in directory["episodes"]} == {"snapshots-1"}
    assert directory["titles"] == {"snapshots-1": "Snapshot-SIM"}


def test_files_have_a_row_for_each_agent_and_its_figures(board: SnapshotBoard) -> None:
    pd = pytest.importorskip("pandas")
    table = pd.read_csv(io.BytesIO(export((), (), "csv", (board,)))).set_index("agent")
    for row in board.rows:
        assert table.loc[row.agent, "edge"] == pytest.approx(row.figures.edge.value)
        assert table.loc[row.agent, "skill_low"] == pytest.approx(row.figures.skill.low)
    for format in ("md", "latex"):
        text = export((), (), format, (board,)).decode()
        assert "SIMULATED" in text and "held for 5 sessions" in text
        assert "| Foretells" in text or "& Foretells" in text


def test_a_bar_reaches_from_nothing_to_the_skill_on_a_scale_of_all() -> None:
    scale = SkillScale([Estimate(value=0.5, low=0.25, high=0.75), Estimate(value=-1.0)], 2.0)
    width, low, high = 300.0, -1.0 - 3.0 / 50, 2.0 + 3.0 / 50
    x = {at: width * (at - low) / (high - low) for at in (-1.0, 0.0, 0.25, 0.5, 0.75, 2.0)}
    drawn = scale.draw(Estimate(value=0.5, low=0.25, high=0.75))
    assert f'x="{x[0.0]:.1f}"' in drawn and f'width="{x[0.5] - x[0.0]:.1f}"' in drawn
    assert f'x1="{x[0.25]:.1f}" x2="{x[0.75]:.1f}"' in drawn
    assert f'x1="{x[2.0]:.1f}"' in drawn and "ceiling" in drawn
    below = scale.draw(Estimate(value=-1.0))
    assert f'x="{x[-1.0]:.1f}"' in below and "below" in below and "whisker" not in below
    assert "why not" in scale.draw(Estimate(reason="why not"))


def test_a_point_lies_where_the_stated_probability_and_what_came_meet() -> None:
    bins = [CalibrationBin(low=0.5, high=0.6, count=40, stated=0.5, came=0.75,
                           interval=(0.6, 0.9), true=0.25)]  # fmt: skip
    drawn = calibration_plots({"one": bins})
    # From 12 to 188, and upwards.
    assert re.search(r'<circle cx="100.0" cy="56.0" r="4"><title>', drawn)
    assert '<circle cx="100.0" cy="144.0" r="4" class="true">' in drawn
    assert 'y1="82.4" y2="29.6"' in drawn


def test_what_is_seen_and_needed_follows_from_the_spread_of_differences() -> None:
    rng = np.random.default_rng(3)
    scores = {name: rng.normal(level, 100.0, 400) for name, level in (("a", 9), ("b", 0), ("c", 0))}
    spreads = sorted((scores[one] - scores[other]).std(ddof=1) for one, other in ("ab", "ac", "bc"))
    seen = seen_difference(scores)
    assert seen is not None
    assert seen[:2] == pytest.approx((2.8015852 * spreads[0] / 20, 2.8015852 * spreads[-1] / 20))
    # A third of 5 % for each of three pairs: 2.3939797 in the place of 1.959964.
    assert seen.least_of_all == pytest.approx((2.3939797 + 0.8416212) * spreads[0] / 20)
    needs = pair_needs(scores["a"], scores["b"])
    assert needs.observations == pytest.approx((2.8015852 * needs.spread / needs.difference) ** 2)
    assert seen_difference({"a": scores["a"], "twin": scores["a"]}) is None
