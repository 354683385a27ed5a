"""w as a field with a Jacobian of its own, third derivatives included."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import nashgrad as ng
from nashgrad.core.batches import split_batch
from references import Case, buffers, error, gan_case, mlp_gan, points, quadratic, trio

JARE = ng.Chain(
    ng.Consensus(0.6, source="generator", target="discriminator"),
    ng.Consensus(0.3, source="discriminator", target="generator"),
)


def conv() -> Case:
    """Smooth convolutional nets."""
    g = nn.Sequential(
        nn.Linear(2, 4),
        nn.Unflatten(1, (1, 2, 2)),
        nn.ConvTranspose2d(1, 2, 2, 2),
        nn.GroupNorm(1, 2),
        nn.Softplus(),
        nn.Conv2d(2, 1, 1),
    )
    d = nn.Sequential(nn.Conv2d(1, 2, 2, 2), nn.Tanh(), nn.Flatten(), nn.Linear(8, 1))
    batch = {
        "real": torch.randn(5, 1, 4, 4, dtype=torch.float64),
        "latent": torch.randn(5, 2, dtype=torch.float64),
    }
    return gan_case(g, d, batch)


CASES: dict[str, tuple[Callable[[], Case], ng.Adjustment]] = {
    "identity": (lambda: mlp_gan(activation=nn.Tanh), ng.Identity()),
    "consensus": (lambda: mlp_gan(activation=nn.Tanh), ng.Consensus(0.7)),
    "consensus-js-softplus": (lambda: mlp_gan("js", activation=nn.Softplus), ng.Consensus(10.0)),
    "consensus-r1": (lambda: mlp_gan(r1=1.0, activation=nn.Tanh), ng.Consensus(0.1)),
    "jare": (lambda: mlp_gan("kl", activation=nn.Tanh), JARE),
    "smoothing": (lambda: mlp_gan(activation=nn.Tanh), ng.Consensus(2.0, target="discriminator")),
    "clipped": (
        lambda: mlp_gan(activation=nn.Tanh),
        ng.Chain(ng.Consensus(1.0), ng.ClipNorm(0.05)),
    ),
    "three-players": (trio, ng.Consensus(0.5)),
    "conv": (conv, ng.Consensus(0.5)),
}


def difference(field: ng.GameField, adjustment: ng.Adjustment, case: Case, u: Tensor) -> Tensor:
    """w' u by central differences of w."""
    x, h = field.space.get(), 1e-5 / u.norm()
    w = []
    for sign in (1, -1):
        field.space.set_(x + sign * h * u)
        here = field.evaluate(case.batch, None, adjustment, None, update_buffers=())
        w.append(here.w)
    field.space.set_(x)
    return (w[0] - w[1]) / (2 * h)


@pytest.mark.parametrize("name", CASES)
def test_jacobian_of_w_against_central_differences(name: str) -> None:
    make, adjustment = CASES[name]
    torch.manual_seed(3)
    case = make()
    field, before = ng.GameField(case.game), buffers(case.game)
    at = ng.AdjustedField(field, adjustment).linearize(case.batch)
    here = field.evaluate(case.batch, None, adjustment, None, update_buffers=())
    assert error(at.value, here.w) < 1e-12
    assert not at.value.requires_grad
    U = torch.randn(3, len(case.x), dtype=torch.float64)
    W = torch.randn_like(U)
    pushed, pulled = [at.jacobian @ u for u in U], [at.jacobian.T @ w for w in W]
    for u, w, forward, back in zip(U, W, pushed, pulled, strict=True):
        assert error(forward, difference(field, adjustment, case, u)) < 1e-7
        assert abs(w @ forward - u @ back) < 1e-11 * w.norm() * forward.norm()
    assert all(torch.equal(b, before[n]) for n, b in case.game.named_buffers())


def test_the_third_derivative_is_not_forgotten() -> None:
    torch.manual_seed(3)
    case = mlp_gan(activation=nn.Tanh)
    at = ng.AdjustedField(ng.GameField(case.game), ng.Consensus(0.7)).linearize(case.batch)
    J = case.jacobian
    assert error(at.jacobian.to_dense(), J - 0.7 * J.T @ J) > 1e-3


@given(seed=st.integers(0, 2**31), gamma=st.floats(0, 10))
@settings(max_examples=25)
def test_quadratic_games_have_no_third_derivative(seed: int, gamma: float) -> None:
    game = quadratic({"x": 2, "y": 1, "z": 2}, seed)
    J = game.matrix
    at = ng.AdjustedField(ng.GameField(game), ng.Consensus(gamma)).linearize(None)
    torch.testing.assert_close(at.jacobian.to_dense(), J - gamma * J.T @ J, rtol=1e-11, atol=1e-11)


def test_restricted_consensus_on_quadratic_games() -> None:
    game = quadratic({"x": 2, "y": 3})
    J, P = game.matrix, torch.diag(torch.tensor([1.0, 1, 0, 0, 0], dtype=torch.float64))
    adjustment = ng.Consensus(0.4, source="x", target="y")
    at = ng.AdjustedField(ng.GameField(game), adjustment).linearize(None)
    Q = torch.eye(5, dtype=torch.float64) - P
    torch.testing.assert_close(at.jacobian.to_dense(), J - 0.4 * Q @ J.T @ P @ J)


