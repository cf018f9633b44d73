"""Train the diffusion transformer: flow matching, with a hint of what each patch should see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.diffusion.guidance import draw_dropped
from mmcourse.diffusion.objectives import target
from mmcourse.diffusion.schedule import like
from mmcourse.diffusion.text import Words
from mmcourse.diffusion.train import Metrics, Told, near_noise
from mmcourse.dit.data import Heroes
from mmcourse.dit.model import DiT
from mmcourse.dit.optimise import Plan, Turn, optimise
from mmcourse.dit.whom import ANSWERS, HERO
from mmcourse.processes import accelerator_for
from mmcourse.vqgan.eye import Eye, over_places

ALIGNMENT = 0.5
"""Weight of the alignment."""
AFTER = 3
"""Blocks after which patches are asked what they see."""


class Guessed(NamedTuple):
    """What a denoiser that is trained says.

    predicted: (B, C, H, W), in float32.
    alike: the mean cosine with what is seen, a scalar; 0 if nothing is asked.
    guesses: (B, N, A), answers to the questions about whoever is on a patch, if any are asked.
    hero: (B, N, 8), who the hero is, if somebody is shown and any questions are asked.
    """

    predicted: Tensor
    alike: Tensor
    guesses: Tensor | None
    hero: Tensor | None


class Aligned(nn.Module):
    """A denoiser as it is trained. A projector guesses from the patches of an early block what the
    features network sees in the clean picture: nobody has to find out by denoising alone what
    there is to be seen. Beside it, a layer answers questions about whoever is on a patch; where
    there is much noise, words alone tell. Another says who its hero is, which only the portrait
    tells. All are thrown away in the end.

    Source: Yu et al., Representation Alignment for Generation, 2025, equation 8.

    Args:
        model: the denoiser.
        seen: numbers that the features network gives to a patch.
        after: blocks of the model.
        answers: numbers that answer all questions, 0 for none: nor is anybody asked for the hero.
    """

    def __init__(self, model: DiT, seen: int, after: int = AFTER, answers: int = 0) -> None:
        super().__init__()
        self.model, self.after = model, min(after, len(model.blocks))
        self.projector = nn.Sequential(
            nn.Linear(model.dim, model.dim), nn.SiLU(), nn.Linear(model.dim, seen)
        )
        self.guesses = nn.Linear(model.dim, answers) if answers else None
        self.hero = nn.Linear(model.dim, ANSWERS) if answers else None

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        words: Words,
        dropped: Tensor,
        reference: Tensor | None = None,
        seen: Tensor | None = None,
    ) -> Guessed:
        """Predict, and compare.

        Args:
            x: (B, C, H, W), noisy latents.
            t: (B,).
            words: of B captions.
            dropped: (B,) bool, whose words and reference are withheld.
            reference: (B, hero), vectors of portraits.
            seen: (B, N, D), what the features network sees; None to ask nothing of it.
        """
        cond = self.model.read(words, dropped, reference)
        predicted, held = self.model.look(x, t, cond, self.after)
        alike, guesses, hero = predicted.new_zeros(()).float(), None, None
        if seen is not None:
            alike = F.cosine_similarity(self.projector(held).float(), seen, dim=-1).mean()
            guesses = self.guesses(held).float() if self.guesses is not None else None
        if reference is not None and self.hero is not None:
            hero = self.hero(held).float()
        idle = [self.projector, self.guesses] if seen is None else []
        idle += [self.model.to_reference, self.hero] if reference is None else []
        for part in idle:  # or processes that train together would wait for its gradient
            if part is not None:
                alike = alike + 0 * sum(p.sum() for p in part.parameters())
        return Guessed(predicted.float(), alike, guesses, hero)


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

    Yields {"step", "loss", "error", "alike", "missed", "whom", "gradient", "lr"} after each step:
    "error" is the mean squared error of the velocity, "alike" the mean cosine of the alignment,
    "missed" what `Eye.missed` is of the guesses, "whom" what `Whom.missed` is of who the hero is
    (the last two only in the steps that ask). Resumes as `optimise` does. In the end the model
    holds its averaged weights.

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
    accelerator = accelerator_for(precision)
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
        reference = data.whom.references[index].to(device) if shown else None
        asked = turn.step < plan.aligned * plan.steps
        eyed = data.seen[index].float().to(device)
        seen = eyed - usual.to(device) if asked else None
        x = model.path.add_noise(x0, noise, t)
        said = prepared(x, t, words, dropped, reference, seen)
        alpha, sigma = (like(c, x0) for c in model.path.coefficients(t))
        wanted = target("flow", x0, noise, alpha, sigma)
        errors = (said.predicted - wanted).square()  # (B, C, H, W)
        error = weighted = errors.mean()
        if eye is not None:
            focus = eye.focus(eyed)
            if shown:
                focus = focus + HERO * data.whom.places[index].to(device)
            weighted = (errors * over_places(focus, model.patch, *x0.shape[2:])).mean()
        aligned = ALIGNMENT * (1 - said.alike) if asked else said.alike  # 0, with its idle
        loss = weighted + aligned
        numbers = {"error": error, "alike": said.alike}
        if eye is not None and said.guesses is not None:
            numbers["missed"], more = eye.asked(said.guesses, eyed, dropped, reading)
            loss = loss + more
        if said.hero is not None:
            numbers["whom"] = data.whom.missed(said.hero, index, dropped)
            loss = loss + numbers["whom"]
        return loss, numbers

    return optimise(
        trained, model, data.latents, plan, loss_of, accelerator, checkpoint=checkpoint, seed=seed
    )
