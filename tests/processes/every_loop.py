"""Every training loop for ten steps at its smallest, with a global batch of 8.

    torchrun --standalone --nproc_per_node 2 tests/processes/every_loop.py OUT.json

The first process writes how many there were, and for each loop its losses and whether all processes
ended with the same weights.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import nn

from mmcourse.joint import JointModel
from mmcourse.joint import train as joint_train
from mmcourse.joint.pairs import storyworld_pairs
from mmcourse.joint.three_losses import ThreeLosses
from mmcourse.storyworld import Tokenizer, caption, sample_scene
from mmcourse.storyworld.judge import network as judge_network
from mmcourse.storyworld.judge import train as judge_train
from mmcourse.storyworld.judge.data import draw_album
from mmcourse.vqvae import VQVAE, CodePrior
from mmcourse.vqvae.prior_train import Telling, train_prior
from mmcourse.vqvae.sound_model import SoundVQVAE
from mmcourse.vqvae.train import train as train_autoencoder

STEPS, BATCH, N = 10, 8, 16
Loop = Callable[[int], tuple[nn.Module, Iterator[dict[str, float]]]]
"""(batch on each process) to a model and its training."""


def random(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def joint(fused: int, batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    words = Tokenizer()
    sizes = {"size": 16, "dim": 32, "text_depth": 1, "image_depth": 1, "joint_dim": 16}
    model = JointModel(len(words), fused_depth=fused, **sizes)
    pairs = storyworld_pairs(N, 16, captions=2, family=2 if fused else 1)
    objective = ThreeLosses if fused else joint_train.Contrast
    options = {"steps": STEPS, "batch_size": batch, "objective": objective}
    return model, joint_train.train(model, pairs, **options)


def towers(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    return joint(0, batch)


def fused(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    return joint(1, batch)


def vqvae(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    model = VQVAE("ema", {"num_codes": 24, "dim": 4, "restart_below": 2.0}, width=16, depth=1)
    pictures = (255 * random(N, 16, 16, 3)).to(torch.uint8)
    return model, train_autoencoder(model, pictures, steps=STEPS, batch_size=batch)


def sound(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    model = SoundVQVAE("ema", {"num_codes": 16, "dim": 4}, width=8, depth=1)
    sounds = random(N, 1, 2048) - 0.5
    return model, train_autoencoder(model, sounds, steps=STEPS, batch_size=batch)


def prior(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    model = CodePrior(len(Tokenizer()), 24, 16, dim=16, depth=1, heads=2)
    codes = (24 * random(N, 4, 4)).long()
    told = Telling(lambda i, step: caption(sample_scene("train", i), step))
    return model, train_prior(model, codes, told, steps=STEPS, batch_size=batch)


def judge(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    judge_network.SIDE = 16
    model = judge_network.Judge(channels=(8, 8, 16, 16), glances=1, identity=8)
    return model, judge_train.train(model, [draw_album(N, 16)], steps=STEPS, batch_size=batch)


LOOPS: dict[str, Loop] = {
    loop.__name__: loop for loop in (towers, fused, vqvae, sound, prior, judge)
}


def run(processes: int) -> dict[str, dict[str, object]]:
    """Train each; losses, and what the weights add up to."""
    found = {}
    for name, loop in LOOPS.items():
        torch.manual_seed(0)
        model, rows = loop(BATCH // processes)
        losses = [row["loss"] for row in rows]
        ends = [sum(v.double().sum().item() for v in model.state_dict().values())]
        found[name] = {"losses": losses, "ends": ends}
    return found


def main() -> None:
    torch.set_num_threads(1)
    accelerator = Accelerator()
    assert accelerator.num_processes == 2, "start this with torchrun --nproc_per_node 2"
    assert torch.distributed.get_backend() == "gloo"
    found = run(accelerator.num_processes)
    for result in found.values():
        result["ends"] = gather_object(result["ends"])
    if accelerator.is_main_process:
        told = {"processes": torch.distributed.get_world_size(), "loops": found}
        Path(sys.argv[1]).write_text(json.dumps(told), encoding="utf-8")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
