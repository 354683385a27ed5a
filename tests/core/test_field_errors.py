"""What a field refuses, in the words it refuses it with."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

import nashgrad as ng
from nashgrad.distributed import all_reduce_mean
from references import mlp_gan, points, quadratic


def game_of(losses) -> ng.FunctionGame:
    """Two scalars x and y at one, with these losses of (x, y, batch)."""
    x, y = nn.Parameter(torch.ones(())), nn.Parameter(torch.ones(()))
    return ng.FunctionGame({"x": x, "y": y}, lambda batch, players: losses(x, y, batch))


UNREACHABLE = (
    r"^player 'y': its loss does not depend on its parameters; it may be because "
    r"\(a\) something on the way is detached, \(b\) the loss uses other modules than the game "
    r"holds, \(c\) torch\.no_grad is on$"
)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    ("loss", "found"),
    [
        (lambda x, y: y * torch.ones(3), r"shape \(3,\)"),
        (lambda x, y: y * torch.ones(1), r"shape \(1,\)"),
        (lambda x, y: None, "NoneType"),
        (lambda x, y: 1.5, "float"),
    ],
)
def test_losses_that_are_no_scalars(order: int, loss, found: str) -> None:
    field = ng.GameField(game_of(lambda x, y, batch: {"x": x * y, "y": loss(x, y)}))
    with pytest.raises(
        ValueError, match=rf"^player 'y': its loss must be one scalar tensor, got {found}$"
    ):
        field.linearize(None, order=order)


def test_missing_loss() -> None:
    field = ng.GameField(game_of(lambda x, y, batch: {"x": x * y}))
    with pytest.raises(ValueError, match=r"^player 'y': has no loss; there are losses of 'x'$"):
        field.linearize(None)


def test_losses_that_are_no_dict() -> None:
    field = ng.GameField(game_of(lambda x, y, batch: (x * y, y)))
    with pytest.raises(
        TypeError, match=r"^losses: expected a dict such as \{'x': ...\}, got tuple$"
    ):
        field.linearize(None)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    "loss",
    [
        lambda x, y: (x * y).detach(),
        lambda x, y: x * y.detach(),
        lambda x, y: x * torch.ones((), requires_grad=True),
    ],
)
def test_losses_that_do_not_reach_their_player(order: int, loss) -> None:
    field = ng.GameField(game_of(lambda x, y, batch: {"x": x * y, "y": loss(x, y)}))
    with pytest.raises(ValueError, match=UNREACHABLE):
        field.linearize(None, order=order)


def test_no_grad() -> None:
    field = ng.GameField(game_of(lambda x, y, batch: {"x": x * y, "y": x * y}))
    with torch.no_grad(), pytest.raises(ValueError, match=UNREACHABLE.replace("'y'", "'x'")):
        field.linearize(None)


def test_errors_inside_of_the_losses_are_not_hidden() -> None:
    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            raise RuntimeError("mine")

    field = ng.GameField(game_of(lambda x, y, batch: {"x": Broken.apply(x), "y": x * y}))
    with pytest.raises(RuntimeError, match=r"^mine$"):
        field.linearize(None, "x")


@pytest.mark.parametrize("order", [1, 2])
def test_unknown_player(order: int) -> None:
    message = r"^unknown player 'critic'; the players are generator, discriminator$"
    with pytest.raises(ValueError, match=message):
        ng.GameField(mlp_gan().game).linearize(points(3), "critic", order=order)


def test_first_order_has_no_jacobian() -> None:
    at = ng.GameField(quadratic({"x": 1, "y": 1})).linearize(None, order=1)
    with pytest.raises(
        ValueError, match=r"^the Jacobian was not asked for: linearize with order=2$"
    ):
        _ = at.jacobian
    message = (
        r"^gradients by all parameters are not known here: linearize a GameField with order=2$"
    )
    with pytest.raises(ValueError, match=message):
        at.gradient("x")


def test_gradient_of_an_unknown_player() -> None:
    at = ng.GameField(quadratic({"x": 1, "y": 1})).linearize(None)
    with pytest.raises(ValueError, match=r"^unknown player 'z'; the players are x, y$"):
        at.gradient("z")


@pytest.mark.parametrize("count", [0, -1])
def test_microbatches_below_one(count: int) -> None:
    with pytest.raises(ValueError, match=rf"^microbatches must be at least 1, got {count}$"):
        ng.GameField(mlp_gan().game, microbatches=count)


def test_graphs_do_not_cross_micro_batches_or_ranks() -> None:
    case = mlp_gan()
    field = ng.GameField(case.game, microbatches=2)
    with pytest.raises(ValueError, match=r"^create_graph needs one graph: use microbatches=1$"):
        field.linearize(case.batch, create_graph=True)
    field = ng.GameField(case.game, reduce=lambda vector, samples: vector)
    with pytest.raises(ValueError, match=r"^create_graph cannot cross ranks: use reduce=None$"):
        field.linearize(case.batch, create_graph=True)


def test_x_of_another_size() -> None:
    case = mlp_gan()
    n = len(case.x)
    with pytest.raises(ValueError, match=rf"^x must have shape \({n},\), got \({n + 1},\)$"):
        ng.GameField(case.game).losses(torch.zeros(n + 1), case.batch)


def test_batch_smaller_than_its_micro_batches() -> None:
    message = r"^batch: 3 samples cannot be cut into 4 parts; use fewer parts$"
    with pytest.raises(ValueError, match=message):
        ng.GameField(mlp_gan().game, microbatches=4).linearize(points(3))


def test_freezing_is_noticed_at_the_next_evaluation() -> None:
    case = mlp_gan()
    field = ng.GameField(case.game)
    field.linearize(case.batch)
    case.game.discriminator.requires_grad_(False)
    with pytest.raises(ValueError, match=r"^parameter 'discriminator\.0\.weight' was frozen after"):
        field.linearize(case.batch)


def test_no_process_group() -> None:
    message = r"^no process group: call torch\.distributed\.init_process_group, or run torchrun$"
    with pytest.raises(RuntimeError, match=message):
        all_reduce_mean(torch.zeros(2), 1)


def test_operations_without_a_second_derivative_get_a_hint() -> None:
    def attention(x, y):
        queries = x * torch.randn(1, 1, 4, 8, generator=torch.Generator().manual_seed(0))
        return (y * nn.functional.scaled_dot_product_attention(queries, queries, queries)).sum()

    game = game_of(lambda x, y, batch: {"x": attention(x, y), "y": -attention(x, y)})
    at = ng.GameField(game).linearize(None)
    with pytest.raises(RuntimeError, match=r"differentiates the game twice.*sdpa_kernel"):
        at.jacobian.T @ at.value
    with sdpa_kernel(SDPBackend.MATH):
        at = ng.GameField(game).linearize(None)
        assert (at.jacobian.T @ at.value).isfinite().all()


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        (ng.Score, r"engine: expected an engine such as Score\(\), got .*; write Score\(\)"),
        ("score", r"engine: expected an engine such as Score\(\), got score"),
    ],
)
def test_what_is_no_engine_is_named(engine: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        ng.GameField(quadratic({"a": 2, "b": 2}), engine=engine)


def test_a_linearization_is_one_line() -> None:
    shown = repr(ng.GameField(quadratic({"a": 2, "b": 2})).linearize(None))
    assert shown.startswith("Linearization(losses: ")
    assert "|v| = " in shown
    assert "\n" not in shown
