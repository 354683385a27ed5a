"""Every example, and every piece of code in the guides, runs without a warning."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(ROOT.glob("examples/*.py"))
GUIDE_NAMES = ("signs", "concepts", "choose", "faq", "theory", "diagnosis", "doctor")
GUIDES = [ROOT / "docs" / f"{name}.md" for name in GUIDE_NAMES]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)  # as if started without torchrun
    runpy.run_path(str(path), run_name="__main__")
    out = capsys.readouterr().out
    assert out.strip()
    assert not re.search(r"\b(nan|inf)\b", out)


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_guide(path: Path) -> None:
    text = path.read_text()
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, {"__name__": path.stem})
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert "://" in link or (path.parent / link).exists(), link
