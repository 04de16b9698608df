"""`investorbench inspect` as people call it: overview, days, broken records, foreign text."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rich.console import Console

from investorbench.agents.finmem import FinMem
from investorbench.agents.llm import connect, load_model
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench.scripts.main import main
from investorbench.tasks import evaluate
from investorbench.tasks.answers import answers_in, without_answers
from investorbench.tasks.record.episode_folder import FILES
from investorbench.tasks.record.job_folder import JobFolder
from investorbench.tasks.task import Task
from investorbench_env.market.joining import join
from tests.env.small_markets import document, small_market
from tests.tasks.plain_records import rechained

SESSIONS = {
    "warmup": ["2020-09-28", "2020-09-29"],
    "test": ["2020-10-01", "2020-10-02", "2020-10-05", "2020-10-06"],
}


class Output(NamedTuple):
    code: object
    out: str
    err: str


Call = Callable[..., Output]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """The command in this process; what it prints goes to no terminal."""
    monkeypatch.setenv("COLUMNS", "80")

    def inspect(*arguments: object) -> Output:
        with pytest.raises(SystemExit) as ended:
            main(["inspect", *map(str, arguments)])
        return Output(ended.value.code, *capfd.readouterr())

    return inspect


def line(number: int, session: str, **more: Any) -> dict[str, Any]:
    """A line of a record, as docs/runs.md has it."""
    thought = more.pop("thought", None)
    fill = {"symbol": "TEST", "quantity": 1998.0, "price": 50.0, "notional": 99_900.0, "cost": 99.9}
    held = {"symbol": "TEST", "quantity": 1998.0, "entry_price": 50.0, "price": 51.0, "weight": 1.0,
            "unrealised_pnl": 0.0}  # fmt: skip
    return {
        "number": number, "time": f"{session}T20:00:00+00:00", "session": session,
        "marked_at": f"{session}T20:00:00+00:00", "marked": session,
        "documents": [f"news-{session}"], "action": 2, "reward": 0.0125, "is_last": False,
        "account": {"cash": 0.0, "equity": 101_250.0, "costs": 99.9},
        "marks": {"TEST": 51.0}, "positions": [held], "fills": [fill], "rejections": [],
        "distributions": [], "thought": without_answers(thought), "answers": answers_in(thought),
        "written_at": "2026-01-01T00:00:00+00:00", **more,
    }  # fmt: skip


def header(split: str, **facts: Any) -> dict[str, Any]:
    return {
        "schema": 2,
        "facts": {
            "family": "Stock", "symbols": ["TEST"], "protocol": "standard", "steps": 9,
            "window": ["2020-09-28", "2020-10-09"], "source": "a test", "simulated": False,
            "fingerprint": "", "action": "trade", **facts,
        },
        "opening": {"cash": 1e5, "equity": 1e5, "costs": 0.0, "positions": [], "marks": {}},
        "split": split, "repeat": 0, "seed": 1, "agent": {"name": "finmem", "described": None},
        "model": None, "configuration": {}, "code": {}, "written_at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip


def memory(id: int, layer: str = "short", **more: Any) -> dict[str, Any]:
    return {
        "id": id, "score": 1.625, "similarity": 0.25, "recency": 0.875, "importance": 50.0,
        "layer": layer, "time": "2020-10-01", **more,
    }  # fmt: skip


def block(id: int, text: str = "Demand is up.\nSo they say.") -> str:
    return f'<memory id="{id}" date="2020-10-01">\n{text}\n</memory>\n'


def thought(**more: Any) -> dict[str, Any]:
    """As FinMem records one; a test below holds that it still does."""
    return {
        "split": "test", "step": 7,
        "perception": {
            "symbol": "TEST", "session": "2020-10-02", "closes": [49.0, 50.0],
            "returns": [0.0204], "momentum": None, "position": 0.0, "weight": 0.0,
            "cash": 100_000.0, "equity": 100_000.0, "unrealised_pnl": 0.0, "total_return": 0.0,
            "sentiment": {"positive": 2, "neutral": 0, "negative": 1},
        },
        "label": None, "appetite": "risk_seeking",
        "stored": {"3": "Demand is up.", "4": "Rain is due."},
        "recalled": [memory(3), memory(1, "long", importance=150.0)],
        "question": {
            "sha256": "ab" * 32, "system": "You trade.", "user": f"{block(1)}{block(3)}What now?",
            "schema": {"required": ["rationale", "decision", "memory_ids"]},
        },
        "answer": {
            "value": {}, "text": '{"decision": "buy"}', "status": "repaired", "rung": "tool",
            "model": "stub-7b", "request_hash": "", "reasoning": "Let me think.",
            "defects": ["not_json"], "problem": "no object", "tolerated": ["fence"],
            "usage": {
                "input": 1200, "output": 34, "cached": 1000, "reasoning": 20, "known": True,
            },
            "cost_usd": 0.0015, "latency_s": 0.75, "attempts": 2, "cached": False,
            "is_language_model": True,
        },
        "decision": {
            "word": "buy", "valid": True, "rationale": "Demand.", "reflection": "",
            "cited": [3], "dropped": 1,
        },
        "reflections": [5], "feedback": {"ids": [1, 2], "sign": -1}, "deleted": [0],
        "moves": [{"id": 1, "origin": "mid", "destination": "long"}], "action": 2, **more,
    }  # fmt: skip


def write(repeat: Path, lines: Mapping[str, Sequence[dict[str, Any]]], **facts: Any) -> Path:
    """A repeat's folder with these lines, each following from the one before."""
    repeat.mkdir(parents=True)
    for split, bodies in lines.items():
        text = rechained([header(split, **facts), *bodies])
        (repeat / FILES[split]).write_text(text, encoding="utf-8")
    return repeat


