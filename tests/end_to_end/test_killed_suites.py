"""A suite over the 13 models that is killed five times ends as one that never was."""

import json
import multiprocessing
import os
import random
import signal
from pathlib import Path

import pytest

from investorbench.scripts.main import main
from tests.agents.llm.stub_server import StubServer
from tests.end_to_end.test_killed_runs import record, wait_for
from tests.end_to_end.test_killed_sweeps import MODELS, answer

SUITE = os.environ.get("KILLED_SUITE", "./small.yaml")
"""``sim-core`` plays all of that: 13,000 decisions, some minutes."""
SMALL = """\
name: small
about: Three blocks of two decisions, in three wordings.
tasks: [snapshot/sim]
repeats: 3
block: 2
wordings: 3
references: [news_sentiment, filter]
"""
SALT = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
KILLS, LATENCY_S, PATIENCE_S = 5, 0.02, 3600.0

pytestmark = pytest.mark.heavy


def live(folder: Path, url: str) -> None:
    """The command, in a process to be killed."""
    os.environ["OPENAI_API_KEY"] = "sk-of-no-use-to-anyone"
    os.chdir(folder.parent)
    models = f"model={','.join(MODELS)}"
    more = ["++model.accepts.seed=true", f"model.base_url={url}", f"folder={folder.name}"]
    main(["run", "-m", f"suite={SUITE}", "salt=salt", "agent=finmem", models, *more])


@pytest.mark.long
def test_a_suite_over_13_models_that_is_killed_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "salt").write_text(SALT)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.end_to_end.warm_start", __name__])
    chance, killed = random.Random(6), 0
    with (
        StubServer(answer, latency_s=LATENCY_S) as server,
        StubServer(answer, latency_s=LATENCY_S) as other,
    ):
        whole = processes.Process(target=live, args=(tmp_path / "whole", other.url))
        whole.start()
        whole.join(PATIENCE_S)
        assert whole.exitcode == 0
        # None so near the end that a busy machine would come too late.
        kills = sorted(chance.sample(range(1, other.calls * 9 // 10), KILLS))
        while True:
            process = processes.Process(target=live, args=(tmp_path / "killed", server.url))
            process.start()
            if killed < KILLS:
                wait_for(server, kills[killed], process, PATIENCE_S)
                assert process.is_alive()
                os.kill(process.pid or 0, signal.SIGKILL)
                killed += 1
            process.join(PATIENCE_S)
            if process.exitcode != -signal.SIGKILL:
                break
        assert process.exitcode == 0 and killed == KILLS
        asked = {
            each: {json.dumps([request["model"], request["messages"]]) for request in at.requests}
            for each, at in (("killed", server), ("whole", other))
        }
    assert asked["killed"] == asked["whole"]
    paths = [path.parent for path in (tmp_path / "whole").rglob("decisions.jsonl")]
    print(f"{len(paths)} blocks, {other.calls} calls, {server.calls - other.calls} asked again")
    assert len(paths) % (len(MODELS) + 2) == 0
    for path in paths:
        same = tmp_path / "killed" / path.relative_to(tmp_path / "whole")
        assert record(same) == record(path)
        for name in ("seed", "metrics", "described"):
            figures = [json.loads((each / "metrics.json").read_text()) for each in (same, path)]
            for each in figures:
                (each.get("described") or {}).get("model", {}).pop("base_url", None)
            assert figures[0].get(name) == figures[1].get(name)
    suites = [json.loads((tmp_path / each / "suite.json").read_text()) for each in asked]
    assert suites[0] == suites[1] and suites[0]["salt"] == SALT
