import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nashgrad.data import named_generator, named_seed

NAMES = ("order", "latent", "augmentation", "samples")


@given(st.integers(0, 2**63), st.integers(0, 10**6))
def test_names_and_numbers_tell_seeds_apart(seed, number):
    seeds = [named_seed(seed, name) for name in NAMES]
    seeds += [named_seed(seed, name, number) for name in NAMES]
    seeds += [named_seed(seed + 1, name) for name in NAMES]
    assert len(set(seeds)) == len(seeds)


def test_seeds_do_not_change_between_versions():
    assert named_seed(0, "order", 3) == 1833860148


def test_a_generator_is_its_seed():
    first, second = (torch.rand(3, generator=named_generator(1, "x", 2)) for _ in range(2))
    assert torch.equal(first, second)


def test_negative_seeds():
    with pytest.raises(ValueError, match=r"^seed \(-1,\): must not be negative$"):
        named_seed(-1, "order")
