"""GameOptimizer and backward: coverage, checkpoints, half precision, and every refusal."""

import copy
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import LBFGS, SGD, Adam, Optimizer, RMSprop
from torch.utils.data import DataLoader

import nashgrad as ng
from references import error, identical, mlp_gan, parameters, points, quadratic

G, D = "generator", "discriminator"


def each(game: ng.Game, make: Callable[..., Optimizer] = Adam) -> dict[str, Optimizer]:
    return {p: make(getattr(game, p).parameters(), lr=1e-2) for p in game.players}


def reload(state: dict) -> dict:
    """Through a file, without code in it."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


# Coverage


def test_many_groups_and_frozen_parameters_are_fine() -> None:
    game = mlp_gan().game
    game.generator[0].bias.requires_grad_(False)
    g = [{"params": [p], "lr": 0.1 / i} for i, p in enumerate(game.generator.parameters(), 1)]
    opt = ng.GameOptimizer(
        ng.GameField(game), {G: SGD(g, lr=1.0), D: Adam(game.discriminator.parameters())}
    )
    frozen = game.generator[0].bias.clone()
    opt.step(points(4))
    assert torch.equal(game.generator[0].bias, frozen)


def test_missing_parameters() -> None:
    game = mlp_gan().game
    some = SGD(list(game.discriminator.parameters())[:-1], lr=0.1)
    with pytest.raises(
        ValueError, match=r"^SGD of discriminator does not hold 'discriminator\.2\.bias'$"
    ):
        ng.GameOptimizer(ng.GameField(game), {**each(game), D: some})
    message = r"^SGD of generator and discriminator does not hold 'generator\.0\.weight'$"
    with pytest.raises(ValueError, match=message):
        ng.GameOptimizer(ng.GameField(game), some)


def test_parameters_of_others() -> None:
    game = mlp_gan().game
    both = SGD(game.parameters(), lr=0.1)
    message = r"^SGD of discriminator holds 'generator\.0\.weight', which is not theirs to move$"
    with pytest.raises(ValueError, match=message):
        ng.GameOptimizer(ng.GameField(game), {**each(game), D: both})
    stranger = Adam([*game.generator.parameters(), nn.Parameter(torch.ones(1))])
    message = r"^Adam of generator holds 'a parameter of no player', which is not theirs to move$"
    with pytest.raises(ValueError, match=message):
        ng.GameOptimizer(ng.GameField(game), {**each(game), G: stranger})


def test_parameters_twice() -> None:
    game = mlp_gan().game
    twice = {**each(game), G: SGD([*game.generator.parameters(), game.discriminator[0].weight])}
    with pytest.raises(
        ValueError, match=r"^SGD of generator holds 'discriminator\.0\.weight', which"
    ):
        ng.GameOptimizer(ng.GameField(game), twice)


def test_players_without_optimizers_and_optimizers_without_players() -> None:
    game = mlp_gan().game
    given = each(game)
    with pytest.raises(ValueError, match=r"^player 'discriminator' has no optimizer$"):
        ng.GameOptimizer(ng.GameField(game), {G: given[G]})
    message = r"^unknown player 'critic'; the players are generator, discriminator$"
    with pytest.raises(ValueError, match=message):
        ng.GameOptimizer(ng.GameField(game), {**given, "critic": given[D]})


def test_maximize() -> None:
    game = mlp_gan().game
    upwards = Adam(game.discriminator.parameters(), maximize=True)
    message = r"^Adam has maximize=True: players minimise their losses; negate the loss instead$"
    with pytest.raises(ValueError, match=message):
        ng.GameOptimizer(ng.GameField(game), {**each(game), D: upwards})
    one = SGD(
        [
            {"params": game.generator.parameters()},
            {"params": game.discriminator.parameters(), "maximize": True},
        ],
        lr=0.1,
    )
    with pytest.raises(ValueError, match=r"^SGD has maximize=True"):
        ng.GameOptimizer(ng.GameField(game), one)


def test_wrong_kinds_of_arguments() -> None:
    game = mlp_gan().game
    message = r"^expected a GameField, got GAN: GameOptimizer\(GameField\(game\), \.\.\.\)$"
    with pytest.raises(TypeError, match=message):
        ng.GameOptimizer(game, each(game))
    message = r"^optimizers: expected one or a dict by player, got a list$"
    with pytest.raises(TypeError, match=message):
        ng.GameOptimizer(ng.GameField(game), list(each(game).values()))


def test_closures() -> None:
    game = mlp_gan().game
    message = r"^LBFGS needs a closure that re-evaluates a loss, which a game does not have$"
    with pytest.raises(ValueError, match=message):
        ng.GameOptimizer(ng.GameField(game), LBFGS(list(game.parameters())))


# Steps


def test_unknown_players_of_an_adjustment() -> None:
    game = mlp_gan().game
    with pytest.raises(ValueError, match=r"^unknown player 'critic'; the players are generator, "):
        ng.GameOptimizer(
            ng.GameField(game), each(game), adjustment=ng.Consensus(1.0, source="critic")
        )


def test_loaders_are_no_batches() -> None:
    game = mlp_gan().game
    opt = ng.GameOptimizer(ng.GameField(game), each(game))
    message = r"^step\(\) takes a batch or an iterator: pass nashgrad\.stream\(loader, latent\)$"
    with pytest.raises(TypeError, match=message):
        opt.step(DataLoader([1, 2, 3]))


@pytest.mark.parametrize("frozen", [True, False])
def test_freezing_is_noticed_at_the_next_step(frozen: bool) -> None:
    game = mlp_gan().game
    game.generator[2].bias.requires_grad_(frozen)
    opt = ng.GameOptimizer(ng.GameField(game), each(game))
    opt.step(points(3))
    game.generator[2].bias.requires_grad_(not frozen)
    before, word = parameters(game), "frozen" if frozen else "unfrozen"
    message = (
        rf"^parameter 'generator\.2\.bias' was {word} after the field was built; "
        r"build the GameField \(and GameOptimizer\) anew$"
    )
    with pytest.raises(ValueError, match=message):
        opt.step(points(3))
    assert torch.equal(parameters(game), before)


def test_evaluate_moves_nothing() -> None:
    case = mlp_gan()
    opt = ng.GameOptimizer(ng.GameField(case.game), each(case.game), adjustment=ng.Consensus(0.3))
    here = opt.evaluate(case.batch)
    assert error(here.w, case.modified([(0.3, None, None)])) < 1e-10
    assert torch.equal(parameters(case.game), case.x)
    assert all(p.grad is None for p in case.game.parameters())
    assert not opt.state_dict()["optimizers"][0]["state"]


def test_apply_moves_the_named_only() -> None:
    case = mlp_gan()
    opt = ng.GameOptimizer(ng.GameField(case.game), each(case.game, SGD))
    theirs = torch.ones_like(case.game.generator[0].weight)
    case.game.generator[0].weight.grad = theirs
    w = torch.randn(len(case.x), dtype=torch.float64)
    opt.apply(w, D, None)
    expected = case.x + 1e-2 * opt.space.restrict(w, D)
    assert error(parameters(case.game), expected) < 1e-12
    assert case.game.generator[0].weight.grad is theirs
    assert all(p.grad is None for p in case.game.discriminator.parameters())


def test_a_single_parameter_keeps_its_snapshot() -> None:
    game = quadratic({"x": 3})
    opt = ng.GameOptimizer(ng.GameField(game), SGD(game.parameters(), 0.1))
    before = opt.space.get()
    kept = before.clone()
    opt.step(None)
    assert torch.equal(before, kept)
    assert not torch.equal(opt.space.get(), kept)


def test_clipping_and_schedulers_act_as_always() -> None:
    """The optimisers get `.grad = -w`; their lr and weight decay mean what they mean."""
    case = mlp_gan()
    optimizer = SGD(case.game.parameters(), lr=0.1, weight_decay=0.01)
    opt = ng.GameOptimizer(ng.GameField(case.game), optimizer)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    opt.step(case.batch)
    expected = case.x + 0.1 * (case.value - 0.01 * case.x)
    assert error(parameters(case.game), expected) < 1e-12
    scheduler.step()
    assert opt.step_sizes().unique().tolist() == [0.05]


def test_step_sizes_follow_the_flat_vector() -> None:
    game = mlp_gan().game
    optimizers = {
        G: SGD(
            [{"params": [p], "lr": 0.1 * i} for i, p in enumerate(game.generator.parameters(), 1)]
        ),
        D: RMSprop(game.discriminator.parameters(), lr=1e-3),
    }
    opt = ng.GameOptimizer(ng.GameField(game), optimizers)
    for _ in range(3):
        before = opt.space.get()
        batch = points(4)
        w = ng.GameField(game).linearize(batch, order=1).value
        opt.step(batch)
        # RMSprop steps with the moment after its update, which step_sizes tells now.
        assert error(opt.step_sizes() * w, opt.space.get() - before) < 1e-9
    sizes = [p.numel() for p in game.generator.parameters()]
    by_hand = torch.cat([torch.full((n,), 0.1 * i) for i, n in enumerate(sizes, 1)])
    assert error(opt.step_sizes()[: sum(sizes)], by_hand) < 1e-6


def test_step_sizes_reach_the_adjustment() -> None:
    seen = []

    class Spy(ng.PureAdjustment):
        """Looks at the step sizes."""

        def order(self, players, state):
            return 1

        def check(self, space):
            pass

        def __call__(self, w, at):
            seen.append(at.step_sizes)
            return w

    game = mlp_gan().game
    opt = ng.GameOptimizer(ng.GameField(game), each(game, SGD), adjustment=Spy())
    opt.step(points(3))
    assert seen[0].unique().tolist() == [1e-2]
    ng.backward(ng.GameField(game), points(3), adjustment=Spy())
    assert seen[1] is None


# backward


def test_backward_serves_a_loop_of_ones_own() -> None:
    game = mlp_gan(norm=True).game
    twin = copy.deepcopy(game)
    opts, field = each(game), ng.GameField(game)
    opt = ng.GameOptimizer(ng.GameField(twin), each(twin), adjustment=ng.Consensus(1.0))
    for _ in range(3):
        batch = points(4)
        ng.backward(field, batch, adjustment=ng.Consensus(1.0))
        for o in opts.values():
            o.step()
        opt.step(batch)
    assert torch.equal(parameters(game), parameters(twin))
    expected = dict(twin.named_buffers())
    assert all(torch.equal(b, expected[n]) for n, b in game.named_buffers())


def test_backward_of_one_player_leaves_the_others_alone() -> None:
    case = mlp_gan()
    mark = torch.ones_like(case.game.generator[0].weight)
    case.game.generator[0].weight.grad = mark
    at = ng.backward(ng.GameField(case.game), case.batch, D)
    assert case.game.generator[0].weight.grad is mark
    gradient = torch.cat([p.grad.flatten() for p in case.game.discriminator.parameters()])
    assert error(-gradient, case.value[case.sizes[0] :]) < 1e-10
    assert at.players == (D,)
    assert set(at.losses) == {D}


def test_backward_cannot_skip_for_all_players() -> None:
    field = ng.GameField(mlp_gan().game, scaler=torch.amp.GradScaler("cpu"))
    message = r"^a field with a scaler needs a GameOptimizer, which lets all players skip$"
    with pytest.raises(ValueError, match=message):
        ng.backward(field, points(3))


# Checkpoints


RESUMED = {
    "adam-each": (lambda g: each(g), ng.Consensus(1.0), ng.Simultaneous()),
    "rmsprop-tf-one": (
        lambda g: ng.RMSPropTF(g.parameters(), 1e-2),
        ng.Identity(),
        ng.Alternating((D, D, G)),
    ),
    "momentum-chain": (
        lambda g: SGD(g.parameters(), 0.1, momentum=0.9),
        ng.Chain(ng.Consensus(1.0), ng.ClipNorm(1.0)),
        ng.Alternating(),
    ),
}


@pytest.mark.parametrize("through", [copy.deepcopy, reload], ids=["memory", "file"])
@pytest.mark.parametrize("name", RESUMED)
def test_resumes_bit_for_bit(name: str, through: Callable[[dict], dict]) -> None:
    make, adjustment, schedule = RESUMED[name]
    torch.manual_seed(5)
    game, batches = mlp_gan(norm=True).game, [points(4) for _ in range(8)]

    def optimizer(game: ng.Game) -> ng.GameOptimizer:
        field = ng.GameField(game)
        return ng.GameOptimizer(field, make(game), adjustment=adjustment, schedule=schedule)

    opt = optimizer(game)
    for batch in batches[:4]:
        opt.step(batch)
    saved = through({"game": game.state_dict(), "opt": opt.state_dict()})
    for batch in batches[4:]:
        opt.step(batch)
    other = mlp_gan(norm=True).game
    other.load_state_dict(saved["game"])
    resumed = optimizer(other)
    resumed.load_state_dict(saved["opt"])
    for batch in batches[4:]:
        resumed.step(batch)
    assert all(torch.equal(value, other.state_dict()[n]) for n, value in game.state_dict().items())
    assert identical(resumed.state_dict(), opt.state_dict())


def test_states_of_another_optimizer() -> None:
    game = mlp_gan().game
    two = ng.GameOptimizer(ng.GameField(game), each(game))
    one = ng.GameOptimizer(ng.GameField(game), Adam(game.parameters()))
    with pytest.raises(
        ValueError, match=r"^the state is of other optimisers: Adam, Adam instead of Adam$"
    ):
        one.load_state_dict(two.state_dict())
    with pytest.raises(
        ValueError, match=r"^no state of a GameOptimizer: it lacks adjustment, kinds"
    ):
        two.load_state_dict({"optimizers": [], "schedule": None, "scaler": None})
    field = ng.GameField(game, scaler=torch.amp.GradScaler("cpu"))
    half = ng.GameOptimizer(field, each(game))
    message = r"^the state was made with another precision \(with or without a scaler\)$"
    with pytest.raises(ValueError, match=message):
        half.load_state_dict(two.state_dict())
    with pytest.raises(ValueError, match=message):
        two.load_state_dict(half.state_dict())


# Half precision


def single(batch: int = 32) -> tuple[ng.Game, dict[str, Tensor]]:
    torch.manual_seed(6)
    case = mlp_gan("js", batch=batch, activation=nn.Tanh)
    return case.game.float(), {k: v.float() for k, v in case.batch.items()}


PRECISIONS = {
    "float16": (torch.float16, 1e-2),
    "bfloat16": (torch.bfloat16, 5e-2),
}


@pytest.mark.parametrize("name", PRECISIONS)
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("parts", [1, 2])
def test_half_precision_is_close_to_single(name: str, scaled: bool, parts: int) -> None:
    dtype, tolerance = PRECISIONS[name]
    game, batch = single()
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0) if scaled else None
    field = ng.GameField(game, autocast=dtype, scaler=scaler, microbatches=parts)
    at, expected = field.linearize(batch), ng.GameField(game).linearize(batch)
    assert at.value.dtype == torch.float32
    assert 0 < error(at.value, expected.value) < tolerance
    for u in (expected.value, torch.randn_like(expected.value)):
        assert 0 < error(at.jacobian.T @ u, expected.jacobian.T @ u) < tolerance
        assert 0 < error(at.jacobian @ u, expected.jacobian @ u) < tolerance
    for player in (G, D):
        assert 0 < error(at.gradient(player), expected.gradient(player)) < tolerance
        assert at.losses[player].item() == pytest.approx(expected.losses[player].item(), rel=0.05)
    assert (at.jacobian.T @ at.value).dtype == torch.float32


def test_the_scale_saves_small_gradients() -> None:
    """Gradients far below float16's range survive in v, in products and in `gradient`."""
    game, batch = single()
    nets = {p: getattr(game, p) for p in game.players}
    small = ng.FunctionGame(
        nets, lambda batch, players: {p: 1e-5 * loss for p, loss in game(batch, players).items()}
    )
    expected = ng.GameField(small).linearize(batch)
    assert expected.value.abs().max() < 1e-5
    lost = ng.GameField(small, autocast=torch.float16).linearize(batch)
    assert error(lost.value, expected.value) > 0.2
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**15)
    kept = ng.GameField(small, autocast=torch.float16, scaler=scaler).linearize(batch)
    assert error(kept.value, expected.value) < 1e-2
    u = torch.randn_like(kept.value)
    assert error(kept.jacobian.T @ u, expected.jacobian.T @ u) < 1e-2
    assert error(kept.gradient(G), expected.gradient(G)) < 1e-2


