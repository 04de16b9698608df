"""The report of thirteen models in a real browser: drawn, sorted, searched, printed, accessible."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from investorbench.scripts.main import main
from investorbench.tasks.report import html_page
from tests.report.reading import Page
from tests.report.test_arena import traded
from tests.report.test_labels import reported as reported_classes
from tests.report.test_several import reported
from tests.report.test_snapshots import played
from tests.report.thirteen import MODELS, run_thirteen
from tests.tasks.plain_records import lines_of
from tests.tasks.toys import MinutesEnv, PairEnv

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytest.importorskip("plotly")

pytestmark = pytest.mark.heavy

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
LARGEST_BYTES = 10_000_000
AGENTS = len(MODELS) + 3
"""With momentum, random and Buy & Hold."""


@pytest.fixture(scope="module")
def chromium() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("there is no Chromium: install one, or name it in $CHROMIUM")
    return found


@pytest.fixture(scope="module")
def browser(chromium: str, file: Path, decided: Path) -> Iterator[Any]:
    """A browser; from then on an event loop runs here, so the file is made before."""
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def file(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("thirteen")
    runs = run_thirteen(folder)
    with pytest.raises(SystemExit) as ended:
        main(["report", *map(str, runs), "--output", str(folder / "report.html")])
    assert ended.value.code == 0
    return folder / "report.html"


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of agents that decide classes, made before a browser is there."""
    folder = tmp_path_factory.mktemp("decided")
    page = folder / "decided.html"
    page.write_text(html_page(reported_classes(folder / "run")), encoding="utf-8")
    return page


class Watched:
    """A page that is open, with everything that it complained of or asked for."""

    def __init__(
        self, browser: Any, file: Path, viewport: Any, scheme: str, link: str = ""
    ) -> None:
        self.page = browser.new_page(viewport=viewport, color_scheme=scheme)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri() + link)

    def draw_all(self) -> None:
        """Bring every chart into view, and wait until it is drawn."""
        for chart in self.page.locator(".chart").all():
            chart.scroll_into_view_if_needed()
            self.page.wait_for_function("chart => chart.dataset.drawn", arg=chart.element_handle())


@pytest.fixture(scope="module")
def desktop(browser: Any, file: Path) -> Iterator[Watched]:
    watched = Watched(browser, file, DESKTOP, "light")
    watched.draw_all()
    yield watched
    watched.page.close()


def test_the_file_is_small_and_every_plot_is_drawn_without_a_complaint(
    desktop: Watched, file: Path
) -> None:
    page = desktop.page
    assert file.stat().st_size < LARGEST_BYTES
    curves = json.loads(page.locator("#curves").text_content())
    drawn = page.locator(".chart").evaluate_all(
        "charts => charts.map(chart => [chart.dataset.chart,"
        " chart.querySelectorAll('.scatterlayer .trace').length])"
    )
    # Of each agent growth and drawdown; price, fills bought and sold where there are any, position.
    assert [count for kind, count in drawn if kind == "curves"] == [2 * AGENTS] * len(curves)
    actions = [count for kind, count in drawn if kind == "actions"]
    assert len(actions) == len(curves) and set(actions) <= {3, 4}
    assert page.get_by_text("SIMULATED", exact=True).count() > 8
    ready = page.evaluate("document.documentElement.dataset.interactiveMs")
    print(f"{file.stat().st_size / 1e6:.1f} MB, interactive after {ready} ms")
    assert desktop.complaints == []
    assert desktop.requests == [file.as_uri()]


def test_what_a_model_wrote_is_text(desktop: Watched, file: Path) -> None:
    page = desktop.page
    page.fill("#words", "onerror")
    page.click("#find")
    page.locator("#found li").first.wait_for()
    page.locator("#found button").first.click()
    page.locator("#day pre", has_text="rationale").first.wait_for(state="attached")
    assert "</script><img" in page.locator("#day").text_content()
    assert page.locator("img").count() == 0
    assert page.title().startswith("InvestorBench")
    assert desktop.complaints == [] and desktop.requests == [file.as_uri()]


