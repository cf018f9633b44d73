"""How results of experiments are drawn: a function for each figure, from its file to a picture."""

import math
from bisect import bisect_left
from collections.abc import Callable

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from mmcourse import plots

from . import horizons

DIAMOND = {"marker": "D", "linestyle": "none", "markersize": 8, "color": plots.ROSE}
CODECS = {"jpeg": ("JPEG", plots.ORANGE, "s"), "webp": ("WebP", plots.TEAL, "^")}
CURES = {
    "fsq": "no codebook (FSQ)",
    "simvq": "one map (SimVQ)",
    "ema_restart": "EMA, restarts",
    "cosine": "cosine codes",
    "data_start": "start on the data",
    "ema": "EMA",
    "rotation": "rotation trick",
    "plain": "none",
}


def spread(values: list[float], gap: float) -> list[float]:
    """Places for labels beside these values, at least `gap` apart and in their order."""
    order = sorted(range(len(values)), key=values.__getitem__)
    places = [values[i] for i in order]
    for _ in range(200):  # push neighbours apart until all have room
        for i in range(len(places) - 1):
            push = max(0.0, (gap - (places[i + 1] - places[i])) / 2)
            places[i], places[i + 1] = places[i] - push, places[i + 1] + push
    return [place for _, place in sorted(zip(order, places, strict=True))]


def cures(found: dict) -> Figure:
    """Perplexity over the steps of training, a line for each cure, named at its end."""
    fig, ax = plots.figure(size=(6.2, 4.2))
    steps, runs = found["steps"], found["kinds"]
    every = steps // max(len(runs[kind]["history"]) for kind in CURES)
    ends = [math.log(runs[kind]["history"][-1]) for kind in CURES]
    places = spread(ends, 0.36)
    looks = [(colour, dash) for dash in ("-", "--") for colour in plots.SERIES]
    for (kind, name), place, (colour, dash) in zip(CURES.items(), places, looks, strict=False):
        history = runs[kind]["history"]
        at = [every * (i + 1) for i in range(len(history))]
        ax.plot(at, history, color=colour, linestyle=dash)
        ax.annotate(
            name,
            (at[-1], history[-1]),
            (1.03 * steps, math.exp(place)),
            fontsize=9,
            va="center",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6},
        )
    ax.set(xlabel="step", title="Perplexity of the batch", yscale="log", xlim=(0, 1.52 * steps))
    ax.set_ylim(0.8, found["codes"])
    ax.set_yticks([1, 10, 100], ["1", "10", "100"])
    ax.set_xticks(range(0, steps + 1, 100))
    return fig


def rule(found: dict) -> Figure:
    """PSNR against the bits of a table, and the slope that the rule of thumb promises."""
    fig, ax = plots.figure(size=(5.4, 3.4))
    for factor, colour, mark in ((4, plots.BLUE, "o"), (8, plots.VIOLET, "P")):
        rows = [r for r in found["storyworld"]["codes"] if r["factor"] == factor]
        bits = [r["bits_table"] for r in rows]
        ax.plot(bits, [r["psnr"] for r in rows], color=colour, marker=mark)
        for row in rows:
            label = {"textcoords": "offset points", "fontsize": 9}
            ax.annotate(f"{row['codes']:,}", (row["bits_table"], row["psnr"]), (0, 7), **label)
        slope = 20 * math.log10(2) / (3 * 64 * 64)  # dB for each bit of the picture
        line = [rows[0]["psnr"] + slope * (b - bits[0]) for b in bits]
        ax.plot(bits, line, color=colour, linestyle=":", linewidth=1.2)
        side = 64 // factor
        ax.annotate(
            f"{side} x {side} places", (bits[-1], rows[-1]["psnr"]), (6, -4), va="top", **label
        )
    ax.set(xlabel="bits a picture, by a table", ylabel="PSNR (dB)", xlim=(0, 3300))
    ax.margins(y=0.12)
    return fig


def levels(found: dict) -> Figure:
    """PSNR against the bits at each place, of the shipped networks with more codes, between what
    tiles without a network reach and what the networks reach without rounding."""
    fig, ax = plots.figure(size=(5.4, 3.4))
    rows = found["levels"]
    bits = [r["bits"] for r in rows]
    ax.axhline(found["unrounded"]["psnr"], color=plots.TEAL, linestyle=":", linewidth=1.2)
    ax.plot(bits, [r["psnr"] for r in rows], color=plots.BLUE, marker="o")
    ax.plot(bits[0], found["shipped"]["psnr"], **DIAMOND)
    ax.plot(bits[0], found["k_means"]["psnr"], marker="s", linestyle="none", color=plots.ORANGE)
    label = {"textcoords": "offset points", "fontsize": 9}
    ax.annotate("nothing rounded", (bits[0], found["unrounded"]["psnr"]), (0, -13), **label)
    ax.annotate(
        "shipped", (bits[0], found["shipped"]["psnr"]), (-8, 0), ha="right", va="center", **label
    )
    ax.annotate("tiles, k-means", (bits[0], found["k_means"]["psnr"]), (8, -4), **label)
    for row in rows:
        name = f"{row['codes']} code{'s' if row['codes'] > 1 else ''}"
        ax.annotate(name, (row["bits"], row["psnr"]), (6, -11), **label)
    ax.set(xlabel="bits at each place", ylabel="PSNR (dB)", xlim=(-2, bits[-1] + 9))
    ax.set_xticks(bits)
    ax.margins(y=0.12)
    return fig


