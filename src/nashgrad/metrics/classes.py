"""Which classes the samples belong to, by a classifier trained on the real data."""

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor


class ClassScorer:
    """A logistic regression on the pixels of real images.

    Args:
        images: Real images (n, ...).
        labels: Their classes (n,).
        iterations: Limit on the solver's iterations.

    Attributes:
        train_accuracy: Share of the real images that it classifies right; state it beside every
            score, which means nothing without.

    Raises:
        ImportError: scikit-learn isn't installed.
        ValueError: There are fewer than two classes.
    """

    def __init__(self, images: Tensor, labels: Tensor, *, iterations: int = 1000) -> None:
        x, y = _flat(images), labels.cpu().numpy()
        self._model = _logistic_regression(iterations).fit(x, y)
        self.train_accuracy = float(self._model.score(x, y))

    def shares(self, images: Tensor) -> list[float]:
        """The share of each class among the images (n, ...), in the order of the class numbers."""
        predicted = self._model.predict(_flat(images))
        return [float(np.mean(predicted == label)) for label in self._model.classes_]

    def entropy(self, images: Tensor) -> float:
        """Entropy of the shares in nats: log(number of classes) when all are alike, 0 for one."""
        shares = np.array(self.shares(images))
        present = shares[shares > 0]
        return float((present * np.log(1 / present)).sum())


def _flat(images: Tensor) -> npt.NDArray[np.float64]:
    flat: npt.NDArray[np.float64] = images.detach().cpu().flatten(1).double().numpy()
    return flat


def _logistic_regression(iterations: int) -> Any:
    try:
        from sklearn.linear_model import LogisticRegression
    except (ImportError, RuntimeError) as error:
        message = "class scores need scikit-learn: pip install nashgrad[images]"
        raise ImportError(message) from error
    return LogisticRegression(max_iter=iterations)
