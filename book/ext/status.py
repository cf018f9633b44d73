"""What the labs take, from the build that made this book.

```{lab-times}
```
shows, for every lab, the minutes and memory of its last execution beside its limits, and the date
and device of the figures that its banner prints. `notebooks/budget.json` holds the banner's;
`_build/labs/measured.json` holds the last execution's.

```{built-with}
```
names the versions that executed the labs.

```{shipped-weights}
```
lists what the package ships, and on which device and in how many minutes each was trained, from
the cards beside the weights.
"""

import importlib.metadata
import json
import platform
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from .claims import source_label
from .labs import labs_folder
from .sources import FILES

UNKNOWN = "\u2013"
LIBRARIES = ("torch", "torchvision", "transformers", "open_clip_torch", "numpy", "pillow")
LIBRARIES += ("jupyter-book", "sphinx")


def read(file: Path) -> dict:
    """A JSON object, or an empty one where the file does not exist yet."""
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def table(head: list[str], rows: list[list[nodes.Node]], *classes: str) -> nodes.table:
    """A plain table: words above, one node in each cell."""
    result = nodes.table(classes=list(classes))
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in head), cols=len(head))
    result += group

    def line(cells: list[nodes.Node]) -> nodes.row:
        entries = (nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells)
        return nodes.row("", *entries)

    group += nodes.thead("", line([nodes.Text(word) for word in head]))
    group += nodes.tbody("", *(line(cells) for cells in rows))
    return result


def quantity(value: object, unit: str, limit: object = None) -> nodes.Node:
    """ "2.1 min (limit 3)", or a dash for what is not known."""
    if value is None:
        return nodes.Text(UNKNOWN)
    text = f"{value:.1f} {unit}" if isinstance(value, float) else f"{value} {unit}"
    return nodes.Text(f"{text} (limit {limit:g})" if isinstance(limit, int | float) else text)


class LabTimes(SphinxDirective):
    """The table of labs, and a sentence on the machine that executed them."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        measured = read(labs_folder(self.env) / "measured.json")
        budget = read(Path(self.env.srcdir) / "notebooks" / "budget.json")
        labs = measured.get("labs", {})
        rows = []
        for chapter in sorted(set(labs) | set(budget)):
            now, said = labs.get(chapter, {}), budget.get(chapter, {})
            if over := now.get("over"):
                verdict = f"over: {'; '.join(over)}"
            else:
                verdict = "within its limits" if now else "not executed"
            rows.append(
                [
                    nodes.Text(f"Chapter {int(chapter[2:])}"),
                    quantity(now.get("minutes"), "min", now.get("limit_minutes")),
                    quantity(now.get("memory_gb"), "GB", now.get("limit_memory_gb")),
                    quantity(said.get("download_mb"), "MB"),
                    quantity(said.get("t4_minutes_estimate"), "min"),
                    nodes.Text(str(said.get("measured", UNKNOWN))),
                    nodes.Text(verdict),
                ]
            )
        if not rows:
            return [nodes.paragraph("", "No lab has been executed yet.")]
        head = ["Lab", "Time", "Memory", "Download", "T4, estimated", "Budget of", "Verdict"]
        found: list[nodes.Node] = [table(head, rows, "mm-status")]
        if measured:
            machine = f"Executed at the {measured['tier']} tier on {measured['device']}, "
            machine += f"{measured['at_once']} at a time."
            found.insert(0, nodes.paragraph("", machine))
        return found


class BuiltWith(SphinxDirective):
    """Library and version, for those that shape the results."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        rows = [[nodes.Text("Python"), nodes.Text(platform.python_version())]]
        for name in LIBRARIES:
            try:
                version = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                version = "not installed"
            rows.append([nodes.Text(name), nodes.Text(version)])
        return [table(["Library", "Version"], rows, "mm-versions")]


class ShippedWeights(SphinxDirective):
    """One row for each folder of weights, from its card."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        root = Path(self.env.srcdir)
        rows = []
        for file in sorted(root.glob(FILES["card"].format("*"))):
            card, name = read(file), file.parent.name
            label = source_label("card", name)
            link = addnodes.pending_xref(
                "", nodes.literal("", name), refdomain="std", reftype="ref", reftarget=label
            )
            link.update_all_atts({"refexplicit": True, "refdoc": self.env.docname})
            size = (file.parent / "model.safetensors").stat().st_size / 2**20
            made = [
                card["device"],
                f"{card['wall_time_s'] / 60:.0f}\u00a0min",
                f"{size:.1f}\u00a0MB",
            ]
            rows.append([link, *map(nodes.Text, made), nodes.literal("", card["command"])])
        head = ["Weights", "Trained on", "In", "Size", "By the command"]
        return [table(head, rows, "mm-weights")]


def setup(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("lab-times", LabTimes)
    app.add_directive("built-with", BuiltWith)
    app.add_directive("shipped-weights", ShippedWeights)
