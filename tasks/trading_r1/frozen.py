"""Thresholds that were frozen elsewhere, so that days on another machine are judged by the same.

A corpus has them in its manifest, a repeat of a run in its labels.json, each with all that they
follow from. Adjusted closes change with every later dividend, and with their source; what may not
differ is how thresholds are made, and on which days.
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from investorbench.tasks.record.files import read_json
from investorbench.tasks.trading_r1.thresholds import Thresholds
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.simulated.path_market import SOURCE as SIMULATED

MANIFEST = "manifest.json"
MUST_AGREE = ("direction", "volatility", "quantiles", "window", "training", "days")
"""What thresholds may not differ in from those that the closes at hand give."""
PRECISION = 1e-9
"""Relative, of values that follow from the same closes: another machine may add up otherwise."""


def frozen_in(path: str | Path, own: Thresholds) -> Thresholds:
    """The thresholds of an asset in a file, in place of those that the closes at hand give.

    Args:
        path: a corpus or its manifest, or the labels.json of a repeat.
        own: those that the closes at hand give.

    Raises:
        InvestorBenchError: the file cannot be read, has none of this asset, or contradicts what is
            at hand; with all that differs.
    """
    file = Path(path).expanduser()
    file = file / MANIFEST if file.is_dir() else file
    known = _all_in(file)
    of_it = [each for each in known if each.symbol == own.symbol]
    same = [each for each in of_it if each.closes_sha256 == own.closes_sha256]
    # A simulated market is the same everywhere, and others of its name are other markets.
    found = same or [each for each in of_it if each.source != SIMULATED]
    if len({each.values for each in found}) != 1:
        names = ", ".join(sorted({each.symbol for each in known})) or "nothing"
        what = f"those of {own.symbol} on other closes" if of_it else f"those of {names}"
        raise InvestorBenchError(f"{file} has no thresholds for {own.symbol}: it has {what}")
    if differing := [*_differing(found[0], own)]:
        raise InvestorBenchError(
            f"{file} has thresholds of {own.symbol} that contradict this task and its data: "
            f"{'; '.join(differing)}. Name the file of a task that is labelled alike, or leave "
            "task.labels.frozen out"
        )
    return found[0]


def _differing(found: Thresholds, own: Thresholds) -> list[str]:
    names = [name for name in MUST_AGREE if getattr(found, name) != getattr(own, name)]
    if not names and found.closes_sha256 == own.closes_sha256:
        pairs = zip(found.values, own.values, strict=True)
        if not all(math.isclose(*pair, rel_tol=PRECISION, abs_tol=PRECISION) for pair in pairs):
            names = ["values"]
    return [f"{name} {_shown(found, name)}, here {_shown(own, name)}" for name in names]


def _shown(thresholds: Thresholds, name: str) -> str:
    value = getattr(thresholds, name)
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _all_in(file: Path) -> list[Thresholds]:
    content = read_json(file)
    markets = content.get("markets", [content])
    try:
        return [_thresholds(each["thresholds"]) for each in markets]
    except (InvestorBenchError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise InvestorBenchError(
            f"{file} holds no thresholds ({type(error).__name__}: {error}): name the manifest.json "
            "of a corpus, or the labels.json of a repeat"
        ) from None


def _thresholds(content: Mapping[str, Any]) -> Thresholds:
    given = {each.name: content[each.name] for each in fields(Thresholds)}
    for name in ("values", "quantiles"):
        given[name] = tuple(map(float, given[name]))
    for name in ("window", "training"):
        given[name] = tuple(map(str, given[name]))
    return Thresholds(**given)
