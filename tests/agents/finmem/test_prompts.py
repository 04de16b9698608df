"""What prompts are made of: templates that travel with the package, and dated backgrounds."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import gymnasium as gym
import pytest

from investorbench.agents.finmem import Character, FinMem
from investorbench.agents.finmem.backgrounds import BACKGROUNDS
from investorbench.agents.finmem.perception import perceive
from investorbench.agents.finmem.question import HEADINGS, layers_in_words, templates_sha256
from investorbench.memory.profiles import PROFILES
from investorbench_env.universes import PUBLISHED_ON, UNIVERSES, universe_of
from tests.agents.finmem.episodes import Scripted, arrays, market, play, task_of, varied
from tests.env.small_markets import date, small_market

ROOT = Path(__file__).resolve().parents[3]
PROMPTS = ROOT / "agents" / "finmem" / "prompts"
CLASS_OF = {
    member.symbol: member.asset_class
    for universe in UNIVERSES.values()
    if universe.chosen_on == PUBLISHED_ON
    for member in universe.members
} | {"NFLX": "stock"}


def test_the_templates_are_in_the_wheel(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("investorbench-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    templates = {f"investorbench/{path.relative_to(ROOT).as_posix()}" for path in PROMPTS.iterdir()}
    assert len(templates) >= 6 and templates <= names


def test_the_hash_of_the_templates_is_the_one_that_is_described() -> None:
    agent = FinMem(Scripted(varied), arrays)
    assert agent.describe()["prompts_sha256"] == templates_sha256()
    assert re.fullmatch(r"[0-9a-f]{64}", templates_sha256())


@pytest.mark.parametrize("name", [*PROFILES])
def test_the_system_message_names_the_headings_of_its_profile_and_no_others(name: str) -> None:
    profile = PROFILES[name]
    words = layers_in_words(profile)
    firsts = {*map(profile.place, ("long", "mid", "short")), profile.reflections}
    named = {*re.findall('"([^"]*)"', words)}
    assert named == ({HEADINGS.get(layer, layer) for layer in firsts} if len(firsts) > 1 else set())
    assert ("deeper" in words) == any(layer.up_at is not None for layer in profile.layers)
    if name == "layered":
        assert words == (
            'At first stand annual reports under "Long-term memory", other reports under '
            '"Mid-term memory", news under "Short-term memory" and your own earlier conclusions '
            'under "Reflections". A memory that proves useful moves deeper and stays longer; one '
            "that is never useful fades."
        )


def test_every_asset_of_the_benchmark_has_a_background() -> None:
    assert BACKGROUNDS.keys() == CLASS_OF.keys()


@pytest.mark.parametrize("symbol", sorted(BACKGROUNDS))
def test_a_background_is_dated_before_the_warm_up_and_says_nothing_of_later_years(
    symbol: str,
) -> None:
    universe = universe_of(CLASS_OF[symbol])
    assert universe is not None
    start = universe.split("warmup").start
    as_of, text = BACKGROUNDS[symbol]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", as_of) and as_of < start
    assert all(year <= as_of[:4] for year in re.findall(r"\b(?:19|20)\d\d\b", text))
    background = Character().background_of(symbol, start, simulated=False)
    assert background == f"{text} (As of {as_of}.)"
    nothing = f"Nothing is known of {symbol} beforehand."
    assert Character().background_of(symbol, as_of, simulated=False) == nothing
    assert Character().background_of(symbol, start, simulated=True) == nothing


@pytest.mark.parametrize(("simulated", "opens"), [(False, "Microsoft"), (True, "Nothing is known")])
def test_the_background_is_in_the_system_message_and_in_the_query(
    simulated: bool, opens: str
) -> None:
    agent = FinMem(Scripted(varied), arrays)
    data = market(symbols=("MSFT",), simulated=simulated)
    episode = play(agent, task_of(data))
    background = episode[0].thought.question.system.partition("## Background\n")[2]
    assert background.startswith(opens)
    assert agent.describe()["background"] == background


def test_what_is_perceived_names_a_dividend_and_a_split_of_the_day() -> None:
    small = small_market([100.0, 100.0, 25.0, 25.0], splits={2: 4.0}, dividends={3: 0.5})
    dates = {"start": date(0), "end": date(3)}
    env = gym.make("InvestorBench/Stock", data=small, **dates)  # type: ignore[arg-type]
    shown = [env.reset(), *((step[0], step[-1]) for step in (env.step(1) for _ in range(3)))]
    texts = [str(perceive(*one, None)) for one in shown]
    split = "4-for-1 split: position and past prices restated."
    assert [split in text for text in texts] == [False, False, True, False]
    dividend = "Dividend of 0.5 for each unit held at the last decision."
    assert [dividend in text for text in texts] == [False, False, False, True]