def a_record(folder: Path, **more: Any) -> Path:
    """A repeat with two days of warm-up and four of test."""
    lines = {
        split: [line(number, session, **more) for number, session in enumerate(sessions)]
        for split, sessions in SESSIONS.items()
    }
    return write(folder / "stock-test" / "finmem" / "repeat-0", lines)


def rows_of(output: Output) -> list[list[str]]:
    """The words of the overview's rows."""
    return [row for text in output.out.splitlines() if (row := text.split()) and row[0].isdigit()]


def section(output: Output, name: str) -> str:
    """What stands below a heading, in one line."""
    lines = output.out.splitlines()
    start = lines.index(name) + 1
    end = lines.index("", start) if "" in lines[start:] else len(lines)
    return " ".join(" ".join(lines[start:end]).split())


def test_without_a_day_every_day_is_a_row_and_80_columns_hold_it(
    call: Call, tmp_path: Path
) -> None:
    a_record(tmp_path, thought=thought())
    output = call(tmp_path)
    assert output.code == 0
    assert "finmem on stock-test · repeat-0" in output.out
    assert [row[1] for row in rows_of(output)] == [
        day for days in SESSIONS.values() for day in days
    ]
    last = "5 2020-10-06 test buy 2 repaired 1200+34 50.00 1,998.00 101,250"
    assert rows_of(output)[-1] == last.split()
    assert max(map(len, output.out.splitlines())) <= 80


def test_a_day_shows_what_was_observed_recalled_asked_answered_and_done(
    call: Call, tmp_path: Path
) -> None:
    a_record(tmp_path, thought=thought())
    output = call(tmp_path, "2020-10-02")
    assert "finmem on stock-test · repeat-0 · test · 2020-10-02" in output.out
    observed = section(output, "Observed")
    assert "closes 49.00, 50.00 returns +2.04% position 0.00" in observed
    assert "2 positive, 0 neutral, 1 negative" in observed
    assert "stored 3: Demand is up. 4: Rain is due." in observed
    assert "documents news-2020-10-02" in observed
    recalled = section(output, "Recalled")
    assert "score = sim + rec + imp" in recalled
    assert "short *3 2020-10-01 1.625 0.250 0.875 0.500 Demand is up. So they say." in recalled
    assert "long 1 2020-10-01 1.625 0.250 0.875 1.000" in recalled  # 150 counts as 100
    asked = section(output, "Asked")
    assert "characters 10 of system and 151 of user" in asked and "ab" * 32 in asked
    answered = section(output, "Answered")
    assert "repaired, asked as tool, by stub-7b" in answered
    assert "not_json: no object tolerated fence" in answered
    assert "1,200 in (1,000 cached), 34 out (20 thinking)" in answered
    assert "0.75 s, 2 requests, 0.001500 USD" in answered
    assert 'thinking Let me think. text {"decision": "buy"}' in answered
    done = section(output, "Done")
    assert "decision buy cites 3; 1 that were never shown action buy" in done
    assert "at 50.00, worth 99,900.00, cost 99.90 position 1,998.00 cash 0.00" in done
    assert "equity 101,250.00 reward +0.012500 feedback -1 for 1, 2" in done
    assert "reflected 5 moved 1 from mid to long forgotten 0" in done


