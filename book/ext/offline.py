"""Where the whole book can be had as one file: a line on a page, and two entries in each menu.

```{offline-copies}
```
The copies are made after the pages (`make pdf`, `make epub`) and lie beside the published ones, so
the links lead there: a book built on a reader's own machine has them only if its reader asks.
"""

from pathlib import Path
from urllib.parse import urlparse

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from .repository import homepage

NAME = "multimodal-ai-from-scratch"
KINDS = {"pdf": "PDF", "epub": "EPUB"}


def published(root: Path) -> str:
    """Where GitHub Pages shows the book of this repository."""
    owner, name = urlparse(homepage(root)).path.strip("/").split("/")
    return f"https://{owner}.github.io/{name}"


def address(root: Path, kind: str) -> str:
    """Where a copy lies online."""
    return f"{published(root)}/{NAME}.{kind}"


class OfflineCopies(SphinxDirective):
    """A sentence with both links."""

    def run(self) -> list[nodes.Node]:
        root = Path(self.env.srcdir)
        pdf, epub = (
            nodes.reference("", name, refuri=address(root, kind), internal=False)
            for kind, name in KINDS.items()
        )
        line = nodes.paragraph("", "The whole book is also one file: a ")
        line += [pdf, nodes.Text(" to print, or an "), epub, nodes.Text(" for an e-reader.")]
        return [line]


def add_to_menu(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Add both copies to the menu that downloads the page."""
    for group in context.get("header_buttons", ()):
        if group.get("label") == "download-buttons":
            group["buttons"] += [
                {
                    "type": "link",
                    "url": address(Path(app.srcdir), kind),
                    "text": f"whole book, {name}",
                    "tooltip": f"Download the whole book as {name}",
                    "icon": "fas fa-file-lines",
                    "label": f"download-book-{kind}-button",
                }
                for kind, name in KINDS.items()
            ]


def setup(app: Sphinx) -> None:
    """Register the directive; the menu is filled after the theme made it, at priority 501."""
    app.add_directive("offline-copies", OfflineCopies)
    app.connect("html-page-context", add_to_menu, priority=900)
