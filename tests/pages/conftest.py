"""A headless browser in which pages are opened, and watched while they are."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
]  # fmt: skip


@dataclass
class Opened:
    """A page in the browser, what it said on the console, and what it asked the network for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def clean(self) -> None:
        """Nothing was complained of, nothing was fetched."""
        assert self.complaints == []
        assert self.requests == []


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium here: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Opened]]:
    """Opens a file or an address; `width`, `dark` and others as a context of Playwright takes."""
    contexts = []

    def open_page(
        where: str | Path, *, width: int = 1400, height: int = 900, dark: bool = False, **how: Any
    ) -> Opened:
        scheme = "dark" if dark else "light"
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, **how
        )
        contexts.append(context)
        opened = Opened(context.new_page())
        address = where.resolve().as_uri() if isinstance(where, Path) else where
        opened.page.on("console", lambda m: _note(opened, m))
        opened.page.on("pageerror", lambda e: opened.complaints.append(str(e)))
        opened.page.on("request", lambda r: _ask(opened, r.url, address))
        opened.page.goto(address)
        return opened

    yield open_page
    for context in contexts:
        context.close()


def _note(opened: Opened, message: Any) -> None:
    if message.type in ("error", "warning"):
        opened.complaints.append(message.text)


def _ask(opened: Opened, url: str, address: str) -> None:
    if url != address and not url.startswith(("data:", "blob:")):
        opened.requests.append(url)
