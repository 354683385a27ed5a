"""w' with J held fixed: against formulas, and its noise against what new batches say."""

import pytest
import torch

import nashgrad as ng
from nashgrad.analysis.adjusted_map import adjusted_map, pseudo_values
from nashgrad.analysis.noise import mean_interval, per_batch
from nashgrad.core.operators import DenseOperator
from references import error

F64 = torch.float64
SIZES = {"a": 3, "b": 2}
GAMMA = 0.7


def draw(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def matrix(seed: int) -> torch.Tensor:
    J = torch.randn(5, 5, generator=draw(seed), dtype=F64)
    J[:3, :3], J[3:, 3:] = -J[:3, :3] @ J[:3, :3].T, -J[3:, 3:] @ J[3:, 3:].T
    return J


def here() -> ng.Linearization:
    return ng.GameField(ng.Quadratic(matrix(0), SIZES)).linearize(None)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (ng.Identity(), lambda J: J),
        (ng.Consensus(GAMMA), lambda J: J - GAMMA * J.T @ J),
        (ng.Symplectic(GAMMA), lambda J: J + GAMMA * (J - J.T) / 2 @ J),
        (ng.ClipNorm(1.0), lambda J: J),
    ],
    ids=["none", "consensus", "symplectic", "clipping"],
)
def test_maps_are_their_formulas(method, expected) -> None:
    J = matrix(1)
    assert error(adjusted_map(method, here(), J), expected(J)) < 1e-9


def test_a_method_that_is_not_linear_has_none() -> None:
    with pytest.raises(ValueError, match="NormRatio is not linear in v"):
        adjusted_map(ng.NormRatio(ng.Consensus(GAMMA)), here(), matrix(1))


def batches(seed: int, m: int, noise: float = 0.3) -> list[torch.Tensor]:
    generator = draw(seed)
    return [matrix(2) + noise * torch.randn(5, 5, generator=generator, dtype=F64) for _ in range(m)]


def operators(parts: list[torch.Tensor]) -> tuple[DenseOperator, list[DenseOperator]]:
    return DenseOperator(sum(parts) / len(parts)), [DenseOperator(J) for J in parts]


def test_of_a_linear_map_they_are_the_batches() -> None:
    parts = batches(0, 4)
    mean, each = operators(parts)
    found = pseudo_values(ng.Identity(), here(), mean, each)
    u = torch.randn(5, generator=draw(3), dtype=F64)
    for A, J in zip(found, parts, strict=True):
        assert error(A @ u, J @ u) < 1e-9


def test_they_are_those_of_the_jackknife() -> None:
    parts = batches(0, 4)
    mean, each = operators(parts)

    def A(J: torch.Tensor) -> torch.Tensor:
        return J - GAMMA * J.T @ J

    u = torch.randn(5, generator=draw(3), dtype=F64)
    for b, found in enumerate(pseudo_values(ng.Consensus(GAMMA), here(), mean, each)):
        rest = sum(J for c, J in enumerate(parts) if c != b) / 3
        assert error(found @ u, (4 * A(mean.matrix) - 3 * A(rest)) @ u) < 1e-8


def test_intervals_hold_the_eigenvalue_of_all_data() -> None:
    """As often as they say, for the eigenvalue of J - gamma J^T J that is farthest right."""
    method, J = ng.Consensus(GAMMA), matrix(2)
    truth = torch.linalg.eigvals(J - GAMMA * J.T @ J).real.max().item()
    held, instances = 0, 200
    for seed in range(instances):
        mean, each = operators(batches(100 + seed, 10, noise=0.1))
        W = adjusted_map(method, here(), mean.matrix)
        values, right = torch.linalg.eig(W)
        i = int(values.real.argmax())
        left = torch.linalg.inv(right)[i].conj()
        samples = per_batch(pseudo_values(method, here(), mean, each), right[:, i], left)
        interval = mean_interval(samples.real)
        held += interval.low <= truth <= interval.high
    assert 0.9 <= held / instances <= 0.99


def test_transposes_are_not_known() -> None:
    mean, each = operators(batches(0, 4))
    [A, *_] = pseudo_values(ng.Consensus(GAMMA), here(), mean, each)
    with pytest.raises(NotImplementedError, match="J held fixed"):
        A.T @ torch.ones(5, dtype=F64)
