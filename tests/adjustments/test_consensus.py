"""w against the field of the paper's modified game (eq. 14), written naively, and its theory."""

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim import SGD

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


def test_a_mapping_that_names_nobody() -> None:
    with pytest.raises(ValueError, match=r"^gamma: names no player and no parameter"):
        ng.Consensus({})


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


# A gamma of each player's or parameter's own


def by_prefix(case: Case, keys: dict[str, float]) -> Tensor:
    """The diagonal of Gamma, by hand: the longest key that names a parameter's module counts."""
    diagonal = []
    for player in case.game.players:
        for name, p in getattr(case.game, player).named_parameters():
            path = [player, *name.split(".")]
            fitting = [".".join(path[:k]) for k in range(len(path) + 1)]
            values = [keys[key] for key in fitting if key in keys]
            diagonal.append(p.new_full((p.numel(),), values[-1] if values else 0.0))
    return torch.cat(diagonal)


@pytest.mark.parametrize(
    "keys",
    [
        {G: 0.3, D: 5.0},
        {D: 2.0},
        {f"{G}.2": 2.0, G: 0.3, f"{G}.2.bias": 0.5, f"{D}.0": 1.0},
        {f"{G}.0": 0.0, G: 4.0},
        {G: 0.0},
    ],
)
def test_a_gamma_for_each(keys: dict[str, float]) -> None:
    case = mlp_gan()
    w = ng.GameField(case.game).evaluate(case.batch, None, ng.Consensus(keys), None).w
    Gamma = torch.diag(by_prefix(case, keys))
    assert error(w, case.value - Gamma @ case.jacobian.T @ case.value) < 1e-10


def test_a_gamma_for_each_player_is_the_modified_game_of_each() -> None:
    case = mlp_gan()
    w = ng.GameField(case.game).evaluate(case.batch, None, ng.Consensus({G: 0.3, D: 5.0}), None).w
    assert error(w, case.modified([(0.3, None, (G,)), (5.0, None, (D,))])) < 1e-10


def test_a_gamma_for_each_with_restrictions() -> None:
    case = mlp_gan()
    consensus = ng.Consensus({G: 0.3, D: 5.0}, source=G, target=(D,))
    w = ng.GameField(case.game).evaluate(case.batch, None, consensus, None).w
    assert error(w, case.modified([(5.0, (G,), (D,))])) < 1e-10


@pytest.mark.parametrize(
    ("key", "player"),
    [(key, G) for key in ("generator.1", "generator.0.weights", "generator.")]
    + [("discriminator.7", D), ("gen", None), ("", None)],
)
def test_a_key_that_fits_nothing(key: str, player: str | None) -> None:
    field = ng.GameField(mlp_gan().game)
    with pytest.raises(ValueError, match=r"^gamma: no parameter's name begins with ") as raised:
        ng.Consensus({G: 1.0, key: 1.0}).init(field.space)
    blocks = [f"{p}.{n}" for p in (G, D) if player in (p, None) for n in (0, 2)]
    assert str(raised.value) == (
        f"gamma: no parameter's name begins with {key!r}; the players are generator, "
        f"discriminator, and blocks are {', '.join(blocks)}"
    )


def test_a_bad_gamma_among_several() -> None:
    with pytest.raises(ValueError, match=r"^gamma of 'a' must be finite and not negative, got -1"):
        ng.Consensus({"b": 1.0, "a": -1.0})


@pytest.mark.parametrize(
    ("keys", "players", "order"),
    [
        ({G: 1.0}, (G,), 2),
        ({G: 1.0}, (D,), 1),
        ({f"{D}.0": 1.0, G: 0.0}, (G,), 1),
        ({f"{D}.0": 1.0, D: 0.0}, (D,), 2),
        ({G: 0.0, D: 0.0}, (G, D), 1),
    ],
)
def test_products_only_for_players_with_a_gamma(keys, players, order: int) -> None:
    assert ng.Consensus(keys).order(players, None) == order


