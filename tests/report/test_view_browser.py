"""A sweep that goes on, followed in a real browser; and the command until it is stopped."""

import dataclasses
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from investorbench.tasks.view import ViewServer
from tests.agents.llm.stub_server import Reply, StubServer
from tests.report.thirteen import answer

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

from tests.report.test_browser import DESKTOP, FLAGS, PHONE, chromium  # noqa: E402 - it needs both

pytestmark = pytest.mark.heavy

__all__ = ["chromium"]

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from investorbench.scripts.main import main; main()"
)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "not-a-key"}
MODELS = ("gpt-4", "gpt-4o")
PATIENCE_MS = 120_000


class Pace:
    """Answers at a pace: slow while there is something to look at, and then no more."""

    latency_s = 1.0

    def __call__(self, request: dict[str, Any]) -> Reply:
        return dataclasses.replace(
            answer(request),
            latency_s=self.latency_s,
            usage={"prompt_tokens": 1000, "completion_tokens": 100},
            reasoning=f"Thinking as {request['model']} does.",
        )


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield launched
        launched.close()


class Followed:
    """A page that follows a run, with everything that it complained of or asked for."""

    def __init__(self, browser: Any, address: str, viewport: Any, scheme: str) -> None:
        self.page = browser.new_page(viewport=viewport, color_scheme=scheme)
        self.page.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.asked: set[str] = set()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.add(request.url))
        self.page.goto(address)

    def wait_for(self, expression: str, argument: object = None) -> None:
        self.page.wait_for_function(expression, arg=argument, timeout=PATIENCE_MS)

    def title(self, pattern: str) -> None:
        """Wait until the strip says so."""
        is_so = (
            "pattern => new RegExp(pattern).test(document.querySelector('#live-title').textContent)"
        )
        self.wait_for(is_so, pattern)

    def decisions(self) -> int:
        words = self.page.locator("#live-figures").text_content()
        return int(re.match(r"([\d,]+)", words)[1].replace(",", ""))  # type: ignore[index]

    def violations(self) -> list[str]:
        return [each["id"] for each in axe.Axe().run(self.page).response["violations"]]


def test_a_sweep_is_followed_from_its_first_decision_to_its_report(
    browser: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    pace = Pace()
    with StubServer(pace) as stub, ViewServer([folder]) as server:
        followed = Followed(browser, server.address, DESKTOP, "light")
        page = followed.page
        followed.title("No episode has begun yet")
        sweep = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "run", "-m", "agent=finmem",
             f"model={','.join(MODELS)}", "task=stock/sim",
             "task.start=2020-10-01", "task.end=2020-10-29", "warmup=false", "seed=0",
             f"folder={folder}", "output=json", f"model.base_url={stub.url}"],
            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=tmp_path,
        )  # fmt: skip
        try:
            followed.title(r"Running: 0 of 1 episode")
            page.locator("#live-agents .last button").first.click()
            box = page.locator("#live-decision")
            box.locator("h4", has_text="Asked").wait_for()
            thinking = box.locator("details", has_text="Thinking").locator("pre")
            assert "Thinking as" in thinking.text_content()
            assert "SIM" in box.locator("details", has_text="Prompt").locator("pre").text_content()
            first = page.locator("#live-decision h3").text_content()
            before = followed.decisions()
            page.locator("#live-newer").wait_for(state="visible")
            page.locator("#live-newer").click()
            followed.wait_for(
                "first => document.querySelector('#live-decision h3').textContent !== first", first
            )
            assert followed.decisions() > before
            assert followed.violations() == []
            pace.latency_s = 0.0
            # The report comes by itself, but not to who reads a decision.
            page.locator("#live-new").wait_for(state="visible")
            assert page.locator("#live").get_attribute("data-made") == "0" and box.is_visible()
            box.get_by_role("button", name="Close").click()
            followed.wait_for("() => Number(document.querySelector('#live').dataset.made) >= 1")
            page.locator("#task-1 table").first.wait_for()
            followed.title(r"Finished: 2 episodes")
            assert sweep.wait(60) == 0
        finally:
            sweep.kill()
            sweep.communicate()
        if page.locator("#live-new").is_visible():
            page.locator("#live-new").click()
        followed.wait_for("() => document.querySelectorAll('#record-agent option').length >= 2")
        assert {"gpt-4", "gpt-4o"} <= {
            each.strip().rpartition("=")[2]
            for each in page.locator("#record-agent option").all_text_contents()
        }
        # A decision is an address, which a reload keeps.
        page.locator("#days tbody button").nth(3).click()
        page.locator("#day h4", has_text="Answered").wait_for()
        link = page.url
        page.reload()
        page.locator("#day h4", has_text="Answered").wait_for()
        assert page.url == link and "#decision/" in link
        assert followed.complaints == []
        assert {url.split("/")[2] for url in followed.asked} == {f"127.0.0.1:{server.port}"}
        for viewport, scheme in ((DESKTOP, "dark"), (PHONE, "light")):
            other = Followed(browser, server.address, viewport, scheme)
            other.title("Finished")
            assert other.violations() == [] and other.complaints == []
            wide = other.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0
            other.page.close()
    followed.wait_for("() => document.querySelector('#live').dataset.state === 'gone'")
    assert "has ended" in page.locator("#live-note").text_content()
    page.close()


def test_the_command_shows_its_address_and_leaves_nothing_when_it_is_stopped(
    small_run: Path,
) -> None:
    line = [sys.executable, "-c", PROGRAM, "view", str(small_run), "--no-open"]
    running = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    assert running.stdout is not None
    address = running.stdout.readline().strip()
    reply = httpx.get(f"{address}live?since=0", trust_env=False, timeout=60.0)
    refused = httpx.get(address.rpartition("/")[0][:-1], trust_env=False, timeout=60.0)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert reply.json()["episodes"] == [4, 4] and refused.status_code == 403
    assert running.returncode == 0 and out == "" and "Traceback" not in err
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, trust_env=False, timeout=10.0)
