"""One HTML file: whole, silent on the network, and nothing typed becomes markup."""

import base64
import io
import re
from html.parser import HTMLParser
from unittest import mock

import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stories import typed

from mmcourse.story.export.book import Book, Figure, Page, gather
from mmcourse.story.export.html import html, page


class Reader(HTMLParser):
    """What a browser would make of it: elements with their attributes, and the text of each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("img", "meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def written(world_story, shelf, narration, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("html") / "a.html"
    return html(world_story, shelf, path, narration).read_text(encoding="utf-8")


def test_every_picture_has_words_and_a_size(written, world_story, shelf):
    images = Reader(written).of("img")
    book = gather(world_story, shelf)
    said = [i["alt"] for i in images]
    assert said == ["", *(p.plate.alt for p in book.pages), *(f.plate.alt for f in book.gallery)]
    assert all(i["width"] and i["height"] for i in images)
    assert all(i["src"].startswith("data:image/") for i in images)


def test_no_picture_waits_to_be_scrolled_to(written):
    """All of them are in the file; a print of the page would lack those that wait."""
    assert 'loading="lazy"' not in written


def test_nothing_in_it_leads_outside(written):
    for _, attributes in Reader(written).elements:
        for name in ("src", "href", "data", "srcset", "poster", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
        assert not any(name.startswith("on") for name in attributes)
    assert set(re.findall(r"url\((.{5})", written)) == {"data:"}
    policy = next(m["content"] for m in Reader(written).of("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none'")


def test_the_policy_lets_the_file_s_own_script_run_and_no_other(written):
    import hashlib

    script = re.search(r"<script>(.*?)</script>", written, re.S)[1]
    policy = next(m["content"] for m in Reader(written).of("meta") if "http-equiv" in m)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_sounds_are_inside_and_words_have_their_times(written, narration, world_story):
    reader = Reader(written)
    for sound, recording in zip(reader.of("audio"), narration.recordings.values(), strict=True):
        content = base64.b64decode(sound["src"].removeprefix("data:audio/mpeg;base64,"))
        assert soundfile.info(io.BytesIO(content)).format == "MP3"
        samples, rate = soundfile.read(io.BytesIO(content))
        assert (len(samples), rate) == (len(recording.samples), recording.rate)
        assert sound["aria-label"]
    words = [e for e in reader.of("span") if "data-b" in e]
    assert len(words) == sum(len(node.text.split()) for node in world_story.path())
    times = [(float(w["data-b"]), float(w["data-e"])) for w in words]
    assert all(b < e for b, e in times)


def test_without_a_narration_there_is_no_sound(world_story, shelf):
    assert "<audio" not in page(gather(world_story, shelf, 64))


PIECES = st.sampled_from(["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>",
                          "<!--", "]]>", "&amp;", "&nbsp;", "\"' onload=x", "{{7*7}}", "$$x$$",
                          "javascript:alert(1)", "\u202e", "<hello there>"])  # fmt: skip
TYPED = st.lists(st.one_of(PIECES, st.text(max_size=12)), min_size=1, max_size=5).map(" ".join)


def plain(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=40, deadline=None)
@given(TYPED, TYPED, TYPED)
def test_what_is_typed_comes_out_as_text(title, text, name):
    from mmcourse.story.export.book import clean

    title, text, name = clean(title), clean(text), clean(name)
    book = Book("x", title, (Page(1, 1, text),), (Figure(name, text),), name)
    with mock.patch("mmcourse.story.export.html.subset", return_value=b""):
        reader = Reader(page(book))
    assert not reader.open
    assert len(reader.of("script")) == 1
    assert not reader.of("img")
    found = {tag: plain("".join(t for at, t in reader.texts if at == tag)) for tag in ("h1", "h3")}
    assert found == {"h1": plain(title), "h3": plain(name)}
    paragraphs = plain("".join(t for at, t in reader.texts if at == "p"))
    assert paragraphs == plain(text) + plain(text) + plain(f"{name} Made with mmcourse.")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TYPED)
def test_words_that_are_spoken_keep_their_text(text):
    from mmcourse.story.export.book import clean
    from mmcourse.story.export.html import words
    from mmcourse.story.narration import Spoken, joined, sentences, word_times

    text = clean(text)
    if not text.split():
        return
    import numpy as np

    stretches = [Spoken(np.zeros(800, np.float32), 8000, word_times(text, place, (0, 0.1)))
                 for place in sentences(text)]  # fmt: skip
    reader = Reader(words(text, joined(stretches)))
    assert plain("".join(t for _, t in reader.texts)) == plain(text)
    assert len(reader.of("span")) == len(text.split())


def test_a_typed_story_is_written(library, tmp_path):
    story = typed(library, "<b>T</b>", 'He said <hello there> & "went".', "Two.\n\nParagraphs.")
    text = html(story, library, tmp_path / "a.html").read_text(encoding="utf-8")
    assert "&lt;hello there&gt; &amp;" in text
    assert text.count("<p>") == 4
