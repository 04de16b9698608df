from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.llm.lifetime import is_past, knowledge

DAYS = st.dates(date(2020, 1, 1), date(2027, 12, 31))


def test_a_release_bounds_what_a_model_knows_whose_makers_state_nothing() -> None:
    bound = knowledge(None, "2024-07-23")
    assert bound and (str(bound), bound.is_stated) == ("≤ 2024-07-23", False)
    stated = knowledge("2023-12", "2024-07-23")
    assert stated and (str(stated), stated.is_stated) == ("2023-12", True)
    assert knowledge(None, None) is None


@settings(max_examples=50)
@given(cutoff=DAYS, day=DAYS, by_month=st.booleans())
def test_a_model_may_know_of_every_day_up_to_its_cutoff_and_of_all_of_its_month(
    cutoff: date, day: date, by_month: bool
) -> None:
    last = cutoff
    while by_month and (last + timedelta(days=1)).month == cutoff.month:
        last += timedelta(days=1)
    known = knowledge(f"{cutoff:%Y-%m}" if by_month else cutoff.isoformat(), None)
    assert known and known.covers(day.isoformat()) == (day <= last)


def test_a_model_is_past_its_end_from_the_announced_day_on() -> None:
    assert not is_past(None, date(2099, 1, 1))
    assert not is_past("2026-12-01", date(2026, 11, 30))
    assert is_past("2026-12-01", date(2026, 12, 1)) and is_past("2026-12-01", date(2027, 1, 1))
