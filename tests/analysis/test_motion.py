"""Where a step leads: matrices whose answer is known."""

import math

import pytest
import torch
from torch import Tensor

from nashgrad.analysis.motion import Motion, motion
from nashgrad.core.operators import DenseOperator

F64 = torch.float64


def turn(real: float, imaginary: float) -> Tensor:
    return torch.tensor([[real, -imaginary], [imaginary, real]], dtype=F64)


def found(*blocks: Tensor, step: list[float] | None = None, mix: int | None = 0) -> Motion:
    """Of a block-diagonal map in another basis."""
    A = torch.block_diag(*blocks)
    d = torch.ones(len(A), dtype=F64) if step is None else torch.tensor(step, dtype=F64)
    if mix is not None:
        Q, _ = torch.linalg.qr(
            torch.randn(len(A), len(A), generator=torch.Generator().manual_seed(mix), dtype=F64)
        )
        A, d = Q @ A @ Q.T, Q @ d
    return motion(DenseOperator(A), d)


@pytest.mark.parametrize(
    ("block", "kind", "factor"),
    [
        (turn(0.0, 0.05), "cycling", math.hypot(1, 0.05)),
        (turn(-0.001, 0.05), "cycling", math.hypot(0.999, 0.05)),
        (turn(-0.02, 0.05), "shrinking", math.hypot(0.98, 0.05)),
        (turn(0.0, 1.0), "overshooting", math.sqrt(2)),
        (turn(0.02, 0.05), "growing", math.hypot(1.02, 0.05)),
        (torch.tensor([[-2.5]], dtype=F64), "overshooting", 1.5),
        (torch.tensor([[-0.5]], dtype=F64), "shrinking", 0.5),
        (torch.tensor([[0.1]], dtype=F64), "growing", 1.1),
    ],
)
def test_one_kind(block: Tensor, kind: str, factor: float) -> None:
    m = found(block, mix=None)
    assert getattr(m, kind) == pytest.approx(1)
    assert m.factor == pytest.approx(factor)


def test_shares_are_those_of_the_step() -> None:
    """An orthonormal basis, weights 4 : 2 : 1."""
    blocks = [torch.tensor([[x]], dtype=F64) for x in (-2.5, 0.3, -0.5)]
    m = found(*blocks, step=[4, 2, 1])
    assert (m.overshooting, m.growing, m.shrinking) == pytest.approx((4 / 7, 2 / 7, 1 / 7))
    assert sum(m[:5]) == pytest.approx(1)


def test_what_has_no_part_in_the_step_is_not_seen() -> None:
    blocks = [torch.tensor([[x]], dtype=F64) for x in (-2.5, -0.5)]
    m = found(*blocks, step=[0, 1])
    assert (m.shrinking, m.overshooting, m.factor) == pytest.approx((1, 0, 0.5))


def test_a_large_map_is_projected() -> None:
    """Two hundred shrinking ones, and a pair that turns and has most of the step."""
    rest = -torch.diag(torch.linspace(0.1, 0.9, 200, dtype=F64))
    m = found(turn(0.0, 0.05), rest, step=[10.0, 10.0, *[0.05] * 200])
    assert m.cycling > 0.8
    assert sum(m[:5]) == pytest.approx(1)


def test_a_zero_map_drifts() -> None:
    assert motion(DenseOperator(torch.zeros(3, 3, dtype=F64)), torch.ones(3).double()).drifting == 1


def test_a_defective_map() -> None:
    A = torch.tensor([[-0.5, 1.0], [0.0, -0.5]], dtype=F64)
    m = motion(DenseOperator(A), torch.tensor([0.0, 1.0], dtype=F64))
    assert m.shrinking == pytest.approx(1)


@pytest.mark.parametrize("d", [[0.0, 0.0], [math.nan, 1.0]])
def test_no_step(d: list[float]) -> None:
    with pytest.raises(ValueError, match=r"^d must be finite and not zero$"):
        motion(DenseOperator(torch.eye(2, dtype=F64)), torch.tensor(d, dtype=F64))
