"""Whatever options are given, an environment runs with finite numbers or is refused in words."""

from pathlib import Path

import pytest

from tests.env.option_sets import MARKETS_AND_OPTIONS, option_set, outcome

FEW = range(120)
MANY = range(120, 4_000)


@pytest.mark.parametrize("id", MARKETS_AND_OPTIONS)
@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=pytest.mark.long)], ids=len)
def test_options_work_or_are_refused_in_one_sentence(
    seeds: range, id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "folder" / "below"  # so that data="../.." leads to nothing of anybody's
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    outcomes = []
    for seed in seeds:
        options = option_set(seed, id)
        try:
            outcomes.append(outcome(options, id))
        except BaseException as error:
            error.add_note(f"option set {seed}: {options}")
            raise
    # Both are common, so that neither half of the sentence is tested by nothing.
    assert 0.1 < outcomes.count("ran") / len(outcomes) < 0.8
