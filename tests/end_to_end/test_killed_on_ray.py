"""A sweep over the 13 models on Ray that is killed five times ends as one that never was."""

import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from investorbench.scripts.main import main
from tests.agents.llm.stub_server import StubServer
from tests.end_to_end.ray_cluster import RayCluster, ray_cluster
from tests.end_to_end.test_killed_runs import questions, record, wait_for
from tests.end_to_end.test_killed_sweeps import MODELS, REPEATS, STEPS, SWEEP, TASKS, answer

KILLS = ("worker", "driver", "driver", "worker", "worker")
EPISODES = len(MODELS) * len(TASKS) * REPEATS
AT_ONCE = 2 * REPEATS
"""Episodes, of two jobs."""
LATENCY_S = 0.01
BUCKET = "runs"

pytestmark = pytest.mark.long
pytest.importorskip("ray", reason="needs investorbench[ray]")
processes = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    """An object store on this machine, and the environment of those who use it."""
    moto = pytest.importorskip("moto.server", reason="needs moto[server]")
    boto3 = pytest.importorskip("boto3")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    keys = {"AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "a-secret-of-nobody"}
    environment = {**keys, "AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1"}
    boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="anybody",
        aws_secret_access_key="a-secret-of-nobody",
    ).create_bucket(Bucket=BUCKET)  # fmt: skip
    yield environment
    server.stop()


@pytest.fixture(scope="module")
def cluster(store: dict[str, str]) -> Iterator[RayCluster]:
    keys = {"OPENAI_API_KEY": "sk-of-no-use-to-anyone"}
    with ray_cluster({**store, **keys}) as started:
        yield started


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Any]]]:
    """The unbroken run, in one process, and what it asked."""
    processes.set_forkserver_preload(["tests.end_to_end.warm_start", "ray", __name__])
    folder = tmp_path_factory.mktemp("whole")
    with StubServer(answer, latency_s=LATENCY_S) as server:
        process = processes.Process(target=live, args=(folder, server.url, "whole", {}))
        process.start()
        process.join(300)
        assert process.exitcode == 0
        yield folder / "whole", server.requests


def live(folder: Path, url: str, into: str, environment: dict[str, str], *more: str) -> None:
    """The command, in a process to be killed."""
    os.environ.update({"OPENAI_API_KEY": "sk-of-no-use-to-anyone", **environment})
    os.chdir(folder)
    sys.stderr = (folder / "errors.txt").open("a")
    main([*SWEEP, f"model.base_url={url}", f"folder={into}", *more])


@pytest.mark.parametrize("place", ["shared", f"s3://{BUCKET}/mine"])
def test_a_sweep_on_ray_that_is_killed_ends_as_an_unbroken_one(
    place: str,
    cluster: RayCluster,
    store: dict[str, str],
    whole: tuple[Path, list[Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    unbroken, requests = whole
    folder = tmp_path / place.replace("s3://", "runs/s3/")
    chance, kills, begun = random.Random(8), list(KILLS), time.monotonic()
    # None so near the end that a busy machine would come too late.
    after = sorted(chance.sample(range(1, len(requests) * 9 // 10), len(kills)))
    exits: list[int | None] = []
    with StubServer(answer, latency_s=LATENCY_S) as server:
        while not exits or exits[-1]:
            ray = ("launcher=ray", f"ray.address={cluster.address}")
            given = (tmp_path, server.url, place, store, *ray)
            process = processes.Process(target=live, args=given)
            process.start()
            while kills:
                wait_for(server, after[-len(kills)], process, 300.0)
                if not process.is_alive():
                    break
                victims = [process.pid] if kills[0] == "driver" else cluster.workers()
                if victims:  # there may be no worker for a moment
                    os.kill(victims[0], signal.SIGKILL)
                    if kills.pop(0) == "driver":
                        break
            process.join(300)
            exits.append(process.exitcode)
            assert len(exits) < 10, (tmp_path / "errors.txt").read_text()
        asked = server.requests
    assert not kills and exits.count(-signal.SIGKILL) == KILLS.count("driver")
    errors = (tmp_path / "errors.txt").read_text()
    assert "its Ray task failed: WorkerCrashedError" in " ".join(errors.split())

    again, once = questions(asked), questions(requests)
    assert again.keys() == once.keys() and len(once) == EPISODES
    assert {seed: set(own) for seed, own in again.items()} == {
        seed: set(own) for seed, own in once.items()
    }
    repeated = len(asked) - len(requests)
    # Of a folder that is shared, questions in flight; else episodes that had not been put.
    assert repeated <= len(KILLS) * AT_ONCE * (1 if place == "shared" else 2 * STEPS)
    print(
        f"{place}: {EPISODES} episodes, {len(requests)} calls, {repeated} asked again, exits "
        f"{exits}, {time.monotonic() - begun:.0f} s"
    )
    paths = [path.parent for path in unbroken.rglob("decisions.jsonl")]
    assert len(paths) == EPISODES
    for path in paths:
        same = folder / path.relative_to(unbroken)
        assert record(same) == record(path) and len(record(path)) == 1 + STEPS
        for name in ("seed", "metrics"):
            figures = [json.loads((each / "metrics.json").read_text()) for each in (same, path)]
            assert figures[0][name] == figures[1][name]
    assert not list(folder.rglob("failure.json"))
    secrets = (store["AWS_SECRET_ACCESS_KEY"], "sk-of-no-use-to-anyone")
    for path in (each for each in tmp_path.rglob("*") if each.is_file()):
        assert not any(secret.encode() in path.read_bytes() for secret in secrets), path
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(folder.relative_to(tmp_path))])
    assert ended.value.code == 0, capsys.readouterr().out
