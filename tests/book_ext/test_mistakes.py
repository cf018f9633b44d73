"""An author's mistakes stop the build, and each is named where it stands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIB = "@misc{liang2022mind, title = {Mind the gap}, author = {Liang, W.}, year = {2022}}\n"
MYST = ("myst_parser",)
CITED = ("myst_parser", "sphinxcontrib.bibtex")


@pytest.mark.parametrize(
    ("mistake", "extensions", "words"),
    [
        ("{numref}`fig-ch01-gup`", MYST, "undefined label: 'fig-ch01-gup'"),
        ("{ref}`no-such-place`", MYST, "undefined label: 'no-such-place'"),
        ("{doc}`no/such/page`", MYST, "unknown document: 'no/such/page'"),
        ("{eq}`eq-none`", MYST, "equation not found: eq-none"),
        ("{term}`no such term`", MYST, "term not in glossary: 'no such term'"),
        ("[words](missing.md)", MYST, "'myst' cross-reference target not found: 'missing.md'"),
        ("[words](#nowhere)", MYST, "'myst' cross-reference target not found: 'nowhere'"),
        ("![A fox in the snow](fox.png)", MYST, "image file not readable: fox.png"),
        ("{cite:t}`liang2022mend`", CITED, 'could not find bibtex key "liang2022mend"'),
        ("{py:func}`mmcourse.no_such`", MYST, "reference target not found: mmcourse.no_such"),
    ],
)
def test_what_leads_nowhere_stops_the_build(tiny, mistake, extensions, words):
    tiny.write("refs.bib", BIB)
    tiny.write("index.md", f"# Page\n\nWords.\n\nSee {mistake}.\n")
    tiny.build(*extensions, nitpicky=True, bibtex_bibfiles=["refs.bib"])
    assert re.search(rf"index\.md:5: WARNING: .*{re.escape(words)}", tiny.messages), tiny.messages
    assert tiny.status == 1


def test_a_page_without_mistakes_passes(tiny):
    tiny.write("refs.bib", BIB)
    page = "# Page\n\n(place)=\n## Place\n\n{ref}`place`, {cite:t}`liang2022mind`.\n\n"
    tiny.write("index.md", page + "```{bibliography}\n```\n")
    tiny.build(*CITED, nitpicky=True, bibtex_bibfiles=["refs.bib"])
    assert tiny.messages == ""
    assert tiny.status == 0


@pytest.mark.parametrize("stray", ["book/draft.md", "notebooks/ch09_draft.ipynb", "book/a/b.md"])
def test_a_page_outside_the_table_of_contents_is_named(tiny, stray):
    tiny.write("_toc.yml", "format: jb-book\nroot: book/index\nchapters:\n  - glob: book/in/*\n")
    for page in ("book/index.md", "book/in/one.md", stray):
        tiny.write(page, "# Page\n")
    for ignored in ("book/_static/note.md", "notebooks/.ipynb_checkpoints/x.ipynb", "notes.md"):
        tiny.write(ignored, "# No page\n")
    (tiny.root / "notebooks/ch01_lab.ipynb").unlink()
    suffixes = {".md": "myst-nb", ".ipynb": "myst-nb"}
    tiny.build(
        "myst_nb", "sphinx_external_toc", "ext.strays",
        source_suffix=suffixes, external_toc_exclude_missing=True, nb_execution_mode="off",
    )  # fmt: skip
    (line,) = [line for line in tiny.messages.splitlines() if "_toc.yml" in line]
    assert f"{stray} is not in _toc.yml: add it there, or delete the file" in line
    assert tiny.status == 1


def test_the_book_is_built_with_warnings_as_errors():
    (command,) = re.findall(r"jupyter-book build .*", (ROOT / "Makefile").read_text())
    assert {"-W", "-n", "--all"} <= set(command.replace("'", " ").split())