def test_half_precision_trains() -> None:
    game, batch = single()
    twin = copy.deepcopy(game)
    scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
    field = ng.GameField(game, autocast=torch.float16, scaler=scaler)
    half = ng.GameOptimizer(
        field, each(game, SGD), adjustment=ng.Consensus(1.0), schedule=ng.Alternating()
    )
    full = ng.GameOptimizer(
        ng.GameField(twin), each(twin, SGD), adjustment=ng.Consensus(1.0), schedule=ng.Alternating()
    )
    start = parameters(game)
    for _ in range(10):
        half.step(batch)
        full.step(batch)
    moved = parameters(twin) - start
    assert error(parameters(game) - start, moved) < 2e-2
    assert scaler.get_scale() == 256.0


def test_an_overflow_skips_all_players_and_halves_the_scale() -> None:
    game, batch = single()
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    opt = ng.GameOptimizer(ng.GameField(game, autocast=torch.float16, scaler=scaler), each(game))
    before = parameters(game)
    opt.step(batch)
    assert torch.equal(parameters(game), before)
    assert scaler.get_scale() == 2.0**39
    assert all(p.grad is None for p in game.parameters())
    for _ in range(60):
        opt.step(batch)
    assert not torch.equal(parameters(game), before)
    assert parameters(game).isfinite().all()
    assert scaler.get_scale() < 2.0**30


