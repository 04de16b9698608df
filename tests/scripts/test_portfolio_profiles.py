"""``portfolio=NAME`` sets options of a task, and each of them can be set beside it."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from investorbench.scripts.choices import choosing
from investorbench.scripts.composing import composed
from investorbench.scripts.settings import require_known_settings
from investorbench_env.errors import UnknownNameError


def options_of(*arguments: str) -> dict[str, object]:
    with choosing(arguments, None) as (given, choices):
        job = (composed(require_known_settings(given, choices)) or [])[0]
        return dict(OmegaConf.to_container(job.config.task.options))  # type: ignore[arg-type]


def test_a_profile_sets_options_and_a_setting_beside_it_goes_first() -> None:
    assert options_of("task=stock/sim") == {}
    assert options_of("portfolio=lab", "task=stock/sim", "task.options.commission_bps=3") == {
        "action": "orders",
        "commission_bps": 3,
        "slippage_bps": 0,
        "terms": {"in_cents": True, "orders_first": True},
        "constraints": {"whole_shares": True},
    }
    found = options_of("portfolio=diversified", "task.options.constraints.max_weight=0.3")
    assert found["constraints"]["max_weight"] == 0.3  # type: ignore[index]
    assert found["constraints"]["max_positions"] == 20  # type: ignore[index]


def test_a_profile_of_a_users_own_is_found_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "conf" / "portfolio"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text(
        "# @package task.options\naction: orders\nconstraints:\n  max_positions: 3\n"
    )
    monkeypatch.chdir(tmp_path)
    assert options_of("portfolio=mine")["constraints"] == {"max_positions": 3}


def test_what_is_no_profile_and_what_none_has_is_named() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown portfolio 'labs'; valid.* lab"):
        options_of("portfolio=labs")
    with pytest.raises(UnknownNameError, match=r"unknown setting 'portfolio\.max_weight'"):
        options_of("portfolio.max_weight=0.2")
