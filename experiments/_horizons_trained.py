"""The parts of `horizons` that train something: a student, music, a clip, one transformer."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from mmcourse.joint import JointModel
from mmcourse.joint.evaluate import distinct_scenes, embed_pictures, embed_texts
from mmcourse.joint.pairs import caption_for_training, draw
from mmcourse.joint.retrieval import recall_at_k
from mmcourse.pictures import to_bytes
from mmcourse.story.horizons import clip as c
from mmcourse.story.horizons import music as m
from mmcourse.story.horizons import sequences as q
from mmcourse.story.horizons import small as s
from mmcourse.storyworld import Scene, Tokenizer, caption, from_bytes, render_bytes, sample_scene
from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.training import batch_indices, count_parameters, evaluating
from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.latents import LatentAutoencoder
from mmcourse.vqvae.batches import encode_pictures
from mmcourse.vqvae.brief import brief
from mmcourse.vqvae.prior import CodePrior
from mmcourse.vqvae.sound_model import SoundVQVAE

BITS = (8, 6, 5, 4, 3)
FOLDER = Path("_build/horizons")
"""Where what is half done is kept."""


def _last(run) -> None:  # type: ignore[no-untyped-def]
    for _ in run:
        pass


def _kept(name: str, tiny: bool, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """What `make` makes, read from the disk where an earlier run has left it."""
    file = FOLDER / f"{name}.safetensors"
    if tiny:
        return make()
    if not file.exists():
        save_file(make(), file)
    return load_file(file)


# -- smaller models --------------------------------------------------------------------------------


def small(tiny: bool) -> dict[str, object]:
    """Chapter 1's towers in fewer bits, and a student of the one that looks."""
    n, many, steps = (8, 64, 2) if tiny else (1000, 6000, 600)
    model = JointModel.from_pretrained("joint")
    scenes = distinct_scenes("test", n)
    pictures, texts = render_bytes(scenes, 64), [caption(scene) for scene in scenes]

    def found(towers: JointModel) -> float:
        return recall_at_k(embed_texts(towers, texts) @ embed_pictures(towers, pictures).T, 1)

    towers = JointModel.from_pretrained("joint")
    towers.fused = None
    rows = []
    for bits in BITS[: 1 if tiny else None]:
        row: dict[str, object] = {"bits": bits}
        for by, by_row in (("row", True), ("tensor", False)):
            row[by] = {
                "recall": found(s.rounded_model(towers, bits, by_row)),
                "error": s.rounding_error(towers, bits, by_row),
                "bytes": s.size_in_bytes(towers, bits, by_row),
            }
        rows.append(row)
    train_scenes, train = draw(many, seed=0)
    told = embed_texts(model, [caption_for_training(x, i).text for i, x in enumerate(train_scenes)])
    seen, words = embed_pictures(model, train), embed_texts(model, texts)
    truth = embed_pictures(model, pictures)
    students: dict[str, object] = {}
    for name, targets, copies in (("copied", seen, True), ("alone", told, False)):
        scores, cosines = [], []
        for seed in (0,) if tiny else (0, 1, 2):
            torch.manual_seed(seed)
            student = s.Student()
            _last(s.train_student(student, train, targets, steps=steps,
                                  copies=copies, seed=seed))  # fmt: skip
            mine = student.look(pictures)
            scores.append(recall_at_k(words @ mine.T, 1))
            cosines.append(float((mine * truth).sum(1).mean()))
        students[name] = {"recall": mean(scores), "each": scores, "cosine": mean(cosines)}
    one = from_bytes(pictures[:1])
    teacher = model.image_tower
    return {
        "seeds": [0] if tiny else [0, 1, 2],
        "n": n,
        "whole": {"recall": found(towers), "bytes": s.size_in_bytes(towers, 16)},
        "rows": rows,
        "students": students,
        "trained_on": many,
        "steps": steps,
        "cost": {
            "teacher": {"parameters": count_parameters(teacher),
                        "multiply_adds": s.multiply_adds(teacher, one)},
            "student": {"parameters": count_parameters(student),
                        "multiply_adds": s.multiply_adds(student, one),
                        "bytes": s.size_in_bytes(student, 8)},
        },
    }  # fmt: skip


