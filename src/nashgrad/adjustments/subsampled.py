"""Any adjustment, with the Jacobian of a part of the batch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from nashgrad.core.adjustment import Adjustment, Base, check_inner
from nashgrad.core.checks import check_third_derivatives
from nashgrad.core.limits import check_count
from nashgrad.core.linearization import Linearization, Order, State
from nashgrad.core.space import PlayerSpace


@dataclass(frozen=True)
class Subsampled(Adjustment):
    r"""inner(w) with J of the first n-th of the batch, S, in the place of the whole batch's.

    Consensus becomes w = v - gamma J_S^T v, with the v of the whole batch: an n-th of the work in
    every step, where `EveryK` does all of it in every n-th. Its mean is that of consensus, the
    bias of the batch included: for B independent samples of which S holds m,
    E[J_S^T v] = E[J_1]^T E[v_1] + Cov(J_1^T, v_1) / B whatever m is. Only the noise is another.

    The samples of a batch are to be in no order; `DataLoader` shuffles them, and the mixtures of
    `nashgrad.data` take turns. Batch norm sees the part, and leaves no traces of it.

    Args:
        inner: the adjustment, such as `Consensus(gamma)`.
        parts: n; at least 1, with which nothing differs from the inner one but the cost.

    Cost: a plain evaluation of everyone's field, and an n-th of another one and of the inner
    adjustment's products. Memory: the inner one's, and a graph of an n-th of the batch only. Keeps
    fixed points that the inner one keeps, in the mean; players and base optimisers are those that
    it allows.

    Raises:
        ValueError: For n below 1; in a step, for a batch with fewer samples than n. `TypeError` for
            an inner that is no adjustment.

    References:
        R. Byrd, G. Chin, W. Neveitt, J. Nocedal: On the Use of Stochastic Hessian Information in
        Optimization Methods for Machine Learning, 2011.
    """

    inner: Adjustment
    parts: int

    def __post_init__(self) -> None:
        check_inner(self.inner)
        check_count("parts", self.parts)

    @property
    def pure(self) -> bool:
        return self.inner.pure

    @property
    def base(self) -> Base:
        return self.inner.base

    def order(self, players: tuple[str, ...], state: State) -> Order:
        return 1  # of the whole batch

    def init(self, space: PlayerSpace) -> State:
        return self.inner.init(space)

    def update(self, w: Tensor, at: Linearization, state: State) -> tuple[Tensor, State]:
        if self.inner.order(at.players, state) == 1:
            return self.inner.update(w, at, state)
        at.query.game.check_jacobian()
        if at.query.create_graph:
            check_third_derivatives(at.query.game)
        return self.inner.update(w, at.subsampled(self.parts), state)
