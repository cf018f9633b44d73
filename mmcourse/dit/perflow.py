"""A student of four steps: the teacher's curved way from noise to a picture, made straight piece by
piece."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from mmcourse.diffusion.cond import Cond, join
from mmcourse.diffusion.generate import Way
from mmcourse.diffusion.guidance import guide
from mmcourse.diffusion.samplers import Denoiser
from mmcourse.diffusion.schedule import TIME, like
from mmcourse.diffusion.text import Words
from mmcourse.diffusion.train import Metrics, Told
from mmcourse.dit.data import Heroes
from mmcourse.dit.generate import way_of
from mmcourse.dit.model import DiT
from mmcourse.dit.optimise import Plan, Turn, optimise
from mmcourse.processes import accelerator_for

WINDOWS = 4
"""Pieces of the way, all of one length: as many steps does the student take."""
WALKED = 3
"""Steps of the teacher in each of them; in all as many as it is drawn with by itself."""


def window_of(t: Tensor, windows: int) -> tuple[Tensor, Tensor]:
    """The ends of the window that each time is in.

    A time at a border is in the window below it: there the student arrives, and starts anew.

    Args:
        t: (B,) in (0, 1].
        windows: how many there are.

    Returns:
        where each window starts, the noisier end, and where it ends, (B,) each.
    """
    start = (t * windows).ceil().clamp(1, windows)
    return start / windows, (start - 1) / windows


def guided_velocity(
    teacher: Denoiser, x: Tensor, t: Tensor, cond: Cond, null: Cond, way: Way
) -> Tensor:
    """The teacher's velocity (B, ...), guided where its own sampler would guide it.

    Unlike `Guided` it takes rows of different times.

    Args:
        teacher: the model.
        x: (B, ...).
        t: (B,) in [0, 1].
        cond: of B rows.
        null: of one row.
        way: how the teacher draws.
    """
    inside = (TIME * t <= way.highest).nonzero().squeeze(1)  # rows that are guided
    if way.guidance == 1 or len(inside) == 0:
        return teacher(x, TIME * t, cond)
    rows, times = torch.cat([x, x[inside]]), TIME * torch.cat([t, t[inside]])
    both = teacher(rows, times, join(cond, null.expand(len(inside))))
    conditional, unconditional = both.split([len(x), len(inside)])
    return conditional.index_put((inside,), guide(unconditional, conditional[inside], way.guidance))


@torch.no_grad()
def walk(
    teacher: Denoiser,
    x: Tensor,
    ends: tuple[Tensor, Tensor],
    cond: Cond,
    null: Cond,
    way: Way,
    steps: int = WALKED,
) -> Tensor:
    """Follow the teacher from the start of each row's window to its end, by equal steps of Euler's.

    Args:
        teacher: the model.
        x: (B, ...), states at the windows' starts.
        ends: start and end of each row's window, (B,) each, from `window_of`.
        cond: what the teacher is told.
        null: that nothing was said.
        way: how it draws.
        steps: in a window.

    Returns:
        (B, ...), where the teacher arrives.
    """
    start, end = ends
    for i in range(steps):
        t = start + (end - start) * i / steps  # (B,)
        velocity = guided_velocity(teacher, x, t, cond, null, way).to(x.dtype)
        x = x + like((end - start) / steps, x) * velocity
    return x


def straight_line(
    begun: Tensor, arrived: Tensor, t: Tensor, ends: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """A state on the straight line through a window, and the velocity that it has all along it.

    Source: Yan et al., PeRFlow: Piecewise Rectified Flow as Universal Plug-and-Play Accelerator,
    2024, equations 5 and 6.

    Args:
        begun: (B, ...), states at the start of each row's window.
        arrived: (B, ...), where the teacher arrives from there.
        t: (B,), times in the windows.
        ends: start and end of the windows, (B,) each.

    Returns:
        the state at t, (B, ...), and (begun - arrived) / (start - end), (B, ...).
    """
    start, end = (like(edge, begun) for edge in ends)
    velocity = (begun - arrived) / (start - end)
    return arrived + (like(t, begun) - end) * velocity, velocity


class Straightened(nn.Module):
    """The student as it is trained: words are read and the velocity predicted in one call."""

    def __init__(self, model: DiT) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, t: Tensor, words: Words, reference: Tensor | None) -> Tensor:
        """x (B, C, H, W) at times t (B,) in [0, 1000] to the velocity, in float32."""
        predicted = self.model(x, t, self.model.read(words, None, reference)).float()
        if reference is None:  # or processes that train together would wait for its gradient
            predicted = predicted + 0 * sum(p.sum() for p in self.model.to_reference.parameters())
        return predicted


def student_of(teacher: DiT, windows: int = WINDOWS) -> DiT:
    """A student with its teacher's weights, whose levels are the borders of the windows."""
    changed = {**teacher._arguments, "windows": windows, "shift": 1.0}
    with torch.random.fork_rng():
        student = DiT(**changed)
    student.load_state_dict(teacher.state_dict())
    return student


def straighten(
    student: DiT,
    teacher: DiT,
    data: Heroes,
    plan: Plan,
    *,
    told: Told,
    precision: str = "no",
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Iterator[Metrics]:
    """Teach the student, in place, to go in one step where its teacher goes in several.

    Each row begins at the start of a window, a picture with that much noise. The teacher, guided,
    walks to the window's end, and the student learns the velocity of the straight line between the
    two. Guidance is in its weights then: it is told the words once a step. Yields and resumes as
    `train.train` does, without an alignment.

    Source: Yan et al., PeRFlow, 2024, algorithm 1.

    Args:
        student: see `student_of`.
        teacher: frozen.
        data: scenes with portraits of their heroes.
        plan: its `shown` is the share of steps with portraits; nobody's words are dropped.
        told: the words.
        precision: "no", "bf16" or "fp16".
        checkpoint: file to save to, and to resume from if it is there.
        seed: of the order, the times and the noise.

    Raises:
        ValueError: a student without windows, data that are not finite, or a loss that is not.
    """
    if not student.windows:
        raise ValueError("the student has no windows: make it by student_of(teacher)")
    data.check()
    accelerator = accelerator_for(precision)
    device = accelerator.device
    teacher.to(device).eval().requires_grad_(False)
    way = way_of(teacher)
    trained = Straightened(student.to(device).train())

    def loss_of(prepared: nn.Module, turn: Turn) -> tuple[Tensor, dict[str, Tensor]]:
        dice, n = turn.dice, len(turn.index)
        noise = torch.randn(n, *data.latents.shape[1:], generator=dice)
        t = 1 - torch.rand(n, generator=dice)  # (0, 1]
        shown = float(torch.rand((), generator=dice)) < plan.shown
        noise, t = (part[turn.mine].to(device) for part in (noise, t))
        index = turn.index[turn.mine]
        x0 = data.latents[index].to(device, torch.float32)
        reference = data.whom.references[index].to(device) if shown else None
        ends = window_of(t, student.windows)
        begun = student.path.add_noise(x0, noise, TIME * ends[0])
        with torch.no_grad(), accelerator.autocast():
            words = told.reader([told.caption(i, turn.step) for i in index.tolist()])
            cond = teacher.read(words, None, reference)
            null = teacher.null(1, cond.reference is not None)
            arrived = walk(teacher, begun, ends, cond, null, way)
        x, velocity = straight_line(begun, arrived, t, ends)
        error = (prepared(x, TIME * t, words, reference) - velocity).square().mean()
        return error, {"error": error}

    return optimise(
        trained, student, data.latents, plan, loss_of, accelerator, checkpoint=checkpoint, seed=seed
    )
