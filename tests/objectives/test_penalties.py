"""R1 and R2 against closed forms."""

import pytest
import torch
from torch import Tensor

from nashgrad.objectives import R1, R2


def critic(x: Tensor) -> Tensor:
    """D(x) = |x|^2, so |grad D|^2 = 4 |x|^2."""
    return x.square().flatten(1).sum(1, keepdim=True)


@pytest.mark.parametrize("shape", [(7, 2), (3, 1, 4, 4)])
def test_closed_form(shape: tuple[int, ...]) -> None:
    real, fake = torch.randn(2, *shape, dtype=torch.float64)
    for penalty, x in ((R1(3.0), real), (R2(3.0), fake)):
        expected = 3.0 / 2 * 4 * x.square().flatten(1).sum(1).mean()
        torch.testing.assert_close(penalty(critic, real, fake).detach(), expected)
        torch.testing.assert_close(type(penalty)(0.0)(critic, real, fake).item(), 0.0)


def test_r2_reaches_the_generator_and_r1_does_not() -> None:
    shift = torch.ones(2, dtype=torch.float64, requires_grad=True)
    real, z = torch.randn(2, 5, 2, dtype=torch.float64)
    fake = z + shift
    (gradient,) = torch.autograd.grad(R2(2.0)(critic, real, fake), shift)
    torch.testing.assert_close(gradient, 8 * fake.detach().mean(0))
    nothing = torch.autograd.grad(R1(2.0)(critic, real, fake), shift, allow_unused=True)
    assert nothing == (None,)


def test_samples_are_left_as_they_are() -> None:
    real, fake = torch.randn(2, 5, 2)
    R1(1.0)(critic, real, fake)
    R2(1.0)(critic, real, fake)
    assert not real.requires_grad
    assert not fake.requires_grad
    with torch.no_grad():  # evaluation
        assert R1(1.0)(critic, real, fake).isfinite()


@pytest.mark.parametrize("kind", [R1, R2])
@pytest.mark.parametrize("gamma", [-0.5, float("inf"), float("nan")])
def test_bad_weights(kind, gamma: float) -> None:
    with pytest.raises(ValueError, match=rf"^gamma must be finite and not negative, got {gamma}$"):
        kind(gamma)
