"""Numbers in the pages: found, printed, linked, and missed loudly."""

import re

import pytest
from sphinx.errors import ExtensionError

PAGE = "Page\n====\n\nText.\n\nIt is :claim:`{}`.\n"


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("lab:ch01.parity", "1.2 \u00d7 10⁻⁷"),
        ("card:joint.recall|.1%", "95.3 %"),
        ("card:joint.recall.n", "9"),
        ("exp:scaling.points.0.loss|.2f", "1.25"),
        ("card:joint.recall.n - exp:scaling.points.0.loss|.2f", "7.75"),
        ("1 - card:joint.recall|.1%", "4.7 %"),
        ("exp:scaling.points.0.loss / 5|.2f", "0.25"),
        ("lab:ch01.parity / 2|.1e", "6.0 \u00d7 10⁻⁸"),
    ],
)
def test_a_claim_is_printed(tiny, target, shown):
    tiny.write("index.rst", PAGE.format(target))
    tiny.build()
    text = tiny.html().replace("\u202f", " ")
    assert f">{shown}<" in text


@pytest.mark.parametrize(
    ("target", "nearest"),
    [
        ("card:joint.recal", "card:joint.recall"),
        ("lab:ch01.paritty", "lab:ch01.parity"),
        ("bench:clip.ratio", ""),
    ],
)
def test_a_claim_that_does_not_exist_fails_and_is_named(tiny, target, nearest):
    tiny.write("index.rst", PAGE.format(target))
    with pytest.raises(ExtensionError, match=r"1 claim\(s\) do not exist"):
        tiny.build()
    assert f"index.rst:6: ERROR: no claim '{target}'" in tiny.messages
    assert nearest in tiny.messages


@pytest.mark.parametrize("target", ["2 - 1", "1 - card:joint.recal", "1 - card:joint.command"])
def test_a_calculation_without_numbers_of_ours_fails(tiny, target):
    tiny.write("index.rst", PAGE.format(target))
    with pytest.raises(ExtensionError, match=r"1 claim\(s\) do not exist"):
        tiny.build()


def test_a_missing_claim_fails_the_next_build_too(tiny):
    tiny.write("index.rst", PAGE.format("card:joint.recal"))
    for _ in range(2):
        with pytest.raises(ExtensionError):
            tiny.build()


def test_a_format_that_does_not_fit_fails(tiny):
    tiny.write("index.rst", PAGE.format("card:joint.recall|d"))
    with pytest.raises(ExtensionError):
        tiny.build()
    assert "card:joint.recall: Unknown format code" in tiny.messages


def test_a_new_value_reaches_an_old_page(tiny):
    tiny.write("index.rst", PAGE.format("lab:ch01.parity|.1f"))
    tiny.build()
    tiny.lab(parity=7.5)
    tiny.build()
    assert ">7.5<" in tiny.html()


def test_the_ledger_names_claim_value_page_and_command(tiny):
    tiny.write("index.rst", PAGE.format("card:joint.recall|.2f") + "\n.. claims-ledger::\n")
    tiny.build()
    text = tiny.html()
    assert 'href="#source-card-joint"' in text
    assert 'id="source-card-joint"' in text
    words = re.sub(r"<[^>]+>", "", text)
    assert "card:joint.recall" in words
    assert "mmcourse train joint" in words
    assert "https://github.com/o/n/blob/main/mmcourse/weights/joint/card.json" in text


def test_a_labs_claim_leads_to_the_cell_that_computed_it(tiny):
    tiny.write(
        "index.rst", PAGE.format("lab:ch01.parity") + "\n.. toctree::\n\n   notebooks/ch01_lab\n"
    )
    tiny.build("myst_nb", *tiny.extensions, nb_execution_mode="off")
    assert 'href="notebooks/ch01_lab.html#claim-ch01-parity"' in tiny.html()
    assert 'id="claim-ch01-parity"' in tiny.html("notebooks/ch01_lab")


def test_a_lab_that_changed_since_its_execution_is_reported(tiny):
    tiny.write("index.rst", "Page\n====\n\n.. toctree::\n\n   notebooks/ch01_lab\n")
    source = tiny.root / "notebooks/ch01_lab.ipynb"
    source.write_text(source.read_text().replace("parity()", "parity(2)"))
    tiny.build("myst_nb", *tiny.extensions, nb_execution_mode="off")
    assert "ch01_lab.ipynb has changed since it was executed" in tiny.messages


def test_two_values_under_one_name_are_refused(tiny):
    from ext import sources

    lab = tiny.root / "_build/labs/ch01_lab.ipynb"
    lab.write_text(
        lab.read_text().replace('"figure"', '"claim"').replace("ch01.gap", "ch01.parity")
    )
    text = lab.read_text().replace('"name": "ch01.parity"\n', '"name": "ch01.parity", "value": 1\n')
    lab.write_text(text)
    with pytest.raises(ValueError, match=r"claims ch01\.parity twice"):
        sources.read_lab(lab)


@pytest.mark.parametrize(
    ("value", "spec", "shown"),
    [
        (45360, None, "45,360"),
        (0.95341, None, "0.953"),
        (-0.5, ".1f", "\u22120.5"),
        (1.2e-7, ".1e", "1.2\u202f\u00d7\u202f10⁻⁷"),
        (0.913, ".1%", "91.3\u202f%"),
        (0.0, ".1e", "0"),
        ("cpu", None, "cpu"),
    ],
)
def test_numbers_are_set_as_a_typesetter_would(value, spec, shown):
    from ext.numbers import printed

    assert printed(value, spec) == shown
