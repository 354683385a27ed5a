"""Differences on frozen activation patterns, against exact products in float64 and float32."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

import nashgrad as ng
from nashgrad.engines import patterns
from nashgrad.engines.patterns import Patterns
from nashgrad.engines.pieces import FROZEN
from references import Case, buffers, conv_gan, error, mlp_gan, parameters, quadratic, trio

CASES: dict[str, Callable[[], Case]] = {
    "mlp": lambda: mlp_gan("standard"),
    "mlp-js": lambda: mlp_gan("js"),
    "mlp-leaky": lambda: mlp_gan("kl", activation=nn.LeakyReLU),
    "mlp-prelu": lambda: mlp_gan("standard", activation=nn.PReLU),
    "mlp-selu": lambda: mlp_gan("standard", activation=nn.SELU),
    "mlp-hardtanh": lambda: mlp_gan("standard", activation=nn.Hardtanh),
    "mlp-relu6": lambda: mlp_gan("standard", activation=lambda: nn.ReLU6(inplace=True)),
    "mlp-in-place": lambda: mlp_gan("standard", activation=lambda: nn.ReLU(inplace=True)),
    "mlp-batchnorm": lambda: mlp_gan("standard", norm=True),
    "mlp-r1": lambda: mlp_gan("standard", r1=0.7, activation=nn.LeakyReLU),
    "conv": lambda: conv_gan("standard"),
    "conv-norm": lambda: conv_gan("standard", norm="paper"),
    "three-players": trio,
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    torch.manual_seed(1)
    return CASES[request.param]()


@pytest.mark.parametrize(("central", "tolerance"), [(True, 1e-8), (False, 1e-6)])
def test_products(case: Case, central: bool, tolerance: float) -> None:
    holds(case, ng.FiniteDifference(central=central), tolerance)


@pytest.mark.parametrize(("central", "tolerance"), [(True, 1e-8), (False, 1e-6)])
@pytest.mark.parametrize("name", ["js", "tv", "indicator", "conv"])
def test_products_of_zero_sum_games(name: str, central: bool, tolerance: float) -> None:
    torch.manual_seed(1)
    case = conv_gan("js", norm="torch") if name == "conv" else mlp_gan(name)
    holds(case, ng.ZeroSumDifference(central=central), tolerance)


@pytest.mark.parametrize("loss", ["standard", "kl"])
def test_games_that_are_not_zero_sum(loss: str) -> None:
    torch.manual_seed(1)
    case = mlp_gan(loss)
    with pytest.raises(ValueError, match="ZeroSumDifference needs a field that is that of one"):
        ng.GameField(case.game, engine=ng.ZeroSumDifference()).linearize(case.batch)


def holds(case: Case, engine: ng.Engine, tolerance: float) -> None:
    """v, products and gradients, at parameters and buffers that stay as they are."""
    field = ng.GameField(case.game, engine=engine)
    before, kept = field.space.get(), buffers(case.game)
    at = field.linearize(case.batch)
    assert error(at.value, case.value) < 1e-12
    for u in (case.value, torch.randn(len(case.x), dtype=torch.float64)):
        assert error(at.jacobian.T @ u, case.jacobian.T @ u) < tolerance
        assert error(at.jacobian @ u, case.jacobian @ u) < tolerance
    for player in case.game.players:
        assert error(at.gradient(player), case.gradient(player)) < 1e-12
    assert torch.equal(field.space.get(), before)
    assert all(torch.equal(b, kept[n]) for n, b in case.game.named_buffers())


@pytest.mark.parametrize("central", [False, True])
def test_frozen_differences_are_right_in_float32_and_plain_ones_are_not(
    central: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors of 100% at kinks are why patterns are frozen."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(5):
        torch.manual_seed(seed)
        case = mlp_gan("standard", batch=256)
        exact = case.jacobian.T @ case.value
        batch = {k: x.float() for k, x in case.batch.items()}
        game = case.game.float()
        for frozen in (True, False):
            with monkeypatch.context() as patch:
                if not frozen:
                    patch.setattr(patterns, "FROZEN", {})
                engine = ng.FiniteDifference(central=central, kinks=not frozen)
                at = ng.GameField(game, engine=engine).linearize(batch)
                found[frozen].append(error((at.jacobian.T @ at.value).double(), exact))
    assert max(found[True]) < 1e-2
    assert max(found[False]) > 0.1


@pytest.mark.parametrize("name", sorted(FROZEN))
def test_a_frozen_function_has_its_value_and_gradient(name: str) -> None:
    """At the point itself, to the last bit but for rounding, ties included."""
    torch.manual_seed(0)
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    x[0, 0, 0] = 0.0
    other = torch.randn_like(x)
    other[0, 0, 0] = 0.0
    calls: dict[str, Callable[[Tensor], Tensor]] = {
        "relu": F.relu,
        "leaky_relu": lambda x: F.leaky_relu(x, 0.3),
        "prelu": lambda x: F.prelu(x, torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)),
        "selu": F.selu,
        "abs": torch.abs,
        "hardtanh": lambda x: F.hardtanh(x, -0.5, 0.7),
        "relu6": lambda x: F.relu6(10 * x),
        "clamp": lambda x: x.clamp(-0.3),
        "clip": lambda x: torch.clip(x, max=0.4),
        "maximum": lambda x: torch.maximum(x, other),
        "minimum": lambda x: torch.minimum(x, other),
        "absolute": torch.absolute,
        "clamp_min": lambda x: x.clamp_min(0.1),
        "clamp_max": lambda x: x.clamp_max(0.0),
        "fmax": lambda x: torch.fmax(x, other),
        "fmin": lambda x: torch.fmin(other, x),
        "threshold": lambda x: torch.threshold(x, 0.1, 7.0),
        "_threshold": lambda x: F.threshold(x, 0.0, -1.0),
        "elu": lambda x: F.elu(x, 2.0),
        "hardsigmoid": lambda x: F.hardsigmoid(4 * x),
        "hardswish": lambda x: F.hardswish(4 * x),
    }
    call, found = calls[name], []
    for kept in (None, Patterns()):
        at = x.clone().requires_grad_()
        if kept is None:
            y = call(at)
        else:
            with kept:
                call(x)
            with kept:
                y = call(at)
        (slope,) = torch.autograd.grad(y.sin().sum(), at)
        found.append((y.detach(), slope))
    for frozen, plain in zip(*found, strict=True):
        torch.testing.assert_close(frozen, plain)


def test_in_place_functions_write_where_they_did() -> None:
    kept, x = Patterns(), torch.randn(6)
    for scale in (1, -1):
        y = scale * x
        with kept:
            y.relu_()
        torch.testing.assert_close(y, scale * x * (x > 0))


def test_other_calls_than_before_are_refused() -> None:
    kept, x = Patterns(), torch.randn(3)
    with kept:
        F.relu(x)
    for again in (lambda: None, lambda: F.selu(x), lambda: (F.relu(x), F.relu(x))):
        with pytest.raises(RuntimeError, match="calls other functions"), kept:
            again()


def test_kinks_that_cannot_be_frozen() -> None:
    case = mlp_gan("standard", activation=nn.Softshrink)
    with pytest.raises(ValueError, match="softshrink may have kinks and cannot be frozen"):
        ng.GameField(case.game, engine=ng.FiniteDifference()).linearize(case.batch)
    at = ng.GameField(case.game, engine=ng.FiniteDifference(kinks=True)).linearize(case.batch)
    assert (at.jacobian.T @ at.value).isfinite().all()


def test_what_has_no_differences() -> None:
    case = mlp_gan("standard")
    with pytest.raises(ValueError, match="create_graph needs Eager"):
        ng.GameField(case.game, engine=ng.FiniteDifference()).linearize(
            case.batch, create_graph=True
        )
    field = ng.GameField(case.game, engine=ng.FiniteDifference(), autocast=torch.bfloat16)
    with pytest.raises(ValueError, match="half precision would round the second point"):
        field.linearize(case.batch)
    with pytest.raises(ValueError, match="step"):
        ng.FiniteDifference(step=0.0)
    with pytest.raises(ValueError, match="needs an engine with graphs"):
        ng.AdjustedField(ng.GameField(case.game, engine=ng.FiniteDifference()), ng.Consensus(1.0))


class NoSecond(torch.autograd.Function):
    """tanh, as a custom operation with a first derivative only."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        y = x.tanh()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: torch.autograd.function.FunctionCtx, g: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return g * (1 - y * y)


