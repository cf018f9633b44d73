"""Our `EMAVectorQuantizer` beside vector-quantize-pytorch's: forward and backward in training.

    python benchmarks/quantizer.py [--json] [--rounds N]

Both have the same codebook, decay and threshold of dead codes, and get the same tensor: 8,192
vectors of 64 numbers, 1,024 codes. One core. `memory` is what each holds at most beyond what was
there before the call, in MB, with a codebook of each size, and the size of that codebook.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch
from _timing import in_turns, options, report
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from vector_quantize_pytorch import VectorQuantize

from mmcourse.cards import environment
from mmcourse.vqvae import EMAVectorQuantizer


def peak(call: Callable[[], object]) -> float:
    """The most megabytes that a call holds at once, beyond what was allocated before it."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        call()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        seen.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text())["traceEvents"]
    held = [e["args"] for e in events if e.get("name") == "[memory]"]
    before = held[0]["Total Allocated"] - held[0]["Bytes"]
    return (max(note["Total Allocated"] for note in held) - before) / 1e6


def pair(codes: int, width: int) -> tuple[EMAVectorQuantizer, VectorQuantize]:
    """Ours and theirs with the same codebook, both in training."""
    ours = EMAVectorQuantizer(codes, width, decay=0.99, restart_below=2.0)
    peer = VectorQuantize(
        width,
        codes,
        decay=0.99,
        threshold_ema_dead_code=2,
        commitment_weight=0.25,
        rotation_trick=False,
    )
    peer._codebook.embed.copy_(ours.codebook[None])
    peer._codebook.embed_avg.copy_(ours.codebook[None])
    return ours.train(), peer.train()


def main() -> None:
    """Measure and print."""
    asked = options("Our EMAVectorQuantizer beside vector-quantize-pytorch's.", rounds=20)
    torch.set_num_threads(1)
    batch, side, codes, width = (2, 4, 32, 8) if asked.small else (8, 32, 1024, 64)
    sizes = (16, 64) if asked.small else (1024, 4096, 16384)
    dice = torch.Generator().manual_seed(0)
    z = torch.randn(batch, width, side, side, generator=dice).requires_grad_()
    rows = z.detach().movedim(1, -1).reshape(batch, -1, width).requires_grad_()

    def calls(codes: int) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
        our_module, their_module = pair(codes, width)

        def ours() -> Tensor:
            found = our_module(z)
            return torch.autograd.grad(found.codes.square().sum() + found.loss, z)[0]

        def peer() -> Tensor:
            chosen, _, loss = their_module(rows)
            return torch.autograd.grad(chosen.square().sum() + loss.sum(), rows)[0]

        return ours, peer

    ours, peer = calls(codes)  # the same work, or the times mean nothing
    first, second = ours().movedim(1, -1).reshape(rows.shape), peer()
    torch.testing.assert_close(first, second, rtol=1e-3, atol=1e-5)
    our_seconds, peer_seconds = in_turns(ours, peer, asked.rounds)
    memory = {}
    for k in sizes:
        ours, peer = calls(k)
        memory[str(k)] = {
            "ours": round(peak(ours), 1),
            "peer": round(peak(peer), 1),
            "codebook": round(k * width * 4 / 1e6, 1),
        }
    report(
        {
            "quantity": "milliseconds of a quantizer, forward and backward",
            "ours": 1000 * our_seconds,
            "peer": 1000 * peer_seconds,
            "peer_name": f"vector-quantize-pytorch {version('vector_quantize_pytorch')}",
            "ratio": our_seconds / peer_seconds,
            "better": "lower",
            "sizes": {
                "vectors": batch * side**2,
                "codes": codes,
                "width": width,
                "rounds": asked.rounds,
            },
            "memory": memory,
            "versions": {
                **environment(),
                "vector_quantize_pytorch": version("vector_quantize_pytorch"),
            },
            "threads": torch.get_num_threads(),
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
