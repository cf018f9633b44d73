"""Renew tests/data/colab-versions.txt from Colab's published package list.

python tools/colab_versions.py pip-freeze.gpu.txt
"""

import re
import sys
from pathlib import Path

KEPT = Path("tests/data/colab-versions.txt")

# Colab's PyTorch is a build for CUDA 12 (+cu128) and brings these; the package index's build of
# the same version brings others. Nothing but PyTorch asks for them, and it stays as it is.
OF_TORCHS_BUILD = re.compile(r"^(nvidia|cuda)-", re.IGNORECASE)

# Local build tags (+cu128) are cut: the index does not know them. A line of any other kind, such
# as a package of Colab's own, has no version on the index and is left out.
PINNED = (
    re.compile(r"([\w.-]+)==(\d[\w.!]*)(?:\+[\w.]+)?"),
    re.compile(r"([\w.-]+) @ \S+/\w+-(\d[\w.]*)(?:(?:\+|%2B)[\w.]+)?-\S+\.whl(?:#\S*)?"),
)


def renew(kept: str, published: str) -> str:
    """The kept file's notes, and a line `name==version` for each published package.

    Raises:
        ValueError: a published list without versions.
    """
    notes = [line for line in kept.splitlines() if line.startswith("#")]
    lines = [
        f"{match[1]}=={match[2]}"
        for line in published.splitlines()
        for form in PINNED
        if (match := form.fullmatch(line.strip()))
    ]
    lines = [line for line in lines if not OF_TORCHS_BUILD.match(line)]
    if not lines:
        raise ValueError(f"no line like torch==2.11.0+cu128 in {published[:80]!r}...")
    return "\n".join([*notes, *sorted(lines, key=str.lower)]) + "\n"


def main() -> None:
    """Rewrite the file in place."""
    KEPT.write_text(renew(KEPT.read_text(), Path(sys.argv[1]).read_text()))


if __name__ == "__main__":
    main()
