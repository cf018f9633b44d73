"""The offline copies' cover, with a scene that StoryWorld draws when it is made, and imprint."""

import base64
import io
from datetime import UTC, datetime
from pathlib import Path

from offline import AUTHOR, SUBTITLE, TITLE, version
from playwright.sync_api import Page

from mmcourse.storyworld import Character, Scene, Thing, render

ALT = (
    "In a forest at sunset a happy orange fox in a scarf jumps beside a happy blue owl in a hat, "
    "under a red balloon."
)

LICENCES = (
    'Text and figures: <a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>. '
    'Code: <a href="https://www.apache.org/licenses/LICENSE-2.0">Apache-2.0</a>. StoryWorld\u2019s '
    'pictures: <a href="https://creativecommons.org/publicdomain/zero/1.0/">CC0 1.0</a>.'
)


def style() -> str:
    """The style sheet of the cover and of the printed book."""
    return Path(__file__).with_name("offline.css").read_text(encoding="utf-8")


def scene() -> Scene:
    """The heroine of the front page, her friend, and the balloon that they found again."""
    fern = Character("fox", "orange", "scarf", "happy", "jumping", "left", "Fern")
    olive = Character("owl", "blue", "hat", "happy", "waving", "right", "Olive")
    balloon = Thing("balloon", "red", "middle")
    return Scene((fern, olive), (balloon,), "forest", "sunset", "clear")


def markup() -> str:
    """The cover as HTML, its picture inside. `tools/offline.css` lays it out."""
    file = io.BytesIO()
    render(scene(), 1200).save(file, "JPEG", quality=90)
    picture = base64.b64encode(file.getvalue()).decode()
    title = TITLE.replace(" from ", "<br/>from ")
    return (
        '<section class="mm-cover" id="cover">'
        f'<p class="mm-cover-title">{title}</p>'
        f'<p class="mm-cover-subtitle">{SUBTITLE}</p>'
        f'<img src="data:image/jpeg;base64,{picture}" alt="{ALT}"/>'
        f'<p class="mm-cover-author">{AUTHOR}</p></section>'
    )


def imprint() -> str:
    """What stands behind the cover: edition, licences, what a copy does otherwise than the web."""
    today = datetime.now(UTC)
    return (
        f'<section class="mm-imprint" id="imprint"><p><strong>{TITLE}. {SUBTITLE}.</strong><br/>'
        f"By {AUTHOR}. Version {version()}, made on {today.day} {today:%B %Y}.</p>"
        f"<p>{LICENCES}</p>"
        "<p>This copy was made from the pages of the book online: each figure and number in it was "
        "computed by the book\u2019s repository. Answers that those pages fold away stand at the "
        "end of their part. Links between pages lead inside this copy.</p></section>"
    )


def photographed(page: Page) -> bytes:
    """The cover as a JPEG, taken in a page that has the book's fonts."""
    page.add_style_tag(content=style())
    page.evaluate("html => document.body.insertAdjacentHTML('afterbegin', html)", markup())
    page.evaluate("() => Promise.all([...document.images].map(i => i.decode()))")
    shot = page.locator("#cover").screenshot(type="jpeg", quality=88)
    page.evaluate("() => document.getElementById('cover').remove()")
    return shot
