"""What a schedule is, and the two moves it is made of."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from nashgrad.analysis.updates import Round
from nashgrad.core.adjustment import Adjustment, Base
from nashgrad.core.game import Batch, Losses
from nashgrad.core.linearization import Evaluation, State
from nashgrad.core.space import Names, PlayerSpace


@dataclass(frozen=True)
class StepRecord:
    """What one game step saw and spent; tensors stay on the device.

    - `losses`: each player's loss when it was last evaluated.
    - `norms`: the Euclidean norm of each player's block of v, likewise.
    - `evaluations`: of the field; of one of P players alone, 1/P.
    - `products`: with J or J^T, those of linear solves included.
    - `solves`, `unconverged`: linear systems, and those that did not converge.
    - `residual`: the largest relative residual of those.
    """

    losses: Losses
    norms: dict[str, Tensor]
    evaluations: float
    products: float
    solves: int
    unconverged: int = 0
    residual: float = 0.0

    @property
    def spent(self) -> float:
        """The step's cost on the scale on which methods are compared; see `spent`."""
        return spent(self.evaluations, self.products)

    @classmethod
    def of(cls, evaluations: Sequence[Evaluation]) -> StepRecord:
        """Sums up a step's evaluations; the latest value of each player counts."""
        return cls(
            {p: loss for e in evaluations for p, loss in e.losses.items()},
            {p: norm for e in evaluations for p, norm in e.norms.items()},
            sum(e.cost.evaluations for e in evaluations),
            sum(e.cost.products for e in evaluations),
            sum(e.cost.solves for e in evaluations),
            sum(e.cost.unconverged for e in evaluations),
            max((e.cost.residual for e in evaluations), default=0.0),
        )


def spent(evaluations: float, products: float) -> float:
    """The cost on which methods are compared: evaluations + 2 products.

    A product with J^T takes about the time of two evaluations, one with J of somewhat more; both
    count 2, a plain number to compare methods by. Seconds belong beside it.
    """
    return evaluations + 2 * products


class Draw:
    """A step's batches: one for every draw, or the next ones of an iterator."""

    def __init__(self, batches: Batch | Iterator[Batch]) -> None:
        self._batches = batches

    def __call__(self) -> Batch:
        """The batch that the step was given, or the iterator's next; `StopIteration` at its end."""
        return next(self._batches) if isinstance(self._batches, Iterator) else self._batches

    def fresh(self) -> Batch:
        """A batch that was not drawn before.

        Raises:
            ValueError: When the step was given a single batch.
        """
        if not isinstance(self._batches, Iterator):
            raise ValueError(
                "this schedule needs a fresh batch for each draw: pass an iterator of batches to "
                "step(), such as nashgrad.stream(loader, latent)"
            )
        return next(self._batches)


@contextmanager
def restoring(space: PlayerSpace) -> Iterator[Tensor]:
    """Gives the parameters x, `(n,)`, and puts them back should anything fail."""
    x = space.get()
    try:
        yield x
    except BaseException:
        space.set_(x)
        raise


class Mover(Protocol):
    """The moves that a `GameOptimizer` offers to schedules."""

    @property
    def space(self) -> PlayerSpace:
        """The parameters: `space.get()` and `space.set_(x)` take and restore a snapshot."""

    def evaluate(self, batch: Batch, players: Names = None) -> Evaluation:
        """The adjusted field at the present parameters; moves nothing and remembers nothing."""

    @property
    def adjustment(self) -> Adjustment:
        """What makes w of v."""

    @property
    def memory(self) -> State:
        """What the adjustment remembers at present."""

    def apply(self, w: Tensor, players: Names, state: State) -> None:
        """Steps these players' optimisers with `.grad = -w`, and keeps the adjustment's state."""

    def step_sizes(self, value: Tensor | None = None) -> Tensor:
        """Each coordinate's step per unit of w, `(n,)`, where the field is `value`."""


class Schedule(abc.ABC):
    """In which order players move and the field is evaluated during one game step; a frozen value.

    A schedule draws all its batches before it moves anything, so that an iterator that ends leaves
    everything as it was.
    """

    @property
    def revisits(self) -> bool:
        """Whether a step evaluates one batch at several points.

        A loss that draws random numbers of its own is then refused.
        """
        return False

    @property
    def base(self) -> Base:
        """What it asks of the optimisers below it."""
        return "any"

    def linear(self, players: Sequence[str]) -> Round | None:
        """What it makes of a linear field over plain SGD, as a matrix; `None` where not known."""
        return None

    @abc.abstractmethod
    def init(self, opt: Mover) -> State:
        """The memory before the first step, if any; an unknown player is a `ValueError`."""

    @abc.abstractmethod
    def step(self, opt: Mover, draw: Draw, state: State) -> tuple[StepRecord, State]:
        """One game step."""
