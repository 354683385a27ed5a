# %% BiGAN (ALI): an encoder and a generator as one player
# The discriminator judges pairs: (x, E(x)) of real samples against (G(z), z) of generated ones.
# Encoder and generator work together to make the pairs alike, so they are one player with one
# loss: a `ModuleDict`. Where they succeed, E inverts G, although no loss compares x with G(E(x)).
# (J. Donahue et al., V. Dumoulin et al., 2017)
import torch
from torch import nn
from torch.nn.functional import softplus
from torch.optim import Adam

from nashgrad import Consensus, FunctionGame, GameField, GameOptimizer
from nashgrad.models import MLP

STEPS, GAMMA = 300, 1.0  # gamma 0 is simultaneous gradient descent: try it
torch.manual_seed(0)
torch.set_num_threads(1)  # threads cost small networks more than they give

cooperators = nn.ModuleDict({"encoder": MLP([2, 32, 2]), "generator": MLP([2, 32, 2])})
discriminator = MLP([4, 64, 64, 1])


# %% The game
# Both pairs depend on the cooperators' parameters, so both terms enter their loss.
def losses(batch, players):
    real, latent = batch["real"], batch["latent"]
    encoded = discriminator(torch.cat([real, cooperators["encoder"](real)], 1))
    generated = discriminator(torch.cat([cooperators["generator"](latent), latent], 1))
    return {
        "cooperators": (softplus(encoded) + softplus(-generated)).mean(),
        "discriminator": (softplus(-encoded) + softplus(generated)).mean(),
    }


field = GameField(
    FunctionGame({"cooperators": cooperators, "discriminator": discriminator}, losses)
)
opt = GameOptimizer(
    field,
    {
        "cooperators": Adam(cooperators.parameters(), 5e-3, betas=(0.5, 0.999)),
        "discriminator": Adam(discriminator.parameters(), 5e-3, betas=(0.5, 0.999)),
    },
    adjustment=Consensus(GAMMA),
)


# %% Data: a stretched and turned Gaussian, shifted away from the origin
def sample(n):
    return torch.randn(n, 2) @ torch.tensor([[1.0, 0.5], [-0.2, 0.3]]) + torch.tensor([2.0, -1.0])


@torch.no_grad()
def reconstruction_error(n=1000):
    x = sample(n)
    back = cooperators["generator"](cooperators["encoder"](x))
    return ((x - back).square().mean() / x.var(0).mean()).item()


print(f"error of G(E(x)), in variances of x: {reconstruction_error():.2f} untrained", end=", ")
for _ in range(STEPS):
    opt.step({"real": sample(64), "latent": torch.randn(64, 2)})
print(f"{reconstruction_error():.2f} after {STEPS} steps")