def test_a_table_is_sorted_by_mouse_and_keyboard(desktop: Watched) -> None:
    page = desktop.page
    table = page.locator("#task-1 table").first
    head = table.locator("thead th", has_text=re.compile("^SR$"))

    def ratios() -> list[float]:
        cells = table.locator("tbody tr td:nth-child(4)")
        return [float(value) for value in
                cells.evaluate_all("cells => cells.map(cell => cell.dataset.sort)")]  # fmt: skip

    assert head.get_attribute("aria-sort") == "none"
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert ratios() == sorted(ratios(), reverse=True) and len(ratios()) == AGENTS
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "ascending" and ratios() == sorted(ratios())
    table.locator("thead th button", has_text="Agent").press(" ")
    assert head.get_attribute("aria-sort") == "none"
    names = table.locator("tbody th").evaluate_all("heads => heads.map(each => each.dataset.sort)")
    assert names == sorted(names, key=str.lower)
    # Empty cells come last in both directions.
    tested = table.locator("thead th button", has_text="p of alpha")
    for _ in range(2):
        tested.click()
        keys = table.locator("tbody tr td:nth-child(7)").evaluate_all(
            "cells => cells.map(cell => cell.dataset.sort)"
        )
        known = [key for key in keys if key]
        assert 0 < len(known) < AGENTS and keys[: len(known)] == known


def test_agents_are_filtered_by_name(desktop: Watched) -> None:
    page = desktop.page
    page.fill("#filter", "qwen")
    shown = page.locator("#task-1 table").first.locator("tbody tr:visible")
    assert shown.count() == 3
    assert page.locator("#message").text_content() == "3 agents shown"
    page.fill("#filter", "")
    assert shown.count() == AGENTS


def test_search_finds_exactly_the_decisions_with_all_words(desktop: Watched, file: Path) -> None:
    page = desktop.page
    records = file.parent.rglob("decisions.jsonl")
    lines = [line for record in records for line in lines_of(record)]
    answers = [answer["text"] for line in lines for answer in line["answers"]]
    page.select_option("#where", "answered")
    page.fill("#words", "PALMYRA sell")
    page.press("#words", "Enter")
    both = sum("Palmyra" in text and "sell" in text for text in answers)
    assert 0 < both < 52  # of the 52 of this model
    status = page.locator("#found-status", has_text=re.compile(f"^{both} decisions found"))
    status.wait_for()
    assert page.locator("#found li").count() == min(both, 100)
    marked = page.locator("#found mark").all_text_contents()
    assert set(marked) == {"sell"} and len(marked) == both
    page.fill("#words", "no such word anywhere")
    page.click("#find")
    page.locator("#found-status", has_text="0 decisions found.").wait_for()
    page.select_option("#where", "all")


def test_a_day_shows_everything_that_is_recorded_of_it(desktop: Watched, file: Path) -> None:
    page = desktop.page
    (record,) = (file.parent / "runs" / "etf-sim").rglob("*gpt-4/repeat-0/decisions.jsonl")
    line = lines_of(record)[9]
    page.select_option("#record-task", "task-1")
    page.select_option("#record-agent", "finmem model=gpt-4")
    button = page.locator("#days tbody button", has_text=line["session"])
    button.press("Enter")
    day = page.locator("#day")
    day.locator("h3", has_text=line["session"]).wait_for()
    shown = [text.strip() for text in day.locator("pre").all_text_contents()]
    thought = line["thought"]
    assert shown[0] == thought["question"]["system"].strip()
    assert shown[1] == thought["question"]["user"].strip()
    assert json.loads(shown[2]) == json.loads(line["answers"][0]["text"])
    ids = [text.split()[0] for text in day.locator("table tbody th").all_text_contents()]
    assert ids == [str(memory["id"]) for memory in thought["recalled"]]
    assert day.locator("dd", has_text=("sell", "hold", "buy")[line["action"]]).count() > 0
    stamp = page.locator("#decisions-stamp")
    assert stamp.is_visible()
    stamp.evaluate("stamp => { stamp.hidden = true; }")
    assert not stamp.is_visible()  # as it is where the market is real
    stamp.evaluate("stamp => { stamp.hidden = false; }")


