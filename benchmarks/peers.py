"""The same steps without the library: the naive way, and packages that make one of them.

    pip install -c constraints.txt CGDs torchopt

`step_cost.py` leaves out those that are not installed. A peer does what its documentation does, on
the same networks, batch and rates as the library's case beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.optim import RMSprop

Step = Callable[[], object]
Nets = tuple[nn.Module, nn.Module]
Batch = dict[str, Tensor]

RATE = 1e-4
INNER_RATE = 0.01
"""Of the unrolled discriminator's step."""


def naive_consensus(nets: Nets, batch: Batch) -> Step:
    """gamma times backward through |v|^2 / 2, in a loop of one's own, as research code does it."""
    generator, discriminator = nets
    players = list(generator.parameters()), list(discriminator.parameters())
    optimizers = [RMSprop(own, RATE) for own in players]

    def step() -> None:
        fake = generator(batch["latent"])
        fake_scores, real_scores = discriminator(fake), discriminator(batch["real"])
        losses = (
            softplus(-fake_scores).mean(),
            softplus(-real_scores).mean() + softplus(fake_scores).mean(),
        )
        gradients = [
            gradient
            for loss, own in zip(losses, players, strict=True)
            for gradient in torch.autograd.grad(loss, own, create_graph=True)
        ]
        regulariser = 0.5 * sum(g.square().sum() for g in gradients)
        everyone = [p for own in players for p in own]
        pulled = torch.autograd.grad(regulariser, everyone)
        for p, gradient, pull in zip(everyone, gradients, pulled, strict=True):
            p.grad = gradient.detach() + 0.1 * pull
        for optimizer in optimizers:
            optimizer.step()

    return step


def acgd_by_cgds(nets: Nets, batch: Batch) -> Step:
    """Adaptive competitive gradient descent by the package of its authors, `CGDs`."""
    from CGDs import ACGD

    generator, discriminator = nets
    optimizer = ACGD(
        max_params=discriminator.parameters(),
        min_params=generator.parameters(),
        lr_max=RATE,
        lr_min=RATE,
        tol=1e-8,  # of the squared residual
    )

    def step() -> None:
        fake_scores = discriminator(generator(batch["latent"]))
        real_scores = discriminator(batch["real"])
        optimizer.zero_grad()
        optimizer.step(-softplus(-real_scores).mean() - softplus(fake_scores).mean())

    return step


def unrolled_by_torchopt(nets: Nets, batch: Batch) -> Step:
    """A GAN unrolled by one step, by torchopt's differentiable SGD."""
    import torchopt

    generator, discriminator = nets
    g, d = list(generator.parameters()), list(discriminator.parameters())
    optimizers = RMSprop(g, RATE), RMSprop(d, RATE)
    inner = torchopt.MetaSGD(discriminator, lr=INNER_RATE)

    def step() -> None:
        before = torchopt.extract_state_dict(discriminator), torchopt.extract_state_dict(inner)
        fake = generator(batch["latent"])
        real_scores, fake_scores = discriminator(batch["real"]), discriminator(fake)
        d_loss = softplus(-real_scores).mean() + softplus(fake_scores).mean()
        d_gradients = torch.autograd.grad(d_loss, d, retain_graph=True)
        inner.step(d_loss)
        g_gradients = torch.autograd.grad(softplus(-discriminator(fake)).mean(), g)
        torchopt.recover_state_dict(discriminator, before[0])
        torchopt.recover_state_dict(inner, before[1])
        for parameters, gradients in ((g, g_gradients), (d, d_gradients)):
            for p, gradient in zip(parameters, gradients, strict=True):
                p.grad = gradient
        for optimizer in optimizers:
            optimizer.step()

    return step


def importable(package: str) -> bool:
    """Whether a peer is there and whole."""
    try:
        return bool(find_spec(package)) and bool(import_module(package))
    except (ImportError, RuntimeError) as error:
        print(f"without {package}, which does not import: {error}")
        return False


PEERS: dict[str, tuple[str, Callable[[Nets, Batch], Step]]] = {
    "js acgd, CGDs": ("CGDs", acgd_by_cgds),
    "unrolled, torchopt": ("torchopt", unrolled_by_torchopt),
}
INSTALLED = {case: build for case, (package, build) in PEERS.items() if importable(package)}
