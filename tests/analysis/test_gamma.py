"""The search for gamma against brute force, and projections against dense matrices."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from nashgrad.analysis import GammaChoice, projected, smallest_gamma
from nashgrad.core.operators import DenseOperator

NEUTRAL = 1e-3


def draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def semi_definite(seed: int) -> Tensor:
    """Rotation with little damping, and none in half of the directions."""
    R, H = draw(seed, 6, 6), draw(seed + 1000, 6, 3)
    return R - R.T - 0.1 * H @ H.T


def stable(seed: int) -> Tensor:
    """A general J whose eigenvalues are to the left; J + J^T need not be definite."""
    M = draw(seed, 6, 6)
    return M - (torch.linalg.eigvals(M).real.max() + 0.1) * torch.eye(6).double()


def unstable(seed: int) -> Tensor:
    """A rotation with damping beside one direction, a mixed one, that is fled."""
    Q, _ = torch.linalg.qr(draw(seed, 6, 6))
    J = torch.zeros(6, 6).double()
    J[:5, :5] = semi_definite(seed)[:5, :5]
    J[5, 5] = 0.2 + 0.5 * (seed % 5)
    return Q @ J @ Q.T


def bilinear(seed: int) -> Tensor:
    S, Z = 2 * torch.eye(3).double() + 0.3 * draw(seed, 3, 3), torch.zeros(3, 3).double()
    return torch.cat([torch.cat([Z, -S], 1), torch.cat([S.T, Z], 1)])


KINDS: dict[str, Callable[[int], Tensor]] = {
    "semi-definite": semi_definite,
    "stable": stable,
    "unstable": unstable,
    "bilinear": bilinear,
    "anything": lambda seed: draw(seed, 6, 6),
}


def look(J: Tensor, gamma: float) -> tuple[int, float]:
    """How many eigenvalues are fled, and the worst |Im| / |Re| of those that are neither that nor
    neutral, from the dense matrix and in plain numbers."""
    least = NEUTRAL * torch.linalg.matrix_norm(J, 2).item()
    found = torch.linalg.eigvals(J - gamma * J.T @ J).tolist()
    fled = [z for z in found if z.real > least]
    rest = [z for z in found if abs(z) > least and z.real <= least]
    ratios = [abs(z.imag) / -z.real if z.real < 0 else math.inf for z in rest]
    return len(fled), max(ratios, default=0.0)


def brute(J: Tensor, q: float, maximum: float, steps: int = 1500) -> tuple[float | None, float]:
    """The first gamma of a fine scan at which all is well, if any, and the limit."""
    before, _ = look(J, 0.0)
    first = None
    for k in range(steps + 1):
        gamma = maximum * k / steps
        fled, worst = look(J, gamma)
        if fled < before:
            return first, gamma
        if first is None and fled == before and worst <= q:
            first = gamma
    return first, math.inf


def choose(J: Tensor, q: float, maximum: float = 3.0) -> GammaChoice:
    return smallest_gamma(J, J.T @ J, q, maximum=maximum, neutral=NEUTRAL)


@pytest.mark.parametrize("q", [0.5, 2.0])
@pytest.mark.parametrize("kind", KINDS)
def test_brute_force(kind: str, q: float) -> None:
    outcomes = set()
    for seed in range(4):
        J, maximum, steps = KINDS[kind](seed), 3.0, 1500
        first, limit = brute(J, q, maximum, steps)
        found = choose(J, q, maximum)
        fled, worst = look(J, found.gamma)
        assert found.limit == pytest.approx(limit, abs=2 * maximum / steps)
        assert found.gamma <= found.limit
        assert fled == look(J, 0.0)[0]
        assert found.q == pytest.approx(worst, rel=1e-6)
        assert found.stable == (fled == 0 and worst < math.inf)
        if first is None:
            assert found.q > q
        else:
            assert found.q <= q
            assert found.gamma <= first + 1e-9
            assert found.gamma >= first - maximum / steps - 1e-9
        outcomes.add("none" if first is None else "zero" if first == 0 else "some")
    assert outcomes - {"none"}


@pytest.mark.parametrize("q", [0.3, 1.0, 4.0])
def test_on_a_bilinear_game_it_is_known(q: float) -> None:
    """i sigma becomes i sigma - gamma sigma^2: |Im / Re| = 1 / (gamma sigma)."""
    J = bilinear(0)
    least = torch.linalg.svdvals(J).min().item()
    found = choose(J, q, maximum=100.0)
    assert found.gamma == pytest.approx(1 / (q * least))
    assert found.q == pytest.approx(q)
    assert (found.stable, found.limit) == (True, math.inf)


def test_where_the_maximum_is_too_small_it_comes_as_near_as_it_may() -> None:
    J = bilinear(0)
    least = torch.linalg.svdvals(J).min().item()
    found = choose(J, 1.0, maximum=0.5 / least)
    assert found.gamma == pytest.approx(0.5 / least)
    assert found.q == pytest.approx(2.0)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.0), (0.5, 2.0)])
def test_the_limit_is_where_an_unstable_eigenvalue_would_turn(a: float, b: float) -> None:
    """a + bi of a normal J becomes a - gamma (a^2 + b^2) + bi."""
    J = torch.block_diag(
        torch.tensor([[a, -b], [b, a]]).double(), torch.tensor([[0.0, -4.0], [4.0, 0.0]]).double()
    )
    found = choose(J, 0.01, maximum=10.0)
    limit = (a - NEUTRAL * 4.0) / (a * a + b * b)
    assert found.limit == pytest.approx(limit, rel=1e-6)
    assert found.gamma == pytest.approx(limit, rel=1e-6)
    assert not found.stable


def test_below_the_limit_it_takes_no_more_than_is_asked() -> None:
    """A rotation of 4 i beside an eigenvalue of 0.5, which would turn at gamma = 2."""
    J = torch.block_diag(
        torch.tensor([[0.5]]).double(), torch.tensor([[0.0, -4.0], [4.0, 0.0]]).double()
    )
    assert choose(J, 1.0).gamma == pytest.approx(0.25)
    assert not choose(J, 1.0).stable


def test_what_consensus_would_destabilise() -> None:
    """J is stable, J - 0.1 J^T J is not: between the two lies the best that there is."""
    J = torch.tensor(
        [[-1.700, -0.797, 2.373], [-0.797, 0.266, 1.316], [-0.677, -0.881, 0.902]]
    ).double()
    assert look(J, 0.0)[0] == 0
    assert look(J, 0.1)[0] > 0
    found = choose(J, 1e-3, maximum=0.2)
    assert look(J, found.gamma) == (0, pytest.approx(found.q))
    assert found.stable
    worst = [look(J, 0.2 * k / 300) for k in range(301)]
    assert found.q <= min(w for n, w in worst if n == 0) * 1.05


def test_neutral_directions_do_not_count() -> None:
    J = torch.block_diag(
        torch.tensor([[0.0, -1.0], [1.0, 0.0]]).double(),
        1e-4 * torch.tensor([[0.01, -1.0], [1.0, 0.01]]).double(),
        torch.zeros(2, 2).double(),
    )
    found = choose(J, 1.0)
    assert found.gamma == pytest.approx(1.0)
    assert found.stable
    assert not smallest_gamma(J, J.T @ J, 1.0, maximum=3.0, neutral=1e-7).stable


def test_rounding_makes_nothing_unstable() -> None:
    """The eigenvalues of a bilinear game have real parts of either sign, by rounding."""
    for seed in range(10):
        J = bilinear(seed)
        A = J + 1e-14 * draw(seed, 6, 6)
        found = smallest_gamma(A, A.T @ A, 1.0, maximum=1e3)
        assert found.stable
        assert found.limit == math.inf


def test_nothing_moves() -> None:
    Z = torch.zeros(3, 3)
    assert smallest_gamma(Z, Z) == GammaChoice(0.0, 0.0, True, math.inf)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"q": 0.0}, "q must be positive and finite, got 0.0"),
        ({"maximum": math.inf}, "maximum must be positive and finite, got inf"),
        ({"neutral": 1.0}, "neutral must lie between 0 and 1, got 1.0"),
    ],
)
def test_numbers_out_of_range(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 (the message is compared whole)
        smallest_gamma(torch.eye(2), torch.eye(2), **options)
    assert str(raised.value) == message


def test_matrices_that_are_not_finite() -> None:
    A = torch.full((2, 2), math.nan)
    with pytest.raises(ValueError, match=r"^A and B must be finite$"):
        smallest_gamma(A, torch.eye(2))


# Projections


def krylov(J: Tensor, s: Tensor, m: int) -> Tensor:
    columns = [s / s.norm()]
    for _ in range(m - 1):
        u = J @ columns[-1]
        columns.append(u / u.norm())
    Q, _ = torch.linalg.qr(torch.stack(columns, 1))
    return Q


@pytest.mark.parametrize("m", [1, 3, 5])
def test_the_projection_on_a_krylov_space(m: int) -> None:
    """Bases differ by a rotation: what does not, is compared."""
    J, s = draw(0, 20, 20), draw(1, 20)
    V = krylov(J, s, m)
    A, B = projected(DenseOperator(J), s, m)
    dense, square = V.T @ J @ V, V.T @ J.T @ J @ V
    assert A.shape == B.shape == (m, m)
    for gamma in (0.0, 0.3):
        ours = torch.linalg.eigvals(A - gamma * B)
        theirs = torch.linalg.eigvals(dense - gamma * square)
        for power in range(1, m + 1):
            torch.testing.assert_close((ours**power).sum(), (theirs**power).sum())
    torch.testing.assert_close(torch.linalg.eigvalsh(B), torch.linalg.eigvalsh(square))


SINGULAR: dict[str, Callable[[], Tensor]] = {
    "regular": lambda: draw(0, 12, 12),
    "zero": lambda: torch.zeros(12, 12).double(),
    "of rank one": lambda: torch.outer(draw(0, 12), draw(1, 12)),
    "nilpotent": lambda: torch.diag(torch.ones(11).double(), 1),
    "two eigenvalues": lambda: torch.diag(torch.tensor([1.0, -1.0] * 6).double()),
}


@pytest.mark.parametrize("start", ["random", "zero", "first"])
@pytest.mark.parametrize("kind", SINGULAR)
def test_all_dimensions_are_exact(kind: str, start: str) -> None:
    """A and B are J and J^T J in one and the same orthonormal basis, exhausted spaces or not."""
    J = SINGULAR[kind]()
    s = {
        "random": draw(2, 12),
        "zero": torch.zeros(12).double(),
        "first": torch.eye(12).double()[0],
    }
    A, B = projected(DenseOperator(J), s[start], 99)
    assert A.shape == (12, 12)
    torch.testing.assert_close(B, A.T @ A, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(torch.linalg.svdvals(A), torch.linalg.svdvals(J))
    for power in range(1, 6):
        ours, theirs = (torch.linalg.matrix_power(M, power).trace() for M in (A, J))
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)


def test_single_precision_keeps_its_basis_orthonormal() -> None:
    J = draw(0, 200, 200).float()
    A, B = projected(DenseOperator(J), draw(1, 200).float(), 60)
    exact, square = projected(DenseOperator(J.double()), draw(1, 200), 60)
    assert A.dtype == torch.float64
    ours, theirs = (torch.linalg.eigvals(M).abs().max() for M in (A, exact))
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=0.0)
    torch.testing.assert_close(
        torch.linalg.matrix_norm(B, 2), torch.linalg.matrix_norm(square, 2), rtol=1e-4, atol=0.0
    )


def test_products_that_are_not_finite_show() -> None:
    A, B = projected(DenseOperator(torch.full((4, 4), math.nan)), torch.ones(4), 3)
    assert not A.isfinite().all()
    assert not B.isfinite().all()


def test_the_same_again() -> None:
    J, s = torch.zeros(5, 5), torch.zeros(5)
    J[0, 1] = 1.0
    one, two = (projected(DenseOperator(J), s, 4) for _ in range(2))
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])


def test_a_rank_below_one() -> None:
    with pytest.raises(ValueError, match=r"^rank must be a whole number of at least 1, got 0$"):
        projected(DenseOperator(torch.eye(2)), torch.ones(2), 0)
