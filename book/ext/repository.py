"""The project's address, read at one place: Homepage in pyproject.toml.

The theme's buttons, the links to source files and to Colab all follow it. A Colab badge in a lab
is shown as a button of the book's own, since its picture lies on another host, and the build
fails when it leads to another repository. Beside it stands a button that downloads the notebook.
"""

import functools
import importlib
import inspect
import tomllib
from pathlib import Path
from urllib.parse import urlparse

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError
from sphinx.util import logging

logger = logging.getLogger(__name__)
BRANCH = "main"
COLAB = "https://colab.research.google.com"


def homepage(root: Path) -> str:
    """The repository's address, without a slash at its end."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = project.get("urls", {}).get("Homepage", "")
    if not address:
        raise ConfigError("pyproject.toml names no Homepage under [project.urls]: add one")
    return address.rstrip("/")


def file_address(root: Path, file: str) -> str:
    """Where a file of the repository is shown on the web."""
    return f"{homepage(root)}/blob/{BRANCH}/{file}"


def colab_address(root: Path, notebook: str) -> str:
    """Where Colab opens a notebook of the repository ("notebooks/ch01….ipynb")."""
    return f"{COLAB}/github{urlparse(homepage(root)).path}/blob/{BRANCH}/{notebook}"


def source_address(root: Path, domain: str, info: dict[str, str]) -> str | None:
    """Where the source of a documented object is shown, with its line. For `linkcode`."""
    if domain != "py" or not info["module"]:
        return None
    module = importlib.import_module(info["module"])
    found: object = module
    for part in info["fullname"].split("."):
        found = getattr(found, part, None)
    path = str(module.__file__)
    file = path[path.rindex("mmcourse/") :]
    try:
        line = inspect.getsourcelines(inspect.unwrap(found))[1]  # type: ignore[arg-type]
    except (OSError, TypeError):  # a constant has no line of its own
        return file_address(root, file)
    return f"{file_address(root, file)}#L{line}"


def fill_in_address(app: Sphinx, config: Config) -> None:
    """Hand the address to the theme's buttons and to the links from the API to its source."""
    config.html_theme_options["repository_url"] = homepage(Path(app.srcdir))
    config.html_theme_options["repository_branch"] = BRANCH
    config.linkcode_resolve = functools.partial(source_address, Path(app.srcdir))


def redraw_badges(app: Sphinx, doctree: nodes.document) -> None:
    """Replace each Colab badge's remote picture by words, and check where it leads."""
    root, docname = Path(app.srcdir), app.env.docname
    for image in list(doctree.findall(nodes.image)):
        if not image["uri"].endswith("colab-badge.svg"):
            continue
        link = image.parent
        expected = colab_address(root, f"{docname}.ipynb")
        if isinstance(link, nodes.reference) and link.get("refuri") != expected:
            message = "the Colab badge leads to %s, expected %s (Homepage in pyproject.toml)"
            logger.warning(message, link.get("refuri"), expected, location=image, type="mmcourse")
        words = image.get("alt") or "Open in Colab"
        image.replace_self(nodes.inline("", words, classes=["mm-colab"]))
        if Path(app.env.doc2path(docname)).suffix == ".ipynb":
            file = addnodes.download_reference("", "", reftarget=f"/{docname}.ipynb")
            file += nodes.inline("", "Download the notebook", classes=["mm-download"])
            link.parent.insert(link.parent.index(link) + 1, [nodes.Text(" "), file])


def setup(app: Sphinx) -> None:
    """Connect early: the theme reads its options when the builder starts."""
    app.connect("config-inited", fill_in_address, priority=100)
    app.connect("doctree-read", redraw_badges, priority=100)
