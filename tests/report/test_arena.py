"""Reports of perpetuals: positions by time, every trade with its plan, behaviour side by side."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from investorbench.tasks import evaluate
from investorbench.tasks.behaviour import BEHAVIOUR
from investorbench.tasks.leaderboard import leaderboards
from investorbench.tasks.record.lines import read_record
from investorbench.tasks.record.run_folder import found_in
from investorbench.tasks.report import ReportContent, html_page
from investorbench.tasks.report.arena_trades import pack_trades
from investorbench.tasks.report.content import records_of
from investorbench.tasks.report.names import short_names
from investorbench.tasks.report.packing import PageBudget
from tests.report.reading import Page
from tests.report.thirteen import HOSTILE

pytest.importorskip("plotly")

OPTIONS: dict[str, Any] = {"every": 20, "end": "2025-07-18", "markets": [3]}
EAGER, IDLE = "each 0.2", "each 0"


class Trader:
    """Enters a coin that is not held now and then, and closes one that is; it says why."""

    def __init__(self, name: str, often: float) -> None:
        self.name, self.often = name, often

    def begin(self, facts: Any, split: str, seed: int) -> None:
        self._random = np.random.default_rng(7)

    def act(self, observation: Any, info: Any) -> Any:
        held, marks = {each.symbol for each in info["positions"]}, info["account"].marks
        return {
            symbol: self._close() if symbol in held else self._enter(marks[symbol], info["cash"])
            for symbol in info["symbols"]
            if self._random.random() < self.often
        }

    def _close(self) -> dict[str, Any]:
        return {"signal": "close_position", "justification": "enough of it"}

    def _enter(self, price: float, cash: float) -> dict[str, Any]:
        side = int(self._random.choice([1, -1]))
        return {
            "signal": "buy_to_enter" if side > 0 else "sell_to_enter", "leverage": 10,
            "quantity": cash / price, "stop_loss": price * (1 - side * 0.02),
            "profit_target": price * (1 + side * 0.03), "confidence": 0.6,
            "invalidation_condition": "price < 1", "justification": f"a feeling {HOSTILE}",
        }  # fmt: skip


def traded(folder: Path, *often: float) -> ReportContent:
    """Agents on one simulated market, named by how often they do something."""
    for each in often:
        evaluate(
            Trader(f"each {each:g}", each), "InvestorBench/Perpetuals-SIM", warmup=False,
            folder=folder / f"{each:g}", **OPTIONS,
        )  # fmt: skip
    found = found_in([folder / f"{each:g}" for each in often])
    assert not found.problems
    boards = leaderboards((entry for _, entry in found.entries), jointly=False, draws=50)
    return ReportContent(boards=tuple(boards), overalls=(), records=tuple(found.entries))


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> ReportContent:
    """Two agents, of which one never trades."""
    return traded(tmp_path_factory.mktemp("arena"), 0.2, 0.0)


@pytest.fixture(scope="module")
def page(content: ReportContent) -> Page:
    return Page(html_page(content))


def closed_in(content: ReportContent, agent: str) -> list[Any]:
    (board,) = content.boards
    (record,) = [each for each in records_of(content, board) if each.agent == agent]
    read = read_record(record.job.episodes[0] / "decisions.jsonl")
    return [trade for line in read.lines for trade in line.closed or ()]


def test_the_first_line_says_whose_return_is_highest_and_why_luck_cannot_be_tested(
    content: ReportContent, page: Page
) -> None:
    (board,) = content.boards
    agents = [row for row in board.rows if row.agent in (EAGER, IDLE)]
    best = max(agents, key=lambda row: row.episode.metrics["CR"] if row.episode else -1.0)
    assert best.episode is not None and board.apart_for is not None
    percent = f"{100 * best.episode.metrics['CR']:.1f}".replace("-", "−")
    (said,) = [each.text for each in page.all("p") if each.attributes.get("class") == "verdict"]
    assert said.startswith(
        f"{short_names([EAGER, IDLE])[best.agent]} has the highest return, {percent} %. "
    )
    assert said.endswith(f"cannot be tested, since {board.apart_for}.")


def test_every_trade_is_in_the_page_with_its_plan_its_exit_and_its_reasons(
    content: ReportContent, page: Page
) -> None:
    listed = {each["agent"]: each for each in page.json("arena")["task-1"]["agents"]}
    assert set(listed) >= {EAGER, IDLE} and listed[IDLE]["trades"] == 0
    trades = json.loads(page.unpacked(listed[EAGER]["block"]))
    ended = [each for each in trades if "by" in each]
    closed = closed_in(content, EAGER)
    assert len(trades) == listed[EAGER]["trades"] and len(ended) == len(closed) > 0
    for each, found in zip(
        sorted(closed, key=lambda trade: (trade.opened, trade.symbol)),
        sorted(ended, key=lambda trade: (trade["opened"], trade["coin"])), strict=True,
    ):  # fmt: skip
        assert (found["coin"], found["by"]) == (each.symbol, each.reason)
        assert found["exit"] == pytest.approx(each.exit_price, rel=1e-7)
        net = each.pnl - each.fees + each.funding
        assert found["net"] == pytest.approx(net, rel=1e-6, abs=1e-6)
        assert found["closed"] == f"{each.closed:%Y-%m-%d %H:%M}"
        assert found["why"] == f"a feeling {HOSTILE}"
        assert found.get("exit_why") == ("enough of it" if each.reason == "close" else None)
        side = 1 if each.quantity > 0 else -1
        assert found["target"] / found["stop"] == pytest.approx(
            (1 + side * 0.03) / (1 - side * 0.02)
        )
    assert HOSTILE not in page.by_id("task-1").text


def test_behaviour_stands_side_by_side_as_it_was_scored(content: ReportContent, page: Page) -> None:
    (board,) = content.boards
    head, *rows = page.rows("Behaviour")
    agents = [row.agent for row in board.rows if "signals" in row.metrics]
    assert head == ["Figure", *(agent.removeprefix("each ") for agent in agents)]
    figures = [row for row in rows if len(row) > 1]
    assert len(figures) == sum(len(group.rows) for group in BEHAVIOUR)
    assert [row[0] for row in rows if len(row) == 1] == [group.title for group in BEHAVIOUR]
    (fees,) = [row[1:] for row in figures if row[0] == "Fees"]
    assert fees == [f"{row.metrics['fees']:,.0f}" for row in board.rows if row.agent in agents]


def test_accounts_of_perpetuals_are_drawn_in_dollars_and_have_no_lots(page: Page) -> None:
    (curves,) = page.json("curves")
    assert curves["opening"] == 10_000
    kinds = [each.attributes.get("data-chart") for each in page.elements
             if "data-chart" in each.attributes]  # fmt: skip
    assert kinds == ["curves", "sheet", "positions", "actions"]
    assert "Weights, orders and lots" not in page.by_id("task-1").text


def test_reasons_are_left_out_before_trades_and_the_page_knows_it(content: ReportContent) -> None:
    (board,) = content.boards
    records = records_of(content, board)
    whole = PageBudget(10**9)
    assert all(each["texts"] for each in pack_trades(board, records, 0, whole))
    largest = max(map(len, whole.blocks.values()))
    tight = PageBudget(largest - 1)
    packed = {each["agent"]: each for each in pack_trades(board, records, 0, tight)}
    assert packed[EAGER]["block"] is not None and not packed[EAGER]["texts"]
    page = tight.blocks[packed[EAGER]["block"]]
    assert len(page) < largest
    nothing = pack_trades(board, records, 0, PageBudget(0))
    assert [each["block"] for each in nothing] == [None] * len(nothing)


def test_a_report_of_other_tasks_has_no_arena(small_run: Path) -> None:
    found = found_in([small_run])
    boards = leaderboards((entry for _, entry in found.entries), jointly=False, draws=50)
    made = Page(
        html_page(ReportContent(boards=tuple(boards), overalls=(), records=tuple(found.entries)))
    )
    assert made.json("arena") == {}
    assert "opening" not in made.json("curves")[0]
