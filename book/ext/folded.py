"""Fold what a cell printed when it is long, so that a reader on a phone need not scroll past it.

Outputs of more than LONGEST lines become a `<details>` whose summary says how many lines it holds.
It opens by mouse, by keyboard and on paper (print.css), and find-in-page opens it too.
"""

from docutils import nodes
from sphinx.application import Sphinx

LONGEST = 20


def fold_outputs(app: Sphinx, doctree: nodes.document) -> None:
    """Wrap each long printed output of a notebook's cells."""
    for block in list(doctree.findall(nodes.literal_block)):
        lines = len(block.astext().rstrip("\n").split("\n"))
        if "output" not in block["classes"] or lines <= LONGEST:
            continue
        opening = f'<details class="mm-folded"><summary>{lines} lines of output</summary>'
        opened, closed = (nodes.raw("", tag, format="html") for tag in (opening, "</details>"))
        place = block.parent.index(block)
        block.parent.insert(place + 1, closed)
        block.parent.insert(place, opened)


def setup(app: Sphinx) -> None:
    """Fold while the page is read, after the outputs have been put in."""
    app.connect("doctree-read", fold_outputs)
