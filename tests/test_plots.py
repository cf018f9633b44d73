"""Figures as SVG in a page."""

import base64
import io
import re
from xml.etree import ElementTree as ET

import numpy as np
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


def test_pictures_keep_their_pixels_and_lose_an_alpha_channel_that_says_nothing():
    """As matplotlib writes them they are a tenth larger, and a page of many is too heavy."""
    fig, ax = plots.figure()
    ax.imshow(np.random.default_rng(0).random((40, 40, 3)))
    ax.set_axis_off()
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg")
    (before,), (after,) = (
        re.findall(r"data:image/png;base64,([^\"]+)", svg)
        for svg in (buffer.getvalue(), plots.to_svg(fig))
    )
    written, ours = (Image.open(io.BytesIO(base64.b64decode(text))) for text in (before, after))
    assert ours.mode == "RGB"
    assert ours.tobytes() == written.convert("RGB").tobytes()
    assert len(after) < len("".join(before.split()))
