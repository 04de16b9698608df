"""A path of one or more assets as a market."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.market import FloatArray, Market
from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated.elementary import exp
from investorbench_env.market.simulated.emission import AssetTexts, table_of
from investorbench_env.market.simulated.noise import Lasting
from investorbench_env.market.simulated.process import SimulatedPaths

SOURCE = "simulated market"


class SimulatedAsset(NamedTuple):
    """All that one path of an asset holds, as in ``Market`` [T]."""

    bars: FloatArray
    adjusted_close: FloatArray
    dividends: FloatArray
    share_splits: FloatArray
    texts: AssetTexts
    hidden_state: dict[str, FloatArray]


class Drawn(Protocol):
    """What paths are drawn from, with all that its markets say of themselves."""

    @property
    def asset_class(self) -> str: ...
    @property
    def sessions(self) -> TimeArray: ...
    @property
    def times(self) -> TimeArray: ...
    @property
    def fingerprint(self) -> str: ...


def market_of(assets: Mapping[str, SimulatedAsset], law: Drawn) -> Market:
    """The market of some assets, each by its symbol, of one path of a law."""

    def together(name: str) -> FloatArray:
        return np.stack([getattr(asset, name) for asset in assets.values()], axis=1)

    hidden = [asset.hidden_state for asset in assets.values()]
    names = dict.fromkeys(name for each in hidden for name in each)
    unknown = np.full(len(law.sessions), np.nan)
    states = {
        name: np.stack([each.get(name, unknown) for each in hidden], axis=1) for name in names
    }
    return Market(
        symbols=tuple(assets),
        asset_class=law.asset_class,
        sessions=law.sessions,
        times=law.times,
        bars=together("bars"),
        adjusted_close=together("adjusted_close"),
        dividends=together("dividends"),
        share_splits=together("share_splits"),
        documents=table_of({symbol: asset.texts for symbol, asset in assets.items()}),
        source=SOURCE,
        simulated=True,
        timezone=find_asset_class(law.asset_class).timezone,
        hidden_state={name: frozen(values) for name, values in states.items()},
        law_fingerprint=law.fingerprint,
    )


def hidden_state(paths: SimulatedPaths, prefix: str = "", of: Any = 0) -> dict[str, FloatArray]:
    """What drives some paths after some sessions, by name with a prefix.

    Args:
        paths: the paths [N, T].
        prefix: of the names.
        of: an index of their arrays; all sessions of the first path [T] where there is none.
    """
    named: dict[str, npt.NDArray[Any]] = {
        "regime": paths.regime[of],
        "value_gap": paths.gap[of],
        "mood": paths.mood[of],
        "volatility": paths.volatility[of],
        "expected_return": exp(paths.expected[of]) - 1.0,
    }
    return {f"{prefix}{name}": array.astype(np.float64) for name, array in named.items()}


def hidden_state_that_lasts(lasts: Lasting) -> dict[str, FloatArray]:
    """The same of what lasts on a path [T]."""
    named = {"guidance": lasts.guidance, "facts": lasts.facts.sum(axis=1)}
    return {name: array.astype(np.float64) for name, array in named.items()}


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array, read-only from now on."""
    array.setflags(write=False)
    return array
