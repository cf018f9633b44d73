"""Figures of labs and experiments, and drawings: shown with their text, missed loudly."""

import pytest
from ext import curves

from mmcourse import plots

ALT = "Two towers, one for text and one for pictures"


def test_a_labs_figure_is_shown_with_its_caption_and_origin(tiny):
    page = "Page\n====\n\nSee :numref:`fig-ch01-gap`.\n\n.. lab-figure:: ch01.gap\n"
    tiny.write("index.rst", page + "\n.. toctree::\n\n   notebooks/ch01_lab\n")
    tiny.build("myst_nb", *tiny.extensions, nb_execution_mode="off")
    text = tiny.html()
    assert 'aria-label="Two clouds that do not touch"' in text
    assert "Two <b>cones</b>." in text
    assert "Fig. 1" in text
    assert 'href="notebooks/ch01_lab.html#lab-figure-ch01-gap"' in text
    assert tiny.messages == ""


def test_a_missing_figure_is_named_with_the_nearest(tiny):
    tiny.write("index.rst", "Page\n====\n\n.. lab-figure:: ch01.gup\n")
    tiny.build()
    expected = "index.rst:4: ERROR: no lab shows a figure 'ch01.gup'; the nearest that exists is"
    assert f"{expected} 'ch01.gap'" in tiny.messages


def test_a_drawing_is_put_into_the_page(tiny):
    tiny.write(
        "index.rst", f"Page\n====\n\n.. diagram:: towers\n   :alt: {ALT}\n\n   A *caption*.\n"
    )
    tiny.build()
    text = tiny.html()
    assert f'role="img" aria-label="{ALT}"' in text
    assert "<title>t</title>" not in text
    assert 'id="towers-tip"' in text
    assert "url(#towers-tip)" in text
    assert "A <em>caption</em>." in text
    assert tiny.messages == ""


def test_a_drawing_without_a_text_is_an_error(tiny):
    for options in ("", "   :alt: towers\n"):
        tiny.write("index.rst", f"Page\n====\n\n.. diagram:: towers\n{options}\n   A caption.\n")
        tiny.build()
        assert "index.rst:4: ERROR: diagram 'towers' has no :alt:" in tiny.messages


def test_a_missing_drawing_is_named_with_the_nearest(tiny):
    tiny.write("index.rst", f"Page\n====\n\n.. diagram:: tower\n   :alt: {ALT}\n")
    tiny.build()
    assert "no diagram 'tower' in diagrams; the nearest that exists is 'towers'" in tiny.messages


@pytest.fixture
def drawn(monkeypatch):
    """One known drawing of the tiny book's experiment: its loss as a point."""

    def one_point(found):
        fig, ax = plots.figure()
        ax.plot(found["points"][0]["loss"], 1, "o")
        return fig

    monkeypatch.setitem(curves.DRAWN, "scaling.loss", one_point)


def test_an_experiments_figure_is_drawn_from_its_results_and_leads_to_them(tiny, drawn):
    page = f"Page\n====\n\n.. exp-figure:: scaling.loss\n   :alt: {ALT}\n\n   A *caption*.\n"
    tiny.write("index.rst", page + "\n.. claims-ledger::\n")
    tiny.build()
    text = tiny.html()
    assert f'role="img" aria-label="{ALT}"' in text
    assert "A <em>caption</em>." in text
    assert 'href="#source-exp-scaling"' in text
    assert tiny.messages == ""


def test_an_experiments_figure_that_is_missing_is_named(tiny, drawn):
    tiny.write("index.rst", f"Page\n====\n\n.. exp-figure:: scaling.lost\n   :alt: {ALT}\n")
    tiny.build()
    assert "no drawing of 'scaling.lost'; the nearest that exists is 'scaling.loss'" in (
        tiny.messages
    )
    (tiny.root / "experiments/scaling.json").unlink()
    tiny.write("index.rst", f"Page\n====\n\n.. exp-figure:: scaling.loss\n   :alt: {ALT}\n")
    tiny.build()
    assert "drawn from scaling.json, which does not exist" in tiny.messages


def test_labels_are_spread_in_their_order_and_no_further_than_needed():
    places = curves.spread([0.0, 5.0, 0.1, 0.2], 1.0)
    assert places[1] == 5.0
    assert places[0] + 1 <= places[2] + 1e-6
    assert places[2] + 1 <= places[3] + 1e-6
    assert sum(places[i] for i in (0, 2, 3)) == pytest.approx(0.3)
    assert curves.spread([0.0, 2.0], 1.0) == [0.0, 2.0]


def test_what_a_codec_needs_lies_between_its_qualities():
    rows = [{"psnr": 20.0, "bits": 1000.0}, {"psnr": 30.0, "bits": 4000.0}]
    assert curves.bits_at(rows, 25.0) == pytest.approx(2000.0)
    assert curves.bits_at(rows[::-1], 30.0) == pytest.approx(4000.0)
    assert curves.bits_at([*rows, {"psnr": 40.0, "bits": 64000.0}], 35.0) == pytest.approx(16000.0)
