"""The page is one safe file, and says what the results say."""

import base64
import dataclasses
import hashlib
import json
import re
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import investorbench_env  # noqa: F401  (registers the environments)
from investorbench.tasks.leaderboard import Failure
from investorbench.tasks.metrics import performance
from investorbench.tasks.report import ReportContent, html_page
from investorbench.tasks.report.agent_tables import monthly_returns
from investorbench.tasks.report.curves import marked_on
from tests.report.conftest import with_row
from tests.report.reading import Page
from tests.report.thirteen import HOSTILE
from tests.tasks.plain_records import lines_of

pytest.importorskip("plotly")


@pytest.fixture(scope="module")
def page(content: ReportContent) -> Page:
    return Page(html_page(content))


def test_a_page_is_one_file_that_loads_nothing(page: Page) -> None:
    assert not [each for each in page.elements if each.tag in ("link", "iframe", "object", "base")]
    assert not [each for each in page.elements if "src" in each.attributes]
    links = {each.attributes["href"] for each in page.elements if "href" in each.attributes}
    assert {str(link)[0] for link in links} == {"#"}
    (style,) = page.all("style")
    assert not re.search(r"url\(|@import|https?:", style.text)
    anchors = {each.attributes.get("id") for each in page.elements}
    assert {str(link)[1:] for link in links} <= anchors


def test_only_the_two_programs_of_a_page_may_run(page: Page) -> None:
    (policy,) = [each.attributes["content"] for each in page.all("meta")
                 if each.attributes.get("http-equiv") == "Content-Security-Policy"]  # fmt: skip
    assert policy is not None and policy.startswith("default-src 'none'; script-src 'sha256-")
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    programs = [each.text for each in page.all("script") if "type" not in each.attributes]
    assert len(programs) == 1
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            for text in (*programs, page.unpacked("plotly"))]  # fmt: skip
    assert hashes == allowed
    assert "unsafe-eval" not in policy and "script-src 'unsafe-inline'" not in policy


def test_the_same_record_makes_the_same_page(content: ReportContent, page: Page) -> None:
    assert html_page(content) == page.html


def test_names_and_texts_of_others_are_never_markup(content: ReportContent, page: Page) -> None:
    odd = with_row(content, 0, agent=HOSTILE)
    board = dataclasses.replace(odd.boards[0], sentence=HOSTILE, notes=(HOSTILE,))
    odd = dataclasses.replace(odd, boards=(board,), problems=(HOSTILE, "\u202edne\x00"))
    hostile = Page(html_page(odd))
    assert [each.tag for each in hostile.elements if each.tag == "img"] == []
    counted = [[p.all(tag) for tag in ("script", "style", "table")] for p in (hostile, page)]
    assert [len(each) for each in counted[0]] == [len(each) for each in counted[1]]
    assert sum(HOSTILE in each.text for each in hostile.all("li")) >= 2
    assert HOSTILE in hostile.all("blockquote")[0].text
    assert "\u202e" not in hostile.html and "\x00" not in hostile.html


def test_tables_show_the_figures_of_the_results(content: ReportContent, page: Page) -> None:
    board = content.boards[0]
    heads, *rows = page.rows("Leaderboard of Stock-SIM")
    assert heads[:4] == ["Rank", "Agent", "CR %", "SR"]
    assert len(rows) == len(board.rows) == 3  # Buy & Hold is added
    for row, cells in zip(board.rows, rows, strict=True):
        metrics = row.metrics
        assert cells[1].replace(" ", "") == row.agent.replace(" ", "")
        assert cells[2].split(" ")[0] == f"{metrics['CR'] * 100:.1f}".replace("-", "−")
        assert cells[3].split(" ")[0] == f"{metrics['SR']:.2f}".replace("-", "−")
        assert cells[heads.index("MDD %")] == f"{metrics['MDD'] * 100:.1f}"
        low, high = row.statistics.sr.low, row.statistics.sr.high
        around = "–" if low is None else f"[{low:.2f}, {high:.2f}]".replace("-", "−")
        assert cells[3].split(" ", 1)[1].startswith(around)