def test_the_chart_of_actions_follows_the_chosen_agent(desktop: Watched) -> None:
    page = desktop.page
    curves = json.loads(page.locator("#curves").text_content())[0]
    chart = page.locator("#task-1 .chart.actions")
    number = next(n for n, each in enumerate(curves["agents"]) if each["name"] == "momentum")
    page.select_option("#task-1-agent", str(number))
    bought = sum(fill[2] > 0 for fill in curves["agents"][number]["fills"])
    page.wait_for_function(
        "([chart, count]) => chart.querySelectorAll('.trace')[1]"
        ".querySelectorAll('.point').length === count",
        arg=[chart.element_handle(), bought],
    )


@pytest.mark.parametrize(("viewport", "scheme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_no_serious_barrier_and_nothing_wider_than_the_screen(
    browser: Any, file: Path, viewport: Any, scheme: str
) -> None:
    watched = Watched(browser, file, viewport, scheme)
    watched.draw_all()
    page = watched.page
    page.locator("#days tbody button").nth(2).click()
    page.wait_for_selector("#day dl")
    page.locator(".contents summary").click()
    for theme in ("dark", "light"):
        page.select_option("#theme", theme)
        found = axe.Axe().run(page).response
        assert {"color-contrast", "scrollable-region-focusable"} <= {
            each["id"] for each in found["passes"]
        }
        serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
        violations = [
            (each["id"], [node["html"] for node in each["nodes"][:3]]) for each in serious
        ]
        assert violations == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert watched.complaints == [] and watched.requests == [file.as_uri()]
    page.close()


@pytest.fixture(scope="module")
def folder(file: Path) -> Path:
    """The same report as a folder."""
    runs = sorted(path for path in (file.parent / "runs").iterdir())
    with pytest.raises(SystemExit) as ended:
        main(["report", "--folder", *map(str, runs), "--output", str(file.parent / "report")])
    assert ended.value.code == 0
    return file.parent / "report" / "index.html"


def test_a_page_in_a_folder_loads_an_episode_when_it_is_asked_for(
    browser: Any, file: Path, folder: Path
) -> None:
    watched = Watched(browser, folder, DESKTOP, "light")
    page = watched.page
    page.locator("#days tbody button").nth(3).click()
    page.wait_for_selector("#day dl")
    parts = {Path(url).name for url in watched.requests if "/parts/episode-" in url}
    assert 1 <= len(parts) <= 3  # what is shown at first, and the two that are compared at first
    page.fill("#words", "PALMYRA sell")
    page.select_option("#where", "answered")
    page.click("#find")
    page.locator("#found-status", has_text=re.compile("^[0-9]+ decisions found")).wait_for()
    assert page.locator("#found li").count() > 0
    beside = (folder.parent / "parts").as_uri()
    assert all(url.startswith((beside, folder.as_uri())) for url in watched.requests)
    assert watched.complaints == []
    page.close()


def test_a_part_that_is_missing_is_said(browser: Any, folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "index.html"
    alone.write_bytes(folder.read_bytes())
    watched = Watched(browser, alone, DESKTOP, "light")
    watched.page.locator("#day", has_text="this report is the whole folder").wait_for()
    watched.page.close()


@pytest.mark.parametrize("form", ["file", "folder"])
def test_a_link_opens_its_decision(
    browser: Any, file: Path, folder: Path, form: str, tmp_path: Path
) -> None:
    (record,) = (file.parent / "runs" / "stock-sim").rglob("*gpt-4/repeat-0/decisions.jsonl")
    line = lines_of(record)[17]
    link = f"#decision/Stock-SIM/finmem%20model%3Dgpt-4/0/{line['session']}"
    place = file if form == "file" else folder
    watched = Watched(browser, place, DESKTOP, "light", link)
    page = watched.page
    page.locator("#day h3", has_text=line["session"]).wait_for()
    prompts = page.locator("#day pre").all_text_contents()
    assert line["thought"]["question"]["user"].strip() in [each.strip() for each in prompts]
    assert page.locator("#day .link").get_attribute("href") == link
    assert page.url.endswith(link)
    parts = [url for url in watched.requests if "/parts/episode-" in url]
    assert len(parts) == len(set(parts)) <= 3  # its own, and the two that are compared at first
    assert watched.complaints == []
    page.close()


def test_two_agents_are_compared_day_by_day(browser: Any, file: Path, folder: Path) -> None:
    one, other = "finmem model=gpt-4", "finmem model=gpt-4o"
    read = []
    for name in (one, other):
        pattern = f"*{name.split('=')[1]}/repeat-0/decisions.jsonl"
        (record,) = (file.parent / "runs" / "stock-sim").rglob(pattern)
        read.append(lines_of(record))
    differing = sum(a["action"] != b["action"] for a, b in zip(*read, strict=True))
    watched = Watched(browser, folder, DESKTOP, "light")
    page = watched.page
    page.locator(".bar a", has_text="Differences").click()
    task = page.locator("#differ-task option", has_text="Stock-SIM").get_attribute("value")
    page.select_option("#differ-task", task)
    page.select_option("#differ-one", one)
    page.select_option("#differ-other", other)
    said = page.locator("#differ-summary", has_text=f"differently in {differing} of 26 decisions")
    said.wait_for()
    assert one in said.text_content() and other in said.text_content()
    cells = page.locator("#differ tbody tr").first.locator("th, td").all_text_contents()
    (number,) = [n for n, line in enumerate(read[0]) if line["session"] == cells[0]]
    for place, lines in ((1, read[0]), (2, read[1])):
        assert cells[place] == ("sell", "hold", "buy")[lines[number]["action"]]
        shown = float(cells[place + 4].replace("−", "-"))
        assert abs(shown - lines[number]["reward"] * 100) < 0.0051
    page.locator("#differ tbody tr").first.locator("button").nth(1).click()
    page.locator("#day h3", has_text=f"{cells[0]} · {other}").wait_for()
    assert watched.complaints == []
    page.close()


def test_the_leaderboard_begins_on_the_first_screen_of_a_phone(browser: Any, file: Path) -> None:
    watched = Watched(browser, file, PHONE, "light")
    row = watched.page.locator("#overall-1 tbody tr").nth(1)
    assert row.evaluate("row => row.getBoundingClientRect().bottom") < PHONE["height"]
    watched.page.close()


@pytest.mark.parametrize(("viewport", "scheme"), [(DESKTOP, "dark"), (PHONE, "light")])
@pytest.mark.parametrize("kind", [PairEnv, MinutesEnv])
def test_several_assets_and_bars_of_minutes_are_drawn_and_shown(
    browser: Any, tmp_path: Path, kind: Any, viewport: Any, scheme: str
) -> None:
    made = reported(kind, tmp_path / "run")
    (tmp_path / "report.html").write_text(made.html)
    watched = Watched(browser, tmp_path / "report.html", viewport, scheme)
    watched.draw_all()
    page = watched.page
    traces = page.locator(".chart.actions .scatterlayer .trace")
    assets = made.json("curves")[0]["symbols"]
    assert traces.count() == 4 * len(assets)
    stacked = page.locator(".chart.weights .scatterlayer .trace")
    assert stacked.count() == (len(assets) + 1 if len(assets) > 1 else 0)
    if len(assets) > 1:
        page.select_option("#task-1-asset", "1")
        page.wait_for_function(
            "() => document.querySelector('.chart.actions').dataset.drawn === '4'"
        )
    page.locator("#days tbody button").nth(1).click()
    page.wait_for_selector("#day dl")
    found = page.locator("#day table tbody th").all_text_contents()
    assert set(found) <= set(assets) and bool(found) is (len(assets) > 1)
    serious = [v for v in axe.Axe().run(page).response["violations"]
               if v["impact"] in ("serious", "critical")]  # fmt: skip
    assert [each["id"] for each in serious] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert watched.complaints == []
    page.close()


@pytest.mark.parametrize(("viewport", "scheme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_trades_of_perpetuals_are_drawn_filtered_and_opened(
    browser: Any, tmp_path: Path, viewport: Any, scheme: str
) -> None:
    made = html_page(traded(tmp_path, 0.9, 0.1))
    (tmp_path / "report.html").write_text(made)
    watched = Watched(browser, tmp_path / "report.html", viewport, scheme)
    watched.draw_all()
    page = watched.page
    listed = {each["agent"]: each["trades"]
              for each in Page(made).json("arena")["task-1"]["agents"]}  # fmt: skip
    page.select_option("#task-1-trader", label="each 0.9")
    rows = "() => document.querySelectorAll('#task-1-trades tbody tr').length"
    page.wait_for_function(f"{rows} === 200")  # of a trade and its plan, which is hidden
    assert page.locator("#task-1-trades tbody tr:visible").count() == 100
    page.click("#task-1-more")
    page.wait_for_function(f"{rows} === {2 * listed['each 0.9']}")
    assert page.locator("#task-1-more").is_hidden()
    page.select_option("#task-1-coin", "SIM-W")
    page.select_option("#task-1-outcome", "won")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#task-1-trades tbody button')]"
        ".every(button => button.textContent === 'SIM-W')"
    )
    coins = page.locator("#task-1-trades tbody button").all_text_contents()
    assert set(coins) == {"SIM-W"}
    button = page.locator("#task-1-trades tbody button").first
    button.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    assert "</script><img" in page.locator("#task-1-trades tbody dl").first.text_content()
    assert page.locator("img").count() == 0
    serious = [v for v in axe.Axe().run(page).response["violations"]
               if v["impact"] in ("serious", "critical")]  # fmt: skip
    assert [each["id"] for each in serious] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert watched.complaints == []
    page.close()


@pytest.mark.parametrize(("viewport", "scheme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_snapshots_are_drawn_and_each_of_them_is_shown(
    browser: Any, tmp_path: Path, viewport: Any, scheme: str
) -> None:
    (tmp_path / "report.html").write_text(played(tmp_path / "run"))
    watched = Watched(browser, tmp_path / "report.html", viewport, scheme)
    page = watched.page
    assert page.locator("#snapshots-1 svg.skill .bar").count() == 2
    assert page.locator("#snapshots-1 .calibration svg[role=img]").count() == 1
    assert page.locator("#days tbody button").count() == 25
    page.locator("#days tbody button").nth(24).click()
    page.wait_for_selector("#day dl")
    serious = [v for v in axe.Axe().run(page).response["violations"]
               if v["impact"] in ("serious", "critical")]  # fmt: skip
    assert [each["id"] for each in serious] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert watched.complaints == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_decided_classes_fit_a_phone_and_have_no_barrier(
    browser: Any, decided: Path, scheme: str
) -> None:
    for viewport in (DESKTOP, PHONE):
        watched = Watched(browser, decided, viewport, scheme)
        page = watched.page
        page.locator("#labels-1 summary").last.click()
        found = axe.Axe().run(page, "#labels-1", {"resultTypes": ["violations"]}).response
        assert [each["id"] for each in found["violations"]] == []
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width == viewport["width"] and watched.complaints == []
        assert page.locator("#labels-1 polyline").count() == 9
        page.close()


def test_a_cold_reader_is_answered_in_at_most_two_clicks(browser: Any, file: Path) -> None:
    """By what is in view, and by names of links and buttons."""
    watched = Watched(browser, file, DESKTOP, "light")
    page = watched.page
    # Who is best, by how much, is it luck, what did it cost: without a click or a scroll.
    verdict = page.locator(".verdict").first
    box = verdict.bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= DESKTOP["height"]
    said = verdict.inner_text()
    assert re.search(r"has the highest Sharpe ratio, −?[0-9.]+", said), said
    assert re.search(r"Buy & Hold has −?[0-9.]+", said), said
    assert re.search("luck|distinguishable|test", said), said
    cost = page.locator("header").get_by_role("term").filter(has_text="Cost")
    assert cost.bounding_box()["y"] < DESKTOP["height"]
    assert re.search("[0-9] USD|tokens", cost.locator("xpath=following-sibling::dd").inner_text())
    # Where do they differ: a click; show me that day: another.
    page.get_by_role("link", name="Differences", exact=True).click()
    days = page.get_by_role("group", name="Days on which they differ")
    row = days.locator("tbody tr").first
    row.wait_for()
    assert 0 <= days.bounding_box()["y"] < DESKTOP["height"]
    day = row.get_by_role("rowheader").inner_text()
    row.get_by_role("button").first.click()
    shown = page.locator("#day").get_by_role("heading", name=day)
    shown.wait_for()
    page.wait_for_function(
        "() => { const { top } = document.querySelector('#day h3').getBoundingClientRect();"
        " return top >= 0 && top < innerHeight; }"
    )
    assert watched.complaints == []
    page.close()


def test_a_section_is_laid_out_when_it_is_near_and_in_print(browser: Any, file: Path) -> None:
    watched = Watched(browser, file, DESKTOP, "light")
    page = watched.page
    seen = (
        "() => document.querySelector('#task-2 td')"
        ".checkVisibility({ contentVisibilityAuto: true })"
    )
    assert page.evaluate(seen) is False
    page.emulate_media(media="print")
    page.wait_for_function(seen)
    page.emulate_media(media="screen")
    page.evaluate("() => scrollTo(0, 0)")
    page.wait_for_function(f"() => !({seen})()")
    page.evaluate("() => { location.hash = '#task-2-months'; }")
    page.wait_for_function(seen)
    top = "() => document.getElementById('task-2-months').getBoundingClientRect().top"
    page.wait_for_function(f"() => 0 < ({top})() && ({top})() < innerHeight / 2")
    assert watched.complaints == []
    page.close()


def test_charts_out_of_sight_fit_a_window_that_was_made_narrow(browser: Any, file: Path) -> None:
    watched = Watched(browser, file, DESKTOP, "light")
    page = watched.page
    charts = page.query_selector_all(".board .chart")
    for chart in charts:
        chart.scroll_into_view_if_needed()
        page.wait_for_function("(chart) => chart.dataset.drawn", arg=chart)
    page.evaluate("() => scrollTo(0, 0)")
    page.set_viewport_size({"width": 760, "height": 900})
    for chart in charts:
        chart.scroll_into_view_if_needed()
        page.wait_for_function(
            "(chart) => Math.abs(chart._fullLayout.width - chart.clientWidth) <= 1", arg=chart
        )
    assert watched.complaints == []
    page.close()


def test_everything_of_a_leaderboard_is_printed(browser: Any, file: Path, tmp_path: Path) -> None:
    watched = Watched(browser, file, DESKTOP, "dark")
    page = watched.page
    page.wait_for_function("() => window.Plotly")  # before anything scrolls to a chart
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, print_background=True)
    assert (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n") > 4
    assert page.locator(".chart:not([data-drawn])").count() == 0
    # After printing the charts are back on the dark ground.
    ground = page.locator(".chart .legend .bg").first.evaluate("node => node.style.fill")
    assert ground == "rgb(18, 22, 29)"
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1032, "height": 700})  # A4 across, less its margins
    table = page.locator("#task-1 table").first
    assert table.locator("tbody tr:visible").count() == AGENTS
    widths = page.locator("table:visible").evaluate_all(
        "tables => tables.map(table => table.getBoundingClientRect().right)"
    )
    assert max(widths) <= 1033
    assert watched.complaints == []
    page.close()