class Spoiled(ng.PureAdjustment):
    """One coordinate of one player overflows."""

    def __init__(self, value: float) -> None:
        self.value = value

    def order(self, players, state):
        return 1

    def check(self, space):
        pass

    def __call__(self, w, at):
        w = w.clone()
        w[at.space.block(D)][0] = self.value
        return w


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_one_decision_for_all_players(value: float) -> None:
    game, batch = single()
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0)
    field = ng.GameField(game, scaler=scaler)
    opt = ng.GameOptimizer(field, each(game), adjustment=Spoiled(value))
    before = parameters(game)
    opt.step(batch)
    assert torch.equal(parameters(game), before)
    assert scaler.get_scale() == 32.0
    assert not any(o["state"] for o in opt.state_dict()["optimizers"])


def test_the_scale_is_resumed() -> None:
    game, batch = single()

    def optimizer() -> ng.GameOptimizer:
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
        return ng.GameOptimizer(
            ng.GameField(game, autocast=torch.float16, scaler=scaler), each(game)
        )

    opt = optimizer()
    for _ in range(3):
        opt.step(batch)
    twin = optimizer()
    twin.load_state_dict(reload(opt.state_dict()))
    twin.step(batch)
    assert twin.field.scaler.get_scale() == 2.0**36


def test_a_scaler_that_is_switched_off() -> None:
    case = mlp_gan()
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    opt = ng.GameOptimizer(ng.GameField(case.game, scaler=scaler), each(case.game, SGD))
    opt.step(case.batch)
    assert error(parameters(case.game), case.x + 1e-2 * case.value) < 1e-12


