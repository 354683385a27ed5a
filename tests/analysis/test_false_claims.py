"""What would be a false claim: points and methods on which a diagnosis must not say too much."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam

import nashgrad as ng
from nashgrad.analysis import diagnose
from nashgrad.analysis.diagnosis import Diagnosis

F64 = torch.float64
SURE = ("local Nash", "stable", "stable but not Nash")


def zeros(n: int) -> Tensor:
    return torch.zeros(n, dtype=F64)


def quadratic(J: list[list[float]] | Tensor, start: Tensor | None = None) -> ng.Quadratic:
    """Two players with half of the coordinates each, at rest."""
    J = torch.as_tensor(J, dtype=F64)
    half = len(J) // 2
    sizes = {"x": half, "y": len(J) - half}
    return ng.Quadratic(J, sizes, start=zeros(len(J)) if start is None else start)


ROTATION = [[0.0, -1.0], [1.0, 0.0]]
DAMPED = [[-0.1, -1.0], [1.0, -0.1]]


def asked(J: list[list[float]] | Tensor, start: Tensor | None = None, **how: object) -> Diagnosis:
    return diagnose(ng.GameField(quadratic(J, start)), None, **how)  # type: ignore[arg-type]


def test_a_step_that_is_too_large_is_not_stable() -> None:
    found = asked(ROTATION, adjustment=ng.Consensus(0.5), steps=10.0)
    assert found.verdict.name == "diverging"
    assert found.rate == pytest.approx(abs(1 + 10 * complex(-0.5, 1)))


@pytest.mark.parametrize(
    "method", [ng.Momentum(0.9), ng.EveryK(ng.Consensus(0.05), 10), ng.Optimistic()]
)
@pytest.mark.parametrize("J", [ROTATION, DAMPED], ids=["rotation", "damped"])
def test_what_a_memory_makes_of_it_is_not_known(
    method: ng.Adjustment, J: list[list[float]]
) -> None:
    found = asked(J, adjustment=method, steps=0.1)
    assert found.verdict.name == "unsure"
    assert found.w is None
    assert "remembers earlier steps" in found.w_is
    away = asked(J, torch.ones(2, dtype=F64), adjustment=method, steps=0.1)
    assert away.verdict.name == "not stationary"


@pytest.mark.parametrize("how", [{"momentum": 0.9}, {"weight_decay": 0.3}])
def test_what_an_optimiser_adds_is_told(how: dict[str, float]) -> None:
    """Heavy ball diverges here, though the plain step converges."""
    game = quadratic(DAMPED)
    opt = ng.GameOptimizer(ng.GameField(game), SGD(game.parameters(), 0.1, **how))
    found = diagnose(opt.field, None, opt)
    assert found.verdict.name == "unsure"
    assert next(iter(how)).split("_")[0] in str(found.rate_is)
    plain = ng.GameOptimizer(ng.GameField(game), SGD(game.parameters(), 0.1))
    assert diagnose(plain.field, None, plain).verdict.name == "local Nash"


def test_an_optimizer_says_what_arguments_say() -> None:
    game = quadratic([[-1.0, 0.0], [0.0, -2.0]])
    opt = ng.GameOptimizer(
        ng.GameField(game),
        SGD(game.parameters(), 0.1),
        adjustment=ng.Consensus(0.5),
        schedule=ng.Alternating(),
    )
    one = diagnose(opt.field, None, opt)
    other = diagnose(
        opt.field, None, adjustment=opt.adjustment, schedule=opt.schedule, steps=opt.step_sizes()
    )
    assert one.to_dict() == other.to_dict()
    with pytest.raises(TypeError, match="pass an optimizer, or adjustment, schedule and steps"):
        diagnose(opt.field, None, opt, steps=0.1)


def test_a_fresh_adam_has_the_steps_of_its_first_gradient() -> None:
    game = quadratic([[-1.0, 0.0], [0.0, -2.0]], torch.ones(2, dtype=F64))
    opt = ng.GameOptimizer(ng.GameField(game), Adam(game.parameters(), 1e-3))
    found = diagnose(opt.field, None, opt)
    assert found.verdict.name == "not stationary"
    assert found.w is not None
    assert found.w.stability.largest == pytest.approx(1e-3, rel=1e-4)


@pytest.mark.parametrize("schedule", [ng.Extragradient(), ng.OptimisticStep()])
def test_the_motion_is_that_of_the_schedule(schedule: ng.Schedule) -> None:
    start = torch.ones(2, dtype=F64)
    found = asked(ROTATION, start, schedule=schedule, steps=0.15)
    assert found.verdict.name != "diverging"
    assert found.rate is not None
    assert found.rate < 1
    assert asked(ROTATION, start, steps=0.5).verdict.name == "diverging"


def test_without_steps_nothing_overshoots() -> None:
    n = 600
    J = zeros(n * n).reshape(n, n)
    J[: n // 2, n // 2 :] = 1e4 * torch.eye(n // 2, dtype=F64)
    J[n // 2 :, : n // 2] = -J[: n // 2, n // 2 :]
    found = asked(J, torch.ones(n, dtype=F64), k=1)
    assert found.verdict.name == "cycling"


@pytest.mark.parametrize("J", [[[-1e-10, 0.0], [0.0, -1e-10]], [[-1.0, 0.0], [0.0, -1e-5]]])
def test_small_is_a_matter_of_units(J: list[list[float]]) -> None:
    assert asked(J).verdict.name == "local Nash"


def test_what_destabilises_is_the_method() -> None:
    """v' is stable, and consensus with one player's norm alone is not, for any step."""
    J = torch.tensor([[1.0, -3.0], [1.0, -2.0]], dtype=F64)
    found = asked(J, adjustment=ng.Consensus(2.0, source="x"), steps=1e-3)
    assert found.verdict.name == "diverging"
    assert "no step is small enough" in str(found)
    assert "lower gamma" in found.verdict.advice[0]


def test_no_gamma_hides_what_is_stable() -> None:
    assert math.isinf(asked(DAMPED).gamma.limit)
    assert "none up to 100" in str(asked(DAMPED))
    saddle = asked([[1.0, 0.0], [0.0, -1.0]])
    assert not saddle.gamma.stable
    assert "stays unstable" in str(saddle)


def test_implicit_steps_at_a_pole_have_no_rate() -> None:
    found = asked([[1.0, 0.0], [0.0, -1.0]], schedule=ng.ImplicitEuler(), steps=1.0)
    assert found.rate is None
    assert found.rate_is.startswith("not known")


def test_float32_and_one_coordinate() -> None:
    J = torch.tensor([[-1.0, -0.5], [0.5, -1.0]])
    game = ng.Quadratic(J, {"x": 1, "y": 1}, start=torch.zeros(2))
    assert diagnose(ng.GameField(game), None, steps=0.1).verdict.name == "local Nash"
    one = ng.Quadratic(-torch.eye(1), {"x": 1}, start=torch.zeros(1))
    assert diagnose(ng.GameField(one), None).verdict.name == "local Nash"


def test_zero_hessians_of_larger_games() -> None:
    game = ng.bilinear(torch.eye(5, dtype=F64), start=zeros(10))
    found = diagnose(ng.GameField(game), None, k=3)
    assert found.hessians["x"][0].estimate == 0


# Games with noise in J: a batch holds matrices, whose mean is played.


class Noisy(ng.Quadratic):
    """The game of the mean of a batch's matrices, `(m, n, n)`, and of shifts, `(m, n)`."""

    def forward(self, batch: dict[str, Tensor], players: Sequence[str]) -> ng.Losses:
        J, b = batch["J"].mean(0), batch["b"].mean(0)
        pieces = [getattr(self, p) for p in self.players]
        x = torch.cat(pieces)
        losses, start = {}, 0
        for p, own in zip(self.players, pieces, strict=True):
            block = slice(start, start + len(own))
            start += len(own)
            inside = J[block, block] @ own / 2
            felt = J[block] @ x - J[block, block] @ own + b[block]
            losses[p] = -own @ (inside + felt)
        return {p: losses[p] for p in players}


