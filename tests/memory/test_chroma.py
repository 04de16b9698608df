"""Chroma itself: kills, refusals, servers."""

import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from investorbench.memory import (
    ArchiveError,
    ArchiveMismatchError,
    Chroma,
    HashedNgrams,
    InvalidInputError,
    LayeredMemory,
    MissingPackageError,
)
from tests.memory.kill_victim import main as kill_victim
from tests.memory.small_memories import (
    Directions,
    empty,
    everything,
    live_a_day,
    run_beside_the_plain_model,
)

ROOT = Path(__file__).resolve().parent.parent.parent
KILLS = 50

heavy = pytest.mark.heavy


@pytest.mark.long
def test_a_process_killed_at_random_moments_loses_only_the_step_in_progress(tmp_path) -> None:
    days, chance, kills = 400, random.Random(0), 0
    undisturbed, memory = [], empty("investorbench")
    for day in range(days):
        undisturbed.append(everything(memory))
        live_a_day(memory, day)
    undisturbed.append(everything(memory))
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["chromadb", "tests.memory.kill_victim"])
    folder, log, over, begun = tmp_path / "archive", tmp_path / "log", 0, 0
    while kills < KILLS:
        begun += 1
        assert begun <= 10 * KILLS
        log.write_text("")
        victim = processes.Process(target=kill_victim, args=(str(folder), days, str(log)))
        victim.start()
        while kills % 10 and not log.stat().st_size:  # some die while they open
            time.sleep(0.001)
            assert victim.is_alive()
        time.sleep(chance.uniform(0, 1.0))
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        # On a quick machine it may come to its end before it is killed.
        assert victim.exitcode in (0, -signal.SIGKILL)
        kills += victim.exitcode != 0
        *_, last = ["", *log.read_text().rpartition("\n")[0].split()]  # whole lines
        over = int(last) if last.isdigit() else over
        with empty("investorbench", Chroma(folder, kept_steps=4)) as reopened:
            assert reopened.steps in (over, over + 1)
            assert everything(reopened) == undisturbed[reopened.steps]
            over = reopened.steps
            if over > days - 50:  # begin once more
                shutil.rmtree(folder)
                over = 0


@heavy
@pytest.mark.parametrize("torn", ["data_level0.bin", "index_metadata.pickle", "header.bin"])
def test_an_index_that_a_kill_tore_is_made_anew(torn, tmp_path) -> None:
    import chromadb

    live = [sys.executable, "-m", "tests.memory.kill_victim", str(tmp_path), "30"]
    subprocess.run([*live, str(tmp_path / "log")], cwd=ROOT, check=True, capture_output=True)
    with empty("investorbench", Chroma(tmp_path)) as memory:
        before = everything(memory)
    indices = list(tmp_path.glob(f"*/{torn}"))
    assert indices
    for index in indices:
        index.write_bytes(index.read_bytes()[: index.stat().st_size // 2][::-1])
    (tmp_path / "memory.open").touch()
    with empty("investorbench", Chroma(tmp_path)) as memory:
        assert everything(memory) == before
        alive = [f"memory-{id:07d}" for id in memory]
    client = chromadb.PersistentClient(str(tmp_path))
    rows = client.get_collection("memory", embedding_function=None)
    keys = [key for key in rows.get(limit=5_000)["ids"] if key.split(".")[0] in alive]
    assert rows.get(ids=keys, include=["embeddings"])["embeddings"].shape == (len(alive), 6)
    client.close()


@heavy
def test_vectors_texts_and_metadata_come_back_as_they_were(tmp_path) -> None:
    metadata = {"nested": {"list": [1, 2.5, None, "é"]}, "": True}
    texts = ["news — “quoted” 日本語", "with a nul \x00 inside", "x" * 100_000]
    with LayeredMemory("layered", Chroma(tmp_path), HashedNgrams(384)) as memory:
        memory.add(texts, "short", "2021-03-01", metadata)
        memory.step()
        before = everything(memory)
    with LayeredMemory("layered", Chroma(tmp_path), HashedNgrams(384)) as memory:
        assert everything(memory) == before


@heavy
def test_more_memories_than_chroma_takes_at_once_are_paged(tmp_path) -> None:
    texts = [f"text {number}" for number in range(12_000)]
    with empty(store=Chroma(tmp_path)) as memory:
        memory.add(texts, "short", "day 0")
        memory.step()
        before = everything(memory)
    with empty(store=Chroma(tmp_path)) as memory:
        assert everything(memory) == before


@heavy
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"profile": "finmem"}, "its profile is 'layered', not 'finmem'"),
        ({"embedder": HashedNgrams(6)}, "its embedder is 'directions', not 'hashed-ngrams"),
        ({"dimension": 12}, "its dimension is 6, not 12"),
        ({"seed": 3}, "its seed is 0, not 3"),
        ({"format": 99}, "its format is 99, not 1"),
        ({"chromadb": "999.0.0"}, "was written by chromadb 999.0.0"),
    ],
)
def test_a_folder_of_another_memory_is_refused_untouched(tmp_path, changes, reason) -> None:
    with empty(store=Chroma(tmp_path)) as memory:
        live_a_day(memory, 1)
    label = json.loads((tmp_path / "memory.json").read_text())
    label["identity"]["format"] = changes.get("format", 1)
    label["chromadb"] = changes.get("chromadb", label["chromadb"])
    (tmp_path / "memory.json").write_text(json.dumps(label))
    embedder = changes.get("embedder", Directions())
    if "dimension" in changes:
        embedder.dimension = changes["dimension"]
    before = fingerprint(tmp_path)
    with pytest.raises(ArchiveMismatchError, match=reason) as refused:
        empty(changes.get("profile", "layered"), Chroma(tmp_path), embedder, changes.get("seed", 0))
    assert "not touched" in str(refused.value)
    assert fingerprint(tmp_path) == before


