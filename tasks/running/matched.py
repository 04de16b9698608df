"""Random policies of an agent's own exposure and turnover: what its timing is worth.

Policies that draw each action uniformly trade every other day and are in the market half of the
time, so most agents beat or trail them by what trading costs and by what the market did.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench.agents.several_assets import OF_SEVERAL
from investorbench.tasks.judging import is_of_snapshots
from investorbench.tasks.result import Episode, Reference
from investorbench.tasks.running.references import POLICIES, Choose, policy_returns, sharpes_of
from investorbench.tasks.statistics.estimate import SEED, FloatArray
from investorbench.tasks.task import Task
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.spaces import BUY, HOLD, SELL

IntArray = npt.NDArray[np.int64]

OF_ONE = ("trade", "weight")
MATCHED = "matched"
"""The kind of references that they are."""
ROUNDING = 1e-6
"""Of what was traded: a record and an account that is stepped again say it in other digits."""


def matched_policies(task: Task, episodes: Sequence[Episode]) -> tuple[Reference, ...]:
    """1,000 random policies that hold what an agent held, for as long, at other times.

    They are long, short and in cash in turn as it was, or in the opposite order, and its spells of
    each are exchanged at random, so that they trade as often and as much; where it chose weights,
    its path of weights also begins on a random day. They meet the same market, costs and options.
    Repeats on one market have equally many policies each.

    Of several assets they hold what it held of others in turn, beginning on a random day, and trade
    towards that about as much as it did: who buys and holds has policies that do. They trade by
    weights where it gave orders.

    An environment of others, or one without a vectorised twin, has none; neither have snapshots.

    Args:
        task: what the agent was scored on.
        episodes: its repeats.

    Returns:
        A reference, or one for each market where repeats have their own.

    Raises:
        InvestorBenchError: the market is not at hand, or a wrapper took other actions.
    """
    facts = task.facts("test")
    if is_of_snapshots(facts) or not task.is_ours or facts.action not in (*OF_ONE, *OF_SEVERAL):
        return ()
    groups: dict[int | None, list[Episode]] = {}
    for episode in episodes:
        groups.setdefault(episode.market_seed if facts.draws_markets else None, []).append(episode)
    found = (_matched(task, facts, market, own) for market, own in groups.items())
    return tuple(each for each in found if each is not None)


def _matched(
    task: Task, facts: Facts, market: int | None, episodes: Sequence[Episode]
) -> Reference | None:
    env = task.by_weights().make_vec("test", POLICIES, market)
    if env is None:
        return None
    rng = np.random.default_rng(SEED)
    lanes = np.array_split(np.arange(POLICIES), len(episodes))
    if facts.action in OF_ONE:
        paths = [targets_of(episode, facts) for episode in episodes]
        targets = np.concatenate(
            [shuffled(path, len(own), facts, rng) for path, own in zip(paths, lanes, strict=True)]
        )
        actions = actions_of(targets, facts)
        returns = policy_returns(env, facts, lambda step, _: actions[:, step])
    else:
        paths = [weights_of(episode, facts) for episode in episodes]
        traded = [traded_of(episode, facts) for episode in episodes]
        choose = exchanged(paths, traded, [len(own) for own in lanes], rng)
        returns = policy_returns(env, facts, choose)
    return Reference(
        name="random policies of its own exposure and turnover",
        kind=MATCHED,
        seed=SEED,
        market_seed=market,
        figures={"SR": sharpes_of(returns, facts)},
    )


def targets_of(episode: Episode, facts: Facts) -> FloatArray:
    """What an agent aimed at on each day: a side of the market, or the weight it chose [T].

    What it held says which side, since HOLD, refused orders and wrappers are behind that. A ruined
    account is taken to have gone on as it was.

    Args:
        episode: of the agent.
        facts: of the environment.
    """
    targets = np.sign(episode.position)
    if facts.action == "weight":
        targets = _weights_in(episode.actions)[:, 0]
    if episode.ended_early:
        targets = targets[:-1]
    last = targets[-1] if len(targets) else 0.0
    return np.append(targets, np.full(facts.steps - len(targets), last))


def weights_of(episode: Episode, facts: Facts) -> FloatArray:
    """Shares of equity in each asset on each day [T, A]: what it chose, or what orders led to.

    A ruined account is taken to have gone on as it was.

    Args:
        episode: of the agent.
        facts: of the environment.
    """
    assets = len(facts.symbols)
    if facts.action == "weights":
        weights = _weights_in(episode.actions, assets)
    else:
        weights = episode.weights.reshape(-1, assets)
    if episode.ended_early:
        weights = weights[:-1]
    last = weights[-1:] if len(weights) else np.zeros((1, assets))
    return np.concatenate([weights, np.repeat(last, facts.steps - len(weights), axis=0)])


def traded_of(episode: Episode, facts: Facts) -> FloatArray:
    """Shares of equity that decisions moved, all assets together [T].

    Args:
        episode: of the agent.
        facts: of the environment.
    """
    assets = len(facts.symbols)
    if facts.action == "weights":
        worth = episode.position.reshape(-1, assets) * episode.marks[1:].reshape(-1, assets)
        held = np.nan_to_num(worth) / episode.equity[1:, None]
        before = np.concatenate([np.zeros((1, assets)), held[:-1]])
        moved = _weights_in(episode.actions, assets) - before
    else:
        moved = episode.notional.reshape(-1, assets) / episode.equity[:-1, None]
    traded = np.abs(moved).sum(axis=1)
    if episode.ended_early:
        traded = traded[:-1]
    return np.append(traded, np.zeros(facts.steps - len(traded)))


def exchanged(
    paths: Sequence[FloatArray],
    traded: Sequence[FloatArray],
    policies: Sequence[int],
    rng: np.random.Generator,
) -> Choose:
    """Policies that hold what others did of other assets, beginning on a random day.

    The weights of who lets a holding grow follow its price, and a policy that kept to them with
    other assets would trade every day. So it goes towards them by no more than the other traded on
    that day or on its day of the path, but where its path begins.

    Args:
        paths: weights [T, A] of each.
        traded: shares of equity that each moved [T].
        policies: how many follow each.
        rng: days and assets come from it.
    """
    follows = np.repeat(np.arange(len(paths)), policies)
    held, most = np.stack(paths), np.stack(traded) * (1.0 + ROUNDING)
    most[:, 0] = np.inf
    _, days, assets = held.shape
    shift = rng.integers(days, size=len(follows))
    order = rng.permuted(np.tile(np.arange(assets), (len(follows), 1)), axis=1)

    def choose(step: int, info: dict[str, Any]) -> npt.NDArray[Any]:
        day = (step + shift) % days
        wanted = np.take_along_axis(held[follows, day], order, axis=1)
        own = np.nan_to_num(info["account"]["weights"])  # of a ruined account there are none
        gap = wanted - own
        far = np.abs(gap).sum(axis=1)
        near = np.maximum(most[follows, step], most[follows, day])
        part = np.divide(near, far, out=np.ones_like(far), where=far > near)[:, None]
        weights = np.where(part < 1.0, own + part * gap, wanted)
        return np.clip(weights, -1.0, 1.0).astype(np.float32)

    return choose


def _weights_in(actions: Sequence[Any], assets: int = 1) -> FloatArray:
    """Weights [T, A]."""
    try:
        return np.array(actions, dtype=np.float64).reshape(len(actions), assets)
    except (TypeError, ValueError):
        raise InvestorBenchError("the agent chose no weights, as its environment takes") from None


def actions_of(targets: FloatArray, facts: Facts) -> npt.NDArray[Any]:
    """Actions that aim at these weights [N, T], as the vectorised environment takes them."""
    if facts.action == "weight":
        return targets[..., None].astype(np.float32)
    flat = SELL if facts.long_only else HOLD
    return np.where(targets > 0.0, BUY, np.where(targets < 0.0, SELL, flat))


def shuffled(path: FloatArray, policies: int, facts: Facts, rng: np.random.Generator) -> FloatArray:
    """Paths of targets with the spells of another in random order [policies, T].

    A spell is a run of days on one side of the market, or in cash.

    Args:
        path: the targets of an agent [T].
        policies: how many.
        facts: of the environment.
        rng: orders come from it.
    """
    is_trade = facts.action == "trade"
    # Where no action leads back to cash, the days before the first order stay where they are.
    waits = is_trade and facts.hold == "keep" and not facts.long_only
    first = int(np.append(path != 0.0, True).argmax()) if waits else 0
    moved = _in_random_order(np.sign(path[first:]), policies, rng)
    if not is_trade:
        # One path of weights on one side has one spell, and its turnover lies within that.
        moved = (moved + rng.integers(len(path), size=(policies, 1))) % len(path)
    kept = np.broadcast_to(path[:first], (policies, first))
    return np.concatenate([kept, path[first:][moved]], axis=1)


def _in_random_order(sides: FloatArray, policies: int, rng: np.random.Generator) -> IntArray:
    """Days of a path [policies, T], those of a spell together, spells in random order."""
    days = len(sides)
    begins = np.flatnonzero(np.append(True, sides[1:] != sides[:-1])[:days])
    lengths = np.diff(np.append(begins, days))
    order = _orders(sides[begins], policies, rng)
    ends = np.cumsum(lengths[order], axis=1)
    place = np.zeros((policies, days + 1), dtype=np.int64)
    np.put_along_axis(place, ends, 1, axis=1)
    place = np.cumsum(place, axis=1)[:, :days]
    shift = begins[order] - (ends - lengths[order])
    return np.asarray(np.arange(days) + np.take_along_axis(shift, place, axis=1))


def _orders(sides: FloatArray, policies: int, rng: np.random.Generator) -> IntArray:
    """Random orders of spells [policies, n] whose sides [n] come as they did, or backwards.

    Whatever is exchanged has one side, so that as much is traded between spells as before.
    """
    wanted = np.tile(sides, (policies, 1))
    wanted[policies // 2 :] = sides[::-1]
    order = np.zeros(wanted.shape, dtype=np.int64)
    for side in np.unique(sides):
        own = np.tile(np.flatnonzero(sides == side), (policies, 1))
        order[wanted == side] = rng.permuted(own, axis=1).ravel()
    return order
