"""Parts of a long experiment by key, each a line of a file, so that a killed run goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mmcourse.checkpoints import write_atomically


class Lines:
    """What is done already, by key.

    Args:
        file: where parts are kept; None keeps them in memory.
    """

    def __init__(self, file: Path | None) -> None:
        self.file, self.done = file, dict(self._read(file))

    @staticmethod
    def _read(file: Path | None) -> Iterator[tuple[str, Any]]:
        if file is None or not file.exists():
            return
        whole = file.read_bytes()
        lines = whole[: whole.rfind(b"\n") + 1]  # one that was being written at a kill is cut off
        if lines != whole:
            write_atomically({file: lines})
        for line in lines.splitlines():
            key, part = json.loads(line)
            yield key, part

    def do(self, key: str, make: Callable[[], Any]) -> None:
        """Make one part, as JSON has it, unless it is there already, and keep it."""
        if key in self.done:
            return
        began = time.process_time()
        self.done[key] = part = make()
        if self.file is not None:
            with self.file.open("a", encoding="utf-8") as out:
                out.write(json.dumps([key, part]) + "\n")
        print(f"{key}: {time.process_time() - began:.1f} s of one core", flush=True)
