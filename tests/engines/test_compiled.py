"""Traced and compiled evaluations give what eager ones do."""

import itertools
import warnings
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn

import nashgrad as ng
from nashgrad.schedules.base import StepRecord
from references import Case, conv_gan, error, mlp_gan, quadratic, trio

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own

CASES: dict[str, Callable[[], Case]] = {
    "mlp": lambda: mlp_gan("standard"),
    "mlp-batchnorm": lambda: mlp_gan("standard", norm=True),
    "mlp-r1": lambda: mlp_gan("js", r1=1.0, activation=nn.Tanh),
    "conv": lambda: conv_gan("standard", norm="torch"),
    "three-players": trio,
}
ADJUSTMENTS: dict[str, ng.Adjustment] = {
    "consensus": ng.Consensus(0.3),
    "gammas": ng.Consensus({"generator": 0.1, "discriminator": 1.0}),
    "aligned": ng.Consensus(0.3, align=True),
    "sga": ng.Symplectic(1.0),
    "optimistic": ng.Optimistic(),
    "debiased": ng.DebiasedConsensus(0.3),
}


def train(
    make: Callable[[], Case],
    engine: ng.Engine,
    adjustment: ng.Adjustment,
    schedule: ng.Schedule | None = None,
    steps: int = 4,
) -> tuple[Tensor, StepRecord]:
    """All parameters and buffers after a few steps, and what the last one said."""
    torch.manual_seed(0)
    case = make()
    opt = ng.GameOptimizer(
        ng.GameField(case.game, engine=engine),
        torch.optim.SGD(case.game.parameters(), 1e-2),
        adjustment=adjustment,
        schedule=schedule or ng.Simultaneous(),
    )
    batches = itertools.repeat(case.batch)
    record = [opt.step(batches) for _ in range(steps)][-1]
    values = [*case.game.parameters(), *case.game.buffers()]
    return torch.cat([x.detach().double().flatten() for x in values]), record


def same(
    make: Callable[[], Case],
    adjustment: ng.Adjustment,
    schedule: ng.Schedule | None = None,
    *,
    backend: str = "eager",
    graphs: int = 1,
) -> None:
    engine = ng.Compiled(backend=backend)
    (plain, told), (ours, said) = (
        train(make, e, adjustment, schedule) for e in (ng.Eager(), engine)
    )
    assert error(ours, plain) < 1e-10
    assert len(engine._made) == graphs
    assert not engine._eager
    assert (said.evaluations, said.products) == (told.evaluations, told.products)
    for player, loss in told.losses.items():
        assert said.losses[player] == pytest.approx(float(loss))
        assert said.norms[player] == pytest.approx(float(told.norms[player]))


@pytest.mark.parametrize("name", ["mlp-batchnorm", "mlp-r1", "conv", "three-players"])
def test_a_traced_game_trains_as_it_does(name: str) -> None:
    same(CASES[name], ng.Consensus(0.3))


@pytest.mark.parametrize("name", ADJUSTMENTS)
def test_a_traced_method_trains_as_it_does(name: str) -> None:
    same(CASES["mlp"], ADJUSTMENTS[name])


@pytest.mark.parametrize(
    ("schedule", "graphs"), [(ng.Alternating(), 2), (ng.Extragradient(0.1), 1)], ids=["alt", "eg"]
)
def test_a_traced_schedule_trains_as_it_does(schedule: ng.Schedule, graphs: int) -> None:
    same(CASES["mlp"], ng.Consensus(0.3), schedule, graphs=graphs)


@pytest.mark.parametrize(
    ("loss", "engine"), [("standard", ng.Score), ("js", ng.ZeroSum)], ids=["score", "zero-sum"]
)
@pytest.mark.parametrize("schedule", [ng.Simultaneous(), ng.Alternating()])
def test_other_engines_can_be_traced(
    loss: str, engine: Callable[[], ng.Engine], schedule: ng.Schedule
) -> None:
    for adjustment in (ng.Consensus(0.3), ng.Subsampled(ng.Consensus(0.3), 2)):
        plain, _ = train(lambda: mlp_gan(loss), ng.Eager(), adjustment, schedule)
        traced = ng.Compiled(engine(), backend="eager")
        ours, _ = train(lambda: mlp_gan(loss), traced, adjustment, schedule)
        assert error(ours, plain) < 1e-10
        assert not traced._eager