def test_a_long_prompt_is_shortened_unless_all_of_it_is_asked_for(
    call: Call, tmp_path: Path
) -> None:
    long = "\n".join(f"line {number}" for number in range(400))
    question = {**thought()["question"], "user": long}
    a_record(tmp_path, thought=thought(question=question))
    short, whole = call(tmp_path, -1), call(tmp_path, -1, "--prompt")
    assert "characters; --prompt shows them" in short.out
    assert (
        all(word in short.out for word in ("line 0 ", "line 399")) and "line 200" not in short.out
    )
    assert "line 200" in whole.out and "You trade." in whole.out


def test_a_forced_decision_of_the_warm_up_is_called_so(call: Call, tmp_path: Path) -> None:
    a_record(tmp_path, thought=thought(label=0.03))
    output = call(tmp_path, "2020-09-28")
    assert "label +3.00% over the next step" in section(output, "Observed")
    assert "decision buy, forced by the label" in section(output, "Done")


def test_an_invalid_answer_is_called_so(call: Call, tmp_path: Path) -> None:
    answer = {**thought()["answer"], "value": None, "status": "invalid", "text": "I will not."}
    decision = {**thought()["decision"], "word": "hold", "valid": False}
    a_record(tmp_path, action=1, thought=thought(answer=answer, decision=decision))
    output = call(tmp_path, -1)
    assert "status invalid, asked as tool" in section(output, "Answered")
    assert "decision hold, without a usable answer" in section(output, "Done")
    assert rows_of(call(tmp_path))[0][3:6] == ["hold", "2", "invalid"]


def test_a_baseline_has_decisions_without_a_thought(call: Call, tmp_path: Path) -> None:
    a_record(tmp_path, fills=[], action=[-0.5])
    assert rows_of(call(tmp_path))[0] == "0 2020-09-28 warm -0.50 – 1,998.00 101,250".split()
    output = call(tmp_path, "2020-10-01")
    assert section(output, "Observed") == "documents news-2020-10-01"
    assert "action -0.50 fill none position 1,998.00" in section(output, "Done")
    assert "Recalled" not in output.out


def test_an_agent_may_record_what_it_likes(call: Call, tmp_path: Path) -> None:
    a_record(tmp_path, thought={"mood": "gloomy", "odds": [1, 2]})
    assert section(call(tmp_path, 0), "Thought") == "mood gloomy odds [1, 2]"


