"""Claims are held against plain differentiation where it counts: on real nets, in float32."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import nashgrad as ng
from nashgrad.engines import claims
from nashgrad.models import MLP, dcgan
from nashgrad.objectives import DIVERGENCES
from references import buffers, mlp_gan, parameters

Batch = dict[str, Tensor]
ENGINES: dict[str, Callable[[], ng.Engine]] = {
    "zero-sum": ng.ZeroSum,
    "difference": ng.ZeroSumDifference,
    "central": lambda: ng.ZeroSumDifference(central=True),
}


def ring() -> tuple[tuple[nn.Module, nn.Module], Batch]:
    """The paper's nets, whose scores start near zero, where standard and js are hard to tell."""
    nets = MLP([16, 16, 16, 16, 16, 2]), MLP([2, 16, 16, 16, 16, 1])
    return nets, {"real": torch.randn(256, 2), "latent": torch.randn(256, 16)}


def images() -> tuple[tuple[nn.Module, nn.Module], Batch]:
    batch = {"real": torch.rand(2, 3, 32, 32) * 2 - 1, "latent": torch.randn(2, 256)}
    return dcgan("dcgan4_nobn"), batch


NETS = {"ring": ring, "images": images}
GameAndBatch = tuple[ng.GAN, Batch]


def game_of(net: str, loss: str, seed: int = 0) -> GameAndBatch:
    torch.manual_seed(seed)
    nets, batch = NETS[net]()
    return ng.GAN(*nets, DIVERGENCES[loss]), batch


CASES = [*((engine, None) for engine in ENGINES), ("zero-sum", torch.bfloat16)]
refused = pytest.raises(ValueError, match="needs a field that is that of one player's loss: v of")


@pytest.mark.parametrize(("engine", "autocast"), CASES)
@pytest.mark.parametrize("loss", ["standard", "kl"])
def test_refused_on_the_first_batch(engine: str, autocast: torch.dtype | None, loss: str) -> None:
    for seed in range(4):
        game, batch = game_of("ring", loss, seed)
        with refused:
            ng.GameField(game, engine=ENGINES[engine](), autocast=autocast).linearize(batch)


@pytest.mark.parametrize(("engine", "autocast"), CASES)
@pytest.mark.parametrize("loss", ["js", "tv", "indicator"])
def test_zero_sum_games_pass(engine: str, autocast: torch.dtype | None, loss: str) -> None:
    for seed in range(4):
        game, batch = game_of("ring", loss, seed)
        before = parameters(game)
        at = ng.GameField(game, engine=ENGINES[engine](), autocast=autocast).linearize(batch)
        assert at.value.dtype == torch.float32
        assert torch.equal(parameters(game), before)


def test_images() -> None:
    game, batch = game_of("images", "js")
    ng.GameField(game, engine=ng.ZeroSum()).linearize(batch)
    game.divergence = DIVERGENCES["standard"]
    for engine in (ng.ZeroSum(), ng.ZeroSumDifference()):
        with refused:
            ng.GameField(game, engine=engine).linearize(batch)


def test_the_check_changes_nothing() -> None:
    """Neither parameters, nor buffers, nor their type, nor gradients."""
    torch.manual_seed(0)
    case = mlp_gan("js", norm=True)
    game, batch = case.game.float(), {key: x.float() for key, x in case.batch.items()}
    before, kept = parameters(game), buffers(game)
    ng.GameField(game, engine=ng.ZeroSum()).linearize(batch)
    assert torch.equal(parameters(game), before)
    assert all(
        torch.equal(b, kept[n]) and b.dtype == kept[n].dtype for n, b in game.named_buffers()
    )
    assert all(p.grad is None for p in game.parameters())


class Single(nn.Module):
    """A layer that exists in float32 only."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 8)

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype != torch.float32:
            raise TypeError("float32 only")
        return self.inner(x).tanh()


@pytest.mark.parametrize("loss", ["js", "kl"])
def test_games_of_one_precision_are_checked_in_it(loss: str) -> None:
    torch.manual_seed(0)
    g, d = nn.Linear(3, 2), nn.Sequential(Single(), nn.Linear(8, 1))
    field = ng.GameField(ng.GAN(g, d, DIVERGENCES[loss]), engine=ng.ZeroSum())
    batch = {"real": torch.randn(9, 2), "latent": torch.randn(9, 3)}
    if loss == "js":
        field.linearize(batch)
    else:
        with pytest.raises(ValueError, match="needs a field"):
            field.linearize(batch)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The evaluations before which the claim was looked at."""
    looked: list[int] = []
    check = claims.ClaimingEngine._check

    def look(self: Any, query: Any) -> bool:
        looked.append(self._answered)
        return check(self, query)

    monkeypatch.setattr(claims.ClaimingEngine, "_check", look)
    return looked


def test_a_field_that_is_not_finite_was_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = counted(monkeypatch)
    game, batch = game_of("ring", "standard")
    broken = {key: x * torch.nan for key, x in batch.items()}
    field = ng.GameField(game, engine=ng.ZeroSum())
    for _ in range(2):
        field.linearize(broken)
    with pytest.raises(ValueError, match="needs a field"):
        field.linearize(batch)
    assert looked == [0, 1, 2]


@pytest.mark.parametrize("engine", [ng.ZeroSum, lambda: ng.Compiled(ng.ZeroSum(), backend="eager")])
@pytest.mark.parametrize("microbatches", [1, 4])
def test_micro_batches_count_steps(
    microbatches: int, engine: Callable[[], ng.Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where they take several evaluations each."""
    monkeypatch.setattr(claims, "LOOKS", (0, 3))
    looked = counted(monkeypatch)
    case = mlp_gan("js")
    opt = ng.GameOptimizer(
        ng.GameField(case.game, engine=engine(), microbatches=microbatches),
        torch.optim.SGD(case.game.parameters(), 1e-2),
        adjustment=ng.Consensus(0.3),
    )
    for step in range(5):
        opt.step(case.batch)
        assert looked == ([0, 3] if step >= 3 else [0])
