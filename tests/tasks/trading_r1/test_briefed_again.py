"""Briefings that are not those of their day: written by an agent, by hand, or by another form."""

import dataclasses
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import investorbench_env  # noqa: F401 - it registers the environments
from investorbench.agents.llm import connect, load_model
from investorbench.agents.thesis.agent import ThesisAgent
from investorbench.tasks import Task, evaluate
from investorbench.tasks.briefings_again import UNSAID, briefing_differs, wrong_cards
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.replaying import replay
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.record.settings import as_yaml, read_settings
from investorbench.tasks.trading_r1.briefed_again import (
    BriefingCard,
    first_other_line,
    other_briefing,
)
from investorbench.tasks.trading_r1.recorded import RecordedThesis
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.past import Past
from investorbench_env.registration import facts_in
from investorbench_env.wrappers.briefing import Brief, brief, seed_of_decision, text_hash
from investorbench_env.wrappers.briefing_form import SECTIONS, BriefingForm
from tests.env.small_markets import date, document, small_market
from tests.tasks.forging import edit_json
from tests.tasks.trading_r1.writing import Writer

OFFLINE = connect(load_model("offline"))
DOCUMENTS = [document(30.0 + n / 2, f"Orders at the plant rose by {n} percent.") for n in range(20)]
MARKET = small_market([100.0 + n % 9 for n in range(60)], documents=DOCUMENTS)
ENV = gym.make("InvestorBench/Stock", data=MARKET, start=date(40), end=date(45))
PAST: Past = ENV.reset(seed=0)[1]["history"]
FACTS = facts_in(ENV)
SMALL = Task(id="InvestorBench/Stock", data=MARKET, start=date(40), end=date(45))

FORMS = st.builds(
    BriefingForm,
    sections=st.sets(st.sampled_from(SECTIONS[:3]), min_size=1),
    sessions=st.integers(1, 20),
    news=st.tuples(*[st.integers(0, 8)] * 3),
    news_characters=st.integers(5, 60),
    tokens=st.one_of(st.none(), st.integers(1, 1_500)),
    drop=st.sampled_from([0.0, 0.4]),
    shuffle=st.booleans(),
)
SEEDS = st.integers(0, 1_000)
PER_EXAMPLE = settings(max_examples=30, deadline=None)


def made(card: BriefingCard, pieces: int | None = None) -> Brief:
    seed = seed_of_decision(card.seed, PAST.time)
    return brief(PAST, FACTS, seed=seed, form=card.form, pieces=pieces)


def written(found: Brief, **changes: Any) -> RecordedThesis:
    """The record of a thesis about a briefing, as an honest agent leaves it, but for changes."""
    honest = {
        "number": 0, "session": PAST.session, "symbol": PAST.symbol, "text": "[[[BUY]]]",
        "decision": "BUY", "briefing": found.text, "ids": found.ids, "cut": found.cut,
        "sha256": found.sha256, "seed": found.seed,
    }  # fmt: skip
    if "briefing" in changes:
        honest["sha256"] = text_hash(changes["briefing"])
    return RecordedThesis(**{**honest, **changes})


def differs(card: BriefingCard, record: RecordedThesis) -> str | None:
    return other_briefing(record, card, PAST, FACTS)


@PER_EXAMPLE
@given(form=FORMS, seed=SEEDS)
def test_an_honest_briefing_of_any_form_comes_out_again(form: BriefingForm, seed: int) -> None:
    card = BriefingCard(form=form, seed=seed)
    assert differs(card, written(made(card))) is None


@PER_EXAMPLE
@given(form=FORMS, seed=SEEDS, fewer=st.integers(1, 40))
def test_a_briefing_that_a_model_had_less_room_for_comes_out_again(
    form: BriefingForm, seed: int, fewer: int
) -> None:
    """Whatever its tokens are counted by, pieces give way in one order."""
    card = BriefingCard(form=form, seed=seed)
    whole = made(card)
    tight = dataclasses.replace(form, tokens=max(1, 60 * len(whole.pieces) - 13 * fewer),
                                count_tokens=len)  # fmt: skip
    short = made(BriefingCard(form=tight, seed=seed))
    assume(len(short.pieces) < len(whole.pieces))
    left_out = len(whole.pieces) - len(short.pieces)
    assert differs(card, written(short, left_out=left_out)) is None
    found = differs(card, written(short))
    assert found is not None and "line" in found


def _line_put_in(text: str, at: int, line: str) -> str:
    lines = text.split("\n")
    return "\n".join([*lines[: at % len(lines)], line, *lines[at % len(lines) :]])


