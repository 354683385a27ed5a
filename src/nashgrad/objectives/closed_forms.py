"""Divergences of two discrete distributions, in nats.

Each takes the probabilities p of the data and q of the model, `(k,)` each, and gives a scalar.
Points that have neither count nothing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def kullback_leibler(p: Tensor, q: Tensor) -> Tensor:
    """KL(p, q) = sum p log(p / q)."""
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum()


def jensen_shannon(p: Tensor, q: Tensor) -> Tensor:
    """JS(p, q) = (KL(p, m) + KL(q, m)) / 2 with m = (p + q) / 2; at most ln 2."""
    m = (p + q) / 2
    return (kullback_leibler(p, m) + kullback_leibler(q, m)) / 2


def total_variation(p: Tensor, q: Tensor) -> Tensor:
    """TV(p, q) = sum |p - q| / 2; at most 1."""
    return (p - q).abs().sum() / 2


def pearson(p: Tensor, q: Tensor) -> Tensor:
    """chi^2(p, q) = sum (p - q)^2 / q."""
    return torch.where(p == q, 0, (p - q).square() / q).sum()


def squared_hellinger(p: Tensor, q: Tensor) -> Tensor:
    """H^2(p, q) = sum (sqrt p - sqrt q)^2; at most 2."""
    return (p.sqrt() - q.sqrt()).square().sum()


def gan_value(p: Tensor, q: Tensor) -> Tensor:
    """2 JS(p, q) - 2 ln 2."""
    return 2 * jensen_shannon(p, q) - 2 * math.log(2)
