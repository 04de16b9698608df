"""FinMem on a whole task against a real vLLM: every answer valid, every token counted."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

from tests.end_to_end.vllm_server import counters, server_python, serving, train
from tests.tasks.plain_records import lines_of

ROOT = Path(__file__).resolve().parents[2]
RUN_S = 900.0
WARMUP, TEST = 63, 149
"""Sessions of MSFT with a decision."""

pytestmark = pytest.mark.heavy


class Played(NamedTuple):
    """A run, and what the server counted meanwhile."""

    warmup: list[dict[str, Any]]
    test: list[dict[str, Any]]
    counted: Counter[str]
    group: int

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [answer for line in (*self.warmup, *self.test) for answer in line["answers"]]

    @property
    def decisions(self) -> list[dict[str, Any]]:
        """Those of decisions; the others sum filings up, which the model has never learned."""
        return [answer for answer in self.answers if answer["role"] == "decision"]

    def total(self, kind: str) -> int:
        """Tokens of all answers, as we recorded them."""
        return sum(answer["tokens"][kind] for answer in self.answers)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, data_folder: Path) -> Played:
    """MSFT, by a model that has learned from the offline reader on the simulated market."""
    python = server_python()
    folder = tmp_path_factory.mktemp("tiny")
    investorbench("task=stock/sim", "model=offline", f"folder={folder / 'lessons'}")
    train(python, folder / "lessons", folder / "model")
    with serving(python, folder / "model") as server:
        assert server.process is not None
        before = counters(server.url)
        investorbench(
            "task=stock/msft", "model=local", f"model.base_url={server.url}",
            f"model.id={folder / 'model'}", "model.accepts.seed=false", f"folder={folder / 'run'}",
            INVESTORBENCH_DATA=str(data_folder),
        )  # fmt: skip
        counted = counters(server.url) - before
    warmup, test = (decisions(folder / "run", name) for name in ("warmup", "decisions"))
    return Played(warmup, test, counted, server.process.pid)


@pytest.mark.long
def test_every_decision_of_warm_up_and_test_is_valid_by_its_schema(played: Played) -> None:
    assert (len(played.warmup), len(played.test)) == (WARMUP, TEST)
    lines = (*played.warmup, *played.test)
    for line, answer in zip(lines, played.decisions, strict=True):
        value = json.loads(answer["text"], strict=False)
        jsonschema.validate(value, line["thought"]["question"]["schema"])
    assert tally(answer["status"] for answer in played.decisions) == {"ok": WARMUP + TEST}
    assert tally(answer["rung"] for answer in played.decisions) == {"json_schema": WARMUP + TEST}


def test_the_test_split_asks_for_decisions_and_does_what_was_answered(played: Played) -> None:
    words = ["sell", "hold", "buy"]
    answered = [answer["value"]["decision"] for answer in played.decisions[WARMUP:]]
    assert [words[line["action"]] for line in played.test] == answered
    assert len(set(answered)) > 1


def test_calls_and_tokens_are_those_that_the_server_counted(played: Played) -> None:
    assert {answer["role"] for answer in played.answers} == {"decision", "summary"}
    asked = sum(answer["attempts"] for answer in played.answers)
    too_long = sum(len(line["thought"]["refused"]) for line in (*played.warmup, *played.test))
    # A question that was too long is an attempt of its answer only where no other took its place.
    assert asked - too_long <= played.counted["request_success_total"] <= asked
    assert played.total("input") == played.counted["prompt_tokens_total"]
    assert played.total("output") == played.counted["generation_tokens_total"]


def test_what_consecutive_prompts_share_is_read_from_the_servers_cache(played: Played) -> None:
    assert played.total("cached") == played.counted["prefix_cache_hits_total"]
    assert played.total("cached") > 0.4 * played.total("input")


def test_the_server_is_gone_with_all_its_processes(played: Played) -> None:
    with pytest.raises(ProcessLookupError):
        os.killpg(played.group, 0)


def investorbench(*settings: str, **variables: str) -> None:
    """The command, as a user would type it."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "investorbench.scripts.main", "run", "agent=finmem",
         *settings],
        cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False,
        timeout=RUN_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def decisions(run: Path, name: str) -> list[dict[str, Any]]:
    (path,) = run.rglob(f"{name}.jsonl")
    return lines_of(path)


def tally(kinds: Iterable[str]) -> dict[str, int]:
    return dict(Counter(kinds))
