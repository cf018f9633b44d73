"""Train the diffusion transformer: flow matching, with a hint of what each patch should see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn

from mmcourse.checkpoints import load_checkpoint, save_checkpoint
from mmcourse.diffusion.guidance import draw_dropped
from mmcourse.diffusion.text import Words
from mmcourse.diffusion.train import Metrics, Told, denoising_error, noise_of
from mmcourse.diffusion.train import Plan as Denoised
from mmcourse.dit.data import Heroes
from mmcourse.dit.model import DiT
from mmcourse.nn import split_for_muon
from mmcourse.processes import means, my_rows
from mmcourse.training import EMA, batch_indices, check_finite

ALIGNMENT = 0.5
"""Weight of the alignment."""
AFTER = 3
"""Blocks after which patches are asked what they see."""
ENDS = (
    *("to_tokens", "to_reference", "to_numbers", "time", "pooled", "modulation"),
    "last_modulation",
)
"""What no Muon trains: what comes in, what goes out, and how blocks are conditioned."""


@dataclass(frozen=True)
class Plan(Denoised):
    """Numbers of a run; those of `diffusion.train.Plan`, and

    Args:
        lr: of everything that is no matrix.
        muon: the rate of the matrices by Muon, or None to train them like the rest.
        aligned: share of the steps, at the start, in which patches are asked what they see.
        shown: share of the steps in which a portrait of the hero is shown.
    """

    muon: float | None = 2e-3
    aligned: float = 0.5
    shown: float = 0.6


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


def optimisers_for(trained: nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, if the plan wants it, AdamW for all else.

    Muon's updates are scaled to the size that AdamW's have, and each group remembers its "peak".
    """
    ends = [f"model.{name}" for name in ENDS]
    matrices, rest = split_for_muon(trained, but=[*ends, "projector"])
    if plan.muon is None:
        matrices, rest = [], matrices + rest
    large, small = ([p for p in rest if (p.ndim >= 2) == wide] for wide in (True, False))
    groups = [{"params": large, "weight_decay": 0.01}, {"params": small, "weight_decay": 0.0}]
    found: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(groups, lr=plan.lr, betas=(0.9, 0.99), fused=True)
    ]
    if matrices:
        found.append(
            torch.optim.Muon(
                matrices, lr=plan.muon, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
            )
        )
    return found


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
    squared error of the velocity, "alike" the mean cosine of the alignment. What a step sees
    depends on (seed, step) alone, so a killed run goes on from its checkpoint and ends with the
    same weights; several processes see together what one would with the whole batch. In the end the
    model holds its averaged weights.

    Sources: Lipman et al., Flow Matching for Generative Modeling, 2023, equation 23; Ma et al.,
    SiT, 2024.

    Args:
        model: trained in place.
        data: scenes with portraits of their heroes.
        plan: see there.
        told: the words.
        precision: "no", "bf16" or "fp16".
        checkpoint: file to save to every `plan.save_every` steps, and to resume from if it is
            there.
        seed: of the order, the times and the noise.

    Raises:
        ValueError: data that are not finite, or a loss that is not.
    """
    if not data.latents.isfinite().all() or not data.references.isfinite().all():
        raise ValueError("the data hold NaN or infinity: look at what encoded them")
    accelerator = Accelerator(mixed_precision=precision)
    device, processes = accelerator.device, accelerator.num_processes
    torch.manual_seed(seed)
    training = Aligned(model.to(device).train(), data.seen.shape[-1]).to(device)
    usual = data.seen[:1024].float().mean((0, 1))  # what patches have in common tells nothing
    optimisers = optimisers_for(training, plan)
    peaks = [[group["lr"] for group in o.param_groups] for o in optimisers]
    ema = EMA(model, decay=min(plan.decay, plan.steps / (plan.steps + 10)))
    prepared, *optimisers = accelerator.prepare(training, *optimisers)
    state = {"training": training, "ema": ema}
    state |= {f"optimiser_{i}": o for i, o in enumerate(optimisers)}
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = load_checkpoint(checkpoint, accelerator=accelerator, **state)
    for step in range(start, plan.steps):
        parts = range(step * processes, (step + 1) * processes)
        index = torch.cat([batch_indices(k, plan.batch_size, len(data), seed) for k in parts])
        dice, noise = noise_of(data.latents[index], seed * 1_000_003 + step)
        t, dropped = model.path.draw(len(index), dice), draw_dropped(len(index), plan.dropped, dice)
        shown = float(torch.rand((), generator=dice)) < plan.shown
        mine = my_rows(len(index))
        index, noise = index[mine], noise[mine].to(device, torch.float32)
        t, dropped = t[mine].to(device), dropped[mine].to(device)
        x0 = data.latents[index].to(device, torch.float32)
        with accelerator.autocast():
            words = told.reader([told.caption(i, step) for i in index.tolist()])
        reference = data.references[index].to(device, torch.float32) if shown else None
        asked = step < plan.aligned * plan.steps
        seen = (data.seen[index].float() - usual).to(device) if asked else None
        x = model.path.add_noise(x0, noise, t)
        predicted, alike = prepared(x, t, words, dropped, reference, seen)
        error = denoising_error(model, predicted, x0, noise, t).mean()
        loss = error + (ALIGNMENT * (1 - alike) if asked else alike)
        check_finite(loss, step + 1)
        for optimiser, group_peaks in zip(optimisers, peaks):
            for group, peak in zip(optimiser.param_groups, group_peaks):
                group["lr"] = peak * plan.rate(step)
            optimiser.zero_grad()
        accelerator.backward(loss)
        gradient = accelerator.clip_grad_norm_(prepared.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
        ema.update(model)
        done = step + 1
        if checkpoint is not None and (done % plan.save_every == 0 or done == plan.steps):
            save_checkpoint(checkpoint, step=done, accelerator=accelerator, **state)
        yield {
            "step": done,
            **means({"loss": loss, "error": error, "alike": alike}),
            "gradient": float(gradient),
            "lr": plan.lr * plan.rate(step),
        }
    ema.copy_to(model)
    model.eval()
