"""w against the field of the paper's modified game (eq. 14), written naively, and its theory."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import nashgrad as ng
from nashgrad.objectives.divergences import js
from references import Case, conv_gan, error, grad_or_zero, mlp_gan, points, quadratic, trio

G, D = "generator", "discriminator"
FORMS: dict[str, list[tuple[float, Any, Any]]] = {  # terms (gamma, source, target)
    "consensus": [(10.0, None, None)],
    "named in full": [(0.3, (G, D), [D, G])],
    "smoothing, Fig 7": [(10.0, None, D)],
    "smoothing, the code": [(2.0, G, D)],
    "Nagarajan-Kolter": [(0.5, D, G)],
    "JARE": [(0.5, G, D), (0.25, D, G)],
    "each its own": [(0.5, G, G), (0.25, D, D)],
    "generator's own": [(3.0, G, G)],
    "source alone": [(3.0, D, None)],
    "target alone": [(3.0, None, (G,))],
    "none": [(0.0, None, None)],
}
NETS: dict[str, Callable[[], Case]] = {
    "mlp": mlp_gan,
    "mlp-js-batchnorm": lambda: mlp_gan("js", norm=True),
    "mlp-r1": lambda: mlp_gan(r1=2.0, activation=nn.Tanh),
    "dcgan": conv_gan,
    "dcgan-batchnorm": lambda: conv_gan("kl", norm="paper"),
}


def adjustment(terms: Sequence[tuple[float, Any, Any]]) -> ng.Adjustment:
    made = [ng.Consensus(*term) for term in terms]
    return made[0] if len(made) == 1 else ng.Chain(*made)


def naive(case: Case, terms: Sequence[tuple[float, Any, Any]]) -> Tensor:
    """eq. 14, with names in place of strings."""
    several = [
        (gamma, *((n,) if isinstance(n, str) else n for n in names)) for gamma, *names in terms
    ]
    return case.modified(several)


@pytest.fixture(scope="module", params=NETS)
def case(request: pytest.FixtureRequest) -> Case:
    torch.manual_seed(4)
    return NETS[request.param]()


@pytest.mark.parametrize("form", FORMS)
def test_the_field_of_the_modified_game(case: Case, form: str) -> None:
    terms = FORMS[form]
    field = ng.GameField(case.game)
    here = field.evaluate(case.batch, None, adjustment(terms), None, update_buffers=())
    expected = naive(case, terms)
    assert error(here.w, expected) < 1e-10
    if form != "none":
        assert error(case.value, expected) > 1e-6  # the term is felt at all


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("player", [G, D])
def test_partial_moves_have_the_block_of_the_whole(case: Case, form: str, player: str) -> None:
    terms = FORMS[form]
    field = ng.GameField(case.game)
    here = field.evaluate(case.batch, player, adjustment(terms), None, update_buffers=())
    block = field.space.block(player)
    assert error(here.w[block], naive(case, terms)[block]) < 1e-10


@pytest.mark.parametrize("form", ["consensus", "JARE", "smoothing, the code"])
def test_backward_writes_the_gradients_of_the_modified_losses(form: str) -> None:
    case, terms = mlp_gan(), FORMS[form]
    for p in case.game.parameters():
        p.grad = torch.full_like(p, 5.0)  # replaced, not added to
    at = ng.backward(ng.GameField(case.game), case.batch, adjustment=adjustment(terms))
    gradient = torch.cat([p.grad.flatten() for p in case.game.parameters()])
    assert error(-gradient, naive(case, terms)) < 1e-10
    assert error(at.value, case.value) < 1e-10


def test_three_players() -> None:
    case, terms = trio(), [(0.7, ("a", "c"), ("b", "c"))]
    here = ng.GameField(case.game).evaluate(case.batch, None, adjustment(terms), None)
    assert error(here.w, case.modified(terms)) < 1e-10


@pytest.mark.parametrize("net", ["mlp", "dcgan"])
def test_half_the_squared_norm_has_the_gradient_of_the_product(net: str) -> None:
    case = NETS[net]()
    x = case.x.clone().requires_grad_()
    by_hand = grad_or_zero(case.v(x).square().sum() / 2, x)
    at = ng.GameField(case.game).linearize(case.batch)
    assert error(at.jacobian.T @ at.value, by_hand) < 1e-10


def test_dirac_gan_at_the_published_point() -> None:
    theta, psi = torch.tensor([0.7, 1.1], dtype=torch.float64, requires_grad=True).unbind()
    v_theta = torch.sigmoid(theta * psi) * psi  # of l_G = -softplus(theta psi)
    v_psi = -torch.sigmoid(theta * psi) * theta  # of l_D = softplus(0) + softplus(theta psi)
    (by_hand,) = torch.autograd.grad((v_theta**2 + v_psi**2) / 2, theta)
    assert by_hand.item() == pytest.approx(0.6035, abs=5e-5)
    field = ng.GameField(ng.DiracGAN(js, start=(0.7, 1.1)))
    at = field.linearize(None)
    assert (at.jacobian.T @ at.value)[0].item() == pytest.approx(by_hand.item(), rel=1e-12)
    here = field.evaluate(None, None, ng.Consensus(2.0), None)
    assert here.w[0].item() == pytest.approx((v_theta - 2 * by_hand).item(), rel=1e-12)
    # The score of the notebook has the other sign: the published point is (0.7, -1.1).
    mirrored = ng.GameField(ng.DiracGAN(js, start=(0.7, -1.1))).linearize(None)
    assert (mirrored.jacobian.T @ mirrored.value)[0].item() != pytest.approx(0.6035, abs=1e-2)


SIZES = st.lists(st.integers(1, 3), min_size=1, max_size=3)


@given(seed=st.integers(0, 2**31), sizes=SIZES, gamma=st.floats(0.01, 10))
@settings(max_examples=30)
def test_fixed_points_are_kept(seed: int, sizes: list[int], gamma: float) -> None:
    game = quadratic({f"p{i}": n for i, n in enumerate(sizes)}, seed)
    field, J = ng.GameField(game), game.matrix
    x = field.space.get()
    A = torch.eye(len(x), dtype=torch.float64) - gamma * J.T
    w = field.evaluate(None, None, ng.Consensus(gamma), None).w
    torch.testing.assert_close(w, A @ (J @ x + game.offset), rtol=1e-9, atol=1e-9)
    if min(torch.linalg.cond(J), torch.linalg.cond(A)) > 1e4:
        return
    star = game.equilibrium()
    field.space.set_(star)
    at = field.evaluate(None, None, ng.Consensus(gamma), None)
    # Zero as far as the solution of J x = -b is exact.
    scale = 1 + J.norm() * star.norm() * (1 + gamma * J.norm())
    assert at.w.norm() < 1e-11 * scale
    # No others where A is invertible: w = 0 at J^-1 (A^-1 0 - b) alone.
    if torch.linalg.cond(A @ J) < 1e4:
        only = torch.linalg.solve(A @ J, -A @ game.offset)
        torch.testing.assert_close(only, star, rtol=1e-6, atol=1e-6)


def test_a_large_gamma_makes_unstable_points_stable() -> None:
    a = 0.5
    game = ng.Quadratic(torch.tensor([[a]], dtype=torch.float64), {"x": 1})
    for gamma, sign in ((1 / a - 0.1, 1), (1 / a + 0.1, -1)):
        at = ng.AdjustedField(ng.GameField(game), ng.Consensus(gamma)).linearize(None)
        assert at.jacobian.to_dense().sign().item() == sign


@pytest.mark.parametrize(
    ("consensus", "players", "order"),
    [
        (ng.Consensus(1.0), (G,), 2),
        (ng.Consensus(0.0), (G, D), 1),
        (ng.Consensus(1.0, target=D), (G,), 1),
        (ng.Consensus(1.0, target=D), (G, D), 2),
        (ng.Consensus(1.0, source=G, target=(D,)), (D,), 2),
    ],
)
def test_products_only_where_they_are_felt(consensus, players, order: int) -> None:
    assert consensus.order(players, None) == order
    case = mlp_gan()
    here = ng.GameField(case.game).evaluate(case.batch, players, consensus, None)
    assert here.cost.products == order - 1
    assert set(here.norms) == (set(players) if order == 1 else {G, D})


@pytest.mark.parametrize("gamma", [-1.0, float("nan"), float("inf"), "10", None])
def test_bad_gamma(gamma: float) -> None:
    with pytest.raises(
        ValueError, match=rf"^gamma must be finite and not negative, got {gamma!r}$"
    ):
        ng.Consensus(gamma)


@pytest.mark.parametrize("names", [{"source": "critic"}, {"target": (G, "critic")}])
def test_unknown_names(names: dict) -> None:
    field = ng.GameField(mlp_gan().game)
    message = r"^unknown player 'critic'; the players are generator, discriminator$"
    with pytest.raises(ValueError, match=message):
        ng.backward(field, points(3), adjustment=ng.Consensus(1.0, **names))
    with pytest.raises(ValueError, match=message):
        ng.Chain(ng.Identity(), ng.Consensus(1.0, **names)).init(field.space)


def test_a_point_that_is_merely_stable_may_lose_its_stability() -> None:
    """The full form keeps points at which J is negative semi-definite and invertible, no others."""
    jacobian = torch.tensor(
        [[-1.700, -0.797, 2.373], [-0.797, 0.266, 1.316], [-0.677, -0.881, 0.902]],
        dtype=torch.float64,
    )
    game = ng.Quadratic(jacobian, {"a": 2, "b": 1}, start=torch.zeros(3, dtype=torch.float64))
    field = ng.GameField(game)
    before = torch.linalg.eigvals(field.linearize(None).jacobian.to_dense())
    assert before.real.max() < -0.04
    adjusted = ng.AdjustedField(field, ng.Consensus(0.1)).linearize(None)
    after = torch.linalg.eigvals(adjusted.jacobian.to_dense())
    assert after.real.max() > 0.02
