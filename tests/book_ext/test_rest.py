"""The smaller parts: the address, the references, the docstrings, the status page."""

import html
import json
import re

import nbformat
import pytest

BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({})"
COLAB = "https://colab.research.google.com/github/{}/blob/main/index.ipynb"


@pytest.mark.parametrize(("repository", "wrong"), [("o/n", False), ("someone/else", True)])
def test_a_badge_is_words_and_leads_to_this_repository(tiny, repository, wrong):
    tiny.write("index.md", "# Page\n\n" + BADGE.format(COLAB.format(repository)) + "\n")
    tiny.build("myst_parser", "ext.repository", suppress_warnings=["theme"])
    assert 'class="mm-colab">Open in Colab<' in tiny.html()
    assert "colab-badge.svg" not in tiny.html()
    assert ("the Colab badge leads to" in tiny.messages) is wrong


def test_references_are_a_list_of_items(tiny):
    tiny.write("index.rst", "Page\n====\n\nSee [A]_ and [B]_.\n\n.. [A] One.\n.. [B] Two.\n")
    tiny.build("ext.accessible")
    text = tiny.html()
    assert text.count('role="list"') == 1
    assert text.count('role="listitem"') == 2
    assert "doc-biblioentry" not in text


def test_an_empty_corner_of_a_table_is_no_header(tiny):
    table = ".. list-table::\n   :header-rows: 1\n\n   * -\n     - B\n   * - 1\n     - 2\n"
    tiny.write("index.rst", f"Page\n====\n\n{table}")
    tiny.build("ext.accessible")
    text = tiny.html()
    assert text.count("<th") - text.count("<thead") == 1
    assert text.count("<td") == 3
    assert text.count("</td>") == 3


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["Takes `x`s."], ["Takes ``x``\\ s."]),
        (["Call it so:", "", "    f(1)"], ["Call it so::", "", "    f(1)"]),
        (["A sentence.", "", "    f(1)"], ["A sentence.", "", "::", "", "    f(1)"]),
        (["Returns:", "", "    A share."], ["Returns:", "", "    A share."]),
        (["Of *shape* (B, *), **so** x*y, `*a`."], [r"Of *shape* (B, \*), **so** x\*y, ``*a``."]),
        (["Already ``x`` and :func:`f`."], ["Already ``x`` and :func:`f`."]),
        (["Alias for field number 0"], []),
    ],
)
def test_docstrings_are_read_as_they_are_written(written, read):
    from ext.docstrings import marked_up

    assert marked_up(written) == read


def test_the_status_page_tells_of_an_overrun(tiny):
    lab = {"minutes": 3.51, "memory_gb": 1.6, "limit_minutes": 3.0, "limit_memory_gb": 4.0}
    lab["over"] = ["3.5 minutes, limit 3"]
    measured = {"tier": "cpu", "device": "2 cores of X", "at_once": 1, "labs": {"ch01": lab}}
    tiny.write("_build/labs/measured.json", json.dumps(measured))
    tiny.write("notebooks/budget.json", json.dumps({"ch01": {"t4_minutes_estimate": 1.5}}))
    tiny.write("index.rst", "Page\n====\n\n.. lab-times::\n\n.. built-with::\n")
    tiny.build("ext.labs", "ext.status")
    text = tiny.html()
    for words in ("Chapter 1", "3.5 min (limit 3)", "over: 3.5 minutes, limit 3", "2 cores of X"):
        assert words in text
    assert "torch" in text


def test_the_status_page_lists_what_is_shipped_and_what_trained_it(tiny):
    card = {"device": "2 cores of X", "wall_time_s": 125, "command": "mmcourse train joint"}
    tiny.write("mmcourse/weights/joint/card.json", json.dumps(card | {"metrics": {}}))
    tiny.write("mmcourse/weights/joint/model.safetensors", "." * 2**20)
    tiny.write("index.rst", "Page\n====\n\n.. shipped-weights::\n\n.. claims-ledger::\n")
    tiny.build("ext.labs", "ext.claims", "ext.ledger", "ext.status")
    row = re.sub(r"<[^>]+>", " ", tiny.html().split("<tbody>")[1].split("</tr>")[0])
    assert " ".join(row.split()) == "joint 2 cores of X 2 min 1.0 MB mmcourse train joint"
    assert 'href="#source-card-joint"' in tiny.html()
    assert tiny.messages == ""


