import math
import sys

import pytest
import torch

from nashgrad.data import digits
from nashgrad.metrics import ClassScorer


@pytest.fixture(scope="module")
def scorer():
    images = digits()
    return ClassScorer(images.scaled(), images.labels)


def test_real_digits(scorer):
    images = digits().scaled()
    assert scorer.train_accuracy > 0.98
    assert scorer.shares(images) == pytest.approx([0.1] * 10, abs=0.01)
    assert scorer.entropy(images) == pytest.approx(math.log(10), abs=0.01)


def test_collapse(scorer):
    images = digits()
    threes = images.scaled()[images.labels == 3][:1].expand(5, -1, -1, -1)
    assert scorer.shares(threes) == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert scorer.entropy(threes) == 0


def test_flat_images_are_the_same_images(scorer):
    images = digits().scaled()[:100].requires_grad_()
    assert scorer.shares(images.flatten(1).double()) == scorer.shares(images)


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(ImportError, match=r"need scikit-learn: pip install nashgrad\[images\]$"):
        ClassScorer(torch.zeros(2, 4), torch.arange(2))
