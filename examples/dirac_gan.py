# %% The Dirac-GAN: why simultaneous steps circle, and what consensus does about it
# The generator is a point theta, the data the point 0, the discriminator D(x) = psi x. Near the
# equilibrium (0, 0) a step maps x to (I + h w') x, where w' = J for simultaneous gradient steps
# and w' = J - gamma J^T J for consensus. The largest |1 + h l| over the eigenvalues l of w' is the
# factor by which the distance to the equilibrium changes in a step.
import torch
from torch.optim import SGD

from nashgrad import Consensus, DiracGAN, GameField, GameOptimizer, Identity

STEPS, LR, GAMMA = 200, 0.2, 1.0


# %% The prediction, from the Jacobian in closed form
def predicted(gamma):
    J = DiracGAN(start=(0.0, 0.0)).jacobian()
    eigenvalues = torch.linalg.eigvals(J - gamma * J.T @ J)
    return (1 + LR * eigenvalues).abs().max().item()


# %% The observation
def trajectory(adjustment):
    game = DiracGAN(start=(0.05, 0.0))
    opt = GameOptimizer(GameField(game), SGD(game.parameters(), LR), adjustment=adjustment)
    points = [opt.space.get()]
    for _ in range(STEPS):
        opt.step(None)  # a closed-form game needs no batch
        points.append(opt.space.get())
    return torch.stack(points)


for name, adjustment, gamma in (
    ("simultaneous", Identity(), 0.0),
    ("consensus", Consensus(GAMMA), GAMMA),
):
    points = trajectory(adjustment)
    distance = points.norm(dim=1)
    observed = (distance[-1] / distance[STEPS // 2]) ** (2 / STEPS)
    print(f"{name}: factor per step predicted {predicted(gamma):.5f}, observed {observed:.5f}")
    corners = [f"({x:+.3f}, {y:+.3f})" for x, y in points[:: STEPS // 4].tolist()]
    print("  (theta, psi):", " ".join(corners))
