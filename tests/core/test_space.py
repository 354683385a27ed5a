"""The flat vector and the parameters it stands for."""

import pytest
import torch
from torch import nn
from torch.distributed.fsdp import FSDPModule
from torch.nn.parallel import DistributedDataParallel

import nashgrad as ng
from nashgrad.core.space import PlayerSpace


class Nets(ng.Game):
    """Players as given, and no losses."""

    def __init__(self, **members: nn.Module | nn.Parameter) -> None:
        super().__init__()
        for name, member in members.items():
            setattr(self, name, member)

    def forward(self, batch, players):
        raise NotImplementedError


@pytest.fixture
def space() -> PlayerSpace:
    return PlayerSpace(Nets(a=nn.Linear(2, 3), b=nn.Linear(3, 1, bias=False), c=nn.Linear(1, 1)))


def test_blocks_lie_one_after_the_other(space: PlayerSpace) -> None:
    assert space.players == ("a", "b", "c")
    assert [space.block(p) for p in "abc"] == [slice(0, 9), slice(9, 12), slice(12, 14)]
    assert space.size == 14
    assert space.names == ["a.weight", "a.bias", "b.weight", "c.weight", "c.bias"]
    assert [p.shape for p in space.parameters_of("a")] == [(3, 2), (3,)]


def test_get_is_a_copy_and_set_writes_back(space: PlayerSpace) -> None:
    x = space.get()
    assert not x.requires_grad
    by_hand = torch.cat([p.detach().flatten() for p in space.parameters])
    assert torch.equal(x, by_hand)
    kept = list(space.parameters)
    space.set_(torch.arange(14.0))
    assert torch.equal(space.parameters[0].detach(), torch.arange(6.0).view(3, 2))
    assert torch.equal(space.get(), torch.arange(14.0))
    assert torch.equal(x, by_hand)
    assert all(p is q and p.requires_grad for p, q in zip(space.parameters, kept, strict=True))


def test_get_is_a_copy_for_a_single_parameter() -> None:
    game = Nets(x=nn.Parameter(torch.zeros(3)))
    game.players = ("x",)
    space = PlayerSpace(game)
    before = space.get()
    space.set_(torch.ones(3))
    assert before.tolist() == [0, 0, 0]


def test_pieces_and_flatten_are_inverse_and_differentiable(space: PlayerSpace) -> None:
    x = torch.randn(14, requires_grad=True)
    pieces = space.pieces(x)
    assert [tuple(p.shape) for p in pieces] == [(3, 2), (3,), (1, 3), (1, 1), (1,)]
    assert torch.equal(space.flatten(pieces), x)
    (gradient,) = torch.autograd.grad(space.flatten(pieces).square().sum(), x)
    assert torch.equal(gradient, 2 * x.detach())
    assert list(space.named_pieces(x)) == space.names


def test_flatten_takes_none_for_zero(space: PlayerSpace) -> None:
    pieces = [None, torch.ones(3), None, None, torch.ones(1)]
    assert space.flatten(pieces).nonzero().flatten().tolist() == [6, 7, 8, 13]


def test_restrict_keeps_the_blocks_of_the_named(space: PlayerSpace) -> None:
    u = torch.arange(1.0, 15.0, requires_grad=True)
    assert space.restrict(u, "b").nonzero().flatten().tolist() == [9, 10, 11]
    assert space.restrict(u, ["c", "a"]).nonzero().flatten().tolist() == [*range(9), 12, 13]
    assert torch.equal(space.restrict(u, None), u)
    assert not space.restrict(u, ()).any()
    (gradient,) = torch.autograd.grad(space.restrict(u, "b").sum(), u)
    assert gradient.nonzero().flatten().tolist() == [9, 10, 11]


def test_named_keeps_the_order_of_the_game(space: PlayerSpace) -> None:
    assert space.named(None) == ("a", "b", "c")
    assert space.named("b") == ("b",)
    assert space.named(["c", "a", "c"]) == ("a", "c")


def test_gradients_are_written_for_the_named_alone(space: PlayerSpace) -> None:
    mine = torch.full((1, 3), 7.0)
    space.parameters_of("b")[0].grad = mine
    space.set_grad_(torch.arange(14.0), ["a", "c"])
    assert space.parameters_of("b")[0].grad is mine
    assert space.parameters_of("a")[1].grad.tolist() == [6, 7, 8]
    assert space.parameters_of("c")[1].grad.tolist() == [13]
    space.clear_grad_("a")
    assert [p.grad is None for p in space.parameters] == [True, True, False, False, False]


def test_norms_by_player(space: PlayerSpace) -> None:
    u = torch.randn(14)
    norms = space.norms(u)
    assert {p: n.item() for p, n in norms.items()} == {
        p: pytest.approx(u[space.block(p)].square().sum().sqrt().item()) for p in "abc"
    }


def test_frozen_parameters_are_left_out() -> None:
    net = nn.Linear(2, 3)
    net.weight.requires_grad_(False)
    space = PlayerSpace(Nets(a=net))
    assert space.names == ["a.bias"]
    assert space.size == 3


