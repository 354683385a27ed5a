"""Pages of one file: templates, styles, scripts and data of this package, put together.

Whatever comes from a run's files is escaped: Jinja2 escapes text, `embedded` escapes data. A page's
own policy (`base.html`) lets the browser load nothing from anywhere.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nashgrad.lab.common.atomic import strict
from nashgrad.lab.common.errors import UsageError, file_errors
from nashgrad.plots.curves import COLOURS

ROOMS = Path(__file__).parents[1]
"""Templates, styles and scripts lie in the room of their page: `report/report.html`."""

PALETTE = COLOURS
"""That of the library's pictures: a method has one colour wherever it is seen."""

_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def page(template: str, **values: Any) -> str:
    """The page that a template makes of the values; an unknown name in it is an error.

    Args:
        template: its path from the laboratory's folder, such as `report/report.html`.
        values: what it is told.
    """
    made = _environment().get_template(template).render(**values)
    return made.encode("utf-8", "replace").decode()  # names of files may be no text at all


def asset(name: str) -> Markup:
    """A style or script of this package as it is, to stand in a page."""
    return Markup((ROOMS / name).read_text(encoding="utf-8"))


def embedded(value: Any) -> Markup:
    r"""A value as JSON that may stand inside `<script type="application/json">`.

    Numbers that JSON has not become texts, as in a run's files.

    >>> print(embedded({"run": "</script>", "loss": float("nan")}))
    {"run":"\u003c/script\u003e","loss":"nan"}
    """
    text = json.dumps(strict(value), allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_ESCAPES))


def data_url(kind: str, content: bytes) -> str:
    """A file's content as an address, so that a page holds it: `data:image/png;base64,...`."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


@cache
def plotly() -> Markup:
    """Plotly's script from the installed package, to stand in a page."""
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())


def file_to_write(out: str) -> Path:
    """The file that a command writes.

    Raises:
        UsageError: It is a folder, or its folder is missing.
    """
    path = Path(out)
    with file_errors(path):
        if not path.name or path.is_dir():
            raise UsageError(f"--out: must be a file to write, got the folder {out!r}")
        if not path.parent.is_dir():
            raise UsageError(f"{out}: the folder {path.parent} does not exist")
    return path


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ROOMS), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals |= {"asset": asset, "embedded": embedded, "palette": PALETTE}
    return environment
