"""Our diffusion transformer and diffusers', of one width, depth and number of tokens."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import torch
from _timing import Options, in_turns, report
from diffusers import PixArtTransformer2DModel
from torch import Tensor, nn

from mmcourse.cards import environment
from mmcourse.diffusion.cond import Cond
from mmcourse.diffusion.text import Words
from mmcourse.dit import DiT
from mmcourse.nn.pooling import masked_mean
from mmcourse.training import count_parameters, pick_precision

WORDS = 48
"""As many words and marks has a complete caption, on average."""
WIDTH = 128
"""Of a word."""
SIZES = {"dim": 192, "depth": 6, "heads": 3}
SMALL = {"dim": 32, "depth": 2, "heads": 2}


def build_ours(sizes: dict[str, int], shape: tuple[int, int, int]) -> DiT:
    """As it is shipped, untrained."""
    torch.manual_seed(0)
    return DiT(shape=shape, **sizes)


def build_peer(sizes: dict[str, int], shape: tuple[int, int, int]) -> PixArtTransformer2DModel:
    """Theirs of the same plan: one adaLN for all blocks, and attention to words in each of them."""
    torch.manual_seed(0)
    return PixArtTransformer2DModel(
        num_attention_heads=sizes["heads"],
        attention_head_dim=sizes["dim"] // sizes["heads"],
        cross_attention_dim=sizes["dim"],
        caption_channels=WIDTH,
        in_channels=shape[0],
        out_channels=shape[0],
        num_layers=sizes["depth"],
        sample_size=shape[1],
        use_additional_conditions=False,
    )


def our_step(model: DiT, batch: int, precision: str) -> Callable[[], float]:
    """A step of a diffusion transformer that is given the words."""
    x, wanted, t = inputs(model.shape, batch)
    words = captions(batch)
    told = Cond(words.features, words.mask, pooled=masked_mean(*words))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    return step_of(model.train(), lambda: model(x, t, told), wanted, optimiser, precision)


def peer_step(model: PixArtTransformer2DModel, batch: int, precision: str) -> Callable[[], float]:
    """The same of theirs."""
    shape = model.config.in_channels, model.config.sample_size, model.config.sample_size
    x, wanted, t = inputs(shape, batch)
    words = captions(batch)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    return step_of(
        model.train(), lambda: peer_predicts(model, x, t, words), wanted, optimiser, precision
    )


def peer_predicts(model: PixArtTransformer2DModel, x: Tensor, t: Tensor, words: Words) -> Tensor:
    """What theirs makes of noisy latents and captions."""
    return model(
        x,
        encoder_hidden_states=words.features,
        encoder_attention_mask=words.mask.long(),
        timestep=t.long(),
        added_cond_kwargs={"resolution": None, "aspect_ratio": None},
    ).sample


def captions(batch: int) -> Words:
    """Words as a frozen tower would give them, WORDS on average."""
    dice = torch.Generator().manual_seed(1)
    longest = WORDS * 3 // 2
    lengths = torch.randint(WORDS // 2, longest, (batch, 1), generator=dice)
    return Words(
        torch.randn(batch, longest, WIDTH, generator=dice),
        torch.arange(longest).expand(batch, -1) < lengths,
    )


def inputs(shape: tuple[int, int, int], batch: int) -> tuple[Tensor, Tensor, Tensor]:
    """Noisy latents, a velocity to learn, and times."""
    dice = torch.Generator().manual_seed(0)
    x, wanted = torch.randn(2, batch, *shape, generator=dice)
    return x, wanted, 999 * torch.rand(batch, generator=dice)


def step_of(
    model: nn.Module,
    predict: Callable[[], Tensor],
    wanted: Tensor,
    optimiser: torch.optim.Optimizer,
    precision: str,
) -> Callable[[], float]:
    """Forward, mean squared error, backward, optimiser."""

    def step() -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = (predict().float() - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def best_step(step_in: Callable[[str], Callable[[], float]]) -> tuple[str, Callable[[], float]]:
    """The precision in which a step is fastest here, and the step.

    Raises:
        ValueError: a loss that is not that of an untrained model, so that the time means nothing.
    """
    steps = {precision: step_in(precision) for precision in precisions()}
    if not all(0.5 < step() < 5 for step in steps.values()):
        raise ValueError("a step did not have the loss of an untrained model")
    precision = min(steps, key=lambda one: in_turns(steps[one], steps[one], 1)[0])
    return precision, steps[precision]


def compare(
    asked: Options,
    quantity: str,
    ours: tuple[nn.Module, Callable[[str], Callable[[], float]]],
    theirs: tuple[nn.Module, Callable[[str], Callable[[], float]]],
    sizes: dict[str, object],
    beside: tuple[str, Callable[[str], Callable[[], float]]],
) -> None:
    """Time the steps of two models in turns, and print.

    Args:
        asked: of the command line.
        quantity: what is measured.
        ours: a model, and from a precision its step.
        theirs: likewise.
        sizes: of both, to be told.
        beside: the name and the step of a third model, which is timed in turns with the peer; what
            it takes of the peer's time is told under "sizes".
    """
    name, third = beside
    (our_precision, our_step), (peer_precision, peer_step) = map(best_step, (ours[1], theirs[1]))
    our_seconds, peer_seconds = in_turns(our_step, peer_step, asked.rounds)
    third_seconds, peer_again = in_turns(third(peer_precision), peer_step, asked.rounds)
    report(
        {
            "quantity": quantity,
            "ours": 1000 * our_seconds,
            "peer": 1000 * peer_seconds,
            "peer_name": f"diffusers {version('diffusers')}",
            "ratio": our_seconds / peer_seconds,
            "better": "lower",
            "sizes": {
                **sizes,
                name: third_seconds / peer_again,
                "parameters": count_parameters(ours[0]),
                "peer_parameters": count_parameters(theirs[0]),
                "precision": our_precision,
                "peer_precision": peer_precision,
                "rounds": asked.rounds,
            },
            "versions": {**environment(), "diffusers": version("diffusers")},
            "threads": torch.get_num_threads(),
        },
        asked.json,
    )


def sizes_of(small: bool) -> tuple[int, tuple[int, int, int], dict[str, int]]:
    """Batch, shape of the latents, and sizes of the transformers."""
    return (2, (4, 8, 8), SMALL) if small else (64, (8, 16, 16), SIZES)


def precisions() -> list[str]:
    """What this machine can compute in at a bearable pace."""
    return ["no", "bf16"] if pick_precision("cpu") == "bf16" else ["no"]
