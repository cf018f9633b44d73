"""The built book, a server on this machine only, and one browser for all tests."""

import functools
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))  # for visits.py, which the tests share
sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))  # for what makes the copies

from visits import AXE, BOOK, PATIENCE, ROOT

NO_BOOK = "(no book)"

FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
FLAGS += " --disable-background-networking --disable-component-update --disable-sync"


def built_pages() -> list[str]:
    """Every page of the book, as a path below its folder. Never empty,
    since pytest would skip a test without parameters, and `book` shall fail instead.
    """
    found = sorted(
        file.relative_to(BOOK).as_posix()
        for file in BOOK.rglob("*.html")
        if not {"_static", "_sources"} & set(file.relative_to(BOOK).parts)
    )
    return found or [NO_BOOK]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `page_name` on every page."""
    if "page_name" in metafunc.fixturenames:
        metafunc.parametrize("page_name", built_pages())


@pytest.fixture(scope="session", autouse=True)
def book() -> Path:
    """The folder of the built book. Without it every test fails and says what to do."""
    if not (BOOK / "index.html").is_file():
        pytest.fail("there is no book in _build/html: run `make book` first", pytrace=False)
    if not AXE.is_file():
        pytest.fail(f"{AXE.relative_to(ROOT)} is missing: run `python tools/vendor.py`")
    return BOOK


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def address(book: Path) -> Iterator[str]:
    """Where the book is served, on this machine."""
    handler = functools.partial(Quiet, directory=str(book))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def chromium() -> str:
    """The browser that MMCOURSE_CHROMIUM names, else the first on the PATH."""
    names = (os.environ.get("MMCOURSE_CHROMIUM", ""), "chromium", "chromium-browser")
    names += ("google-chrome", "/usr/bin/chromium")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if not found:
        pytest.fail("no Chromium: install it, or name one in MMCOURSE_CHROMIUM", pytrace=False)
    return found


@pytest.fixture(scope="session")
def browser(book: Path) -> Iterator[Browser]:
    """One Chromium for the whole session."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        started = playwright.chromium.launch(executable_path=chromium(), args=FLAGS.split())
        yield started
        started.close()
