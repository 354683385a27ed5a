"""The public names: re-exported as themselves, documented, importable without the laboratory."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import nashgrad

SOURCE = Path(nashgrad.__file__).parent
NAMES = [
    n
    for n in vars(nashgrad)
    if not n.startswith("_") and not isinstance(getattr(nashgrad, n), types.ModuleType)
]
ALIASES = {"Batch", "Losses"}
PACKAGES = ["", "adjustments", "schedules", "games", "objectives", "models"]


def reexports(package: str) -> list[ast.ImportFrom]:
    tree = ast.parse((SOURCE / package / "__init__.py").read_text())
    return [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module != "__future__"]


@pytest.mark.parametrize("package", PACKAGES)
def test_names_are_reexported_as_themselves(package: str) -> None:
    for node in reexports(package):
        for alias in node.names:
            assert alias.asname == alias.name, f"{alias.name} in {package or 'nashgrad'}"
            module = importlib.import_module(".".join(filter(None, ["nashgrad", package])))
            source = importlib.import_module(node.module or "")
            assert getattr(module, alias.name) is getattr(source, alias.name)


def test_the_names_of_the_design_are_there() -> None:
    assert set(NAMES) >= {
        *("Game", "FunctionGame", "Batch", "Losses", "PlayerSpace", "LinearOperator"),
        *("Linearization", "Engine", "GameField", "AdjustedField", "Adjustment", "PureAdjustment"),
        *("Identity", "Consensus", "ClipNorm", "ClipValue", "Chain"),
        *("Schedule", "Simultaneous", "Alternating", "StepRecord"),
        *("backward", "GameOptimizer", "RMSPropTF", "GAN", "DiracGAN", "Quadratic", "bilinear"),
    }
    assert nashgrad.__version__


CALLED = {
    "CGD": "Competitive",
    "ACGD": "AdaptiveCompetitive",
    "SGA": "Symplectic",
    "SOS": "StableOpponentShaping",
    "LSS": "LocalSymplecticSurgery",
    "SVRE": "VarianceReduced",
    "ExtraAdam": "Extragradient, over torch.optim.Adam",
}


@pytest.mark.parametrize(("name", "called"), CALLED.items())
def test_names_from_papers_lead_to_ours(name: str, called: str) -> None:
    with pytest.raises(AttributeError) as error:
        getattr(nashgrad, name)
    assert str(error.value) == f"nashgrad has no {name!r}: it is called {called}"
    assert not hasattr(nashgrad, name)


def test_all_names_from_papers_lead_somewhere() -> None:
    for name, called in nashgrad._CALLED.items():
        assert not hasattr(nashgrad, name)
        assert hasattr(nashgrad, re.split(r"\W", called)[0])


def test_other_unknown_names_are_answered_as_ever() -> None:
    message = "^module 'nashgrad' has no attribute 'Consensu'$"
    with pytest.raises(AttributeError, match=message) as error:
        nashgrad.Consensu  # noqa: B018
    assert error.value.name == "Consensu"  # from which Python suggests


@pytest.mark.parametrize("name", sorted(set(NAMES) - ALIASES))
def test_every_name_is_documented(name: str) -> None:
    named = getattr(nashgrad, name)
    assert (named.__doc__ or "").strip()
    assert not named.__doc__.startswith(f"{name}("), "the signature that dataclass writes"
    assert named.__module__.startswith("nashgrad.")


@pytest.mark.parametrize(
    "name", [n for n in sorted(NAMES) if inspect.isclass(getattr(nashgrad, n))]
)
def test_every_public_method_is_documented(name: str) -> None:
    for method, member in vars(getattr(nashgrad, name)).items():
        if method.startswith("_") or not (
            inspect.isfunction(member) or isinstance(member, property)
        ):
            continue
        # An override carries its abstract method's docstring.
        found = inspect.getdoc(getattr(getattr(nashgrad, name), method))
        assert found, f"{name}.{method}"


def test_importing_it_takes_no_laboratory() -> None:
    """`pip install nashgrad` without extras brings torch, numpy and scipy."""
    forbidden = {
        "pydantic",
        "yaml",
        "tyro",
        "rich",
        "matplotlib",
        "PIL",
        "plotly",
        "jinja2",
        "sklearn",
    }
    code = f"import sys, nashgrad; print(sorted({forbidden} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(SOURCE.parent), "PATH": "/usr/bin:/bin"},
    )
    assert result.stdout.strip() == "[]"
