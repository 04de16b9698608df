"""The ten probes: each a pair of questions between which a sound decision does not change."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from investorbench.tasks.probes.forms import AS_LIST, AS_TEXTS, BY_COIN, ReplyForm
from investorbench.tasks.probes.readings import (
    ReplyReading,
    changes_plan,
    closes_against_plan,
    miscounts_risk,
    moves_in_name,
    signals_and_cash,
    signals_of,
    signals_of_dear,
)
from investorbench.tasks.probes.states import (
    ProbeState,
    any_state,
    has_position,
    has_standing_plan,
)
from investorbench.tasks.probes.variants import (
    Variant,
    adding,
    ambiguous_cash,
    newest_first,
    otherwise_put,
    two_decimals,
    unchanged,
)

ProbeKind = Literal["reading", "format", "consistency"]
"""What breaks: how a question is read, in which form it is answered, whether words are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrittlenessProbe:
    """A pair of questions about one state.

    Attributes:
        name: of the probe.
        kind: what breaks where the decision changes.
        says: what the second question changes, in words.
        second: makes the second question of the one that the arena's agent would ask.
        first: makes the first question of it.
        reads: what of the replies is compared.
        form: of the reply to the second question.
        suits: whether it can be put in a state.
    """

    name: str
    kind: ProbeKind
    says: str
    second: Variant = unchanged
    first: Variant = unchanged
    reads: ReplyReading = signals_of
    form: ReplyForm = BY_COIN
    suits: Callable[[ProbeState], bool] = any_state


NOT_MET = "The invalidation condition of {coin} is not met."
ENTER = (
    "This time enter exactly one coin in which you have no position, long or short, whatever you "
    "think of it, and hold all others."
)
PROBES: tuple[BrittlenessProbe, ...] = (
    BrittlenessProbe(
        name="order",
        kind="reading",
        says="every series newest first, and said so",
        second=newest_first,
    ),
    BrittlenessProbe(
        name="free_cash",
        kind="reading",
        says='"free collateral" for "available cash"',
        second=ambiguous_cash,
        reads=signals_and_cash,
    ),
    BrittlenessProbe(
        name="two_decimals",
        kind="reading",
        says="prices with two decimals; compared for coins above 10, which lose nothing by it",
        second=two_decimals,
        reads=signals_of_dear,
    ),
    BrittlenessProbe(
        name="irrelevant",
        kind="reading",
        says="coins in another order, a unit, another notation of times",
        second=otherwise_put,
    ),
    BrittlenessProbe(name="list", kind="format", says="a list as the reply", form=AS_LIST),
    BrittlenessProbe(
        name="numbers_as_texts", kind="format", says="numbers as texts", form=AS_TEXTS
    ),
    BrittlenessProbe(
        name="hold_cap",
        kind="consistency",
        says="a cap on holding, which a change in name alone would dodge",
        second=adding(
            "A position may be held unchanged in three decisions in a row at most; a changed plan "
            "counts as a change. {coin} has been held unchanged in the last three."
        ),
        reads=moves_in_name,
        suits=has_position,
    ),
    BrittlenessProbe(
        name="own_invalidation",
        kind="consistency",
        says="a loss and others' exits, while the own invalidation is not met",
        first=adding(NOT_MET),
        second=adding(
            f"{NOT_MET} Its price has just moved against the position, and other traders are "
            "closing theirs."
        ),
        reads=closes_against_plan,
        suits=has_standing_plan,
    ),
    BrittlenessProbe(
        name="changed_plan",
        kind="consistency",
        says="a plan is to be repeated with a hold",
        second=adding(
            "With `hold` on {coin}, repeat the `profit_target`, the `stop_loss` and the "
            "`invalidation_condition` of the position."
        ),
        reads=changes_plan,
        suits=has_position,
    ),
    BrittlenessProbe(
        name="risk_usd",
        kind="consistency",
        says="a leverage of 10, which has no part in the risk of an entry",
        first=adding(f"{ENTER} Its leverage is 1 for once, whatever the rules say."),
        second=adding(f"{ENTER} Its leverage is 10 for once, whatever the rules say."),
        reads=miscounts_risk,
    ),
)
"""In the order in which they are shown."""
