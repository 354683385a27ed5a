"""One battery over every method: games x methods x base optimisers.

A cell of the table that a method refuses (three players, a base optimiser that would precondition
twice) is a test of the refusal. What is skipped says why, and is at most a tenth.
"""

from __future__ import annotations

import inspect
import io
import itertools
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp
from torch import Tensor
from torch.optim import SGD, Adam, Optimizer, RMSprop
from torch.utils._pytree import tree_leaves

import nashgrad as ng
from methods import ranked
from methods.case import Method
from methods.table import BY_NAME, METHODS
from references import error, identical, mlp_gan, points

LR = 0.05
OPTIMIZERS: dict[str, Callable[[Any], Optimizer]] = {
    "SGD": lambda p: SGD(p, LR),
    "Adam": lambda p: Adam(p, 1e-2, betas=(0.5, 0.9)),
    "RMSprop": lambda p: RMSprop(p, 1e-2),
}


def random_jacobian(sizes: dict[str, int], seed: int, *, zero_sum: bool = False) -> Tensor:
    """A stable J with symmetric diagonal blocks; zero-sum: off-diagonal blocks antisymmetric."""
    draw = torch.Generator().manual_seed(seed)
    n = sum(sizes.values())
    J = torch.randn(n, n, generator=draw, dtype=torch.float64)
    if zero_sum:
        J = J - J.T
    start = 0
    for size in sizes.values():
        own = slice(start, start + size)
        H = torch.randn(size, size, generator=draw, dtype=torch.float64)
        J[own, own] = -0.3 * H @ H.T - 0.2 * torch.eye(size, dtype=torch.float64)
        start += size
    return J


@dataclass(frozen=True)
class Game:
    """A column of the table."""

    build: Callable[[], tuple[ng.Game, Any]]
    players: int = 2
    linear: bool = True
    zero_sum: bool = False


def linear(sizes: dict[str, int], seed: int, *, zero_sum: bool = False) -> Game:
    def build() -> tuple[ng.Game, Any]:
        draw = torch.Generator().manual_seed(seed + 100)
        n = sum(sizes.values())
        b, x = (torch.randn(n, generator=draw, dtype=torch.float64) for _ in range(2))
        return ng.Quadratic(random_jacobian(sizes, seed, zero_sum=zero_sum), sizes, b, x), None

    return Game(build, players=len(sizes), zero_sum=zero_sum)


def small_gan(loss: str) -> Callable[[], tuple[ng.Game, Any]]:
    def build() -> tuple[ng.Game, Any]:
        torch.manual_seed(3)
        case = mlp_gan(loss, batch=6, activation=torch.nn.Tanh)
        return case.game, case.batch

    return build


GAMES = {
    "general-sum": linear({"a": 2, "b": 3}, 0),
    "zero-sum": linear({"a": 3, "b": 2}, 1, zero_sum=True),
    "three players": linear({"a": 1, "b": 3, "c": 2}, 2),
    "GAN": Game(small_gan("standard"), linear=False),
}


def optimizers(game: ng.Game, kind: str) -> dict[str, Optimizer]:
    space = ng.PlayerSpace(game)
    return {p: OPTIMIZERS[kind](space.parameters_of(p)) for p in space.players}


def build(method: Method, game: ng.Game, kind: str = "SGD", **options: Any) -> ng.GameOptimizer:
    return ng.GameOptimizer(
        ng.GameField(game, **options),
        optimizers(game, kind),
        adjustment=method.adjustment(),
        schedule=method.schedule(),
    )


def batches(method: Method, batch: Any) -> Any:
    return itertools.repeat(batch) if method.fresh else batch


def trajectory(method: Method, opt: ng.GameOptimizer, batch: Any, steps: int) -> list[Tensor]:
    given = batches(method, batch)
    xs = []
    for _ in range(steps):
        opt.step(given)
        xs.append(opt.space.get())
    return xs


def allowed(method: Method, game: Game) -> bool:
    return method.players in (None, game.players)


def plain(method: Method) -> bool:
    return "plain" in (method.adjustment().base, method.schedule().base)


CELLS = list(itertools.product(BY_NAME, GAMES, OPTIMIZERS))


def skipped(method: Method, game: Game) -> str | None:
    """Why a cell is not tried, if it is not."""
    if method.game == "zero-sum" and not game.zero_sum:
        return f"{method.name} is for zero-sum games, and this one is not"
    return None


