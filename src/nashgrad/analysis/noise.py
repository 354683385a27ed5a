"""What several minibatches say of the mean over all data: is it zero, and which sign has it?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import torch
from scipy.special import stdtrit
from torch import Tensor

from nashgrad.core.operators import LinearOperator

PATTERNS = 4096
"""Patterns of signs that are drawn where there are too many to try all."""


def debiased_square(values: Tensor) -> float:
    """An unbiased estimate of |E v|^2 from m independent v_b: the mean of <v_b, v_c> over b != c.

    The squared norm of the mean is too large by the noise's trace over m, which near a fixed point
    is all that it is.

    Args:
        values: `(m, n)`, m at least 2.
    """
    G = _between(values)
    return float(G.sum() / (len(G) * (len(G) - 1)))


def zero_mean_probability(values: Tensor) -> float:
    """The p value of E v = 0, from m independent v_b: how often random signs do as well.

    The statistic is that of [`debiased_square`][nashgrad.analysis.noise.debiased_square]. If v_b
    and -v_b are equally likely, it is as likely for s_b v_b with any signs s; the p value is the
    share of sign patterns for which it is at least as large as it is. All 2^(m-1) are tried up to
    m = 13.

    Args:
        values: `(m, n)`. With m below 6 no p value is below 0.05.

    Returns:
        In [2^(1-m), 1].
    """
    G = _between(values)
    S = _signs(len(G))
    found = ((S @ G) * S).sum(1)
    return float((found >= found[0] - 1e-12 * G.abs().sum()).double().mean())


def _between(values: Tensor) -> Tensor:
    """<v_b, v_c>, `(m, m)` in float64, with a zero diagonal."""
    if values.dim() != 2 or len(values) < 2:
        raise ValueError(f"values must be (m, n) with m at least 2, got {tuple(values.shape)}")
    v = values.detach().double().cpu()
    G = v @ v.T
    return G - torch.diag(G.diagonal())


def _signs(m: int) -> Tensor:
    """Patterns of signs that differ by more than a common sign, the plain one first, `(k, m)`."""
    if m <= 13:
        rest = list(itertools.product((1.0, -1.0), repeat=m - 1))
        return torch.tensor([(1.0, *signs) for signs in rest], dtype=torch.float64)
    draw = torch.Generator().manual_seed(0)
    S = 2.0 * torch.randint(2, (PATTERNS, m), generator=draw).double() - 1
    S[0] = 1
    return S


class Interval(NamedTuple):
    """An estimate, and the interval that holds the truth with the confidence asked for."""

    estimate: float
    low: float
    high: float

    @property
    def sign(self) -> int:
        """1 or -1 where the interval lies on one side of zero, 0 where it holds it."""
        return int(self.low > 0) - int(self.high < 0)


def mean_interval(samples: Tensor, confidence: float = 0.95, *, of: int = 1) -> Interval:
    """Student's interval of the mean of independent samples, `(m,)`.

    Args:
        samples: real; m at least 2.
        confidence: that all intervals hold the truth.
        of: how many intervals that confidence is shared among (Bonferroni).
    """
    m = len(samples)
    mean = float(samples.double().mean())
    error = float(samples.double().std()) / m**0.5
    reach = float(stdtrit(m - 1, 1 - (1 - confidence) / (2 * of))) * error
    return Interval(mean, mean - reach, mean + reach)


def per_batch(jacobians: Sequence[LinearOperator], right: Tensor, left: Tensor | None) -> Tensor:
    """How much of an eigenvalue of the mean J each batch's J_b is responsible for, `(m,)` complex.

    With J x = l x and y^H J = l y^H it is y^H J_b x / y^H x: their mean is l, and to first order in
    the noise their deviations are those of the eigenvalues. Without y, x^H J_b x / x^H x, whose
    mean is l as well and whose deviations are a lower bound where J is far from normal.

    Args:
        jacobians: J_b.
        right: x, `(n,)` complex.
        left: y, `(n,)` complex.

    References:
        G. Stewart, J. Sun: Matrix Perturbation Theory, 1990, section IV.2.
    """
    y = right if left is None else left
    scale = (y.conj() * right).sum()
    return torch.stack([(y.conj() * _apply(J, right)).sum() / scale for J in jacobians]).cpu()


def _apply(A: LinearOperator, u: Tensor) -> Tensor:
    """A u for a complex u, where u is."""
    real = (A @ u.real.to(A.device, A.dtype)).to(u.device, torch.float64)
    if not u.imag.any():
        return torch.complex(real, torch.zeros_like(real))
    imaginary = (A @ u.imag.to(A.device, A.dtype)).to(u.device, torch.float64)
    return torch.complex(real, imaginary)
