"""Measure how soon each page of the built book can be read, and what it weighs.

    python tools/page_speed.py            a table
    python tools/page_speed.py --json     the same as JSON

Each page is opened as by a new reader on a phone, from a server on this machine, and nothing is
scrolled. `paint` is the browser's first contentful paint, the median of RUNS visits; `KB` is what
a server that compresses text would send. A busy machine paints later, so no test reads these.
"""

import argparse
import gzip
import json
import statistics
import sys
from pathlib import Path
from urllib.parse import unquote, urlparse

from browser import chromium, pages_of, served
from playwright.sync_api import Browser

BOOK = Path("_build/html")
RUNS = 3
TEXTS = {".html", ".css", ".js", ".json", ".svg"}
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def weight(file: Path) -> int:
    """Bytes of a file, as a server sends it."""
    content = file.read_bytes()
    return len(gzip.compress(content, 6)) if file.suffix in TEXTS else len(content)


def visit(browser: Browser, address: str, page: str) -> tuple[float, set[str]]:
    """Milliseconds to the first paint, and the paths that were requested before any scrolling."""
    context = browser.new_context(viewport={"width": 375, "height": 812})
    tab, paths = context.new_page(), set()
    tab.on("request", lambda request: paths.add(unquote(urlparse(request.url).path)))
    tab.goto(f"{address}/{page}", wait_until="networkidle")
    painted = tab.wait_for_function(PAINT).json_value()
    context.close()
    return painted, paths


def measure(book: Path) -> list[dict]:
    """One row a page, the slowest first."""
    rows = []
    with served(book) as address, chromium() as browser:
        for page in pages_of(book):
            visits = [visit(browser, address, page) for _ in range(RUNS)]
            files = [book / path.lstrip("/") for path in visits[-1][1]]
            sent = sum(weight(file) for file in files if file.is_file())
            paint = statistics.median(painted for painted, _ in visits)
            row = {"page": page, "paint_ms": round(paint), "kb": round(sent / 1000)}
            rows.append(row | {"requests": len(files)})
    return sorted(rows, key=lambda row: -row["paint_ms"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="How soon each page can be read.")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not (BOOK / "index.html").is_file():
        sys.exit("there is no book in _build/html: run `make book` first")
    rows = measure(BOOK)
    if options.json:
        print(json.dumps({"runs": RUNS, "pages": rows}, indent=2))
        return
    print(f"{'paint':>8}  {'KB':>6}  {'requests':>8}  page")
    for row in rows:
        print(f"{row['paint_ms']:>5} ms  {row['kb']:>6}  {row['requests']:>8}  {row['page']}")


if __name__ == "__main__":
    main()