def noisy(J: Tensor, size: float, seed: int, *, shift: float = 0.0) -> tuple[ng.Game, list]:
    """Eight batches of J with symmetric noise in the players' own blocks, at rest."""
    n, draw = len(J), torch.Generator().manual_seed(seed)
    half = n // 2
    batches = []
    for _ in range(8):
        E = size * torch.randn(n, n, generator=draw, dtype=F64)
        for own in (slice(0, half), slice(half, n)):
            E[own, own] = (E[own, own] + E[own, own].T) / 2**0.5
        b = shift * torch.randn(n, generator=draw, dtype=F64)
        batches.append({"J": (J + E)[None], "b": b[None]})
    game = Noisy(J, {"x": half, "y": n - half}, start=zeros(n))
    return game, batches


@pytest.mark.parametrize("seed", range(6))
def test_many_noisy_eigenvalues_are_no_saddle(seed: int) -> None:
    """J = -0.1 I is a Nash point; eigenvalues of the mean spread by the noise, on both sides."""
    game, batches = noisy(-0.1 * torch.eye(40, dtype=F64), 0.1, seed)
    found = diagnose(ng.GameField(game), batches, steps=0.01)
    assert found.verdict.name == "unsure"
    assert all(low.sign <= 0 or low.low <= 0.1 for low, _ in found.hessians.values())


