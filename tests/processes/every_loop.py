"""Every training loop for ten steps at its smallest, with a global batch of 8.

    torchrun --standalone --nproc_per_node 2 tests/processes/every_loop.py OUT.json

The first process writes how many there were, and for each loop what its steps told and whether all
processes ended with the same weights.
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

from mmcourse.diffusion import PixelUNet, TextUNet
from mmcourse.diffusion import train as diffusion_train
from mmcourse.diffusion.text import TextReader
from mmcourse.dit.data import Heroes
from mmcourse.dit.model import DiT
from mmcourse.dit.optimise import Plan as DiTPlan
from mmcourse.dit.perflow import straighten, student_of
from mmcourse.dit.train import train as dit_train
from mmcourse.dit.whom import Whom
from mmcourse.joint import JointModel, TextTower
from mmcourse.joint import train as joint_train
from mmcourse.joint.pairs import storyworld_pairs
from mmcourse.joint.three_losses import ThreeLosses
from mmcourse.lora.models import train as models_train
from mmcourse.lora.models.folders import build
from mmcourse.lora.models.shapes import SMOKE
from mmcourse.lora.models.tasks import describe
from mmcourse.storyworld import Tokenizer, caption, sample_scene
from mmcourse.storyworld.judge import network as judge_network
from mmcourse.storyworld.judge import train as judge_train
from mmcourse.storyworld.judge.data import draw_album
from mmcourse.vqgan import VQGAN, ResidualPrior, features_train, latents_train, prior_train
from mmcourse.vqgan import train as vqgan_train
from mmcourse.vqgan.discriminator import PatchDiscriminator
from mmcourse.vqgan.features import QUESTIONS, Features
from mmcourse.vqgan.latents import LatentAutoencoder
from mmcourse.vqgan.perceptual import PerceptualLoss
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


def pictures(side: int) -> torch.Tensor:
    return (255 * random(N, side, side, 3)).to(torch.uint8)


def eye() -> PerceptualLoss:
    return PerceptualLoss(Features(channels=(8, 8, 8, 8)))


def features(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    """Questions that arise in few patches, of which the processes have different numbers."""
    most = torch.tensor([len(answers) for answers in QUESTIONS.values()])[:, None, None]
    truth = {
        "pixels": pictures(32),
        "answers": ((random(N, len(QUESTIONS), 4, 4) * (most + 2)).long() - 2).clamp(min=-1),
        "near": (5 * random(N, 16, 16)).long(),
        "depth": random(N, 4, 4),
    }
    model = Features(channels=(8, 8, 8, 8))
    # A batch is counted in pictures of 64 pixels, and these are a quarter of one.
    return model, features_train.train(model, [truth], steps=STEPS, batch_size=batch // 4)


def latents(critic: bool, batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    model = LatentAutoencoder(4, widths=(8, 8), depths=(1, 1), half_width=8)
    plan = latents_train.Plan(STEPS, batch, crop=0 if critic else 16, lr=3e-4, critic=critic)
    return model, latents_train.train(model, pictures(32), plan, eye())


def latents_with_crops(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    return latents(False, batch)


def latents_with_critic(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    return latents(True, batch)


def vqgan(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    options = {"num_codes": 16, "dim": 4, "restart_below": 1.0}
    model = VQGAN(2, "ema", options, widths=(8, 8), half_width=8)
    critic = PatchDiscriminator(width=4)
    plan = vqgan_train.Plan(STEPS, batch, critic_from=3, critic_ramp=2, lecam=50.0, start=N)
    run = vqgan_train.train(model, pictures(32), plan, critic=critic, perceptual=eye())
    return nn.ModuleList([model, critic]), run


def picture_prior(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    model = ResidualPrior(len(Tokenizer()), 7, 2, dim=4, grid=(2, 2), width=64, depth=1)
    codes = (7 * random(2 * N, 2, 2, 2)).long()
    lessons = prior_train.Lessons(
        codes[:N],
        lambda i, step: caption(sample_scene("train", i), step),
        restyled=codes[N:],
        style=lambda i: "neon" if i % 2 else "sketched",
        dropped=0.5,
    )
    return model, prior_train.train_prior(model, lessons, steps=STEPS, batch_size=batch)


def unet(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    model = PixelUNet(size=8, widths=(32,), looking=())
    plan = diffusion_train.Plan(STEPS, batch)
    return model, diffusion_train.train(model, random(N, 3, 8, 8), plan)


def text_unet(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    words = Tokenizer()
    reader = TextReader(TextTower(len(words), 32, 1, 2), words, "tower")
    model = TextUNet(shape=(4, 4, 4), widths=(32,), looking=(0,), words=32)
    told = diffusion_train.Told(lambda i, step: caption(sample_scene("train", i), step), reader)
    plan = diffusion_train.Plan(STEPS, batch, dropped=0.5, gamma=5.0)
    return model, diffusion_train.train(model, random(N, 4, 4, 4), plan, told=told)


def heroes(n: int = N) -> Heroes:
    whom = Whom(random(n, 12), random(n, 8), random(n, 4).abs())
    return Heroes(random(n, 4, 4, 4), random(n, 4, 6), torch.zeros(n) > 0, whom)


class AnyEye:
    """Asks one thing that everybody knows, so that heroes are asked for as well."""

    def __len__(self) -> int:
        return 1

    def focus(self, seen: torch.Tensor) -> torch.Tensor:
        return torch.ones(seen.shape[:2])

    def asked(self, guesses: torch.Tensor, *_: object) -> tuple[torch.Tensor, torch.Tensor]:
        return 0 * guesses.mean(), 0 * guesses.mean()


def small_dit() -> tuple[DiT, diffusion_train.Told]:
    words = Tokenizer()
    reader = TextReader(TextTower(len(words), 32, 1, 2), words, "tower")
    told = diffusion_train.Told(lambda i, step: caption(sample_scene("train", i), step), reader)
    return DiT(shape=(4, 4, 4), dim=32, depth=1, heads=2, words=32, hero=12), told


def dit(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    model, told = small_dit()
    plan = DiTPlan(STEPS, batch, dropped=0.5, muon=None)
    return model, dit_train(model, heroes(), plan, told=told, eye=AnyEye())  # type: ignore[arg-type]


def dit_fast(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    teacher, told = small_dit()
    nn.init.normal_(teacher.to_numbers.weight)
    student = student_of(teacher)
    plan = DiTPlan(STEPS, batch, muon=None)
    return student, straighten(student, teacher, heroes(), plan, told=told)


def one_of_four(name: str, batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    model, processor = build(name, SMOKE)
    plan = models_train.Plan((models_train.Stage(STEPS, ("it",)),), N, batch)
    tasks = {"it": lambda index: describe(index, "train", 16)}
    return model, models_train.train(model, processor, plan, tasks)


def clip(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    return one_of_four("clip", batch)


def llava(batch: int) -> tuple[nn.Module, Iterator[dict[str, float]]]:
    return one_of_four("llava", batch)


IN_CHAPTERS = (towers, fused, vqvae, sound, prior, judge, features, latents_with_crops,
               latents_with_critic, vqgan, picture_prior, unet, text_unet, dit,
               dit_fast, clip, llava)  # fmt: skip
LOOPS: dict[str, Loop] = {loop.__name__: loop for loop in IN_CHAPTERS}


def run(processes: int) -> dict[str, dict[str, object]]:
    """Train each; what its steps told, and what the weights add up to."""
    found = {}
    for name, loop in LOOPS.items():
        torch.manual_seed(0)
        model, rows = loop(BATCH // processes)
        told = list(rows)
        ends = [sum(v.double().sum().item() for v in model.state_dict().values())]
        found[name] = {"told": told, "ends": ends}
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
