"""Records from elsewhere that mean harm: nothing of them runs, or tells the terminal what to do."""

import io
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.scripts.recorded_code import require_known_code, require_known_memory
from investorbench.scripts.terminal import ORDERS, Console
from investorbench.tasks import Job, Task, run
from investorbench.tasks.record.bundling import bundle_runs, open_bundle
from investorbench.tasks.record.sealing import seal_record
from investorbench.tasks.record.settings import as_yaml, settings_in
from investorbench.tasks.running.rederiving import CannotRederiveError
from investorbench_env.errors import InvestorBenchError
from tests.scripts.calling import Call
from tests.tasks.forging import configure, redo

RANDOM = "investorbench.agents.baselines.Random"
FINMEM: dict[str, Any] = {
    "_target_": "investorbench.agents.finmem.FinMem",
    "_partial_": True,
    "k": None,
    "character": {"_target_": "investorbench.agents.finmem.Character", "role": "a trader"},
}
HARM = (
    "os.system", "subprocess.run", "pandas.read_pickle", "urllib.request.urlopen", "os",
    "investorbench.agents.finding.load", "investorbench.agents.finding.os.system",
    "investorbench_env.whole_files.write_atomically", "/elsewhere/evil.py:Agent", "json.loads",
    "../evil.py:Agent", "pandas:read_pickle", "investorbench.agents.finding:load",
    "agents.finding:load", "agents.finding.load", "investorbench_env.whole_files:write_atomically",
)  # fmt: skip
PLACES = ("_target_", "_source_", "_path_", "_args_", "_recursive_", "_convert_", "_mode_")
plain = (
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii"), max_size=9)
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Settings in which something lies at any depth."""
    named = st.dictionaries(st.sampled_from("abc"), plain, max_size=2)
    return st.recursive(
        inner,
        lambda rest: (
            st.lists(plain, max_size=2).flatmap(lambda known: rest.map(lambda r: [*known, r]))
            | named.flatmap(lambda known: rest.map(lambda r: {**known, "z": r}))
        ),
        max_leaves=3,
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "mine"
    task = Task.of("stock/sim", end="2020-10-16")
    run([Job.of("random", task, 2, seed=0, warmup=False)], folder=folder, shows="nothing")
    return folder


@settings(max_examples=200, deadline=None)
@given(harm=st.sampled_from(HARM), place=st.sampled_from(PLACES), data=st.data())
def test_a_setting_at_any_depth_names_no_code(harm: str, place: str, data: st.DataObject) -> None:
    setting = data.draw(nested(st.just({place: harm})))
    for agent in (FINMEM, {"_target_": RANDOM}):
        require_known_code(agent)
        with pytest.raises(CannotRederiveError):
            require_known_code({**agent, "setting": setting})


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("place", PLACES)
def test_an_agent_is_one_of_ours_or_of_the_users(harm: str, place: str) -> None:
    with pytest.raises(CannotRederiveError):
        require_known_code({"_sha256_": "0" * 64, **({} if place == "_target_" else {
            "_target_": RANDOM}), place: harm})  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(setting=nested(st.sampled_from(("${oc.env:HOME}", "a ${b}", "${eval:1}"))))
def test_no_text_is_filled_in(setting: Any) -> None:
    for agent in ({"_target_": RANDOM, "k": setting}, {"_target_": RANDOM, "${a}": 1}):
        with pytest.raises(CannotRederiveError, match="filled in"):
            require_known_code(agent)
    with pytest.raises(CannotRederiveError, match="filled in"):
        require_known_memory({"profile": setting})


@pytest.mark.parametrize(
    "embedder",
    [
        {"kind": "openai", "model": "x", "base_url": "http://elsewhere/v1", "key_variable": "KEY"},
        {"kind": "sentence_transformers", "model": "somebody/something", "download": True},
        {"kind": "sentence_transformers", "model": "./folder"},
    ],
)
def test_no_embedder_is_asked_or_loaded_that_a_record_names(embedder: Mapping[str, Any]) -> None:
    require_known_memory({"embedder": {"kind": "hashed_ngrams"}})
    with pytest.raises(CannotRederiveError, match="embedder"):
        require_known_memory({"embedder": embedder})


def test_code_in_the_working_folder_runs_and_code_in_the_record_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record = tmp_path / "mine"
    for file in ("own.py", "pkg/__init__.py", "mine/evil.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("raise SystemExit('was imported')")
    for name in ("own.py:Agent", "own:Agent", "pkg.inner:Agent"):
        require_known_code({"_source_": name}, record)
    require_known_code({"_target_": "pkg.inner.Agent", "_sha256_": ""}, record)
    for agent in ({"_source_": "mine.evil:Agent"}, {"_target_": "mine.evil.Agent"}):
        with pytest.raises(CannotRederiveError):
            require_known_code(agent, record)
    monkeypatch.chdir(record)
    with pytest.raises(CannotRederiveError):
        require_known_code({"_source_": "evil.py:Agent"}, record)


def test_verify_runs_nothing_that_a_forged_record_names(
    recorded: Path, tmp_path: Path, command: Call
) -> None:
    evil, trace = tmp_path / "evil.py", tmp_path / "trace"
    evil.write_text(f"open({str(trace)!r}, 'w'); x = 1")
    shutil.copytree(recorded, tmp_path / "run")
    job = tmp_path / "run/stock-sim/random"
    load = {"_target_": "investorbench.agents.finding.load", "reference": f"{evil}:x"}
    configure(job, lambda config: config["agent"].update(change_rate=load))
    redo(job)
    output = command("verify", tmp_path / "run", "--agent")
    assert not trace.exists()
    assert "2 not checked: its settings name" in " ".join(output.out.split())


@settings(max_examples=60, deadline=None)
@given(levels=st.integers(7, 40), wide=st.integers(6, 12), circle=st.booleans())
def test_yaml_that_grows_when_it_is_read_is_refused(levels: int, wide: int, circle: bool) -> None:
    lines = ["x0: &x0 [1, 2]", *(
        f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * wide)}]" for n in range(1, levels)
    )]  # fmt: skip
    text = "a: &a [*a]" if circle else "\n".join(lines)
    with pytest.raises(InvestorBenchError, match="parts, with what aliases repeat"):
        settings_in(text)


@pytest.mark.parametrize(
    "text",
    ["a: " + "[" * 5000 + "]" * 5000, "{a: " * 3000 + "}" * 3000, "a: " + "- " * 50_000 + "a"],
    ids=["lists", "mappings", "so deep that a reader in C ends the process"],
)
def test_yaml_that_is_deeper_than_can_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvestorBenchError, match="cannot be read as a configuration"):
        settings_in(text)


def test_settings_that_were_cut_off_or_changed_are_read_or_refused_as_pythons_own_reader_does() -> (
    None
):
    text = as_yaml({"agent": {"_target_": RANDOM, "k": [1, 2.5, None]}, "name": "é: 'x'", "n": 0})
    damaged = [text[:n] for n in range(len(text))]
    damaged += [text[:n] + each + text[n + 1 :] for n in range(len(text)) for each in "\t\ufeff{"]
    damaged += [
        "a: {b?: 1}",
        "a: [b? c]",
        f"%YAML 1.2\n---\n{text}",
        f"n: !\n{text}",
        f"x: !!int '1'\n{text}",
        "a: \0",
    ]
    for each in damaged:
        try:
            wanted, why = yaml.load(each, yaml.SafeLoader), "it holds no settings"
        except yaml.YAMLError as error:
            wanted, why = None, str(error)
        if isinstance(wanted, dict):
            assert settings_in(each) == wanted
        else:
            with pytest.raises(InvestorBenchError) as found:
                settings_in(each)
            assert str(found.value) == f"cannot be read as a configuration: {why}"


values = st.recursive(
    plain | st.floats(allow_nan=False),
    lambda r: st.lists(r, max_size=4) | st.dictionaries(st.text(), r, max_size=4),
    max_leaves=20,
)


@settings(max_examples=30, deadline=None)
@given(content=st.dictionaries(st.text(min_size=1), values, min_size=1))
def test_settings_come_back_as_they_were_written(content: dict[str, Any]) -> None:
    shared = {**content, "one": content, "other": content}  # which YAML writes with an alias
    assert settings_in(as_yaml(shared)) == yaml.safe_load(as_yaml(shared))


@pytest.mark.parametrize("repeats", [0, -1, 10**9, 10**30])
def test_a_job_of_no_or_endless_repeats_is_named(
    recorded: Path, tmp_path: Path, command: Call, repeats: int
) -> None:
    shutil.copytree(recorded, tmp_path / "run")
    path = tmp_path / "run/stock-sim/random/config.yaml"
    path.write_text(path.read_text().replace("repeats: 2", f"repeats: {repeats}"))
    output = command("verify", tmp_path / "run")
    assert "repeats is not from 1 to 10,000" in " ".join(output.out.split())


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.sampled_from([*map(chr, ORDERS), *"ab \n\t[]<é漢"]), max_size=40))
def test_nothing_that_is_shown_gives_the_terminal_orders(text: str) -> None:
    for is_wide in (True, False):
        shown = io.StringIO()
        Console(file=shown, width=20).print(text, markup=False, soft_wrap=is_wide)
        assert not {*shown.getvalue()} & {*map(chr, ORDERS)}


@pytest.fixture
def escaping(recorded: Path, tmp_path: Path) -> Path:
    shutil.copytree(recorded, tmp_path / "run")
    job = tmp_path / "run/stock-sim/random"
    configure(job, lambda config: config.update(name="a\x1b]0;owned\x07\x1b[2J"))
    job.rename(job.with_name("b\x1b[2J"))
    (tmp_path / "run" / "c\x1b[2J").write_text("")
    return tmp_path / "run"


@pytest.mark.parametrize("name", ["verify", "replay", "score", "inspect", "seal --check", "seal"])
def test_no_command_passes_on_orders_to_a_terminal(
    escaping: Path, command: Call, name: str
) -> None:
    output = command(*name.split(), escaping)
    assert "\x1b" not in output.out + output.err
    assert output.out + output.err


LEFT = (".DS_Store", "Thumbs.db", "desktop.ini", ".localized", ".nfs000000000a1b2c3d00000001")


def test_what_file_managers_leave_changes_no_record(
    recorded: Path, tmp_path: Path, command: Call
) -> None:
    shutil.copytree(recorded, tmp_path / "run")
    sealed = seal_record(tmp_path / "run")
    for path in [tmp_path / "run", *(tmp_path / "run").rglob("*")]:
        if path.is_dir():
            for name in (*LEFT, *(f"._{own.name}" for own in path.iterdir() if own.is_file())):
                (path / name).write_bytes(b"\0\5\x16\7")
    output = command("verify", tmp_path / "run", "--agent", "--json")
    assert output.code == 0 and output.out == ""
    assert seal_record(tmp_path / "run").digest == sealed.digest
    bundle_runs([tmp_path / "run"], tmp_path / "run.zip")
    (opened,) = open_bundle(tmp_path / "run.zip", tmp_path / "elsewhere")
    assert not {path.name for path in opened.rglob("*")} & {*LEFT}
