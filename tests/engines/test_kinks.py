"""Kinks under every spelling are frozen or refused: no difference is wrong without a word."""

from collections.abc import Callable
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import nashgrad as ng
from references import error

Call = Callable[[Tensor], Tensor]


def images(x: Tensor) -> Tensor:
    return x.unflatten(-1, (1, 4, 4))


def cubes(x: Tensor) -> Tensor:
    return x.unflatten(-1, (1, 4, 2, 2))


def masked_in_place(x: Tensor) -> Tensor:
    y = x.clone()
    y[x < 0] = 0.0
    return y


def by_branches(x: Tensor) -> Tensor:
    return torch.stack([row if row[0] > 0 else 0.1 * row for row in x])


def dropped(x: Tensor) -> Tensor:
    torch.manual_seed(0)  # the same for both engines
    return F.dropout(x)


def twice_written(x: Tensor) -> Tensor:
    """A mask that is written on after it was used."""
    mask = x > 0
    y = x * mask.to(x.dtype)
    mask.logical_not_()
    return y + 0.1 * x * mask


FROZEN: dict[str, Call] = {
    "relu": F.relu,
    "torch.relu": torch.relu,
    "Tensor.relu": lambda x: x.relu(),
    "relu in place": lambda x: F.relu(1 * x, inplace=True),
    "relu_": lambda x: (1 * x).relu_(),
    "nn.ReLU": nn.ReLU(),
    "leaky_relu": lambda x: F.leaky_relu(x, 0.3),
    "nn.LeakyReLU": nn.LeakyReLU(0.2, inplace=True),
    "prelu": lambda x: F.prelu(x, torch.tensor([0.3], dtype=x.dtype)),
    "selu": F.selu,
    "nn.SELU": nn.SELU(),
    "elu": lambda x: F.elu(x, 3.0),
    "torch.elu_": lambda x: F.elu_(1 * x, 2.0),
    "nn.ELU": nn.ELU(0.5),
    "celu": lambda x: F.celu(x, 3.0),
    "hardtanh": lambda x: F.hardtanh(x, -0.5, 0.5),
    "nn.Hardtanh": nn.Hardtanh(),
    "relu6": lambda x: F.relu6(8 * x),
    "nn.ReLU6": nn.ReLU6(),
    "hardswish": lambda x: F.hardswish(4 * x),
    "nn.Hardswish": nn.Hardswish(inplace=True),
    "hardsigmoid": lambda x: F.hardsigmoid(4 * x),
    "nn.Hardsigmoid": nn.Hardsigmoid(),
    "threshold": lambda x: F.threshold(x, 0.1, -1.0),
    "torch.threshold": lambda x: torch.threshold(x, 0.0, 0.0),
    "nn.Threshold": nn.Threshold(0.1, 20.0),
    "abs": torch.abs,
    "abs()": lambda x: abs(x),
    "absolute": torch.absolute,
    "Tensor.abs_": lambda x: (1 * x).abs_(),
    "clamp": lambda x: x.clamp(-0.3, 0.4),
    "clamp by tensors": lambda x: torch.clamp(x, 0.1 * x[:1].sin(), x[1:2].exp()),
    "clip": lambda x: torch.clip(x, min=0.0),
    "clamp_min": lambda x: x.clamp_min(0.0),
    "clamp_min_": lambda x: (1 * x).clamp_min_(0.0),
    "clamp_max": lambda x: torch.clamp_max(x, max=0.2),
    "maximum": lambda x: torch.maximum(x, x.roll(1, -1)),
    "minimum": lambda x: torch.minimum(x, x.roll(1, -1)),
    "fmax": lambda x: torch.fmax(x, torch.zeros_like(x)),
    "fmin": lambda x: torch.fmin(x, x.roll(1, -1)),
    "where": lambda x: torch.where(x > 0, x, 0.1 * x),
    "where, method": lambda x: x.where(x.ge(0), -x),
    "times a mask": lambda x: x * (x > 0),
    "times a mask of numbers": lambda x: x * (x > 0).to(x.dtype),
    "mask written on": twice_written,
    "masked_fill": lambda x: x.masked_fill(x < 0, 0.0),
    "indexed by a mask": lambda x: x[x.sum(-1) > 0].sum(0, keepdim=True) + x,
    "assigned by a mask": masked_in_place,
    "branches": by_branches,
    "sign": lambda x: x * x.sign(),
    "sgn": lambda x: x * torch.sgn(x),
    "heaviside": lambda x: x * torch.heaviside(x.detach(), torch.ones(1, dtype=x.dtype)),
    "round": lambda x: x * (2 * x).round(),
    "floor": lambda x: x * torch.floor(2 * x),
    "division, rounded": lambda x: x * torch.div(x, 0.3, rounding_mode="floor"),
    "argmax": lambda x: x.gather(-1, x.argmax(-1, keepdim=True)) + x,
    "item": lambda x: x * x.detach()[0, 0].item(),
    "max of a dimension": lambda x: x - x.max(-1, keepdim=True)[0],
    "max, squeezed": lambda x: x - x.max(0)[0],
    "min of a dimension": lambda x: x * x.min(1, keepdim=True).values,
    "median": lambda x: x * x.median(-1, keepdim=True).values,
    "kthvalue": lambda x: x * x.kthvalue(2, keepdim=True)[0],
    "sort": lambda x: x.sort(-1)[0],
    "sort, stable": lambda x: x.sort(stable=True, descending=True)[0],
    "topk": lambda x: torch.cat([x.topk(8)[0], x[:, :8]], -1),
    "cummax": lambda x: x.cummax(-1)[0],
    "cummin": lambda x: torch.cummin(x, 1).values,
    "quantile": lambda x: x - x.quantile(0.3, dim=-1, keepdim=True),
    "max_pool1d": lambda x: F.max_pool1d(x[:, None], 2).flatten(1),
    "max_pool2d": lambda x: F.max_pool2d(images(x), 3, stride=1, padding=1).flatten(1),
    "nn.MaxPool2d": lambda x: nn.MaxPool2d(2)(images(x)).flatten(1),
    "max_pool3d": lambda x: F.max_pool3d(cubes(x), 2).flatten(1),
    "adaptive_max_pool2d": lambda x: F.adaptive_max_pool2d(images(x), 3).flatten(1),
    "nn.AdaptiveMaxPool1d": lambda x: nn.AdaptiveMaxPool1d(5)(x[:, None]).flatten(1),
    "aten.max": lambda x: x - torch.ops.aten.max.dim(x, -1, True)[0],
    "softsign": F.softsign,
    "normalize": lambda x: F.normalize(x, dim=-1),
    "cosine_similarity": lambda x: x * F.cosine_similarity(x, x.roll(1, 0))[:, None],
    "layer_norm": lambda x: F.layer_norm(x, (16,)),
    "norm": lambda x: x * x.norm(dim=-1, keepdim=True),
    "gelu": F.gelu,
    "dropout": dropped,
    "rnn": lambda x: nn.functional.silu(torch.lstm_cell(x, (x[:, :4], x[:, :4]), *weights(x))[0]),
}
REFUSED: dict[str, Call] = {
    "rrelu": F.rrelu,
    "nn.RReLU": nn.RReLU().eval(),
    "softshrink": F.softshrink,
    "hardshrink": lambda x: torch.hardshrink(x),
    "aten.relu": lambda x: torch.ops.aten.relu.default(x),
    "aten.clamp_min": lambda x: torch.ops.aten.clamp_min.default(x, 0.0),
    "aten.elu": lambda x: torch.ops.aten.elu.default(x, 3.0),
    "max": lambda x: x - x.max(),
    "max of two": lambda x: torch.max(x, x.roll(1, -1)),
    "amax": lambda x: x - x.amax(-1, keepdim=True),
    "aminmax": lambda x: x - torch.aminmax(x, dim=1, keepdim=True)[1],
    "frac": lambda x: torch.frac(3 * x),
    "remainder": lambda x: x % 0.3,
    "fmod": lambda x: torch.fmod(x, 0.3),
    "l1_loss": lambda x: x * F.l1_loss(x, 1 - x),
    "huber_loss": lambda x: x * F.huber_loss(x, 1 - x),
    "triplet": lambda x: x * F.triplet_margin_loss(x, x.roll(1, 0), x.roll(2, 0)),
    "norm of ord 1": lambda x: x * x.norm(1, dim=-1, keepdim=True),
    "norm of ord inf": lambda x: x * torch.linalg.vector_norm(x, torch.inf),
    "cdist of ord 1": lambda x: torch.cdist(x, x.roll(1, 0) + 1, p=1.0),
    "rnn of relu": lambda x: torch.rnn_relu_cell(x, x[:, :4], *weights(x, 4)),
    "renorm": lambda x: torch.renorm(x, 2, 0, 1.0),
}
SECOND: dict[str, Call] = {
    "hardsigmoid": lambda x: F.relu6(4 * x + 3) / 6,
    "nn.Hardsigmoid": lambda x: F.relu6(x + 3) / 6,
    "maximum": lambda x: torch.where(x > x.roll(1, -1), x, x.roll(1, -1)),
    "minimum": lambda x: torch.where(x < x.roll(1, -1), x, x.roll(1, -1)),
}
"""The same where torch lacks a second derivative."""


