"""Train the diffusion transformer: flow matching, with a hint of what each patch should see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn

from mmcourse.diffusion.guidance import draw_dropped
from mmcourse.diffusion.text import Words
from mmcourse.diffusion.train import Metrics, Told, denoising_error
from mmcourse.dit.data import Heroes
from mmcourse.dit.model import DiT
from mmcourse.dit.optimise import Plan, Turn, optimise

ALIGNMENT = 0.5
"""Weight of the alignment."""
AFTER = 3
"""Blocks after which patches are asked what they see."""


class Aligned(nn.Module):
    """A denoiser as it is trained. A projector guesses from the patches of an early block what the
    features network sees in the clean picture: nobody has to find out by denoising alone what
    there is to be seen. It is thrown away in the end.

    Source: Yu et al., Representation Alignment for Generation, 2025, equation 8.

    Args:
        model: the denoiser.
        seen: numbers that the features network gives to a patch.
        after: blocks of the model.
    """

    def __init__(self, model: DiT, seen: int, after: int = AFTER) -> None:
        super().__init__()
        self.model, self.after = model, min(after, len(model.blocks))
        self.projector = nn.Sequential(
            nn.Linear(model.dim, model.dim), nn.SiLU(), nn.Linear(model.dim, seen)
        )

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        words: Words,
        dropped: Tensor,
        reference: Tensor | None = None,
        seen: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Predict, and compare.

        Args:
            x: (B, C, H, W), noisy latents.
            t: (B,).
            words: of B captions.
            dropped: (B,) bool, whose words and reference are withheld.
            reference: (B, C, h, w), latents of portraits.
            seen: (B, N, D), what the features network sees; None to ask nothing.

        Returns:
            What the model predicts, in float32, and the mean cosine with what is seen, a scalar
            (0 if nothing is asked).
        """
        cond = self.model.read(words, dropped, reference)
        predicted, held = self.model.look(x, t, cond, self.after)
        idle = [] if reference is not None else [*self.model.to_reference.parameters()]
        if seen is None:
            alike, idle = predicted.new_zeros(()).float(), [*idle, *self.projector.parameters()]
        else:
            alike = F.cosine_similarity(self.projector(held).float(), seen, dim=-1).mean()
        for parameter in idle:  # or processes that train together would wait for its gradient
            alike = alike + 0 * parameter.sum()
        return predicted.float(), alike


def train(
    model: DiT,
    data: Heroes,
    plan: Plan,
    *,
    told: Told,
    precision: str = "no",
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Iterator[Metrics]:
    """Minimise the error of the predicted velocity, in place.

    Yields {"step", "loss", "error", "alike", "gradient", "lr"} after each step: "error" is the mean
    squared error of the velocity, "alike" the mean cosine of the alignment. Resumes as `optimise`
    does. In the end the model holds its averaged weights.

    Sources: Lipman et al., Flow Matching for Generative Modeling, 2023, equation 23; Ma et al.,
    SiT, 2024.

    Args:
        model: trained in place.
        data: scenes with portraits of their heroes.
        plan: see there.
        told: the words.
        precision: "no", "bf16" or "fp16".
        checkpoint: file to save to, and to resume from if it is there.
        seed: of the order, the times and the noise.

    Raises:
        ValueError: data that are not finite, or a loss that is not.
    """
    data.check()
    accelerator = Accelerator(mixed_precision=precision)
    device = accelerator.device
    torch.manual_seed(seed)
    trained = Aligned(model.to(device).train(), data.seen.shape[-1]).to(device)
    usual = data.seen[:1024].float().mean((0, 1))  # what patches have in common tells nothing

    def loss_of(prepared: nn.Module, turn: Turn) -> tuple[Tensor, dict[str, Tensor]]:
        dice, n = turn.dice, len(turn.index)
        noise = torch.randn(n, *data.latents.shape[1:], generator=dice)
        t, dropped = model.path.draw(n, dice), draw_dropped(n, plan.dropped, dice)
        shown = float(torch.rand((), generator=dice)) < plan.shown
        noise, t, dropped = (part[turn.mine].to(device) for part in (noise, t, dropped))
        index = turn.index[turn.mine]
        x0 = data.latents[index].to(device, torch.float32)
        with accelerator.autocast():
            words = told.reader([told.caption(i, turn.step) for i in index.tolist()])
        reference = data.references[index].to(device, torch.float32) if shown else None
        asked = turn.step < plan.aligned * plan.steps
        seen = (data.seen[index].float() - usual).to(device) if asked else None
        x = model.path.add_noise(x0, noise, t)
        predicted, alike = prepared(x, t, words, dropped, reference, seen)
        error = denoising_error(model, predicted, x0, noise, t).mean()
        loss = error + (ALIGNMENT * (1 - alike) if asked else alike)  # alike is 0, with its idle
        return loss, {"error": error, "alike": alike}

    return optimise(
        trained, model, len(data), plan, loss_of, accelerator, checkpoint=checkpoint, seed=seed
    )
