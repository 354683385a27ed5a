# %% A class-conditional GAN
# With `conditional=True` both networks are called with the batch's labels: G(z, y) and D(x, y).
# A loader of pairs (sample, label) becomes a stream with the key "label" by itself.
import torch
from torch.optim import Adam
from torch.utils.data import DataLoader, TensorDataset

from nashgrad import GAN, Consensus, GameField, GameOptimizer, stream
from nashgrad.data import ring
from nashgrad.models import MLP

STEPS, CLASSES = 120, 8
torch.manual_seed(0)
torch.set_num_threads(1)  # threads cost small networks more than they give

# %% Data: eight Gaussians on a circle, and which of them a point came from
mixture = ring(CLASSES, sigma=0.05)
label = torch.arange(6400) % CLASSES
real = mixture.means[label] + mixture.sigma * torch.randn(6400, 2)
loader = DataLoader(TensorDataset(real, label), batch_size=64, shuffle=True)

# %% Networks that append the one-hot label to their input
# Any module whose `forward` takes (x, label) will do.
g = MLP([8, 64, 64, 2], labels=CLASSES)
d = MLP([2, 64, 64, 1], labels=CLASSES)
opt = GameOptimizer(
    GameField(GAN(g, d, conditional=True)),
    {
        "generator": Adam(g.parameters(), 2e-3, betas=(0.5, 0.999)),
        "discriminator": Adam(d.parameters(), 2e-3, betas=(0.5, 0.999)),
    },
    adjustment=Consensus(1.0),
)


# %% How many samples lie next to the centre of the class that they were asked for?
@torch.no_grad()
def obedience():
    asked = torch.arange(800) % CLASSES
    samples = g(torch.randn(800, 8), asked)
    return (torch.cdist(samples, mixture.means).argmin(1) == asked).float().mean()


print(f"of the right class: {obedience():.0%} untrained", end=", ")
for _, batch in zip(range(STEPS), stream(loader, latent=8), strict=False):
    opt.step(batch)
print(f"{obedience():.0%} after {STEPS} steps")