def test_claims_are_checked_before_a_trace_runs() -> None:
    case = mlp_gan("standard")
    field = ng.GameField(case.game, engine=ng.Compiled(ng.ZeroSum(), backend="eager"))
    with pytest.raises(ValueError, match="ZeroSum needs a field that is that of one"):
        field.evaluate(case.batch, None, ng.Consensus(0.3), None)


def test_one_case_with_inductor() -> None:
    same(CASES["mlp"], ng.Consensus(0.3), backend="inductor")


@pytest.mark.compiles
@pytest.mark.parametrize("name", CASES)
def test_every_case_with_inductor(name: str) -> None:
    same(CASES[name], ng.Consensus(0.3), backend="inductor")


def test_batches_of_other_sizes_and_modes_make_graphs_of_their_own() -> None:
    torch.manual_seed(0)
    case, engine = mlp_gan("standard", norm=True), ng.Compiled(backend="eager")
    field = ng.GameField(case.game, engine=engine)
    half = {key: x[:3] for key, x in case.batch.items()}
    for batch, training in ((case.batch, True), (half, True), (half, False), (case.batch, True)):
        case.game.train(training)
        found = field.evaluate(batch, None, ng.Consensus(0.3), None)
        plain = ng.GameField(case.game).evaluate(batch, None, ng.Consensus(0.3), None)
        assert error(found.w, plain.w) < 1e-10
    assert len(engine._made) == 3


def reads_values(batch: Tensor, x: Tensor, y: Tensor) -> ng.Losses:
    loss = (x * y).sum() * (2 if x.sum() > 0 else 1)
    return {"x": loss, "y": -loss}


CONSTANT = torch.ones(2, dtype=torch.float64)


def closes_over_a_tensor(batch: Tensor, x: Tensor, y: Tensor) -> ng.Losses:
    loss = (x * y * CONSTANT).sum()
    return {"x": loss, "y": -loss}


class Pair(ng.Game):
    """Two players with a vector each, and losses that are a function."""

    def __init__(self, losses: Callable[[Tensor, Tensor, Tensor], ng.Losses]) -> None:
        super().__init__()
        self.players = ("x", "y")
        self.losses = losses
        self.x, self.y = (nn.Parameter(torch.ones(2, dtype=torch.float64)) for _ in range(2))

    def forward(self, batch: Tensor, players: Sequence[str]) -> ng.Losses:
        return self.losses(batch, self.x, self.y)


@pytest.mark.parametrize("losses", [reads_values, closes_over_a_tensor])
def test_what_cannot_be_traced_runs_eagerly(
    losses: Callable[[Tensor, Tensor, Tensor], ng.Losses],
) -> None:
    field = ng.GameField(Pair(losses), engine=ng.Compiled(backend="eager"))
    with pytest.warns(UserWarning, match="^Compiled runs with Eager: "):
        found = field.evaluate(torch.zeros(1), None, ng.Consensus(0.3), None)
    plain = ng.GameField(field.game).evaluate(torch.zeros(1), None, ng.Consensus(0.3), None)
    assert torch.equal(found.w, plain.w)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is said once
        field.evaluate(torch.zeros(1), None, ng.Consensus(0.3), None)


@pytest.mark.parametrize(
    ("adjustment", "text"),
    [
        (ng.LookAhead(), "the method asks for the optimisers' steps"),
        (ng.Chain(ng.EveryK(ng.Consensus(0.3), 4)), "it would take more than 3 graphs"),
        (ng.LinearlyImplicit(), "Compiled runs with Eager"),
    ],
)
def test_methods_that_cannot_be_traced_run_eagerly(adjustment: ng.Adjustment, text: str) -> None:
    engine = ng.Compiled(backend="eager", graphs=3)
    with pytest.warns(UserWarning, match=text):
        ours, _ = train(CASES["mlp"], engine, adjustment, steps=5)
    plain, _ = train(CASES["mlp"], ng.Eager(), adjustment, steps=5)
    assert error(ours, plain) < 1e-10


