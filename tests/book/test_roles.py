"""What a page's source says is shown: no role is left standing as text, no line is swallowed."""

import re
from pathlib import Path

import pytest

PAGES = sorted(Path("_build/html/book").rglob("*.html"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_role_is_shown_as_text(page: Path) -> None:
    left = re.findall(r"\{[a-z:-]+\}`[^<]{0,60}", page.read_text(encoding="utf-8"))
    assert left == []


@pytest.mark.parametrize("source", sorted(Path("book").rglob("*.md")), ids=lambda file: file.stem)
def test_no_line_begins_a_comment(source: Path) -> None:
    """MyST leaves out a line that begins with %, such as the second half of "12 %"."""
    lines = source.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("%")] == []


def test_there_are_pages() -> None:
    assert {"storyworld", "ch01_joint_embeddings"} <= {page.stem for page in PAGES}
