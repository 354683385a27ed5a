"""TensorFlow's RMSProp against numpy, and effective steps against observed ones."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

from nashgrad import RMSPropTF
from nashgrad.optim import clip_weights, effective_steps


def test_rmsprop_against_numpy() -> None:
    rng = np.random.default_rng(0)
    x, other = rng.normal(size=(3, 2)), rng.normal(size=4)
    params = [nn.Parameter(torch.from_numpy(a.copy())) for a in (x, other)]
    opt = RMSPropTF(
        [{"params": params[:1]}, {"params": params[1:], "lr": 0.2, "decay": 0.5, "epsilon": 0.1}],
        lr=0.01,
    )
    m, m_other = np.ones_like(x), np.ones_like(other)
    for _ in range(50):
        g, g_other = rng.normal(size=x.shape) * 3, rng.normal(size=other.shape)
        for p, gradient in zip(params, (g, g_other), strict=True):
            p.grad = torch.from_numpy(gradient.copy())
        opt.step()
        m = 0.9 * m + 0.1 * g**2
        x = x - 0.01 * g / np.sqrt(m + 1e-10)
        m_other = 0.5 * m_other + 0.5 * g_other**2
        other = other - 0.2 * g_other / np.sqrt(m_other + 0.1)
        np.testing.assert_allclose(params[0].detach().numpy(), x, rtol=1e-12)
        np.testing.assert_allclose(params[1].detach().numpy(), other, rtol=1e-12)


def test_first_steps_are_small_since_the_moment_starts_at_one() -> None:
    p = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    opt = RMSPropTF([p], lr=1e-4)
    p.grad = torch.full_like(p, 1e-3)
    opt.step()
    assert p.item() == pytest.approx(-1e-4 * 1e-3 / np.sqrt(0.9 + 1e-7 + 1e-10))
    q = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    torchs = RMSprop([q], lr=1e-4)
    q.grad = torch.full_like(q, 1e-3)
    torchs.step()
    assert q.item() / p.item() > 900  # another optimiser


def test_epsilon_is_inside_of_the_root() -> None:
    p = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    opt = RMSPropTF([p], lr=1e-4)
    p.grad = torch.full_like(p, 1e-12)
    for _ in range(1000):
        p.grad.fill_(1e-12)
        opt.step()
    before = p.item()
    opt.step()
    assert (before - p.item()) / 1e-12 == pytest.approx(1e-4 / np.sqrt(1e-10), rel=1e-3)


def test_parameters_without_a_gradient_stay() -> None:
    p, q = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    opt = RMSPropTF([p, q])
    opt.step()
    p.grad = torch.ones(2)
    opt.step()
    assert q.tolist() == [1, 1]
    assert p.tolist() != [1, 1]
    assert q not in opt.state


def test_closures() -> None:
    p = nn.Parameter(torch.tensor([3.0]))
    opt = RMSPropTF([p], lr=0.1)

    def closure() -> float:
        opt.zero_grad()
        loss = p.square().sum()
        loss.backward()
        return loss.item()

    assert opt.step(closure) == 9.0
    assert p.item() < 3


def test_state_round_trip() -> None:
    p = nn.Parameter(torch.randn(3))
    opt = RMSPropTF([p], lr=0.1)
    p.grad = torch.randn(3)
    opt.step()
    q = nn.Parameter(p.detach().clone())
    twin = RMSPropTF([q])
    twin.load_state_dict(copy.deepcopy(opt.state_dict()))
    p.grad = q.grad = torch.randn(3)
    opt.step()
    twin.step()
    assert torch.equal(p, q)


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ({"lr": 0.0}, "lr must be positive, got 0.0"),
        ({"lr": -1e-4}, "lr must be positive, got -0.0001"),
        ({"lr": float("nan")}, "lr must be positive, got nan"),
        ({"decay": 1.0}, r"decay must be in \[0, 1\), got 1.0"),
        ({"decay": -0.1}, r"decay must be in \[0, 1\), got -0.1"),
        ({"epsilon": 0.0}, "epsilon must be positive, got 0.0"),
    ],
)
def test_bad_constants(constants: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        RMSPropTF([nn.Parameter(torch.ones(1))], **constants)


KNOWN = {
    "sgd": lambda p: SGD(p, 0.3),
    "rmsprop-tf": lambda p: RMSPropTF(p, 0.2, decay=0.7, epsilon=0.01),
    "rmsprop": lambda p: RMSprop(p, 0.1, alpha=0.8, eps=0.01),
    "rmsprop-centered": lambda p: RMSprop(p, 0.1, centered=True),
    "adam": lambda p: Adam(p, 0.1, betas=(0.0, 0.9), eps=0.01),
    "adam-amsgrad": lambda p: Adam(p, 0.1, betas=(0.0, 0.9), amsgrad=True),
    "adamw": lambda p: AdamW(p, 0.1, betas=(0.0, 0.9), weight_decay=0.0),
}


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_effective_steps_are_the_observed_ones(name: str, steps: int) -> None:
    params = [nn.Parameter(torch.randn(n, dtype=torch.float64)) for n in (3, 2)]
    opt: Optimizer = KNOWN[name]([{"params": params[:1]}, {"params": params[1:]}])
    opt.param_groups[1]["lr"] *= 0.5
    for _ in range(steps):
        for p in params:
            p.grad = torch.randn_like(p) * 2
        before = [p.detach().clone() for p in params]
        opt.step()
    for p, old in zip(params, before, strict=True):
        steps_of = dict(effective_steps(opt))
        observed = (old - p.detach()) / p.grad
        torch.testing.assert_close(steps_of[p], observed, rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    ("name", "step"),
    [("sgd", 0.3), ("rmsprop-tf", 0.2 / np.sqrt(1.01)), ("rmsprop", 10.0), ("adam", 10.0)],
)
def test_effective_steps_before_the_first_one(name: str, step: float) -> None:
    p = nn.Parameter(torch.randn(3, dtype=torch.float64))
    [(_, actual)] = effective_steps(KNOWN[name]([p]))
    assert actual.tolist() == pytest.approx([step] * 3)


def test_unknown_optimizers() -> None:
    class Mine(SGD):
        pass

    for optimizer in (Adagrad, Mine):
        message = (
            rf"^the effective step of {optimizer.__name__} is not known; "
            r"known are Adam, AdamW, RMSPropTF, RMSprop, SGD$"
        )
        with pytest.raises(ValueError, match=message):
            list(effective_steps(optimizer([nn.Parameter(torch.ones(1))], 0.1)))


def test_clipped_weights_stay_within_the_limit() -> None:
    layer = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(layer.parameters(), lr=100.0)
    handle = clip_weights(optimizer, 0.01)
    layer(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    assert max(float(p.detach().abs().max()) for p in layer.parameters()) <= 0.01
    handle.remove()
    optimizer.step()
    assert max(float(p.detach().abs().max()) for p in layer.parameters()) > 0.01
    with pytest.raises(ValueError, match="limit must be positive"):
        clip_weights(optimizer, 0.0)
