"""Which memories a periodic report left, for what is filed later and takes their place.

An amendment takes the place of the items that it files again. A summary of a report, as released
with a data set, takes the place of the report itself, whichever of the two is read first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Self

PERIODIC = ("10-K", "10-Q", "20-F", "40-F")
AMENDMENT = "/A"
ONE_REPORT = timedelta(days=4)
"""Between two readings of the day on which one report was filed."""
AMENDED_WITHIN = timedelta(days=400)
"""After its report an amendment is filed, where one of them does not name its period."""


@dataclass(slots=True, kw_only=True)
class Report:
    """A report that was read.

    Attributes:
        form: such as ``"10-K/A"``.
        period: the last day of what it reports, YYYY-MM-DD; may be empty.
        filed: YYYY-MM-DD.
        is_summary: whether it is the text of another hand and no filing.
        ids: of the memories that it left, by item.
    """

    form: str
    period: str
    filed: str
    is_summary: bool
    ids: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> Self | None:
        """The report of a document, as the metadata of its memories have it; None for others."""
        if not metadata.get("form", "").startswith(PERIODIC):
            return None
        return cls(
            form=metadata["form"],
            period=metadata["period"],
            filed=metadata["filed"],
            is_summary=metadata["by"] == "whole",
        )

    def is_summed_up(self, others: Iterable["Report"]) -> bool:
        """Whether a summary of this report was read."""
        return not self.is_summary and any(
            other.is_summary and self._is_same_filing(other) for other in others
        )

    def replaces(self, others: Sequence["Report"], items: Iterable[str]) -> list[int]:
        """The memories whose place those of this report take.

        Args:
            others: that were read, oldest first.
            items: of this one.
        """
        if self.is_summary:
            doubles = [each for each in others if not each.is_summary]
            return [
                id
                for double in doubles
                if self._is_same_filing(double)
                for own in double.ids.values()
                for id in own
            ]
        if not self.form.endswith(AMENDMENT):
            return []
        amended = [each for each in others if self._amends(each)]
        return [id for each in amended for item in items for id in each.ids.get(item, ())]

    def _is_same_filing(self, other: "Report") -> bool:
        apart = abs(date.fromisoformat(self.filed) - date.fromisoformat(other.filed))
        return self.form == other.form and apart <= ONE_REPORT

    def _amends(self, other: "Report") -> bool:
        if self.form.removesuffix(AMENDMENT) != other.form.removesuffix(AMENDMENT):
            return False
        if self.period and other.period:
            return self.period == other.period
        later = date.fromisoformat(self.filed) - date.fromisoformat(other.filed)
        return timedelta(0) <= later <= AMENDED_WITHIN