@pytest.mark.parametrize(("name", "game", "kind"), CELLS)
def test_a_cell_of_the_table(name: str, game: str, kind: str) -> None:
    """Shapes, dtype, and any saved state goes on bit for bit; or a refusal that says why."""
    method, column = BY_NAME[name], GAMES[game]
    if reason := skipped(method, column):
        pytest.skip(reason)
    built, batch = column.build()
    if not allowed(method, column):
        with pytest.raises(ValueError, match=rf"\b{_number(method.players)} players\b"):
            build(method, built, kind)
        return
    if plain(method) and kind != "SGD":
        with pytest.raises(ValueError, match=r"use torch\.optim\.SGD without momentum"):
            build(method, built, kind)
        return
    opt = build(method, built, kind)
    shapes = [(p.shape, p.dtype) for p in built.parameters()]
    start, states, xs = opt.space.get(), [], []
    for _ in range(4):
        states.append((opt.space.get(), _saved(opt)))
        xs += trajectory(method, opt, batch, 1)
    assert [(p.shape, p.dtype) for p in built.parameters()] == shapes
    assert xs[-1].isfinite().all()
    assert not torch.equal(xs[-1], start)
    for k, (x, state) in enumerate(states):
        again, batch = column.build()
        opt = build(method, again, kind)
        opt.space.set_(x)
        opt.load_state_dict(torch.load(io.BytesIO(state), weights_only=True))
        assert identical(trajectory(method, opt, batch, 4 - k), xs[k:])


def _number(players: int | None) -> str:
    return {2: "two"}[players or 0]


def _saved(opt: ng.GameOptimizer) -> bytes:
    file = io.BytesIO()
    torch.save(opt.state_dict(), file)
    return file.getvalue()


def test_few_cells_are_skipped() -> None:
    reasons = [skipped(BY_NAME[name], GAMES[game]) for name, game, _ in CELLS]
    count = sum(reason is not None for reason in reasons)
    print(f"{len(CELLS)} cells, {count} skipped: {sorted({r for r in reasons if r})}")  # noqa: T201
    assert count <= 0.1 * len(CELLS)


def on(*, operator: bool) -> list[Any]:
    return [
        pytest.param(method, name, id=f"{method.name}-{name}")
        for method, (name, game) in itertools.product(METHODS, GAMES.items())
        if (method.operator if operator else method.hand) is not None
        if game.linear and allowed(method, game) and not skipped(method, game)
    ]


def used(value: object) -> set[type]:
    """The classes of a method and of what it wraps."""
    inner = vars(value).values() if is_dataclass(value) else ()
    inside = [x for v in inner for x in (v if isinstance(v, tuple) else (v,))]
    return {type(value)}.union(*(used(x) for x in inside if is_dataclass(x)))


def test_every_method_is_in_the_table() -> None:
    rows = set().union(*(used(m.adjustment()) | used(m.schedule()) for m in METHODS))
    exported = {
        kind
        for package in (ng.adjustments, ng.schedules)
        for kind in vars(package).values()
        if isinstance(kind, type) and issubclass(kind, ng.Adjustment | ng.Schedule)
        if not inspect.isabstract(kind)
    }
    # Parts of a batch need samples, which closed-form games have not: they have tests of their own.
    assert exported - rows == {ng.DebiasedConsensus, ng.Subsampled}


def test_every_method_has_a_formula() -> None:
    assert not [m.name for m in METHODS if m.operator is None and m.hand is None]
    assert len(BY_NAME) == len(METHODS)


@pytest.mark.parametrize(("method", "game"), on(operator=True))
def test_steps_are_the_closed_form_operator(method: Method, game: str) -> None:
    built, batch = GAMES[game].build()
    J, sizes = built.matrix, built._sizes
    opt = build(method, built)
    equilibrium = built.equilibrium()
    assert method.operator is not None
    F = method.operator(J, sizes, LR)
    z = method.z(J, sizes, LR, opt.space.get() - equilibrium)
    for x in trajectory(method, opt, batch, 3 * method.period)[method.period - 1 :: method.period]:
        z = F @ z
        assert error(x - equilibrium, z[: len(x)]) < method.tolerance


SCHEDULES = [m for m in METHODS if isinstance(m.adjustment(), ng.Identity) and m.operator]


