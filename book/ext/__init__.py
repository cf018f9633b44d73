"""The book's own Sphinx extensions: one idea a file, gathered here under one name.

`claims` prints computed numbers and `ledger` lists them; `figures` shows computed and drawn
pictures, `curves` draws results of experiments, and `demos` runs models in the page; `labs` gives
each lab's page its anchors; `status` reports what the labs take; `front` is the front page's moving
picture; `world` draws and lists StoryWorld; `opening` prints chapter 1's first game; `snippets`
runs a page's code and shows what it says; `docstrings` reads the package's own prose; `offline`
links to the whole book as one file; `accessible` mends what the theme leaves unreadable;
`repository` reads the project's address from pyproject.toml; `folded` folds long outputs; `cite`
says how to cite the book; `strays` refuses a page that no table of contents names.
"""

from sphinx.application import Sphinx

from . import (
    accessible,
    cite,
    claims,
    demos,
    docstrings,
    figures,
    folded,
    front,
    labs,
    ledger,
    offline,
    opening,
    repository,
    snippets,
    status,
    strays,
    world,
)


def setup(app: Sphinx) -> dict:
    """Set up every part. The parts keep their notes in the environment and merge them."""
    app.add_config_value("comments_config", {}, "html")  # Jupyter Book sets it without being asked
    for part in (
        repository,
        labs,
        claims,
        ledger,
        figures,
        demos,
        status,
        front,
        world,
        opening,
        snippets,
        docstrings,
        offline,
        accessible,
        folded,
        cite,
        strays,
    ):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
