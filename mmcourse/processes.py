"""One training on several devices: who this process is, and what it does together with the others.

`torchrun --nproc_per_node 4 -m mmcourse train NAME` starts four processes of one run. Each trains
on its own part of the batch, `accelerate` averages their gradients, and what is computed over the
whole batch (a contrast, a codebook that follows its vectors, a mean over what is there) uses the
functions here. Called by a single process, they change nothing.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor

if TYPE_CHECKING:
    from accelerate import Accelerator


def rank() -> int:
    """The number of this process, 0 if it is the only one. 0 writes files; the others do not."""
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def accelerator_for(precision: str, *handlers: Any) -> Accelerator:
    """What puts a training onto its device, in its precision; another training in this process may
    have had another one.

    Args:
        precision: "no", "bf16" or "fp16".
        handlers: of `accelerate`, such as `DistributedDataParallelKwargs`.

    Raises:
        ValueError: an unknown precision, or gradients that are switched off.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    if not torch.is_grad_enabled():
        raise ValueError("a training needs gradients: start it outside of torch.no_grad()")
    held = AcceleratorState._shared_state
    if held and held.get("_mixed_precision") != precision:
        AcceleratorState._reset_state()
    return Accelerator(mixed_precision=precision, kwargs_handlers=[*handlers])


def leave_inherited(*_: object) -> None:
    """To be called first in a worker process: what its parent left is never collected there.

    A fork has none of its parent's threads, and some destructors wait for them: that of a forgotten
    onnxruntime session for ever, whatever the worker was doing when the collector came by.
    """
    gc.freeze()


def pool_of(workers: int) -> ProcessPoolExecutor:
    """So many processes that start with `leave_inherited`."""
    return ProcessPoolExecutor(workers, initializer=leave_inherited)


def my_rows(n: int) -> slice:
    """Which of n rows, as many for each process, are this one's.

    Raises:
        ValueError: if they cannot be shared equally.
    """
    if n % world():
        raise ValueError(f"{n} rows cannot be shared among {world()} processes: take other sizes")
    each = n // world()
    return slice(rank() * each, (rank() + 1) * each) if world() > 1 else slice(0, n)


def mine(x: Tensor) -> Tensor:
    """This process's rows of what was drawn for the whole batch: x (world · n, ...) to (n, ...).

    Noise, times, crops: each process draws for all, from one seed, and keeps its part, so that
    several see together what one process with the whole batch sees.
    """
    return x[my_rows(len(x))]


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        parts = [torch.empty_like(x) for _ in range(world())]
        dist.all_gather(parts, x.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total[my_rows(len(total))]


def gather(x: Tensor) -> Tensor:
    """The rows (n, ...) of all processes, (world · n, ...), in their order, with their gradient.

    What a process's rows do to the losses of the others flows back to it: the gradient is summed
    over the processes, which a plain `all_gather` cuts off. If each process then computes a loss
    over all rows, or a loss whose mean over the processes is that, the averaged gradients of the
    weights are those of a single process with the whole batch.
    """
    if world() == 1:
        return x
    return _Gather.apply(x) if x.dtype != torch.bfloat16 else _Gather.apply(x.float()).to(x.dtype)


@torch.no_grad()
def total(x: Tensor) -> Tensor:
    """The sum over all processes, without a gradient."""
    if world() == 1:
        return x
    out = x.detach().clone()
    dist.all_reduce(out)
    return out


def weight_of(count: Tensor) -> Tensor:
    """What a process's mean over `count` things weighs in the mean over what all processes have: 1
    where each has as many. The mean over the processes, so weighted, is the mean over all things.
    """
    return count * world() / total(count).clamp(min=1)


def means(numbers: Mapping[str, Tensor]) -> dict[str, float]:
    """Numbers to log, each a scalar, averaged over the processes."""
    if not numbers:
        return {}
    values = torch.stack([value.detach().float() for value in numbers.values()])
    return dict(zip(numbers, (total(values) / world()).tolist(), strict=True))
