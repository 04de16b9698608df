"""The statements that companies file as data (XBRL), as texts: what each filing itself reported.

It knows the form of EDGAR's company facts and sends no requests.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "Income statement": (
        "Revenues",
        "RevenueFromContractWithCustomerExcludingAssessedTax",
        "SalesRevenueNet",
        "Revenue",
        "CostOfRevenue",
        "CostOfGoodsAndServicesSold",
        "GrossProfit",
        "ResearchAndDevelopmentExpense",
        "SellingGeneralAndAdministrativeExpense",
        "OperatingExpenses",
        "OperatingIncomeLoss",
        "InterestExpense",
        "IncomeTaxExpenseBenefit",
        "NetIncomeLoss",
        "ProfitLoss",
        "EarningsPerShareBasic",
        "EarningsPerShareDiluted",
        "WeightedAverageNumberOfDilutedSharesOutstanding",
    ),
    "Balance sheet": (
        "CashAndCashEquivalentsAtCarryingValue",
        "CashAndCashEquivalents",
        "InventoryNet",
        "AssetsCurrent",
        "PropertyPlantAndEquipmentNet",
        "Goodwill",
        "Assets",
        "LiabilitiesCurrent",
        "LongTermDebtNoncurrent",
        "LongTermDebt",
        "Liabilities",
        "StockholdersEquity",
        "Equity",
    ),
    "Cash flows": (
        "NetCashProvidedByUsedInOperatingActivities",
        "CashFlowsFromUsedInOperatingActivities",
        "PaymentsToAcquirePropertyPlantAndEquipment",
        "NetCashProvidedByUsedInInvestingActivities",
        "NetCashProvidedByUsedInFinancingActivities",
        "PaymentsForRepurchaseOfCommonStock",
        "PaymentsOfDividends",
    ),
}
"""The lines of each statement, by the names of US GAAP and of IFRS."""
TAXONOMIES = ("us-gaap", "ifrs-full")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFact:
    """One number of a filing; ``start`` is None where it is of one day."""

    concept: str
    unit: str
    start: date | None
    end: date
    value: float


def facts_by_accession(listed: Any) -> dict[str, list[ReportedFact]]:
    """The facts that are lines of a statement, by the filing that reported them.

    Raises:
        ValueError: the list is of another form.
    """
    wanted = {concept for concepts in STATEMENTS.values() for concept in concepts}
    found: dict[str, list[ReportedFact]] = defaultdict(list)
    try:
        for taxonomy in TAXONOMIES:
            for concept, about in listed["facts"].get(taxonomy, {}).items():
                if concept in wanted:
                    for accession, fact in _facts(concept, about["units"]):
                        found[accession].append(fact)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"facts of another form ({error!r})") from error
    return dict(found)


def _facts(concept: str, units: Mapping[str, Any]) -> Iterator[tuple[str, ReportedFact]]:
    for unit, entries in units.items():
        for entry in entries:
            start = entry.get("start")
            fact = ReportedFact(
                concept=concept,
                unit=str(unit),
                start=date.fromisoformat(start) if start else None,
                end=date.fromisoformat(entry["end"]),
                value=float(entry["val"]),
            )
            yield str(entry["accn"]), fact


def as_text(facts: list[ReportedFact]) -> str:
    """The statements of one filing in words, a line a number, of the last period alone.

    Numbers of the years before stand in a filing to be compared with; they are in those filings.
    """
    last = max(fact.end for fact in facts)
    of_last = [fact for fact in facts if fact.end == last]
    parts = []
    for title, concepts in STATEMENTS.items():
        lines = [
            _line(fact)
            for concept in concepts
            for fact in sorted(
                {fact for fact in of_last if fact.concept == concept},
                key=lambda fact: (fact.unit, fact.start or fact.end, fact.value),
                reverse=True,
            )
        ]
        if lines:
            parts.append("\n".join([f"{title}, {last}", *lines]))
    return "\n\n".join(parts)


def _line(fact: ReportedFact) -> str:
    span = f" from {fact.start} to {fact.end}" if fact.start else ""
    value = f"{fact.value:,.0f}" if fact.value == int(fact.value) else f"{fact.value:,}"
    return f"{_words(fact.concept)}: {value} {fact.unit}{span}"


def _words(concept: str) -> str:
    """``NetIncomeLoss`` as "Net income loss"."""
    parts: list[str] = []
    for letter in concept:
        if letter.isupper() and parts:
            parts.append(" ")
        parts.append(letter.lower() if len(parts) else letter)
    return "".join(parts)
