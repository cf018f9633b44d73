"""What every lab starts with: the setup banner, and claims that the book can quote."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch

from mmcourse.cards import device_name, environment
from mmcourse.training import pick_device, pick_precision, seed_everything, tier


@dataclass(frozen=True)
class Lab:
    """Where a lab runs and how much it may do."""

    chapter: str
    device: torch.device
    tier: str
    seed: int

    @property
    def precision(self) -> str:
        """What its trainings are fastest in on this device: "no" (float32), "bf16" or "fp16"."""
        return pick_precision(self.device)


def budget() -> dict[str, dict[str, Any]]:
    """What each lab costs, as measured when the package was built."""
    installed = files("mmcourse") / "budget.json"
    source = Path(__file__).parents[1] / "notebooks" / "budget.json"
    return json.loads((installed if installed.is_file() else source).read_text(encoding="utf-8"))


def setup(chapter: str, seed: int = 0) -> Lab:
    """Fix the seeds, choose device and tier, and say what the lab will cost.

    Args:
        chapter: such as "ch01".
        seed: of Python, NumPy and PyTorch.

    Raises:
        ValueError: an unknown chapter, or an MMCOURSE_TIER that does not exist.
    """
    costs = budget()
    if chapter not in costs:
        raise ValueError(f"no lab is called {chapter!r}; choose one of {', '.join(sorted(costs))}")
    lab = Lab(chapter, pick_device(), tier(), seed)
    seed_everything(seed)
    cost, versions = costs[chapter], environment()
    print(f"device   {device_name(lab.device)}")
    print(f"tier     {lab.tier}   (set MMCOURSE_TIER to smoke, cpu, gpu or full to change it)")
    print(f"seed     {seed}")
    indent = " " * len("versions ")
    listed = ", ".join(f"{k} {v}" for k, v in versions.items())
    print(textwrap.fill(f"versions {listed}", 80, subsequent_indent=indent))
    print(
        f"cost     {cost['minutes']:.1f} minutes, {cost['memory_gb']:.1f} GB of memory, "
        f"{cost['download_mb']} MB of downloads at tier cpu\n"
        f"{indent}(measured on {cost['device']}); about {cost['t4_minutes_estimate']:.1f} minutes "
        "at tier gpu on a T4 (an estimate)"
    )
    return lab


def claim(name: str, value: float | int | str, text: str | None = None) -> None:
    """Print a result and store it in the cell's output, where the book's pages find it.

    Args:
        name: dotted, starting with the chapter, such as "ch01.modality_gap".
        value: a plain number or text.
        text: what to print instead of "name = value".
    """
    if not isinstance(value, float | int | str):
        raise ValueError(f"a claim is a number or text, got {type(value).__name__} for {name!r}")
    from IPython.display import display

    shown = text or f"{name} = {value:.4g}" if not isinstance(value, str) else text or value
    display(
        {"text/plain": shown},
        raw=True,
        metadata={"mmcourse": {"claim": {"name": name, "value": value}}},
    )
