"""torch-fidelity's network without torchvision."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.util import find_spec
from types import ModuleType


def spare_torchvision() -> None:
    """Lets modules of torch-fidelity be imported where torchvision is missing or does not load.

    The package imports torchvision for data sets and for a network that nothing here uses, and
    torchmetrics imports the package wherever it is installed. Without torchvision a bare package
    takes its place, with the same modules inside.
    """
    if "torch_fidelity" in sys.modules or (spec := find_spec("torch_fidelity")) is None:
        return
    with suppress(Exception):  # built for another torch, it raises anything
        import torchvision  # noqa: F401

        return
    package = ModuleType("torch_fidelity")
    package.__path__ = list(spec.submodule_search_locations or ())
    package.__spec__ = spec
    sys.modules["torch_fidelity"] = package
