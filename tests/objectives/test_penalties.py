"""Penalties and instance noise: closed forms, what they draw, second order on top of them."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

import nashgrad as ng
from nashgrad.data import stream
from nashgrad.models import MLP
from nashgrad.objectives import DRAGAN, R1, R2, WGANGP, InstanceNoise, Penalty, ZeroCentredGP


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


def quartic(x: Tensor) -> Tensor:
    """D(x) = |x|^4 / 4, so |grad D|^2 = |x|^6."""
    return x.square().flatten(1).sum(1, keepdim=True).square() / 4


@pytest.mark.parametrize("shape", [(7, 2), (3, 1, 4, 4)])
def test_penalties_between_samples(shape: tuple[int, ...]) -> None:
    draw = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, *shape, generator=draw, dtype=torch.float64)
    drawn = WGANGP(1.0).draws(real, draw)
    u = drawn["mix"]
    assert u.shape == (shape[0], *[1] * (len(shape) - 1))
    assert ((u >= 0) & (u < 1)).all()
    assert len(u.unique()) == shape[0]
    norms = (u * real + (1 - u) * fake).flatten(1).norm(dim=1) ** 3
    for penalty, expected in (
        (WGANGP(3.0), 3 * (norms - 1) ** 2),
        (WGANGP(3.0, one_sided=True), 3 * (norms - 1).clamp(min=0) ** 2),
        (ZeroCentredGP(3.0), 3 * norms**2),
    ):
        torch.testing.assert_close(penalty(quartic, real, fake, drawn).detach(), expected.mean())


def test_dragan_looks_near_real_samples() -> None:
    draw = torch.Generator().manual_seed(0)
    real = torch.randn(2000, 2, generator=draw, dtype=torch.float64)
    drawn = DRAGAN(1.0).draws(real, draw)
    moved = drawn["perturbation"]
    assert moved.min() >= 0
    assert float(moved.max()) <= 0.5 * float(real.std())
    assert float(moved.mean()) == pytest.approx(0.5 * float(real.std()) / 4, rel=0.05)
    norms = (real + moved).norm(dim=1) ** 3
    found = DRAGAN(2.0)(quartic, real, real, drawn).detach()
    torch.testing.assert_close(found, 2 * ((norms - 1) ** 2).mean())


def test_flat_discriminators_have_finite_derivatives() -> None:
    """The root of a slope of zero has none of its own."""
    w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    real = torch.ones(3, 2, dtype=torch.float64)
    loss = WGANGP(1.0)(lambda x: (x @ w).tanh()[:, None], real, real, {"mix": real[:, :1]})
    (gradient,) = torch.autograd.grad(loss, w, create_graph=True)
    (second,) = torch.autograd.grad(gradient.sum(), w)
    assert gradient.isfinite().all()
    assert second.isfinite().all()


@pytest.mark.parametrize("penalty", [WGANGP(1.0), ZeroCentredGP(1.0), DRAGAN(1.0)])
def test_what_is_missing_in_the_batch_is_named(penalty: Penalty) -> None:
    x = torch.zeros(2, 2)
    with pytest.raises(ValueError, match=r"needs the entry '\w+'; nashgrad.stream\(..., draws="):
        penalty(critic, x, x)


PENALTIES = [
    R1(0.7),
    R2(0.7),
    WGANGP(0.7),
    WGANGP(0.7, one_sided=True),
    ZeroCentredGP(0.7),
    DRAGAN(0.7),
]


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: f"{type(p).__name__}")
@pytest.mark.parametrize("noise", [None, InstanceNoise(0.3)], ids=["plain", "noisy"])
def test_second_order_methods_on_top(penalty: Penalty, noise: InstanceNoise | None) -> None:
    """J by central differences of v, J^T v and three methods from the dense one."""
    draw = torch.Generator().manual_seed(0)
    nets = [
        MLP([2, 3, 2], activation="tanh", generator=draw).double(),
        MLP([2, 4, 1], activation="tanh", generator=draw).double(),
    ]
    game = ng.GAN(*nets, penalties=[penalty], instance_noise=noise)
    real, latent = torch.randn(2, 6, 2, generator=draw, dtype=torch.float64)
    batch = {"real": real, "latent": latent, **game.draws(real, draw, 0)}
    field = ng.GameField(game)
    space, h = field.space, 1e-5
    x = space.get()
    columns = []
    for e in torch.eye(len(x), dtype=torch.float64):
        ends = []
        for sign in (1, -1):
            space.set_(x + sign * h * e)
            ends.append(field.linearize(batch, order=1).value)
        columns.append((ends[0] - ends[1]) / (2 * h))
    space.set_(x)
    J, at = torch.stack(columns, 1), field.linearize(batch)
    v = at.value
    torch.testing.assert_close(at.jacobian.T @ v, J.T @ v, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(at.jacobian @ v, J @ v, rtol=1e-6, atol=1e-7)
    for method, expected in (
        (ng.Consensus(2.0), v - 2 * J.T @ v),
        (ng.Symplectic(0.5), v - 0.5 * (J.T - J) @ v / 2),
    ):
        w = method(v, field.linearize(batch))
        torch.testing.assert_close(w, expected, rtol=1e-6, atol=1e-7)
    parts = ng.GameField(game, microbatches=3).linearize(batch)
    torch.testing.assert_close(parts.jacobian.T @ parts.value, at.jacobian.T @ v)


def test_instance_noise_fades() -> None:
    noise = InstanceNoise(0.4, until=100)
    assert [noise.at(t) for t in (0, 50, 100, 500)] == [0.4, 0.2, 0.0, 0.0]
    assert InstanceNoise(0.4).at(10**6) == 0.4
    drawn = noise.draws(torch.zeros(4000, 3), torch.Generator().manual_seed(0), 50)
    assert drawn.keys() == {"noise_on_real", "noise_on_fake"}
    for x in drawn.values():
        assert float(x.std()) == pytest.approx(0.2, rel=0.05)
    for bad in ({"sigma": 0.0}, {"sigma": 1.0, "until": 0}):
        with pytest.raises(ValueError, match="must be positive"):
            InstanceNoise(**bad)


def test_the_discriminator_sees_the_noise() -> None:
    game = ng.GAN(nn.Identity(), nn.Linear(2, 1), instance_noise=InstanceNoise(1.0))
    batch = {"real": torch.zeros(3, 2), "latent": torch.zeros(3, 2)}
    with pytest.raises(ValueError, match="expected a dict with real, latent, noise_on_real"):
        game(batch, ("discriminator",))
    ones = {"noise_on_real": torch.ones(3, 2), "noise_on_fake": torch.ones(3, 2)}
    plain = ng.GAN(nn.Identity(), game.discriminator)
    moved = {"real": torch.ones(3, 2), "latent": torch.ones(3, 2)}
    found = game({**batch, **ones}, ("discriminator",))
    torch.testing.assert_close(found, plain(moved, ("discriminator",)))


def test_streams_add_what_a_game_draws() -> None:
    game = ng.GAN(nn.Identity(), nn.Linear(2, 1), penalties=[WGANGP(1.0)],
                  instance_noise=InstanceNoise(0.5, until=2))  # fmt: skip
    loader = DataLoader(torch.zeros(8, 2), batch_size=4)
    batches, plain = stream(loader, 3, draws=game.draws), stream(loader, 3)
    first, state = next(batches), batches.state_dict()
    torch.testing.assert_close(first["latent"], next(plain)["latent"])
    second, third = next(batches), next(batches)
    assert first["noise_on_real"].std() > second["noise_on_real"].std() > 0
    assert not third["noise_on_real"].any()
    assert first["mix"].shape == (4, 1)
    again = stream(loader, 3, seed=5, draws=game.draws)
    again.load_state_dict(state)
    assert all(torch.equal(x, second[name]) for name, x in next(again).items())


class Mapped(nn.Module):
    """The same score sixteen times over, as a map, or once."""

    def __init__(self, *, maps: bool) -> None:
        super().__init__()
        self.score, self.maps = MLP([2, 8, 1]), maps

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.score(x)
        return scores[..., None, None].expand(-1, 1, 4, 4) if self.maps else scores


@pytest.mark.parametrize("penalty", [R1(1.0), WGANGP(1.0), DRAGAN(1.0)])
def test_a_map_of_equal_scores_is_one_score(penalty: Penalty) -> None:
    nets = {maps: Mapped(maps=maps) for maps in (True, False)}
    nets[True].load_state_dict(nets[False].state_dict())
    losses = {}
    for maps, net in nets.items():
        game = ng.GAN(MLP([3, 4, 2]), net, penalties=[penalty])
        data = stream(DataLoader(torch.randn(8, 2), 4), 3, seed=0, draws=game.draws)
        torch.manual_seed(0)
        batch = next(data) | {"real": torch.ones(4, 2), "latent": torch.zeros(4, 3)}
        losses[maps] = game(batch, ["discriminator"])["discriminator"]
    torch.testing.assert_close(losses[True], losses[False])
