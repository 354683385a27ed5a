"""Limits on the numbers that methods are made with."""

from __future__ import annotations

import math


def check_not_negative(name: str, value: float) -> None:
    """Raises `ValueError` unless the value is a finite number that is not negative."""
    if not (_is_finite(value) and value >= 0):
        raise ValueError(f"{name} must be finite and not negative, got {value!r}")


def check_positive(name: str, value: float) -> None:
    """Raises `ValueError` unless the value is a finite positive number."""
    if not (_is_finite(value) and value > 0):
        raise ValueError(f"{name} must be positive and finite, got {value!r}")


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
