"""Independent random generators from one seed, each known by its name."""

import zlib

import numpy as np
import torch


def named_seed(seed: int, name: str, *numbers: int) -> int:
    """The seed of one use of randomness, such as the data order of epoch 3.

    Different names or numbers give independent seeds, however close the seeds are, and adding a
    use never changes the others.

    Example:
        >>> named_seed(0, "order", 3) == named_seed(0, "order", 3)
        True
        >>> named_seed(0, "order", 3) == named_seed(1, "order", 3)
        False

    Args:
        seed: The seed of the whole run, not negative.
        name: What the numbers are for.
        *numbers: Which one of them, where there are many; not negative.

    Raises:
        ValueError: A number is negative.
    """
    if min(seed, *numbers, 0) < 0:
        raise ValueError(f"seed {(seed, *numbers)}: must not be negative")
    sequence = np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()), *numbers))
    return int(sequence.generate_state(1)[0])


def named_generator(seed: int, name: str, *numbers: int) -> torch.Generator:
    """A CPU generator with that seed; see `named_seed`."""
    return torch.Generator().manual_seed(named_seed(seed, name, *numbers))
