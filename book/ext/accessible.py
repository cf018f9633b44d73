"""Mend what the theme and docutils leave unreadable to a screen reader.

- A list of references is `role="list"` around `role="doc-biblioentry"`, which is no list item.
- An empty corner above a table's row names is a header of nothing.
- The arrow that unfolds a chapter in the sidebar has no name.

What templates and style sheets can mend is in book/_templates and book/_static.
"""

from collections.abc import Callable

from docutils import nodes
from docutils.writers import _html_base
from sphinx.application import Sphinx


def visit_citation(self: _html_base.HTMLTranslator, node: nodes.citation) -> None:
    """Open a list before the first of consecutive references, and a list item for each."""
    if not isinstance(node.previous_sibling(), nodes.citation):
        self.body.append('<div role="list" class="citation-list">\n')
    self.body.append(self.starttag(node, "div", classes=["citation"], role="listitem"))


def depart_citation(self: _html_base.HTMLTranslator, node: nodes.citation) -> None:
    """Close the item, and the list after the last of them."""
    self.body.append("</div>\n")
    if not isinstance(node.next_node(descend=False, siblings=True), nodes.citation):
        self.body.append("</div>\n")


def visit_entry(self: _html_base.HTMLTranslator, node: nodes.entry) -> None:
    """Make an empty header cell an ordinary cell."""
    type(self).visit_entry(self, node)
    if isinstance(node.parent.parent, nodes.thead) and not node.astext().strip():
        self.body[-1] = self.body[-1].replace("<th", "<td", 1)
        self.context[-1] = self.context[-1].replace("</th", "</td", 1)


def depart_entry(self: _html_base.HTMLTranslator, node: nodes.entry) -> None:
    """Close the cell as it was opened."""
    type(self).depart_entry(self, node)


def name_arrows(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Give each arrow in the sidebar the name of what it unfolds."""
    make: Callable | None = context.get("generate_toctree_html")
    if make is None:
        return

    def named(*args: object, **kwargs: object) -> object:
        toctree = make(*args, **kwargs)
        if hasattr(toctree, "select"):
            for summary in toctree.select("summary"):
                link = summary.find_parent("li").find("a")
                summary["aria-label"] = f"Pages under {link.get_text(strip=True)}"
        return toctree

    context["generate_toctree_html"] = named


def setup(app: Sphinx) -> None:
    """Replace docutils' references and cells; wrap the sidebar after the theme made it."""
    app.add_node(nodes.citation, override=True, html=(visit_citation, depart_citation))
    app.add_node(nodes.entry, override=True, html=(visit_entry, depart_entry))
    app.connect("html-page-context", name_arrows, priority=900)
