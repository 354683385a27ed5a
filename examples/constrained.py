# %% A constrained optimisation problem is a game
# minimise f(x) = q/2 |x|^2 + c^T x subject to A x = b. With Lagrange multipliers y the
# players' losses are l_x = f(x) + y^T (A x - b) and l_y = -y^T (A x - b). Where A
# outweighs the curvature q, the Jacobian of the field is nearly antisymmetric: its eigenvalues are
# -q/2 +- i sigma and more, and simultaneous gradient steps circle outwards unless the step size is
# tiny. Consensus moves the eigenvalues to the left.
import torch
from torch import nn
from torch.optim import SGD

from nashgrad import Consensus, FunctionGame, GameField, Identity, backward

STEPS, LR = 300, 0.1

A = torch.tensor([[1.0, 2.0, 0.5], [0.0, 1.0, -1.0]])
b = torch.tensor([1.0, 2.0])
c = torch.tensor([0.3, -0.2, 0.1])
q = 0.5

# %% The solution in closed form
# v = 0 is a linear system: q x + c + A^T y = 0 and A x = b.
system = torch.cat([torch.cat([q * torch.eye(3), A.T], 1), torch.cat([A, torch.zeros(2, 2)], 1)])
solution = torch.linalg.solve(system, torch.cat([-c, b]))


# %% The same by playing
# Players may be bare parameters, and a game without data has `None` for a batch.
def play(adjustment):
    x, y = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(2))

    def losses(batch, players):
        violation = y @ (A @ x - b)
        return {"x": q / 2 * x @ x + c @ x + violation, "multipliers": -violation}

    field = GameField(FunctionGame({"x": x, "multipliers": y}, losses))
    opt = SGD([x, y], LR)
    for _ in range(STEPS):
        backward(field, None, adjustment=adjustment)
        opt.step()
    return field.space.get()


def shown(point):
    return "x = ({:.3f}, {:.3f}, {:.3f})  y = ({:.3f}, {:.3f})".format(*point.tolist())


print("closed form: ", shown(solution))
for name, adjustment in (("simultaneous:", Identity()), ("consensus:   ", Consensus(0.5))):
    point = play(adjustment)
    print(name, shown(point), f" distance {torch.dist(point, solution):.1e}")
