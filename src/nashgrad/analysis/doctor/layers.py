"""What can be told of modules without running them."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.spectral_norm import SpectralNorm

from nashgrad.analysis.doctor.audit import Finding
from nashgrad.core.game import Game

PARTS = ("micro-batches", "data parallel")


def check_layers(game: Game, samples: int) -> Iterator[Finding]:
    """Goes through all modules; `samples` is the size of the batch."""
    for name, module in game.named_modules():
        for rule in (_compiled, _spectral, _synchronised, _recurrent):
            if (found := rule(name, module)) is not None:
                yield found
        if is_batch_norm(module):
            yield from _batch_norm(name, samples)


def is_compiled(module: nn.Module) -> bool:
    """Whether torch.compile made it, or compiled it where it is."""
    # An import of torch's compiler takes seconds.
    return type(module).__name__ == "OptimizedModule" or module._compiled_call_impl is not None


def is_batch_norm(module: nn.Module) -> bool:
    """Whether it normalises by statistics of several samples."""
    several = isinstance(module, _NormBase) and not isinstance(module, _PER_SAMPLE)
    return several and (module.training or module.running_mean is None)


_PER_SAMPLE = (
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
    nn.LazyInstanceNorm1d,
    nn.LazyInstanceNorm2d,
    nn.LazyInstanceNorm3d,
)


def is_spectral(module: nn.Module) -> bool:
    """Whether its weight is divided by a norm that moves at each forward pass."""
    if not module.training:
        return False
    old = any(isinstance(hook, SpectralNorm) for hook in module._forward_pre_hooks.values())
    lists = getattr(module, "parametrizations", {})
    new = [p for name in lists for p in lists[name] if isinstance(p, _SpectralNorm) and p.training]
    return old or bool(new)


def _compiled(name: str, module: nn.Module) -> Finding | None:
    if not is_compiled(module):
        return None
    what = "is compiled: torch's compiled graphs have no second derivative"
    return Finding("error", name, what, "give the game the bare module", ("second order",))


def _spectral(name: str, module: nn.Module) -> Finding | None:
    if not is_spectral(module):
        return None
    what = (
        "spectral norm in train mode: its power iteration moves at each pass and counts as "
        "constant in J; with micro-batches products see another matrix than v"
    )
    fix = "eval() on it freezes the iteration, for diagnosis; or bound D by a penalty (R1)"
    return Finding("warning", name, what, fix, ("second order", "micro-batches"))


def _synchronised(name: str, module: nn.Module) -> Finding | None:
    if not (isinstance(module, nn.SyncBatchNorm) and module.training):
        return None
    what = "SyncBatchNorm has no second derivative across ranks"
    fix = "use nn.BatchNorm2d, which sees a rank's own samples, or a norm of single samples"
    return Finding("warning", name, what, fix, ("data parallel",))


def _recurrent(name: str, module: nn.Module) -> Finding | None:
    if not isinstance(module, nn.RNNBase) or any(p.is_cuda for p in module.parameters()):
        return None
    what = f"{type(module).__name__} works here, but cuDNN has no second derivative of it on a GPU"
    fix = "there, use torch.backends.cudnn.flags(enabled=False) around the step"
    return Finding("note", name, what, fix)


def _batch_norm(name: str, samples: int) -> Iterator[Finding]:
    if samples == 1:
        what = "batch norm in train mode on a batch of one sample"
        yield Finding("warning", name, what, "use larger batches, or another norm")
    what = (
        "batch norm in train mode: every call (real, fake, a micro-batch, a rank's share) is "
        "normalised apart, and single samples have no field (DebiasedConsensus refuses)"
    )
    fix = "eval() or a norm of single samples (GroupNorm), where that matters"
    yield Finding("note", name, what, fix, PARTS)