def test_the_copies_are_linked_where_they_are_published(tiny):
    tiny.write("index.rst", "Tiny\n====\n\n.. offline-copies::\n")
    tiny.build("ext.offline")
    for kind in ("pdf", "epub"):
        assert f'href="https://o.github.io/n/multimodal-ai-from-scratch.{kind}"' in tiny.html()


def test_an_arrow_of_the_sidebar_is_named_after_its_own_page():
    from bs4 import BeautifulSoup
    from ext.accessible import name_arrows

    inner = '<details><summary></summary><ul><li><a href="#">Lab</a></li></ul></details>'
    made = BeautifulSoup(f'<ul><li><a href="#">Chapter</a>{inner}</li></ul>', "html.parser")
    context = {"generate_toctree_html": lambda: made}
    name_arrows(None, "index", "page.html", context, None)
    assert context["generate_toctree_html"]().summary["aria-label"] == "Pages under Chapter"


def test_long_outputs_are_folded_and_short_ones_are_not(tiny):
    for lines, folded in ((20, 0), (21, 1)):
        printed = nbformat.v4.new_output("stream", text="\n".join(map(str, range(lines))) + "\n")
        cell = nbformat.v4.new_code_cell("count()", outputs=[printed])
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Lab"), cell])
        tiny.write("index.ipynb", nbformat.writes(notebook))
        tiny.build("myst_nb", "ext.folded", nb_execution_mode="off")
        assert tiny.html().count(f"<summary>{lines} lines of output</summary>") == folded
        assert tiny.html().count("<details") == tiny.html().count("</details>") == folded


CITATION = """
title: A book
type: software
authors: [{name: The contributors}, {family-names: Lovelace, given-names: Ada}]
version: 1.2.0
license: Apache-2.0
url: https://example.org
repository-code: https://github.com/o/book
"""


def test_the_citation_is_made_from_the_file(tiny):
    tiny.write("CITATION.cff", CITATION)
    tiny.write("mmcourse/_version.py", '__version__ = "1.2.0"\n')
    tiny.write("index.rst", "Page\n====\n\n.. how-to-cite::\n")
    tiny.build("ext.cite", copyright="2026")
    entry = html.unescape(re.sub(r"<[^>]+>", "", tiny.html()))
    assert "@software{book2026," in entry
    assert "author  = {{The contributors} and Lovelace, Ada}," in entry
    assert "version = {1.2.0}," in entry
    assert tiny.messages == ""
    tiny.write("CITATION.cff", CITATION + "date-released: 2031-05-01\n")
    tiny.build("ext.cite", copyright="2026")
    assert "book2031" in tiny.html()


def test_a_citation_of_another_version_is_refused(tiny):
    tiny.write("CITATION.cff", CITATION)
    tiny.write("mmcourse/_version.py", '__version__ = "1.3.0"\n')
    tiny.write("index.rst", "Page\n====\n\n.. how-to-cite::\n")
    tiny.build("ext.cite")
    assert "CITATION.cff says version 1.2.0, mmcourse/_version.py 1.3.0" in tiny.messages


def test_a_lab_offers_its_notebook_beside_the_badge(tiny):
    address = COLAB.format("o/n").replace("index", "notebooks/ch01_lab")
    lab = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Lab\n\n" + BADGE.format(address))]
    )
    tiny.write("notebooks/ch01_lab.ipynb", nbformat.writes(lab))
    tiny.write("index.rst", "Page\n====\n\n.. toctree::\n\n   notebooks/ch01_lab\n")
    tiny.build("myst_nb", "ext.repository", nb_execution_mode="off")
    link = r'<a class="reference download internal" download="" href="([^"]*)"'
    file = re.search(link, tiny.html("notebooks/ch01_lab"))[1]
    assert nbformat.read(tiny.root / "out/notebooks" / file, as_version=4).cells == lab.cells
