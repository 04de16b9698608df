"""Terms and constraints as users give them, and the profiles of ``conf/portfolio``."""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from investorbench_env.accounting.constraints import Constraints
from investorbench_env.accounting.portfolio import LAB, Terms
from investorbench_env.accounting.settings import constraints_of, terms_of
from investorbench_env.errors import InvestorBenchError, UnknownNameError

PROFILES = sorted((Path(__file__).parents[2] / "conf" / "portfolio").glob("*.yaml"))


def test_terms_have_a_name_or_a_mapping_and_costs_in_basis_points_beside_them() -> None:
    assert terms_of() == terms_of("standard") == terms_of({}) == Terms()
    assert terms_of("lab") == LAB
    assert terms_of("lab", commission_bps=5.0).commission == 5.0 * 1e-4
    given = terms_of({"limit_fill": "through"}, commission_bps=0, slippage_bps=10)
    assert given == Terms(limit_fill="through", commission=0.0, slippage=10 * 1e-4)


def test_constraints_are_numbers_and_none_of_them_is_no_limit() -> None:
    assert constraints_of() == constraints_of({"max_weight": None}) == Constraints()
    found = constraints_of({"max_positions": 5.0, "whole_shares": True, "max_weight": 1})
    assert found == Constraints(max_positions=5, whole_shares=True, max_weight=1.0)
    assert constraints_of(found) is found


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_weigth": 0.2}, "unknown name in constraints 'max_weigth'; valid.* max_weight"),
        ({"max_weight": 25}, r"max_weight=25 must be at most 1: it is a share, .25 for 25 %"),
        ({"max_weight": "0.2"}, "max_weight='0.2' must be a number of at least 0"),
        ({"min_price": -1}, "min_price=-1 must be a number of at least 0"),
        ({"min_price": math.nan}, "min_price=nan must be a number"),
        ({"cash_floor": True}, "cash_floor=True must be a number"),
        ({"max_positions": 2.5}, "max_positions=2.5 must be a whole number"),
        ({"whole_shares": 1}, "whole_shares=1 must be True or False"),
        ("strict", "constraints='strict' must be a mapping of max_positions, "),
    ],
)
def test_a_constraint_that_makes_no_sense_is_named(given: Any, message: str) -> None:
    with pytest.raises(InvestorBenchError, match=message):
        constraints_of(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("labs", "unknown terms 'labs'; valid.* lab, standard"),
        ({"limit_fill": "thru"}, "unknown limit_fill 'thru'; valid.* through, touch"),
        ({"in_cents": "yes"}, "in_cents='yes' must be True or False"),
        ({"commission": 0.001}, "terms have no commission: give commission_bps beside them"),
        ({"fee": 1}, "unknown name in terms 'fee'"),
        (7, "terms=7 must be a mapping of"),
    ],
)
def test_a_term_that_makes_no_sense_is_named(given: Any, message: str) -> None:
    with pytest.raises((InvestorBenchError, UnknownNameError), match=message):
        terms_of(given)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_profile_is_options_of_an_environment(path: Path) -> None:
    options = yaml.safe_load(path.read_text())
    costs = {name: options.pop(name, None) for name in ("commission_bps", "slippage_bps")}
    terms = terms_of(options.pop("terms", None), **costs)
    assert constraints_of(options.pop("constraints")) != Constraints()
    assert (terms == LAB) == (path.stem in ("lab", "micro_cap"))
    assert options.pop("action") == "orders" and options.keys() <= {"initial_cash"}
