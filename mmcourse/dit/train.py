"""Train the diffusion transformer: flow matching, with a hint of what each patch should see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn

from mmcourse.diffusion.guidance import draw_dropped
from mmcourse.diffusion.objectives import target
from mmcourse.diffusion.schedule import like
from mmcourse.diffusion.text import Words
from mmcourse.diffusion.train import Metrics, Told, near_noise
from mmcourse.dit.data import Heroes
from mmcourse.dit.model import DiT
from mmcourse.dit.optimise import Plan, Turn, optimise
from mmcourse.vqgan.eye import Eye, over_places

ALIGNMENT = 0.5
"""Weight of the alignment."""
AFTER = 3
"""Blocks after which patches are asked what they see."""


class Aligned(nn.Module):
    """A denoiser as it is trained. A projector guesses from the patches of an early block what the
    features network sees in the clean picture: nobody has to find out by denoising alone what
    there is to be seen. Beside it, a layer answers questions about whoever is on a patch; where
    there is much noise, words alone tell. Both are thrown away in the end.

    Source: Yu et al., Representation Alignment for Generation, 2025, equation 8.

    Args:
        model: the denoiser.
        seen: numbers that the features network gives to a patch.
        after: blocks of the model.
        answers: numbers that answer all questions, 0 for none.
    """

    def __init__(self, model: DiT, seen: int, after: int = AFTER, answers: int = 0) -> None:
        super().__init__()
        self.model, self.after = model, min(after, len(model.blocks))
        self.projector = nn.Sequential(
            nn.Linear(model.dim, model.dim), nn.SiLU(), nn.Linear(model.dim, seen)
        )
        self.guesses = nn.Linear(model.dim, answers) if answers else None

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        words: Words,
        dropped: Tensor,
        reference: Tensor | None = None,
        seen: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Predict, and compare.

        Args:
            x: (B, C, H, W), noisy latents.
            t: (B,).
            words: of B captions.
            dropped: (B,) bool, whose words and reference are withheld.
            reference: (B, C, h, w), latents of portraits.
            seen: (B, N, D), what the features network sees; None to ask nothing.

        Returns:
            What the model predicts, in float32, the mean cosine with what is seen, a scalar (0 if
            nothing is asked), and the answers to questions (B, N, A), in float32, if any are asked.
        """
        cond = self.model.read(words, dropped, reference)
        predicted, held = self.model.look(x, t, cond, self.after)
        idle = [] if reference is not None else [*self.model.to_reference.parameters()]
        extra = [self.projector, *([self.guesses] if self.guesses is not None else [])]
        guesses = None
        if seen is None:
            alike = predicted.new_zeros(()).float()
            idle += [p for part in extra for p in part.parameters()]
        else:
            alike = F.cosine_similarity(self.projector(held).float(), seen, dim=-1).mean()
            guesses = self.guesses(held).float() if self.guesses is not None else None
        for parameter in idle:  # or processes that train together would wait for its gradient
            alike = alike + 0 * parameter.sum()
        return predicted.float(), alike, guesses


def train(
    model: DiT,
    data: Heroes,
    plan: Plan,
    *,
    told: Told,
    eye: Eye | None = None,
    precision: str = "no",
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Iterator[Metrics]:
    """Minimise the error of the predicted velocity, in place.

    Yields {"step", "loss", "error", "alike", "missed", "gradient", "lr"} after each step: "error"
    is the mean squared error of the velocity, "alike" the mean cosine of the alignment, "missed"
    what `Eye.missed` is of the guesses. Resumes as `optimise` does. In the end the model holds its
    averaged weights.

    A run may begin with steps of reading. Where there is nothing to see but noise, only the words
    can tell who is on a patch, and a few hundred steps learn it. The error of denoising alone tells
    little of it: a wrong animal costs hardly more than the right one.

    Sources: Lipman et al., Flow Matching for Generative Modeling, 2023, equation 23; Ma et al.,
    SiT, 2024.

    Args:
        model: trained in place.
        data: scenes with portraits of their heroes.
        plan: see there.
        told: the words.
        eye: weighs the places of the error and asks who is there; None to do neither.
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
    asked_of = len(eye) if eye is not None else 0
    trained = Aligned(model.to(device).train(), data.seen.shape[-1], AFTER, asked_of).to(device)
    usual = data.seen[:1024].float().mean((0, 1))  # what patches have in common tells nothing

    def loss_of(prepared: nn.Module, turn: Turn) -> tuple[Tensor, dict[str, Tensor]]:
        dice, n = turn.dice, len(turn.index)
        noise = torch.randn(n, *data.latents.shape[1:], generator=dice)
        t, dropped = model.path.draw(n, dice), draw_dropped(n, plan.dropped, dice)
        reading = turn.step < plan.reading
        t = near_noise(t) if reading else t
        shown = float(torch.rand((), generator=dice)) < plan.shown
        noise, t, dropped = (part[turn.mine].to(device) for part in (noise, t, dropped))
        index = turn.index[turn.mine]
        x0 = data.latents[index].to(device, torch.float32)
        with accelerator.autocast():
            words = told.reader([told.caption(i, turn.step) for i in index.tolist()])
        reference = data.references[index].to(device, torch.float32) if shown else None
        asked = turn.step < plan.aligned * plan.steps
        eyed = data.seen[index].float().to(device)
        seen = eyed - usual.to(device) if asked else None
        x = model.path.add_noise(x0, noise, t)
        predicted, alike, guesses = prepared(x, t, words, dropped, reference, seen)
        alpha, sigma = (like(c, x0) for c in model.path.coefficients(t))
        wanted = target("flow", x0, noise, alpha, sigma)
        errors = (predicted - wanted).square()  # (B, C, H, W)
        error = errors.mean()
        weighted = error
        if eye is not None:
            weighted = (errors * over_places(eye.focus(eyed), model.patch, *x0.shape[2:])).mean()
        loss = weighted + (ALIGNMENT * (1 - alike) if asked else alike)  # 0, with its idle
        numbers = {"error": error, "alike": alike}
        if eye is not None and guesses is not None:
            numbers["missed"], more = eye.asked(guesses, eyed, dropped, reading)
            loss = loss + more
        return loss, numbers

    return optimise(
        trained, model, len(data), plan, loss_of, accelerator, checkpoint=checkpoint, seed=seed
    )
