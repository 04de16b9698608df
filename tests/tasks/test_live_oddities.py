"""What people, agents, sources and cheats do to a live experiment that no rule foresaw."""

import json
import math
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.scripts.live_agents import agent_named
from investorbench.tasks.live.experiment import (
    ExperimentSettings,
    ListedAction,
    LiveAgent,
    Quote,
    Quoted,
    check,
    report,
    start,
    status,
    step,
)
from investorbench.tasks.live.experiment.deciding import forget_older_states
from investorbench.tasks.live.experiment.ledger import FIRST, Ledger, hash_of
from investorbench.tasks.live.experiment.stepping import LEDGER
from investorbench.tasks.live.experiment.view import LedgerView
from investorbench_env.errors import InvestorBenchError
from tests.tasks.live_experiments import Experiment, MadeSource, at, stocks

DAYS = ("2021-01-11", "2021-01-12", "2021-01-13", "2021-01-14", "2021-01-15")
BUY = {"symbol": "ACME", "side": "buy", "quantity": 10}


def buys_once(_: Any, info: Any) -> list[dict[str, Any]]:
    return [BUY] if info["session"] == DAYS[0] else []


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as made:
        yield Path(made, "lab")


# --- texts ------------------------------------------------------------------------------------

ANY_TEXT = st.text(st.characters(), max_size=5)  # halves of characters among them
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)
ANY_ORDER = st.fixed_dictionaries(
    {"symbol": st.sampled_from(["ACME", "?"]) | ANY_TEXT, "side": st.just("buy")},
    optional={
        "quantity": st.integers(1, 5) | ANY_JSON, "limit": st.just(0.01) | ANY_JSON,
        "until": st.just("cancelled") | ANY_JSON, "id": ANY_TEXT | ANY_JSON,
    },
)  # fmt: skip


@settings(max_examples=4, deadline=None)
@given(st.lists(ANY_ORDER | ANY_JSON, max_size=4), ANY_JSON, ANY_TEXT)
def test_whatever_is_ordered_the_experiment_goes_on(
    orders: list[Any], reason: Any, raised: str
) -> None:
    def fails(_: Any, __: Any) -> list[Any]:
        raise SystemExit(raised)

    with TemporaryDirectory() as made:
        agents = {"free": lambda o, i: orders, "fails": fails}
        experiment = Experiment(Path(made), agents, files=["ann"]).start()
        experiment.step(DAYS[0])
        answer = Path(made, "agents", "ann", "answer.json")
        answer.write_text(json.dumps({"orders": orders, "reason": reason}))
        experiment.step(DAYS[0], 23)
        assert experiment.step(DAYS[1]).sessions == (DAYS[1],)
        assert not check(Path(made))
        report(Path(made)).encode()


@pytest.mark.parametrize("around", ["```json\n{}\n```", "\n```\n{}```\n", "{}", "\ufeff{}"])
def test_an_answer_may_be_pasted_as_a_chat_window_gives_it(folder: Path, around: str) -> None:
    experiment = Experiment(folder, {}, files=["ann"]).start()
    experiment.step(DAYS[0])
    answer = around.replace("{}", json.dumps({"orders": [BUY]}))
    (folder / "agents" / "ann" / "answer.json").write_text(answer, encoding="utf-8")
    assert experiment.step(DAYS[0], 23).decided == ("ann",)


# --- time -------------------------------------------------------------------------------------


def test_an_answer_that_took_until_after_the_open_is_none(folder: Path) -> None:
    Experiment(folder, {"slow": buys_once}, files=["ann"]).start()
    source = MadeSource(stocks(), today=at(DAYS[0]).date())
    times = iter([at(DAYS[1], 15)])
    done = step(folder, at(DAYS[0]), [source], {"slow": lambda: buys_once}, lambda: next(times))
    assert done.sessions == (DAYS[0],)
    assert not done.decided
    assert "after the open at 2021-01-12 14:30 UTC" in done.problems[0]
    assert not check(folder)


