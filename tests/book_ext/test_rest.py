"""The smaller parts: the address, the references, the docstrings, the status page."""

import json

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


def test_the_copies_are_linked_where_they_are_published(tiny):
    tiny.write("index.rst", "Tiny\n====\n\n.. offline-copies::\n")
    tiny.build("ext.offline")
    for kind in ("pdf", "epub"):
        assert f'href="https://o.github.io/n/multimodal-ai-from-scratch.{kind}"' in tiny.html()