def test_it_is_a_value() -> None:
    keys = {G: 1.0, D: 2.0}
    one, two = ng.Consensus(keys), ng.Consensus({D: 2.0, G: 1.0})
    assert one == two
    assert hash(one) == hash(two)
    assert one != ng.Consensus({G: 1.0, D: 3.0})
    assert copy.deepcopy(one) == one
    keys[G] = 5.0
    assert one == two


@given(seed=st.integers(0, 2**31), low=st.floats(0.01, 10), high=st.floats(0.01, 10))
@settings(max_examples=50)
def test_a_gamma_for_each_keeps_stability(seed: int, low: float, high: float) -> None:
    """L7 for the family: J negative semi-definite and invertible, Gamma > 0."""
    draw = torch.Generator().manual_seed(seed)
    H, R = (torch.randn(4, 4, generator=draw, dtype=torch.float64) for _ in range(2))
    own = torch.block_diag(H[:2, :1] @ H[:2, :1].T, H[2:, :1] @ H[2:, :1].T)  # semi-definite
    across = torch.zeros_like(R)
    across[:2, 2:], across[2:, :2] = R[:2, 2:], -R[:2, 2:].T
    game = ng.Quadratic(across - own, {"x": 2, "y": 2}, start=torch.zeros(4).double())
    if torch.linalg.cond(game.matrix) > 1e3:
        return
    field = ng.AdjustedField(ng.GameField(game), ng.Consensus({"x": low, "y": high}))
    after = torch.linalg.eigvals(field.linearize(None).jacobian.to_dense())
    assert after.real.max() < 0


# Alignment


def aligned(v: Tensor, J: Tensor, gamma: float) -> Tensor:
    """Eq. 3 of Letcher et al. in their signs: xi = -v, H = -J, a step goes along -(...)."""
    xi, H = -v, -J
    hamiltonian = H.T @ xi
    return -(xi + gamma * torch.sign(xi @ hamiltonian) * hamiltonian)


def test_alignment_by_hand() -> None:
    signs = set()
    for seed in range(20):
        game = quadratic({"a": 2, "b": 1, "c": 2}, seed)
        at = ng.GameField(game).linearize(None)
        signs.add(torch.sign(at.value @ game.matrix @ at.value).item())
        w = ng.GameField(game).evaluate(None, None, ng.Consensus(0.7, align=True), None).w
        assert error(w, aligned(at.value, game.matrix, 0.7)) < 1e-12
    assert signs == {-1.0, 1.0}


@pytest.mark.parametrize("make", [mlp_gan, trio])
def test_alignment_on_nets(make: Callable[[], Case]) -> None:
    case = make()
    w = ng.GameField(case.game).evaluate(case.batch, None, ng.Consensus(3.0, align=True), None).w
    assert error(w, aligned(case.value, case.jacobian, 3.0)) < 1e-10


def test_alignment_asks_how_v_moves_the_norm_of_the_source() -> None:
    signs = set()
    for seed in range(20):
        game = quadratic({"a": 2, "b": 3}, seed)
        J, v = game.matrix, ng.GameField(game).linearize(None).value
        pulled = J.T @ torch.cat([v[:2], torch.zeros(3).double()])
        rises = (v @ pulled).item() > 0
        signs.add(rises == ((v @ J.T @ v).item() > 0))
        term = torch.cat([torch.zeros(2).double(), pulled[2:]])
        consensus = ng.Consensus({"b": 0.7}, source="a", target="b", align=True)
        w = ng.GameField(game).evaluate(None, None, consensus, None).w
        assert error(w, v + (0.7 if rises else -0.7) * term) < 1e-12
    assert signs == {True, False}  # the two questions differ


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_in_a_pure_rotation_alignment_descends(dtype: torch.dtype) -> None:
    """<v, J^T v> is rounding there, of either sign."""
    rounded = set()
    for seed in range(30):
        draw = torch.Generator().manual_seed(seed)
        coupling = torch.randn(4, 4, generator=draw, dtype=dtype)
        game = ng.bilinear(coupling, torch.randn(8, generator=draw, dtype=dtype))
        field = ng.GameField(game)
        at = field.linearize(None)
        rounded.add(torch.sign(at.value @ (at.jacobian.T @ at.value)).item())
        w = [field.evaluate(None, None, ng.Consensus(1.0, align=a), None).w for a in (False, True)]
        assert torch.equal(*w)
    assert 1.0 in rounded


