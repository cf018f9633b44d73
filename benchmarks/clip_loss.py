"""Our `clip_loss` beside open_clip's `ClipLoss`: forward and backward on the same tensors.

    python benchmarks/clip_loss.py [--json] [--rounds N]

Both get the same unit vectors and scale, and both fill the gradients of all three. One core.
"""

from __future__ import annotations

from importlib.metadata import version

import torch
import torch.nn.functional as F
from _timing import in_turns, options, report
from open_clip.loss import ClipLoss
from torch import Tensor

from mmcourse.cards import environment
from mmcourse.joint import clip_loss


def main() -> None:
    """Measure and print."""
    asked = options("Our clip_loss beside open_clip's.", rounds=40)
    torch.set_num_threads(1)
    batch, width = (64, 16) if asked.small else (1024, 512)
    generator = torch.Generator().manual_seed(0)
    text, image = (
        F.normalize(torch.randn(batch, width, generator=generator), dim=-1).requires_grad_()
        for _ in range(2)
    )
    scale = torch.tensor(14.3, requires_grad=True)
    theirs = ClipLoss()

    def gradients(loss: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(loss, (text, image, scale))

    def ours() -> tuple[Tensor, ...]:
        return gradients(clip_loss(text, image, scale))

    def peer() -> tuple[Tensor, ...]:
        return gradients(theirs(image, text, scale))

    for a, b in zip(ours(), peer(), strict=True):  # the same work, or the times mean nothing
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-6)
    our_seconds, peer_seconds = in_turns(ours, peer, asked.rounds)
    report(
        {
            "quantity": "milliseconds for the loss and its gradients",
            "ours": 1000 * our_seconds,
            "peer": 1000 * peer_seconds,
            "peer_name": f"open_clip {version('open_clip_torch')}",
            "ratio": our_seconds / peer_seconds,
            "better": "lower",
            "sizes": {"batch": batch, "width": width, "rounds": asked.rounds},
            "versions": {**environment(), "open_clip_torch": version("open_clip_torch")},
            "threads": torch.get_num_threads(),
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
