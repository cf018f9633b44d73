"""Draw the contact sheet of the README: `python tools/pictures.py`."""

from pathlib import Path

from PIL import Image, ImageDraw

from mmcourse.storyworld import render, sample_scene

TARGET = Path(__file__).parents[1] / "book" / "_static" / "readme.png"
COLUMNS, ROWS, CELL, GAP = 6, 3, 152, 10


def main() -> None:
    """Eighteen training scenes on paper, with rounded corners, drawn at twice their size."""
    size = (COLUMNS * (CELL + GAP) + GAP, ROWS * (CELL + GAP) + GAP)
    sheet = Image.new("RGB", size, "#fffdf8")
    corners = Image.new("L", (4 * CELL, 4 * CELL), 0)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, 4 * CELL - 1, 4 * CELL - 1), 40, fill=255)
    mask = corners.reduce(4)
    for i in range(COLUMNS * ROWS):
        row, column = divmod(i, COLUMNS)
        at = (GAP + column * (CELL + GAP), GAP + row * (CELL + GAP))
        sheet.paste(render(sample_scene("train", 20 + i), CELL), at, mask)
    sheet.quantize(256, method=Image.Quantize.MEDIANCUT).save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