@pytest.mark.parametrize("method", SCHEDULES, ids=lambda m: m.name)
def test_a_schedule_knows_its_operator(method: Method) -> None:
    J = random_jacobian({"a": 3, "b": 2}, 7)
    assert method.operator is not None
    repeated = method.schedule().linear(("a", "b"))
    assert repeated is not None
    assert repeated.steps == method.period
    expected = method.operator(J, (3, 2), 0.1)
    assert torch.equal(repeated.update(J, (3, 2), 0.1), expected)


@pytest.mark.parametrize(("method", "game"), on(operator=False))
def test_two_steps_are_those_by_hand(method: Method, game: str) -> None:
    built, batch = GAMES[game].build()
    J, b, sizes = built.matrix, built.offset, built._sizes
    opt = build(method, built)
    assert method.hand is not None
    expected = method.hand(lambda x: J @ x + b, J, sizes, LR, opt.space.get())
    actual = trajectory(method, opt, batch, 2)[-1]
    assert error(actual, expected) < method.tolerance


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_fixed_points(method: Method, kind: str) -> None:
    """A method that keeps fixed points stays there; one that does not leaves them."""
    if plain(method) and kind != "SGD":
        return  # refused, which the table tests
    column = GAMES["zero-sum" if method.game == "zero-sum" else "general-sum"]
    built, batch = column.build()
    equilibrium = built.equilibrium()
    opt = build(method, built, kind)
    opt.space.set_(equilibrium)
    # Adaptive optimisers magnify rounding at v = 0 to a step of lr: epsilon is made to hold it.
    for optimizer in opt.optimizers.values():
        for group in optimizer.param_groups:
            if "eps" in group:
                group["eps"] = 1.0
    moved = (trajectory(method, opt, batch, 3)[-1] - equilibrium).abs().max()
    assert (moved < 1e-9) if method.keeps else (moved > 1e-6)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_the_order_of_the_players_is_irrelevant(method: Method) -> None:
    """Where it should be; and where it matters it is seen to."""
    name = "zero-sum" if method.game == "zero-sum" else "general-sum"
    built, batch = GAMES[name].build()
    sizes, x = dict(zip(built.players, built._sizes, strict=True)), ng.PlayerSpace(built).get()
    first = next(iter(sizes.values()))
    turned = torch.cat([torch.arange(first, len(x)), torch.arange(first)])
    other = ng.Quadratic(
        built.matrix[turned][:, turned],
        dict(reversed(sizes.items())),
        built.offset[turned],
        x[turned],
    )
    one = trajectory(method, build(method, built), batch, 3)[-1]
    two = trajectory(method, build(method, other), batch, 3)[-1]
    difference = error(two, one[turned])
    assert (difference > 1e-6) if method.ordered else (difference < max(1e-10, method.tolerance))


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_micro_batches_change_nothing(method: Method) -> None:
    ends = []
    for parts in (1, 3):
        built, batch = GAMES["GAN"].build()
        opt = build(method, built, microbatches=parts)
        ends.append(trajectory(method, opt, batch, 3)[-1])
    assert error(ends[1], ends[0]) < max(1e-9, method.tolerance)


@pytest.mark.filterwarnings("ignore:a linear solve")  # rows ask for more than float32 has
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_float32_stays_float32(method: Method) -> None:
    torch.manual_seed(5)
    g = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    d = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    game = ng.GAN(g, d)
    opt = build(method, game)
    batch = points(8, dtype=torch.float32)
    xs = trajectory(method, opt, batch, 2)
    assert xs[-1].isfinite().all()
    # Parameters would take a field of any type, so it is looked at before.
    assert opt.evaluate(batch).w.dtype == torch.float32
    remembered = [x for x in tree_leaves(opt.state_dict()) if isinstance(x, Tensor) and x.dim() > 0]
    assert {x.dtype for x in remembered} <= {torch.float32, torch.complex64, torch.bool}


@pytest.fixture(scope="module")
def ranks_and_one(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Tensor]]:
    """All methods on two ranks with unequal shares of a batch; and on one rank."""
    folder = tmp_path_factory.mktemp("ranks")
    mp.spawn(ranked.rank, (str(folder),), nprocs=len(ranked.SIZES))
    results = [torch.load(folder / f"{i}.pt", weights_only=True) for i in range(2)]
    return [*results, ranked.train_all(ranked.whole())]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_ranks_change_nothing(method: Method, ranks_and_one: list[dict[str, Tensor]]) -> None:
    first, second, alone = (result[method.name] for result in ranks_and_one)
    assert torch.equal(first, second)
    assert error(first, alone) < max(1e-9, method.tolerance)