# -- music -----------------------------------------------------------------------------------------

SPECIAL = 4
"""Pad, start, end, mask."""


def _asked(which: Tensor) -> Tensor:
    """(N, 2) moods and places as words (N, 2)."""
    return torch.stack([SPECIAL + which[:, 0], SPECIAL + len(v.MOODS) + which[:, 1]], 1)


def music(tiny: bool) -> dict[str, object]:
    """Mood and place to codes of sound, and what a listener hears in them."""
    many, steps, each = (28, 2, 1) if tiny else (1120, 300, 5)
    codec = SoundVQVAE.from_pretrained("vqvae-sound").eval()

    def encoded() -> dict[str, Tensor]:
        sounds, which = m.pieces(many, seed=0)
        with evaluating(codec):
            return {"codes": torch.cat([codec.encode(x) for x in sounds.split(64)]), "which": which}

    codes, which = _kept("music", tiny, encoded).values()  # (N, 256), (N, 2)
    torch.manual_seed(0)
    prior = CodePrior(SPECIAL + len(v.MOODS) + len(v.PLACES), 256, 256, 2, dim=96, depth=3, heads=4)
    words, grids = _asked(which), codes.view(len(codes), 16, 16)

    def shown(step: int) -> q.Shown:
        index = batch_indices(step, 16, many, 0)
        return prior.shared.join(words[index], grids[index], True)

    _last(q.train_on(prior, shown, steps=steps, checkpoint=None if tiny else FOLDER / "music.pt"))
    kinds = [(a, b) for a in range(len(v.MOODS)) for b in range(len(v.PLACES))]
    asked = torch.tensor(kinds[: 2 if tiny else None]).repeat(each, 1)

    def heard() -> dict[str, Tensor]:
        """Sounds out of codes: the transformer's, and those of the set."""
        dice = torch.Generator().manual_seed(0)
        with evaluating(codec):
            made = codec.decode(q.draw_after(prior, _asked(asked), 0.9, dice))
            return {
                "made": made,
                "set": torch.cat([codec.decode(x) for x in codes[:560].split(64)]),
            }

    sounds = _kept("music-heard", tiny, heard)
    made = sounds["made"]
    own, meant = m.pieces(28 if tiny else 280, seed=1)
    with evaluating(codec):
        test_codes = torch.cat([codec.encode(part) for part in own.split(64)])
        back = torch.cat([codec.decode(part) for part in test_codes.split(64)])
    listener = m.Listener(*m.pieces(28 if tiny else 560, seed=2))
    used_to_codes = m.Listener(sounds["set"], which[: len(sounds["set"])])
    order = torch.randperm(len(own), generator=torch.Generator().manual_seed(0))
    flat, held = codes, test_codes
    return {
        "seeds": [0],
        "n": len(asked),
        "trained_on": many,
        "steps": steps,
        "parameters": count_parameters(prior),
        "cells": prior.shared.cells,
        "true": listener.share(own, meant),
        "round_trip": used_to_codes.share(back, meant),
        "made": used_to_codes.share(made, asked),
        "random": used_to_codes.share(back[order], meant),
        "bits": {
            "frequency": q.bits_by_frequency(flat, held, 256),
            "place": q.bits_by_place(flat, held, 256),
            "pair": q.bits_by_pair(flat, held, 256),
            "asked": q.bits_of_codes(prior, _asked(meant), held.view(-1, 16, 16)),
            "unasked": q.bits_of_codes(prior, None, held.view(-1, 16, 16)),
        },
    }


# -- a clip ----------------------------------------------------------------------------------------


