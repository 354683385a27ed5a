"""The curvature of each player's own loss: extreme eigenvalues of -J_ii."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, eigsh
from scipy.sparse.linalg import LinearOperator as ScipyOperator
from torch import Tensor

from nashgrad.core.operators import DenseOperator, LinearOperator

TOLERANCE = 1e-2
RESTARTS = 15


def hessian_extremes(J: LinearOperator, block: slice) -> tuple[float, float, list[Tensor]]:
    """The least and the greatest eigenvalue of a player's Hessian -J_ii, with unit vectors of them.

    From the matrix where J is one, by Lanczos' method otherwise, to a hundredth, in some tens of
    products with J^T for each. Where that does not suffice the values are those of the best vectors
    found, and lie within the true ones.

    Args:
        J: the field's Jacobian.
        block: the player's coordinates.

    Returns:
        Both eigenvalues, and their vectors, `(n_i,)`, float64 on the host.
    """
    if isinstance(J, DenseOperator):
        H = -J.matrix[block, block].double().cpu()
        values, vectors = torch.linalg.eigh((H + H.T) / 2)
        return float(values[0]), float(values[-1]), [vectors[:, 0], vectors[:, -1]]
    size = block.stop - block.start

    def product(u: NDArray[np.float64]) -> NDArray[np.float64]:
        whole = torch.zeros(J.size, dtype=J.dtype, device=J.device)
        whole[block] = torch.as_tensor(u.ravel()).to(whole)
        image: NDArray[np.float64] = -(J.T @ whole)[block].double().cpu().numpy()  # symmetric
        return image

    H = ScipyOperator((size, size), matvec=product, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(size)
    ends = [_end(H, which, start) for which in ("SA", "LA")]
    return ends[0][0], ends[1][0], [u for _, u in ends]


def _end(H: ScipyOperator, which: str, start: NDArray[np.float64]) -> tuple[float, Tensor]:
    if H.shape[0] < 3:
        values, vectors = np.linalg.eigh(H @ np.eye(H.shape[0]))
        at = 0 if which == "SA" else -1
        return float(values[at]), torch.as_tensor(vectors[:, at])
    try:
        values, vectors = eigsh(H, 1, which=which, v0=start, tol=TOLERANCE, maxiter=RESTARTS)
        u = vectors[:, 0]
    except ArpackError:  # no convergence, or a Hessian that is zero
        u = start / np.linalg.norm(start)
        for _ in range(RESTARTS):  # powers of the shifted matrix, towards the wanted end
            image = H @ u
            shift = np.linalg.norm(image)
            u = image + shift * u if which == "LA" else image - shift * u
            if not u.any():
                return 0.0, torch.as_tensor(start / np.linalg.norm(start))
            u = u / np.linalg.norm(u)
    return float(u @ (H @ u)), torch.as_tensor(u)