def test_a_day_is_named_by_its_date_or_its_row(call: Call, tmp_path: Path) -> None:
    a_record(tmp_path)
    for name, session in {"0": "2020-09-28", "2": "2020-10-01", "-1": "2020-10-06"}.items():
        assert f"· {session}\n" in call(tmp_path, name).out
    assert "· 2020-09-29\n" in call(tmp_path, "-1", "--split", "warmup").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["2020-10-03"], "nothing was decided on 2020-10-03; the nearest days are 2020-09-29, "
         "2020-10-01, 2020-10-02, 2020-10-05, 2020-10-06"),
        (["6"], "there is no row 6: they go from 0 to 5"),
        (["-7"], "there is no row -7"),
        (["0", "--split", "test"], "there is no row 0: they go from 2 to 5"),
        (["yesterday"], "'yesterday' is no day: give YYYY-MM-DD, with THH:MM where"),
        (["--promt"], "'--promt' is no day"),
        (["--split", "tests"], "unknown split 'tests'; valid, nearest first: test"),
        (["--agent", "finmen"], "unknown agent 'finmen'; valid, nearest first: finmem"),
        (["--task", "stock/tesd"], "unknown task 'stock/tesd'; valid, nearest first: stock-test"),
        (["--repeat", "3"], "unknown repeat 3; valid, nearest first: 0"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_answered_with_what_is(
    arguments: list[str], words: str, call: Call, tmp_path: Path
) -> None:
    a_record(tmp_path)
    output = call(tmp_path, *arguments)
    assert (output.code, output.out) == (1, "")
    assert output.err.startswith("error: ") and words in output.err


def test_a_run_with_several_jobs_lists_them_until_one_is_chosen(call: Call, tmp_path: Path) -> None:
    lines = {"test": [line(0, "2020-10-01")]}
    write(tmp_path / "stock-a" / "finmem" / "repeat-0", lines)
    write(tmp_path / "stock-a" / "protocol=paper" / "finmem_k=5" / "repeat-0", lines)
    write(tmp_path / "stock-b" / "finmem" / "repeat-0", lines)
    write(tmp_path / "stock-b" / "finmem" / "repeat-1", lines)
    output = call(tmp_path)
    assert output.code == 1
    assert "holds 3 jobs; choose one with --agent and --task, or give its folder:" in output.err
    for job in ("stock-a/finmem\n", "stock-a/protocol=paper/finmem_k=5\n", "stock-b/finmem\n"):
        assert job in output.err
    for chosen in (["--agent", "finmem k=5"], ["--task", "stock/b"], ["--task", "Stock-B"]):
        assert call(tmp_path, *chosen).code == 0
    assert call(tmp_path, "--task", "stock/a").code == 1
    both = call(tmp_path, "--task", "InvestorBench/Stock-B", "--agent", "finmem", "--repeat", "1")
    assert "finmem on stock-b · repeat-1" in both.out
    assert "finmem_k=5 on stock-a" in call(tmp_path / "stock-a" / "protocol=paper").out
    assert "repeat-1" in call(tmp_path / "stock-b" / "finmem" / "repeat-1").out


def test_an_agent_may_be_named_without_its_settings(call: Call, tmp_path: Path) -> None:
    lines = {"test": [line(0, "2020-10-01")]}
    for name in ("finmem_model=offline", "finmem_k=5_model=offline", "momentum", "momentum_s=5"):
        write(tmp_path / "stock-a" / name / "repeat-0", lines)
    assert "holds 2 jobs" in call(tmp_path, "--agent", "finmem").err
    assert "finmem_k=5_model=offline" in call(tmp_path, "--agent", "finmem_k=5").out
    assert "momentum on stock-a" in call(tmp_path, "--agent", "momentum").out
    assert "unknown agent 'mom'" in call(tmp_path, "--agent", "mom").err


def test_a_long_overview_goes_through_a_pager_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("rich.pager.SystemPager.show", lambda self, text: shown.append(text))
    terminal = Console(force_terminal=True, width=80, height=5, highlight=False)
    monkeypatch.setattr("investorbench.scripts.inspecting_output.console", lambda: terminal)
    a_record(tmp_path)
    with pytest.raises(SystemExit):
        main(["inspect", str(tmp_path)])
    assert len(shown) == 1 and "2020-10-06" in shown[0]


def test_a_folder_without_a_run_is_refused(call: Call, tmp_path: Path) -> None:
    assert "holds no record of a run" in call(tmp_path).err
    assert "there is no folder" in call(tmp_path / "nowhere").err


def test_a_killed_run_shows_all_but_the_line_that_was_being_written(
    call: Call, tmp_path: Path
) -> None:
    path = a_record(tmp_path, thought=thought()) / "decisions.jsonl"
    text = path.read_bytes()
    path.write_bytes(text[:-20])
    output = call(tmp_path)
    assert [row[1] for row in rows_of(output)][-1] == "2020-10-05"
    assert "warning: decisions.jsonl: the last line is cut off, as a kill leaves it" in output.out
    assert output.out.count("warning") == 1
    path.write_bytes(text.split(b"\n")[0] + b"\n")  # killed after the header
    assert "warning" not in call(tmp_path).out
    path.write_bytes(b"")
    output = call(tmp_path)
    assert [row[2] for row in rows_of(output)] == ["warm", "warm"] and "warning" not in output.out


def test_a_changed_line_breaks_the_chain_and_is_named(call: Call, tmp_path: Path) -> None:
    path = a_record(tmp_path) / "decisions.jsonl"
    text = path.read_text()
    path.write_text(text.replace('"equity": 101250.0', '"equity": 201250.0', 1))
    output = call(tmp_path)
    assert "warning: decisions.jsonl: line 2 (2020-10-01) was edited" in output.out
    assert len(rows_of(output)) == 6
    top, first, _, *rest = text.splitlines(keepends=True)
    path.write_text("".join([top, first, "no json\n", *rest]))
    output = call(tmp_path, "2020-10-05")
    assert "line 3 cannot be read: it is no JSON object" in output.out
    path.write_text("".join([top, first, *rest]))
    assert "before line 3 (2020-10-05) a line is missing" in call(tmp_path).out


def test_json_gives_a_line_a_day_or_the_day_as_it_is_recorded(call: Call, tmp_path: Path) -> None:
    a_record(tmp_path, thought=thought(), account={"cash": 0.0, "equity": None, "costs": 1.0})
    rows = [json.loads(text) for text in call(tmp_path, "--json").out.splitlines()]
    assert [row["index"] for row in rows] == list(range(6))
    assert rows[2] == {
        "index": 2, "session": "2020-10-01", "time": "2020-10-01T20:00:00+00:00", "split": "test",
        "decision": "buy", "action": 2, "recalled": 2, "status": "repaired", "input_tokens": 1200,
        "output_tokens": 34, "fills": 1, "fill_price": 50.0, "positions": 1, "position": 1998.0,
        "equity": None,
    }  # fmt: skip
    day = json.loads(call(tmp_path, "2020-10-02", "--json").out)
    assert (day["index"], day["split"]) == (3, "test")
    assert day["thought"] == without_answers(thought())
    assert day["answers"] == [dict(each) for each in answers_in(thought())]


def test_of_several_assets_fills_and_positions_are_counted_and_a_day_names_each(
    call: Call, tmp_path: Path
) -> None:
    fill = {"quantity": -3.0, "price": 20.0, "notional": 60.0, "cost": 0.5}
    held = {"entry_price": 50.0, "price": 51.0, "weight": 0.5, "unrealised_pnl": 0.0}
    order = {"symbol": "C", "weight": 2.0}
    one = line(
        0, "2020-10-01", marks={"A": 51.0, "B": 20.0, "C": 1.0}, action={"A": 0.5, "C": 2.0},
        fills=[{"symbol": "A", **fill}, {"symbol": "B", **fill}],
        positions=[{"symbol": "A", "quantity": 9.0, **held}],
        rejections=[{"order": order, "reason": "more than there is"}],
        distributions=[{"symbol": "A", "cash": 4.5, "ratio": 2.0}],
    )  # fmt: skip
    write(tmp_path / "p" / "a" / "repeat-0", {"test": [one]}, symbols=["A", "B", "C"], action="w")
    row = '0 2020-10-01 test {"A": 0.5, "C": 2.0} 2 fills 1 held 101,250'
    assert rows_of(call(tmp_path)) == [row.split()]
    done = section(call(tmp_path, 0), "Done")
    assert "fill A -3.00 at 20.00, worth 60.00, cost 0.5 B -3.00 at 20.00" in done
    assert "rejected C to weight +2.00: more than there is" in done
    assert "received 4.50 of A, 2.00 units for one position A 9.00 cash 0.00" in done


def test_snapshots_of_several_assets_name_each_and_its_day(call: Call, tmp_path: Path) -> None:
    parts = {name: small_market([10.0] * 60, symbols=(name,)) for name in ("AAA", "BBB")}
    own = Task(
        id="InvestorBench/Snapshot",
        data=join(parts, "stock"),
        start="2020-01-10",
        end="2020-02-28",
        options={"horizon": 1},
    )
    evaluate(lambda observation, info: 2, own, seed=1, folder=tmp_path)
    out = call(tmp_path)
    assert "asset session split action" in " ".join(out.out.split())
    rows = [row[1:5] for row in rows_of(out)]
    assert len(rows) == 25 and {row[0] for row in rows} == {"AAA", "BBB"}
    assert all(row[1].startswith("2020-0") and row[2:] == ["test", "buy"] for row in rows)
    # All of 100,000 at 10 each, over a horizon at whose end the account is flat.
    assert {tuple(row[5:7]) for row in rows_of(out)} == {("10.00", "10,000.00")}
    assert "position 10,000.00" in section(call(tmp_path, 0), "Done")


def test_a_day_of_shorter_bars_is_a_list_of_decisions_and_a_time_is_one(
    call: Call, tmp_path: Path
) -> None:
    lines = [
        line(n, f"2020-10-0{1 + n // 3}", time=f"2020-10-0{1 + n // 3}T12:{3 * n:02}:00+00:00")
        for n in range(6)
    ]
    write(tmp_path / "p" / "a" / "repeat-0", {"test": lines}, interval="3m")
    assert [row[1] for row in rows_of(call(tmp_path))][3:5] == [
        "2020-10-02T12:09", "2020-10-02T12:12",
    ]  # fmt: skip
    assert [row[0] for row in rows_of(call(tmp_path, "2020-10-02"))] == ["3", "4", "5"]
    assert "Done" in call(tmp_path, "2020-10-02T12:12").out
    assert "nothing was decided on 2020-10-02T12:13" in call(tmp_path, "2020-10-02T12:13").err


@pytest.mark.parametrize("longest", [1, 29, 31, 60, 2_000])
def test_moments_stay_whole_however_long_an_action_is(
    call: Call, tmp_path: Path, longest: int
) -> None:
    lines = [
        line(n, "2020-10-01", time=f"2020-10-01T12:{3 * n:02}:00+00:00", action="x" * size)
        for n, size in enumerate((1, longest))
    ]
    write(tmp_path / "p" / "a" / "repeat-0", {"test": lines}, interval="3m")
    moments = [[row[1], row[-1]] for row in rows_of(call(tmp_path))]
    assert moments == [[f"2020-10-01T12:{3 * n:02}", "101,250"] for n in range(2)]


@pytest.mark.parametrize("arguments", [[], ["--prompt"], ["--json"]])
def test_foreign_text_is_neither_markup_nor_a_terminal_code(
    arguments: list[str], call: Call, tmp_path: Path
) -> None:
    evil = (
        "[bold red]x[/] [/nothing] :smile: \x1b[2J\x1b]0;title\x07 \x9b31m \u202egnp\u2028end\r\x7f"
    )
    ours = thought(
        recalled=[memory(3, layer=evil, time=evil)],
        question={
            **thought()["question"], "system": evil, "user": block(3, evil) + evil, "sha256": evil,
        },
        answer={**thought()["answer"], "text": evil, "model": evil, "status": evil},
        decision={**thought()["decision"], "word": evil},
        moves=[{"id": 1, "origin": evil, "destination": evil}],
    )  # fmt: skip
    a_record(tmp_path, thought=ours, documents=[evil], action=evil)
    for output in (call(tmp_path, -1, *arguments), call(tmp_path, *arguments)):
        assert output.code == 0
        codes = {
            character
            for character in output.out
            if ord(character) in {*range(32), *range(127, 160)}
        }
        assert codes <= {"\n"} and "\u202e" not in output.out
    if "--json" not in arguments:
        text = call(tmp_path, -1).out
        assert "[bold red]x[/] [/nothing] :smile:" in text


def test_a_run_of_finmem_is_shown_day_by_day(call: Call, tmp_path: Path) -> None:
    news = [document(day + 0.5, f"Demand rose on day {day}.") for day in range(180, 290)]
    market = small_market([100.0 + (t * 7919 % 97) / 10 for t in range(500)], documents=news)
    agent = FinMem(
        connect(load_model("offline")),
        lambda seed: LayeredMemory("layered", Arrays(), HashedNgrams(64), seed=seed),
    )
    with JobFolder(tmp_path / "stock-test" / "finmem", "a: 1\n") as folder:
        evaluate(agent, "InvestorBench/Stock", data=market, end="2020-10-20", watch=folder)
    rows = rows_of(call(tmp_path))
    assert len(rows) == 91 + 19 and {row[5] for row in rows} == {"ok"}
    output = call(tmp_path, "2020-10-16")
    assert "Demand rose on day" in section(output, "Recalled")
    assert "closes " in section(output, "Observed")
    assert "ok, asked as text, by offline" in section(output, "Answered")
    assert "warning" not in output.out
