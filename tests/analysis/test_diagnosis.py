"""Diagnoses: situations of known truth, numbers against dense references, what is refused."""

import json
import math
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import nashgrad as ng
from nashgrad.analysis import diagnose
from nashgrad.analysis.verdict import EXIT_CODES
from references import mlp_gan

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from verdicts import CLOSED, NETWORKS, SITUATIONS, SURE, Draw, gan_batches, networks

F64 = torch.float64


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", CLOSED)
def test_verdicts_on_closed_forms(name: str, seed: int) -> None:
    make, truth = SITUATIONS[name]
    assert make(Draw(seed)).diagnosis().verdict.name == truth


@pytest.mark.parametrize("name", NETWORKS)
def test_verdicts_on_networks(name: str) -> None:
    make, truth = SITUATIONS[name]
    found = make(Draw(0)).diagnosis()
    assert found.verdict.name == truth
    assert str(found).startswith(f"verdict: {truth}")


def small_gan() -> tuple[ng.GameField, list]:
    draw = Draw(3)
    g, d = networks(draw)
    return ng.GameField(ng.GAN(g, d)), gan_batches(draw)


def test_numbers_are_those_of_dense_references() -> None:
    case = mlp_gan("standard", batch=32)
    field = ng.GameField(case.game)
    found = diagnose(field, case.batch, exact=True, adjustment=ng.Consensus(0.5), steps=0.1)
    J = case.jacobian
    values = torch.linalg.eigvals(J)
    seen = found.v.spectrum.eigenvalues
    assert (seen[:, None] - values).abs().amin(0).max() < 1e-9
    a, _ = case.sizes
    for player, block in zip(case.game.players, (J[:a, :a], J[a:, a:]), strict=True):
        H = torch.linalg.eigvalsh(-block)
        low, high = found.hessians[player]
        assert (low.estimate, high.estimate) == pytest.approx((H[0].item(), H[-1].item()))
    A = (J - J.T) / 2
    assert found.rotation == pytest.approx((A.square().sum() / J.square().sum()).item())
    v = case.value.split(case.sizes)
    for player, block in zip(case.game.players, v, strict=True):
        assert found.norms[player] == pytest.approx(block.norm().item())
    assert found.exact
    assert found.p_value is None
    w = ng.AdjustedField(field, ng.Consensus(0.5)).linearize(case.batch).jacobian.to_dense()
    expected = (1 + 0.1 * torch.linalg.eigvals(w)).abs().max().item()
    assert found.rate == pytest.approx(expected)
    assert found.w_is == "all of w'"


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (ng.Extragradient(), lambda W: torch.eye(len(W)) + W + W @ W),
        (ng.Lookahead(ng.Simultaneous(), 2, 0.3), lambda W: 0.7 * one(W) + 0.3 * mp(W + one(W), 2)),
        (ng.Alternating(("b", "a")), lambda W: (one(W) + top(W)) @ (one(W) + W - top(W))),
    ],
    ids=["extragradient", "lookahead", "turns"],
)
def test_the_rate_is_that_of_the_schedule(schedule, expected) -> None:
    """Over steps S that differ by coordinate: the radius of the map of S w'."""
    draw = torch.Generator().manual_seed(0)
    J = torch.randn(5, 5, generator=draw, dtype=F64) - 3 * torch.eye(5, dtype=F64)
    for own in (slice(0, 3), slice(3, 5)):
        J[own, own] = (J[own, own] + J[own, own].T) / 2
    game = ng.Quadratic(J, {"a": 3, "b": 2}, start=torch.zeros(5, dtype=F64))
    steps = 0.1 * torch.rand(5, generator=draw, dtype=F64)
    found = diagnose(ng.GameField(game), None, schedule=schedule, steps=steps)
    F = expected(steps[:, None] * game.matrix)
    per_step = 2 if isinstance(schedule, ng.Lookahead) else 1
    radius = torch.linalg.eigvals(F).abs().max().item() ** (1 / per_step)
    assert found.rate == pytest.approx(radius, rel=1e-12)
    assert type(schedule).__name__ in found.rate_is


def one(W: torch.Tensor) -> torch.Tensor:
    return torch.eye(len(W), dtype=W.dtype)


def top(W: torch.Tensor) -> torch.Tensor:
    """The rows of player a."""
    return torch.cat([W[:3], 0 * W[3:]])


def mp(W: torch.Tensor, power: int) -> torch.Tensor:
    return torch.linalg.matrix_power(W, power)


def test_neutral_directions_have_no_say_in_a_rate() -> None:
    J = torch.diag(torch.tensor([-1.0, 0.0, -2.0], dtype=F64))
    game = ng.Quadratic(J, {"a": 2, "b": 1}, start=torch.zeros(3, dtype=F64))
    for schedule in (ng.Simultaneous(), ng.Alternating(), ng.OptimisticStep()):
        found = diagnose(ng.GameField(game), None, schedule=schedule, steps=0.1)
        assert found.rate is not None
        assert found.rate < 0.95


def test_a_schedule_without_a_map_has_no_rate() -> None:
    n = 40
    game = ng.Quadratic(-torch.eye(n, dtype=F64), {"a": 20, "b": 20}, None, torch.zeros(n).double())
    field = ng.GameField(game)
    partial = diagnose(field, None, schedule=ng.Extragradient(), steps=0.1, k=4)
    assert partial.rate is None
    assert "takes all of w'" in str(partial)
    nested = ng.Lookahead(ng.Lookahead(ng.Simultaneous(), 2), 3)
    found = diagnose(field, None, schedule=nested, steps=0.1)
    assert found.rate is None
    assert "Lookahead has no linear map" in found.rate_is


