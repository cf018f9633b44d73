"""The built book, a server on this machine only, and one browser for all tests."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

sys.path.insert(0, str(Path(__file__).parent))  # for visits.py, which the tests share
sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))  # for browser.py

from browser import chromium, pages_of, served
from visits import AXE, BOOK, PATIENCE, ROOT

NO_BOOK = "(no book)"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `page_name` on every page.

    Tests of one page run one after the other, so that one process opens it, and once.
    Never on none, since pytest would skip a test without parameters, and `book` shall fail instead.
    """
    if "page_name" in metafunc.fixturenames:
        metafunc.parametrize("page_name", pages_of(BOOK) or [NO_BOOK], scope="session")


@pytest.fixture(scope="session", autouse=True)
def book() -> Path:
    """The folder of the built book. Without it every test fails and says what to do."""
    if not (BOOK / "index.html").is_file():
        pytest.fail("there is no book in _build/html: run `make book` first", pytrace=False)
    if not AXE.is_file():
        pytest.fail(f"{AXE.relative_to(ROOT)} is missing: run `python tools/vendor.py`")
    return BOOK


@pytest.fixture(scope="session")
def address(book: Path) -> Iterator[str]:
    """Where the book is served, on this machine."""
    with served(book) as address:
        yield address


@pytest.fixture(scope="session")
def browser(book: Path) -> Iterator[Browser]:
    """One Chromium for the whole session."""
    expect.set_options(timeout=PATIENCE)
    with chromium() as browser:
        yield browser