def test_differentiable_once_more() -> None:
    game = quadratic({"x": 2, "y": 1})
    field = ng.AdjustedField(ng.GameField(game), ng.Consensus(0.5))
    at = field.linearize(None, create_graph=True)
    pieces = torch.autograd.grad(at.value.square().sum() / 2, field.space.parameters)
    J = game.matrix - 0.5 * game.matrix.T @ game.matrix
    torch.testing.assert_close(field.space.flatten(pieces), J.T @ at.value.detach())


def test_first_order() -> None:
    game = quadratic({"x": 2, "y": 1})
    at = ng.AdjustedField(ng.GameField(game), ng.Consensus(0.5)).linearize(None, order=1)
    v = game.matrix @ at.space.get() + game.offset
    torch.testing.assert_close(at.value, v - 0.5 * game.matrix.T @ v)
    with pytest.raises(ValueError, match="the Jacobian was not asked for"):
        _ = at.jacobian


class Remembering(ng.Adjustment):
    """An adjustment with memory, which does nothing."""

    @property
    def pure(self) -> bool:
        return False

    def order(self, players, state):
        return 1

    def init(self, space):
        return 0

    def update(self, w, at, state):
        return w, state + 1


@pytest.mark.parametrize("adjustment", [Remembering(), ng.Chain(ng.Identity(), Remembering())])
def test_refuses_memory(adjustment: ng.Adjustment) -> None:
    name = type(adjustment).__name__
    with pytest.raises(ValueError, match=rf"^{name} has memory: w is no field of its own$"):
        ng.AdjustedField(ng.GameField(quadratic({"x": 1})), adjustment)
    with pytest.raises(ValueError, match=rf"^{name} has memory, which needs a GameOptimizer$"):
        ng.backward(ng.GameField(quadratic({"x": 1})), None, adjustment=adjustment)


class Other(ng.Engine):
    """Some other engine."""

    def linearize(self, query):
        raise NotImplementedError


@pytest.mark.parametrize(
    "options",
    [
        {"engine": Other()},
        {"microbatches": 2},
        {"reduce": lambda vector, samples: vector},
        {"scaler": torch.amp.GradScaler("cpu")},
    ],
    ids=lambda o: next(iter(o)),
)
def test_refuses_what_has_no_graph_of_its_own(options: dict) -> None:
    field = ng.GameField(mlp_gan().game, **options)
    message = r"^w' needs an engine with graphs, such as Eager\(\), on one rank, without"
    with pytest.raises(ValueError, match=message):
        ng.AdjustedField(field, ng.Consensus(1.0))


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(5), nn.LayerNorm(5), nn.InstanceNorm1d(4)])
def test_refuses_norms_whose_third_derivative_is_wrong(norm: nn.Module) -> None:
    g = nn.Sequential(nn.Linear(3, 5), norm, nn.Tanh(), nn.Linear(5, 2))
    field = ng.GameField(gan_case(g, nn.Linear(2, 1), points(4)).game)
    name = type(norm).__name__
    message = (
        rf"^module 'generator\.1': torch's third derivative of {name} is wrong, and this needs it; "
        r"use another norm, or eval\(\) where that freezes the statistics$"
    )
    with pytest.raises(ValueError, match=message):
        ng.AdjustedField(field, ng.Consensus(1.0)).linearize(points(4))
    ng.AdjustedField(field, ng.Consensus(1.0)).linearize(points(4), order=1)
    ng.AdjustedField(field, ng.ClipNorm(1.0)).linearize(points(4))


def test_batch_norm_with_frozen_statistics() -> None:
    torch.manual_seed(3)
    case = mlp_gan(norm=True, activation=nn.Tanh)
    case.game.eval()
    field, u = ng.GameField(case.game), torch.randn(len(case.x), dtype=torch.float64)
    pushed = ng.AdjustedField(field, ng.Consensus(0.7)).linearize(case.batch).jacobian @ u
    assert error(pushed, difference(field, ng.Consensus(0.7), case, u)) < 1e-7


def test_unknown_player() -> None:
    field = ng.GameField(mlp_gan().game)
    for adjustment in (ng.Consensus(1.0, source="critic"), ng.Consensus(1.0, target="critic")):
        with pytest.raises(ValueError, match=r"^unknown player 'critic'; the players are gene"):
            ng.AdjustedField(field, adjustment)


def test_parts_are_parts_of_w() -> None:
    case = mlp_gan(batch=8, activation=nn.Tanh)
    field = ng.AdjustedField(ng.GameField(case.game), ng.Consensus(0.5))
    at = field.linearize(case.batch)
    for part, half in zip(at.parts(2), split_batch(case.batch, 2), strict=True):
        torch.testing.assert_close(part.value, field.linearize(half).value)
    with pytest.raises(ValueError, match=r"^gradients by all parameters are not known here"):
        at.gradient("generator")
