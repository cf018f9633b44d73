"""A tiny book in a temporary folder, built by Sphinx with the book's own extensions."""

import io
import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book"))

SVG = '<svg viewBox="0 0 9 9" role="img" aria-label="Two clouds that do not touch"></svg>'
FIGURE = f'<figure id="fig-gap">{SVG}<figcaption>Two <b>cones</b>.</figcaption></figure>'
DRAWING = (
    '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
    '<title>t</title><marker id="tip"/><path marker-end="url(#tip)"/></svg>'
)


class TinyBook:
    """Write files, build, and look at what came out."""

    extensions = ("ext.labs", "ext.claims", "ext.ledger", "ext.figures")

    def __init__(self, root: Path) -> None:
        self.root, self.messages, self.status = root, "", 0
        self.write("pyproject.toml", '[project.urls]\nHomepage = "https://github.com/o/n"\n')
        card = {"command": "mmcourse train joint", "metrics": {"recall": {"value": 0.9534, "n": 9}}}
        self.write("mmcourse/weights/joint/card.json", json.dumps(card))
        self.write("experiments/scaling.json", json.dumps({"points": [{"loss": 1.25}]}))
        self.write("book/diagrams/towers.svg", DRAWING)
        self.lab(parity=1.2e-7)

    def write(self, name: str, text: str) -> None:
        """A file of the tiny repository."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def lab(self, parity: object, code: str = "parity()") -> None:
        """An executed lab that claims `ch01.parity` and shows `ch01.gap`, beside its source."""
        tags = [
            {"claim": {"name": "ch01.parity", "value": parity}},
            {"figure": {"name": "ch01.gap"}},
        ]
        data = [{"text/plain": "parity"}, {"text/html": FIGURE}]
        cells = [new_markdown_cell("# Lab"), new_code_cell(code), new_code_cell("show()")]
        for folder, executed in (("notebooks", False), ("_build/labs", True)):
            for cell, tag, content in zip(cells[1:], tags, data, strict=True):
                shown = new_output("display_data", content, metadata={"mmcourse": tag})
                cell.outputs = [shown] if executed else []
            language = {"language_info": {"name": "python", "pygments_lexer": "python"}}
            notebook = new_notebook(cells=cells, metadata=language)
            self.write(f"{folder}/ch01_lab.ipynb", nbformat.writes(notebook))

    def build(self, *extensions: str, **settings: object) -> None:
        """Build index and its neighbours with warnings as errors, as the book is built.

        Raises what Sphinx raises; `messages` has the log, `status` is 1 after a warning.
        """
        log = io.StringIO()
        listed = [*(extensions or self.extensions)]
        overrides = {"extensions": listed, "exclude_patterns": ["_build", "out"], "numfig": True}
        overrides["source_suffix"] = {
            ".rst": "restructuredtext"
        }  # or a build would find the last's
        try:
            with patch_docutils(str(self.root)), docutils_namespace():
                out = self.root / "out"
                app = Sphinx(
                    str(self.root), None, str(out), str(out / ".trees"), "html",
                    confoverrides=overrides | settings, status=None, warning=log,
                    warningiserror=True, keep_going=True,
                )  # fmt: skip
                app.build()
                self.status = app.statuscode
        finally:
            self.messages = re.sub(r"\x1b\[\d+(;\d+)*m", "", log.getvalue())

    def html(self, name: str = "index") -> str:
        """A built page."""
        return (self.root / "out" / f"{name}.html").read_text(encoding="utf-8")


@pytest.fixture
def tiny(tmp_path: Path) -> TinyBook:
    """A repository with a card, an experiment, a drawing and an executed lab."""
    return TinyBook(tmp_path)
