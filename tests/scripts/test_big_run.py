from pathlib import Path

import pytest

from investorbench.scripts.bench.big_run import write_big_run
from investorbench.tasks import load
from investorbench.tasks.record.lines import read_record
from investorbench.tasks.verdict import Checks
from investorbench_env.errors import InvestorBenchError


@pytest.mark.heavy
@pytest.mark.parametrize(("kind", "decisions"), [("portfolio", 12), ("arena", 47), ("theses", 12)])
def test_a_big_run_of_each_kind_is_one_of_its_task(
    tmp_path: Path, kind: str, decisions: int
) -> None:
    entries = load(write_big_run(tmp_path / "run", 1, decisions, 500, kind=kind)).entries
    (episode,) = (each for entry in entries for each in entry.result.episodes)
    assert [entry.result.facts.steps for entry in entries] == [decisions]
    assert episode.metrics["fees" if kind == "arena" else "turnover"] > 0.0


@pytest.mark.heavy
def test_a_big_run_is_written_by_the_run_itself_and_verifies(tmp_path: Path) -> None:
    folder = write_big_run(tmp_path / "run", 3, 12, 3_000, repeats=2)
    checks = Checks(folder, None, None)
    for check in checks:
        check()
    assert not checks.verdict().wrong
    entries = load(folder).entries
    assert [len(entry.result.episodes) for entry in entries] == [2, 1]
    assert {entry.result.facts.steps for entry in entries} == {12}
    (path,) = folder.glob("stock-hon/*/repeat-1/decisions.jsonl")
    lines = read_record(path).lines
    prompts = [line.thought["question"] for line in lines if line.thought]
    assert len(prompts) == 12
    assert all(2_900 <= len(each["system"] + each["user"]) <= 3_100 for each in prompts)


def test_more_episodes_than_there_are_models_and_assets_for_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvestorBenchError, match="from 1 to 130"):
        write_big_run(tmp_path / "run", 131, repeats=1)
    with pytest.raises(InvestorBenchError, match="portfolio"):
        write_big_run(tmp_path / "run", 1, kind="portfolios")
    assert not (tmp_path / "run").exists()
