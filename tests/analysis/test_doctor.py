"""The doctor against small games, each ill in one way, and against sound ones."""

import random
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

import nashgrad as ng
import references
from nashgrad.analysis.doctor import FEATURES, Audit, Finding, doctor
from nashgrad.analysis.doctor.differences import contradicts

WIDTH = 4


class Call(nn.Module):
    """A function as a module, with modules of its own."""

    def __init__(self, function: Callable[..., Tensor], **inner: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, module in inner.items():
            setattr(self, name, module)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


def net(outputs: int, *between: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, WIDTH), *between, nn.Tanh(), nn.Linear(WIDTH, outputs))


def gan(*between: nn.Module, **options: Any) -> ng.GAN:
    """A GAN whose discriminator holds modules after its first layer: `discriminator.1` is first."""
    return ng.GAN(net(2), net(1, *between), **options)


def points(size: int = 8) -> dict[str, Tensor]:
    return references.points(size, latent=2, dtype=torch.float32)


def bad(audit: Audit) -> list[tuple[str, str]]:
    return [(f.level, f.module) for f in audit.of("error", "warning")]


def only(audit: Audit) -> Finding:
    """The one error or warning."""
    (found,) = audit.of("error", "warning")
    return found


def losses_of(
    function: Callable[[nn.Module, nn.Module, Any], tuple[Tensor, Tensor]],
) -> ng.FunctionGame:
    """A game of two nets a and b whose two losses a function gives."""
    a, b = net(2), net(1)

    def losses(batch: Any, players: Sequence[str]) -> ng.Losses:
        found = dict(zip("ab", function(a, b, batch), strict=True))
        return {p: found[p] for p in players}

    return ng.FunctionGame({"a": a, "b": b}, losses)