def test_curves_are_those_of_the_results(content: ReportContent, page: Page) -> None:
    (curves,) = page.json("curves")
    assert curves["benchmark"] == "buy_and_hold" and curves["simulated"] is True
    for row, curve in zip(content.boards[0].rows, curves["agents"], strict=True):
        assert curve["name"] == row.agent
        figures = performance(row.shown.returns, "simple", 252.0)
        assert curve["growth"][-1] == pytest.approx(1.0 + figures["CR"], rel=1e-5)
        assert -min(curve["drawdown"]) == pytest.approx(figures["MDD"], rel=1e-5)
        if row.episode is None:
            assert row.agent == "buy_and_hold" and not curve["fills"]
            continue
        assert row.episode is row.result.episodes[0]  # in the first market
        equity = row.episode.equity
        np.testing.assert_allclose(curve["growth"], equity / equity[0], rtol=1e-5)
        assert len(curve["fills"]) == int((row.episode.notional > 0.0).sum())
    assert curves["times"][0] == "2020-10-01" and curves["times"][-1] == "2020-11-06"


def test_the_price_is_the_markets(content: ReportContent, page: Page) -> None:
    (curves,) = page.json("curves")
    env = gym.make("InvestorBench/Stock-SIM", start="2020-10-01", end="2020-11-06")
    observation, info = env.reset(seed=content.boards[0].markets[0])
    closes, ended = {}, False
    while not ended:
        closes[info["session"]] = float(observation["bars"][-1, 3])
        observation, _, _, ended, info = env.step(1)
    closes[info["session"]] = float(observation["bars"][-1, 3])
    assert curves["symbols"] == ["SIM"]
    shown = dict(zip(curves["times"], curves["prices"][0], strict=True))
    assert shown.keys() == closes.keys()
    assert shown == pytest.approx(closes, rel=1e-5)


def test_every_prompt_answer_and_document_is_in_the_page(small_run: Path, page: Page) -> None:
    directory = page.json("directory")
    thinking = [each for each in directory["episodes"] if each["thinks"]]
    assert [each["repeat"] for each in thinking] == [0, 1]
    for episode in thinking:
        shared = json.loads(page.unpacked(directory["tables"][episode["task"]]))
        facts, texts = (json.loads(page.unpacked(episode[part])) for part in ("facts", "texts"))
        record = small_run.parent / episode["path"] / "decisions.jsonl"
        lines = lines_of(record)
        assert len(lines) == len(facts["decisions"]) == len(texts["decisions"]) == 26

        def whole(refs: list[int], own: list[str], shared: list[str] = shared) -> str:
            return "\n".join(shared[ref] if ref >= 0 else own[-1 - ref] for ref in refs)

        for line, fact, text in zip(lines, facts["decisions"], texts["decisions"], strict=True):
            thought = line["thought"]
            assert whole(text["user"], texts["lines"]) == thought["question"]["user"]
            assert whole(text["system"], texts["lines"]) == thought["question"]["system"]
            assert whole(text["answer"], texts["lines"]) == line["answers"][0]["text"]
            documents = whole(fact["documents"], facts["lines"])
            assert documents.split("\n") == (line["documents"] or [""])
            assert fact["action"] == ("sell", "hold", "buy")[line["action"]]
            for name in ("cash", "equity"):  # to the cent
                assert abs(fact["facts"][name] - thought["perception"][name]) < 0.0051
            assert [each[0] for each in text["recalled"]] == [m["id"] for m in thought["recalled"]]


def test_lines_that_prompts_share_are_kept_once(page: Page) -> None:
    directory = page.json("directory")
    (name,) = directory["tables"].values()
    shared = json.loads(page.unpacked(name))
    assert len(set(shared)) == len(shared) > 100
    own = [set(json.loads(page.unpacked(each["texts"]))["lines"])
           for each in directory["episodes"] if each["texts"]]  # fmt: skip
    assert not own[0] & own[1] and not set(shared) & (own[0] | own[1])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
def test_a_budget_is_kept_and_what_is_left_out_is_said(
    content: ReportContent, page: Page, share: float
) -> None:
    least, most = (len(html.encode()) for html in (html_page(content, size=0), page.html))
    budget = int(least + share * (most - least))
    small = Page(html_page(content, size=budget))
    assert least <= len(small.html.encode()) <= budget
    kept = {name for name in small.packed_sizes() if name != "plotly"}
    episodes = small.json("directory")["episodes"]
    assert len(episodes) == len(page.json("directory")["episodes"]) == 4  # named all the same
    blocks = {each[part] for each in episodes for part in ("facts", "texts")} - {None}
    assert blocks | {"lines-task-1"} == kept | {"lines-task-1"}
    assert share in (0.3, 0.6) or bool(kept) is (share > 0.6)
    if any(each["texts"] for each in episodes):
        assert all(each["facts"] for each in episodes)
        assert any(each["texts"] for each in episodes if each["shown"])


