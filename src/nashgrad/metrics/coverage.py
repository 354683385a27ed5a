"""Coverage, quality and distance of samples from a mixture.

The three belong together: a generator that sits on two modes has good samples, and one that
smears all over the plane covers every mode.
"""

import math

import torch
from torch import Tensor

from nashgrad.data.mixtures import Mixture

COVERED_RADIUS, COVERED_SHARE = 0.05, 0.01
RADII = {"hq_003": 0.03, "hq_005": 0.05, "hq_01": 0.1}
DIRECTIONS = 64


def mixture_scores(samples: Tensor, mixture: Mixture, *, seed: int = 0) -> dict[str, float]:
    """Compare samples (n, 2) with the mixture that they should come from.

    - `modes_covered`: modes within 0.05 of which at least 1% of the samples lie;
    - `hq_003`, `hq_005`, `hq_01`: share of the samples within 0.03, 0.05, 0.1 of some mode;
    - `sw2`: sliced 2-Wasserstein distance to a stratified sample of the mixture of the same size.

    i.i.d. samples of the target aren't at distance 0, since their modes don't weigh exactly
    alike: for 8,192 of the paper's ring sw2 has the median 0.050 and lies between 0.03 and 0.08;
    stratified samples are at 0.001.

    Published figures use 8,192 samples, 1,024 a mode of the ring.

    Args:
        samples: The model's samples.
        mixture: The target.
        seed: Of the target's sample; keep it for every evaluation that is to be compared.

    Raises:
        ValueError: There are no samples, or they aren't points of the plane.
    """
    if samples.shape[1:] != (2,) or not len(samples):
        raise ValueError(f"samples of shape {tuple(samples.shape)}: expected (n, 2) with n > 0")
    samples = samples.detach().cpu().double()
    distances = torch.cdist(samples, mixture.means.double())
    nearest = distances.min(dim=1).values
    near = (distances <= COVERED_RADIUS).double().mean(dim=0)
    target = mixture.sample(len(samples), torch.Generator().manual_seed(seed))
    return {
        "modes_covered": int((near >= COVERED_SHARE).sum()),
        **{name: float((nearest <= r).double().mean()) for name, r in RADII.items()},
        "sw2": sliced_wasserstein(samples, target),
    }


def sliced_wasserstein(a: Tensor, b: Tensor) -> float:
    """The sliced 2-Wasserstein distance of two samples (n, 2) of the same size.

    sqrt(mean over directions u and ranks i of (sort(a u)_i - sort(b u)_i)^2), over 64 directions
    u at the angles k pi / 64.

    Raises:
        ValueError: The samples differ in size or aren't points of the plane.

    Source: N. Bonneel et al., Sliced and Radon Wasserstein barycenters of measures, 2015.
    """
    if a.shape != b.shape or a.shape[1:] != (2,):
        raise ValueError(f"samples of shapes {tuple(a.shape)}, {tuple(b.shape)}: expected (n, 2)")
    angles = torch.arange(DIRECTIONS, dtype=torch.float64) * (math.pi / DIRECTIONS)
    directions = torch.stack([angles.cos(), angles.sin()])
    first, second = ((x.double() @ directions).sort(dim=0).values for x in (a, b))
    return float((first - second).square().mean().sqrt())
