"""Waiting for a page."""

from typing import Any


def until(page: Any, holds: str, *given: Any, seconds: float = 30) -> None:
    """Until an expression holds in a page.

    Playwright's own waiting evaluates texts in the page, which its policy forbids.
    """
    for _ in range(int(100 * seconds)):
        if page.evaluate(holds, *given):
            return
        page.wait_for_timeout(10)
    raise AssertionError(f"never: {holds}")
