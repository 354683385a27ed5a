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


def widened(interval: Interval, by: float) -> Interval:
    """An interval that reaches at least so far to both sides of its estimate."""
    x, low, high = interval
    return Interval(x, min(low, x - by), max(high, x + by))


def noise_norm(
    parts: Sequence[LinearOperator], block: slice | None = None, *, patterns: int = 3
) -> float:
    """About the spectral norm of the noise that the mean of m operators has.

    Signs s_b that add up to zero make sum_b s_b A_b / m, which has no mean and the noise of the
    mean. Its norm by ten products with it and its transpose from a random vector; the largest of
    some patterns. By products alone where there is no transpose, and twice what they stretch, as a
    random matrix has twice the norm of its largest eigenvalue.

    An eigenvalue of the mean is off by no more than that times its condition, which is one for
    symmetric operators (Weyl; in general Bauer and Fike). Where many eigenvalues lie closer
    together than the noise is large, the perturbation of single ones says nothing, and this does.

    Args:
        parts: A_b of m batches; m at least 2.
        block: the coordinates of a diagonal block; all by default.
        patterns: how many.
    """
    m, n = len(parts), parts[0].size
    draw = torch.Generator().manual_seed(0)
    found = [0.0]
    for _ in range(patterns):
        signs = torch.ones(m, dtype=torch.float64)
        signs[torch.randperm(m, generator=draw)[: m // 2]] = -1
        weights = ((signs - signs.mean()) / m).tolist()
        D = sum(
            ((w * A) for w, A in zip(weights[1:], parts[1:], strict=True)), weights[0] * parts[0]
        )
        u = torch.zeros(n, dtype=torch.float64)
        inside = block or slice(0, n)
        u[inside] = torch.randn(inside.stop - inside.start, generator=draw, dtype=torch.float64)
        found.append(_norm(D, u / u.norm(), inside))
    return max(found)


def _norm(D: LinearOperator, u: Tensor, inside: slice) -> float:
    """By powers of D^T D from a unit vector, or of D; of the block on these coordinates."""
    norm, scale = 0.0, 1.0
    for turn in range(10):
        A = D if turn % 2 == 0 or scale > 1 else D.T
        try:
            image = (A @ u.to(D.device, D.dtype)).to(u)
        except NotImplementedError:
            scale, image = 2.0, (D @ u.to(D.device, D.dtype)).to(u)
        kept = torch.zeros_like(u)
        kept[inside] = image[inside]
        length = float(kept.norm())
        if length == 0:
            break
        norm, u = max(norm, scale * length), kept / length
    return norm


def per_batch(jacobians: Sequence[LinearOperator], right: Tensor, left: Tensor | None) -> Tensor:
    """How much of eigenvalues of the mean J each batch's J_b is responsible for, `(m, k)` complex.

    With J x = l x and y^H J = l y^H it is y^H J_b x / y^H x: their mean is l, and to first order in
    the noise their deviations are those of the eigenvalues. Without y, x^H J_b x / x^H x, whose
    mean is l as well and whose deviations are a lower bound where J is far from normal.

    Args:
        jacobians: J_b.
        right: x as columns, `(n, k)` complex.
        left: y likewise.

    References:
        G. Stewart, J. Sun: Matrix Perturbation Theory, 1990, section IV.2.
    """
    y = right if left is None else left
    scale = (y.conj() * right).sum(0)
    each = [(y.conj() * _apply(J, right)).sum(0) / scale for J in jacobians]
    return torch.stack(each).cpu()


def _apply(A: LinearOperator, u: Tensor) -> Tensor:
    """A U for complex columns, where U is."""
    real = (A @ u.real.contiguous().to(A.device, A.dtype)).to(u.device, torch.float64)
    imaginary = torch.zeros_like(real)
    turning = u.imag.any(0)
    if bool(turning.any()):
        some = (A @ u.imag[:, turning].to(A.device, A.dtype)).to(u.device, torch.float64)
        imaginary[:, turning] = some
    return torch.complex(real, imaginary)
