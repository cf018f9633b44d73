"""The look of every figure: paper, ink, six colours that stay apart for colour-blind eyes.

Importing this module gives every figure of the session that look. `show` turns a figure into
inline SVG whose ink and paper are CSS variables, so a page can change its theme and its figures
follow. Every figure has a name, a caption, and a text for those who cannot see it.
"""

from __future__ import annotations

import base64
import html
import io
import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from cycler import cycler
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

T = TypeVar("T")

INK, PAPER, GRID = "#2b2a33", "#fffdf8", "#d9d4c7"
BLUE, ORANGE, TEAL = "#3b6ea8", "#d9822b", "#2a9d8f"
ROSE, VIOLET, MOSS = "#c8506e", "#7a5ea8", "#7d8c3c"
SERIES = (BLUE, ORANGE, TEAL, ROSE, VIOLET, MOSS)
MARKERS = ("o", "s", "^", "D", "v", "P")
"""One for each colour of `SERIES`, so that no meaning hangs on colour alone."""

VARIABLES = {INK: "--mm-ink", PAPER: "--mm-paper", GRID: "--mm-grid"}

STYLE: dict[Any, Any] = {
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=SERIES),
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 2.0,
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "svg.fonttype": "path",
    "svg.hashsalt": "mmcourse",
    "figure.constrained_layout.use": True,
}


plt.rcParams.update(STYLE)


FEW_COLOURS_ERROR = 16.0
"""The mean squared error, in steps of 256, up to which a picture is kept in 256 colours: 36 dB."""
WORTH, CLEARLY = 0.85, 0.7
"""A picture is changed only if it then has at most this share of its bytes; 256 colours that bring
it to the second are taken without asking whether a JPEG would be smaller still."""


def figure(rows: int = 1, columns: int = 1, size: tuple[float, float] = (7.0, 3.2)) -> Any:
    """A figure and its axes, `size` in inches."""
    return plt.subplots(rows, columns, figsize=size)


def to_svg(fig: Figure) -> str:
    """A figure as an <svg> element, its ink, paper and grid replaced by CSS variables."""
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable}, {colour})")
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.S)
    svg = re.sub(r'(<image\b[^>]*?) id="[^"]*"', r"\1", svg)  # two alike would share theirs
    svg = re.sub(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)", _repacked, svg)
    svg = re.sub(r'(?<= d=")[^"]+', _rounded, svg)
    return re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)


def _rounded(path: re.Match[str]) -> str:
    """A path to a hundredth of a point: matplotlib writes six digits, which nobody sees."""
    return re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", path[0])


def _repacked(packed: re.Match[str]) -> str:
    """A PNG as a data URI in fewer bytes. An alpha that says nothing goes. What 256 colours show
    as well is kept in them, and what is soft or grainy becomes a JPEG, where either saves a sixth:
    a page of many pictures would be too heavy otherwise."""
    before = base64.b64decode(packed[1])
    picture: Image.Image = Image.open(io.BytesIO(before))
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255):
        picture = picture.convert("RGB")
    best, kind = min(_written(picture, "PNG", optimize=True), before, key=len), "png"
    if picture.mode == "RGB":
        few = picture.quantize(256, kmeans=2, dither=Image.Dither.NONE)
        apart = float(np.square(_numbers(few.convert("RGB")) - _numbers(picture)).mean())
        smaller = _written(few, "PNG", optimize=True)
        if apart > FEW_COLOURS_ERROR or len(smaller) > CLEARLY * len(best):
            soft = _written(picture, "JPEG", quality=87, subsampling=0)
            if apart > FEW_COLOURS_ERROR or len(soft) < len(smaller):
                smaller, kind = soft, "jpeg"
        if len(smaller) <= WORTH * len(best):
            best = smaller
        else:
            kind = "png"
    return f"data:image/{kind};base64,{base64.b64encode(best).decode()}"


def _numbers(picture: Image.Image) -> NDArray[np.float64]:
    return np.asarray(picture, dtype=np.float64)


