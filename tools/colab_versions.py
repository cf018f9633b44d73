"""Renew tests/data/colab-versions.txt from Colab's published package list.

python tools/colab_versions.py pip-freeze.gpu.txt
"""

import re
import sys
from pathlib import Path

KEPT = Path("tests/data/colab-versions.txt")


def renew(kept: str, published: str) -> str:
    """The kept lines with the versions that Colab has now; the names stay the same."""
    now = dict(re.findall(r"^([\w.-]+)==([\w.!-]+)", published, flags=re.MULTILINE))
    lines = []
    for line in kept.splitlines():
        name = line.split("==")[0]
        lines.append(f"{name}=={now[name]}" if name in now else line)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Rewrite the file in place."""
    KEPT.write_text(renew(KEPT.read_text(), Path(sys.argv[1]).read_text()))


if __name__ == "__main__":
    main()
