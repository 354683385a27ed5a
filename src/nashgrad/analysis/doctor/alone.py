"""Which modules are to blame: each is tried alone, on what it was given within the game."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from nashgrad.analysis.doctor.patient import Patient
from nashgrad.analysis.doctor.wording import GAME
from nashgrad.core.game import Batch, Game, Losses
from nashgrad.core.space import PlayerSpace


@dataclass
class Record:
    """What a forward pass went through."""

    inside: list[str] = field(default_factory=list)
    """The modules begun and not ended: after an error the last one raised it."""
    calls: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """The first arguments that each module was given."""
    not_finite: list[str] = field(default_factory=list)
    """Modules whose output was not finite, the first one first."""

    @property
    def innermost(self) -> str:
        """Where an error was raised."""
        return plain(self.inside[-1]) if self.inside else GAME


def plain(name: str) -> str:
    """A module's name as its author knows it: that of the owner, for a parametrisation."""
    return name.split(".parametrizations")[0]


@contextmanager
def recorded(game: nn.Module) -> Iterator[Record]:
    """Records all calls of a game's modules."""
    record = Record()
    with ExitStack() as hooks:
        for name, module in game.named_modules():
            if name:
                before, after = _before(record, name), _after(record, name)
                hook = module.register_forward_pre_hook(before, with_kwargs=True)
                hooks.callback(hook.remove)
                hooks.callback(module.register_forward_hook(after).remove)
        yield record


def _before(record: Record, name: str) -> Callable[..., None]:
    def begin(module: nn.Module, args: Any, kwargs: Any) -> None:
        record.inside.append(name)
        if name not in record.calls:
            record.calls[name] = tree_map(_kept, (args, kwargs))

    return begin


def _after(record: Record, name: str) -> Callable[..., None]:
    def end(module: nn.Module, args: Any, output: Any) -> None:
        record.inside.pop()
        if not all(_finite(leaf) for leaf in tree_leaves(output)):
            record.not_finite.append(name)

    return end


def _kept(leaf: Any) -> Any:
    return leaf.detach().clone() if isinstance(leaf, Tensor) else leaf


def _finite(leaf: Any) -> bool:
    # Without a graph: checkpoints count what is saved for theirs.
    return not isinstance(leaf, Tensor) or bool(leaf.detach().isfinite().all())


class Alone(Game):
    """A module and its inputs as the one player of a game, whose loss bends everywhere.

    What a product with this game's Jacobian needs is what the module alone has to give.
    """

    players = ("alone",)

    def __init__(self, module: nn.Module, args: Any) -> None:
        super().__init__()
        leaves, self.tree = tree_flatten(args)
        self.moves = [isinstance(x, Tensor) and x.is_floating_point() for x in leaves]
        moving = [nn.Parameter(x) for x, moves in zip(leaves, self.moves, strict=True) if moves]
        self.inputs = moving  # a list, so that they belong to the player alone
        self.fixed = [None if moves else x for x, moves in zip(leaves, self.moves, strict=True)]
        self.alone = nn.ModuleDict({"module": module, "inputs": nn.ParameterList(moving)})

    def forward(self, batch: Batch, players: Sequence[str]) -> Losses:
        """Half the mean square of what comes out, plus its mean."""
        outputs = [y for y in tree_leaves(self.call()) if isinstance(y, Tensor) and y.requires_grad]
        return {"alone": sum((y.square() / 2 + y).mean() for y in outputs)}  # type: ignore[dict-item]

    def call(self) -> Any:
        """What the module makes of its inputs."""
        moving = iter(self.inputs)
        # Modules that work in place must not be given leaves.
        leaves = [
            next(moving).clone() if moves else x
            for x, moves in zip(self.fixed, self.moves, strict=True)
        ]
        args, kwargs = tree_unflatten(leaves, self.tree)
        return self.alone["module"](*args, **kwargs)


def blame(patient: Patient, ails: Callable[[Patient], bool]) -> list[str]:
    """The smallest modules that ail alone; the game when none does.

    Args:
        patient: a game that ails.
        ails: whether a game does. An error of any kind counts as no.
    """
    with recorded(patient.game) as record:
        patient.query().losses()
    modules = dict(patient.game.named_modules())
    found: list[str] = []
    for name in reversed(modules):  # children come before those that hold them
        if name not in record.calls or any(inner.startswith(f"{name}.") for inner in found):
            continue
        if _ails(modules[name], record.calls[name], ails):
            found.append(name)
    return list(dict.fromkeys(plain(name) for name in reversed(found))) or [GAME]


def _ails(module: nn.Module, args: Any, ails: Callable[[Patient], bool]) -> bool:
    try:
        game = Alone(module, args)
        with torch.random.fork_rng([]):
            return ails(Patient(game, None, PlayerSpace(game)))
    except Exception:
        return False
