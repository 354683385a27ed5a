# %% One object for the whole step: alternating consensus, saved and resumed
# `GameOptimizer` runs a schedule over stock optimisers. Here the discriminator has two turns for
# each of the generator's. All that changes during training is in three `state_dict`s, made of
# plain tensors and numbers: `torch.load` reads them with `weights_only=True`.
import tempfile
from pathlib import Path

import torch
from torch.optim import Adam
from torch.utils.data import DataLoader

from nashgrad import GAN, Alternating, Consensus, GameField, GameOptimizer, stream
from nashgrad.data import digits
from nashgrad.metrics import FrechetDistance
from nashgrad.models import MLP

STEPS = 60
torch.set_num_threads(1)  # threads cost small networks more than they give
images = digits()


# %% A run: the game, its optimiser, its batches
# `stream` puts the latents into the batches, and each turn draws a batch of its own from it.
def build(seed):
    torch.manual_seed(seed)
    g = MLP([32, 128, 128, 64], activation="leaky_relu", output="tanh", shape=(1, 8, 8))
    d = MLP([64, 128, 128, 1], activation="leaky_relu")
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
    loader = DataLoader(images, batch_size=64, shuffle=True, drop_last=True)
    return game, opt, stream(loader, latent=32, seed=seed)


def play(opt, batches, steps):
    return [opt.step(batches) for _ in range(steps)][-1]


distance = FrechetDistance(images.scaled())
latent = torch.randn(500, 32)

# %% Train, save half-way, train on
run = game, opt, batches = build(seed=0)
print(f"Frechet distance of pixels, untrained: {distance(game.generator(latent)):.1f}")
play(opt, batches, STEPS // 2)
path = Path(tempfile.mkdtemp()) / "checkpoint.pt"
torch.save([part.state_dict() for part in run], path)
record = play(opt, batches, STEPS // 2)
print(f"after {STEPS} steps: {distance(game.generator(latent)):.1f}")
print(
    f"a step took {record.evaluations} evaluations of the field, {record.products} products;",
    "norms of v:",
    {player: round(norm.item(), 3) for player, norm in record.norms.items()},
)

# %% Resume in fresh objects, which were built with another seed
resumed = build(seed=1)
for part, state in zip(resumed, torch.load(path, weights_only=True), strict=True):
    part.load_state_dict(state)
play(*resumed[1:], STEPS // 2)
equal = torch.equal(resumed[1].space.get(), opt.space.get())
print("the resumed run equals the uninterrupted one bit for bit:", equal)
