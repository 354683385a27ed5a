"""The field along the line through two points, such as two checkpoints of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from nashgrad.core.adjusted import AdjustedField
from nashgrad.core.field import GameField
from nashgrad.core.game import Batch
from nashgrad.core.limits import check_count, check_positive

Field: TypeAlias = GameField | AdjustedField

SEEN = 0.1
"""Cosines below it count as noise."""


@dataclass(frozen=True)
class PathShape:
    """What the path-angle does around a point: the cosine on both sides, and a bump between them.

    Seen from far enough, the cosine is t^T J t / |J t| after the point and minus that before it, t
    being the direction of the path. A rotation shows in between: where the path passes the point at
    some distance, v lies along the path or against it.

    The numbers are NaN where less than five cosines are finite; nothing is seen then.
    """

    before: float
    """The median cosine in the first third of the window."""
    after: float
    """The median cosine in its last third."""
    bump: float
    """How far the cosine rises above both of them, or falls below both; at least 0."""

    @property
    def attracts(self) -> bool:
        """Whether v points to the point from both sides."""
        return self.before > SEEN and self.after < -SEEN

    @property
    def repels(self) -> bool:
        """Whether v points away from it on both sides."""
        return self.before < -SEEN and self.after > SEEN

    @property
    def rotates(self) -> bool:
        """Whether the cosine has a bump."""
        return self.bump > SEEN

    def __str__(self) -> str:
        """In words, such as "attraction and rotation"."""
        names = {"attraction": self.attracts, "repulsion": self.repels, "rotation": self.rotates}
        return " and ".join(name for name, seen in names.items() if seen) or "nothing seen"


@dataclass(frozen=True)
class PathAngle:
    """The field along x(a) = a x1 + (1 - a) x0; all `(k,)`, float64 on the host."""

    alphas: Tensor
    """Where, increasing: 0 at the start x0, 1 at the end x1."""
    cosines: Tensor
    """c(a) = <v(x(a)), x1 - x0> / (|v(x(a))| |x1 - x0|), NaN where v is zero or not finite."""
    norms: Tensor
    """|v(x(a))|."""

    def near(self, at: float = 1.0, width: float = 0.5) -> PathShape:
        """What is seen where |a - at| <= width; at the end of the path by default.

        Args:
            at: the a that is looked at.
            width: half of the window; positive. A bump is as wide as the path passes far from the
                point, relative to |x1 - x0|: a window much wider than that tells both apart.

        Raises:
            ValueError: For a width that is not positive.
        """
        check_positive("width", width)
        # Without the slack, rounding would let one of two ends of the window in.
        inside = ((self.alphas - at).abs() <= width * (1 + 1e-9)) & self.cosines.isfinite()
        cosines = self.cosines[inside]
        if len(cosines) < 5:
            return PathShape(math.nan, math.nan, math.nan)
        third = len(cosines) // 3
        before, after = float(cosines[:third].median()), float(cosines[-third:].median())
        rise = float(cosines.max()) - max(before, after)
        fall = min(before, after) - float(cosines.min())
        return PathShape(before, after, max(rise, fall, 0.0))


def path_angle(
    field: Field,
    batch: Batch,
    start: Tensor,
    end: Tensor,
    points: int = 81,
    *,
    span: tuple[float, float] = (-0.5, 1.5),
) -> PathAngle:
    """The angle between the field and the path from one point to another, along their line.

    Read at the end of training, a = 1, with the start of training at a = 0:

    - c switches its sign: the end attracts (from above zero to below) or repels (the reverse);
    - c has a bump: v turns around the end;
    - both: it does both.

    In this library v points where a step goes. The paper's v is the gradient: its cosines have the
    other sign.

    Evaluates v once per point, on the same batch. The parameters are put back as they were, also
    after an error; buffers stay frozen.

    Args:
        field: v, or an adjusted w.
        batch: the sample.
        start, end: x0 and x1, `(n,)`.
        points: number of points; at least 2. 81 of them meet a = 0 and a = 1.
        span: the first and the last a. A bump may be much narrower than the path is long: look
            closer, with (0.9, 1.1) for one.

    Raises:
        ValueError: For points of the wrong size, not finite or equal, a span that does not
            increase, and fewer than 2 points.

    References:
        H. Berard, G. Gidel, A. Almahairi, P. Vincent, S. Lacoste-Julien: A Closer Look at the
        Optimization Landscapes of Generative Adversarial Networks, 2020.
    """
    check_count("points", points)
    low, high = span
    if points < 2 or not -math.inf < low < high < math.inf:
        raise ValueError(f"a path needs 2 points and a span that increases, got {points} on {span}")
    start, end = _checked(field, "start", start), _checked(field, "end", end)
    direction = (end - start).double()
    length = torch.linalg.vector_norm(direction)
    if length == 0:
        raise ValueError("start and end are the same point: there is no path between them")

    def measure(v: Tensor) -> Tensor:
        v = v.double()
        norm = torch.linalg.vector_norm(v)
        cosine = v @ (direction / length) / norm
        return torch.stack([torch.where(norm.isfinite(), cosine, torch.nan), norm])

    # Rounded, so that 0 and 1 are not missed by rounding.
    alphas = torch.linspace(low, high, points, dtype=torch.float64).round(decimals=12)
    line = (torch.lerp(start, end, a) for a in alphas.tolist())  # exact at 0 and at 1
    cosines, norms = _visit(field, batch, line, measure).T.cpu()
    return PathAngle(alphas, cosines.clamp(-1, 1), norms)


def field_at(field: Field, points: Tensor, batch: Batch = None) -> Tensor:
    """The field at many points, `(m, n)`: one evaluation for each row of the points, `(m, n)`.

    The parameters are put back as they were, also after an error; buffers stay frozen.

    Args:
        field: v, or an adjusted w.
        points: `(m, n)`, m at least 1; of any type and device.
        batch: the sample; `None` for games that use none.

    Raises:
        ValueError: For points of another shape.

    Example:
        >>> from nashgrad.games import DiracGAN
        >>> v = field_at(GameField(DiracGAN()), torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
        >>> v.shape
        torch.Size([2, 2])
    """
    size = field.space.size
    if points.dim() != 2 or points.shape[1] != size or len(points) == 0:
        raise ValueError(f"points must have shape (m, {size}), m >= 1, got {tuple(points.shape)}")
    return _visit(field, batch, points.detach().to(field.space.device, field.space.dtype))


def _checked(field: Field, name: str, x: Tensor) -> Tensor:
    size = field.space.size
    if x.shape != (size,):
        raise ValueError(f"{name} must have shape ({size},), got {tuple(x.shape)}")
    if not x.isfinite().all():
        raise ValueError(f"{name} must be finite: choose a checkpoint from before the run diverged")
    return x.detach().to(field.space.device, field.space.dtype)


def _visit(
    field: Field,
    batch: Batch,
    points: Iterable[Tensor],
    measure: Callable[[Tensor], Tensor] = Tensor.clone,
) -> Tensor:
    """The measures of v at each point, stacked; the parameters are where they were before."""
    before = field.space.get()
    try:
        measured = []
        for x in points:
            field.space.set_(x)
            measured.append(measure(field.linearize(batch, order=1).value.detach()))
        return torch.stack(measured)
    finally:
        field.space.set_(before)
