"""Small real runs to make pages of."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nashgrad.lab.config import files
from nashgrad.lab.config.config import Config
from nashgrad.lab.training.train import train

RING = {
    "game": "ring",
    "data": {"batch": 16},
    "model": {"name": "mlp", "latent": 2, "generator": [4], "discriminator": [4]},
    "method": {"name": "consensus", "gamma": 1},
    "optimizer": {"generator": "rmsprop_tf", "discriminator": "rmsprop_tf"},
    "steps": 40,
    "log": {"every": 5},
    "evaluate": {"every": 10, "samples": 200},
    "checkpoint": {"every": 40},
    "threads": 1,
}


def make_run(out: Path, **changes: Any) -> Path:
    """Trains a ring of 40 steps into a folder, and returns it; `changes` by dotted key with _."""
    values: Mapping[str, Any] = files.merged(RING | {"out": str(out)}, changes, Config)
    assert train(files.validate(Config, values, "test")) == 0
    return out
