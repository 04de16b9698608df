"""In what units features are, and how large they may be."""

LIMIT = 10.0
"""No feature is larger; an account close to ruin would be."""

DAILY_UNIT = 0.1
"""A logarithm of a price of this size becomes 1: those of a window of daily bars span some tenths,
and those of other bars as the square root of their length."""