def test_endless_streams_are_read_as_far_as_needed() -> None:
    game, drawn = mlp_gan().game, []

    def stream() -> Iterator[dict[str, Tensor]]:
        while True:
            drawn.append(1)
            yield points(3)

    opt = ng.GameOptimizer(ng.GameField(game), each(game), schedule=ng.Alternating((D, D, G)))
    batches = stream()
    opt.step(batches)
    opt.step(batches)
    assert len(drawn) == 6


class Total(ng.Adjustment):
    """Remembers the sum of what it has seen."""

    pure = False

    def order(self, players, state):
        return 1

    def init(self, space):
        return {"sum": torch.zeros(space.size), "steps": 0}

    def update(self, w, at, state):
        return w, {"sum": state["sum"] + w, "steps": state["steps"] + 1}


def test_an_overflow_does_not_reach_the_memory() -> None:
    game, batch = single()
    scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
    field = ng.GameField(game, autocast=torch.float16, scaler=scaler)
    opt = ng.GameOptimizer(field, each(game, SGD), adjustment=Total())
    opt.step(batch)
    memory, before = opt.state_dict()["adjustment"]["sum"].clone(), parameters(game)
    assert memory.abs().sum() > 0
    infinite = torch.full_like(memory, torch.inf)
    opt.apply(infinite, None, {"sum": infinite, "steps": 2})
    assert torch.equal(opt.state_dict()["adjustment"]["sum"], memory)
    assert torch.equal(parameters(game), before)
    assert scaler.get_scale() == 128.0


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("adjustment", ng.Consensus, "adjustment: Consensus is a class; write Consensus(...)"),
        ("schedule", ng.Alternating, "schedule: Alternating is a class; write Alternating(...)"),
        (
            "adjustment", "consensus",
            "adjustment: expected an adjustment such as Consensus(10.0), got 'consensus'",
        ),
        (
            "adjustment", ng.Extragradient(),
            "adjustment: Extragradient is a schedule: write schedule=Extragradient(...)",
        ),
        (
            "adjustment", ng.Extragradient,
            "adjustment: Extragradient is a schedule: write schedule=Extragradient(...)",
        ),
        (
            "schedule", ng.Identity(),
            "schedule: Identity is an adjustment: write adjustment=Identity(...)",
        ),
        ("schedule", None, "schedule: expected a schedule such as Extragradient(), got None"),
    ],
)  # fmt: skip
def test_what_is_no_method(name: str, given: object, message: str) -> None:
    game = quadratic({"a": 1, "b": 2})
    with pytest.raises(TypeError) as error:
        ng.GameOptimizer(ng.GameField(game), SGD(game.parameters(), 0.1), **{name: given})
    assert str(error.value) == message
    if name == "adjustment":
        with pytest.raises(TypeError, match="adjustment: "):
            ng.backward(ng.GameField(game), None, adjustment=given)
    with pytest.raises(TypeError, match="expected a GameField, got Quadratic"):
        ng.backward(game, None)