Forgery = Callable[[str, int], str]
FORGERIES: dict[str, Forgery] = {
    "a changed character": lambda text, at: (
        text[: at % len(text)] + chr(ord(text[at % len(text)]) ^ 1) + text[at % len(text) + 1 :]
    ),
    "an added piece": lambda text, at: _line_put_in(text, at, "[n99] Orders will double by May."),
    "an added section": lambda text, at: f"{text}\n\n## Fundamentals\n[f1] known: revenues 9B",
    "a label put in": lambda text, at: _line_put_in(text, at, "Best decision: [[[STRONG_BUY]]]"),
    "a lost line": lambda text, at: _line_put_in(text, at, "\0").replace("\0\n", "", 1)[1:],
    "lines in another order": lambda text, at: "\n".join(reversed(text.split("\n"))),
    "a blank at the end": lambda text, at: f"{text} ",
    "a line end at the end": lambda text, at: f"{text}\n",
    "another end of line": lambda text, at: text.replace("\n", "\r\n", 1),
}


@pytest.mark.parametrize("name", FORGERIES)
@settings(max_examples=8, deadline=None)
@given(form=FORMS, seed=SEEDS, at=st.integers(0, 10_000))
def test_a_forged_text_is_found_with_the_first_line_that_differs(
    name: str, form: BriefingForm, seed: int, at: int
) -> None:
    card = BriefingCard(form=form, seed=seed)
    honest = made(card)
    forged = FORGERIES[name](honest.text, at)
    own, other = honest.text.split("\n"), forged.split("\n")
    first = next((n for n, pair in enumerate(zip(own, other, strict=False)) if len({*pair}) > 1),
                 min(len(own), len(other)))  # fmt: skip
    found = differs(card, written(honest, briefing=forged))
    assert found is not None and f"line {first + 1}" in found


@PER_EXAMPLE
@given(form=FORMS, seed=SEEDS, other=SEEDS, declared=FORMS)
def test_another_seed_or_form_than_the_one_that_is_said_is_found(
    form: BriefingForm, seed: int, other: int, declared: BriefingForm
) -> None:
    honest = made(BriefingCard(form=form, seed=seed))
    if other != seed:
        assert differs(BriefingCard(form=form, seed=other), written(honest)) is not None
    again = made(BriefingCard(form=declared, seed=seed))
    found = differs(BriefingCard(form=declared, seed=seed), written(honest))
    assert (found is None) == (again == honest)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ids": ("t1", "n9")}, "ids of its briefing has 'n9', not 't2'"),
        ({"ids": ()}, "ids of its briefing has None, not 't1'"),
        ({"cut": ("news: 1 of 9",)}, "cut of its briefing has 'news: 1 of 9', not None"),
        ({"seed": 3}, "seed of its briefing has 3, not "),
        ({"sha256": "0"}, "sha256 of its briefing has '0', not "),
        ({"left_out": 2}, "of its briefing is '[n19]"),
        ({"briefing": ""}, "line 1 of its briefing is '', not '# Briefing on"),
    ],
)
def test_what_stands_beside_a_briefing_is_compared_too(changes: dict[str, Any], words: str) -> None:
    card = BriefingCard(form=BriefingForm(drop=0.0, shuffle=False), seed=0)
    found = differs(card, written(made(card), **changes))
    assert found is not None and words in found


def test_a_long_line_is_quoted_around_what_differs_in_it() -> None:
    assert first_other_line("a\nb", "a\nb") is None
    line = "x" * 100
    found = first_other_line(f"a\n{line}1{line}", f"a\n{line}2{line}")
    assert found == (
        "line 2 of its briefing is '…xxxxxxxxxxxx1xxxxxxxxxxxxxxxxxxxxxxxxxxx…', not "
        "'…xxxxxxxxxxxx2xxxxxxxxxxxxxxxxxxxxxxxxxxx…'"
    )
    assert first_other_line("a", "a\nb") == "its briefing lacks line 2: 'b'"
    assert first_other_line("a\nb", "a") == "its briefing has a line 2 too many: 'b'"


@pytest.mark.parametrize(
    "said",
    [
        {"briefing": {"sessions": 0}, "briefing_seed": 0},
        {"briefing": {"colour": 3}, "briefing_seed": 0},
        {"briefing": {"news": 3}, "briefing_seed": 0},
        {"briefing": 3, "briefing_seed": 0},
        {"briefing": {}, "briefing_seed": True},
        {"briefing": {}},
        {"briefing_seed": None, "briefing": [1]},
    ],
)
def test_what_is_no_form_is_refused_in_a_sentence(said: dict[str, Any]) -> None:
    with pytest.raises(InvestorBenchError, match="says of its briefings is no form and seed"):
        BriefingCard.of(said)
    assert BriefingCard.of({"model": "m"}) is None and BriefingCard.of(None) is None


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> RecordedJob:
    """An honest run with three sessions in its briefings, which nothing alters."""
    folder = tmp_path_factory.mktemp("kept") / "threes"
    return recorded(folder, partial(ThesisAgent, OFFLINE, briefing={"sessions": 3}), SMALL)


@pytest.fixture
def threes(kept: RecordedJob, tmp_path: Path) -> RecordedJob:
    """Its record in a folder of its own."""
    path = shutil.copytree(kept.path, tmp_path / "threes")
    return dataclasses.replace(kept, path=Path(path))