def weights(x: Tensor, size: int = 16) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(size, n, generator=generator, dtype=x.dtype) for n in (16, 4)]


class Act(nn.Module):
    def __init__(self, act: Call) -> None:
        super().__init__()
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x)


def game_of(act: Call) -> tuple[ng.Game, dict[str, Tensor]]:
    """Many numbers near a kink, so that differences across it are wrong."""
    torch.manual_seed(0)
    width = act(torch.randn(8, 16, dtype=torch.float64)).shape[-1]
    g = nn.Sequential(nn.Linear(3, 16), Act(act), nn.Linear(width, 2))
    d = nn.Sequential(nn.Linear(2, 16), Act(act), nn.Linear(width, 1))
    batch = {"real": torch.randn(8, 2), "latent": torch.randn(8, 3)}
    return ng.GAN(g, d).double(), {key: x.double() for key, x in batch.items()}


def pulled(game: ng.Game, batch: object, engine: ng.Engine) -> Tensor:
    at = ng.GameField(game, engine=engine).linearize(batch)
    return at.jacobian.T @ at.value


@pytest.mark.parametrize("name", FROZEN)
def test_frozen(name: str) -> None:
    game, batch = game_of(FROZEN[name])
    found = pulled(game, batch, ng.FiniteDifference(central=True))
    assert error(found, exact(name)) < 1e-6


@pytest.mark.parametrize("name", FROZEN)
def test_long_steps_stay_on_the_pieces(name: str) -> None:
    """They would cross many kinks; on one piece half the step makes a fourth of the error."""
    game, batch = game_of(FROZEN[name])
    engines = (ng.FiniteDifference(central=True, step=step) for step in (1e-2, 5e-3))
    far, near = (error(pulled(game, batch, engine), exact(name)) for engine in engines)
    assert near < max(far / 3, 1e-9)


@cache
def exact(name: str) -> Tensor:
    game, batch = game_of(SECOND.get(name, FROZEN[name]))
    return pulled(game, batch, ng.Eager())


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    game, batch = game_of(REFUSED[name])
    with pytest.raises(ValueError, match=r"may have kinks and cannot be frozen.*kinks=True") as e:
        pulled(game, batch, ng.FiniteDifference())
    assert "\n" not in str(e.value)
    pulled(game, batch, ng.FiniteDifference(kinks=True))
