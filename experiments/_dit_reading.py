"""What should a denoiser be asked? The course's transformer, trained shortly in four ways.

    python experiments/dit_reading.py [--small]

Writes dit_reading.json. The same model, pictures, order, noise and rates; what differs is what is
asked beside the velocity: nothing; what `features` sees at each place (alignment); that, and who is
there; and the same with a beginning in which there is next to nothing but noise (reading). Each
then draws held-out captions of the split `val`, and the judge reads. One core takes some ten
minutes a run; what it has done is kept in _build/dit_reading (MMCOURSE_RUNS names another folder),
so that a killed one goes on.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from _result import write

from mmcourse.diffusion.adherence import adherence, asked
from mmcourse.diffusion.draw import companions
from mmcourse.diffusion.generate import draw_texts
from mmcourse.diffusion.measure import read_facts
from mmcourse.diffusion.text import TextReader
from mmcourse.dit.data import cached_heroes, tell
from mmcourse.dit.generate import GUIDED
from mmcourse.dit.model import DiT
from mmcourse.dit.optimise import Plan
from mmcourse.dit.recipe import SOURCES, build_dit
from mmcourse.dit.train import train
from mmcourse.hub import weights_hash
from mmcourse.storyworld.judge.measure_adherence import asked_scenes
from mmcourse.storyworld.judge.network import Judge
from mmcourse.training import seed_everything
from mmcourse.vqgan import eye as eyes
from mmcourse.vqgan.eye import Eye
from mmcourse.vqgan.features import Features

SEED, STEPS, PICTURES, BATCH, N = 0, 900, 8_192, 32, 300
READ = ("species", "colour", "mood", "place", "style", "attributes")
WAYS = {  # steps of reading, share of the steps with questions, weight of who is there
    "nothing": (0, 0.0, 0.0),
    "alignment": (0, 1.0, 0.0),
    "who": (0, 1.0, eyes.ASKED),
    "reading": (300, 1.0, eyes.ASKED),
}


def trained(way: str, small: bool, folder: Path) -> DiT:
    """The model after one run."""
    reading, share, weight = WAYS[way]
    n, batch = (8, 2) if small else (PICTURES, BATCH)
    plan = Plan(3 if small else STEPS, batch, save_every=100)
    plan = replace(plan, reading=min(reading, plan.steps - 1), aligned=share)
    eyes.ASKED = weight
    seed_everything(SEED)
    model = build_dit(weights_hash("joint"), weights_hash("latents-128"))
    data = cached_heroes(n, seed=SEED)
    loop = train(
        model,
        data,
        plan,
        told=tell(TextReader.of_joint(), plan.steps, seed=SEED),
        eye=Eye(Features.from_pretrained("features"), data.seen[:1024]),
        precision="no" if small else "bf16",
        checkpoint=None if small else folder / f"{way}.pt",
        seed=SEED,
    )
    for _ in loop:
        pass
    return model


def read(model: DiT, n: int) -> dict[str, float]:
    """What the judge reads as it was told, of n held-out captions."""
    latents, reader = companions(model, "cpu")
    judge = Judge.from_pretrained("judge").eval()
    wanted = asked(asked_scenes(n, "val"))
    drawn = draw_texts(model, latents, reader, [a.text for a in wanted], GUIDED, None)
    shares = adherence(wanted, read_facts(judge, drawn))
    return {name: shares[name][0] for name in READ}


def main(small: bool) -> None:
    """Four runs, and write."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        kept = Path(os.environ.get("MMCOURSE_RUNS", "_build")) / "dit_reading"
        folder = Path(scratch) if small else kept
        folder.mkdir(parents=True, exist_ok=True)
        for way in WAYS:
            found[way] = read(trained(way, small, folder), 4 if small else N)
            print(way, found[way], flush=True)
    if not small:
        told = {"seed": SEED, "n": N, "steps": STEPS, "batch_size": BATCH, "pictures": PICTURES}
        write(__file__, SOURCES, {**told, "reading": WAYS["reading"][0], "ways": found})


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
