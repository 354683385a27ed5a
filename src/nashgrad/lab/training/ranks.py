"""The processes of a run: one, or as many as torchrun starts on this machine."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass

import torch
import torch.distributed as dist

from nashgrad.core.averages import Reduce
from nashgrad.core.game import Batch
from nashgrad.distributed import all_reduce_mean, share
from nashgrad.lab.common.errors import UsageError


@dataclass(frozen=True)
class Ranks:
    """This process among all.

    Every rank draws the same batch and keeps its share of it, so that a run without batch norm is
    the same on any number of ranks.
    """

    rank: int
    world: int
    device: torch.device

    @classmethod
    def join(cls, device: torch.device) -> Ranks:
        """Joins the group when torchrun started this process."""
        world = int(os.environ.get("WORLD_SIZE", "1"))
        if world > 1 and not dist.is_initialized():
            if device.type == "cuda":
                torch.cuda.set_device(device)
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
            # Its threads, if they outlive the interpreter, abort a run that has ended well.
            atexit.register(_leave)
        return cls(dist.get_rank() if world > 1 else 0, world, device)

    @property
    def first(self) -> bool:
        """Whether this process writes the run's files."""
        return self.rank == 0

    @property
    def reduce(self) -> Reduce | None:
        """The mean over ranks; `None` for a single process."""
        return all_reduce_mean if self.world > 1 else None

    def share(self, batch: Batch) -> Batch:
        """This rank's part of a batch."""
        return share(batch)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any rank, so that all of them stop at the same step."""
        if self.world == 1:
            return flag
        raised = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(raised)
        return bool(raised.item())


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def is_first_rank() -> bool:
    """Whether this process is the first of those that torchrun started, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def local_device(name: str) -> torch.device:
    """The device a configuration means: `auto` takes CUDA where there is one."""
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    index = int(os.environ.get("LOCAL_RANK", "0"))
    if index >= torch.cuda.device_count():
        raise UsageError(
            f"device: rank {index} has no CUDA device, torch sees {torch.cuda.device_count()}; "
            "start fewer ranks, or use --device cpu"
        )
    return torch.device("cuda", index)