@pytest.mark.parametrize(
    ("saved", "loads", "kind"),
    [
        (
            {},
            {"schedule": ng.Lookahead(ng.Simultaneous(), period=2)},
            "schedule: Simultaneous instead of Lookahead",
        ),
        (
            {"schedule": ng.Lookahead(ng.Simultaneous(), period=2)},
            {},
            "schedule: Lookahead instead of Simultaneous",
        ),
        ({}, {"adjustment": ng.Momentum(0.5)}, "adjustment: Identity instead of Momentum"),
    ],
)
def test_a_state_of_another_method_is_refused(saved: Any, loads: Any, kind: str) -> None:
    def made(**method: Any) -> ng.GameOptimizer:
        game = quadratic({"a": 2, "b": 2})
        return ng.GameOptimizer(ng.GameField(game), SGD(game.parameters(), lr=0.1), **method)

    with pytest.raises(ValueError, match=f"the state is of another {kind}"):
        made(**loads).load_state_dict(made(**saved).state_dict())
    with pytest.raises(ValueError, match="no state of a GameOptimizer: got NoneType"):
        made().load_state_dict(None)  # type: ignore[arg-type]


def test_methods_without_a_memory_may_follow_each_other() -> None:
    game = quadratic({"a": 2, "b": 2})
    optimizer = SGD(game.parameters(), lr=0.1)
    plain = ng.GameOptimizer(ng.GameField(game), optimizer)
    after = ng.GameOptimizer(ng.GameField(game), optimizer, adjustment=ng.Consensus(1.0))
    after.load_state_dict(plain.state_dict())