def test_states_that_another_process_kept_later_are_left(folder: Path) -> None:
    class Keeps:
        def act(self, *_: Any) -> list[Any]:
            return []

        def save(self, to: Path) -> None:
            (to / "it").touch()

        def load(self, _: Path) -> None:
            pass

    experiment = Experiment(folder, {"keeps": Keeps()}).start()
    for day in DAYS[:2]:
        experiment.step(day)
    entries = experiment.entries()
    first = next(n for n, each in enumerate(entries) if each.session == DAYS[1])
    forget_older_states(folder, LedgerView(entries[:first]))
    assert (folder / "state" / "keeps" / DAYS[1] / "it").is_file()


def test_of_several_that_begin_an_experiment_at_once_one_does(folder: Path) -> None:
    begun: list[str] = []

    def begin(name: str) -> None:
        agents = (LiveAgent(name=name, kind="file"),)
        with suppress(InvestorBenchError):
            start(folder, ExperimentSettings(symbols=("ACME",), agents=agents), at(DAYS[0]))
            begun.append(name)

    threads = [threading.Thread(target=begin, args=(f"n{n}",)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert begun == [agent.name for agent in status(folder).settings.agents]


# --- sources ----------------------------------------------------------------------------------


class Listing:
    """A source that lists other dividends and splits at each step."""

    name = "Yahoo"

    def __init__(self, change: Callable[[str, Quote], Quote] = lambda day, quote: quote) -> None:
        self.listed: list[ListedAction] = []
        self.change = change

    def ask(self, symbol: str, first: Any, last: Any) -> Quoted:
        days = [first.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]
        quotes = {}
        for day in days:
            price = 50.0 + day.toordinal() % 7
            quotes[str(day)] = self.change(str(day), Quote(price, price, price, price, 1e6))
        actions = [each for each in self.listed if str(first) <= each.session <= str(last)]
        return Quoted(source=self.name, asked=symbol, quotes=quotes, actions=tuple(actions))


def played(folder: Path, source: Any, listings: list[list[ListedAction]]) -> dict[str, Any]:
    """The account after sessions, at each of which a source lists something."""
    experiment = Experiment(folder, {"one": buys_once}).start()
    for day, listed in zip(DAYS, listings, strict=True):
        source.listed = listed
        step(folder, at(day), [source], {"one": lambda: buys_once})
    assert not check(folder)
    content = dict(experiment.entries("account")[-1].content)
    content.pop("corrects", None)
    return {name: content[name] for name in ("equity", "portfolio")}


LISTED = st.lists(
    st.builds(
        ListedAction, st.sampled_from(DAYS[1:]), st.sampled_from(["dividend", "split"]),
        st.sampled_from([0.5, 2.0, 4.0]),
    ),
    max_size=3,
)  # fmt: skip


@settings(max_examples=4, deadline=None)
@given(st.lists(LISTED, min_size=5, max_size=5))
def test_accounts_end_as_if_the_last_list_of_dividends_and_splits_had_always_stood(
    listings: list[list[ListedAction]],
) -> None:
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        found = played(Path(one), Listing(), listings)
        assert found == played(Path(other), Listing(), [listings[-1]] * 5)


@settings(max_examples=4, deadline=None)
@given(
    st.lists(st.floats() | st.sampled_from([-1.0, 0.0, 60.0, 1e300]), min_size=5, max_size=5),
    st.sampled_from(["dividend", "split"]),
    st.floats(),
)
def test_whatever_figures_a_source_gives_agents_decide_at_every_session(
    figures: list[float], action: Any, amount: float
) -> None:
    odd = Quote(*figures)
    odd_days = ("2021-01-08", DAYS[1], DAYS[3])
    with TemporaryDirectory() as made:
        source = Listing(lambda day, quote: odd if day in odd_days else quote)
        listed = [ListedAction(day, action, amount) for day in odd_days]
        account = played(Path(made), source, [listed] * 5)
        assert math.isfinite(account["equity"])
        assert not Experiment(Path(made)).entries("failure")


# --- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"initial_cash": math.inf}, {"initial_cash": math.nan}, {"symbols": ("",)},
        {"symbols": ("A B",)}, {"symbols": ("\ud83d",)},
        {"agents": (LiveAgent(name="ann", kind="file"), LiveAgent(name="Ann", kind="file"))},
    ],
)  # fmt: skip
def test_what_no_experiment_can_be_is_refused(changed: dict[str, Any]) -> None:
    plain = {"symbols": ("ACME",), "agents": (LiveAgent(name="ann", kind="file"),)}
    with pytest.raises(InvestorBenchError):
        ExperimentSettings(**{**plain, **changed})


