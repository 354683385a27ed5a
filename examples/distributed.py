# %% Several processes
# Run it plainly for one process, or on as many as you like; the result is the same:
#     torchrun --nproc-per-node 2 examples/distributed.py
# No DDP wrapper: the game is broadcast once, and the field averages v and J^T v over ranks. That is
# the field of the whole batch exactly; averaging each rank's consensus gradients would not be.
import os

import torch
import torch.distributed as dist
from torch.optim import Adam

from nashgrad import GAN, Consensus, GameField, GameOptimizer
from nashgrad.data import ring
from nashgrad.data.stream import sample_stream
from nashgrad.distributed import all_reduce_mean, broadcast_
from nashgrad.models import MLP

STEPS = 50
torch.set_num_threads(1)  # threads cost small networks more than they give

# %% torchrun sets these variables; without them there is one process
parallel = "WORLD_SIZE" in os.environ
if parallel:
    dist.init_process_group("gloo")  # "nccl" on GPUs
rank, ranks = (dist.get_rank(), dist.get_world_size()) if parallel else (0, 1)

# %% The three lines that differ
# Ranks may begin with different networks, since rank 0's are broadcast. All draw the same batch
# and keep their share of it, so a run does not depend on the number of ranks. Shares may be
# uneven: averages are weighted by samples.
torch.manual_seed(rank)
game = GAN(MLP([8, 32, 32, 2]), MLP([2, 32, 32, 1])).double()
if parallel:
    broadcast_(game)
field = GameField(game, reduce=all_reduce_mean if parallel else None)


def share(batch):
    return {name: x.double().tensor_split(ranks)[rank] for name, x in batch.items()}


# %% Training as ever
opt = GameOptimizer(
    field,
    {
        "generator": Adam(game.generator.parameters(), 2e-3, betas=(0.5, 0.999)),
        "discriminator": Adam(game.discriminator.parameters(), 2e-3, betas=(0.5, 0.999)),
    },
    adjustment=Consensus(1.0),
)
start = opt.space.get()
batches = sample_stream(lambda generator: ring().sample(65, generator), latent=8, seed=0)
for _ in range(STEPS):
    record = opt.step(share(next(batches)))

if rank == 0:
    moved = torch.dist(opt.space.get(), start)
    losses = {player: f"{loss:.10f}" for player, loss in record.losses.items()}
    print(f"ranks: {ranks}, losses: {losses}, |x - x_0| = {moved:.10f}")
if parallel:
    dist.destroy_process_group()