def _latents(model: LatentAutoencoder, clips: Tensor) -> Tensor:
    """(N, n, H, W, 3) uint8 to (N, n, D, h, w)."""
    flat = clips.flatten(0, 1)
    found = torch.cat([model.encode(from_bytes(part)) for part in flat.split(16)])
    return found.unflatten(0, clips.shape[:2])


def _pictures(model: LatentAutoencoder, latents: Tensor) -> Tensor:
    """(B, D, h, w) to uint8 (B, H, W, 3)."""
    return torch.cat([to_bytes(model.decode(z)).movedim(1, -1) for z in latents.split(16)])


def clip(tiny: bool) -> dict[str, object]:
    """Three frames between two, four ways, by where the hero is."""
    many, tests, n, steps = (2, 1, 3, 2) if tiny else (60, 10, 5, 240)
    model = LatentAutoencoder.from_pretrained("latents-128").eval()
    train = _latents(model, torch.stack([c.frames(x, n) for x in c.hops("train", many)]))
    scenes = c.hops("test", tests)
    clips = torch.stack([c.frames(x, n) for x in scenes])
    latents = _latents(model, clips)
    torch.manual_seed(0)
    network = c.Between(train.shape[2])
    _last(c.train_between(network, train, steps=steps, batch_size=16))
    times = [i / (n - 1) for i in range(1, n - 1)]
    drawn: dict[str, list[Tensor]] = {k: [] for k in ("fade", "mix", "cut", "between", "decoded")}
    for film, z in zip(clips, latents, strict=True):
        first, last = film[0], film[-1]
        drawn["fade"].append(torch.stack([c.cross_fade(first, last, t) for t in times]))
        drawn["cut"].append(torch.stack([c.cut_out(first, last, t) for t in times]))
        mixed = torch.stack([c.cross_fade(z[0], z[-1], t) for t in times])
        with evaluating(network):
            ends = z[:1].expand(n - 2, -1, -1, -1), z[-1:].expand(n - 2, -1, -1, -1)
            learned = network(*ends, torch.tensor(times))
        for name, part in (("mix", mixed), ("between", learned), ("decoded", z[1:-1])):
            drawn[name].append(_pictures(model, part))
    highest, ways = round(c.height(1, 128)) + 2, {}
    for name, films in drawn.items():
        far, off, noise = [], [], []
        for scene, film, truth in zip(scenes, films, clips, strict=True):
            mask = c.hero_mask(scene)
            for t, frame, true in zip(times, film, truth[1:-1], strict=True):
                at, unlike = c.where_is(frame, truth[0], mask, highest)
                far.append(abs(at - c.height(t, 128)))
                off.append(unlike)
                noise.append(c.psnr(frame, true))
        ways[name] = {"pixels": mean(far), "unlike": mean(off), "psnr": mean(noise)}
    rows = {"true": clips[0]} | {k: torch.cat([clips[0][:1], drawn[k][0], clips[0][-1:]]) for k in
                                 ("fade", "cut", "mix", "between")}  # fmt: skip
    return {
        "seeds": [0],
        "n": tests * (n - 2),
        "clips": tests,
        "frames": n,
        "trained_on": many,
        "steps": steps,
        "parameters": count_parameters(network),
        "hop": c.height(1, 128),
        "ways": ways,
        "shown": _sheet([film[:: max(1, (n - 1) // 4)] for film in rows.values()]),
    }


def _sheet(rows: list[Tensor], side: int = 88) -> str:
    """Films (n, H, W, 3) beneath each other as one WebP, in base64."""
    sheet = Image.new("RGB", (side * len(rows[0]), side * len(rows)))
    for y, film in enumerate(rows):
        for x, frame in enumerate(film):
            picture = Image.fromarray(frame.round().clamp(0, 255).to(torch.uint8).numpy())
            sheet.paste(
                picture.resize((side, side), Image.Resampling.LANCZOS), (side * x, side * y)
            )
    buffer = io.BytesIO()
    sheet.save(buffer, "WEBP", quality=50, method=6)
    return base64.b64encode(buffer.getvalue()).decode()


# -- one transformer -------------------------------------------------------------------------------


def _said(text: str) -> dict[str, str]:
    """What a brief caption says, by kind."""
    found = {}
    for kind, table in (("place", w.PLACE), ("time", w.TIME), ("weather", w.WEATHER)):
        found[kind] = next((x for x, said in table.items() if said[0] and said[0] in text), "")
    who = text.split()
    found["species"] = next((x for x in who if x in v.SPECIES), "")
    found["colour"] = next((x for x in who if x in v.COLOURS), "")
    return found


def _scores(texts: list[str], scenes: list[Scene]) -> dict[str, float]:
    """Share of scenes of which a caption says each kind of thing as the true one does."""
    true, said = [_said(brief(x)) for x in scenes], [_said(text) for text in texts]
    return {k: mean(a[k] == b[k] for a, b in zip(true, said, strict=True)) for k in true[0]}


def _read(prior: CodePrior, codes: Tensor) -> list[str]:
    """The captions that a prior reads in codes (N, h, w)."""
    words = Tokenizer()
    start, end = words.encode(["a"])[0][0, [0, -1]].tolist()
    ids = torch.cat([q.words_of(prior, part, start, end, 24) for part in codes.split(32)])
    return [" ".join(words.words[i] for i in row if i > 3) for row in ids.tolist()]


def fusion(tiny: bool) -> dict[str, object]:
    """Words and codes in one row, in both orders, by one small transformer."""
    many, tests, steps = (16, 4, 2) if tiny else (3200, 200, 600)
    model, words = VQGAN.from_pretrained("vqgan-64").eval(), Tokenizer()
    scenes = [sample_scene("train", i) for i in range(many)]
    unseen = distinct_scenes("test", tests)

    def encoded(some: list[Scene]) -> dict[str, Tensor]:
        codes = [encode_pictures(model, render_bytes(some[i : i + 64], 64))[..., 0]
                 for i in range(0, len(some), 64)]  # fmt: skip
        return {"codes": torch.cat(codes)}  # (N, 8, 8), the first code of each place

    parts = [scenes[i : i + 800] for i in range(0, many, 800)]
    made = [_kept(f"fusion-{i}", tiny, partial(encoded, part)) for i, part in enumerate(parts)]
    codes = torch.cat([part["codes"] for part in made])
    held = _kept("fusion-test", tiny, partial(encoded, unseen))["codes"]
    ids = words.encode([brief(x) for x in scenes])[0]
    asked = words.encode([brief(x) for x in unseen])[0]
    torch.manual_seed(0)
    prior = CodePrior(len(words), 1024, 64, 64, dim=96, depth=3, heads=4)

    def shown(step: int) -> q.Shown:
        index = batch_indices(step, min(16, many), many, 0)
        return prior.shared.join(ids[index], codes[index], step % 2 == 0)

    _last(q.train_on(prior, shown, steps=steps, checkpoint=None if tiny else FOLDER / "fusion.pt"))
    flat, test = codes.flatten(1), held.flatten(1)
    true = [_said(brief(x)) for x in scenes]
    common = {k: max({x[k] for x in true}, key=[x[k] for x in true].count) for k in true[0]}
    usual = {k: mean(_said(brief(x))[k] == common[k] for x in unseen) for k in common}
    return {
        "seeds": [0],
        "n": tests,
        "trained_on": many,
        "steps": steps,
        "parameters": count_parameters(prior),
        "bits": {
            "table": 10.0,
            "frequency": q.bits_by_frequency(flat, test, 1024),
            "place": q.bits_by_place(flat, test, 1024),
            "pair": q.bits_by_pair(flat, test, 1024),
            "unasked": q.bits_of_codes(prior, None, held),
            "asked": q.bits_of_codes(prior, asked, held),
            "others": q.bits_of_codes(prior, asked.roll(1, 0), held),
        },
        "words": {
            "read": _scores(_read(prior, held), unseen),
            "others": _scores(_read(prior, held.roll(1, 0)), unseen),
            "commonest": usual,
        },
    }
