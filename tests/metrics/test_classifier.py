"""The classifier of a data set: it learns, says how well, and is an extractor."""

import pytest
import torch
from torch import Tensor

from nashgrad.metrics import Classifier


def sided(n: int = 400) -> tuple[Tensor, Tensor]:
    """Noise that is brighter on the left or on the right."""
    draw = torch.Generator().manual_seed(1)
    labels = torch.randint(2, (n,), generator=draw)
    images = 0.3 * torch.randn(n, 1, 8, 8, generator=draw)
    for side in (0, 1):
        images[labels == side, ..., 4 * side : 4 * side + 4] += 0.5
    return images, labels


def fitted(seed: int = 0) -> Classifier:
    images, labels = sided()
    torch.manual_seed(0)
    classifier = Classifier(1, 2)
    classifier.fit(images.__getitem__, labels, epochs=4, seed=seed)
    return classifier


def test_it_learns_and_says_how_well() -> None:
    images, labels = sided()
    classifier = fitted()
    features, logits = classifier(images)
    assert logits is not None
    assert (features.shape, logits.shape) == ((400, 128), (400, 2))
    share = float((logits.argmax(1) == labels).double().mean())
    assert classifier.accuracy > 0.9
    assert abs(classifier.accuracy - share) < 0.1
    assert classifier.facts == {"extractor": "classifier", "accuracy": classifier.accuracy}


def test_it_is_measured_on_images_that_it_never_saw() -> None:
    """Labels that nothing predicts are learned by heart, and guessed where they are new."""
    images, labels = sided(200)[0], torch.arange(200) % 2
    seen: set[int] = set()

    def shown(index: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            seen.update(index.tolist())
        return images[index]

    classifier = Classifier(1, 2)
    classifier.fit(shown, labels[torch.randperm(200)], epochs=2)
    assert len(seen) == 180


def test_the_same_seed_gives_the_same() -> None:
    images, _ = sided()
    first, second, other = (fitted(seed)(images[:5]).features for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("labels", [torch.zeros(20), torch.tensor([0, 1])])
def test_too_little_to_learn_from(labels: Tensor) -> None:
    with pytest.raises(ValueError, match="needs at least ten images of two classes"):
        Classifier(1, 2).fit(sided()[0].__getitem__, labels.long())
