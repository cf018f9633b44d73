"""A PDF: its pages, words, outline, alt texts and faces, read back by another library."""

import re

import pikepdf
import pypdfium2
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from stories import typed

from mmcourse.story.export import pdf as module
from mmcourse.story.export.book import Book, Figure, Page, clean
from mmcourse.story.export.pdf import pdf, printed


def words_of(content, first=0, last=None):
    document = pypdfium2.PdfDocument(content)
    pages = list(document)[first:last]
    return " ".join(page.get_textpage().get_text_bounded() for page in pages)


def plain(text):
    return re.sub(r"[\s\ufffe\u00ad]+", "", text)


@pytest.fixture(scope="module")
def content(world_story, shelf, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PICTURES", 96)
        path = pdf(world_story, shelf, tmp_path_factory.mktemp("pdf") / "a.pdf")
    return path.read_bytes()


def test_every_scene_has_its_page_and_its_words(content, world_story):
    assert len(pypdfium2.PdfDocument(content)) == 1 + 3 + 1
    assert plain(world_story.title) in plain(words_of(content, 0, 1))
    for i, node in enumerate(world_story.path(), start=1):
        assert plain(node.text) in plain(words_of(content, i, i + 1))
    assert all(name in words_of(content, 4) for name in world_story.state().characters)


def test_outline_language_title_and_alt_texts(content, world_story, tmp_path):
    (tmp_path / "a.pdf").write_bytes(content)
    with pikepdf.open(tmp_path / "a.pdf") as found:
        assert str(found.docinfo["/Title"]) == world_story.title
        assert str(found.Root.Lang) == "en"
        with found.open_outline() as outline:
            titles = [item.title for item in outline.root]
            below = [child.title for child in outline.root[0].children]
        assert titles == [world_story.title, "Who is in it"]
        assert below == ["Page 1", "Page 2", "Page 3"]
        said = {str(o.Alt) for o in found.objects
                if isinstance(o, pikepdf.Dictionary) and "/Alt" in o}  # fmt: skip
        assert {node.picture.alt for node in world_story.path()} <= said
        fonts = {str(o.FontName) for o in found.objects
                 if isinstance(o, pikepdf.Dictionary) and o.get("/Type") == "/FontDescriptor"
                 and "/FontFile2" in o}  # fmt: skip
    assert any("Literata" in f for f in fonts)
    assert any("Fraunces" in f for f in fonts)


def test_the_same_story_gives_the_same_bytes(world_story, shelf, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PICTURES", 32)
    one, two = (pdf(world_story, shelf, tmp_path / f"{i}.pdf").read_bytes() for i in "ab")
    assert one == two


def test_the_picture_is_on_the_page_where_it_should_be(content):
    page = pypdfium2.PdfDocument(content)[1].render(scale=0.5).to_numpy()
    picture = page[40:270, 40:250]
    paper = page[5:20, 5:290]
    assert picture.std() > 30
    assert paper.std() < 3
    assert paper.mean() > 240


def test_a_long_text_goes_on_on_the_next_page_and_loses_nothing(library, tmp_path):
    text = " ".join(f"word{i}" for i in range(1200))
    found = pdf(typed(library, "T" * 900, text), library, tmp_path / "a.pdf").read_bytes()
    assert len(pypdfium2.PdfDocument(found)) > 3
    read = plain(words_of(found, 1))
    assert all(f"word{i}" in read for i in range(1200))


def test_letters_that_the_faces_lack_are_lent(library, tmp_path):
    story = typed(library, "Привет", "Ωμέγα и Łukasz.")
    found = pdf(story, library, tmp_path / "a.pdf").read_bytes()
    assert "Привет" in words_of(found, 0, 1)
    assert "Łukasz" in words_of(found, 1)
    assert "Ωμέγα" in words_of(found, 1)


def test_letters_that_nobody_has_are_boxes(monkeypatch):
    monkeypatch.setattr(module, "lent_face", lambda: "")
    book = Book("x", "T", (Page(1, 1, "a \u4f60 b"),), ())
    assert plain("a ? b") in plain(words_of(printed(book)))


TYPED = st.lists(
    st.one_of(st.sampled_from(["(a) Tj ET", "\\", "<<>>", "**b**", "__u__", "--i--", "{nb}", "\x00",
                               "[x](http://y)", "%PDF", "~~s~~"]),
              st.text("abc .\n", max_size=9)),
    min_size=1, max_size=6,
).map(" ".join)  # fmt: skip


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)
@example("{nb}", "{nb} (a) Tj ET **b** \\ <<>>")
@given(TYPED, TYPED)
def test_what_is_typed_comes_out_as_text(title, text):
    title, text = " ".join(clean(title).split()) or "T", clean(text)
    content = printed(Book("x", title, (Page(1, 1, text),), (Figure("N", text),)))
    assert plain(title) in plain(words_of(content, 0, 1))
    assert plain(text) in plain(words_of(content, 1, 2))
    assert b"/URI" not in content


def test_many_people_take_more_pages():
    people = tuple(Figure(f"Name{i}", "A red fox. " * 9) for i in range(5))
    content = printed(Book("x", "T", (Page(1, 1, "text"),), people))
    assert len(pypdfium2.PdfDocument(content)) == 4
    assert "Name3" in words_of(content, 2, 3)
    assert "Name4" in words_of(content, 3, 4)
