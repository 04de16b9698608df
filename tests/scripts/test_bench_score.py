"""`investorbench bench score`: what it compares. How fast anything is, is no test."""

import numpy as np
import pytest
from rich.console import Console

from investorbench.scripts.bench import scoring
from investorbench.scripts.main import main

ACCOUNTS = scoring.accounts(5, 40)
EQUAL = {"CR", "SR", "AV", "MDD", "sortino", "calmar", "hit_ratio"}


def test_figures_of_one_definition_are_equal_to_twelve_digits() -> None:
    measured = scoring.measure(scoring.accounts(20, 60), Console())
    assert {name for name, apart in measured.apart.items() if apart <= 1e-12} == EQUAL
    assert measured.apart["time_in_market"] < 0.01
    assert measured.ours_s > 0.0 and measured.theirs_s > 0.0


def test_accounts_hold_together() -> None:
    given = scoring.accounts(3, 10)
    np.testing.assert_allclose(given.equity[:, 1:] / given.equity[:, :-1] - 1.0, given.returns)
    assert (given.returns[given.weights == 0.0] == 0.0).all()
    # The first trade opens the first position.
    np.testing.assert_allclose(given.notional[:, 0], np.abs(given.weights[:, 0]) * 100_000.0)


def test_a_difference_is_told_in_relation_to_figures_above_one() -> None:
    figures = {"SR": np.array([2.0, 0.5]), "CR": np.array([0.1, 0.1])}
    others = {"SR": np.array([2.0, 0.25]), "CR": np.array([0.1, 0.2])}
    assert scoring.differences(figures, others) == {"SR": 0.25, "CR": pytest.approx(0.1)}
    doubled = {"SR": np.array([200.0])}
    assert scoring.differences({"SR": np.array([201.0])}, doubled) == {"SR": 0.005}


def test_a_table_names_every_figure_and_what_it_is_compared_with(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scoring, "accounts", lambda: ACCOUNTS)
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        main(["bench", "score"])
    output = capsys.readouterr().out
    assert ended.value.code == 0
    assert max(map(len, output.splitlines()[:-1])) <= 80
    assert all(name in output for name in scoring.ours(ACCOUNTS))
    assert "win_rate" in output and "equal" in output and "ratio 1/" in output
    assert "differs" not in output