def hinge(a: nn.Module, b: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    fake, real = b(a(batch["latent"])), b(batch["real"])
    return -fake.tanh().mean(), fake.tanh().mean() - real.tanh().mean()


# Sound games


@pytest.mark.parametrize(
    "case",
    [
        references.mlp_gan,
        lambda: references.mlp_gan(r1=1.0),
        lambda: references.mlp_gan("indicator"),
        references.conv_gan,
        references.trio,
    ],
)
def test_sound_games(case: Callable[[], references.Case]) -> None:
    made = case()
    audit = doctor(made.game, made.batch)
    assert bad(audit) == []
    assert audit.ok
    assert audit.supports == dict.fromkeys(FEATURES, True)


def test_sound_games_in_closed_form() -> None:
    assert bad(doctor(ng.bilinear(torch.eye(3)), None)) == []
    assert bad(doctor(ng.DiracGAN(), None)) == []
    assert bad(doctor(references.quadratic({"a": 2, "b": 1, "c": 3}), None)) == []


ACTIVATIONS = {
    "relu": nn.ReLU,
    "in place": lambda: nn.ReLU(inplace=True),
    "leaky": lambda: nn.LeakyReLU(0.2),
    "tanh": nn.Tanh,
}


@settings(max_examples=12)
@given(
    widths=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    loss=st.sampled_from(sorted(references.LOSSES)),
    samples=st.integers(1, 40),
    zero=st.booleans(),
    double=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_no_false_alarms(
    widths: list[int],
    activation: str,
    loss: str,
    samples: int,
    zero: bool,
    double: bool,
    seed: int,
) -> None:
    """Kinks, dead units and zero biases at zero inputs are no illness."""
    torch.manual_seed(seed)

    def make(inputs: int, outputs: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for width in widths:
            layers += [nn.Linear(inputs, width), ACTIVATIONS[activation]()]
            inputs = width
        return nn.Sequential(*layers, nn.Linear(inputs, outputs))

    game = ng.GAN(make(3, 2), make(2, 1), ng.objectives.DIVERGENCES[loss])
    batch = references.points(samples, dtype=torch.float32)
    if zero:
        for name, p in game.named_parameters():
            last = name.startswith(f"discriminator.{2 * len(widths)}.")
            p.data.mul_(0.0 if last or name.endswith("bias") else 1.0)
        batch["latent"][: samples // 2] = 0.0
    if double:
        game, batch = game.double(), {k: x.double() for k, x in batch.items()}
    assert bad(doctor(game, batch)) == []


def test_a_larger_net_with_many_kinks() -> None:
    g = nn.Sequential(nn.Linear(2, 300), nn.ReLU(), nn.Linear(300, 2))
    d = nn.Sequential(nn.Linear(2, 300), nn.ReLU(), nn.Linear(300, 1))
    assert bad(doctor(ng.GAN(g, d), points(256))) == []


# Products


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(1, 3)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x[:, None, :, None]).chunk(3, -1)
        return F.scaled_dot_product_attention(q, k, v)[:, 0, :, 0]


def test_fused_attention() -> None:
    game = gan(Attention())
    found = only(audit := doctor(game, points()))
    assert (found.level, found.module) == ("error", "discriminator.1")
    assert "SDPBackend.MATH" in found.fix
    assert not audit.ok
    assert [f for f, good in audit.supports.items() if not good] == ["second order"]
    with sdpa_kernel(SDPBackend.MATH):
        assert bad(doctor(game, points())) == []


def test_attention_of_torch() -> None:
    attention = nn.MultiheadAttention(2, 1, batch_first=True)

    def attend(self: Any, x: Tensor) -> Tensor:
        x = x.unflatten(1, (2, 2))
        return self.inner(x, x, x, need_weights=False)[0].flatten(1)

    found = only(doctor(gan(Call(attend, inner=attention)), points()))
    assert found.module == "discriminator.1.inner"
    assert "SDPBackend.MATH" in found.fix


def test_reentrant_checkpoints() -> None:
    def again(self: Any, x: Tensor) -> Tensor:
        return checkpoint(self.inner, x, use_reentrant=reentrant)

    game = gan(Call(again, inner=nn.Linear(WIDTH, WIDTH)))
    reentrant = True
    found = only(doctor(game, points()))
    assert (found.level, found.module) == ("error", "discriminator.1")
    assert "use_reentrant=False" in found.fix
    reentrant = False
    assert bad(doctor(game, points())) == []


class Once(torch.autograd.Function):
    """exp(x), whose backward torch may not differentiate."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return g * ctx.saved_tensors[0].exp()


class Constant(torch.autograd.Function):
    """exp(x), whose backward takes exp(x) for a constant: the second derivative is lost."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.slope = x.detach().exp()
        return x.exp()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return g * ctx.slope


class Half(torch.autograd.Function):
    """g, whose derivative by g is lost: J^T comes, J does not."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(g, x)
        return g * x.cos()

    @staticmethod
    def backward(ctx: Any, z: Tensor) -> tuple[Tensor, Tensor]:
        g, x = ctx.saved_tensors
        return z.detach() * x.cos(), -z.detach() * g * x.sin()


class Sine(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return Half.apply(g, ctx.saved_tensors[0])


@pytest.mark.parametrize(
    ("function", "says"), [(Once, "one matrix"), (Constant, "lost"), (Sine, "one matrix")]
)
def test_custom_functions(function: type[torch.autograd.Function], says: str) -> None:
    found = only(doctor(gan(Call(lambda self, x: function.apply(x))), points()))
    assert (found.level, found.module, found.features) == (
        "error",
        "discriminator.1",
        ("second order",),
    )
    assert says in found.what


def test_a_part_that_is_small_and_lost() -> None:
    """A hundredth of the image: 6e-4 of the whole product."""
    case = references.conv_gan()
    lossy = nn.Sequential(
        Call(lambda self, x: x + 0.01 * Constant.apply(x)), case.game.discriminator
    )
    found = only(doctor(ng.GAN(case.game.generator, lossy), case.batch))
    assert (found.level, found.module) == ("error", "discriminator.0")


@pytest.mark.parametrize("width", [torch.float32, torch.bfloat16])
def test_losses_that_leave_float64_are_not_compared(width: torch.dtype) -> None:
    """Differences vanish in the rounding, and are no sign of a lost part."""

    def narrow(self: Any, x: Tensor) -> Tensor:
        return x.to(width).sin().to(x.dtype)

    audit = doctor(gan(Call(narrow)), points())
    assert bad(audit) == []
    assert any("not compared" in f.what and "another type" in f.what for f in audit.findings)


def test_constants_of_another_type_are_not_compared() -> None:
    matrix = torch.eye(WIDTH)
    audit = doctor(gan(Call(lambda self, x: x @ matrix)), points())
    assert bad(audit) == []
    assert any("not compared" in f.what for f in audit.findings)


def test_work_in_place() -> None:
    def spoil(self: Any, x: Tensor) -> Tensor:
        y = x.exp()
        z = y.square()
        y.add_(1.0)
        return z

    found = only(doctor(gan(Call(spoil)), points()))
    assert (found.level, found.module) == ("error", "discriminator.1")
    assert found.fix == "write its result to a new tensor"


def test_a_compiled_module() -> None:
    """It is not compiled for that."""
    inner = nn.Linear(WIDTH, WIDTH)
    inner.compile(backend="eager")
    found = only(doctor(gan(inner), points()))
    assert (found.level, found.module) == ("error", "discriminator.1")
    assert "compiled" in found.what


def test_a_penalty_with_batch_norm() -> None:
    game = gan(nn.BatchNorm1d(WIDTH), penalties=[ng.objectives.R1(1.0)])
    found = only(doctor(game, points()))
    assert (found.level, found.module) == ("error", "discriminator.1")
    assert "third derivative" in found.what


def test_a_product_that_is_not_finite() -> None:
    """x^(3/2) at zero: a slope, and no second derivative."""
    game = gan(Call(lambda self, x: (x * 0.0).abs().pow(1.5) + x))
    assert bad(doctor(game, points())) == [("error", "discriminator.1")]


# Layers


@pytest.mark.parametrize("wrap", [nn.utils.spectral_norm, nn.utils.parametrizations.spectral_norm])
def test_spectral_norm(wrap: Callable[[nn.Module], nn.Module]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the old one
        game = gan(wrap(nn.Linear(WIDTH, WIDTH)))
    found = only(audit := doctor(game, points()))
    assert (found.level, found.module) == ("warning", "discriminator.1")
    assert (audit.ok, audit.supports["second order"]) == (True, False)
    game.discriminator[1].eval()
    assert bad(doctor(game, points())) == []


def test_batch_norm() -> None:
    game = gan(nn.BatchNorm1d(WIDTH))
    audit = doctor(game, points())
    assert bad(audit) == []
    (note,) = [f for f in audit.findings if f.features]
    assert (note.level, note.module) == ("note", "discriminator.1")
    game.eval()
    assert not [f for f in doctor(game, points()).findings if f.features]


def test_batch_norm_on_one_sample() -> None:
    found = only(doctor(ng.GAN(net(2), net(1, Batchless())), points(1)))
    assert (found.level, found.module) == ("warning", "discriminator.1.norm")
    audit = doctor(gan(nn.BatchNorm1d(WIDTH)), points(1))
    assert bad(audit) == [("error", "discriminator.1"), ("warning", "discriminator.1")]
    assert "two samples" in audit.findings[0].fix


class Batchless(nn.Module):
    """Batch norm over places, which torch allows for one sample."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.unflatten(1, (2, 2))).flatten(1)


def test_synchronised_batch_norm() -> None:
    found = only(audit := doctor(gan(nn.SyncBatchNorm(WIDTH)), points()))
    assert (found.level, found.module) == ("warning", "discriminator.1")
    assert not audit.supports["data parallel"]


def test_recurrent_nets_on_the_host() -> None:
    inner = nn.GRU(1, 1, batch_first=True)
    game = gan(Call(lambda self, x: self.inner(x[..., None])[0][..., 0], inner=inner))
    audit = doctor(game, points())
    assert bad(audit) == []
    assert ("note", "discriminator.1.inner") in [(f.level, f.module) for f in audit.findings]


# Random numbers


def test_dropout() -> None:
    found = only(audit := doctor(gan(nn.Dropout(0.5)), points()))
    assert (found.level, found.module) == ("warning", "discriminator.1")
    assert not audit.supports["repeatable"]
    assert audit.supports["second order"]
    assert bad(doctor(gan(nn.Dropout(0.0)), points())) == []


def test_noise_of_ones_own() -> None:
    noisy = Call(lambda self, x: x + torch.randn_like(x))
    assert bad(doctor(gan(noisy), points())) == [("warning", "discriminator.1")]


def test_fresh_latents() -> None:
    def fresh(a: nn.Module, b: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        return hinge(a, b, {**batch, "latent": torch.randn(8, 2)})

    audit = doctor(losses_of(fresh), points())
    assert bad(audit) == [("warning", "a"), ("warning", "b")]
    assert "put them into the batch" in audit.findings[0].fix


# Players


def test_a_detach_between_players() -> None:
    def cut(a: nn.Module, b: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        fake = a(batch["latent"])
        loss = b(fake.detach()).tanh().mean() - b(batch["real"]).tanh().mean()
        return -b(fake).tanh().mean(), loss

    found = only(audit := doctor(losses_of(cut), points()))
    assert (found.level, found.module) == ("warning", "b")
    assert "'a'" in found.what
    assert "detach" in found.what
    assert not audit.supports["second order"]


def test_a_detach_of_a_random_game_is_found_too() -> None:
    def cut(a: nn.Module, b: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        fake = a(torch.randn(8, 2))
        return -b(fake).tanh().mean(), b(fake.detach()).square().mean()

    assert ("warning", "b") in [
        (f.level, f.module)
        for f in doctor(losses_of(cut), points()).findings
        if "zero" in f.what and "'a'" in f.what
    ]


def test_a_player_that_feels_nobody() -> None:
    def apart(a: nn.Module, b: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        return a(batch["latent"]).square().mean(), hinge(a, b, batch)[1]

    found = only(audit := doctor(losses_of(apart), points()))
    assert (found.level, found.module) == ("warning", "a")
    assert "does not feel 'b'" in found.what
    assert audit.supports["second order"]


def test_a_detach_within_one_loss() -> None:
    """a's weight is the size of its own loss, taken for a constant."""

    def weighed(a: nn.Module, b: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        first, second = hinge(a, b, batch)
        return first * first.detach(), second

    (found,) = doctor(losses_of(weighed), points()).of("error")
    assert (found.level, found.module, found.features) == ("error", "a", ("second order",))


def test_a_loss_without_its_own_player() -> None:
    def stopped(a: nn.Module, b: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        return -b(a(batch["latent"]).detach()).mean(), hinge(a, b, batch)[1]

    found = only(audit := doctor(losses_of(stopped), points()))
    assert (found.level, found.module) == ("error", "a")
    assert not any(audit.supports.values())


def test_a_loss_without_a_graph() -> None:
    def numb(a: nn.Module, b: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        first, second = hinge(a, b, batch)
        return first.detach(), second

    assert bad(doctor(losses_of(numb), points())) == [("error", "a")]


# Parameters


def test_parameters_without_gradient() -> None:
    unused = Call(lambda self, x: x, spare=nn.Linear(2, 2))
    found = only(doctor(gan(unused), points()))
    assert (found.level, found.module) == ("warning", "discriminator.1.spare")
    assert "weight, bias" in found.what


def test_frozen_parameters() -> None:
    game = gan()
    game.discriminator[0].requires_grad_(False)
    audit = doctor(game, points())
    assert bad(audit) == []
    (note,) = [f for f in audit.findings if "frozen" in f.what]
    assert (note.level, note.module) == ("note", "discriminator")
    assert "0.weight and 1 more" in note.what


def test_parameters_of_two_types() -> None:
    game = gan()
    game.generator.double()
    found = only(doctor(game, points()))
    assert found.level == "error"
    assert "float32" in found.what
    assert "float64" in found.what


def test_half_precision() -> None:
    batch = {key: x.bfloat16() for key, x in points().items()}
    assert ("warning", "game") in bad(audit := doctor(gan().bfloat16(), batch))
    assert not audit.supports["second order"]


def test_a_parameter_of_nobody() -> None:
    stranger = nn.Linear(1, 1)

    def strange(a: nn.Module, b: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        first, second = hinge(a, b, batch)
        return first, stranger(second[None])[0]

    found = only(doctor(losses_of(strange), points()))
    assert (found.level, found.module) == ("error", "b")
    assert "no player owns" in found.what


def test_distributed_wrappers() -> None:
    wrapped = DistributedDataParallel.__new__(DistributedDataParallel)
    nn.Module.__init__(wrapped)
    wrapped.module = net(1)
    found = only(audit := doctor(ng.GAN(net(2), wrapped), points()))
    assert (found.level, found.module) == ("error", "discriminator")
    assert "DistributedDataParallel" in found.what
    assert "all_reduce_mean" in found.fix
    assert not audit.supports["data parallel"]


# Numbers


def test_a_loss_that_is_not_finite() -> None:
    logs = Call(lambda self, x: (x - x).log())
    found = only(doctor(gan(logs), points()))
    assert (found.level, found.module) == ("error", "discriminator.1")

    def endless(a: nn.Module, b: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        first, second = hinge(a, b, batch)
        return first, second / 0.0

    found = only(doctor(losses_of(endless), points()))
    assert (found.level, found.module) == ("error", "b")


def test_a_gradient_that_is_not_finite() -> None:
    def root(a: nn.Module, b: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        first, second = hinge(a, b, batch)
        return first, second + (second - second).sqrt()

    found = only(doctor(losses_of(root), points()))
    assert (found.level, found.module) == ("error", "b")
    assert "gradient" in found.what


def test_a_forward_pass_that_fails() -> None:
    found = only(doctor(gan(nn.Linear(3, 3)), points()))
    assert (found.level, found.module) == ("error", "discriminator.1")
    assert found.what.startswith("the forward pass fails")
    batch = {"real": points()["real"]}
    assert only(doctor(gan(), batch)).what.startswith("batch: expected a dict with")


# Parts of a batch


def test_sums_over_the_batch() -> None:
    def total(a: nn.Module, b: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        first, second = hinge(a, b, batch)
        return first * 8, second * len(batch["real"])

    found = only(audit := doctor(losses_of(total), points()))
    assert (found.level, found.module) == ("warning", "b")
    assert "no mean" in found.what
    assert not audit.supports["micro-batches"]
    assert audit.supports["second order"]


def test_losses_that_couple_samples() -> None:
    """Relativistic scores: each against the mean of the others."""

    def relative(a: nn.Module, b: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        fake, real = b(a(batch["latent"])), b(batch["real"])
        return F.softplus(real.mean() - fake).mean(), F.softplus((fake - real.mean()) ** 2).mean()

    found = doctor(losses_of(relative), points()).of("warning")
    assert {f.module for f in found} == {"a", "b"}
    assert all("couples samples" in f.what for f in found)


def test_a_fixed_number_of_samples() -> None:
    game = gan(Call(lambda self, x: x.view(8, WIDTH)))
    found = only(audit := doctor(game, points()))
    assert "another number of samples" in found.what
    assert not audit.supports["micro-batches"]


def test_leading_dimensions_that_differ() -> None:
    found = only(doctor(gan(), {**points(), "weights": torch.ones(3)}))
    assert found.features == ("micro-batches", "data parallel")


# Autocast and compile


def test_autocast() -> None:
    def strict(self: Any, x: Tensor) -> Tensor:
        if torch.is_autocast_enabled("cpu") and x.dtype != torch.float32:
            raise TypeError("full precision only")
        return x

    found = only(audit := doctor(gan(Call(strict)), points()))
    assert (found.level, found.module) == ("warning", "discriminator.1")
    assert "full precision only" in found.what
    assert [f for f, good in audit.supports.items() if not good] == ["autocast"]


def test_autocast_that_overflows() -> None:
    def large(self: Any, x: Tensor) -> Tensor:
        return x / 0.0 if x.dtype == torch.bfloat16 else x

    assert bad(doctor(gan(Call(large)), points())) == [("warning", "game")]


def test_compile_is_tried_when_asked_for() -> None:
    branch = Call(lambda self, x: x * 2 if x.sum() > 0 else x)
    for game, good in ((gan(), True), (gan(branch), False)):
        audit = doctor(game, points(), compile=True)
        assert audit.supports["compile"] is good
        assert not [f for f in audit.findings if "not tried" in f.what]
    assert [f.what for f in doctor(gan(), points()).findings] == ["torch.compile was not tried"]


# Nothing is touched


class Messy(nn.Module):
    """Writes to everything that it can reach, and fails when told to."""

    def __init__(self, fails: bool) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(WIDTH))
        self.register_buffer("count", torch.zeros(()))
        self.fails, self.calls, self.seen = fails, 0, None

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.count = self.count + 1
        self.seen = x
        with torch.no_grad():
            self.scale.data += 0.01
            if self.scale.grad is not None:
                self.scale.grad += 1.0
        random.random()
        np.random.rand()
        if self.fails:
            raise KeyError("messy")
        return x * self.scale + torch.rand(())


@pytest.mark.parametrize("fails", [False, True])
def test_all_is_left_as_it_was(fails: bool) -> None:
    inner = Messy(fails)
    game = gan(
        inner, nn.BatchNorm1d(WIDTH), nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))
    )
    for p in game.parameters():
        p.grad = torch.randn_like(p)

    def state() -> Any:
        return {
            "parameters": [p.detach().clone() for p in game.parameters()],
            "gradients": [p.grad.clone() for p in game.parameters()],
            "buffers": references.buffers(game),
            "random": [torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()],
            "messy": [inner.calls, inner.seen],
            "flags": [m.training for m in game.modules()],
            "hooks": [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in game.modules()],
        }

    batch = points()
    before, same = state(), [id(p) for p in [*game.parameters(), *game.buffers()]]
    data = [p.data_ptr() for p in [*game.parameters(), *game.buffers()]]
    audit = doctor(game, batch)
    assert audit.ok is not fails
    assert references.identical(state(), before)
    assert [id(p) for p in [*game.parameters(), *game.buffers()]] == same
    assert [p.data_ptr() for p in [*game.parameters(), *game.buffers()]] == data
    assert all(p.dtype == torch.float32 for p in game.parameters())


def test_no_warnings_escape() -> None:
    """And none of the global filters change (pytest makes warnings errors)."""
    filters = list(warnings.filters)
    doctor(gan(nn.Dropout(0.5)), points())
    assert warnings.filters == filters


# The report


def test_the_report() -> None:
    audit = doctor(gan(nn.Dropout(0.5)), points())
    assert str(audit).splitlines() == [
        "1 warning, 1 note",
        "warning discriminator.1: draws random numbers, so the loss of 'generator' changes; "
        "diagnosis refuses it [repeatable, micro-batches]",
        "        fix: switch dropout off (eval() on it, p=0), or put the noise into the batch",
        "note    game: torch.compile was not tried",
        "        fix: doctor(..., compile=True)",
        "supports: second order yes, repeatable no, micro-batches no, data parallel yes, "
        "autocast yes, compile yes",
    ]


def test_several_illnesses_the_worst_first() -> None:
    audit = doctor(gan(nn.Dropout(0.5), Attention(), nn.SyncBatchNorm(WIDTH)), points())
    levels = [f.level for f in audit.findings]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    assert {f.module for f in audit.of("error", "warning")} == {
        "discriminator.1",
        "discriminator.2",
        "discriminator.3",
    }
    assert len(set(audit.findings)) == len(audit.findings)


def test_what_is_no_game() -> None:
    with pytest.raises(TypeError, match=r"^expected a Game, got Sequential"):
        doctor(net(1), points())  # type: ignore[arg-type]


def test_differences_that_do_not_settle_say_nothing() -> None:
    right, other, zero = torch.ones(3), torch.full((3,), 2.0), torch.zeros(3)
    assert contradicts(right, (other, other, other), 0.0)
    assert contradicts(zero, (other, 5 * other, 5 * other), 1e-10)
    assert not contradicts(right, (other, 10 * other, 100 * other), 0.0)
    assert not contradicts(right, (1.005 * right, other, other), 0.0)
    assert not contradicts(zero, (zero, zero, zero), 0.0)
    assert not contradicts(right, (right * torch.nan,) * 3, 0.0)


def test_differences_below_rounding_say_nothing() -> None:
    product, zero = torch.full((1,), 1e-10), torch.zeros(1)
    assert contradicts(product, (zero, zero, zero), 1e-21)
    assert not contradicts(product, (zero, zero, zero), 1e-14)
