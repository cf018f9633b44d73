"""Figures as SVG in a page."""

import base64
import io
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from mmcourse import plots


def test_no_two_parts_of_a_figure_share_an_id():
    """Pictures that are alike: a validator of EPUBs refuses such a file."""
    fig, axes = plots.figure(1, 3)
    for ax in axes:
        ax.imshow(np.zeros((2, 2, 3)))
    svg = plots.to_svg(fig)
    drawn = ET.fromstring(svg)
    assert len([e for e in drawn.iter() if e.tag.endswith("image")]) == 3
    ids = [e.get("id") for e in drawn.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    used = re.findall(r"url\(#([^)]+)\)", svg) + re.findall(r'href="#([^"]+)"', svg)
    assert used
    assert set(used) <= set(ids)


def embedded(array):
    """A picture of a figure as matplotlib writes it, and as we do: texts, then pictures."""
    fig, ax = plots.figure()
    ax.imshow(array)
    ax.set_axis_off()
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg")
    texts = [
        re.findall(r"data:image/(?:png|jpeg);base64,([^\"]+)", svg)[0]
        for svg in (buffer.getvalue(), plots.to_svg(fig))
    ]
    opened = [Image.open(io.BytesIO(base64.b64decode(text))) for text in texts]
    return *("".join(text.split()) for text in texts), *opened


def test_a_picture_of_few_colours_keeps_its_pixels_and_loses_an_alpha_that_says_nothing():
    """As matplotlib writes them they are a tenth larger, and a page of many is too heavy."""
    dice = np.random.default_rng(0)
    before, after, written, ours = embedded(dice.random((200, 3))[dice.integers(0, 200, (40, 40))])
    assert ours.convert("RGB").tobytes() == written.convert("RGB").tobytes()
    assert "A" not in ours.mode
    assert len(after) < 0.7 * len(before)


def test_of_256_colours_and_a_jpeg_the_smaller_is_taken():
    """Plain squares in few colours: a JPEG of them is far larger than what there was."""
    dice = np.random.default_rng(0)
    few = dice.integers(0, 256, (250, 3))[dice.integers(0, 250, (16, 16))]
    buffer = io.BytesIO()
    plain = Image.fromarray(few.repeat(12, 0).repeat(12, 1).astype(np.uint8))
    plain.save(buffer, "PNG", optimize=True)
    packed = base64.b64encode(buffer.getvalue()).decode()
    uri = plots._repacked(
        re.fullmatch(r"data:image/png;base64,(.+)", f"data:image/png;base64,{packed}")
    )
    kind, _, ours = uri.partition(";base64,")
    assert kind == "data:image/png"
    assert 0.7 * len(packed) < len(ours) < 0.85 * len(packed)
    assert (
        Image.open(io.BytesIO(base64.b64decode(ours))).convert("RGB").tobytes() == plain.tobytes()
    )


@pytest.mark.parametrize("grain", [0.0, 0.3])
def test_soft_and_grainy_pictures_stay_near_what_they_were(grain):
    y, x = np.mgrid[0:1:160j, 0:1:160j]
    soft = np.stack([x, y, (x + y) / 2], -1) / 2 + 0.25
    noise = np.random.default_rng(0).normal(0, grain, soft.shape)
    before, after, written, ours = embedded((soft + noise).clip(0, 1))
    error = np.subtract(ours.convert("RGB"), written.convert("RGB"), dtype=float)
    assert np.square(error).mean() <= (80 if grain else 16)  # 29 and 36 dB
    assert len(after) <= (1 if grain else 0.7) * len(before)


def test_paths_are_written_to_a_hundredth_of_a_point():
    fig, ax = plots.figure()
    ax.plot(np.random.default_rng(0).random(50))
    paths = re.findall(r' d="([^"]+)"', plots.to_svg(fig))
    assert sum(map(len, paths)) > 1_000
    assert not [path for path in paths if re.search(r"\.\d{3}", path)]


def test_nothing_is_drawn_of_a_run_that_is_over():
    def draw(history):
        raise AssertionError("there is nothing to draw")

    assert plots.watch([], draw, name="a", caption="b", alt="c") == []
