# %% Consensus in a loop of your own
# Plain modules, a plain DataLoader, stock optimisers. `backward` takes the place of
# `loss.backward()`; everything around it is the torch code that you know.
import torch
from torch import nn
from torch.nn.functional import softplus
from torch.optim.lr_scheduler import LinearLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset

from nashgrad import Consensus, FunctionGame, GameField, backward
from nashgrad.data import ring
from nashgrad.metrics import sliced_wasserstein

STEPS, GAMMA = 200, 1.0  # gamma 0 is simultaneous gradient descent: try it
torch.manual_seed(0)
torch.set_num_threads(1)  # threads cost small networks more than they give

g = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
d = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
mixture = ring()
loader = DataLoader(TensorDataset(mixture.sample(12800)), batch_size=128, shuffle=True)


# %% The game
# Losses are scalars, means over the batch. The fakes serve both players and are not detached:
# how the generator's gradient depends on the discriminator is what consensus is about.
def losses(batch, players):
    fake = g(batch["latent"])
    return {
        "generator": softplus(-d(fake)).mean(),
        "discriminator": softplus(-d(batch["real"])).mean() + softplus(d(fake)).mean(),
    }


field = GameField(FunctionGame({"generator": g, "discriminator": d}, losses))
optimizers = [torch.optim.Adam(net.parameters(), 2e-3, betas=(0.5, 0.999)) for net in (g, d)]
schedulers = [LinearLR(opt, 1.0, 0.1, total_iters=STEPS) for opt in optimizers]
average = AveragedModel(g, multi_avg_fn=get_ema_multi_avg_fn(0.95))


# %% The loop
# Latents are drawn here and put into the batch: it holds all the randomness of a step.
def batches():
    while True:
        for (real,) in loader:
            yield {"real": real, "latent": torch.randn(len(real), 8)}


@torch.no_grad()
def report(name, net):
    distance = sliced_wasserstein(net(torch.randn(2048, 8)), mixture.sample(2048))
    print(f"{name}: distance {distance:.3f}")


report("untrained generator", g)
for _, batch in zip(range(STEPS), batches(), strict=False):
    at = backward(field, batch, adjustment=Consensus(GAMMA))  # writes .grad
    for net in (g, d):
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    for opt, scheduler in zip(optimizers, schedulers, strict=True):
        opt.step()
        scheduler.step()
    average.update_parameters(g)

report("trained generator", g)
report("its moving average", average)
print("last losses:", {player: round(loss.item(), 2) for player, loss in at.losses.items()})
