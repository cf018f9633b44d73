"""Figures as SVG in a page."""

import re
from xml.etree import ElementTree as ET

import numpy as np

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
