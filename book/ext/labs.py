"""The executed labs, as the pages see them.

Every output that a lab tags gets an anchor on the lab's page: `claim-NAME` for a value, and
`lab-figure-NAME` for a figure, on the cell that computed it. Pages link there by label.
"""

import re
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from .sources import executed_outputs

logger = logging.getLogger(__name__)


def labs_folder(env: BuildEnvironment) -> Path:
    """The folder of executed notebooks, made by `make book` before Sphinx runs."""
    return Path(env.srcdir) / env.config.mmcourse_labs


def executed(env: BuildEnvironment) -> list[Path]:
    """The executed labs. Whoever reads one depends on all of them, and is read again with them."""
    files = sorted(labs_folder(env).glob("*.ipynb"))
    for file in files:
        env.note_dependency(str(file))
    return files


def slug(text: str) -> str:
    """A name as an anchor: "ch01.parity_open_clip" is "ch01-parity-open-clip"."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def label_for(kind: str, name: str) -> str:
    """The label of a tagged output, "claim-ch01-parity-open-clip"."""
    return f"{'claim' if kind == 'claim' else 'lab-figure'}-{slug(name)}"


def give_anchors(app: Sphinx, doctree: nodes.document) -> None:
    """On a lab's page, give each tagged output's cell an id and register it as a label."""
    env, docname = app.env, app.env.docname
    source = Path(env.doc2path(docname))
    copy = labs_folder(env) / source.name
    if source.suffix != ".ipynb" or not copy.is_file():
        return
    env.note_dependency(str(copy))
    if code_of(source) != code_of(copy):
        message = "%s has changed since it was executed: run `make book`"
        logger.warning(message, source.name, location=docname, type="mmcourse")
    cells = {
        cell["cell_index"]: cell
        for cell in doctree.findall(nodes.container)
        if cell.get("nb_element") == "cell_code"
    }
    for number, tag, _ in executed_outputs(copy):
        for kind in ("claim", "figure"):
            if kind in tag and number in cells:
                label = label_for(kind, tag[kind]["name"])
                cells[number]["ids"].append(label)
                env.domains["std"].anonlabels[label] = (docname, label)


def code_of(notebook: Path) -> list[str]:
    """The source of every code cell, which is what an execution belongs to."""
    cells = nbformat.read(notebook, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def setup(app: Sphinx) -> None:
    """Register the folder's setting and the anchors."""
    app.add_config_value("mmcourse_labs", "_build/labs", "env", types=[str])
    app.connect("doctree-read", give_anchors)
