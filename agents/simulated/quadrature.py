"""Expectations over normal shocks and interpolation on grids, as matrices."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def normal_nodes(count: int) -> tuple[FloatArray, FloatArray]:
    """Gauss–Hermite nodes and weights of a standard normal variable [count] each."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return nodes, weights / weights.sum()


def cubic_interpolation(grid: FloatArray, points: FloatArray) -> FloatArray:
    """The matrix that takes values on an evenly spaced grid to points, clamped to it.

    Through the four grid points around each point.

    Args:
        grid: ascending [G], at least four points.
        points: of any shape [...].

    Returns:
        Weights of the grid's values [..., G].
    """
    place = np.clip((points - grid[0]) / (grid[1] - grid[0]), 0.0, len(grid) - 1.0)
    first = np.clip(np.floor(place).astype(np.int64) - 1, 0, len(grid) - 4)
    offset = place - first
    matrix = np.zeros((*np.shape(points), len(grid)))
    for k in range(4):
        factors = [(offset - j) / (k - j) for j in range(4) if j != k]
        share = factors[0] * factors[1] * factors[2]
        np.put_along_axis(matrix, (first + k)[..., None], share[..., None], axis=-1)
    return matrix


def linear_interpolation(grid: FloatArray, points: FloatArray) -> FloatArray:
    """The same between the two points around each, on any ascending grid [..., G]."""
    above = np.clip(np.searchsorted(grid, points), 1, len(grid) - 1)
    below = grid[above - 1]
    share = np.clip((points - below) / (grid[above] - below), 0.0, 1.0)
    matrix = np.zeros((*np.shape(points), len(grid)))
    np.put_along_axis(matrix, (above - 1)[..., None], (1.0 - share)[..., None], axis=-1)
    np.put_along_axis(matrix, above[..., None], share[..., None], axis=-1)
    return matrix
