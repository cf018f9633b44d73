"""The claims ledger: every computed number that the book prints, by what computed it.

```{claims-ledger}
```
A claim that no lab computed links here, to its source's box.
"""

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from . import sources
from .claims import Use, all_sources, source_label, uses
from .labs import labs_folder
from .repository import file_address


class ledger(nodes.General, nodes.Element):
    """Where the ledger goes; it is filled once every page has been read."""


class ClaimsLedger(SphinxDirective):
    """The place of the ledger. Registers a label for every source, for the claims' links."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        place = ledger(docname=self.env.docname)
        for source in all_sources(self.env):
            label = source_label(source.kind, source.name)
            self.env.domains["std"].anonlabels[label] = (self.env.docname, label)
        return [place]


KINDS = {
    "lab": "Labs, executed when this book was built",
    "card": "Shipped weights, measured on held-out scenes",
    "bench": "Benchmarks against other libraries",
    "exp": "Experiments",
}
NOTES = ("command", "seed", "device", "tier", "versions", "licence", "quantity")


def fill_ledger(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the ledger: for each source, what it is, and a table of the claims that use it."""
    for place in list(doctree.findall(ledger)):
        found = sources.read_all(Path(app.srcdir), labs_folder(app.env))
        parts: list[nodes.Node] = []
        for kind, heading in KINDS.items():
            of_kind = [source for source in found if source.kind == kind]
            if of_kind:
                parts.append(nodes.rubric("", heading))
            for source in of_kind:
                parts.append(describe(app, source, docname))
        place.replace_self(parts or [nodes.paragraph("", "Nothing has been computed yet.")])


def describe(app: Sphinx, source: sources.Source, docname: str) -> nodes.Node:
    """One source: its name, its notes, its claims."""
    box = nodes.container(classes=["mm-source"], ids=[source_label(source.kind, source.name)])
    head = nodes.paragraph("", "", nodes.strong("", source.name))
    if source.kind != "lab":
        path = source.file.relative_to(app.srcdir).as_posix()
        link = nodes.reference("", path, refuri=file_address(Path(app.srcdir), path))
        head += [nodes.Text(" · "), link]
    box += head
    for key in NOTES:
        if source.notes.get(key) is not None:
            box += note_line(key, source.notes[key])
    used = [use for use in uses(app.env) if use.source == (source.kind, source.name)]
    box += (
        claims_table(app, used, docname) if used else nodes.paragraph("", "No page cites it yet.")
    )
    return box


def note_line(key: str, value: object) -> nodes.Node:
    """ "command: python -m …", with a command in a code face."""
    if isinstance(value, dict):
        value = ", ".join(f"{name} {version}" for name, version in value.items())
    body = nodes.literal("", str(value)) if key == "command" else nodes.Text(str(value))
    return nodes.paragraph("", f"{key.capitalize()}: ", body, classes=["mm-note"])


def claims_table(app: Sphinx, used: list[Use], docname: str) -> nodes.table:
    """Claim, value as printed, pages. Same claim in the same words: one row."""
    rows: dict[tuple[str, str], list[str]] = {}
    for use in sorted(used):
        pages = rows.setdefault((use.target, use.text), [])
        if use.docname not in pages:
            pages.append(use.docname)
    table = nodes.table(classes=["mm-ledger"])
    group = nodes.tgroup("", *(nodes.colspec(colwidth=w) for w in (50, 20, 30)), cols=3)
    table += group
    group += nodes.thead("", row(*(nodes.Text(word) for word in ("Claim", "Value", "Page"))))
    body = nodes.tbody()
    for (target, text), pages in rows.items():
        links: list[nodes.Node] = []
        for page in pages:
            address = app.builder.get_relative_uri(docname, page)
            title = app.env.titles[page].astext()
            links += [nodes.Text(", ")] * bool(links)
            links.append(nodes.reference("", title, refuri=address, internal=True))
        body += row(nodes.literal("", target), nodes.Text(text), *[nodes.inline("", "", *links)])
    group += body
    return table


def row(*cells: nodes.Node) -> nodes.row:
    """A table row of one-paragraph cells."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))


def setup(app: Sphinx) -> None:
    """Register the directive and the step that fills it in."""
    app.add_node(ledger)
    app.add_directive("claims-ledger", ClaimsLedger)
    app.connect("doctree-resolved", fill_ledger)
