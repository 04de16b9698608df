"""What vectorised environments are given, read and checked: seeds, masks, modes, rewards."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from investorbench_env.envs.options import CHART, MarketOptions, RewardFunction
from investorbench_env.errors import InvestorBenchError, UnknownNameError

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]

AnyOptions = TypeVar("AnyOptions", bound=MarketOptions)

TEXT = ("text", "news", "filings", "time")


def require_lanes(count: object, render_mode: str | None) -> None:
    """See that so many episodes can be made.

    Raises:
        InvestorBenchError: it is no number of them, or they are to be drawn.
    """
    if render_mode is not None:
        raise InvestorBenchError(
            f"render_mode={render_mode!r}: a vectorised environment has no picture; "
            "render one episode with gym.make"
        )
    if type(count) is not int or count < 1:
        raise InvestorBenchError(f"num_envs={count!r} must be a whole number of at least 1")


def mode_of(given: str | AutoresetMode) -> AutoresetMode:
    """An autoreset mode, as itself or by its name or value."""
    if isinstance(given, AutoresetMode):
        return given
    for mode in AutoresetMode:
        if given in (mode.name, mode.value):
            return mode
    raise UnknownNameError("autoreset mode", given, [mode.name for mode in AutoresetMode])


def without_text(given: Mapping[str, Any], kind: type[AnyOptions]) -> AnyOptions:
    """Options from keywords, with what a vectorised environment can show.

    Args:
        given: keywords of ``gym.make_vec``.
        kind: the class of the options.

    Raises:
        InvestorBenchError: texts or pictures are asked for, or what no environment takes.
    """
    options = kind.of(given)
    if options.modalities is None:
        numeric = [name for name in kind.MODALITIES if name not in (*TEXT, CHART)]
        return kind.of({**given, "modalities": numeric})
    if CHART in options.modalities:
        raise InvestorBenchError(
            'modalities=["chart"]: a vectorised environment draws no charts; leave it out, or give '
            'gym.make_vec vectorization_mode="sync"'
        )
    if texts := [name for name in options.modalities if name in TEXT]:
        raise InvestorBenchError(
            f"modalities={texts}: a vectorised environment has no text in its observations; leave "
            "them out, and find times in info['time'] and texts by env.texts(info)"
        )
    return options


def batched(space: gym.spaces.Dict, count: int) -> gym.spaces.Dict:
    """The space of the observations of N lanes, whose bounds take no more memory than those of one.

    Gymnasium lays out the bounds of each number of each lane: twice the size of an observation.
    """
    spaces: Any = batch_space(space, 1)
    for box in spaces.values():
        box._shape = shape = (count, *box.shape[1:])
        for name in ("low", "high", "bounded_below", "bounded_above"):
            setattr(box, name, np.broadcast_to(getattr(box, name), shape))
    batch: gym.spaces.Dict = spaces
    return batch


def mask_of(options: Mapping[str, Any] | None, count: int, has_started: bool) -> Flags:
    """Which of N lanes a reset begins again [N].

    Raises:
        InvestorBenchError: the mask is none of N lanes, or of no lane.
        ResetNeeded: it leaves lanes out in which nothing has begun.
    """
    if options is None or "reset_mask" not in options:
        return np.ones(count, dtype=np.bool_)
    mask = options["reset_mask"]
    if not (
        isinstance(mask, np.ndarray)
        and mask.shape == (count,)
        and mask.dtype == np.bool_
        and mask.any()
    ):
        raise InvestorBenchError(
            f"reset_mask={mask!r} must be an array of {count} booleans, one of which is True"
        )
    if not has_started and not mask.all():
        raise ResetNeeded("Cannot call env.reset() of some episodes before that of all")
    return mask.copy()


def seeds_of(
    seed: int | Sequence[int | None] | None, which: Flags, *, has_pool: bool
) -> list[int | None]:
    """The seed of each lane that begins again, None for those that go on.

    Args:
        seed: of the first lane, or one for each.
        which: lanes begin again [N].
        has_pool: whether the markets of all follow from the seed of the first.

    Raises:
        InvestorBenchError: seeds that are not one a lane; or a pool would change under lanes that
            go on.
    """
    count = len(which)
    seeds: list[Any] = list(seed) if isinstance(seed, Iterable) else [seed]
    if seed is None:
        return [None] * count
    if isinstance(seed, int) and type(seed) is not bool:
        seeds = [seed + lane for lane in range(count)]
    if len(seeds) != count or not all(
        one is None or (isinstance(one, int) and type(one) is not bool and one >= 0)
        for one in seeds
    ):
        raise InvestorBenchError(
            f"seed={seed!r} must be a whole number of at least 0, or {count} of them, one a lane"
        )
    seeds = [one if new else None for one, new in zip(seeds, which, strict=True)]
    if has_pool and seeds[0] is not None and not which.all():
        raise InvestorBenchError(
            f"seed={seed!r}: the pool follows from the seed of the first lane, and some lanes "
            "go on in the old one; begin all of them again, or give the first no seed"
        )
    return seeds


def require_autoreset(mode: AutoresetMode, ended: Flags) -> None:
    """See that lanes whose episodes ended begin again by themselves.

    Raises:
        ResetNeeded: they do not.
    """
    if mode is AutoresetMode.DISABLED:
        raise ResetNeeded(
            f"{np.count_nonzero(ended)} episode(s) have ended: begin them again with "
            'env.reset(options={"reset_mask": terminated | truncated})'
        )


def rewards_of(reward: RewardFunction, before: Array, after: Array) -> Array:
    """What a reward function gives for equity before and after, each [N].

    Raises:
        InvestorBenchError: it gives no number for each of them.
    """
    given = reward(before.copy(), after.copy())  # it may write into its own
    rewards = np.empty(len(before))
    try:
        found = np.asarray(given)
        if found.dtype.kind in "biuf" and found.shape in ((), rewards.shape):
            rewards[:] = found
            return rewards
    except ValueError:  # rows of different lengths
        pass
    raise InvestorBenchError(
        f"the reward function gives {given!r} and must give a number for each of "
        f"{len(rewards)} episode(s): its arguments are arrays of equity"
    )
