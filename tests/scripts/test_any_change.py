"""Any part of a record that is changed is found: a byte without a hash, or a value with all."""

import contextlib
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from investorbench.scripts.main import main
from investorbench.tasks.record.digests import bound_paths
from investorbench_env.errors import InvestorBenchError
from tests.agents.llm.stub_server import StubServer
from tests.scripts.test_tampering import JOB, levels, made_model
from tests.tasks.forging import redo, rewrite, set_in
from tests.tasks.plain_records import contents_of

pytestmark = pytest.mark.long

DECISIONS = f"{JOB}/repeat-0/decisions.jsonl"
RUN = (
    "agent=finmem", "task=stock/sim", "task.end=2020-10-16", "warmup=false", "model=local",
    "model.id=stub", "model.price={input: 1.0, output: 2.0}", "output=json", "seed=0",
)  # fmt: skip
NO_RECORD = (InvestorBenchError, ArithmeticError, LookupError, TypeError, ValueError)
FLIPS, SEED = 120, 7
SAID = ("latency_s", "attempts", "cached", "model", "reasoning", "finish_reason", "server",
        "system_fingerprint", "response_id", "cost_usd", "address", "tool_calls")  # fmt: skip
"""What a server said beside its words, where it was, and how long it took: of an agent that offers
no tools nothing follows from it."""
NOT_SHOWN = {"written_at", *(f"answers[].{name}" for name in SAID), "answers[].tokens.cached",
             "answers[].tokens.reasoning", "answers[].tokens.input", "answers[].tokens.output",
             "answers[].tokens.known", "answers[].tokens.stored", "thought.refused"}  # fmt: skip
"""Parts of a line that no level can derive; the kept replies and a seal can show them."""


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    with StubServer(made_model) as server, pytest.raises(SystemExit) as ended:
        main(["run", *RUN, f"model.base_url={server.url}", f"folder={folder}"])
    assert ended.value.code == 0
    return folder


@pytest.fixture
def run(honest: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(honest, tmp_path / "run"))


def test_any_byte_of_any_file_shows_in_the_record(run: Path) -> None:
    job, chance = run / JOB, random.Random(SEED)
    paths = [*bound_paths(job), "manifest.json"]
    for _ in range(FLIPS):
        path = job / chance.choice(paths)
        whole = bytearray(path.read_bytes())
        at, other = chance.randrange(len(whole)), chance.randrange(1, 256)
        changed = whole.copy()
        changed[at] ^= other
        path.write_bytes(changed)
        assert levels(run, agent=False), (path, at, other)
        path.write_bytes(whole)
    assert levels(run, agent=False) == set()


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value that holds no others, with the way to it."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        if isinstance(part, dict | list) and part:
            yield from leaves(part, (*place, key))
        else:
            yield (*place, key), part


def named(place: tuple[Any, ...]) -> str:
    """The way to a part; of parts of a list, and of ids, one stands for all."""
    names = ["[]" if isinstance(key, int) or key.isdigit() else f".{key}" for key in place]
    return "".join(names).removeprefix(".")


def another(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value * 1.01 + 0.01
        case str():
            return f"{value}x"
        case None | [] | {}:
            return "x"
    return value


def test_any_value_of_a_line_is_found_with_all_hashes_made_again(run: Path) -> None:
    lines = contents_of(run / DECISIONS)[1:]
    places: dict[str, tuple[int, tuple[Any, ...]]] = {}
    for number, line in enumerate(lines):
        for place, _ in leaves(line):
            places.setdefault(named(place), (number, place))
    del places["before"]
    assert len(places) > 70
    (run / "answers.sqlite").unlink()
    unseen = set()
    for name, (number, place) in places.items():
        folder = Path(shutil.copytree(run, run.with_name("copy")))
        contents = contents_of(folder / DECISIONS)
        own: Any = contents[number + 1]
        for key in place:
            own = own[key]
        set_in(contents[number + 1], *place, to=another(own))
        rewrite(folder / DECISIONS, contents)
        with contextlib.suppress(*NO_RECORD):  # what is no record any more has no figures either
            redo(folder / JOB)
        if not levels(folder):
            unseen.add(name)
        shutil.rmtree(folder)
    assert unseen <= NOT_SHOWN, sorted(unseen - NOT_SHOWN)
