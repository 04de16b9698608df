"""`investorbench mcp`: a client of the Model Context Protocol plays an episode, and it is a run."""

import asyncio
import math
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.scripts.playing.game import Game
from investorbench.scripts.playing.server import TOOLS, call, server_of
from investorbench.tasks import evaluate
from investorbench.tasks.task import Task
from tests.scripts.calling import Call, manifests
from tests.tasks.plain_records import lines_of

mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")

TASK = Task.of("stock/sim", end="2020-10-09")
STEPS = 6
Ask = Callable[..., Awaitable[tuple[str, bool]]]


def played(game: Game, play: Callable[[Ask], Awaitable[None]]) -> None:
    """Let a client of the library play, in this process."""

    async def session() -> None:
        async with mcp.Client(server_of(game)) as client:
            await play(asking(client))

    try:
        asyncio.run(session())
    finally:
        game.close()


def asking(client: Any) -> Ask:
    async def ask(name: str, **arguments: Any) -> tuple[str, bool]:
        result = await client.call_tool(name, arguments)
        return result.content[0].text, result.is_error

    return ask


@pytest.fixture
def game(tmp_path: Path) -> Game:
    return Game(TASK, tmp_path / "run", name="somebody", seed=3)


def test_a_client_plays_an_episode_and_it_is_recorded_as_a_run(
    game: Game, command: Call, tmp_path: Path
) -> None:
    async def play(ask: Ask) -> None:
        shown, _ = await ask("reset")
        assert "## SIM, 2020-10-01" in shown and "Decide: buy" in shown
        for n in range(STEPS):
            found, failed = await ask("search", query="orders", k=2)
            assert "<news" in found and not failed
            assert (await ask("observe"))[0] == shown
            shown, failed = await ask("act", decision="buy" if n < 3 else "sell", rationale=f"{n}")
            assert not failed
        assert shown.startswith("The episode is over; recorded in run: CR ")
        again, failed = await ask("reset")
        assert failed and "all episodes are played" in again

    played(game, play)
    (manifest,) = manifests(tmp_path / "run")
    assert manifest["agent"] == "somebody"
    (path,) = (tmp_path / "run").rglob("decisions.jsonl")
    lines = lines_of(path)
    assert [line["action"] for line in lines] == [2, 2, 2, 0, 0, 0]
    assert [line["thought"]["decision"]["rationale"] for line in lines] == list("012345")
    assert [call["name"] for call in lines[0]["thought"]["tool_calls"]] == ["search"]
    # It scores as an agent does that makes the same decisions.
    moves = iter([2, 2, 2, 0, 0, 0])
    same = evaluate(lambda observation, info: next(moves), TASK, seed=3, warmup=False)
    assert manifest["metrics"]["CR"] == pytest.approx(same.metrics["CR"], abs=1e-12)
    checked = command("verify", str(tmp_path / "run"))
    assert checked.code == 0, checked.out


def test_what_goes_wrong_is_an_error_to_the_client_and_nothing_moves(game: Game) -> None:
    async def play(ask: Ask) -> None:
        for name in ("observe", "bars"):
            text, failed = await ask(name)
            assert failed and "call reset" in text
        shown, _ = await ask("reset")
        for name, arguments, words in (
            ("reset", {}, "an episode is under way"),
            ("act", {"decision": "all in"}, "decision"),
            ("act", {}, "required"),
            ("act", {"decision": "buy", "size": 2}, "size"),
            ("bars", {"start": "2020-10-05"}, "lies after this decision"),
            ("search", {"query": "x", "end": "2021-01-01"}, "lies after this decision"),
            ("read", {"id": "SIM-news-1"}, "unknown document"),
            ("cash_out", {}, "there is no tool"),
        ):
            text, failed = await ask(name, **arguments)
            assert failed and words in text, (name, text)
        assert (await ask("observe"))[0] == shown

    played(game, play)


def test_no_tool_shows_what_comes_later(game: Game) -> None:
    """What an episode shows at its end is in nothing that was shown before."""

    async def play(ask: Ask) -> None:
        seen = [(await ask("reset"))[0]]
        for _ in range(STEPS - 1):
            before = "\n".join(seen)
            seen = [(await ask("act", decision="hold"))[0]]
            session = seen[0].partition(", ")[2][:10]
            assert session not in before
            for name, arguments in (
                ("bars", {}),
                ("documents", {}),
                ("search", {"query": "SIM the a in"}),
            ):
                text, failed = await ask(name, **arguments)
                assert not failed
                seen.append(text)
            last = seen[1].splitlines()[-1]
            assert last.startswith(session)

    played(game, play)


def test_a_call_that_is_broken_off_loses_no_decision(game: Game) -> None:
    async def play() -> None:
        async def broken_off(name: str, **arguments: Any) -> None:
            waiting = asyncio.create_task(call(game, name, arguments))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

        await broken_off("reset")
        assert (await call(game, "reset", {})).text.startswith("## SIM, 2020-10-01")
        await broken_off("act", decision="buy")
        assert "observe first" in (await call(game, "act", {"decision": "sell"})).text
        assert (await call(game, "observe", {})).text.startswith("## SIM, 2020-10-02")
        for _ in range(STEPS - 1):
            shown = await call(game, "act", {"decision": " HOLD "})
        assert "recorded in run" in shown.text

    try:
        asyncio.run(play())
    finally:
        game.close()
    (path,) = game.folder.rglob("decisions.jsonl")
    assert [line["action"] for line in lines_of(path)] == [2, *[1] * (STEPS - 1)]