def _written(picture: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def _bundle(fig: Figure, name: str, caption: str, alt: str) -> dict[str, Any]:
    """What IPython displays for a figure, which is closed."""
    if not caption.strip() or not alt.strip():
        raise ValueError(f"figure {name!r} needs a caption and an alt text")
    # Identifiers inside an SVG are global to the page that holds it.
    prefix = re.sub(r"\W", "-", name)
    svg = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{prefix}-", to_svg(fig))
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(alt)}"', 1)
    width = fig.get_figwidth()
    plt.close(fig)
    markup = (
        f'<figure class="mm-figure" id="fig-{prefix}" style="max-width:{width * 6:.0f}rem">'
        f"{svg}<figcaption>{html.escape(caption)}</figcaption></figure>"
    )
    return {
        "obj": {"text/html": markup, "text/plain": f"[figure {name}: {alt}]"},
        "metadata": {"mmcourse": {"figure": {"name": name}}},
        "raw": True,
    }


def show(fig: Figure, *, name: str, caption: str, alt: str) -> None:
    """Display a figure.

    Args:
        fig: closed afterwards.
        name: dotted, starting with the chapter; pages show the figure again by it.
        caption: what the reader should see in it.
        alt: the same for those who cannot look: what is drawn, not that something is.

    Raises:
        ValueError: an empty caption or alt.
    """
    from IPython.display import display

    bundle = _bundle(fig, name, caption, alt)
    display(bundle.pop("obj"), **bundle)


def watch(
    steps: Iterable[T], draw: Callable[[list[T]], Figure], *, name: str, caption: str, alt: str
) -> list[T]:
    """Run through `steps`, redrawing the picture of what has come so far every few seconds.

    Args:
        steps: such as the metrics that a training yields.
        draw: makes a figure of all of them up to now.
        name: as for `show`.
        caption: as for `show`.
        alt: as for `show`.

    Returns:
        All that `steps` yielded.
    """
    from IPython.display import DisplayHandle

    handle = DisplayHandle()
    history: list[T] = []
    redrawn = None

    def redraw() -> float:
        bundle = _bundle(draw(history), name, caption, alt)
        (handle.display if redrawn is None else handle.update)(bundle.pop("obj"), **bundle)
        return time.monotonic()

    for step in steps:
        history.append(step)
        if redrawn is None or time.monotonic() - redrawn > 4:
            redrawn = redraw()
    if history:
        redraw()
    return history


def as_image(picture: Tensor | Image.Image) -> Any:
    """A picture to an (H, W, 3) array that matplotlib draws; tensors are (3, H, W) in [-1, 1] or
    uint8 (H, W, 3)."""
    if isinstance(picture, Image.Image):
        return np.asarray(picture)
    array = picture.detach().cpu().numpy()
    if array.dtype == np.uint8:
        return array
    return ((array.transpose(1, 2, 0) + 1) * 127.5).clip(0, 255).round().astype(np.uint8)


def picture(
    ax: Axes, image: Tensor | Image.Image, title: str = "", frame: str | None = None
) -> None:
    """One picture on bare axes; `frame` draws a border of that colour."""
    ax.imshow(as_image(image), interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    if title:
        ax.set_title(title, fontsize=8, wrap=True)
    for spine in ax.spines.values():
        spine.set_visible(frame is not None)
        spine.set_color(frame or GRID)
        spine.set_linewidth(3.0)


def gallery(
    images: Sequence[Tensor | Image.Image],
    titles: Sequence[str] = (),
    columns: int = 6,
    cell: float = 1.25,
) -> Figure:
    """A grid of pictures, each `cell` inches wide, with optional titles."""
    rows = -(-len(images) // columns)
    extra = 0.35 if titles else 0.08
    fig, axes = figure(rows, columns, (columns * cell, rows * (cell + extra)))
    for i, ax in enumerate(np.atleast_1d(axes).ravel()):
        if i < len(images):
            picture(ax, images[i], titles[i] if titles else "")
        else:
            ax.axis("off")
    return fig
