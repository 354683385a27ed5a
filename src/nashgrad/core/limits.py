"""Limits on the numbers that methods are made with."""

from __future__ import annotations

import math
from numbers import Real


def check_not_negative(name: str, value: float) -> None:
    """Raises `ValueError` unless the value is a finite number that is not negative."""
    if not (_is_finite(value) and value >= 0):
        raise ValueError(f"{name} must be finite and not negative, got {value!r}")


def check_positive(name: str, value: float) -> None:
    """Raises `ValueError` unless the value is a finite positive number."""
    if not (_is_finite(value) and value > 0):
        raise ValueError(f"{name} must be positive and finite, got {value!r}")


def check_between(name: str, value: float, low: float, high: float) -> None:
    """Raises `ValueError` unless low < value < high."""
    if not (_is_finite(value) and low < value < high):
        raise ValueError(f"{name} must lie between {low:g} and {high:g}, got {value!r}")


def check_finite(name: str, value: float) -> None:
    """Raises `ValueError` unless the value is a finite number."""
    if not _is_finite(value):
        raise ValueError(f"{name} must be finite, got {value!r}")


def check_count(name: str, value: object) -> None:
    """Raises `ValueError` unless the value is a whole number of at least 1."""
    if not (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")


def check_kind(name: str, value: object, kind: type, example: str) -> None:
    """Raises `TypeError` unless the value is of a kind."""
    if not isinstance(value, kind):
        wanted = f"{'an' if kind.__name__[0] in 'AEIO' else 'a'} {kind.__name__}"
        raise TypeError(f"{name} must be {wanted}, such as {example}, got {value!r}")


def _is_finite(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
