"""Every page of the built book, as a reader's browser shows it, on a desk and on a phone."""

from functools import cache

import pytest
from playwright.sync_api import Browser
from visits import WIDTHS, Visit, visit_page

pytestmark = pytest.mark.book

LIMIT = 1_500_000  # bytes, compressed
PAPER = {"light": "rgb(255, 253, 248)", "dark": "rgb(31, 30, 38)"}  # of figures
CHAPTER = "book/ch01_joint_embeddings.html"

seen = cache(visit_page)


@pytest.fixture(params=sorted(WIDTHS))
def visit(request: pytest.FixtureRequest, browser: Browser, address: str, page_name: str) -> Visit:
    """What the browser saw on this page at this width. Each is opened once."""
    return seen(browser, address, page_name, request.param)


def test_nothing_goes_wrong_or_outside(visit: Visit) -> None:
    assert not visit.console, visit.console
    assert not visit.failed, visit.failed
    assert not visit.outside, visit.outside


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation(visit: Visit, theme: str) -> None:
    assert not visit.violations[theme], "\n" + "\n".join(visit.violations[theme])


def test_no_page_scrolls_sideways(visit: Visit, request: pytest.FixtureRequest) -> None:
    width = WIDTHS[request.node.callspec.params["visit"]][0]
    assert visit.width <= width, f"{visit.width} px wide; past the edge: {visit.wider}"


def test_every_picture_says_what_is_to_be_seen(visit: Visit) -> None:
    for picture in visit.pictures:
        if picture["hidden"]:
            continue
        text, file = picture["text"].strip(), picture["source"].rsplit("/", 1)[-1]
        assert len(text.split()) >= 4, f"no text that says what is to be seen: {picture['html']}"
        assert text not in (file, file.rsplit(".", 1)[0]), f"its file name is no text: {text}"


def test_every_formula_is_typeset(visit: Visit) -> None:
    assert not visit.wrong_formulas, visit.wrong_formulas
    assert visit.typeset == visit.formulas


def test_a_screen_reader_gets_every_formula_as_mathml(visit: Visit) -> None:
    assert visit.spoken == visit.formulas


@pytest.mark.parametrize("theme", PAPER)
def test_figures_follow_the_theme(visit: Visit, page_name: str, theme: str) -> None:
    assert visit.papers[theme] <= {PAPER[theme]}
    assert visit.papers[theme] or page_name != CHAPTER, "no figure was found"


def test_every_formula_fits_its_width(visit: Visit) -> None:
    assert not visit.scrolling_formulas, "\n".join(visit.scrolling_formulas)


def test_long_outputs_are_folded(visit: Visit) -> None:
    assert not visit.tall_outputs, visit.tall_outputs


def test_tab_reaches_whatever_a_mouse_can_use(visit: Visit) -> None:
    assert not visit.walk.missed, "\n".join(visit.walk.missed)


def test_tab_goes_in_order_and_is_seen_where_it_stops(visit: Visit, page_name: str) -> None:
    assert not visit.walk.wrong, "\n".join(visit.walk.wrong)
    least = 1 if page_name == "index.html" else 5
    assert visit.walk.stops >= least, f"{visit.walk.stops} stops: is the walk broken?"


def test_pictures_below_the_first_screen_wait(visit: Visit) -> None:
    assert not visit.eager, visit.eager


def test_no_page_is_heavy(visit: Visit) -> None:
    sent = visit.bytes_sent()
    assert sent <= LIMIT, f"{sent / 1e6:.2f} MB compressed, limit {LIMIT / 1e6:.1f} MB"