@pytest.mark.parametrize("seed", range(10))
def test_an_eigenvalue_behind_the_five_first_has_a_say(seed: int) -> None:
    """The sixth is unstable in truth, and its noise puts it behind the others."""
    diagonal = torch.tensor([-1, -1.1, -1.2, -1.3, -1.4, 0.1, -1.5, -1.6], dtype=F64)
    game, batches = noisy(torch.diag(diagonal), 0.0, seed)
    draw = torch.Generator().manual_seed(seed)
    for batch in batches:
        batch["J"][0, 5, 5] += 5 * torch.randn((), generator=draw, dtype=F64)
    assert diagnose(ng.GameField(game), batches, steps=0.01).verdict.name not in SURE


def test_little_noise_is_no_obstacle() -> None:
    J = torch.diag(-1 - torch.rand(6, generator=torch.Generator().manual_seed(0), dtype=F64))
    game, batches = noisy(J, 0.01, 0, shift=0.1)
    found = diagnose(ng.GameField(game), batches, steps=0.1)
    assert found.verdict.name == "local Nash"
    assert "within noise" in found.verdict.evidence[0]
    assert "vanishes within about" in found.verdict.evidence[0]


def test_a_confidence_asks_for_batches() -> None:
    game, batches = noisy(-torch.eye(4, dtype=F64), 0.01, 0)
    field = ng.GameField(game)
    with pytest.raises(ValueError, match=r"at a confidence of 0.999; pass at least 11"):
        diagnose(field, batches, confidence=0.999)
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1, got 95"):
        diagnose(field, batches, confidence=95)


def gan() -> ng.GameField:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        g = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2)).double()
        d = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    return ng.GameField(ng.GAN(g, d))


def sample(count: int, seed: int = 0) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return {key: torch.randn(count, 2, generator=draw, dtype=F64) for key in ("real", "latent")}


def test_entries_that_do_not_matter_are_no_collapse() -> None:
    batches = [sample(64, s) | {"index": torch.arange(64)} for s in range(8)]
    assert diagnose(gan(), batches).verdict.name != "collapsed generator"
    same = batches[0]["real"]
    constant = [b | {"real": same} for b in batches]
    assert diagnose(gan(), constant).verdict.name != "collapsed generator"


def test_parts_may_be_uneven() -> None:
    assert diagnose(gan(), sample(130)).batches == 8


@pytest.mark.parametrize("count", [1, 4, 15])
def test_few_samples_are_not_all_there_is(count: int) -> None:
    with pytest.raises(ValueError, match=f"batches: {count} samples are too few to see noise"):
        diagnose(gan(), sample(count))


@pytest.mark.parametrize("step", [math.nan, -0.1])
def test_steps_are_numbers(step: float) -> None:
    with pytest.raises(ValueError, match="steps: must be positive numbers"):
        asked(ROTATION, steps=step)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"adjustment": ng.Consensus}, "adjustment: expected an adjustment such as Consensus"),
        ({"schedule": "alternating"}, "schedule: expected a schedule such as Alternating"),
        ({"optimizer": ng.Consensus(1.0)}, "optimizer: expected a GameOptimizer, got Consensus"),
    ],
)
def test_arguments_of_another_kind(how: dict[str, object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        asked(ROTATION, **how)
    with pytest.raises(TypeError, match="field: expected a GameField"):
        diagnose(quadratic(ROTATION), None)  # type: ignore[arg-type]


def test_numbers_and_names_that_are_none() -> None:
    with pytest.raises(ValueError, match="k must be"):
        asked(ROTATION, k=0)
    with pytest.raises(ValueError, match="latent: the batch has no entry 'z'; it has 'real', 'lat"):
        diagnose(gan(), sample(64), latent="z")
