# %% One object for the whole step: alternating consensus, saved and resumed
# `GameOptimizer` runs a schedule over stock optimisers. Here the discriminator has two turns for
# each of the generator's. All that changes during training is in three `state_dict`s, made of
# plain tensors and numbers: `torch.load` reads them with `weights_only=True`.
import io

import torch
from torch.optim import Adam
from torch.utils.data import DataLoader

from nashgrad import GAN, Alternating, Consensus, GameField, GameOptimizer, stream
from nashgrad.data import ring
from nashgrad.metrics import sliced_wasserstein
from nashgrad.models import MLP

STEPS = 80
torch.set_num_threads(1)  # threads cost small networks more than they give
mixture = ring()
points = mixture.sample(6400, torch.Generator().manual_seed(0))


# %% A run: the game, its optimiser, its batches
# `stream` puts the latents into the batches, and each turn draws a batch of its own from it.
def build(seed):
    torch.manual_seed(seed)
    g, d = MLP([8, 64, 64, 2]), MLP([2, 64, 64, 1])
    game = GAN(g, d)
    opt = GameOptimizer(
        GameField(game),
        {
            "generator": Adam(g.parameters(), 2e-3, betas=(0.5, 0.999)),
            "discriminator": Adam(d.parameters(), 2e-3, betas=(0.5, 0.999)),
        },
        adjustment=Consensus(1.0),
        schedule=Alternating(("discriminator", "discriminator", "generator")),
    )
    loader = DataLoader(points, batch_size=64, shuffle=True)
    return game, opt, stream(loader, latent=8, seed=seed)


def play(opt, batches, steps):
    return [opt.step(batches) for _ in range(steps)][-1]


@torch.no_grad()
def distance():
    return sliced_wasserstein(game.generator(torch.randn(2048, 8)), mixture.sample(2048))


# %% Train, save half-way, train on
run = game, opt, batches = build(seed=0)
print(f"distance to the ring: {distance():.2f} untrained", end=", ")
play(opt, batches, STEPS // 2)
file = io.BytesIO()  # or a path
torch.save([part.state_dict() for part in run], file)
record = play(opt, batches, STEPS // 2)
print(f"{distance():.2f} after {STEPS} steps")
print(
    f"a step took {record.evaluations} evaluations of the field, {record.products} products;",
    "norms of v:",
    {player: round(norm.item(), 3) for player, norm in record.norms.items()},
)

# %% Resume in fresh objects, which were built with another seed
resumed = build(seed=1)
file.seek(0)
for part, state in zip(resumed, torch.load(file, weights_only=True), strict=True):
    part.load_state_dict(state)
play(*resumed[1:], STEPS // 2)
equal = torch.equal(resumed[1].space.get(), opt.space.get())
print("the resumed run equals the uninterrupted one bit for bit:", equal)