UNUSABLE: list[Any] = [math.nan, math.inf, 10**5_000, "x" * 10**6, [None] * 10**4, -1, True, {}]


@given(
    name=st.sampled_from([*TOOLS, "x" * 10**6]),
    arguments=st.dictionaries(
        st.sampled_from(["query", "id", "page", "k", "last", "start", "kind", "decision"]),
        st.sampled_from(UNUSABLE),
        min_size=1,
    ),
)
@settings(deadline=None, max_examples=25)
def test_any_nonsense_is_answered_by_a_short_error(name: str, arguments: dict[str, Any]) -> None:
    game = Game(TASK, Path("never made"), name="somebody", seed=3)
    outcome = asyncio.run(call(game, name, arguments))
    assert outcome.error is not None and len(outcome.text) < 1_000


def test_arguments_that_no_record_holds_are_not_looked_up(game: Game) -> None:
    async def play() -> None:
        await call(game, "reset", {})
        deep: dict[str, Any] = {}
        for _ in range(100_000):
            deep = {"start": deep}
        for arguments in ({"id": "x" * 10**6}, {"id": "x", "page": math.nan}, deep):
            assert (await call(game, "read", arguments)).error == "arguments"
        for _ in range(STEPS):
            await call(game, "act", {"decision": "hold"})

    try:
        asyncio.run(play())
    finally:
        game.close()
    (path,) = game.folder.rglob("decisions.jsonl")
    assert not any(line["thought"]["tool_calls"] for line in lines_of(path))


def test_a_run_that_fails_is_an_error_to_the_client_at_every_call(tmp_path: Path) -> None:
    async def begin(seed: int) -> list[str]:
        game = Game(TASK, tmp_path / "run", name="somebody", seed=seed)
        try:
            outcomes = [await call(game, "reset", {}) for _ in range(2)]
        finally:
            game.close()
        assert outcomes[1].error is not None
        return [each.text for each in outcomes if each.error]

    assert "an episode is under way" in "".join(asyncio.run(begin(seed=3)))
    first, second = asyncio.run(begin(seed=4))
    assert "another configuration" in first and "another configuration" in second


def test_calls_at_once_take_their_turns(game: Game) -> None:
    async def play(ask: Ask) -> None:
        await ask("reset")
        moves = [ask("act", decision="hold") for _ in range(3)]
        shown = [text.partition("\n")[0] for text, _ in await asyncio.gather(*moves)]
        assert sorted(shown) == [f"## SIM, 2020-10-0{day}" for day in (2, 5, 6)]

    played(game, play)


def test_an_episode_that_a_client_left_goes_on_where_it_stands(tmp_path: Path) -> None:
    def new() -> Game:
        return Game(TASK, tmp_path / "run", name="somebody", repeats=2)

    async def begin(ask: Ask) -> None:
        await ask("reset")
        for _ in range(2):
            await ask("act", decision="buy")

    async def go_on(ask: Ask) -> None:
        shown, _ = await ask("reset")
        assert shown.startswith("## SIM, 2020-10-05")
        for _ in range(4):
            shown, _ = await ask("act", decision="sell")
        assert shown == "The episode is over; reset begins the next one."
        assert "call reset" in (await ask("act", decision="sell"))[0]
        shown, _ = await ask("reset")
        assert shown.startswith("## SIM, 2020-10-01")
        for _ in range(STEPS):
            shown, _ = await ask("act", decision="hold")
        assert "recorded in run" in shown

    played(new(), begin)
    assert not manifests(tmp_path / "run")
    played(new(), go_on)
    (manifest,) = manifests(tmp_path / "run")
    first, second = (
        [line["action"] for line in lines_of(path)]
        for path in sorted((tmp_path / "run").rglob("decisions.jsonl"))
    )
    assert (first, second) == ([2, 2, 0, 0, 0, 0], [1] * 6)
    assert manifest["agent"] == "somebody"


@pytest.mark.heavy
def test_the_command_serves_over_standard_input_and_output(tmp_path: Path) -> None:
    command = [
        "-m", "investorbench.scripts.main", "mcp", "stock/sim", "--end", "2020-10-05",
        "--folder", "run", "--name", "remote", "--seed", "5",
    ]  # fmt: skip
    server = mcp.StdioServerParameters(
        command=sys.executable, args=command, cwd=tmp_path, env={**os.environ}
    )

    async def session() -> list[str]:
        async with mcp.Client(server) as client:
            tools = (await client.list_tools()).tools
            assert [tool.name for tool in tools][:3] == ["reset", "observe", "act"]
            ask = asking(client)
            return [
                (await ask("reset"))[0],
                (await ask("act", decision="buy"))[0],
                (await ask("act", decision="hold"))[0],
            ]

    first, _, last = asyncio.run(session())
    assert first.startswith("## SIM, 2020-10-01") and "recorded in run" in last
    (manifest,) = manifests(tmp_path / "run")
    assert manifest["agent"] == "remote"