def test_what_could_not_be_read_stands_above_all_else(content: ReportContent, page: Page) -> None:
    assert "problem" not in page.by_id("main").text[:300]
    page_with_problems = Page(html_page(dataclasses.replace(content, problems=("a/b is damaged",))))
    first = next(each for each in page_with_problems.elements if each.tag == "section")
    assert "a/b is damaged" in first.text and "1 problem" in first.text


def test_repeats_that_failed_are_told_with_their_traces(content: ReportContent) -> None:
    job, entry = next(each for each in content.records if "finmem" in each[1].result.agent)
    failed = (Failure(1, "agent", "it raised ValueError: <b>", "Traceback …"),)
    result = dataclasses.replace(entry.result, episodes=entry.result.episodes[:1])
    changed = dataclasses.replace(entry, result=result, failures=failed)
    number = [row.entry for row in content.boards[0].rows].index(entry)
    records = ((job, changed),)
    page = Page(html_page(dataclasses.replace(
        with_row(content, number, entry=changed), records=records
    )))  # fmt: skip
    assert "1 of 2 repeats" in page.rows("Leaderboard of")[1 + number][1]
    assert "it raised ValueError: <b>" in page.by_id("task-1").text
    assert "Traceback …" in page.by_id("task-1").text
    episodes = page.json("directory")["episodes"]
    assert [each["finished"] for each in episodes] == [True, False]


@pytest.mark.parametrize(
    ("cutoff", "released", "cell", "says"),
    [
        ("2023-12", "2024-07-23", "2023-12 ●", "knowledge cutoff of 1 of 1 model"),
        ("2020-10", "2024-07-23", "2020-10 ●", "knowledge cutoff of 1 of 1 model"),  # its first day
        ("2020-09", "2024-07-23", "2020-09", None),
        (None, "2024-07-23", "≤ 2024-07-23 ●", "knowledge cutoff of 1 of 1 model"),
        (None, "2020-09-30", "≤ 2020-09-30", None),
        (None, None, None, "The knowledge cutoff of 1 model is not known"),
    ],
)
def test_a_model_that_may_have_read_of_the_window_is_marked(
    content: ReportContent,
    cutoff: str | None,
    released: str | None,
    cell: str | None,
    says: str | None,
) -> None:
    board = content.boards[0]
    number = next(n for n, row in enumerate(board.rows) if "finmem" in row.agent)
    entry = board.rows[number].entry
    dates = {"knowledge_cutoff": cutoff, "released": released}
    described = {"is_language_model": True, "model": {"id": "m", **dates}}
    result = dataclasses.replace(entry.result, described=described)
    changed = with_row(content, number, entry=dataclasses.replace(entry, result=result))
    real = dataclasses.replace(
        changed.boards[0], setting=board.setting._replace(simulated=False, data_source="a file")
    )
    page = Page(html_page(dataclasses.replace(changed, boards=(real,))))
    notices = [each.text for each in page.all("p") if each.attributes.get("class") == "notice"]
    said = [text for text in notices if "cutoff" in text]
    assert [says in text for text in said] == [True] if says else said == []
    heads, *rows = page.rows("Leaderboard of")
    shown = rows[number][heads.index("Knowledge to")]
    assert shown == cell if cell else shown.startswith("–")
    assert "SIMULATED" not in page.rows("Leaderboard of")[0]


def test_simulated_markets_are_stamped_in_every_table_of_ranks_and_picture(page: Page) -> None:
    captions = [each.text for each in page.all("figcaption")]
    assert len(captions) == 3 and all("SIMULATED" in text for text in captions)
    assert "SIMULATED" in page.all("caption")[0].text
    assert "SIMULATED" in page.by_id("task-1-title").text
    assert "simulated" in page.all("blockquote")[0].text


def test_months_compound_to_the_whole_return(content: ReportContent) -> None:
    board = content.boards[0]
    row = next(row for row in board.rows if row.agent == "momentum")
    equity = row.episode.equity
    marked = marked_on(board, row.shown)
    assert (marked[0], marked[-1]) == ("2020-10-02", "2020-11-06")
    months = monthly_returns(marked, row.shown.returns)
    assert list(months) == ["2020-10", "2020-11"]
    # From the opening of the account to the last session of October.
    last = max(n for n, day in enumerate(marked) if day.startswith("2020-10"))
    assert months["2020-10"] == pytest.approx(equity[last + 1] / equity[0] - 1)
    whole = np.prod([1 + value for value in months.values()]) - 1
    assert whole == pytest.approx(equity[-1] / equity[0] - 1)