def test_nothing_is_changed() -> None:
    field, batches = small_gan()
    before = field.space.get()
    buffers = {n: b.clone() for n, b in field.game.named_buffers()}
    state = torch.get_rng_state()
    diagnose(field, batches, steps=0.1, adjustment=ng.Consensus(1.0))
    assert torch.equal(field.space.get(), before)
    assert all(torch.equal(b, buffers[n]) for n, b in field.game.named_buffers())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in field.game.parameters())


def test_a_partial_spectrum_is_never_enough() -> None:
    """What is stable in truth is unsure when only some eigenvalues are seen."""
    n = 600
    draw = torch.Generator().manual_seed(0)
    J = -torch.diag(torch.linspace(0.5, 2.0, n, dtype=F64))
    K = 0.1 * torch.randn(n // 2, n // 2, generator=draw, dtype=F64) / n**0.5
    J[: n // 2, n // 2 :], J[n // 2 :, : n // 2] = K, -K.T
    game = ng.Quadratic(J, {"x": n // 2, "y": n // 2}, start=torch.zeros(n, dtype=F64))
    whole = diagnose(ng.GameField(game), None, steps=0.1)
    part = diagnose(ng.GameField(game), None, steps=0.1, k=6)
    assert whole.verdict.name == "local Nash"
    assert part.verdict.name == "unsure"
    assert not part.v.spectrum.complete
    assert "only" in str(part)
    for p in game.players:
        for one, other in zip(part.hessians[p], whole.hessians[p], strict=True):
            assert one.estimate == pytest.approx(other.estimate, rel=0.05)


def test_a_detach_between_players_is_told() -> None:
    g, d = nn.Linear(2, 2).double(), nn.Linear(2, 1).double()

    def losses(batch, players):
        fake = g(batch["latent"])
        return {
            "g": -d(fake).mean(),
            "d": d(fake.detach()).square().mean() - d(batch["real"]).mean(),
        }

    field = ng.GameField(ng.FunctionGame({"g": g, "d": d}, losses))
    batch = {"real": torch.randn(32, 2, dtype=F64), "latent": torch.randn(32, 2, dtype=F64)}
    assert diagnose(field, batch).uncoupled == (("d", "g"),)


def test_without_noise_smaller_than_the_truth_no_sign_is_claimed() -> None:
    """Intervals of the rightmost eigenvalues hold those of the mean over very many batches."""
    game = ng.GAN(*networks(Draw(5)))
    draw = Draw(6)
    field = ng.GameField(game)
    found = diagnose(field, gan_batches(draw))
    many = gan_batches(draw, count=40)
    J = sum(field.linearize(b).jacobian.to_dense() for b in many) / len(many)
    truth = torch.linalg.eigvals(J).real.max().item()
    top = found.v.rightmost[0]
    assert top.low < truth < top.high


def test_a_field_that_is_not_finite() -> None:
    game = ng.Quadratic(-torch.eye(2, dtype=F64), {"x": 1, "y": 1})
    with torch.no_grad():
        game.x.fill_(math.nan)
    found = diagnose(ng.GameField(game), None)
    assert (found.verdict.name, found.verdict.exit_code) == ("not finite", 3)
    assert "not finite" in str(found)
    json.dumps(found.to_dict())


def test_it_is_plain_values() -> None:
    field, batches = small_gan()
    values = json.loads(json.dumps(diagnose(field, batches, steps=0.1).to_dict()))
    assert values["verdict"] in str(values)
    assert len(values["v"]["eigenvalues"]) == field.space.size
    assert values["p_value"] <= 1


@pytest.mark.parametrize("method", [ng.ClipNorm(1.0), ng.Optimistic(), ng.Competitive()])
def test_methods_whose_w_is_something_else(method: ng.Adjustment) -> None:
    """Memory, no derivative, a solve: w' is known or said not to be; never an error."""
    J = torch.tensor([[-1.0, -0.5], [0.5, -1.0]], dtype=F64)
    game = ng.Quadratic(J, {"x": 1, "y": 1}, start=torch.zeros(2, dtype=F64))
    found = diagnose(ng.GameField(game), None, adjustment=method, steps=0.1)
    assert (found.w is None) == (not method.pure)
    assert found.verdict.name == ("local Nash" if method.pure else "unsure")


def test_refusals() -> None:
    field, batches = small_gan()
    with pytest.raises(ValueError, match=r"^steps: expected shape \(\d+,\), got \(3,\)$"):
        diagnose(field, batches, steps=torch.ones(3))
    with pytest.raises(ValueError, match=r"^batches: 3 are too few to tell v from zero"):
        diagnose(field, batches[:3])
    with pytest.raises(ValueError, match=r"^batches: there are none$"):
        diagnose(field, [])
    with pytest.raises(ValueError, match=r"^batches: 4 samples are too few to see noise"):
        diagnose(field, {k: x[:4] for k, x in batches[0].items()})
    with pytest.raises(ValueError, match=r"^exact: several batches are not all there is"):
        diagnose(field, batches, exact=True)


def test_random_losses_are_refused() -> None:
    g, d = networks(Draw(0))
    field = ng.GameField(ng.GAN(nn.Sequential(g, nn.Dropout(0.5)), d))
    with (
        pytest.warns(UserWarning, match="draws random numbers"),
        pytest.raises(ValueError, match=r"draws random numbers.*no meaning$"),
    ):
        diagnose(field, gan_batches(Draw(1)))


def test_the_benchmark_counts_each_claim_of_stability() -> None:
    assert set(SURE) == {name for name, code in EXIT_CODES.items() if code == 0}
