"""What every experiment writes beside itself: what was run, on what, and what came out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from mmcourse.cards import device_name, environment, sources_hash
from mmcourse.checkpoints import write_atomically


def write(script: str, sources: Iterable[str], results: dict[str, object]) -> None:
    """Write NAME.json for NAME.py; the book's pages print numbers from it.

    Args:
        script: `__file__` of the experiment.
        sources: modules that the results depend on.
        results: what came out, with seeds and sample sizes.
    """
    file = Path(script).with_suffix(".json")
    told = {
        "command": f"python experiments/{file.stem}.py",
        "sources": sources_hash(sources),
        "device": device_name("cpu"),
        "versions": environment(),
    }
    text = json.dumps({**told, **results}, indent=2) + "\n"
    write_atomically({file: text.encode()})
    print(f"wrote {file}")
