"""Fresh StoryWorld pictures a second, beside Pillow's decoding of the same pictures as JPEG.

Both on one core, in alternation. With --json, one object; the peer's and our numbers are pictures a
second at 64x64.
"""

import io
import json
import platform
import statistics
import sys
import time

import PIL
from PIL import Image

from mmcourse.storyworld import Scene, render, sample_scene
from mmcourse.storyworld.vocabulary import STYLES

N, ROUNDS, SIZE = 300, 5, 64


def rate(work, n: int) -> float:
    """How often a second `work(i)` runs for i = 0 to n - 1."""
    start = time.perf_counter()
    for i in range(n):
        work(i)
    return n / (time.perf_counter() - start)


def scenes_of(style: str, first: int, n: int) -> list[Scene]:
    """Unseen scenes in one style."""
    return [sample_scene("train", first + i, seed=3, style=style) for i in range(n)]


def main() -> None:
    warm = {style: scenes_of(style, 0, 1200 if style == "flat" else 300) for style in STYLES}
    files = []
    for scene in warm["flat"][:N]:
        buffer = io.BytesIO()
        render(scene, SIZE).save(buffer, "JPEG", quality=90)
        files.append(buffer.getvalue())
    for scenes in warm.values():  # backdrops and sprites are kept, whole pictures never
        for scene in scenes:
            render(scene, SIZE)
    ours: dict[str, list[float]] = {style: [] for style in STYLES}
    peer = []
    for r in range(ROUNDS):
        fresh = scenes_of("flat", 10_000 * (r + 1), N)
        ours["flat"].append(rate(lambda i, s=fresh: render(s[i], SIZE), N))
        peer.append(rate(lambda i: Image.open(io.BytesIO(files[i])).convert("RGB").load(), N))
        for style in STYLES[1:]:
            fresh = scenes_of(style, 10_000 * (r + 1), N // 4)
            ours[style].append(rate(lambda i, s=fresh: render(s[i], SIZE), N // 4))
    speed = {style: round(statistics.median(values), 1) for style, values in ours.items()}
    decoding = round(statistics.median(peer), 1)
    result = {
        "quantity": "pictures a second at 64x64, one core",
        "ours": speed["flat"],
        "peer": decoding,
        "peer_name": "Pillow decoding the same pictures as JPEG",
        "ratio": round(speed["flat"] / decoding, 4),
        "better": "higher",
        "styles": speed,
        "sizes": {"pictures": N, "rounds": ROUNDS, "side": SIZE},
        "versions": {"python": platform.python_version(), "pillow": PIL.__version__},
        "threads": 1,
    }
    if "--json" in sys.argv[1:]:
        print(json.dumps(result))
        return
    for style, value in speed.items():
        print(f"{style:12s} {value:8.0f} pictures/s")
    print(f"{'JPEG':12s} {decoding:8.0f} pictures/s")


if __name__ == "__main__":
    main()