class Tanh(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return NoSecond.apply(x)  # type: ignore[no-any-return,no-untyped-call]


def test_games_without_a_second_derivative() -> None:
    torch.manual_seed(0)
    case = mlp_gan("standard", activation=nn.Tanh)
    exact = case.jacobian.T @ case.value
    for net in (case.game.generator, case.game.discriminator):
        net[1] = Tanh()  # type: ignore[index,operator]
    at = ng.GameField(case.game).linearize(case.batch)
    assert error(at.jacobian.T @ at.value, exact) > 0.1  # torch drops a part without a word
    at = ng.GameField(case.game, engine=ng.FiniteDifference(central=True)).linearize(case.batch)
    assert error(at.jacobian.T @ at.value, exact) < 1e-8


class Attention(nn.Module):
    """Sets of six points, by torch's fused kernel or what a context puts in its place."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(inputs, 24), nn.Linear(8, outputs)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.into(x).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).flatten(-2).relu())  # type: ignore[no-any-return]


def sets() -> tuple[ng.GAN, dict[str, Tensor]]:
    torch.manual_seed(0)
    generator = Attention(3, 2)
    discriminator = nn.Sequential(Attention(2, 5), nn.Flatten(), nn.Linear(30, 1))
    batch = {"real": torch.randn(32, 6, 2), "latent": torch.randn(32, 6, 3)}
    return ng.GAN(generator, discriminator), batch


@pytest.fixture
def of_sets() -> Tensor:
    """J^T v of `sets` in float64, with a kernel that has a second derivative."""
    game, batch = sets()
    with sdpa_kernel(SDPBackend.MATH):
        at = ng.GameField(game.double()).linearize({k: x.double() for k, x in batch.items()})
        return at.jacobian.T @ at.value


def test_fused_attention(of_sets: Tensor) -> None:
    game, batch = sets()
    at = ng.GameField(game).linearize(batch)
    with pytest.raises(RuntimeError, match="attention runs on a fused kernel"):
        at.jacobian.T @ at.value
    at = ng.GameField(game, engine=ng.FiniteDifference(central=True)).linearize(batch)
    assert error((at.jacobian.T @ at.value).double(), of_sets) < 1e-3


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # torch's own
def test_compiled_modules(of_sets: Tensor) -> None:
    """Their kinks are frozen too, whether they have run before or not."""
    game, batch = sets()
    for module in (game.generator, game.discriminator):
        module.compile(backend="aot_eager")
    at = ng.GameField(game).linearize(batch)
    with pytest.raises(RuntimeError, match="a module is compiled"):
        at.jacobian.T @ at.value
    field = ng.GameField(game, engine=ng.FiniteDifference(central=True))
    for _ in range(2):
        at = field.linearize(batch)
        assert error((at.jacobian.T @ at.value).double(), of_sets) < 1e-3
        field.linearize(batch, order=1)


@pytest.mark.compiles
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # torch's own
@pytest.mark.parametrize("engine", [ng.FiniteDifference, ng.ZeroSumDifference])
@pytest.mark.parametrize("as_module", [True, False])
def test_modules_compiled_with_inductor(engine: type[ng.Engine], as_module: bool) -> None:
    """Their backward pass gives buffers away, and runs once only."""
    torch.manual_seed(0)
    torch.compiler.reset()
    case = mlp_gan("js", batch=128)
    exact = case.jacobian.T @ case.value
    for name in case.game.players:
        module = getattr(case.game, name)
        if as_module:
            module.compile()
        else:
            setattr(case.game, name, torch.compile(module))
    field = ng.GameField(case.game, engine=engine(central=True))
    for _ in range(2):
        at = field.linearize(case.batch)
        assert error(at.jacobian.T @ at.value, exact) < 1e-8
        assert error(field.linearize(case.batch, order=1).value, case.value) < 1e-10


def test_a_product_that_fails_leaves_the_parameters() -> None:
    broken: list[int] = []

    def losses(batch: object, players: object) -> ng.Losses:
        if broken:
            raise KeyError("gone")
        return {"x": (x * y).sum(), "y": -(x * y).sum()}

    x, y = (nn.Parameter(torch.ones(1, dtype=torch.float64)) for _ in range(2))
    field = ng.GameField(ng.FunctionGame({"x": x, "y": y}, losses), engine=ng.FiniteDifference())
    at = field.linearize(torch.zeros(1))
    broken.append(1)
    with pytest.raises(KeyError, match="gone"):
        at.jacobian.T @ at.value
    assert x.item() == y.item() == 1.0


@pytest.mark.parametrize("microbatches", [1, 3])
def test_training_is_nearly_the_same(microbatches: int) -> None:
    ends = []
    for engine in (ng.Eager(), ng.FiniteDifference(central=True)):
        torch.manual_seed(2)
        case = mlp_gan("standard")
        field = ng.GameField(case.game, engine=engine, microbatches=microbatches)
        opt = ng.GameOptimizer(
            field, torch.optim.SGD(case.game.parameters(), 1e-2), adjustment=ng.Consensus(0.3)
        )
        for _ in range(8):
            opt.step(case.batch)
        ends.append(parameters(case.game))
    assert error(*ends) < 1e-8


def test_a_zero_direction_gives_zero() -> None:
    game = quadratic({"a": 2, "b": 2})
    at = ng.GameField(game, engine=ng.FiniteDifference()).linearize(None)
    zero = torch.zeros(4, dtype=torch.float64)
    assert not (at.jacobian.T @ zero).any()
    assert not (at.jacobian @ zero).any()
