# %% One generator against two discriminators
# A game may have any number of players. Here a sharp discriminator sees the samples as they are,
# a blurred one sees them with noise added, which tells where modes are before the generator has
# found them. The generator minimises the mean of what the two have against it.
import torch
from torch.nn.functional import softplus
from torch.optim import Adam
from torch.utils.data import DataLoader

from nashgrad import Consensus, FunctionGame, GameField, GameOptimizer, stream
from nashgrad.data import ring
from nashgrad.metrics import sliced_wasserstein
from nashgrad.models import MLP

STEPS, BLUR = 200, 0.3
torch.manual_seed(0)
torch.set_num_threads(1)  # threads cost small networks more than they give

g, sharp, blurred = MLP([8, 64, 64, 2]), MLP([2, 64, 64, 1]), MLP([2, 64, 64, 1])
mixture = ring()


# %% The game
# The noise comes with the batch, as all randomness does: the latents have four more columns.
def losses(batch, players):
    real, latent, noise = batch["real"], batch["latent"][:, :8], BLUR * batch["latent"][:, 8:]
    fake = g(latent)
    scores = {
        "sharp": (sharp(real), sharp(fake)),
        "blurred": (blurred(real + noise[:, :2]), blurred(fake + noise[:, 2:])),
    }
    found = {name: (softplus(-r) + softplus(f)).mean() for name, (r, f) in scores.items()}
    fooled = [softplus(-f).mean() for _, f in scores.values()]
    return {"generator": sum(fooled) / 2, **found}


players = {"generator": g, "sharp": sharp, "blurred": blurred}
field = GameField(FunctionGame(players, losses))

# %% One optimiser over all players, or one for each
everyone = [p for net in players.values() for p in net.parameters()]
opt = GameOptimizer(field, Adam(everyone, 2e-3, betas=(0.5, 0.999)), adjustment=Consensus(1.0))


@torch.no_grad()
def distance():
    return sliced_wasserstein(g(torch.randn(2048, 8)), mixture.sample(2048))


print(f"distance to the ring: {distance():.2f} untrained", end=", ")
loader = DataLoader(mixture.sample(6400), batch_size=64, shuffle=True)
for _, batch in zip(range(STEPS), stream(loader, latent=8 + 4), strict=False):
    record = opt.step(batch)
print(f"{distance():.2f} after {STEPS} steps")
print("losses:", {player: round(loss.item(), 2) for player, loss in record.losses.items()})
