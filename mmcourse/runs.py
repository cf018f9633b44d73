"""The folder of a training run: whose it is, how long it has taken, and where it goes on."""

from __future__ import annotations

import errno
import json
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from mmcourse.cards import device_name, environment, read_json, write_card
from mmcourse.checkpoints import write_atomically
from mmcourse.processes import rank
from mmcourse.training import pick_device

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PRECISIONS = ("no", "bf16", "fp16")


class Run:
    """A run that is killed goes on when the same command is given again on the same folder.

    Of several processes the first alone, `main`, reads and writes the folder.

    Args:
        out: folder of the checkpoints, of run.json and of log.jsonl.
        command: what makes this run; another one is refused.
        sources: hash of the code that the weights depend on; other code is refused.

    Raises:
        ValueError: the folder holds checkpoints of another command or of other code.
    """

    def __init__(self, out: Path, command: str, sources: str) -> None:
        self.out, self.command, self.sources = out, command, sources
        self.main = rank() == 0
        self._started = time.time()
        if not self.main:
            return
        out.mkdir(parents=True, exist_ok=True)
        note, mine = out / "run.json", {"command": command, "sources": sources}
        before = 0.0
        if any(out.glob("checkpoint*.pt")):
            found = read_json(note) if note.exists() else {}
            if found != mine:
                other = found.get("command", "an unknown command")
                what = "other code" if other == command else f"`{other}`"
                raise ValueError(
                    f"{out} holds a run of {what}, this is `{command}`; "
                    "choose another --out or delete it"
                )
            self._take(out)
            rows = self.log_rows()
            before = rows[-1]["seconds"] if rows else 0.0
        else:
            self._take(out)
            write_atomically({note: json.dumps(mine).encode()})
            (out / "log.jsonl").unlink(missing_ok=True)
        self._started -= before

    def _take(self, out: Path) -> None:
        """Keep other processes out of the folder while this one lives; a kill frees it."""
        self._lock = (out / "run.lock").open("w")
        if fcntl is None:
            return
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                return  # a folder that knows no locks
            raise ValueError(
                f"another process is at work in {out}: wait for it, or choose another --out"
            ) from None

    @property
    def seconds(self) -> float:
        """How long the run has taken, without the time between a kill and the resumption."""
        return time.time() - self._started

    def log_rows(self) -> list[dict]:
        """What has been logged so far, a row for each step; a line that a kill cut off is none.

        Raises:
            ValueError: another line that is no row, by its number.
        """
        log = self.out / "log.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines(True) if log.exists() else []
        rows = []
        for number, line in enumerate(lines, start=1):
            if line.endswith("\n"):
                try:
                    rows.append(dict(json.loads(line)))
                except (ValueError, TypeError):
                    raise ValueError(
                        f"line {number} of {log} is damaged: delete that line, and go on"
                    ) from None
        return rows

    def _forget(self, stage: str, step: int) -> None:
        """Drop the rows of a stage from a step on, which a resumed run takes again."""
        kept = [r for r in self.log_rows() if r.get("stage", "") != stage or r["step"] < step]
        lines = "".join(json.dumps(row) + "\n" for row in kept)
        write_atomically({self.out / "log.jsonl": lines.encode()})

    def follow(
        self, steps: Iterable[dict[str, float]], total: int, shown: tuple[str, ...], stage: str = ""
    ) -> None:
        """Exhaust a training loop: a progress bar with the `shown` metrics, a logged row a step."""
        if not self.main:
            deque(steps, maxlen=0)
            return
        named = {"stage": stage} if stage else {}
        bar = None
        told: dict[str, str] = {}
        for metrics in steps:
            if bar is None:  # a resumed run is where its first step says
                self._forget(stage, int(metrics["step"]))
                done = sum(row.get("stage", "") == stage for row in self.log_rows())
                bar = tqdm(desc=stage or None, total=total, initial=done)
            row = {**named, **metrics, "seconds": round(self.seconds, 1)}
            with (self.out / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(row) + "\n")
            told |= {key: f"{metrics[key]:.3f}" for key in shown if key in metrics}
            bar.set_postfix(told, refresh=False)
            bar.update()
        if bar is not None:
            bar.close()

    def finish(self, name: str, tier: str, seed: int, **told: Any) -> None:
        """Write the card of what was trained and saved, and delete the checkpoints.

        Args:
            name: of the model.
            tier: which recipe.
            seed: of the run.
            told: what else the card states, "data" and "metrics" at least.
        """
        card = {
            "name": name,
            "command": self.command,
            "seed": seed,
            "sources": self.sources,
            "tier": tier,
            "device": device_name(pick_device()),
            "wall_time_s": round(self.seconds),
            "licence": "Apache-2.0",
            "versions": environment(),
        }
        write_card(self.out, {**card, **told})
        for checkpoint in self.out.glob("checkpoint*.pt"):
            checkpoint.unlink()
        self._lock.close()
        (self.out / "run.lock").unlink(missing_ok=True)


def history(
    rows: Sequence[Mapping[str, float]], names: Iterable[str], points: int = 100
) -> dict[str, Sequence[float]]:
    """How a run went, for its card: the means of these numbers over equal parts of its rows.

    {"step": the last row of each part, counted from 1, and the means by their names}.
    """
    size = max(1, -(-len(rows) // points))
    parts = [rows[at : at + size] for at in range(0, len(rows), size)]
    ends = [min(at + size, len(rows)) for at in range(0, len(rows), size)]
    means = {k: [round(sum(r[k] for r in p) / len(p), 4) for p in parts] for k in names}
    return {"step": ends, **means}


def check_precision(precision: str) -> None:
    """Refuse a precision that does not exist.

    Raises:
        ValueError: naming those that do.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; choose one of {', '.join(PRECISIONS)}")
