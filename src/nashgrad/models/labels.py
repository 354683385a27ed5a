"""Classes as an extra input of a network."""

import torch
from torch import Tensor


def with_label(x: Tensor, label: Tensor | None, classes: int) -> Tensor:
    """Append the one-hot class of each sample to its channels.

    Features (n, d) become (n, d + classes); images (n, c, h, w) become (n, c + classes, h, w),
    each class a constant plane.

    Args:
        x: The samples.
        label: Class numbers (n,) from 0 to classes - 1, or None for a network without classes.
        classes: The network's number of classes, 0 for none.

    Raises:
        ValueError: A label is missing, or there is one too many.
    """
    if label is None:
        if classes:
            raise ValueError(f"this network is conditional on {classes} classes: pass label")
        return x
    if not classes:
        raise ValueError("this network has no classes: leave label out, or build it with labels=")
    # A comparison in place of `one_hot`, which reads the labels back to check their range.
    one_hot = (label[:, None] == torch.arange(classes, device=label.device)).to(x.dtype)
    planes = one_hot.reshape(*one_hot.shape, *[1] * (x.ndim - 2))
    return torch.cat([x, planes.expand(-1, -1, *x.shape[2:])], dim=1)
