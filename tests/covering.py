"""Of many combinations, a few in which each two values meet: those are quick, the others heavy."""

from collections.abc import Iterable, Sequence
from itertools import combinations, product
from typing import Any

import pytest


def each_pair_quickly(*axes: Sequence[Any]) -> list[Any]:
    """All combinations for ``parametrize``, those marked ``heavy`` that add no pair of values.

    Args:
        axes: the values of each argument.
    """
    every = list(product(*map(range, map(len, axes))))
    left = {pair for combination in every for pair in _pairs(combination)}
    quick = set()
    while left:
        best = max(every, key=lambda combination: len(left & _pairs(combination)))
        quick.add(best)
        left -= _pairs(best)
    return [
        pytest.param(
            *(axis[place] for axis, place in zip(axes, combination, strict=True)),
            marks=() if combination in quick else pytest.mark.heavy,
        )
        for combination in every
    ]


def _pairs(combination: tuple[int, ...]) -> set[tuple[tuple[int, int], ...]]:
    """The places on each two axes."""
    return set(combinations(enumerate(combination), 2))


def some_quickly(values: Iterable[Any], number: int) -> list[Any]:
    """All values for ``parametrize``, of which so many, evenly spread, are not marked ``heavy``.

    Args:
        values: of one argument, or tuples of several.
        number: how many are quick.
    """
    every = list(values)
    quick = {len(every) * place // number for place in range(number)}
    return [
        each
        if place in quick
        else pytest.param(*(each if isinstance(each, tuple) else (each,)), marks=pytest.mark.heavy)
        for place, each in enumerate(every)
    ]
