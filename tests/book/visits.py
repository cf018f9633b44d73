"""What a browser sees on one page: gathered once, asserted on by many tests."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlparse

from keyboard import Walk, walk_by_tab
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "_build" / "html"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE = 120_000  # milliseconds: a busy machine shall be slow, not red
WIDTHS = {"desktop": (1280, 900), "phone": (375, 812)}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TEXTS = {".html", ".css", ".js", ".json", ".svg", ".txt", ".inv"}

RUN_AXE = """async ([tags, within]) => {
  const found = await axe.run(within, {runOnly: tags, resultTypes: ["violations"]});
  const why = n => (n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? "";
  const tell = n => `${n.html.slice(0, 160)} | ${why(n)}`;
  return found.violations.map(v => `${v.id}: ${v.nodes.slice(0, 4).map(tell).join("\\n    ")}`);
}"""

PICTURES = """() => [...document.querySelectorAll(".bd-article :is(img, svg, canvas)")]
  .filter(p => !p.closest("button, .sd-summary-title, mjx-container"))
  .filter(p => !p.parentElement.closest("svg"))
  .map(p => ({tag: p.tagName.toLowerCase(), html: p.outerHTML.slice(0, 120),
              source: p.getAttribute("src") ?? "", hidden: p.getAttribute("aria-hidden") === "true",
              text: p.getAttribute("alt") ?? p.getAttribute("aria-label") ?? ""}))"""

EAGER = """() => [...document.querySelectorAll("main img:not([loading=lazy])")]
  .filter(p => p.checkVisibility() && p.getBoundingClientRect().top > innerHeight)
  .map(p => p.outerHTML.slice(0, 160))"""

SCROLLING_FORMULAS = """() => [...document.querySelectorAll("div.math, div.math > mjx-container")]
  .filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => `${e.scrollWidth} px in ${e.clientWidth} px: ${e.textContent.slice(0, 120)}`)"""

TALL_OUTPUTS = """() => [...document.querySelectorAll(".cell_output pre")]
  .filter(p => p.textContent.trimEnd().split("\\n").length > 20 && !p.closest("details"))
  .map(p => p.textContent.slice(0, 80))"""

PAPERS = """() => [...document.querySelectorAll(".mm-figure")]
  .map(e => getComputedStyle(e).backgroundColor)"""

WIDER = """() => [...document.querySelectorAll("main *")]
  .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .slice(0, 5).map(e => e.outerHTML.slice(0, 120))"""


@dataclass
class Visit:
    """One page at one width, in both themes."""

    console: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    requested: set[str] = field(default_factory=set)
    violations: dict[str, list[str]] = field(default_factory=dict)  # theme: what axe found
    width: int = 0  # of the content, in pixels
    wider: list[str] = field(default_factory=list)
    pictures: list[dict] = field(default_factory=list)
    eager: list[str] = field(default_factory=list)  # below the first screen and not lazy
    tall_outputs: list[str] = field(default_factory=list)  # long, and not folded
    formulas: int = 0
    typeset: int = 0
    spoken: int = 0  # formulas that a screen reader gets as MathML
    papers: dict[str, set[str]] = field(default_factory=dict)  # theme: what figures stand on
    wrong_formulas: list[str] = field(default_factory=list)
    scrolling_formulas: list[str] = field(default_factory=list)
    walk: Walk = field(default_factory=Walk)  # by keyboard

    def bytes_sent(self) -> int:
        """What a server that compresses text would send for this page."""
        return sum(compressed(BOOK / unquote(path).lstrip("/")) for path in self.requested)


@cache
def compressed(file: Path) -> int:
    """The bytes of a file as a server that compresses text sends it."""
    content = file.read_bytes() if file.is_file() else b""
    return len(gzip.compress(content, 6) if file.suffix in TEXTS else content)


def listen(page: Page, address: str, visit: Visit) -> None:
    """Note everything that goes wrong or goes out while the page loads."""
    host = urlparse(address).netloc

    def request(url: str) -> None:
        parts = urlparse(url)
        if parts.scheme in ("data", "blob", "about"):
            return
        if parts.netloc == host:
            visit.requested.add(parts.path)
        else:
            visit.outside.append(url)

    page.on("request", lambda r: request(r.url))
    page.on("requestfailed", lambda r: visit.failed.append(f"{r.url}: {r.failure}"))
    page.on("response", lambda r: visit.failed.append(r.url) if r.status >= 400 else None)
    page.on("pageerror", lambda error: visit.console.append(str(error)))
    page.on(
        "console",
        lambda m: visit.console.append(m.text) if m.type in ("error", "warning") else None,
    )


def settle(page: Page) -> None:
    """Wait for formulas to be typeset and fonts to be there."""
    page.wait_for_function("() => document.readyState === 'complete'")
    page.evaluate("() => window.MathJax?.startup?.promise")
    page.evaluate("() => document.fonts.ready.then(() => true)")


def axe_in_both_themes(page: Page, within: str = "html") -> Iterator[tuple[str, list[str]]]:
    """Each theme, and what axe finds in it in a part of the page, while the page has it."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(
            "t => (document.documentElement.dataset.theme ?? t) === t", arg=theme
        )
        yield theme, page.evaluate(RUN_AXE, [TAGS, within])


def visit_page(browser: Browser, address: str, name: str, device: str) -> Visit:
    """Open a page as a new reader would, and look it over in light and in dark."""
    width, height = WIDTHS[device]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="light", reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE)
    page, visit = context.new_page(), Visit()
    listen(page, address, visit)
    page.goto(f"{address}/{name}", wait_until="load")
    if name == "index.html":  # leads on to the front page
        page.wait_for_url("**/book/index.html")
    settle(page)
    visit.width = page.evaluate("() => document.documentElement.scrollWidth")
    visit.wider = page.evaluate(WIDER) if visit.width > width else []
    visit.pictures = page.evaluate(PICTURES)
    visit.eager = page.evaluate(EAGER)
    visit.tall_outputs = page.evaluate(TALL_OUTPUTS)
    visit.formulas = page.locator(".math").count()
    visit.typeset = page.locator(".math mjx-container").count()
    visit.spoken = page.locator("mjx-assistive-mml > math").count()
    wrong = page.locator("mjx-merror, mjx-container [data-mjx-error]")
    visit.wrong_formulas = wrong.all_inner_texts()
    visit.scrolling_formulas = page.evaluate(SCROLLING_FORMULAS)
    for theme, violations in axe_in_both_themes(page):
        visit.violations[theme] = violations
        visit.papers[theme] = set(page.evaluate(PAPERS))
    visit.walk = walk_by_tab(page)
    context.close()
    return visit


DEMO_PAGES = {
    "joint-search": "book/ch01_joint_embeddings.html",
    "code-painting": "book/ch02_vqvae.html",
    "draw-sentence": "book/ch05_dit.html",
}
"""Where each live demo stands."""


def open_demo(
    browser: Browser, address: str, name: str, width: int = 1280, asked: list[str] | None = None
) -> Page:
    """The page that holds a demo, which is not started, without motion. `asked` will hold the
    addresses that it asks for."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="light", reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    if asked is not None:
        page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/{DEMO_PAGES[name]}")
    settle(page)
    return page


def start_demo(browser: Browser, address: str, name: str, width: int = 1280) -> Page:
    """The same with the demo running."""
    page = open_demo(browser, address, name, width)
    box = page.locator(f"[data-demo={name}]")
    box.locator(".mm-demo-start").click()
    box.locator(".mm-demo-stage").wait_for()
    return page
