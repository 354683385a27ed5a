"""Scores of generated images from features: inception score, KID, precision and recall ..."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any
from warnings import catch_warnings, simplefilter

import torch
from torch import Tensor, nn

from nashgrad.metrics.torch_fidelity import spare_torchvision

CHUNK = 512  # rows of a matrix of distances at once
MODULES = {
    "InceptionScore": "torchmetrics.image.inception",
    "KernelInceptionDistance": "torchmetrics.image.kid",
}


def inception_score(logits: Tensor, *, splits: int = 10, seed: int = 0) -> tuple[float, float]:
    """The inception score: mean and standard deviation over splits, which is NaN for one split.

    exp E KL(p(y | x), p(y)), by torchmetrics; between 1 and the number of classes. The paper's
    protocol is 6,400 samples in 10 splits. The network that gives the logits decides what it means,
    so name it beside the score.

    Args:
        logits: of each sample, (n, classes).
        splits: parts of equal size, up to one, in a random order.
        seed: of that order.

    Raises:
        ValueError: There are fewer than two samples a split, or numbers are not finite.
        ImportError: torchmetrics is not installed.

    References:
        T. Salimans et al.: Improved Techniques for Training GANs, 2016.
    """
    _refuse_strange("logits", logits)
    if splits < 1 or len(logits) < 2 * splits:
        raise ValueError(
            f"{len(logits)} samples in {splits} splits: an inception score needs at least two a "
            "split; take more samples or fewer splits"
        )
    metric = _torchmetrics("InceptionScore", splits=splits)
    metric.update(logits)
    return _computed(metric, seed, splits)


def kernel_distance(
    real: Tensor, fake: Tensor, *, subsets: int = 50, size: int = 500, seed: int = 0
) -> tuple[float, float]:
    """KID: the squared maximum mean discrepancy with the kernel (x^T y / d + 1)^3, unbiased.

    By torchmetrics, over random subsets of both: the mean and its standard deviation over subsets,
    which is NaN for one subset. Where each would be all that there is, one is taken.

    Args:
        real, fake: features, (n, d) and (m, d).
        subsets, size: how many subsets, and of how many samples; at most as many as there are.
        seed: of the subsets.

    Raises:
        ValueError: There are fewer than two samples, or numbers are not finite.
        ImportError: torchmetrics is not installed.

    References:
        M. Binkowski et al.: Demystifying MMD GANs, 2018.
    """
    _check_pair(real, fake)
    size = min(size, len(real), len(fake))
    if size == len(real) == len(fake):
        subsets = 1
    metric = _torchmetrics("KernelInceptionDistance", subsets=subsets, subset_size=size)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return _computed(metric, seed, subsets)


def manifold_scores(real: Tensor, fake: Tensor, *, k: int = 5) -> dict[str, float]:
    """Precision, recall, density and coverage from balls to the k-th nearest neighbour.

    With r_k(x) the distance of x to its k-th nearest neighbour among its own kind:

    - precision: share of fake samples in the ball of some real one;
    - recall: share of real samples in the ball of some fake one;
    - density: real balls that hold a fake sample, mean over fake samples, divided by k;
    - coverage: share of real samples whose ball holds a fake one.

    Args:
        real, fake: features, (n, d) and (m, d).
        k: which neighbour.

    Raises:
        ValueError: There are not more than k samples, or numbers are not finite.

    References:
        T. Kynkaanniemi et al.: Improved Precision and Recall Metric for Assessing Generative
        Models, 2019; M. F. Naeem et al.: Reliable Fidelity and Diversity Metrics for Generative
        Models, 2020.
    """
    _check_pair(real, fake)
    if k < 1 or min(len(real), len(fake)) <= k:
        raise ValueError(
            f"{len(real)} real and {len(fake)} fake samples: neighbour {k} needs more than {k} of "
            "each"
        )
    around_real, around_fake = _radii(real, k), _radii(fake, k)
    held = torch.zeros(len(fake), dtype=torch.float64)
    recalled, covered = [], []
    for part, radii in zip(real.split(CHUNK), around_real.split(CHUNK), strict=True):
        distances = torch.cdist(part, fake)
        within = distances <= radii[:, None]
        held += within.sum(0)
        covered.append(within.any(1))
        recalled.append((distances <= around_fake).any(1))
    return {
        "precision": float((held > 0).double().mean()),
        "recall": float(torch.cat(recalled).double().mean()),
        "density": float(held.mean()) / k,
        "coverage": float(torch.cat(covered).double().mean()),
    }


def _radii(x: Tensor, k: int) -> Tensor:
    """The distance to the k-th nearest other sample, (n,)."""
    # A sample is its own nearest neighbour.
    return torch.cat([torch.cdist(part, x).kthvalue(k + 1, 1).values for part in x.split(CHUNK)])


def _check_pair(real: Tensor, fake: Tensor) -> None:
    for name, x in (("real features", real), ("fake features", fake)):
        _refuse_strange(name, x)
        if len(x) < 2:
            raise ValueError(f"{name}: needs at least two samples, got {len(x)}")
    if real.shape[1] != fake.shape[1]:
        raise ValueError(
            f"features of {real.shape[1]} and of {fake.shape[1]} numbers do not compare"
        )


def _refuse_strange(name: str, x: Tensor) -> None:
    if x.ndim != 2:
        raise ValueError(f"{name}: expected shape (n, d), got {tuple(x.shape)}")
    if not x.isfinite().all():
        raise ValueError(f"{name}: some are not finite")


def _torchmetrics(name: str, **arguments: Any) -> Any:
    """A metric of given features, without the warning that it keeps them."""
    spare_torchvision()
    try:
        module = import_module(MODULES[name])
    except (ImportError, RuntimeError) as error:
        message = "scores of images need torchmetrics: pip install nashgrad[images]"
        raise ImportError(message) from error
    with catch_warnings():
        simplefilter("ignore", UserWarning)
        return getattr(module, name)(feature=nn.Identity(), **arguments)


def _computed(metric: Any, seed: int, parts: int) -> tuple[float, float]:
    """Mean and deviation, NaN where there is one part only; the global generator stays."""
    with torch.random.fork_rng(devices=[]), catch_warnings():
        simplefilter("ignore", UserWarning)
        torch.manual_seed(seed)
        mean, deviation = metric.compute()
    return float(mean), float(deviation) if parts > 1 else math.nan
