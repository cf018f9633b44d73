"""A story as an animated picture book: a GIF, or an MP4 with its narration where ffmpeg is at hand.

Pages whose exact scene is known move, the way the world moves. Both kinds are read back before they
take their name: a writer may scale odd sides, drop frames or leave an empty file without a word.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmcourse.story.export.book import Book, gather
from mmcourse.story.export.cards import (
    TITLE_SECONDS,
    Card,
    cover_card,
    gallery_card,
    movement,
    spoken_in_cards,
)
from mmcourse.story.export.frames import GIF, MP4, Format, drawn
from mmcourse.story.export.mp4 import encoder, mp4
from mmcourse.story.export.writing import put
from mmcourse.story.library import Library
from mmcourse.story.narration import Narration
from mmcourse.story.story import Story

if TYPE_CHECKING:
    from PIL.Image import Image

MISSING = "a film needs ffmpeg; install it, or pip install 'mmcourse[film]', or choose a .gif"
LIGHT = 8
"""How far the mean colour of a card's pictures may move, of 255, until each has its own palette."""
Progress = Callable[[float], None]


def film(
    story: Story,
    library: Library,
    path: str | Path,
    narration: Narration | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a story as an animated picture book.

    Args:
        story: which; the scenes along the path where the reader is.
        library: where its pictures are.
        path: a file that ends in ".gif" or ".mp4".
        narration: what is read aloud, for an MP4.
        progress: is told how much is done, 0 to 1; what it raises ends the work.

    Raises:
        ValueError: another ending, an empty story, no ffmpeg for an MP4, or a path that cannot be
            written.
    """
    ending = Path(path).suffix.lower()
    if ending not in (".gif", ".mp4"):
        raise ValueError(f"a film ends in .gif or .mp4, got {Path(path).name!r}")
    if ending == ".mp4" and not encoder():
        raise ValueError(MISSING)
    form = GIF if ending == ".gif" else MP4
    book = gather(story, library, form.side)
    spoken = narration if ending == ".mp4" else None
    cards = _cards(book, form, spoken, progress or (lambda share: None))  # one page at a time
    content = gif(cards, form) if ending == ".gif" else mp4(cards, form, _sound(book, spoken))
    return put(path, content, ending[1:])


def _cards(
    book: Book, form: Format, narration: Narration | None, progress: Progress
) -> Iterator[Card]:
    """Cover, pages in portions, gallery."""
    yield cover_card(book, form.side, round(form.letters * 1.5), form.room)
    for i, page in enumerate(book.pages):
        progress(i / (len(book.pages) + 1))
        pictures, again = movement(page, book.pages[i - 1] if i else None, form.n, form.drawn)
        spoken = narration.of(page.scene, page.text) if narration else None
        for lines, seconds in spoken_in_cards(page.text, spoken, form.letters, form.room) or [
            ((), 2.5)
        ]:
            yield Card(tuple(pictures), lines, seconds, again)
            if not again:  # what happened once does not happen again with the next lines
                pictures = pictures[-1:]
    if book.gallery:
        yield gallery_card(book.gallery, form.side, form.letters)
    progress(1.0)


def _sound(book: Book, narration: Narration | None) -> tuple[np.ndarray, int] | None:
    """The narration as one row of samples: silence under the cover, then page after page."""
    found = [narration.of(p.scene, p.text) if narration else None for p in book.pages]
    if any(one is None for one in found):
        return None  # not all is read aloud: sound and pictures would part
    rate = found[0].rate  # type: ignore[union-attr]
    silence = np.zeros(round(TITLE_SECONDS * rate), np.float32)
    return np.concatenate([silence, *(one.samples for one in found if one)]), rate


# -- GIF -----------------------------------------------------------------------------------------


def gif(cards: Iterable[Card], form: Format) -> bytes:
    """The cards as a GIF that begins again. Times are in hundredths of a second, as GIF counts.

    Raises:
        ValueError: it could not be read back.
    """
    from PIL import Image

    frames: list[Image.Image] = []
    times: list[int] = []
    step = round(form.step * 100) * 10
    for card in cards:
        moving = len(card.pictures) if card.seconds > len(card.pictures) * form.step else 1
        images = [drawn(card, i, form) for i in range(max(1, moving))]
        images += images[:1] if card.again and moving > 1 else []  # it comes to rest as it began
        palettes = _palettes(images)
        for i, image in enumerate(images):
            last = i == len(images) - 1
            time = max(step, round(card.seconds * 100) * 10 - step * (len(images) - 1))
            frame = image.quantize(palette=palettes[i], dither=Image.Dither.NONE)
            if frames and frame.tobytes() == frames[-1].tobytes():
                times[-1] += time if last else step  # equal neighbours would be made one, unsaid
                continue
            frames.append(frame)
            times.append(time if last else step)
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0,
                   disposal=1, optimize=False)  # fmt: skip
    _read_back_gif(out.getvalue(), frames[0].size, sum(times))
    return out.getvalue()


def _palettes(images: list[Image]) -> list[Image]:
    """256 colours for all pictures of a card, so that nothing flickers; for each its own where the
    light changes, for two skies are too many colours for one palette."""
    first, last = (np.asarray(i.resize((1, 1)), float) for i in (images[0], images[-1]))
    if np.abs(first - last).max() > LIGHT:
        return [_palette([image]) for image in images]
    return [_palette(images)] * len(images)


def _palette(images: list[Image]) -> Image:
    """256 colours for all pictures of a card, so that nothing flickers."""
    from PIL import Image as pil

    shown = images[:: max(1, len(images) // 3)]
    sheet = pil.new("RGB", (shown[0].width * len(shown), shown[0].height))
    for i, image in enumerate(shown):
        sheet.paste(image, (i * image.width, 0))
    return sheet.quantize(256, pil.Quantize.MEDIANCUT)


def _read_back_gif(content: bytes, size: tuple[int, int], milliseconds: int) -> None:
    from PIL import Image, ImageSequence

    with Image.open(io.BytesIO(content), formats=("GIF",)) as found:
        lasts = sum(int(f.info.get("duration", 0)) for f in ImageSequence.Iterator(found))
        if found.size != size or lasts != milliseconds:
            raise ValueError(
                f"the GIF came out as {found.size} for {lasts} ms, not {size} for {milliseconds} ms"
            )
