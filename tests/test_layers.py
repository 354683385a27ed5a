"""Nothing imports upwards: the layers of the design, read off the imports."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "nashgrad"

LAYERS = {  # what each part may import from nashgrad, besides itself
    "core": set(),
    "engines": {"core"},
    "adjustments": {"core", "analysis"},
    "schedules": {"core", "analysis"},
    "optim": set(),
    "averaging": set(),
    "distributed": {"core"},
    "optimizer": {"core", "adjustments", "schedules", "optim"},
    "objectives": {"core"},
    "games": {"core", "engines", "objectives"},
    "analysis": {"core"},
    "plots": {"core", "analysis"},
    "models": set(),
    "data": set(),
    "metrics": {"data"},
}
"""`lab`, the command line and the package itself may import everything; nobody imports `lab`."""

ABOVE = {"lab", "__main__", "__init__"}
BARE = {
    "core",
    "engines",
    "adjustments",
    "schedules",
    "analysis",
    "optimizer",
    "optim",
    "distributed",
}
"""Parts that need torch, numpy and scipy only."""

LAB = {  # what each room of the laboratory may import from its other rooms
    "common": set(),
    "config": {"common"},
    "runs": {"common", "config"},
    "scoring": {"common", "config", "runs"},
    "training": {"common", "config", "runs", "scoring"},
    "studies": {"common", "config", "runs", "scoring", "training"},
    "figures": {"common", "config", "runs", "training", "studies"},
    "pages": {"common"},
    "report": {"common", "config", "runs", "pages"},
    "live": {"common", "config", "runs", "pages", "report"},
    "play": {"common", "pages"},
    "commands": {
        "common", "config", "runs", "scoring", "training", "studies", "figures", "report", "live",
        "play",
    },
    "entry.py": {"commands"},
    "__init__.py": set(),
}  # fmt: skip

FILES = sorted(SOURCE.rglob("*.py"))


def part(file: Path) -> str:
    """The first name under nashgrad: `core`, `optimizer`, ..."""
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(file: Path) -> Iterator[tuple[str, bool]]:
    """Modules that a file imports anywhere, and whether for type checkers only."""
    tree = ast.parse(file.read_text())
    checking = {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for statement in branch.body
        for node in ast.walk(statement)
    }
    package = ["nashgrad", *file.relative_to(SOURCE).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            # `from nashgrad import core` imports nashgrad.core.
            is_shell = stem in ("nashgrad", "nashgrad.lab")
            names = [f"{stem}.{a.name}" for a in node.names] if is_shell else [stem]
        else:
            continue
        for name in names:
            yield name, node in checking


def test_there_is_something_to_read() -> None:
    assert {part(f) for f in FILES} >= {"core", "adjustments", "schedules", "games", "optimizer"}
    found = dict(imports(SOURCE / "core" / "field.py"))
    assert found["nashgrad.core.engine"] is False
    assert dict(imports(SOURCE / "core" / "game.py"))["nashgrad.core.engine"] is True


def test_every_part_has_its_layer() -> None:
    assert {part(f) for f in FILES} - ABOVE <= set(LAYERS)


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_nothing_imports_upwards(file: Path) -> None:
    mine = part(file)
    if mine in ABOVE:
        return
    for name, checking in imports(file):
        if name.split(".")[0] != "nashgrad":
            continue
        assert name != "nashgrad", f"{file} imports the whole package"
        other = name.split(".")[1]
        if other == mine:
            continue
        assert other in LAYERS[mine], f"{file}: {mine} must not import {name}"
        assert not checking, f"{file}: imports for type checkers hide a layer outside of core"


@pytest.mark.parametrize(
    "file",
    [f for f in FILES if part(f) == "lab"],
    ids=lambda f: str(f.relative_to(SOURCE)),
)
def test_nothing_imports_upwards_in_the_laboratory(file: Path) -> None:
    mine = file.relative_to(SOURCE / "lab").parts[0]
    for name, _ in imports(file):
        assert name != "nashgrad.lab", f"{file} imports the whole laboratory"
        if name.startswith("nashgrad.lab."):
            assert name.split(".")[2] in LAB[mine] | {mine}, f"{mine} must not import {name}"


def test_the_laboratory_has_an_order() -> None:
    inside = {f.relative_to(SOURCE / "lab").parts[0] for f in FILES if part(f) == "lab"}
    assert set(LAB) == inside
    for place, (room, allowed) in enumerate(LAB.items()):
        assert allowed <= set(list(LAB)[:place]), room


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_type_checking_imports_are_core_only(file: Path) -> None:
    if part(file) != "core":
        assert not [n for n, checking in imports(file) if checking and n.startswith("nashgrad")]


def test_core_has_no_cycles() -> None:
    """Imports that run, within core, have an order."""
    edges = {
        f"nashgrad.core.{f.stem}": {
            n for n, checking in imports(f) if not checking and ".core." in n
        }
        for f in FILES
        if part(f) == "core"
    }
    done: set[str] = set()
    while len(done) < len(edges):
        ready = {m for m in edges if m not in done and edges[m] <= done}
        assert ready, f"a cycle among {sorted(set(edges) - done)}"
        done |= ready


@pytest.mark.parametrize(
    "file", [f for f in FILES if part(f) in BARE], ids=lambda f: str(f.relative_to(SOURCE))
)
def test_the_core_needs_torch_numpy_and_scipy_only(file: Path) -> None:
    allowed = sys.stdlib_module_names | {"nashgrad", "torch", "numpy", "scipy"}
    assert {name.split(".")[0] for name, _ in imports(file)} <= allowed
