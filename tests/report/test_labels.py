"""Tables of decided classes on a page: rewards, classes that came, and claims by what holds."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents.thesis.thesis import parse
from investorbench.tasks import Task, evaluate
from investorbench.tasks.leaderboard import leaderboards
from investorbench.tasks.leaderboard.label_boards import label_boards
from investorbench.tasks.record.run_folder import found_in
from investorbench.tasks.report import ReportContent, html_page
from investorbench.tasks.report.label_sections import confusion_table, label_section
from investorbench.tasks.report.reward_curves import reward_curves
from investorbench.tasks.report.thesis_view import mark_of_claim, middle_thesis
from investorbench.tasks.trading_r1.citable import Citable
from tests.report.reading import Page
from tests.tasks.trading_r1.theses import BRIEFING, IDS, QUOTES, VIEWS, claim, thesis
from tests.tasks.trading_r1.writing import AlwaysBuys, Writer

TASK = Task.of("stock/sim", start="2020-12-01", labels={"train": ["2020-04-06", "2020-11-06"]})
CLAIMS = {
    "true": claim(VIEWS[0], QUOTES[0], IDS[0]),
    "unfounded": claim(VIEWS[1], "margins will double every single year", IDS[0]),
    "uncited": f"- {VIEWS[2]}",
}
HOSTILE = "<img src=x onerror=alert(1)>"


class Claims(Writer):
    """Writes one claim of each kind, and markup that is none of ours."""

    name = "claims"

    def record(self) -> dict[str, Any]:
        body = "\n".join([*CLAIMS.values(), f"- {HOSTILE} *{HOSTILE}* `{HOSTILE}`"])
        return {**super().record(), "thesis": {"text": thesis([body], names=("news",))}}


def reported(folder: Path) -> ReportContent:
    """A run of three agents: one that makes claims, one that buys, and one that writes well."""
    for agent in (Claims, AlwaysBuys, Writer):
        evaluate(agent, TASK, warmup=False, seed=2, folder=folder)
    found = found_in([folder])
    entries = [entry for _, entry in found.entries]
    return ReportContent(
        boards=tuple(leaderboards(entries, jointly=False, draws=50)),
        overalls=(),
        records=tuple(found.entries),
        labels=tuple(label_boards(entries)),
    )


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> ReportContent:
    return reported(tmp_path_factory.mktemp("reported"))


@pytest.mark.parametrize("mark", CLAIMS)
def test_a_claim_is_true_unfounded_or_uncited(mark: str) -> None:
    (section,) = parse(f"<news>\n{CLAIMS[mark]}\n</news>").sections
    assert mark_of_claim(section.bullets[0], Citable.of(BRIEFING, IDS)) == mark


@pytest.mark.parametrize(
    ("bullet", "mark"),
    [
        ("- it rises *orders at the plant in Ohio rose*", "uncited"),
        ("- it rises `n1`", "uncited"),
        ("- it rises `n9`", "unfounded"),
        ("- it rises *orders at the plant in Ohio rose* `n9`", "unfounded"),
        ("- it rises *orders at the plant in Spain fell* ", "unfounded"),
    ],
)
def test_what_is_false_is_unfounded_and_what_is_missing_uncited(bullet: str, mark: str) -> None:
    (section,) = parse(f"<news>\n{bullet}\n</news>").sections
    assert mark_of_claim(section.bullets[0], Citable.of(BRIEFING, IDS)) == mark


def test_a_section_shows_rewards_classes_and_a_thesis(content: ReportContent) -> None:
    page = Page(html_page(content))
    section = page.by_id("labels-1")
    for part in ("stages", "curves", "classes", "thesis"):
        page.by_id(f"labels-1-{part}")
    (board,) = content.labels
    assert board.sentence in section.text and "always strong sell" in section.text
    assert any(each.attributes.get("href") == "#labels-1" for each in page.all("a"))


def test_the_first_line_says_who_decides_best_and_whether_it_may_be_luck(
    content: ReportContent,
) -> None:
    page, (board,) = Page(html_page(content)), content.labels
    best = max(board.agents, key=lambda row: row.figures.decision.value or float("-inf"))
    lines = [each.text for each in page.all("p") if each.attributes.get("class") == "verdict"]
    (line,) = [each for each in lines if "decision reward" in each]
    figure = f"{best.figures.decision.value:.2f}".replace("-", "−")
    assert f" has the highest decision reward of all agents, {figure}" in line and line.endswith(
        "luck."
    )
    lead = best.figures.lead
    assert lead.value is not None and f"{lead.value:.2f}".replace("-", "−") in line


def test_the_thesis_is_the_middle_one_and_its_claims_are_marked(content: ReportContent) -> None:
    (board,) = content.labels
    claims = [row for row in board.agents if row.agent == "claims"]
    alone = dataclasses.replace(board, rows=tuple(claims))
    page = Page(str(label_section(content, alone, 0)))
    text = page.by_id("labels-1").text
    assert "Of its claims: 1 true, 2 unfounded and 1 uncited." in text
    assert not page.all("img") and HOSTILE in text
    job = next(job for job, entry in content.records if entry is claims[0].entry)
    found = middle_thesis(claims[0], job)
    assert found is not None and found.written.session == found.day.session
    days = claims[0].entry.result.episodes[0].labelled.days  # type: ignore[union-attr]
    paid = sorted(day.decision for day in days if day.decision is not None)
    assert found.day.decision == paid[(len(paid) - 1) // 2]  # the rest of the reward is the same


def test_counts_of_classes_add_up(content: ReportContent) -> None:
    (board,) = content.labels
    for row in board.agents:
        page = Page(str(confusion_table(row)))
        cells = [int(each.text) for each in page.all("td")]
        assert cells[-1] == row.figures.labelled and sum(cells[-6:-1]) == cells[-1]
        assert sum(cells[5:-6:6]) == cells[-1]


def test_curves_end_at_the_mean_reward_of_each(content: ReportContent) -> None:
    (board,) = content.labels
    drawn = Page(str(reward_curves(board)))
    (picture,) = [each for each in drawn.all("svg") if each.attributes.get("role") == "img"]
    label = picture.attributes["aria-label"] or ""
    for row in board.rows:
        shown = f"{row.agent} {row.figures.decision.value:.2f}".replace("-", "−")
        assert (shown in label) == (row.agent != "label oracle")


def test_a_page_without_decided_classes_is_what_it_was(content: ReportContent) -> None:
    html = html_page(dataclasses.replace(content, labels=()))
    assert 'id="labels-1"' not in html and "Reward by stage" not in html


def test_a_record_that_is_gone_leaves_the_thesis_out(content: ReportContent) -> None:
    (board,) = content.labels
    page = Page(str(label_section(dataclasses.replace(content, records=()), board, 0)))
    assert "One thesis" not in page.by_id("labels-1").text
