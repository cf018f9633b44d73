"""What to compute on, and in which precision."""

from __future__ import annotations

import functools
import os
from collections.abc import Collection
from pathlib import Path

import torch


def pick_device(prefer: str | torch.device | None = None) -> torch.device:
    """The device to train on: `prefer` if given, else CUDA, else Apple's MPS, else the CPU.

    As accelerate does, it takes the CPU where the environment variable ACCELERATE_USE_CPU is true.

    Raises:
        ValueError: if the preferred device does not exist here.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if prefer is None and os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes"):
        return torch.device("cpu")
    if prefer is None:
        return torch.device(next(kind for kind, there in available.items() if there))
    kind = str(prefer).partition(":")[0]
    if not available.get(kind):
        here = ", ".join(kind for kind, there in available.items() if there)
        raise ValueError(f"device {str(prefer)!r} is not available: choose one of {here}")
    return torch.device(prefer)


BFLOAT16_UNITS = frozenset({"amx_bf16", "avx512_bf16"})
"""Flags of processors that compute in bfloat16; without them it is emulated, many times slower."""


@functools.lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """What Linux says that this CPU can do; nothing where it says nothing."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(errors="replace").splitlines() if cpuinfo.exists() else []
    told = [line.partition(":")[2].split() for line in lines if line.startswith("flags")]
    return frozenset(told[0] if told else ())


def pick_precision(device: str | torch.device, flags: Collection[str] | None = None) -> str:
    """The `mixed_precision` to give to `accelerate.Accelerator` on this device.

    "bf16" on a GPU that computes in bfloat16, "fp16" on an older one (a T4 only emulates bfloat16,
    slowly). On a CPU "bf16" if it has units for it. Else "no".

    Args:
        device: a torch device or its name.
        flags: of the CPU; `cpu_flags()` if None.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    if kind != "cpu":
        return "no"
    return "no" if BFLOAT16_UNITS.isdisjoint(cpu_flags() if flags is None else flags) else "bf16"


CGROUPS = Path("/sys/fs/cgroup")


def _told(*names: str) -> str:
    """What the first of these files of the container says; nothing outside of one."""
    for name in names:
        try:
            return (CGROUPS / name).read_text().strip()
        except OSError:
            continue
    return ""


def usable_memory() -> int | None:
    """Bytes that this process may use: the machine's, or fewer in a container; None if unknown."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    limit = _told("memory.max", "memory/memory.limit_in_bytes")
    return min(total, int(limit)) if limit.isdigit() else total


def usable_cpus() -> int:
    """CPUs that this process may use, at least 1: a container's share, not the machine's count."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # neither on macOS nor on Windows
        count = os.cpu_count() or 1
    quota, _, period = _told("cpu.max").partition(" ")
    if not quota:
        quota, period = _told("cpu/cpu.cfs_quota_us"), _told("cpu/cpu.cfs_period_us")
    if quota.isdigit() and period.isdigit() and int(period):
        count = min(count, max(1, round(int(quota) / int(period))))
    return max(1, count)
