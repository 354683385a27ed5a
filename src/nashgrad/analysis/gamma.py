"""The strength of consensus that a spectrum asks for: w' = J - gamma J^T J near a fixed point."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from nashgrad.core.limits import check_between, check_count, check_positive
from nashgrad.core.operators import LinearOperator
from nashgrad.core.orthogonal import split

MAXIMUM = 100.0
"""The largest gamma that is tried, by default."""
POINTS = 64
"""Gammas that are tried, beside zero, before intervals are halved."""
HALVINGS = 30


class GammaChoice(NamedTuple):
    """A gamma, and the spectrum of A - gamma B that speaks for it."""

    gamma: float
    q: float
    """The largest |Im| / |Re| of an eigenvalue that is neither neutral nor unstable; infinite where
    such a real part is not negative.
    """
    stable: bool
    """Whether all eigenvalues that are not neutral have negative real part."""
    limit: float
    """The largest gamma below which no unstable eigenvalue turns stable; infinite where none does
    up to the maximum.
    """


def projected(jacobian: LinearOperator, start: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """A = V^T J V and B = (J V)^T (J V), so that V^T (J - gamma J^T J) V = A - gamma B.

    The m = min(n, rank) columns of V are an orthonormal basis of span{s, J s, J^2 s, ...}, by
    Arnoldi's method. Where that space is exhausted, or s is zero, it goes on with random vectors of
    a fixed seed; m = n is exact. Costs m products with J, and keeps m vectors. The projection
    sees eigenvalues at the rim of the spectrum first; one that it does not see has no say.

    Args:
        jacobian: J.
        start: s, `(n,)`.
        rank: largest m.

    Returns:
        A and B, `(m, m)`, float64 on the host.

    Raises:
        ValueError: For a rank below 1.

    References:
        W. E. Arnoldi: The principle of minimized iterations in the solution of the matrix
        eigenvalue problem, 1951.
    """
    check_count("rank", rank)
    m = min(jacobian.size, rank)
    hessenberg = torch.zeros(m + 1, m, dtype=torch.float64)
    basis = torch.zeros(m, jacobian.size, dtype=start.dtype, device=start.device)
    basis[0] = _next(start, _norm(start), basis[:0])
    for j in range(m):
        u = jacobian @ basis[j]
        within, rest = split(u, basis[: j + 1])
        length = _norm(rest)
        exhausted = length <= 10 * torch.finfo(u.dtype).eps * _norm(u)
        length = torch.where(exhausted, 0.0, length)
        hessenberg[: j + 2, j] = torch.cat([within, length[None]]).double().cpu()
        if j + 1 < m:
            basis[j + 1] = _next(rest, length, basis[: j + 1])
    # J V = V H with one more row and column of V, which has no part in the others.
    return hessenberg[:m], hessenberg.T @ hessenberg


def _next(rest: Tensor, length: Tensor, basis: Tensor) -> Tensor:
    """The next vector of the basis: rest / length, a random one where length is zero."""
    if length != 0:  # NaN goes on as NaN
        return rest / length
    seed = torch.Generator().manual_seed(len(basis))
    u = torch.randn(len(rest), generator=seed, dtype=rest.dtype).to(rest.device)
    _, u = split(u, basis)
    return u / _norm(u)


def _norm(u: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(u)
    return norm


def smallest_gamma(
    A: Tensor, B: Tensor, q: float = 1.0, *, maximum: float = MAXIMUM, neutral: float = 1e-3
) -> GammaChoice:
    """The smallest gamma with which A - gamma B rotates no faster than q times its damping.

    With the eigenvalues l of A - gamma B, t = neutral |B|^(1/2) (the largest stretch of J) and the
    names *neutral* for |l| <= t and *unstable* for Re l > t, gamma is the smallest with

    - |Im l| <= q |Re l| and Re l < 0 for all l that are neither neutral nor unstable,
    - as many unstable l as at gamma = 0: no more, and not fewer, since consensus would otherwise
      make a fixed point attractive that v flees (a > 0 becomes a - gamma a^2),
    - gamma <= limit, where their number first falls below that at zero,
    - gamma <= maximum.

    Where no gamma does all that it is, of those tried that do all but the first, the one with the
    least max |Im l| / |Re l|; the largest of several.

    The search tries zero and a geometric row of gammas from neutral / |B|^(1/2) to the maximum, and
    then bisects: intervals between two of those in which eigenvalues come and go are not seen.

    Args:
        A: V^T J V, `(m, m)`.
        B: (J V)^T (J V), `(m, m)`.
        q: largest |Im l| / |Re l|; positive.
        maximum: largest gamma; positive.
        neutral: size of eigenvalues that do not count, relative to the stretch; in (0, 1).

    Raises:
        ValueError: For numbers out of range, and matrices that are not finite.
    """
    check_positive("q", q)
    check_positive("maximum", maximum)
    check_between("neutral", neutral, 0, 1)
    if not (A.isfinite().all() and B.isfinite().all()):
        raise ValueError("A and B must be finite")
    A, B = A.detach().double().cpu(), B.detach().double().cpu()
    stretch = float(torch.linalg.matrix_norm(B, 2)) ** 0.5
    if stretch == 0:
        return GammaChoice(0.0, 0.0, True, math.inf)
    spectrum = _Spectrum(A, B, neutral * stretch, q)
    low = min(neutral / stretch, 1e-3 * maximum)
    steps = torch.linspace(0, 1, POINTS, dtype=torch.float64)
    row = (low * (maximum / low) ** steps).clamp(max=maximum)
    limit, tried = _admissible(spectrum, spectrum.at(torch.cat([row.new_zeros(1), row])))
    gamma = _best(spectrum, tried)
    there = spectrum.at(row.new_tensor([gamma]))
    q_there = float(there.worst)
    stable = not there.unstable.any() and q_there < math.inf
    return GammaChoice(gamma, q_there, stable, limit)


class _Seen(NamedTuple):
    """What was seen at k gammas, `(k,)`."""

    gammas: Tensor
    unstable: Tensor
    """The number of unstable eigenvalues."""
    worst: Tensor
    """The largest |Im| / |Re| of those that are neither neutral nor unstable."""


@dataclass(frozen=True)
class _Spectrum:
    """The eigenvalues of A - gamma B, and what is asked of them."""

    A: Tensor
    B: Tensor
    threshold: float
    q: float

    def at(self, gammas: Tensor) -> _Seen:
        found = torch.linalg.eigvals(self.A - gammas[:, None, None] * self.B)
        unstable = found.real > self.threshold
        counts = (found.abs() > self.threshold) & ~unstable
        ratio = torch.where(found.real < 0, found.imag.abs() / -found.real, torch.inf)
        return _Seen(gammas, unstable.sum(1), torch.where(counts, ratio, 0.0).amax(1))

    @cached_property
    def before(self) -> Tensor:
        """The number of unstable eigenvalues at zero."""
        return self.at(torch.zeros(1, dtype=torch.float64)).unstable

    def kept(self, seen: _Seen) -> Tensor:
        """Where no fewer eigenvalues are unstable than at zero."""
        return seen.unstable >= self.before

    def good(self, seen: _Seen) -> Tensor:
        """Where all is well."""
        return (seen.unstable == self.before) & (seen.worst <= self.q)

    def end(self, true: Callable[[_Seen], Tensor], inside: Tensor, outside: Tensor) -> Tensor:
        """Where it ceases to be true on the way from inside to outside, still on the inside."""
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            if true(self.at(middle[None])):
                inside = middle
            else:
                outside = middle
        return inside


def _admissible(spectrum: _Spectrum, seen: _Seen) -> tuple[float, _Seen]:
    """The limit, and what was seen up to it, with the limit as the last gamma."""
    lost = (~spectrum.kept(seen)).nonzero()
    if not len(lost):
        return math.inf, seen
    k = int(lost[0])
    limit = spectrum.end(spectrum.kept, seen.gammas[k - 1], seen.gammas[k])
    there = spectrum.at(limit[None])
    return float(limit), _Seen(*(torch.cat([a[:k], b]) for a, b in zip(seen, there, strict=True)))


def _best(spectrum: _Spectrum, seen: _Seen) -> float:
    good = spectrum.good(seen).nonzero()
    if not len(good):
        same = seen.unstable == spectrum.before  # zero is among them
        least = same & (seen.worst == seen.worst[same].min())
        return float(seen.gammas[least.nonzero()[-1]])
    k = int(good[0])
    if k == 0:
        return 0.0
    return float(spectrum.end(spectrum.good, seen.gammas[k], seen.gammas[k - 1]))
