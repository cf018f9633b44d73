"""The folder of a training run: whose it is, how long it has taken, and where it goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from mmcourse.cards import device_name, environment, write_card
from mmcourse.training import pick_device

PRECISIONS = ("no", "bf16", "fp16")


class Run:
    """A run that is killed goes on when the same command is given again on the same folder.

    Args:
        out: folder of the checkpoints, of run.json and of log.jsonl.
        command: what makes this run; another one is refused.
        sources: hash of the code that the weights depend on; other code is refused.

    Raises:
        ValueError: the folder holds checkpoints of another command or of other code.
    """

    def __init__(self, out: Path, command: str, sources: str) -> None:
        self.out, self.command, self.sources = out, command, sources
        out.mkdir(parents=True, exist_ok=True)
        note, mine = out / "run.json", {"command": command, "sources": sources}
        before = 0.0
        if any(out.glob("checkpoint*.pt")):
            found = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
            if found != mine:
                other = found.get("command", "an unknown command")
                what = "other code" if other == command else f"`{other}`"
                raise ValueError(
                    f"{out} holds a run of {what}, this is `{command}`; "
                    "choose another --out or delete it"
                )
            rows = self.log_rows()
            before = rows[-1]["seconds"] if rows else 0.0
        else:
            note.write_text(json.dumps(mine), encoding="utf-8")
            (out / "log.jsonl").unlink(missing_ok=True)
        self._started = time.time() - before

    @property
    def seconds(self) -> float:
        """How long the run has taken, without the time between a kill and the resumption."""
        return time.time() - self._started

    def log_rows(self) -> list[dict]:
        """What has been logged so far, a row for each step."""
        log = self.out / "log.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return [json.loads(line) for line in lines]

    def follow(
        self, steps: Iterable[dict[str, float]], total: int, shown: tuple[str, ...], stage: str = ""
    ) -> None:
        """Exhaust a training loop: a progress bar with the `shown` metrics, a logged row a step."""
        named = {"stage": stage} if stage else {}
        with (
            (self.out / "log.jsonl").open("a", encoding="utf-8") as log,
            tqdm(steps, desc=stage or None, total=total) as bar,
        ):
            for metrics in bar:
                bar.set_postfix({key: f"{metrics[key]:.3f}" for key in shown})
                row = {**named, **metrics, "seconds": round(self.seconds, 1)}
                log.write(json.dumps(row) + "\n")
                log.flush()

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
