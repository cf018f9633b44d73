"""Figures of labs and drawings: shown with their text, missed loudly."""

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
