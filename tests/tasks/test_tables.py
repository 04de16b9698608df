"""Tidy tables: what their rows say is what the lines of a record say, in any format."""

import csv
import io
import json
import math
import re
import shutil
import weakref
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from investorbench.tasks import Task, evaluate, load
from investorbench.tasks.record.bundling import bundle_runs, opened
from investorbench.tasks.record.lines import hash_of
from investorbench.tasks.record.run_folder import names_of, recorded_episodes
from investorbench.tasks.spreadsheets import COMPUTED, as_it_was, harmless
from investorbench.tasks.tables import (
    NAMES,
    TABLES,
    WRITERS,
    Block,
    Field,
    write_blocks,
    write_rows,
    write_table,
)
from investorbench.tasks.tables.writing import BATCH
from investorbench_env.errors import InvestorBenchError, UnknownNameError

VISIBLE = tuple(each for each in COMPUTED if not each.isspace())
FORMULA = '=HYPERLINK("http://127.0.0.1", "x")'
END = "2020-01-15"


class Speaker:
    """Says the same every day, in answers that begin as formulas do."""

    name = "speaker"

    def act(self, observation: Any, info: Any) -> int:
        return 2

    def record(self) -> dict[str, Any]:
        usage = {"input": 7, "output": 3, "cached": 1, "reasoning": 0, "known": True}
        answer = {
            "status": "ok", "usage": usage, "cost_usd": 0.25, "latency_s": 1.5, "text": FORMULA,
            "is_language_model": True, "model": "served", "value": {"decision": "buy"},
        }  # fmt: skip
        decision = {"valid": True, "rationale": "-1 and falling"}
        return {"answers": [answer, {**answer, "cost_usd": None}], "decision": decision}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two agents, one of two repeats without a model, one that asks one."""
    folder = tmp_path_factory.mktemp("tables") / "run"
    for agent, repeats in (("momentum", 2), (Speaker, 1)):
        evaluate(agent, "etf/sim", repeats, seed=0, end=END, warmup=False, folder=folder)
    return folder


def lines_of(run: Path, agent: str, repeat: int = 0) -> list[dict[str, Any]]:
    path = run / "etf-sim" / agent / f"repeat-{repeat}" / "decisions.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_row_of_decisions_says_what_its_line_says(run: Path) -> None:
    frame = load(run).to_frame("decisions")
    header, *lines = lines_of(run, "momentum", 1)
    own = frame[(frame.agent == "momentum") & (frame.repeat == 1)]
    assert len(own) == len(lines) == 9
    for row, line in zip(own.to_dict("records"), lines, strict=True):
        assert (row["session"], row["time"], row["reward"]) == (
            line["session"], line["time"], line["reward"],
        )  # fmt: skip
        assert row["equity"] == line["account"]["equity"]
        assert row["action"] == ("sell", "hold", "buy")[line["action"]]
        assert row["cost"] == pytest.approx(sum(fill["cost"] for fill in line["fills"]))
        assert row["code_sha256"] == header["code"]["sha256"]
        assert row["market_sha256"] == header["facts"]["fingerprint"]
        assert (row["agent_seed"], row["market_seed"]) == (
            str(header["seed"]), str(header["market_seed"]),
        )  # fmt: skip
    assert own["return"].iloc[0] == pytest.approx(
        lines[0]["account"]["equity"] / header["opening"]["equity"] - 1.0
    )


def test_what_asking_took_is_added_up_and_is_unknown_where_one_price_is(run: Path) -> None:
    frame = load(run).to_frame("decisions")
    row = frame[frame.agent == "speaker"].iloc[0]
    assert (row.answers, row.status, row.unusable) == (2, "ok", False)
    assert (row.tokens_read, row.tokens_written, row.latency_s) == (14, 6, 3.0)
    assert pd.isna(row.cost_usd)
    answers = load(run).to_frame("answers")
    assert list(answers.agent.unique()) == ["speaker"] and len(answers) == 18
    assert answers.cost_usd.sum() == 9 * 0.25
    assert set(answers.answered_by) == {"served"} and set(answers.tokens_cached) == {1}


@settings(max_examples=4)
@given(counted=st.lists(st.lists(st.booleans(), min_size=1, max_size=2), min_size=9, max_size=9))
def test_tokens_that_a_server_did_not_count_are_empty_in_every_table(
    counted: list[list[bool]],
) -> None:
    given = iter(counted)

    class Asks(Speaker):
        def record(self) -> dict[str, Any]:
            (answer, _) = super().record()["answers"]
            usage, none = answer["usage"], dict.fromkeys(answer["usage"], 0)
            answers = [{**answer, "usage": usage if each else {**none, "known": False}}
                       for each in next(given)]  # fmt: skip
            return {"answers": answers}

    with TemporaryDirectory() as name:
        folder = Path(name, "run")
        evaluate(Asks, "etf/sim", seed=0, end=END, warmup=False, folder=folder)
        run = load(folder)
        answers, decisions, episodes, board = map(
            run.to_frame, ("answers", "decisions", "episodes", "leaderboard")
        )
    assert answers.tokens_known.tolist() == list(chain(*counted))
    for column, tokens in (("tokens_read", 7), ("tokens_written", 3)):
        sums = [len(own) * tokens if all(own) else None for own in counted]
        whole = None if None in sums else sum(sums)
        assert empty_as_none(answers[column]) == [
            tokens if k else None for k in list(chain(*counted))
        ]
        assert empty_as_none(decisions[column]) == sums
        assert empty_as_none(episodes[column]) == [whole]
        assert empty_as_none(board[board.agent == "speaker"][column]) == [whole]


def empty_as_none(column: "pd.Series[Any]") -> list[Any]:
    return [None if pd.isna(each) else each for each in column]


def test_a_row_of_a_leaderboard_is_joined_with_its_episodes(
    run: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("joined") / "run"
    shutil.copytree(run, folder)
    evaluate("buy_and_hold", "snapshot/sim", 2, seed=0, folder=folder)
    found = load(folder)
    board, episodes = found.to_frame(), found.to_frame("episodes")
    rows = board[(board.scope == "task") & board.job.notna()]
    assert len(rows) == len(episodes.groupby(["run", "job"])) == 3
    joined = rows.merge(episodes, on=["run", "job"], suffixes=("", "_of_episode"))
    assert len(joined) == len(episodes) == 5
    for name in ("task", "agent", "protocol", "start", "end", "simulated", "seed", "code_sha256"):
        assert joined[name].tolist() == joined[f"{name}_of_episode"].tolist(), name


def test_equity_begins_before_the_first_decision_and_falls_from_its_highest_point(
    run: Path,
) -> None:
    frame = load(run).to_frame("equity")
    header, *lines = lines_of(run, "momentum")
    own = frame[(frame.agent == "momentum") & (frame.repeat == 0)]
    curve = [header["opening"]["equity"], *(line["account"]["equity"] for line in lines)]
    assert own.equity.tolist() == curve and own.point.tolist() == list(range(10))
    assert own.session.tolist() == [lines[0]["session"], *(line["marked"] for line in lines)]
    falls = [1.0 - value / max(curve[: n + 1]) for n, value in enumerate(curve)]
    assert own.drawdown.tolist() == pytest.approx(falls)
    (episode,) = load(run).to_frame("episodes").query("agent == 'momentum' and repeat == 0").MDD
    assert max(falls) == pytest.approx(episode)


def test_every_format_reads_back_as_the_frame(run: Path, tmp_path: Path) -> None:
    for name in TABLES:
        frame = load(run).to_frame(name)
        types = {each.name: each.storage for each in TABLES[name].fields}
        found = {}
        for ending in WRITERS:
            rows = write_table(name, [run], tmp_path / f"t{ending}", pytest.fail)
            assert rows == len(frame)
        found["csv"] = pd.read_csv(tmp_path / "t.csv", dtype=types)
        found["parquet"] = pd.read_parquet(tmp_path / "t.parquet")
        found["json"] = pd.DataFrame(json.loads((tmp_path / "t.json").read_text("utf-8")))
        found["jsonl"] = pd.DataFrame(
            map(json.loads, (tmp_path / "t.jsonl").read_text("utf-8").splitlines())
        )
        texts = [each.name for each in TABLES[name].fields if each.storage == "string"]
        found["csv"][texts] = found["csv"][texts].map(as_it_was, na_action="ignore")
        for other in found.values():
            pd.testing.assert_frame_equal(other.astype(types), frame)


@pytest.mark.parametrize("name", NAMES)
def test_what_watches_a_table_is_called_after_each_repeat(
    name: str, run: Path, tmp_path: Path
) -> None:
    read: list[str] = []
    write_table(name, [run], tmp_path / "t.csv", pytest.fail, lambda: read.append(name))
    assert len(read) == recorded_episodes([run]) == 3


def test_a_formula_in_a_text_is_harmless_in_csv_and_numbers_stay_numbers(
    run: Path, tmp_path: Path
) -> None:
    write_table("answers", [run], tmp_path / "a.csv", pytest.fail)
    write_table("decisions", [run], tmp_path / "d.csv", pytest.fail)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert {row["text"] for row in csv.DictReader(file)} == {f"'{FORMULA}"}
    with (tmp_path / "d.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["rationale"] for row in rows if row["agent"] == "speaker"} == {"'-1 and falling"}
    assert any(float(row["reward"]) < 0.0 for row in rows)
    assert not any(cell.startswith(COMPUTED) for row in rows for cell in row.values()
                   if not _is_number(cell))  # fmt: skip


@given(st.text(st.sampled_from([*COMPUTED, "'", " ", "a", "1", ",", ";", '"', "−"])))
def test_any_text_is_harmless_and_comes_back(text: str) -> None:
    cell = harmless(text)
    assert not cell.startswith(COMPUTED)
    assert as_it_was(cell) == text
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(["before", cell, "after"])
    for apart in (";", "\t"):  # as where a comma is the decimal point
        for part in re.split(f"[{apart}\r\n]", out.getvalue()):
            assert not part.lstrip('"').startswith(VISIBLE)


@pytest.mark.heavy
@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        (("reward",), "=1+1"), (("reward",), True), (("account", "cash"), 10**400),
        (("account", "cash"), [1.0]), (("written_at",), 7), (("market_seed",), 10**40),
        (("answers", 0, "text"), {"a": 1}), (("answers", 0, "attempts"), 2**63),
        (("answers", 0, "tokens", "input"), 2**70), (("thought", "decision", "rationale"), [1]),
    ],
    ids=repr,
)  # fmt: skip
def test_a_line_that_holds_what_no_run_writes_leaves_out_its_episode_alone(
    run: Path, tmp_path: Path, name: tuple[Any, ...], value: Any, ending: str
) -> None:
    copy = _copied(run, tmp_path)
    folder = copy / "etf-sim" / "speaker" / "repeat-0"
    lines = lines_of(copy, "speaker")
    inner: Any = lines[3]
    for key in name[:-1]:
        inner = inner[key]
    inner[name[-1]] = value
    texts = [json.dumps(lines[0]).encode()]
    for line in lines[1:]:
        line["before"] = hash_of(texts[-1])
        texts.append(json.dumps(line).encode())
    (folder / "decisions.jsonl").write_bytes(b"".join(text + b"\n" for text in texts))
    figures = json.loads((folder / "metrics.json").read_text("utf-8"))
    figures["records"]["test"] = {"lines": len(lines) - 1, "head": hash_of(texts[-1])}
    (folder / "metrics.json").write_text(json.dumps(figures), "utf-8")
    whole = {table: write_table(table, [run], tmp_path / f"w{ending}", pytest.fail)
             for table in TABLES}  # fmt: skip
    for table, rows in whole.items():
        said: list[str] = []
        found = write_table(table, [copy], tmp_path / f"t{ending}", said.append)
        lost = {"decisions": 9, "equity": 10, "answers": 18, "episodes": 0}[table]
        assert (found, bool(said)) in ((rows, False), (rows - lost, bool(lost)))
        assert len(load(copy).to_frame(table)) == found


def test_what_was_cut_off_is_exported_as_far_as_it_came_and_said(run: Path, tmp_path: Path) -> None:
    copy = _copied(run, tmp_path)
    repeat = copy / "etf-sim" / "momentum" / "repeat-1"
    (repeat / "metrics.json").unlink()
    path = repeat / "decisions.jsonl"
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:4]) + whole[4][:50])
    said: list[str] = []
    write_table("decisions", [copy], tmp_path / "d.jsonl", said.append)
    rows = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text("utf-8").splitlines()]
    numbers = [row["number"] for row in rows if row["agent"] == "momentum" and row["repeat"] == 1]
    assert numbers == [0, 1, 2]
    assert said == ["copy/etf-sim/momentum/repeat-1: not finished, 3 steps are recorded"]
    episodes = load(copy).to_frame("episodes")
    assert sorted(episodes.status) == ["finished", "finished", "unfinished"]


def test_an_episode_whose_lines_were_changed_is_left_out_and_said(
    run: Path, tmp_path: Path
) -> None:
    copy = _copied(run, tmp_path)
    path = copy / "etf-sim" / "momentum" / "repeat-0" / "decisions.jsonl"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"reward": ', '"reward": 1', 1), encoding="utf-8")
    said: list[str] = []
    for name in ("decisions", "equity"):
        write_table(name, [copy], tmp_path / "d.jsonl", said.append)
        rows = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text("utf-8").splitlines()]
        kept = {(row["agent"], row["repeat"]) for row in rows}
        assert kept == {("momentum", 1), ("speaker", 0)}
    assert len(said) == 2 and all("line 3 does not follow" in each for each in said)
    status = load(copy).to_frame("episodes").set_index(["agent", "repeat"]).status
    assert status["momentum", 0] == "damaged"


@pytest.mark.parametrize("left", [None, b"", b"\n", b'{"schema": 2'])
def test_a_finished_episode_without_its_lines_is_left_out_and_said(
    run: Path, tmp_path: Path, left: bytes | None
) -> None:
    copy = _copied(run, tmp_path)
    path = copy / "etf-sim" / "momentum" / "repeat-0" / "decisions.jsonl"
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    for name in ("decisions", "equity", "answers"):
        said: list[str] = []
        write_table(name, [copy], tmp_path / "d.jsonl", said.append)
        (why,) = said
        assert why.startswith("left out: ") and "momentum/repeat-0" in why, why


def test_what_there_is_not_is_refused_in_a_line_and_nothing_is_left(
    run: Path, tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError, match="unknown table 'trades'"):
        write_table("trades", [run], tmp_path / "t.csv", pytest.fail)
    with pytest.raises(UnknownNameError, match=r"ending of a table '.xls'"):
        write_table("equity", [run], tmp_path / "t.xls", pytest.fail)
    with pytest.raises(InvestorBenchError, match="there is no folder"):
        write_table("equity", [run], tmp_path / "none" / "t.csv", pytest.fail)
    assert not list(tmp_path.iterdir())


def test_columns_have_names_of_their_own_and_say_what_they_are() -> None:
    for table in TABLES.values():
        names = [each.name for each in table.fields]
        assert len(set(names)) == len(names)
        assert all(each.doc for each in table.fields)


@pytest.mark.parametrize("ending", WRITERS)
def test_rows_are_written_as_they_come(ending: str, tmp_path: Path) -> None:
    alive: set[int] = set()
    most = 0

    class Watched(dict[str, Any]):
        pass

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal most
        for number in range(4 * BATCH):
            row = Watched(number=number)
            alive.add(number)
            weakref.finalize(row, alive.discard, number)
            most = max(most, len(alive))
            yield row

    write_rows(tmp_path / f"t{ending}", [Field("number", "Int64", "n")], rows())
    assert most <= 2 * BATCH + 2


def test_runs_of_one_name_are_named_with_their_folders(run: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "run", tmp_path / "b" / "run", tmp_path / "other"]
    for path in paths:
        shutil.copytree(run, path)
    write_table("episodes", paths, tmp_path / "e.parquet", pytest.fail)
    found = pd.read_parquet(tmp_path / "e.parquet")
    assert list(found.run.unique()) == ["a/run", "b/run", "other"]
    assert found.job[0] == "a/run/etf-sim/momentum"
    bundles = [tmp_path / name for name in ("one.zip", "two.zip")]
    for bundle in bundles:
        bundle_runs([run], bundle)
    with opened(bundles) as folders:
        assert names_of(folders) == ["one.zip/run", "two.zip/run"]
    assert names_of([run, run]) == ["run", "run"]


def test_labels_stand_beside_the_decisions_and_add_up_in_episodes(tmp_path: Path) -> None:
    labels = {"train": ["2020-03-02", "2020-06-30"]}
    task = Task.of("stock/sim", labels=labels, end="2020-10-20")
    for agent in ("momentum", "cash"):
        evaluate(agent, task, seed=0, warmup=False, folder=tmp_path / "run")
    file = next((tmp_path / "run").rglob("momentum/repeat-0/labels.json"))
    content = json.loads(file.read_text("utf-8"))
    content["days"][0] |= {"label": None, "why": "none", "decided": "BUY", "graded": 0.5}
    content["days"][2] |= {"decided": "SELL", "graded": -1.0}
    file.write_text(json.dumps(content), "utf-8")
    frame = load(tmp_path / "run").to_frame("decisions").query("agent == 'momentum'")
    for row, day in zip(frame.to_dict("records"), content["days"], strict=True):
        found = {name: None if pd.isna(value) else value for name, value in row.items()}
        assert (found["session"], found["label"], found["label_missing"], found["decided"]) == (
            day["session"], day["label"], day["why"], day["decided"],
        )  # fmt: skip
        assert (found["label_score"], found["graded_reward"]) == (day["score"], day["graded"])
    one = load(tmp_path / "run").to_frame("episodes").set_index("agent").loc["momentum"]
    assert (one.labelled, one.graded_reward) == (len(content["days"]) - 1, -0.25)
    assert pd.isna(one.evidence_reward)
    content["days"].pop()
    file.write_text(json.dumps(content), "utf-8")
    said: list[str] = []
    write_table("decisions", [tmp_path / "run"], tmp_path / "d.parquet", said.append)
    assert said == [
        f"left out: run/stock-sim/momentum/repeat-0: labels.json has {len(frame) - 1} days, and "
        f"{len(frame)} decisions are recorded: one of them was changed"
    ]
    assert set(pd.read_parquet(tmp_path / "d.parquet").agent) == {"cash"}


TEXTS = st.text(st.sampled_from([*COMPUTED, "'", '"', ";", ",", "a", "电", "\ud800", "\0", "é"]))
VALUES = {
    "t": TEXTS, "u": TEXTS, "n": st.integers(-(2**63) + 1, 2**63 - 1), "x": st.floats(),
    "w": st.integers(-5, 5), "b": st.booleans(),
}  # fmt: skip
KINDS = [
    Field("t", "string", ""), Field("n", "Int64", ""), Field("x", "Float64", ""),
    Field("u", "string", ""), Field("w", "Float64", ""), Field("b", "boolean", ""),
]  # fmt: skip
OF_ROW = st.fixed_dictionaries({}, optional={n: v | st.none() for n, v in VALUES.items()})
OF_BLOCKS = st.lists(st.builds(Block, OF_ROW, st.lists(OF_ROW, max_size=4)), max_size=4)


def plain_csv(rows: list[dict[str, Any]], kinds: list[Field]) -> bytes:
    """A cell at a time; one that is alone in its row and empty is marked."""
    lines = [",".join(each.name for each in kinds)]
    for row in rows:
        values = [row.get(each.name) for each in kinds]
        empty = [value is None or value != value for value in values]
        line = ",".join(
            "" if none else quoted(harmless(str(value)) if each.storage == "string" else value)
            for each, value, none in zip(kinds, values, empty, strict=True)
        )
        lines.append(line or '""' * (len(kinds) == 1))
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def quoted(value: Any) -> str:
    """As RFC 4180 has it: either end of a line is quoted."""
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text


def plain_json_lines(rows: list[dict[str, Any]], kinds: list[Field]) -> bytes:
    """Likewise."""
    lines = []
    for row in rows:
        values = {each.name: row.get(each.name) for each in kinds}
        if values.get("x") is not None and not math.isfinite(values["x"]):
            values["x"] = None
        lines.append(json.dumps(values, ensure_ascii=False) + "\n")
    return "".join(lines).encode("utf-8", "replace")


@settings(deadline=None, max_examples=25)
@given(OF_BLOCKS, st.integers(1, len(KINDS)))
@example([Block({"t": "=", "n": 1, "x": math.nan, "u": 'a"'}, [{"w": 1}, {}, {"b": True}])], 6)
@example([Block({"t": ",", "n": None, "x": 1.5}, [{"u": "x"}, {"u": None}])], 4)
@example([Block({"t": ""}, [{}, {"t": "a"}]), Block({"t": None}, [{}])], 1)
def test_what_rows_have_in_common_is_written_as_if_each_said_it(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[Block], columns: int
) -> None:
    folder, kinds = tmp_path_factory.mktemp("blocks"), KINDS[:columns]
    rows = [{**block.known, **row} for block in blocks for row in block.rows]
    for ending in WRITERS:
        found, single = folder / f"b{ending}", folder / f"r{ending}"
        assert write_blocks(found, kinds, blocks) == write_rows(single, kinds, rows) == len(rows)
        assert found.read_bytes() == single.read_bytes()
    assert (folder / "b.csv").read_bytes() == plain_csv(rows, kinds)
    with (folder / "b.csv").open(newline="", encoding="utf-8") as file:
        assert [len(cells) for cells in csv.reader(file)] == [len(kinds)] * (len(rows) + 1)
    assert (folder / "b.jsonl").read_bytes() == plain_json_lines(rows, kinds)
    for row, read in zip(rows, pq.read_table(folder / "b.parquet").to_pylist(), strict=True):
        for each in kinds:
            value = row.get(each.name)
            if isinstance(value, str):
                value = value.encode("utf-8", "replace").decode()
            assert read[each.name] == (None if value != value else value)


def test_groups_of_rows_in_parquet_do_not_hang_on_blocks(tmp_path: Path) -> None:
    numbers = [{"n": number} for number in range(2 * BATCH + 7)]
    parts = [Block({"t": "a"}, numbers[n : n + 999]) for n in range(0, len(numbers), 999)]
    write_blocks(tmp_path / "t.parquet", KINDS, parts)
    found = pq.ParquetFile(tmp_path / "t.parquet")
    groups = [found.metadata.row_group(n).num_rows for n in range(found.num_row_groups)]
    assert groups == [BATCH, BATCH, 7]
    assert found.read()["n"].to_pylist() == list(range(len(numbers)))


def test_score_writes_a_table_by_the_ending_of_its_file(
    run: Path, tmp_path: Path, command: Any
) -> None:
    for name in NAMES:
        found = command("score", run, "--table", name, "--output", tmp_path / f"{name}.parquet")
        frame = pd.read_parquet(tmp_path / f"{name}.parquet")
        assert f"wrote {tmp_path}" in found.out.replace("\n", "")
        assert found.out.endswith(f": {len(frame)} rows\n")
        assert {"agent", "model", "memory", "temperature", "cutoff", "seed", "market_sha256",
                "code_sha256"} <= set(frame.columns)  # fmt: skip


def _copied(run: Path, folder: Path) -> Path:
    return Path(shutil.copytree(run, folder / "copy"))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
