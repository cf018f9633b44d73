"""What a page's source asks for is done: no role or directive is left standing as text."""

import re
from pathlib import Path

import pytest

PAGES = sorted(Path("_build/html/book").rglob("*.html"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_role_is_shown_as_text(page: Path) -> None:
    left = re.findall(r"\{[a-z:-]+\}`[^<]{0,60}", page.read_text(encoding="utf-8"))
    assert left == []


def test_there_are_pages() -> None:
    assert {"storyworld", "ch01_joint_embeddings"} <= {page.stem for page in PAGES}
