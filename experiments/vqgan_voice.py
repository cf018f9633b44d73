"""How loudly the critic may speak: the networks of `vqgan-64` with three losses.

    python experiments/vqgan_voice.py [--small]

Writes vqgan_voice.json. The full recipe three times, on the same pictures in the same order and for
as many steps: with the mean square alone, as `vqgan-64-mse`; with L1, the perceptual loss and a
critic at a tenth, beside its adaptive weight; and with the same and a critic at 0.8, as `vqgan-64`.
Each is measured on held-out scenes as the cards are. A run takes one to two hours of one core; what
it has done is kept in _build/vqgan_voice, so that a killed one goes on.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from _result import write

from mmcourse.joint.pairs import draw
from mmcourse.storyworld.judge.measure import Measurement
from mmcourse.training import seed_everything
from mmcourse.vqgan.measure import measure_vqgan
from mmcourse.vqgan.recipe import (
    RECIPES,
    SOURCES,
    Recipe,
    build,
    loop,
    loop_of_squares,
    settled,
)
from mmcourse.vqgan.train import Plan

SEED = 0
VOICES = {"squares": None, "tenth": 0.1, "shipped": 0.8}
"""Weight of the critic's opinion, by the name of the run; without one, the mean square alone."""
TINY = Plan(2, batch_size=2, critic_from=1, critic_ramp=1, start=16)
TOLD = {"psnr": "psnr_all", "sharpness": "sharpness", "frechet": "frechet", "read": "read_alike"}


def trained(voice: float | None, small: bool, folder: Path) -> dict[str, Measurement]:
    """What is measured of one run."""
    recipe = Recipe(16, TINY, measured=4) if small else RECIPES["full"]
    plan = recipe.plan if voice is None else replace(recipe.plan, adversarial=voice)
    seed_everything(SEED)
    model = build()
    _, pictures = draw(recipe.pictures, seed=SEED)
    run = loop_of_squares if voice is None else loop
    checkpoint = None if small else folder / f"{voice}.pt"
    for _ in run(model, pictures, plan, "no" if small else "bf16", checkpoint, SEED):
        pass
    return measure_vqgan(settled(model), recipe.measured)


def main(small: bool) -> None:
    """Three runs, and write."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch if small else "_build/vqgan_voice")
        folder.mkdir(parents=True, exist_ok=True)
        for name, voice in VOICES.items():
            metrics = trained(voice, small, folder)
            row = {short: metrics[long]["value"] for short, long in TOLD.items()}
            found[name] = {"weight": voice, **row}
            print(name, row, flush=True)
    if not small:
        told = {"seed": SEED, "n": metrics["frechet"]["n"], "floor": metrics["frechet"]["chance"]}
        write(__file__, SOURCES, {**told, "runs": found})


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
