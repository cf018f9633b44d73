"""Make the two faces that copies of stories carry: the book's own, each as one TrueType file.

The pages load variable WOFF2 files, in parts; a PDF, an e-reader and a file that must work by
itself want one weight in one file. `tools/vendor.py` brings the sources; the results are tracked,
since whoever only installs the package has no npm.
"""

import io
import shutil
from pathlib import Path

from fontTools.merge import Merger
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "book" / "_static" / "vendor" / "fonts"
OUT = ROOT / "mmcourse" / "story" / "export" / "fonts"

FACES = {
    "Literata": (
        ("literata/literata-latin-wght-normal", "literata/literata-latin-ext-wght-normal"),
        {"wght": 420.0},
    ),
    "Fraunces": (("fraunces/fraunces-latin-soft-normal",), {"wght": 600.0, "SOFT": 100.0}),
}
"""Each face: its parts, and where on its axes it is taken."""
DROPPED = ("STAT", "MVAR", "HVAR", "avar", "DSIG", "meta", "prep", "gasp")
"""Tables that a font without axes and hints has no use for."""


def still(part: str, place: dict[str, float]) -> TTFont:
    """One part at one place of its axes; an axis that is not named stays at its default."""
    font = TTFont(SOURCES / f"{part}.woff2")
    axes = {axis.axisTag: place.get(axis.axisTag, axis.defaultValue) for axis in font["fvar"].axes}
    font = instantiateVariableFont(font, axes)
    font.flavor = None
    for table in DROPPED:
        if table in font:
            del font[table]
    return font


def made(parts: tuple[str, ...], place: dict[str, float]) -> TTFont:
    """The parts as one font."""
    files = []
    for part in parts:
        file = io.BytesIO()
        still(part, place).save(file)
        file.seek(0)
        files.append(file)
    return Merger().merge(files) if len(files) > 1 else TTFont(files[0])


def main() -> None:
    """Write each face and its licence."""
    OUT.mkdir(parents=True, exist_ok=True)
    for name, (parts, place) in FACES.items():
        font = made(parts, place)
        font["head"].modified = font["head"].created  # the same bytes at every run
        font.recalcTimestamp = False
        target = OUT / f"{name}.ttf"
        font.save(target)
        shutil.copyfile(SOURCES / parts[0].split("/")[0] / "LICENSE", OUT / f"{name}-OFL.txt")
        print(f"{target.relative_to(ROOT)}: {len(font.getBestCmap())} characters,"
              f" {target.stat().st_size // 1000} kB")  # fmt: skip


if __name__ == "__main__":
    main()
