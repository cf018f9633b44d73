"""How the results of experiments/horizons.json are drawn."""

import base64
import io
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter
from PIL import Image

from mmcourse import plots

LOOKS = list(zip(plots.SERIES, plots.MARKERS, strict=True))
WAYS = {
    "both": "half facts, half retrieved",
    "summary": "summary of facts",
    "retrieved": "retrieved scenes",
    "packed": "chapter 7's context",
    "last_scenes": "last scenes",
}
SHAPES = {
    "rise": "rise",
    "fall": "fall",
    "fall_rise": "fall, rise",
    "rise_fall": "rise, fall",
    "rise_fall_rise": "rise, fall, rise",
    "fall_rise_fall": "fall, rise, fall",
}
FILMS = ("the world", "cross-fade", "cut-out", "latents mixed", "network")


def memory(found: dict) -> Figure:
    """Share of questions that can be answered against the budget, about now and about then."""
    part = found["memory"]
    fig, axes = plots.figure(1, 2, (7.2, 3.4))
    for ax, kind, title in zip(axes, ("now", "then"), ("What is true now", "What was then"),
                               strict=True):  # fmt: skip
        for (way, name), (colour, mark) in zip(WAYS.items(), LOOKS, strict=False):
            ax.plot(part["budgets"], part["ways"][way][kind], color=colour, marker=mark, label=name)
        ax.set(xscale="log", xlabel="budget in tokens", title=title, ylim=(-0.03, 1.03))
        ax.set_xticks(part["budgets"], [str(b) for b in part["budgets"]])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes[0].set_ylabel("questions answered")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


def taste(found: dict) -> Figure:
    """Agreement with a reader against the number of their choices, and what needs none."""
    part = found["taste"]
    fig, ax = plots.figure(size=(5.6, 3.4))
    names = {"attributes": "what a picture shows", "vectors": "its vector"}
    for (key, name), (colour, mark) in zip(names.items(), LOOKS, strict=False):
        ax.plot(part["counts"], part[key]["by_count"], color=colour, marker=mark, label=name)
    popular = part["attributes"]["popular"]
    ax.axhline(popular, color=plots.ROSE, linestyle="--", linewidth=1.4, label="what others like")
    ax.axhline(0.5, color=plots.INK, linestyle=":", linewidth=1.2, label="a coin")
    ax.set(xscale="log", xlabel="choices of the reader", ylabel="pairs guessed right")
    ax.set_xticks(part["counts"], [str(n) for n in part["counts"]])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.legend(loc="upper left")
    return fig


def bits(found: dict) -> Figure:
    """Captions that find their picture, against the bits of a number, by where the scale is."""
    part = found["small"]
    fig, axes = plots.figure(1, 2, (7.2, 3.2))
    for (by, name), (colour, mark) in zip(
        {"row": "a scale for each row", "tensor": "one for the matrix"}.items(), LOOKS, strict=False
    ):
        at = [row["bits"] for row in part["rows"]]
        look = {"color": colour, "marker": mark, "label": name}
        axes[0].plot(at, [row[by]["recall"] for row in part["rows"]], **look)
        axes[1].plot(at, [row[by]["error"] for row in part["rows"]], **look)
    axes[0].axhline(part["whole"]["recall"], color=plots.INK, linestyle=":", linewidth=1.2)
    axes[0].set(title="Captions that find their picture", ylim=(-0.03, 1.05))
    axes[0].yaxis.set_major_formatter(PercentFormatter(1.0))
    axes[1].set(title="Error of the weights", yscale="log")
    for ax in axes:
        ax.set_xlabel("bits")
        ax.invert_xaxis()
        ax.set_xticks(at)
    axes[0].legend(loc="lower left")
    return fig


def arcs(found: dict) -> Figure:
    """Six shapes: what was wanted, what was planned, and what came by itself."""
    shown = found["arcs"]["shown"]
    fig, axes = plots.figure(2, 3, (7.2, 4.4))
    lines = {
        "target": ("wanted", plots.INK, ":", None),
        "planned": ("planned", plots.BLUE, "-", "o"),
        "any": ("by itself", plots.ORANGE, "--", "s"),
    }
    for ax, (key, title) in zip(axes.flat, SHAPES.items(), strict=True):
        for way, (name, colour, dash, mark) in lines.items():
            arc = shown[key][way]
            at = range(1, len(arc) + 1)
            ax.plot(at, arc, color=colour, linestyle=dash, marker=mark, markersize=4, label=name,
                    linewidth=1.6)  # fmt: skip
        ax.set(title=title, ylim=(-1.1, 1.1))
        ax.set_yticks([-1, 0, 1], ["bad", "", "good"])
        ax.set_xticks([1, 6, 12])
    for ax in axes[1]:
        ax.set_xlabel("scene")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return fig


def hop(found: dict) -> Figure:
    """The frames of one clip, a row for each way."""
    sheet = Image.open(io.BytesIO(base64.b64decode(found["clip"]["shown"]))).convert("RGB")
    fig, ax = plots.figure(size=(6.4, 5.2))
    ax.imshow(np.asarray(sheet), interpolation="none")
    _rows(ax, FILMS, sheet.height)
    columns = ("given", "¼", "½", "¾", "given")
    step = sheet.width / len(columns)
    ax.set_xticks([step * (i + 0.5) for i in range(len(columns))], columns)
    ax.xaxis.tick_top()
    return fig


def _rows(ax: Axes, names: tuple[str, ...], height: int) -> None:
    step = height / len(names)
    ax.set_yticks([step * (i + 0.5) for i in range(len(names))], names)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)


DRAWN: dict[str, Callable[[dict], Figure]] = {
    "horizons.memory": memory,
    "horizons.taste": taste,
    "horizons.bits": bits,
    "horizons.arcs": arcs,
    "horizons.hop": hop,
}
"""By the experiment's name and the figure's."""
