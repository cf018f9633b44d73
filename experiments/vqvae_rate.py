"""Bits and errors: codebooks of several sizes, grids of two, beside JPEG and WebP.

    python experiments/vqvae_rate.py [--small | --shipped]

Writes vqvae_rate.json; with --shipped only what it says of the shipped model, measured again. The
same small autoencoder, trained on StoryWorld for the same number of steps, with K codes at a
quarter or an eighth of the sides; and the shipped one. Bits are counted by a table, log2 K each; by
how often each code occurs; and in the file that a prior writes, a small one trained for each
codebook, or the shipped one. JPEG and WebP write all pictures into one file, so that headers don't
count. What a reader must have beside the file is counted too: decoder, codebook and prior, in half
precision. Measured are held-out scenes of StoryWorld, and squares of photographs, which no
autoencoder here has ever seen. Beside them stands the same autoencoder without a quantizer: what
the networks alone reach in these steps.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import torch
from _result import write
from _vqvae import BATCH, DIM, LR, SOURCES, WIDTH, data, decibels
from torch import Tensor, nn

from mmcourse.datasets import photographs
from mmcourse.pictures import to_bytes
from mmcourse.storyworld import Tokenizer, from_bytes
from mmcourse.vqvae import VQVAE, CodePrior, Quantized, perplexity, psnr
from mmcourse.vqvae.batches import encode_pictures
from mmcourse.vqvae.codecs import QUALITIES, through_file
from mmcourse.vqvae.compress import compress
from mmcourse.vqvae.measure import held_out, through
from mmcourse.vqvae.prior_train import Telling, train_prior
from mmcourse.vqvae.train import train

SEED = 0
GRIDS = {4: (4, 16, 64, 256, 1024), 8: (64, 1024)}
"""Codes, by how much shorter the sides of the grid are."""


def squares(n: int, size: int = 64, side: int = 384) -> Tensor:
    """The first n squares that photographs, each at side x side pixels, are cut into: uint8
    (n, size, size, 3)."""
    whole = torch.stack(list(photographs(side).values()))  # (P, 3, side, side)
    tiles = whole.unfold(2, size, size).unfold(3, size, size)  # (P, 3, rows, columns, size, size)
    cut = tiles.permute(2, 3, 0, 4, 5, 1).flatten(0, 2)  # of every photograph in turn
    return to_bytes(cut[:n])


def trained(factor: int, size: int, shown: Tensor, steps: int) -> tuple[VQVAE, CodePrior]:
    """An autoencoder, and a small prior over its codes alone, both trained on these pictures."""
    torch.manual_seed(SEED)
    options = {"num_codes": size, "dim": DIM}
    model = VQVAE("ema", options, width=WIDTH, depth=2, factor=factor)
    for _ in train(model, shown, steps=steps, batch_size=BATCH, lr=LR, seed=SEED):
        pass
    codes, words = encode_pictures(model, shown), Tokenizer()
    prior = CodePrior(
        len(words), size, codes[0].numel(), dim=48, depth=2, heads=4, vocabulary=words.fingerprint
    )
    for _ in train_prior(prior, codes, Telling(lambda i, step: "", seed=SEED), steps=steps, lr=LR):
        pass
    return model, prior


class Unquantised(nn.Module):
    """In the place of a quantizer: lets everything through."""

    num_codes, dim = 1, DIM

    def forward(self, z: Tensor) -> Quantized:
        """The vectors as they are."""
        return Quantized(z, z.new_zeros((len(z), *z.shape[2:]), dtype=torch.long), z.new_zeros(()))

    def start_from(self, z: Tensor, generator: torch.Generator | None = None) -> None:
        """Nothing to start."""


def without_codes(shown: Tensor, pictures: Tensor, steps: int) -> float:
    """PSNR of the autoencoder whose middle is real numbers, trained as `trained` does."""
    torch.manual_seed(SEED)
    model = VQVAE("vq", {"num_codes": 1, "dim": DIM}, width=WIDTH, depth=2)
    model.quantizer = Unquantised()
    for _ in train(model, shown, steps=steps, batch_size=BATCH, lr=LR, seed=SEED):
        pass
    with torch.no_grad():
        drawn = [model(from_bytes(part))[0].clamp(-1, 1) for part in pictures.split(64)]
    return psnr(torch.cat(drawn), from_bytes(pictures)).mean().item()


def needed(model: VQVAE, prior: CodePrior) -> int:
    """Bytes of what reads a file, in half precision: decoder, codebook and prior."""
    parts = (model.decoder.parameters(), [model.quantizer.codebook], prior.parameters())
    return 2 * sum(p.numel() for part in parts for p in part)


def measured(model: VQVAE, prior: CodePrior, pictures: Tensor) -> dict[str, float]:
    """Bits a picture, counted in three ways, and the error."""
    codes, drawn = through(model, pictures)
    cells, size = codes[0].numel(), model.quantizer.num_codes
    return {
        "factor": model.factor,
        "codes": size,
        "bits_table": cells * math.log2(size),
        "bits_use": cells * math.log2(float(perplexity(codes, size))),
        "bits_file": 8 * len(compress(model, prior, pictures)) / len(pictures),
        "psnr": decibels(drawn, pictures),
        "reader_bytes": needed(model, prior),
    }


def shipped() -> tuple[VQVAE, CodePrior]:
    """The shipped autoencoder and its prior."""
    return (
        VQVAE.from_pretrained("vqvae").eval(),
        CodePrior.from_pretrained("vqvae-prior").eval(),
    )


def shipped_again() -> None:
    """Measure the shipped model again, and leave the rest of the results as it is."""
    file = Path(__file__).with_suffix(".json")
    results = json.loads(file.read_text(encoding="utf-8"))
    n = results["n"]
    for name, these in {"storyworld": held_out(n)[1], "photographs": squares(n)}.items():
        results[name]["shipped"] = measured(*shipped(), these)
        print(name, results[name]["shipped"], flush=True)
    file.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def main(small: bool) -> None:
    """All codebooks and all qualities, and write."""
    steps, pictures, n = (2, 16, 4) if small else (500, 1500, 256)
    shown, scenes = data(pictures, n)
    sets = {"storyworld": scenes, "photographs": squares(n)}
    found: dict[str, dict[str, object]] = {}
    grids = [(f, size) for f, sizes in GRIDS.items() for size in (sizes[:1] if small else sizes)]
    models = [trained(factor, size, shown, steps) for factor, size in grids]
    if not small:
        models.append(shipped())
    for name, these in sets.items():
        rows = [measured(model, prior, these) for model, prior in models]
        print(name, *rows, sep="\n", flush=True)
        found[name] = {"codes": rows} if small else {"codes": rows[:-1], "shipped": rows[-1]}
        for kind, qualities in QUALITIES.items():
            found[name][kind.lower()] = [
                {"quality": q, "bits": 8 * size / len(these), "psnr": decibels(back, these)}
                for q in (qualities[:2] if small else qualities)
                for size, back in [through_file(these, kind, q)]
            ]
    unquantised = without_codes(shown, scenes, steps)
    print("without codes", unquantised)
    if not small:
        results = {"seed": SEED, "n": n, "pictures": pictures, "steps": steps}
        results["unquantised_psnr"] = unquantised
        write(__file__, (*SOURCES, "mmcourse.photographs"), {**results, **found})


if __name__ == "__main__":
    if "--shipped" in sys.argv[1:]:
        shipped_again()
    else:
        main("--small" in sys.argv[1:])