class Forger(ThesisAgent):
    """Puts a piece of its own making into its briefing on one day, with a hash that fits."""

    name = "forger"
    session = date(42)

    async def act(self, observation: Any, info: Any) -> Any:
        self._session = info["session"]
        return await super().act(observation, info)

    def record(self) -> dict[str, Any]:
        said = super().record()
        if self._session != self.session or not said:
            return said
        text = f"{said['question']['user']}\n[n99] Orders at the plant doubled last night."
        own = {**said["briefing"], "ids": [*said["briefing"]["ids"], "n99"]}
        return {
            **said,
            "question": {**said["question"], "user": text},
            "briefing": {**own, "sha256": text_hash(text)},
        }


class Boaster(ThesisAgent):
    """Says another seed of its briefings than they were drawn by."""

    name = "boaster"

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "briefing_seed": 9}


def recorded(path: Path, agent: Any, task: Task) -> RecordedJob:
    """The record of a run, with its market at hand."""
    evaluate(agent, task, warmup=False, seed=7, folder=path)
    (folder,) = jobs_in(path)
    return dataclasses.replace(job_in(folder), task=task)


def difference(job: RecordedJob) -> str | None:
    return replay(job, 0, briefing_differs).difference


def test_an_honest_run_stands_and_a_forged_briefing_is_found_on_its_day(tmp_path: Path) -> None:
    honest = recorded(tmp_path / "honest", partial(ThesisAgent, OFFLINE), SMALL)
    assert difference(honest) is None and [*wrong_cards(honest)] == []
    forged = recorded(tmp_path / "forged", partial(Forger, OFFLINE), SMALL)
    assert replay(forged, 0).difference is None and [*wrong_cards(forged)] == []
    found = replay(forged, 0, briefing_differs)
    assert found.difference is not None and found.steps == 2 and found.line == 4
    assert found.difference.startswith(f"{date(42)} (test): its briefing has a line ")
    assert found.difference.endswith(" too many: '[n99] Orders at the plant doubled last n'")


def test_a_seed_that_is_not_the_one_of_the_card_is_found(tmp_path: Path) -> None:
    job = recorded(tmp_path / "boaster", partial(Boaster, OFFLINE), SMALL)
    found = difference(job)
    assert found is not None and found.startswith(f"{date(40)} (test): ")


OURS = {"_target_": "investorbench.agents.thesis.agent.ThesisAgent"}


@pytest.mark.parametrize(
    ("configured", "words"),
    [
        ({"briefing": {"sessions": 3}}, None),
        ({"briefing": {"sessions": 3}, "briefing_seed": 0}, None),
        ({"briefing": {"sessions": 4}}, "another form or seed than config.yaml says"),
        ({"briefing": {"sessions": 3}, "briefing_seed": 1}, "another form or seed than"),
        ({"briefing": {"colour": 3}}, "is no form and seed"),
        ({"briefing": "none"}, "is no form and seed"),
    ],
)
def test_a_card_that_contradicts_the_configuration_is_found(
    threes: RecordedJob, configured: dict[str, Any], words: str | None
) -> None:
    settings = {**read_settings(threes.path), "agent": {**OURS, **configured}}
    (threes.path / "config.yaml").write_text(as_yaml(settings))
    found = [*wrong_cards(threes)]
    assert [each.is_wrong for each in found] == ([] if words is None else [True])
    assert words is None or words in found[0].what


def test_figures_that_say_another_form_than_the_header_are_found(threes: RecordedJob) -> None:
    path = threes.path / "repeat-0" / "metrics.json"
    edit_json(path, "described", "briefing", "sessions", to=4)
    (found,) = wrong_cards(threes)
    assert "metrics.json says another form or seed" in found.what and found.is_wrong


def test_who_says_nothing_of_its_briefings_is_noted(tmp_path: Path) -> None:
    job = recorded(tmp_path / "writer", Writer, SMALL)
    (found,) = wrong_cards(job)
    assert found.what == UNSAID and not found.is_wrong and difference(job) is None


@pytest.mark.heavy
@pytest.mark.parametrize(
    "briefing",
    [
        {},
        {"drop": 0.4, "shuffle": True, "news": [3, 2, 1]},
        {"tokens": 900},
        {"sections": ["technical", "news"], "tokens": None},
    ],
    ids=str,
)
def test_an_honest_run_of_the_simulated_task_comes_out_again(
    tmp_path: Path, briefing: dict[str, Any]
) -> None:
    task = Task.of("trading_r1/sim", end="2020-10-16")
    agent = partial(ThesisAgent, OFFLINE, briefing=briefing, briefing_seed=3)
    assert difference(recorded(tmp_path / "run", agent, task)) is None
    assert difference(recorded(tmp_path / "snapshot", agent, Task.of("snapshot/sim"))) is None


@pytest.mark.heavy
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["spy", "nvda-2023"])
def test_an_honest_run_on_real_days_comes_out_again(tmp_path: Path, name: str) -> None:
    task = Task.of(f"trading_r1/{name}")
    first, _ = task.facts("test").window
    task = dataclasses.replace(task, start=first, end=f"{first[:8]}10")
    assert difference(recorded(tmp_path / "run", partial(ThesisAgent, OFFLINE), task)) is None