@pytest.mark.parametrize("align", [False, True])
def test_alignment_flees_what_v_flees(align: bool) -> None:
    """At a large gamma plain consensus goes to the unstable point."""
    J = torch.tensor([[0.5, -1.0], [1.0, 0.3]], dtype=torch.float64)
    game = ng.Quadratic(J, {"x": 1, "y": 1})
    adjustment = ng.Consensus(3.0, align=align)
    opt = ng.GameOptimizer(ng.GameField(game), SGD(game.parameters(), 0.05), adjustment=adjustment)
    start = opt.space.get().norm()
    for _ in range(50):
        opt.step(None)
    assert (opt.space.get().norm() > 3 * start) == align
    assert (opt.space.get().norm() < start / 3) == (not align)


# What each form does on the bilinear game: l_x = sigma x y = -l_y, v = (-sigma y, sigma x)

SIGMA, GAMMA, STEP = 1.5, 0.6, 0.2
FULL = math.hypot(1 - STEP * GAMMA * SIGMA**2, STEP * SIGMA)
"""Eigenvalues 1 - h gamma sigma^2 +- i h sigma."""
ONE_SIDED = math.sqrt(1 - STEP * GAMMA * SIGMA**2 + STEP**2 * SIGMA**2)
"""F = [[1, -h sigma], [h sigma, 1 - h gamma sigma^2]] has complex eigenvalues and this det."""
ACROSS = [ng.Consensus(GAMMA, source=s, target=t) for s, t in (("x", "y"), ("y", "x"))]
RADII = {
    "plain": (ng.Identity(), math.hypot(1, STEP * SIGMA)),
    "consensus": (ng.Consensus(GAMMA), FULL),
    "aligned": (ng.Consensus(GAMMA, align=True), FULL),
    "smoothing": (ng.Consensus(GAMMA, target="y"), ONE_SIDED),
    "smoothing, the code": (ACROSS[0], ONE_SIDED),
    "Nagarajan-Kolter": (ACROSS[1], ONE_SIDED),
    "JARE": (ng.Chain(*ACROSS), FULL),
    "own": (ng.Consensus(GAMMA, source="y", target="y"), math.hypot(1, STEP * SIGMA)),
    "clipped": (ng.ClipNorm(1.0), math.hypot(1, STEP * SIGMA)),
    "cut": (ng.ClipValue(1.0), math.hypot(1, STEP * SIGMA)),
}


@pytest.mark.parametrize("form", RADII)
def test_radius_on_the_bilinear_game(form: str) -> None:
    """Near the equilibrium: what clips changes nothing there and diverges."""
    adjustment, radius = RADII[form]
    start = torch.full((2,), 1e-4, dtype=torch.float64)
    game = ng.bilinear(torch.tensor([[SIGMA]], dtype=torch.float64), start)
    opt = ng.GameOptimizer(ng.GameField(game), SGD(game.parameters(), STEP), adjustment=adjustment)
    steps = 150
    for _ in range(steps):
        opt.step(None)
    measured = (opt.space.get().norm() / start.norm()).item() ** (1 / steps)
    assert measured == pytest.approx(radius, abs=3e-3)
    assert (radius < 0.95) == (form not in ("plain", "own", "clipped", "cut"))
