"""`investorbench probe brittleness`: what it asks, what it keeps, and how it looks."""

import json
from pathlib import Path

import pytest

from tests.scripts.calling import Call
from tests.tasks.brittle_models import served

SIM = ("task.id=InvestorBench/Perpetuals-SIM", "task.options.every=80")


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.heavy
def test_a_model_is_probed_and_a_second_run_asks_nothing_again(command: Call) -> None:
    server, _ = served("order-blind")
    with server:
        model = ("model=local", "model.id=blind", f"model.base_url={server.url}",
                 "model.patience.total_timeout_s=20")  # fmt: skip
        given = ("probe", "brittleness", *model, *SIM, "--states", 2)
        first = command(*given)
        asked = server.calls
        second = command(*given, "--json")
        assert server.calls == asked and 2 * 11 <= asked <= 2 * 16
    assert (first.code, second.code) == (0, 0)
    record = json.loads(second.out)
    kept = json.loads(Path("probes/local-perpetuals-sim/brittleness.json").read_text())
    assert record == kept
    assert (record["states"], record["simulated"], len(record["outcomes"])) == (2, True, 10)
    order = record["outcomes"][0]
    assert (order["flips"]["cases"], order["flips"]["of"], order["noise"]["of"]) == (2, 2, 2)
    assert "SIMULATED local on perpetuals-sim: 2 states, 4.0 hours apart" in first.out
    assert "That is no sign of robustness" in first.out


def test_what_cannot_be_probed_is_refused_in_a_sentence(command: Call) -> None:
    for given, why in (
        (("task=stock/sim",), "brittleness is probed on perpetuals"),
        ((*SIM, "-m", "seed=1,2"), "unknown flag -m"),
        ((*SIM, "nothing.such=1"), "nothing.such"),
    ):
        found = command("probe", "brittleness", "model=offline", *given)
        assert found.code == 1 and why in found.err
