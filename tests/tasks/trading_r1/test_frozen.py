"""Thresholds from a file: the very same elsewhere, or refused with what differs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from investorbench.tasks import evaluate
from investorbench.tasks.labels_again import other_labels, wrong_labels
from investorbench.tasks.trading_r1.frozen import frozen_in
from investorbench.tasks.trading_r1.thresholds import Thresholds
from investorbench.tasks.trading_r1.truths import labelling_of, plain_thresholds, truths_of
from investorbench_env.errors import InvestorBenchError
from tests.env.small_markets import small_market
from tests.tasks.trading_r1.test_briefed_again import recorded
from tests.tasks.trading_r1.writing import CLOSES, DAYS, LABELS, MARKET, Writer, small_task

TEST = (DAYS[196], DAYS[-1])
OWN = truths_of(MARKET, TEST, labelling_of(LABELS)).thresholds
SHAKEN = small_market([close * (1.0 + 0.001 * (n % 3)) for n, close in enumerate(CLOSES)])
"""The same days by another source, whose prices differ a little."""


def written(path: Path, *several: Any) -> str:
    markets = [{"name": "m", "thresholds": each} for each in several]
    path.write_text(json.dumps({"markets": markets}))
    return str(path)


def plain(thresholds: Thresholds = OWN, **changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(plain_thresholds(thresholds))), **changes}


def test_another_machine_is_scored_by_the_very_same_thresholds(tmp_path: Path) -> None:
    file = written(tmp_path / "manifest.json", plain(), plain(symbol="OTHER"))
    frozen = labelling_of({**LABELS, "frozen": file})
    assert truths_of(MARKET, TEST, frozen).thresholds == OWN
    elsewhere = truths_of(SHAKEN, TEST, labelling_of(LABELS))
    by_file = truths_of(SHAKEN, TEST, frozen)
    assert by_file.thresholds == OWN != elsewhere.thresholds
    scores = [(each.label, each.score) for each in by_file.days.values() if each.score is not None]
    for label, score in scores:
        place = sum(score >= each for each in OWN.values)
        assert label == ("STRONG_SELL", "SELL", "HOLD", "BUY", "STRONG_BUY")[place]
    assert [each.score for each in by_file.days.values()] == [
        each.score for each in elsewhere.days.values()
    ]
    folder = labelling_of({**LABELS, "frozen": str(tmp_path)})  # of a corpus
    assert truths_of(SHAKEN, TEST, folder).thresholds == OWN


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"window": [DAYS[41], DAYS[180]]}, f"window {DAYS[41]} {DAYS[180]}, here {DAYS[40]}"),
        ({"training": [DAYS[40], DAYS[160]]}, "training "),
        ({"days": 5}, "days 5, here "),
        ({"direction": "trailing"}, "direction trailing, here forward"),
        ({"volatility": "trailing_ewma"}, "volatility trailing_ewma, here listing"),
        ({"quantiles": [0.1, 0.2, 0.5, 0.9]}, "quantiles 0.1 0.2 0.5 0.9, here 0.03"),
        ({"values": [-9.0, 0.0, 1.0, 2.0]}, "values -9.0 0.0 1.0 2.0, here "),
        ({"days": 5, "direction": "trailing"}, "direction trailing, here forward; days 5"),
        ({"symbol": "OTHER"}, "has no thresholds for TEST: it has those of OTHER"),
        ({"values": [3.0, 0.0, 1.0, 2.0]}, "must ascend"),
        ({"values": [0.0, 1.0, 2.0]}, "holds no thresholds"),
        ({"values": None}, "holds no thresholds"),
    ],
)
def test_what_contradicts_the_data_at_hand_is_refused_with_what_differs(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvestorBenchError) as caught:
        frozen_in(written(tmp_path / "manifest.json", plain(**changes)), OWN)
    assert words in str(caught.value) and str(tmp_path) in str(caught.value)


def test_thresholds_of_another_simulated_market_of_the_same_name_are_refused(
    tmp_path: Path,
) -> None:
    drawn = {"source": "simulated market", "closes_sha256": "0" * 64}
    with pytest.raises(InvestorBenchError, match="it has those of TEST on other closes"):
        frozen_in(written(tmp_path / "one.json", plain(**drawn)), OWN)


def test_of_simulated_markets_of_one_name_the_one_with_these_closes_counts(tmp_path: Path) -> None:
    other = plain(closes_sha256="0" * 64, values=[-9.0, 0.0, 1.0, 2.0])
    assert frozen_in(written(tmp_path / "one.json", other, plain()), OWN) == OWN
    third = plain(closes_sha256="1" * 64, values=[-8.0, 0.0, 1.0, 2.0])
    with pytest.raises(InvestorBenchError, match="it has those of TEST on other closes"):
        frozen_in(written(tmp_path / "two.json", other, third), OWN)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"markets": 3}', '{"thresholds": []}', None])
def test_a_file_without_thresholds_is_refused_in_a_sentence(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "file.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InvestorBenchError, match=r"file\.json"):
        frozen_in(file, OWN)


def test_a_run_is_scored_and_verified_by_the_labels_of_another_one(tmp_path: Path) -> None:
    evaluate(Writer, small_task(), warmup=False, seed=1, folder=tmp_path / "first")
    (labels,) = (tmp_path / "first").rglob("labels.json")
    task = replace(small_task(labels={**LABELS, "frozen": str(labels)}), data=SHAKEN)
    job = recorded(tmp_path / "second", Writer, task)
    thresholds = [
        json.loads(file.read_text())["thresholds"]
        for file in (labels, job.path / "repeat-0" / "labels.json")
    ]
    assert thresholds[0] == thresholds[1] == plain()
    assert [*wrong_labels(job), *other_labels(job)] == []
    labels.unlink()
    (found,) = other_labels(job)
    assert "not compared with the market" in found.what and not found.is_wrong
