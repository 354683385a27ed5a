"""GANs whose losses are made of scores: one backward pass through D serves both players."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nashgrad.core.engine import answer, gradient_of
from nashgrad.core.game import Batch, Game, Losses
from nashgrad.core.jacobian import GraphJacobian
from nashgrad.core.linearization import Linearization, Query
from nashgrad.engines.claims import ClaimingEngine


class Scored(NamedTuple):
    """What a discriminator says of a batch.

    - `real`, `fake`: what it saw, (n, ...).
    - `real_scores`: None where nobody needs them.
    - `fake_scores`: (n,) or (n, 1), or maps.
    """

    real: Tensor
    fake: Tensor
    real_scores: Tensor | None
    fake_scores: Tensor


class ScoreGame(Game):
    """A game of a `generator` and a `discriminator` whose losses are functions of scores.

    A further term of the discriminator's loss may be anything.
    """

    @abc.abstractmethod
    def scored(self, batch: Batch, players: Sequence[str]) -> Scored:
        """Runs the networks."""

    @abc.abstractmethod
    def score_losses(self, scored: Scored, players: Sequence[str]) -> Losses:
        """The losses of these players, by the scores alone."""

    def further(self, scored: Scored, batch: Batch) -> Tensor | None:
        """A further term of the discriminator's loss, a scalar; None by default."""
        return None

    def forward(self, batch: Batch, players: Sequence[str]) -> Losses:
        """The losses of these players."""
        return self.losses_of(self.scored(batch, players), batch, players)

    def losses_of(self, scored: Scored, batch: Batch, players: Sequence[str]) -> Losses:
        """The losses of these players, whole."""
        losses = self.score_losses(scored, players)
        if "discriminator" in players and (term := self.further(scored, batch)) is not None:
            losses["discriminator"] = losses["discriminator"] + term
        return losses


class Score(ClaimingEngine):
    r"""One backward pass through D for both players of a GAN.

    D's gradient needs ds/dx at every generated sample x times b = dl_D/ds, G's needs it times
    a = dl_G/ds. Where D treats samples independently the second is the first times a/b, sample by
    sample:

    v_D = -(b_real . ds_real/dD + b . ds/dD) - dr/dD,   v_G = -((a/b) (b . ds/dx)) . dx/dG,

    r being what the loss of D has beside scores: penalties. J^T u and J u go through that graph,
    which is smaller by a pass.

    Where b underflows (scores far on the right side, or a hinge that is satisfied) the root of the
    type's smallest number takes its place: D's gradient is off by 1e-19 in float32, and a/b times b
    is a still.

    Batch norm in G is allowed; in D it joins samples. A batch in float16 goes to `Eager`.

    Raises:
        ValueError: `linearize`, for a game that is no [`GAN`][nashgrad.GAN] (or `ScoreGame`), maps
            of scores, and a D that treats samples together.
    """

    claim = "a discriminator that treats samples independently"

    def answer(self, query: Query) -> Linearization:
        if query.autocast is torch.float16:
            return self._plain.linearize(query)
        game, space = _score_game(query.game), query.space
        scored = query.run(game.scored, query.batch, query.evaluated)
        _check_scores(scored)
        by_scores = query.run(game.score_losses, scored, query.evaluated)
        term = query.run(game.further, scored, query.batch)
        pieces = _by_scores(query, scored, query.scaled(by_scores))
        losses = dict(by_scores)
        if term is not None:
            losses["discriminator"] = losses["discriminator"] + term
            pieces["discriminator"] = _add(pieces["discriminator"], _by_term(query, term))
        raw = -space.flatten(piece for player in space.players for piece in pieces[player])
        jacobian = None
        if query.order == 2:
            jacobian = GraphJacobian(space, raw, create_graph=query.create_graph, scale=query.scale)
        return answer(self, query, losses, raw, jacobian, gradient_of(query, query.scaled(losses)))


def _by_scores(query: Query, scored: Scored, losses: Losses) -> dict[str, list[Tensor | None]]:
    """dl_G/dG and dl_D/dD of losses that are functions of scores, for each parameter."""
    second = query.order == 2 or query.create_graph
    seen = [s for s in (scored.real_scores, scored.fake_scores) if s is not None]
    a = _slopes(losses["generator"], [scored.fake_scores], second)[0]
    *real, b = _slopes(losses["discriminator"], seen, second)
    floor = torch.finfo(b.dtype).tiny ** 0.5
    b = torch.where(b.abs() < floor, floor, b)
    options = {"retain_graph": True, "create_graph": second, "allow_unused": True}
    d, g = query.space.parameters_of("discriminator"), query.space.parameters_of("generator")
    *by_d, by_fake = torch.autograd.grad(seen, [*d, scored.fake], [*real, b], **options)
    ratio = (a / b).reshape(-1, *[1] * (scored.fake.ndim - 1))
    by_g = torch.autograd.grad(scored.fake, g, ratio * by_fake, **options)
    return {"generator": [*by_g], "discriminator": [*by_d]}


def _by_term(query: Query, term: Tensor) -> list[Tensor | None]:
    """dr/dD for each parameter, times the loss scale."""
    d = query.space.parameters_of("discriminator")
    (scaled,) = query.scaled({"discriminator": term}).values()
    second = query.order == 2 or query.create_graph
    return list(torch.autograd.grad(scaled, d, create_graph=second, allow_unused=True))


def _score_game(game: Game) -> ScoreGame:
    if not isinstance(game, ScoreGame):
        raise ValueError(f"Score needs a GAN, got {type(game).__name__}; use another engine")
    return game


def _check_scores(scored: Scored) -> None:
    if scored.fake_scores.numel() != len(scored.fake):
        raise ValueError(
            f"Score needs one score a sample, got {tuple(scored.fake_scores.shape)} for "
            f"{len(scored.fake)} samples; use another engine, such as Eager()"
        )


def _slopes(loss: Tensor, scores: list[Tensor], second: bool) -> list[Tensor]:
    """dl/ds for each tensor of scores, in its shape."""
    slopes = torch.autograd.grad(
        loss, scores, retain_graph=True, create_graph=second, materialize_grads=True
    )
    return list(slopes)


def _add(a: list[Tensor | None], b: list[Tensor | None]) -> list[Tensor | None]:
    """Piece by piece; None is zero."""
    pairs = zip(a, b, strict=True)
    return [y if x is None else x if y is None else x + y for x, y in pairs]
