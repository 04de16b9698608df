"""exp and log from + − × ÷ alone: a number has the same one wherever it stands in an array.

NumPy's own may differ in the last bit between a long array and a short one, or between machines,
and a path that is drawn alone must be that path among many. Rational approximations of Moshier
(1989), Methods and Programs for Mathematical Functions (Cephes), within two units of the last bit.
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

EXP_ABOVE = (1.26177193074810590878e-4, 3.02994407707441961300e-2, 9.99999999999999999910e-1)
EXP_BELOW = (
    3.00198505138664455042e-6,
    2.52448340349684104192e-3,
    2.27265548208155028766e-1,
    2.0,
)
LOG_ABOVE = (
    1.01875663804580931796e-4,
    4.97494994976747001425e-1,
    4.70579119878881725854,
    1.44989225341610930846e1,
    1.79368678507819816313e1,
    7.70838733755885391666,
)
LOG_BELOW = (
    1.0,
    1.12873587189167450590e1,
    4.52279145837532221105e1,
    8.29875266912776603211e1,
    7.11544750618563894466e1,
    2.31251620126765340583e1,
)
EXP_TWO = 6.93145751953125e-1, 1.42860682030941723212e-6
"""ln 2 in two parts, of which the first times a whole number is exact."""
LOG_TWO = 0.693359375, -2.121944400546905827679e-4
LOG2_E = 1.4426950408889634073599
LARGEST = 700.0
"""Beyond it exp is cut off, short of infinity and of numbers without all their bits."""
EXPONENT, BIAS = 52, 1023


def exp(x: FloatArray) -> FloatArray:
    """The exponential of each number, of −700 below it and of 700 above [...]."""
    rest = np.clip(x, -LARGEST, LARGEST)
    twos = np.floor(rest * LOG2_E + 0.5)
    # Written into what is there already, which memory makes quicker than it makes new arrays.
    rest -= twos * EXP_TWO[0]
    rest -= twos * EXP_TWO[1]
    square = rest * rest
    rest *= _polynomial(square, EXP_ABOVE)
    below = _polynomial(square, EXP_BELOW)
    below -= rest
    rest /= below
    rest += rest
    rest += 1.0
    scale = twos.astype(np.int64)
    scale += BIAS
    scale <<= EXPONENT
    rest *= scale.view(np.float64)
    return np.asarray(rest)


def log(x: FloatArray) -> FloatArray:
    """The natural logarithm of positive numbers that have all their bits [...]."""
    mantissa, twos = np.frexp(x)
    low = mantissa < np.sqrt(0.5)
    twos = (twos - low).astype(np.float64)
    rest = np.where(low, mantissa + mantissa, mantissa) - 1.0
    square = rest * rest
    tail = rest * (square * _polynomial(rest, LOG_ABOVE) / _polynomial(rest, LOG_BELOW))
    tail = tail + twos * LOG_TWO[1] - 0.5 * square
    return np.asarray(rest + tail + twos * LOG_TWO[0])


def _polynomial(x: FloatArray, coefficients: tuple[float, ...]) -> FloatArray:
    """By Horner's rule, from the highest power."""
    highest, *rest = coefficients
    value = x * highest
    for each in rest[:-1]:
        value += each
        value *= x
    value += rest[-1]
    return value
