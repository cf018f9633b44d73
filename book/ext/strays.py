"""Refuse a page that no table of contents names.

With `only_build_toc_files` Jupyter Book leaves such a file out without a word, and its author
looks for it in vain. Every source below the folders of `mmcourse_pages` must be in _toc.yml.
"""

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

logger = logging.getLogger(__name__)


def hidden(file: Path) -> bool:
    """Whether it is a tool's (".ipynb_checkpoints") or Sphinx's own ("_templates")."""
    return any(part.startswith((".", "_")) for part in file.parts)


def name_strays(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Warn of each file that has a page's suffix and is no page. Warnings stop the build."""
    for folder in app.config.mmcourse_pages:
        for file in sorted((Path(app.srcdir) / folder).rglob("*")):
            name = file.relative_to(app.srcdir)
            page = file.suffix in app.config.source_suffix and not hidden(name)
            if page and env.path2doc(str(file)) not in env.found_docs:
                message = "%s is not in _toc.yml: add it there, or delete the file"
                logger.warning(message, name.as_posix(), type="mmcourse", subtype="stray")


def setup(app: Sphinx) -> None:
    """Register the folders, and look once it is known which files are pages."""
    app.add_config_value("mmcourse_pages", ["book", "notebooks"], "env", types=[list])
    app.connect("env-before-read-docs", name_strays)
