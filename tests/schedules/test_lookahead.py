"""Lookahead against loops with the averages written out, and what it takes from the inner one."""

import copy
import io
import itertools

import pytest
import torch
from torch.optim import SGD, Adadelta, Adam

import nashgrad as ng
from nashgrad.adjustments import Momentum
from nashgrad.schedules import Extragradient, Lookahead, RungeKutta
from references import error, identical, mlp_gan, points
from schedules.faults import applying_fails, batches_end, evaluations_fail


def adam(game, schedule) -> ng.GameOptimizer:
    return ng.GameOptimizer(
        ng.GameField(game),
        Adam(game.parameters(), 1e-2, betas=(0.5, 0.9)),
        adjustment=Momentum(-0.2),
        schedule=schedule,
    )


@pytest.mark.parametrize("inner", [ng.Simultaneous(), ng.Alternating(), Extragradient()])
@pytest.mark.parametrize("outer", [None, 6])
def test_averages_by_hand(inner: ng.Schedule, outer: int | None) -> None:
    """After every third step, all players; after every sixth of them, once more."""
    game = mlp_gan().game
    twin, batches = copy.deepcopy(game), [points(4) for _ in range(40)]
    once = Lookahead(inner, 3, 0.4)
    opt = adam(game, once if outer is None else Lookahead(once, outer, 0.7))
    plain = adam(twin, inner)
    slow = slower = plain.space.get()
    stream, again = iter(batches), iter(batches)
    for k in range(1, 15):
        record, expected = opt.step(stream), plain.step(again)
        if k % 3 == 0:
            slow = slow + 0.4 * (plain.space.get() - slow)
            plain.space.set_(slow)
        if outer is not None and k % outer == 0:
            slow = slower = slower + 0.7 * (plain.space.get() - slower)
            plain.space.set_(slow)
        assert error(opt.space.get(), plain.space.get()) < 1e-12
        assert record.evaluations == expected.evaluations
    assert next(stream) is next(again)


def test_a_period_starts_where_the_parameters_are() -> None:
    """Parameters that were loaded after the optimiser was made are no jump."""
    case = mlp_gan()
    opt = adam(case.game, Lookahead(ng.Simultaneous(), 1))
    opt.space.set_(case.x + 5)
    opt.step(case.batch)
    assert (opt.space.get() - case.x - 5).abs().max() < 0.1


def test_any_step_is_resumed() -> None:
    schedule = Lookahead(Lookahead(Extragradient(), 2), 4)
    start = mlp_gan().game
    opt, states = adam(copy.deepcopy(start), schedule), []
    batches = [points(4) for _ in range(9)]
    for batch in batches:
        file = io.BytesIO()
        torch.save([opt.space.get(), opt.state_dict()], file)
        states.append(file)
        opt.step(batch)
    for k, file in enumerate(states):
        file.seek(0)
        x, state = torch.load(file, weights_only=True)
        twin = adam(copy.deepcopy(start), schedule)
        twin.space.set_(x)
        twin.load_state_dict(state)
        for batch in batches[k:]:
            twin.step(batch)
        assert torch.equal(twin.space.get(), opt.space.get())
        assert identical(twin.state_dict(), opt.state_dict())


def test_faults() -> None:
    for steps in (0, 1, 2):
        batches_end(Lookahead(Extragradient(resample=True), 3), 2, steps)
        evaluations_fail(Lookahead(Extragradient(), 3), 2, steps)
        applying_fails(Lookahead(Extragradient(), 3), 2, steps)


def test_demands_of_the_inner_schedule() -> None:
    assert Lookahead(Lookahead(Extragradient())).revisits
    assert not Lookahead(Lookahead(Extragradient(resample=True))).revisits
    assert not Lookahead(ng.Alternating()).revisits
    assert (Lookahead(RungeKutta()).base, Lookahead(ng.Simultaneous()).base) == ("known", "any")
    game = mlp_gan().game
    message = r"^RungeKutta: the effective step of Adadelta is not known; known are Adam, "
    with pytest.raises(ValueError, match=message):
        ng.GameOptimizer(
            ng.GameField(game), Adadelta(game.parameters()), schedule=Lookahead(RungeKutta())
        )
    with pytest.raises(ValueError, match=r"^unknown player 'critic'"):
        ng.GameOptimizer(
            ng.GameField(game),
            SGD(game.parameters(), 0.1),
            schedule=Lookahead(ng.Alternating(("critic",))),
        )


def test_numbers_out_of_range() -> None:
    inner = ng.Simultaneous()
    for period in (0, -1, 2.5):
        message = rf"^period must be a whole number of at least 1, got {period}$"
        with pytest.raises(ValueError, match=message):
            Lookahead(inner, period)
    for alpha in (0.0, 1.1, float("nan"), "a", True, None):
        message = rf"^alpha must be above 0 and at most 1, got {alpha!r}$"
        with pytest.raises(ValueError, match=message):
            Lookahead(inner, alpha=alpha)
    message = r"^inner: expected a Schedule, got <class 'nashgrad.*Simultaneous'>$"
    with pytest.raises(TypeError, match=message):
        Lookahead(ng.Simultaneous)  # type: ignore[arg-type]


def contraction(period: int, alpha: float, h: float) -> tuple[float, float]:
    """Predicted from its operator, and observed, on a bilinear game."""
    game = ng.bilinear(torch.eye(2, dtype=torch.float64))
    identity = torch.eye(4, dtype=torch.float64)
    F = identity + h * game.jacobian()
    period_of = (1 - alpha) * identity + alpha * torch.linalg.matrix_power(F, period)
    predicted = torch.linalg.eigvals(period_of).abs().max().item()
    opt = ng.GameOptimizer(
        ng.GameField(game),
        SGD(game.parameters(), h),
        schedule=Lookahead(ng.Simultaneous(), period, alpha),
    )
    norms = []
    for _ in range(30 * period):
        opt.step(None)
        norms.append(opt.space.get().norm().item())
    # Here F is a rotation times a number, so the rate is the same in every period.
    return predicted, (norms[-1] / norms[period - 1]) ** (1 / 29)


@pytest.mark.parametrize(
    ("period", "alpha", "h", "contracts"),
    [(5, 0.5, 0.2, True), (6, 0.3, 0.3, True), (2, 0.95, 0.2, False), (20, 0.5, 0.32, False)],
)
def test_lookahead_contracts_where_its_operator_does(
    period: int, alpha: float, h: float, contracts: bool
) -> None:
    predicted, observed = contraction(period, alpha, h)
    assert observed == pytest.approx(predicted, rel=1e-9)
    assert (predicted < 1) == (observed < 1) == contracts


def test_a_stream_is_drawn_by_the_inner_schedule() -> None:
    opt = adam(mlp_gan().game, Lookahead(Extragradient(resample=True), 2))
    stream = itertools.count()
    batches = (points(3) for _ in stream)
    opt.step(batches)
    assert next(stream) == 2