@heavy
def test_a_chroma_folder_that_is_no_memorys_is_refused_untouched(tmp_path) -> None:
    import chromadb

    client = chromadb.PersistentClient(str(tmp_path))
    client.create_collection("theirs", embedding_function=None).add(ids=["a"], embeddings=[[1.0]])
    client.close()
    before = fingerprint(tmp_path)
    with pytest.raises(ArchiveMismatchError, match=r"has no memory\.json"):
        empty(store=Chroma(tmp_path))
    assert fingerprint(tmp_path) == before


@heavy
def test_a_folder_is_one_memorys_at_a_time(tmp_path) -> None:
    with empty(store=Chroma(tmp_path)) as memory:
        live_a_day(memory, 1)
        with pytest.raises(ArchiveError, match="in use"):
            empty(store=Chroma(tmp_path))
        live_a_day(memory, 2)
    with empty(store=Chroma(tmp_path)) as memory:
        assert memory.steps == 2


@heavy
def test_many_memories_in_one_process_have_a_folder_each(tmp_path) -> None:
    memories = [empty(store=Chroma(tmp_path / str(number))) for number in range(5)]
    for day in range(4):
        for number, memory in enumerate(memories):
            live_a_day(memory, day + 10 * number)
    states = [everything(memory) for memory in memories]
    for memory in memories:
        memory.close()
    assert len({str(state) for state in states}) == 5
    for number, state in enumerate(states):
        with empty(store=Chroma(tmp_path / str(number))) as memory:
            assert everything(memory) == state


@heavy
def test_a_real_archive_goes_back_to_the_end_of_an_earlier_step(tmp_path) -> None:
    states = []
    with empty(store=Chroma(tmp_path, kept_steps=3)) as memory:
        for day in range(12):
            live_a_day(memory, day)
            states.append(everything(memory))
        memory.rewind(10)
        assert everything(memory) == states[9]
    with empty(store=Chroma(tmp_path, kept_steps=3)) as memory:
        assert everything(memory) == states[9]
        live_a_day(memory, 10)
        assert everything(memory) == states[10]


@heavy
@pytest.mark.parametrize("damaged", ["memory.json", "chroma.sqlite3"])
def test_a_damaged_folder_is_one_clear_error(tmp_path, damaged) -> None:
    with empty(store=Chroma(tmp_path)) as memory:
        live_a_day(memory, 1)
    (tmp_path / damaged).write_bytes(b"\x00 this is neither" * 300)
    with pytest.raises(ArchiveError, match=str(tmp_path)):
        empty(store=Chroma(tmp_path))


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    """The address of a Chroma server of this test's own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(Path(sys.executable).parent / "chroma"), "run", "--host", "127.0.0.1",
        "--port", str(port), "--path", str(tmp_path_factory.mktemp("server")),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@heavy
def test_a_server_keeps_memories_by_collection(server, tmp_path) -> None:
    states = {}
    for name in ("agent-a", "agent-b"):
        with empty(store=Chroma(url=server, collection=name, kept_steps=2)) as memory:
            for day in range(8):
                live_a_day(memory, day + len(states))
            states[name] = everything(memory)
    assert states["agent-a"] != states["agent-b"]
    for name, state in states.items():
        with empty(store=Chroma(url=server, collection=name, kept_steps=2)) as memory:
            assert everything(memory) == state
    with pytest.raises(ArchiveMismatchError, match="its profile is 'layered', not 'paper'"):
        empty("paper", Chroma(url=server, collection="agent-a"))


@heavy
def test_operations_over_a_server_agree_with_the_plain_model(server, tmp_path) -> None:
    def reopen(memory: LayeredMemory | None) -> LayeredMemory:
        if memory is not None:
            memory.close()
        return empty("layered", Chroma(url=server, collection="random"), seed=5)

    run_beside_the_plain_model("layered", 500, 5, tmp_path, reopen)


@heavy
def test_a_server_that_is_down_is_one_error_with_its_address() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(ArchiveError, match=url):
        empty(store=Chroma(url=url))


@pytest.mark.parametrize(
    ("place", "options"),
    [(None, {}), ("here", {"url": "http://localhost:1"}), (None, {"url": "localhost"})],
)
def test_an_archive_has_a_folder_or_an_address(place, options) -> None:
    with pytest.raises(InvalidInputError, match=r"folder or the url|is no address"):
        Chroma(place, **options)


def test_without_chromadb_the_message_says_how_to_install_it(tmp_path, monkeypatch) -> None:
    def missing(name):
        raise __import__("importlib").metadata.PackageNotFoundError(name)

    monkeypatch.setattr("investorbench.memory.chroma.version", missing)
    with pytest.raises(MissingPackageError, match=r"pip install 'investorbench\[chroma\]'"):
        empty(store=Chroma(tmp_path / "archive"))
    assert not (tmp_path / "archive").exists()


def test_importing_memory_loads_nothing_heavy() -> None:
    heavy = "{'chromadb', 'torch', 'httpx', 'openai', 'filelock'}"
    program = f"import sys, memory; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, [])


def fingerprint(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns
        )
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip
