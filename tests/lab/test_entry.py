"""The command without the packages that it needs."""

import ast
import re
import sys
from importlib.metadata import requires
from pathlib import Path
from types import ModuleType

import pytest

from nashgrad.lab import entry

IMPORTED_AS = {"pyyaml": "yaml", "pillow": "PIL"}


def test_every_package_of_the_extra_is_checked() -> None:
    lab = [line for line in requires("nashgrad") or [] if re.search(r"extra == .lab.", line)]
    names = [re.split(r"[^\w-]", line)[0].lower() for line in lab]
    assert sorted(IMPORTED_AS.get(name, name) for name in names) == sorted(entry.LAB_MODULES)


def test_missing_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(entry, "LAB_MODULES", ("no_such_package", "sys", "nor_this"))
    assert entry.main(["demo"]) == 2
    assert capsys.readouterr() == (
        "",
        "nashgrad: the command line also needs no_such_package, nor_this: "
        'pip install "nashgrad[lab]"\n',
    )


def test_an_interrupt_is_quiet_while_it_imports(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.delattr("nashgrad.lab.commands.cli", raising=False)
    monkeypatch.setitem(
        sys.modules, "nashgrad.lab.commands.cli", Interrupted("nashgrad.lab.commands.cli")
    )
    assert entry.main(["demo"]) == 130
    assert capsys.readouterr() == ("", "")


def test_only_the_standard_library_is_imported_before_the_check() -> None:
    body = ast.parse(Path(entry.__file__).read_text()).body
    plain = {alias.name for node in body if isinstance(node, ast.Import) for alias in node.names}
    origins = {node.module for node in body if isinstance(node, ast.ImportFrom)}
    assert {str(name).split(".")[0] for name in plain | origins} <= sys.stdlib_module_names
