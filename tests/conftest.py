"""What all tests share."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.append(str(Path(__file__).parent / "shared"))  # for scripts.py


@pytest.fixture(autouse=True)
def _fresh_accelerate() -> Iterator[None]:
    """accelerate keeps the precision of a process's first run; a test may need another."""
    yield
    if "accelerate.state" in sys.modules:
        sys.modules["accelerate.state"].AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(autouse=True)
def _seeds_without_stacks() -> None:
    """Until a device is in use, torch.manual_seed writes down for each kind of device where it
    was called. Below pytest that is a long text, and takes more time than many a test."""
    for device in ("cuda", "xpu", "mtia"):
        module = sys.modules.get(f"torch.{device}")
        if getattr(module, "traceback", None) is traceback:
            module.traceback = SimpleNamespace(**vars(traceback) | {"format_stack": list})
