"""Where and with what a run computes."""

import os
import platform
import resource
import shlex
import sys
from typing import Any

import numpy as np
import torch


def describe_environment(device: torch.device) -> dict[str, Any]:
    """What a run's numbers can depend on beside its configuration."""
    return {
        "command": shlex.join(sys.argv),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "device": str(device),
        "device_name": _device_name(device),
        "cpus": len(os.sched_getaffinity(0)),
        "ranks": int(os.environ.get("WORLD_SIZE", "1")),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()


def peak_memory(device: torch.device) -> float:
    """The most memory so far in MB: of the device's allocator, on the CPU of the whole process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