def test_an_agent_of_a_file_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    agent = agent_named("./mine.py:MyAgent")
    assert (agent.name, agent.kind) == ("MyAgent", str(tmp_path.resolve() / "mine.py:MyAgent"))
    with pytest.raises(InvestorBenchError, match="cannot be read"):
        agent_named("ann=file 'half")


# --- a forger ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("honest")
    experiment = Experiment(folder, {"one": buys_once}, files=["ann"]).start()
    for day in DAYS[:3]:
        experiment.step(day)
    return folder


def forge(folder: Path, number: int, column: int, text: str) -> None:
    """Change a text of an entry, and every hash from there on."""
    with Ledger(folder / LEDGER) as ledger:
        rows = [list(row) for row in ledger.rows()]
        rows[number][column] = text
        previous = FIRST
        for name in ("no_change", "no_removal"):
            ledger._file.execute(f"DROP TRIGGER {name}")
        for row in rows:
            row[6] = previous
            row[7] = previous = hash_of(*row[:7])
            ledger._file.execute(
                "UPDATE entries SET kind=?, session=?, subject=?, written_at=?, content=?, "
                "previous=?, hash=? WHERE number=?", [*row[1:], row[0]],
            )  # fmt: skip


def changed(value: Any, data: st.DataObject) -> Any:
    """A JSON value of which one part is another, or gone."""
    if isinstance(value, dict | list) and value and data.draw(st.integers(0, 4)):
        copy = value.copy()
        places = list(copy) if isinstance(copy, dict) else range(len(copy))
        place = data.draw(st.sampled_from(list(places)))
        if data.draw(st.integers(0, 4)):
            copy[place] = changed(copy[place], data)
        else:
            del copy[place]
        return copy
    return data.draw(st.sampled_from([None, "x", -1, 0, 1e308, [], {}, True, DAYS[1], 10**30]))


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_a_forged_entry_is_a_finding_or_an_error_in_a_sentence(
    honest: Path, data: st.DataObject
) -> None:
    with TemporaryDirectory() as made:
        folder = Path(made, "lab")
        shutil.copytree(honest, folder)
        entries = Experiment(honest).entries()
        number = data.draw(st.integers(0, len(entries) - 1))
        column = data.draw(st.sampled_from([1, 2, 3, 4, 5, 5, 5, 5]))
        text = json.dumps(changed(entries[number].content, data))
        odd = st.sampled_from(["", "x", DAYS[1], "session", "decision", "2021-01-12T22:00:00"])
        forge(folder, number, column, text if column == 5 else data.draw(odd))
        agents = {"one": lambda: buys_once}
        source = MadeSource(stocks(), today=at(DAYS[3]).date())
        for look in (check, status, report, lambda at_: step(at_, at(DAYS[3]), [source], agents)):
            with suppress(InvestorBenchError):
                look(folder)


@pytest.mark.parametrize("head", ["", "0", "f" * 64])
def test_only_a_whole_hash_stands_for_an_entry(honest: Path, head: str) -> None:
    assert check(honest, head)
    assert not check(honest, status(honest).head.upper())