def test_weights_tied_within_a_player_count_once() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    assert PlayerSpace(Nets(a=net)).size == 8


@pytest.mark.parametrize("method", ["block", "parameters_of", "named"])
def test_unknown_player(space: PlayerSpace, method: str) -> None:
    with pytest.raises(ValueError, match=r"^unknown player 'd'; the players are a, b, c$"):
        getattr(space, method)("d")


def test_no_players() -> None:
    with pytest.raises(ValueError, match=r"^Nets has no players: no child module is trainable$"):
        PlayerSpace(Nets(a=nn.ReLU()))


def test_player_without_trainable_parameters() -> None:
    game = Nets(a=nn.Linear(1, 1), b=nn.Linear(1, 1))
    game.players = ("a", "b")
    game.b.requires_grad_(False)
    message = r"^player 'b' has no trainable parameters; make it context, or unfreeze it$"
    with pytest.raises(ValueError, match=message):
        PlayerSpace(game)


def test_player_that_is_not_there() -> None:
    game = Nets(a=nn.Linear(1, 1))
    game.players = ("a", "critic")
    message = r"^player 'critic': the game has no module or parameter of that name$"
    with pytest.raises(ValueError, match=message):
        PlayerSpace(game)


def test_shared_parameters() -> None:
    a, b = nn.Linear(1, 1), nn.Linear(1, 1)
    b.weight = a.weight
    message = r"^parameters 'a.weight' and 'b.weight' are shared by two players$"
    with pytest.raises(ValueError, match=message):
        PlayerSpace(Nets(a=a, b=b))


def test_trainable_parameters_of_no_player() -> None:
    game = Nets(
        a=nn.Linear(1, 1), encoder=nn.Linear(1, 1, bias=False), s=nn.Parameter(torch.ones(1))
    )
    game.players = ("a",)
    message = (
        r"^trainable parameters of no player: s, encoder\.weight; give them to one or freeze them$"
    )
    with pytest.raises(ValueError, match=message):
        PlayerSpace(game)
    game.encoder.requires_grad_(False)
    game.s.requires_grad_(False)
    assert PlayerSpace(game).size == 2


def test_parameters_of_several_types() -> None:
    message = (
        r"^parameters must share one type and device, "
        r"not torch\.float32 on cpu and torch\.float64 on cpu$"
    )
    with pytest.raises(ValueError, match=message):
        PlayerSpace(Nets(a=nn.Linear(1, 1), b=nn.Linear(1, 1).double()))


def test_parameters_on_several_devices() -> None:
    with pytest.raises(ValueError, match=r"not torch\.float32 on cpu and torch\.float32 on meta$"):
        PlayerSpace(Nets(a=nn.Linear(1, 1), b=nn.Linear(1, 1, device="meta")))


@pytest.mark.parametrize("kind", [DistributedDataParallel, FSDPModule])
def test_wrapped_in_data_parallel(kind: type) -> None:
    wrapper = type(kind.__name__, (kind, nn.Module), {})  # as FSDP makes classes of its own
    wrapped = nn.Module.__new__(wrapper)
    nn.Module.__init__(wrapped)
    wrapped.module = nn.Linear(1, 1)
    message = (
        rf"^module 'a' is wrapped in {kind.__name__}, whose hooks miss autograd\.grad: pass the "
        r"bare module, whole on every rank, and reduce=nashgrad\.distributed\.all_reduce_mean to "
        r"the GameField$"
    )
    with pytest.raises(TypeError, match=message):
        PlayerSpace(Nets(a=wrapped))


def test_frozen_later(space: PlayerSpace) -> None:
    space.check_unchanged()
    space.parameters_of("a")[1].requires_grad_(False)
    message = (
        r"^parameter 'a\.bias' was frozen after the field was built; "
        r"build the GameField \(and GameOptimizer\) anew$"
    )
    with pytest.raises(ValueError, match=message):
        space.check_unchanged()


def test_unfrozen_later() -> None:
    game = Nets(a=nn.Linear(2, 3), context=nn.Linear(1, 1).requires_grad_(False))
    space = PlayerSpace(game)
    space.check_unchanged()
    game.context.bias.requires_grad_(True)
    message = (
        r"^parameter 'context\.bias' was unfrozen after the field was built; "
        r"build the GameField \(and GameOptimizer\) anew$"
    )
    with pytest.raises(ValueError, match=message):
        space.check_unchanged()


def test_what_is_no_game() -> None:
    message = (
        r"^expected a Game, got Linear: wrap modules and losses in a FunctionGame, "
        r"or two networks in a GAN$"
    )
    with pytest.raises(TypeError, match=message):
        PlayerSpace(nn.Linear(1, 1))


@pytest.mark.parametrize("players", [3, {"a", "b"}, False])
def test_what_is_no_name(space: PlayerSpace, players) -> None:
    with pytest.raises(TypeError, match=r"^players: expected a name or several, got "):
        space.named(players)
