"""What a job is compared with, as ``references.json`` in its folder keeps it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from investorbench.tasks.record.files import read_json, write_json
from investorbench.tasks.record.schema import SCHEMA, Content
from investorbench.tasks.result import Reference
from investorbench_env.errors import InvestorBenchError

REFERENCES = "references.json"
POLICIES = ("policies", "matched")
"""The kinds of references of which the figures of many are known."""


def write_references(job: Path, references: Sequence[Reference]) -> None:
    """Keep what a job is compared with in its folder."""
    content = {"schema": SCHEMA, "references": plain_references(references)}
    write_json(job / REFERENCES, content)


def plain_references(references: Sequence[Reference]) -> list[Content]:
    """References as a record holds them."""
    return [_plain(each) for each in references]


def read_references(job: Path) -> tuple[Reference, ...] | None:
    """What a job is compared with; None where that was not kept.

    Raises:
        InvestorBenchError: what was kept cannot be read.
    """
    path = job / REFERENCES
    if not path.exists():
        return None
    try:
        return tuple(map(_reference, read_json(path)["references"]))
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, InvestorBenchError):
            raise
        raise InvestorBenchError(f"{path} cannot be read: {error!r}") from None


def usable_references(job: Path) -> tuple[Reference, ...] | None:
    """What a job is compared with; None where that was not kept, or cannot be read.

    All of it follows from the task, so where it is damaged it is recomputed.
    """
    try:
        return read_references(job)
    except InvestorBenchError:
        return None


def _plain(reference: Reference) -> Content:
    dates, returns = reference.dates, reference.returns
    return {
        "name": reference.name,
        "kind": reference.kind,
        "seed": reference.seed,
        "market_seed": reference.market_seed,
        "dates": None if dates is None else [str(day) for day in dates],
        "returns": None if returns is None else returns.tolist(),
        "figures": {
            name: figure.tolist() if isinstance(figure, np.ndarray) else figure
            for name, figure in reference.figures.items()
        },
    }


def _reference(content: Content) -> Reference:
    dates, returns, market = content["dates"], content["returns"], content.get("market_seed")
    reference = Reference(
        name=str(content["name"]),
        kind=str(content["kind"]),
        seed=int(content["seed"]),
        market_seed=None if market is None else int(market),
        dates=None if dates is None else np.array(dates, dtype="datetime64[D]"),
        returns=None if returns is None else np.array(returns, dtype=np.float64),
        figures={str(name): _figure(figure) for name, figure in content["figures"].items()},
    )
    if reference.kind in POLICIES:
        lengths = {np.shape(figure) for figure in reference.figures.values()}
        if len(lengths) != 1 or len(lengths.pop()) != 1 or "SR" not in reference.figures:
            raise ValueError("random policies need figures of each, SR among them")
    elif reference.dates is None or reference.returns is None:
        raise ValueError(f"{reference.name} has no daily returns")
    elif not reference.dates.shape == reference.returns.shape != (0,) or reference.returns.ndim > 1:
        raise ValueError(f"{reference.name} needs a return of each of its dates")
    elif any(np.ndim(figure) for figure in reference.figures.values()):
        raise ValueError(f"{reference.name} needs one figure of a kind")
    return reference


def _figure(figure: Any) -> Any:
    """A figure, or those of many as an array; null is no number."""
    if figure is None:
        return np.nan
    return np.array(figure, dtype=np.float64) if isinstance(figure, list) else float(figure)
