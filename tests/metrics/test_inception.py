"""The Inception network of 2015: how it is fed, and what is said where it is missing.

torch-fidelity stands in as a network with its interface: its weights are downloaded, so no test
can use the real one.
"""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nashgrad.metrics import Inception2015


class StandIn(nn.Module):
    def __init__(
        self, name: str, features_list: list[str], feature_extractor_weights_path: str | None
    ) -> None:
        super().__init__()
        assert features_list == ["2048", "logits_unbiased"]
        self.fc = nn.Linear(3, 2)
        if feature_extractor_weights_path is not None:
            self.load_state_dict(torch.load(feature_extractor_weights_path, weights_only=False))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        assert x.dtype == torch.uint8
        assert x.shape[1] == 3
        features = x.float().mean((2, 3))
        return features, self.fc(features)


@pytest.fixture
def torch_fidelity(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("torch_fidelity.feature_extractor_inceptionv3")
    module.FeatureExtractorInceptionV3 = StandIn
    monkeypatch.setitem(sys.modules, "torch_fidelity", ModuleType("torch_fidelity"))
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("torch_fidelity")
def test_images_become_bytes_of_three_channels(tmp_path: Path) -> None:
    weights = {"fc.weight": torch.eye(3)[:2], "fc.bias": torch.zeros(2)}
    torch.save(weights, tmp_path / "w.pth")
    images = torch.tensor([-1.0, 1.0, 0.0])[:, None, None, None].expand(3, 1, 4, 4)
    features, logits = Inception2015(tmp_path / "w.pth")(images)
    assert features.tolist() == [[0.0] * 3, [255.0] * 3, [128.0] * 3]
    assert logits is not None
    assert logits.tolist() == [[0.0] * 2, [255.0] * 2, [128.0] * 2]


class Attack:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit",)


@pytest.mark.usefixtures("torch_fidelity")
def test_bad_weights(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    with pytest.raises(ValueError, match=r"w.pth: no such file; get the weights from https://"):
        Inception2015(path)
    for content in (b"", b"rubbish", pickle.dumps(Attack())):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"w.pth: is no file of plain tensors; https://"):
            Inception2015(path)
    torch.save({"fc.weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=r"w.pth: holds no weights of it \(Error\(s\) in loading"):
        Inception2015(path)


class Offline(StandIn):
    """As torch-fidelity's, when its weights are to be fetched and nobody answers."""

    def __init__(self, *arguments: Any, feature_extractor_weights_path: str | None) -> None:
        assert feature_extractor_weights_path is None
        raise OSError("<urlopen error>")


@pytest.mark.usefixtures("torch_fidelity")
def test_weights_that_are_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["torch_fidelity.feature_extractor_inceptionv3"]
    monkeypatch.setattr(module, "FeatureExtractorInceptionV3", Offline)
    with pytest.raises(ValueError, match=r"^https://.*: not fetched \(<urlopen error>\); a local"):
        Inception2015()


NETWORK = """
class FeatureExtractorInceptionV3:
    pass
"""


def test_it_needs_no_torchvision(tmp_path: Path) -> None:
    """torch-fidelity's package imports it, for other things; torchmetrics imports the package."""
    package = tmp_path / "torch_fidelity"
    package.mkdir()
    (package / "__init__.py").write_text("import torchvision\n")
    (package / "feature_extractor_inceptionv3.py").write_text(NETWORK)
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('made for another torch')\n")
    program = "import nashgrad.metrics.inception as i; print(i._network().__name__)"
    found = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "FeatureExtractorInceptionV3"


def test_without_torch_fidelity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(ImportError, match=r"needs torch-fidelity: pip install --no-deps torch-f"):
        Inception2015()
