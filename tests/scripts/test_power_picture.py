"""The figure of decisions needed, and the tables beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from investorbench.scripts.bench.power_picture import picture, series_of

ROOT = Path(__file__).resolve().parents[2]
PAIR = {
    "better": "one", "worse": "other", "difference": 20.0,
    "expected": {"decisions": 100.0}, "realised": {"decisions": 900.0},
}  # fmt: skip
STUDY: dict[str, Any] = {
    "snapshots": [
        {"horizon": 1, "action": "trade", "pairs": []},
        {"horizon": 5, "action": "trade", "pairs": [PAIR]},
        {"horizon": 5, "action": "weight", "pairs": []},
    ],
    "episodes": [
        {
            "better": "one", "worse": "other", "difference": 5.0,
            "expected_days": 2_000.0, "realised_days": 3_000.0,
        }
    ],
}  # fmt: skip


def test_what_is_drawn_is_what_was_counted() -> None:
    found = [(own.label, own.differences, own.needed) for own in series_of(STUDY)]
    assert found == [
        ("snapshots, expected returns", [20.0], [100.0]),
        ("snapshots, realised returns", [20.0], [900.0]),
        ("days of episodes, expected returns", [5.0], [2_000.0]),
        ("days of episodes, realised returns", [5.0], [3_000.0]),
    ]


@pytest.mark.heavy
def test_points_stand_where_difference_and_decisions_meet() -> None:
    pytest.importorskip("matplotlib")
    (axes,) = picture(STUDY).axes
    points = {str(each.get_label()): each.get_xydata().tolist() for each in axes.get_lines()}
    assert points["snapshots, realised returns"] == [[20.0, 900.0]]
    assert points["days of episodes, expected returns"] == [[5.0, 2_000.0]]


def test_the_tables_of_the_page_are_those_of_the_study() -> None:
    study = json.loads((ROOT / "docs" / "power.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "power.md").read_text(encoding="utf-8")
    for order in study["snapshots"]:
        if order["horizon"] != 5:
            continue
        for pair in order["pairs"]:
            shown = [
                f"{pair['better']} − {pair['worse']}",
                f"{pair['difference']:.1f}",
                f"{pair['expected']['decisions']:,.0f} ({pair['expected']['found']:.0%})",
                f"{pair['controlled']['decisions']:,.0f}",
                f"{pair['realised']['decisions']:,.0f} ({pair['realised']['found']:.0%})",
            ]
            assert f"| {' | '.join(shown)} |".replace("%)", " %)") in page
