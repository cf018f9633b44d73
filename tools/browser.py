"""What drives a browser over the built book: a server on this machine only, and Chromium."""

import functools
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from mmcourse.doctor import find_chromium

FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
FLAGS += " --disable-background-networking --disable-component-update --disable-sync"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder for as long as the block runs. Gives its address."""
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser that MMCOURSE_CHROMIUM names, else the first on the PATH."""
    found = find_chromium()
    if not found:
        sys.exit("no Chromium: install it, or name one in MMCOURSE_CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=FLAGS.split())
        yield started
        started.close()


def pages_of(book: Path) -> list[str]:
    """Every page of the built book, as a path below its folder."""
    return sorted(
        file.relative_to(book).as_posix()
        for file in book.rglob("*.html")
        if not {"_static", "_sources"} & set(file.relative_to(book).parts)
    )
