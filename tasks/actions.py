"""Actions as plain JSON values, which a record holds; as environments take them; and in words."""

import json
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from investorbench_env.errors import InvalidActionError
from investorbench_env.spaces import TRADE_WORDS


def plain_action(space: gym.Space[Any], action: Any) -> Any:
    """An action as JSON values: what ``space.to_jsonable([action])`` holds of the one action.

    Raises:
        InvalidActionError: it is of a class that neither JSON nor the space's ``to_jsonable``
            knows.
    """
    try:
        return _plain(action)
    except TypeError:
        pass
    try:
        return _plain(space.to_jsonable([action])[0])
    except (TypeError, AttributeError, LookupError):
        raise InvalidActionError(
            f"the action {action!r} cannot be recorded: it is no JSON value, and to_jsonable of "
            f"{space} makes none of it"
        ) from None


def action_of(space: gym.Space[Any], plain: Any) -> Any:
    """The action that :func:`plain_action` was given, as the environment takes it."""
    match space:
        case spaces.Dict():
            return {name: action_of(space[name], part) for name, part in plain.items()}
        case spaces.Tuple():
            return tuple(map(action_of, space.spaces, plain))
        case spaces.Sequence() if not space.stack:
            return tuple(action_of(space.feature_space, part) for part in plain)
        case spaces.Discrete():
            return plain
        case spaces.Box() | spaces.MultiBinary() | spaces.MultiDiscrete():
            return _array(plain, space.dtype) if isinstance(plain, list) else plain
        case _:
            return space.from_jsonable([plain])[0]


def action_word(plain: Any, kind: str = "trade") -> str:
    """``sell``, ``hold`` or ``buy``, a target weight with its sign, or the values themselves.

    Args:
        plain: the action in plain values.
        kind: what actions of its environment are, see ``Facts.action``.
    """
    if kind == "trade" and isinstance(plain, int) and 0 <= plain < len(TRADE_WORDS):
        return TRADE_WORDS[plain]
    value = plain[0] if isinstance(plain, list) and len(plain) == 1 else plain
    if isinstance(value, float):
        return f"{value:+.2f}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _array(values: Any, dtype: Any) -> Any:
    """An array of the space's type, if that holds every value to the bit."""
    exact = np.asarray(values)
    typed = exact.astype(dtype)
    return typed if np.array_equal(typed, exact) else exact


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        # As an environment reads it: a class of its own may list other values, a masked array none.
        return np.asarray(value).tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    raise TypeError(f"{type(value).__name__} is no JSON value")