def codecs(found: dict) -> Figure:
    """PSNR against bits on disk: codes, JPEG and WebP, on both sets of pictures."""
    fig, axes = plots.figure(1, 2, (6.2, 3.2))
    titles = {"storyworld": "StoryWorld", "photographs": "Photographs"}
    for ax, (name, title) in zip(axes, titles.items(), strict=True):
        for kind, (label, colour, mark) in CODECS.items():
            points = [(r["bits"], r["psnr"]) for r in found[name][kind]]
            ax.plot(*zip(*points, strict=True), color=colour, marker=mark, label=label)
        points = [(r["bits_file"], r["psnr"]) for r in found[name]["codes"] if r["factor"] == 4]
        ax.plot(*zip(*points, strict=True), color=plots.BLUE, marker="o", label="codes, small")
        shipped = found[name]["shipped"]
        ax.plot(shipped["bits_file"], shipped["psnr"], label="codes, shipped", **DIAMOND)
        ax.set(xscale="log", xlabel="bits a picture, on disk", title=title)
        plain_bits(ax.xaxis)
    axes[0].set_ylabel("PSNR (dB)")
    axes[0].legend()
    return fig


def plain_bits(axis: Axis) -> None:
    """Ticks of bits as people write them."""
    low, high = axis.get_view_interval()
    known = [digit * 10**power for power in range(2, 6) for digit in (1, 2, 5)]
    ticks = [t for t in known if low <= t <= high]
    axis.set_ticks(ticks, [f"{t / 1000:g}k" if t >= 1000 else str(t) for t in ticks])
    axis.set_minor_locator(NullLocator())


def bits_at(rows: list[dict], psnr: float) -> float:
    """What a codec needs for this PSNR, between two of its measured qualities."""
    points = sorted((r["psnr"], math.log(r["bits"])) for r in rows)
    i = min(max(1, bisect_left([p for p, _ in points], psnr)), len(points) - 1)
    (p0, b0), (p1, b1) = points[i - 1], points[i]
    return math.exp(b0 + (b1 - b0) * (psnr - p0) / (p1 - p0))


def amortised(found: dict) -> Figure:
    """Bits a picture with what the reader must have, against how many pictures are sent."""
    fig, ax = plots.figure(size=(5.4, 3.4))
    shipped = found["storyworld"]["shipped"]
    many = [10 ** (2 + i / 10) for i in range(51)]
    bits = [shipped["bits_file"] + 8 * shipped["reader_bytes"] / n for n in many]
    ax.plot(many, bits, color=plots.ROSE)
    end = {"textcoords": "offset points", "fontsize": 9, "va": "bottom"}
    ax.annotate("codes and their reader", (many[3], bits[3]), (8, 2), **end)
    ax.axhline(shipped["bits_file"], color=plots.ROSE, linestyle=":", linewidth=1.2)
    ax.annotate("codes alone", (many[0], shipped["bits_file"]), (2, 2), **end)
    for kind, (label, colour, _) in CODECS.items():
        needs = bits_at(found["storyworld"][kind], shipped["psnr"])
        ax.axhline(needs, color=colour)
        side = (-2, 2) if kind == "jpeg" else (-2, -13)
        ax.annotate(label, (many[-1], needs), side, ha="right", **end)
    ax.set(xscale="log", yscale="log", xlabel="pictures sent", title="Bits a picture")
    plain_bits(ax.yaxis)
    thousands = (100, 1000, 10_000, 100_000, 1_000_000, 10_000_000)
    ax.set_xticks(thousands, [f"{n:,}" for n in thousands])
    return fig


def losses(found: dict) -> Figure:
    """Loss over the steps in float32 and in bfloat16, of both trainings."""
    fig, axes = plots.figure(2, 1, (5.4, 5.2))
    titles = {"towers": "Towers", "dense": "Dense VQ-VAE"}
    for ax, (name, title) in zip(axes, titles.items(), strict=True):
        learnt = found["learnt"][name]
        ways = {"float32": (plots.BLUE, "-"), "bfloat16": (plots.ORANGE, "--")}
        for way, (colour, dash) in ways.items():
            curve = learnt["curves"][way]
            every = learnt["n"] / len(curve)
            at = [every * (i + 0.5) for i in range(len(curve))]
            ax.plot(at, curve, color=colour, linestyle=dash, label=way)
        ax.set(ylabel="loss", title=title, xlim=(0, learnt["n"]))
    axes[-1].set_xlabel("step")
    axes[0].legend()
    return fig


def remembered(found: dict) -> Figure:
    """Share of what is true that a writer is told, against the budget: the package's context, and a
    window of the last scenes, after 10, 20 and 40 scenes."""
    fig, ax = plots.figure(size=(5.0, 4.4))
    budgets = (50, 100, 200, 400)
    for scenes, colour in ((10, plots.BLUE), (20, plots.TEAL), (40, plots.ORANGE)):
        for kind, dash in (("ours", "-"), ("window", "--")):
            values = [found["parts"][f"facts_{kind}_{scenes}_{b}"]["value"] for b in budgets]
            label = f"{scenes}, {'by worth' if kind == 'ours' else 'window'}"
            ax.plot(budgets, values, color=colour, linestyle=dash, marker="o", label=label)
    ax.set(xlabel="budget in tokens", title="Share of the true facts, by scenes", ylim=(0, 1.03))
    ax.set_xscale("log")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(budgets, [str(b) for b in budgets])
    ax.legend(fontsize=9, ncols=3, loc="upper center", bbox_to_anchor=(0.45, -0.17))
    return fig


DRAWN: dict[str, Callable[[dict], Figure]] = {
    "precision.losses": losses,
    "vqvae_collapse.cures": cures,
    "vqvae_rate.rule": rule,
    "vqvae_bits.levels": levels,
    "vqvae_rate.codecs": codecs,
    "vqvae_rate.amortised": amortised,
    "story.remembered": remembered,
    **horizons.DRAWN,
}
"""By the experiment's name and the figure's."""