@pytest.mark.parametrize("k", [2, 5, 12])
@pytest.mark.parametrize(
    ("schedule", "graphs"), [(ng.Simultaneous(), 2), (ng.Alternating(), 4)], ids=["sim", "alt"]
)
def test_every_k_takes_two_graphs_whatever_k(k: int, schedule: ng.Schedule, graphs: int) -> None:
    adjustment = ng.EveryK(ng.Consensus(0.3), k)
    engine = ng.Compiled(backend="eager")
    ours, record = train(CASES["mlp"], engine, adjustment, schedule, steps=2 * k + 1)
    plain, told = train(CASES["mlp"], ng.Eager(), adjustment, schedule, steps=2 * k + 1)
    assert error(ours, plain) < 1e-10
    assert (record.evaluations, record.products) == (told.evaluations, told.products)
    assert len(engine._made) == graphs
    assert not engine._eager


def test_every_k_remembers_through_graphs() -> None:
    """A method with a memory inside."""
    adjustment = ng.EveryK(ng.Momentum(0.9), 3)
    engine = ng.Compiled(backend="eager")
    ours, _ = train(CASES["mlp"], engine, adjustment, steps=8)
    plain, _ = train(CASES["mlp"], ng.Eager(), adjustment, steps=8)
    assert error(ours, plain) < 1e-10
    assert not engine._eager


def reads_values_of_three(batch: Tensor, x: Tensor, y: Tensor) -> ng.Losses:
    loss = (x * y).sum() * batch.mean()
    if len(batch) == 3:
        loss = loss * (2 if loss > 0 else 1)
    return {"x": loss, "y": -loss}


def test_a_shape_that_cannot_be_traced_leaves_the_others_their_graphs() -> None:
    field = ng.GameField(Pair(reads_values_of_three), engine=ng.Compiled(backend="eager", graphs=3))
    engine = field.engine

    def step(size: int) -> None:
        batch = torch.ones(size, dtype=torch.float64)
        found = field.evaluate(batch, None, ng.Consensus(0.3), None)
        plain = ng.GameField(field.game).evaluate(batch, None, ng.Consensus(0.3), None)
        assert error(found.w, plain.w) < 1e-12

    step(2)
    (graph,) = engine._made.values()
    with pytest.warns(UserWarning, match="^Compiled runs with Eager: "):
        step(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step(3)
        step(4)
    with pytest.warns(UserWarning, match="it would take more than 3 graphs"):
        step(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step(6)
    calls: list[object] = []
    graph._call = lambda *tensors, call=graph._call: calls.append(1) or call(*tensors)
    step(2)
    assert calls == [1]
    assert (len(engine._made), len(engine._eager)) == (2, 1)


def test_a_mistake_of_the_game_is_told_as_ever() -> None:
    def nothing(batch: Tensor, x: Tensor, y: Tensor) -> ng.Losses:
        return {"x": x.sum()}

    field = ng.GameField(Pair(nothing), engine=ng.Compiled(backend="eager"))
    with pytest.raises(ValueError, match="player 'y': has no loss"):
        field.evaluate(torch.zeros(1), None, ng.Consensus(0.3), None)


def test_linearizations_and_microbatches_are_eager() -> None:
    game = quadratic({"a": 2, "b": 1})
    engine = ng.Compiled(backend="eager")
    at = ng.GameField(game, engine=engine).linearize(None)
    assert error(at.jacobian.to_dense(), game.matrix) < 1e-12
    case = mlp_gan("standard")
    opt = ng.GameOptimizer(
        ng.GameField(case.game, engine=engine, microbatches=2),
        torch.optim.SGD(case.game.parameters(), 1e-2),
        adjustment=ng.Consensus(0.3),
    )
    opt.step(case.batch)
    assert not engine._made
