"""The files of the page: the book's colours, no markup from strings, nothing from elsewhere."""

import re
from pathlib import Path

import pytest

from mmcourse import story
from mmcourse.story.app.server import PAGE
from mmcourse.storyworld.language.plots.voices import VOICES

FILES = sorted(Path(str(PAGE)).glob("*.*"))
SCRIPTS = [f for f in FILES if f.suffix == ".js"]
NAMES = {f.name for f in FILES}


def colours(css: str, theme: str) -> dict[str, str]:
    """The variables of one theme in a style sheet."""
    rules = re.findall(rf'html\[data-theme="{theme}"\] \{{(.*?)\n\}}', css, re.DOTALL)
    found = (re.findall(r"(--mm-[\w-]+):\s*(.*?);", rule, re.DOTALL) for rule in rules)
    return {name: " ".join(value.split()) for pairs in found for name, value in pairs}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_colours_are_the_books(root, theme) -> None:
    book = (root / "book/_static/paper.css").read_text("utf-8")
    mine = colours((Path(str(PAGE)) / "paper.css").read_text("utf-8"), theme)
    assert mine == colours(book, theme)
    assert len(mine) > 12


def test_the_logo_is_the_books(root) -> None:
    for name in ("logo.svg", "favicon.svg"):
        assert (Path(str(PAGE)) / name).read_bytes() == (root / "book/_static" / name).read_bytes()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda f: f.name)
def test_no_markup_is_made_of_strings(script) -> None:
    """A child's text must never become markup: the page has no way to make any."""
    text = script.read_text("utf-8")
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|\beval\b"
    assert not re.findall(sinks, text)
    assert "createContextualFragment" not in text
    assert text.count("\n") <= 300


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_nothing_comes_from_elsewhere(file) -> None:
    if file.suffix not in (".js", ".css", ".html"):
        return
    text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.findall(r"(?:https?:)?//[a-z]\w*\.\w", text)
    for name in re.findall(r'from "\./([\w.]+)"|/page/([\w.-]+\.(?:js|css|svg))', text):
        assert set(filter(None, name)) <= NAMES
    for font in re.findall(r"fonts/([\w-]+\.woff2)", text):
        assert (Path(str(PAGE)) / "fonts" / font).is_file()


def test_no_view_of_gradios_and_no_script_of_sqlites_is_used() -> None:
    """Its Markdown eats what follows "<", its pictures are lossy, its State calls what it holds;
    SQLite's `executescript` commits what was pending."""
    calls = re.compile(
        r"\b(?:gr|gradio)\.(?:Markdown|HTML|Image|Gallery|State)\(|\.executescript\("
    )
    for file in Path(story.__file__).parent.rglob("*.py"):
        assert not calls.search(file.read_text("utf-8")), file.name


def test_the_faces_come_with_their_licences() -> None:
    for name in ("Literata", "Fraunces"):
        licence = (Path(str(PAGE)) / "fonts" / f"{name}-OFL.txt").read_text("utf-8")
        assert "SIL OPEN FONT LICENSE" in licence.upper()


def test_the_choices_are_the_worlds_own() -> None:
    from mmcourse.story.app.samples import choices

    offered = choices()
    assert [v["name"] for v in offered["voices"]] == [v.name for v in VOICES]
    assert len(offered["invitations"]) == 12
