"""What stands first in a report: what ran, when, at what cost, and who is best."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.scripts.tables import answered
from investorbench.tasks.report import ReportContent, html_page
from investorbench.tasks.report.cost_points import cost_points
from investorbench.tasks.report.markup import text_of
from investorbench.tasks.report.names import shared_words, short_names
from investorbench.tasks.report.overview import overview, verdict
from investorbench.tasks.report.tear_sheets import falls_of, rolling_ratios, window_of
from tests.report.conftest import with_row
from tests.report.reading import Page
from tests.tasks.plain_records import lines_of

pytest.importorskip("plotly")


@pytest.fixture(scope="module")
def page(content: ReportContent) -> Page:
    return Page(html_page(content))


def terms(page: Page) -> dict[str, str]:
    (names, texts) = (page.all(tag) for tag in ("dt", "dd"))
    first = next(n for n, each in enumerate(names) if each.text == "Ran")
    return {names[n].text: texts[n].text for n in range(first, first + 5)}


def test_a_page_says_first_what_ran_when_by_which_code_and_at_what_cost(
    page: Page, content: ReportContent
) -> None:
    said = terms(page)
    assert said["Ran"] == "2 agents on 1 task: 4 episodes, 104 decisions"
    assert said["Window"] == "2020-10-01 to 2020-11-06, standard protocol"
    paths = [job.episodes[n] / "decisions.jsonl" for job, _ in content.records for n in range(2)]
    lines = [line for path in paths for line in lines_of(path)]
    written = [str(line["written_at"]) for line in lines]
    assert said["When"].startswith(min(written)[:16].replace("T", " "))
    assert max(written)[11:16] in said["When"] and said["When"].endswith(" UTC")
    (job, _) = content.records[0]
    assert job.manifest is not None
    assert said["Code"] == job.manifest["code_sha256"][:12]
    assert said["Cost"] == "0.00 USD; 0 tokens; 0.0 % of answers unusable"


def test_a_run_that_goes_on_says_how_far_it_is(content: ReportContent) -> None:
    job, entry = content.records[0]
    entry = dataclasses.replace(entry, planned=5)
    page = Page(
        html_page(dataclasses.replace(content, records=((job, entry), *content.records[1:])))
    )
    assert terms(page)["Ran"].startswith("2 agents on 1 task: 4 of 7 episodes finished")


def test_the_first_line_of_a_table_says_who_is_best_and_whether_it_may_be_luck(
    page: Page, content: ReportContent
) -> None:
    board = content.boards[0]
    best = next(row for row in board.rows if row.agent != board.benchmark)
    (said,) = [each.text for each in page.all("p") if each.attributes.get("class") == "verdict"]
    ratio = f"{best.sr:.2f}".replace("-", "−")
    assert said.startswith(f"{best.agent} has the highest Sharpe ratio, {ratio}")
    held = next(row for row in board.rows if row.agent == board.benchmark)
    assert f"; Buy & Hold has {held.sr:.2f}. ".replace("-", "−") in said
    p = best.against.adjusted_p if best.against else None
    assert ("distinguishable from luck" in said) is (p is not None)
    assert ("cannot be tested: " in said) is (p is None)
    # It stands above the table, and the table above the sentence to quote.
    places = [page.html.index(each) for each in ('class="verdict"', "<table", "<blockquote")]
    assert places == sorted(places)


@pytest.mark.parametrize(("alpha", "side"), [(0.2, "above 0"), (-0.2, "below 0")])
def test_an_alpha_that_is_clear_of_luck_says_on_which_side_of_0_it_is(
    content: ReportContent, alpha: float, side: str
) -> None:
    board = content.boards[0]
    place, best = next((n, row) for n, row in enumerate(board.rows) if row.agent != board.benchmark)
    assert best.against is not None
    difference = dataclasses.replace(best.against.difference, value=alpha)
    clear = dataclasses.replace(best.against, difference=difference, adjusted_p=0.001)
    said = verdict(with_row(content, place, against=clear).boards[0])
    assert said is not None
    assert f"Its alpha over Buy & Hold is {side}, distinguishable from luck" in text_of(said)


def test_every_part_of_a_page_is_in_its_contents(page: Page) -> None:
    linked = {
        str(each.attributes["href"])[1:] for each in page.all("a") if "href" in each.attributes
    }
    parts = {str(each.attributes.get("id")) for each in page.all("h3")}
    parts = {each for each in parts if each.startswith("task-")}
    assert len(parts) > 8 and parts <= linked
    assert {"task-1", "differences", "decisions"} <= linked


def test_a_leaderboard_has_unusable_answers_tokens_cost_and_cutoff(page: Page) -> None:
    heads, *rows = page.rows("Leaderboard of")
    assert heads[-4:] == ["Unusable %", "Tokens", "Cost USD", "Knowledge to"]
    model = next(row for row in rows if "finmem" in row[1])
    assert model[-4:-1] == ["0.0", "0", "0.00"]


@pytest.mark.parametrize(
    ("agents", "shown"),
    [
        (["finmem model=a", "finmem model=b", "cash"], ["a", "b", "cash"]),
        (["finmem model=a", "cash"], ["finmem model=a", "cash"]),
        (["finmem model=a memory=x", "finmem model=b memory=x"], ["a", "b"]),
        (["finmem model=a k=1", "finmem model=b k=2"], ["model=a k=1", "model=b k=2"]),
        (["finmem k=1", "finmem k=2"], ["k=1", "k=2"]),
        (["finmem", "finmem model=a"], ["finmem", "finmem model=a"]),
        (["finmem model=cash", "finmem model=b", "cash"], ["finmem model=cash", "b", "cash"]),
    ],
)
def test_names_leave_out_what_agents_share(agents: list[str], shown: list[str]) -> None:
    assert list(short_names(agents).values()) == shown


@given(st.lists(st.text("ab =x", max_size=9), max_size=7, unique=True))
def test_short_names_are_as_different_as_whole_ones(agents: list[str]) -> None:
    found = short_names(agents)
    assert list(found) == agents
    assert len(set(found.values())) == len(agents) and (shared_words(found) or True)


def test_what_is_left_out_of_names_is_said_once() -> None:
    names = short_names(["finmem model=a", "finmem model=b", "cash"])
    assert shared_words(names) == "Names are short for finmem model=… (2 agents)"
    assert shared_words(short_names(["cash", "macd"])) is None


def test_falls_are_the_deepest_with_the_days_they_took() -> None:
    growth = np.array([1.0, 2.0, 1.0, 1.5, 2.0, 2.5, 2.0, 3.0, 2.7])
    dates = [f"d{n}" for n in range(9)]
    assert falls_of(dates, growth) == [
        ("d1", "d2", "d4", pytest.approx(0.5), 3),
        ("d5", "d6", "d7", pytest.approx(0.2), 2),
        ("d7", "d8", None, pytest.approx(0.1), 1),
    ]


@given(st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=60))
def test_the_deepest_fall_is_the_largest_drawdown(returns: list[float]) -> None:
    growth = np.concatenate([[1.0], np.cumprod(1.0 + np.array(returns))])
    falls = falls_of([str(n) for n in range(len(growth))], growth)
    deepest = float((1.0 - growth / np.maximum.accumulate(growth)).max())
    assert (falls[0].depth if falls else 0.0) == pytest.approx(deepest)
    assert all(int(fall.peak) < int(fall.trough) for fall in falls)


def test_a_rolling_ratio_is_that_of_each_window() -> None:
    returns = np.random.default_rng(1).normal(0.001, 0.01, 30)
    found = rolling_ratios(returns, 21, 252.0)
    assert len(found) == 10
    last = returns[-21:]
    assert found[-1] == pytest.approx(last.mean() / last.std(ddof=1) * 252**0.5)
    assert np.isnan(rolling_ratios(np.zeros(30), 21, 252.0)).all()
    assert [window_of(days) for days in (26, 60, 149, 250)] == [0, 20, 49, 63]


def test_tokens_stand_for_cost_where_most_prices_are_not_known(content: ReportContent) -> None:
    board = content.boards[0]
    assert cost_points(board, simulated=True) is None  # nothing was read or written
    number = next(n for n, row in enumerate(board.rows) if "finmem" in row.agent)
    entry = board.rows[number].entry
    assert entry is not None
    for price, across, value in ((None, "tokens", 600.0), (0.25, "cost, USD", 0.5)):
        tallied = {
            **(entry.result.episodes[0].answers or {})["test"],
            "tokens": {"input": 200, "output": 100},
            "cost_usd": price,
        }
        episodes = tuple(
            dataclasses.replace(each, answers={"test": tallied}) for each in entry.result.episodes
        )
        result = dataclasses.replace(entry.result, episodes=episodes)
        changed = with_row(content, number, entry=dataclasses.replace(entry, result=result))
        points = cost_points(changed.boards[0], simulated=True)
        assert points is not None and points["across"] == across
        found = {each["name"]: each["across"] for each in points["agents"]}
        assert found == {**dict.fromkeys(found), board.rows[number].agent: value}
        assert len(found) == 3


@pytest.mark.parametrize(("tokens", "said"), [(0, "tokens not counted"), (300, "at least 600 ")])
def test_tokens_that_a_server_did_not_count_are_not_said_to_be_none(
    content: ReportContent, tokens: int, said: str
) -> None:
    job, entry = next(each for each in content.records if "finmem" in each[1].result.agent)
    tallied = {
        **(entry.result.episodes[0].answers or {})["test"],
        "is_language_model": True,
        "tokens": {"input": tokens, "output": 0},
        "uncounted": 1,
    }
    episodes = tuple(
        dataclasses.replace(each, answers={"test": tallied}) for each in entry.result.episodes
    )
    result = dataclasses.replace(entry.result, episodes=episodes)
    changed = dataclasses.replace(
        content, records=((job, dataclasses.replace(entry, result=result)),), unfinished=()
    )
    assert said in str(overview(changed, []))
    assert said in " ".join(answered(result))
