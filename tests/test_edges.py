"""Nothing, handed to every public function of the chapters: a right empty result, or one line."""

import functools
import inspect

import pytest
import torch
from torch import nn

from mmcourse import diffusion, dit, joint, lora, vqgan, vqvae
from mmcourse.datasets import LabelledPictures
from mmcourse.diffusion import CLEAN, NoiseSchedule, PixelUNet, linear_betas, toy
from mmcourse.diffusion.editing import inpaint, redraw
from mmcourse.diffusion.flow import flow_matching_loss
from mmcourse.diffusion.generate import Pixels, Way, draw_freely, starting_noise
from mmcourse.diffusion.measure import gaussian_pictures, nearest
from mmcourse.dit.measure import bytes_of, kept
from mmcourse.joint import JointModel, evaluate, pairs
from mmcourse.lora import LoRAConfig
from mmcourse.lora.detect import labelled_share
from mmcourse.storyworld import StoryWorld, Tokenizer, render_bytes
from mmcourse.storyworld.dataset import to_pixels
from mmcourse.vqgan import VQGAN, Drawing, ResidualPrior
from mmcourse.vqgan.eye import Eye, seen_by
from mmcourse.vqgan.features import Features
from mmcourse.vqgan.latents import LatentAutoencoder
from mmcourse.vqgan.latents_data import encode_bytes
from mmcourse.vqgan.masked import sample_masked
from mmcourse.vqgan.measure import sharpness
from mmcourse.vqgan.prior_measure import bits_of, nearest_distances
from mmcourse.vqgan.style import restyle
from mmcourse.vqvae import VQVAE, CodePrior, codecs
from mmcourse.vqvae.batches import decode_pictures, encode_pictures
from mmcourse.vqvae.compress import bits_each
from mmcourse.vqvae.draw import in_turn
from mmcourse.vqvae.sample import sample_codes

E = torch.zeros
ints = functools.partial(torch.zeros, dtype=torch.int64)
bools = functools.partial(torch.zeros, dtype=torch.bool)
octets = functools.partial(torch.zeros, dtype=torch.uint8)
SCHEDULE = NoiseSchedule(linear_betas())
LEVELS = SCHEDULE.levels(2)
CODEBOOK = torch.rand(3, 2)
WAY = Way(steps=2, guidance=1.0, sampler="ddim")


@functools.cache
def small(kind):
    """An untrained model, as small as can be."""
    words = Tokenizer()
    build = {
        "joint": lambda: JointModel(len(words), 16, 32, 1, 1, 16, words.fingerprint),
        "vqvae": lambda: VQVAE("vq", {"num_codes": 8, "dim": 4}, width=8, depth=1),
        "prior": lambda: CodePrior(20, 8, cells=16, longest=8, dim=16, depth=1, heads=2),
        "vqgan": lambda: VQGAN(2, options={"num_codes": 8, "dim": 4}, widths=(8, 8), half_width=8),
        "latents": lambda: LatentAutoencoder(4, (8, 8), (1, 1), 8),
        "residual": lambda: ResidualPrior(len(words), 8, 2, dim=4, grid=(2, 2), width=64, depth=1),
        "unet": lambda: PixelUNet(16, widths=(8, 32), looking=(1,)),
        "dit": lambda: dit.DiT((4, 4, 4), dim=32, depth=1, heads=1),
    }
    return build[kind]().eval()


def adapted():
    model = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 2))
    lora.inject(model, LoRAConfig(targets=("0",), rank=2))
    return model


def answers(x, level):
    return x, x


EMPTY = {
    # joint
    "cosine_similarity_matrix": lambda: joint.cosine_similarity_matrix(E(0, 4), E(3, 4)),
    "draw_negatives": lambda: joint.draw_negatives(E(0, 0), torch.Generator()),
    "negative_chances": lambda: joint.negative_chances(E(0, 0)),
    "mask_words": lambda: joint.mask_words(ints(2, 0), 9, torch.Generator())[0],
    "masked_word_loss": lambda: joint.masked_word_loss(E(0, 5, 20), ints(0, 5)),
    "nearest": lambda: joint.nearest(E(0, 4), torch.rand(3, 4), 2),
    "zero_shot_predict": lambda: joint.zero_shot_predict(E(0, 4), torch.rand(2, 3, 4)),
    "embed_texts": lambda: evaluate.embed_texts(small("joint"), []),
    "embed_pictures": lambda: evaluate.embed_pictures(small("joint"), octets(0, 16, 16, 3)),
    "render_bytes": lambda: render_bytes([], 16),
    "a folder's pictures": lambda: LabelledPictures(octets(0, 3, 4, 4), ints(0), "a", 8).resized(),
    # vqvae
    "ema_update": lambda: vqvae.ema_update(torch.ones(3), torch.ones(3, 2), E(0, 2), ints(0))[2][
        :0
    ],
    "fsq_round": lambda: vqvae.fsq_round(E(0, 2), torch.tensor([3, 3])),
    "nearest_codes": lambda: vqvae.nearest_codes(E(0, 2), CODEBOOK),
    "psnr": lambda: vqvae.psnr(E(0, 3, 4, 4), E(0, 3, 4, 4)),
    "rotation_trick": lambda: vqvae.rotation_trick(E(0, 2), E(0, 2)),
    "straight_through": lambda: vqvae.straight_through(E(0, 2), E(0, 2)),
    "quantize": lambda: vqvae.quantize(E(0, 2, 4, 4), CODEBOOK).codes,
    "encode_pictures": lambda: encode_pictures(small("vqvae"), octets(0, 16, 16, 3)),
    "decode_pictures": lambda: decode_pictures(small("vqvae"), ints(0, 4, 4)),
    "sample_codes": lambda: sample_codes(small("prior"), 0),
    "bits_each": lambda: bits_each(small("prior"), ints(0, 4, 4)),
    # vqgan
    "guided": lambda: vqgan.guided(E(0, 5), E(0, 5), 2.0),
    "halton_order": lambda: vqgan.halton_order(0, 3),
    "maskgit_step": lambda: vqgan.maskgit_step(ints(0, 4), E(0, 4), ints(0, 4), bools(0, 4), 2)[0],
    "no_text": lambda: vqgan.no_text(0),
    "sample_masked": lambda: vqgan.sample_masked(small("residual"), ints(0, 3)),
    "sample_raster": lambda: vqgan.sample_raster(small("residual"), ints(0, 3)),
    "restyle": lambda: restyle(small("residual"), ints(0, 2, 2, 2), "flat"),
    "top_k_filter": lambda: vqgan.top_k_filter(E(0, 5), 2),
    "top_p_filter": lambda: vqgan.top_p_filter(E(0, 5), 0.5),
    "Drawing.draw": lambda: Drawing().draw(E(0, 5)),
    "encode_bytes": lambda: encode_bytes(small("latents"), octets(0, 16, 16, 3)),
    "pictures to residual codes": lambda: encode_pictures(small("vqgan"), octets(0, 16, 16, 3)),
    # diffusion
    "add_noise": lambda: diffusion.add_noise(E(0, 3), E(0, 3), ints(0), SCHEDULE.alpha_bar),
    "convert": lambda: diffusion.convert(E(0, 2), E(0, 2), 0.6, 0.8, source="v", to="x0"),
    "parts": lambda: diffusion.parts("v", E(0, 2), E(0, 2), 0.6, 0.8)[0],
    "target": lambda: diffusion.target("v", E(0, 2), E(0, 2), 0.6, 0.8),
    "min_snr_weight": lambda: diffusion.min_snr_weight("v", E(0), E(0)),
    "guide": lambda: diffusion.guide(E(0, 2), E(0, 2), 3.0),
    "rescale": lambda: diffusion.rescale(E(0, 2, 2), E(0, 2, 2), 0.5),
    "draw_dropped": lambda: diffusion.draw_dropped(0),
    "logit_normal": lambda: diffusion.logit_normal(0),
    "linear_betas": lambda: diffusion.linear_betas(0),
    "scaled_linear_betas": lambda: diffusion.scaled_linear_betas(0),
    "cosine_betas": lambda: diffusion.cosine_betas(0),
    "ddim_step": lambda: diffusion.ddim_step(E(0, 2), E(0, 2), 0.6, 0.8, 0.8, 0.6),
    "ddpm_step": lambda: diffusion.ddpm_step(E(0, 2), E(0, 2), *LEVELS[:2]),
    "dpm_solver_step": lambda: diffusion.dpm_solver_step(E(0, 2), E(0, 2), LEVELS[:2]),
    **{
        name: lambda walk=walk: diffusion.last(walk(answers, E(0, 2), LEVELS))
        for name, walk in diffusion.SAMPLERS.items()
    },
    "sample": lambda: diffusion.last(
        diffusion.sample(small("unet"), E(0, 3, 16, 16), LEVELS, objective="x0")
    ),
    "starting_noise": lambda: starting_noise((3, 4), []),
    "Clouds.draw": lambda: toy.crossed().draw(0),
    "Clouds.score": lambda: toy.crossed().score(E(0, 2), CLEAN),
    # dit
    "modulate": lambda: dit.modulate(E(0, 3, 4), E(0, 1, 4), E(0, 1, 4)),
    "patchify": lambda: dit.patchify(E(0, 4, 4, 4), 2),
    "unpatchify": lambda: dit.unpatchify(E(0, 4, 16), 2, 4, 4),
    # lora
    "answer_labels": lambda: lora.answer_labels(ints(0, 5), ints(0), bools(0, 5), 3),
    "lora_linear": lambda: lora.lora_linear(
        E(0, 4), torch.rand(6, 4), torch.rand(6), torch.rand(2, 4), torch.rand(6, 2), 4.0
    ),
    "round_to_levels": lambda: lora.round_to_levels(E(0), lora.nf4_levels()),
    "unpack_weight": lambda: lora.unpack_weight(lora.pack(E(0, 4))),
    "a layer with an adapter": lambda: adapted()(E(0, 4)),
}
"""What is right and empty: a tensor without rows."""

REFUSED = {
    # joint
    "clip_loss": (lambda: joint.clip_loss(E(0, 4), E(0, 4), 1.0), "a pair or more"),
    "masked_clip_loss": (
        lambda: joint.masked_clip_loss(E(0, 4), E(0, 4), 1.0, bools(0, 0)),
        "a pair or more",
    ),
    "siglip_loss": (lambda: joint.siglip_loss(E(0, 4), E(0, 4), 1.0, 0.0), "a pair or more"),
    "a pair too many": (lambda: joint.clip_loss(E(3, 4), E(2, 4), 1.0), r"\(3, 4\) and \(2, 4\)"),
    "matching_loss": (lambda: joint.matching_loss(E(0), bools(0)), "no pairs"),
    "recall_at_k": (lambda: joint.recall_at_k(E(0, 0), 1), "k must be 1 to 0"),
    "no candidates": (lambda: joint.nearest(E(3, 4), E(0, 4), 1), "k must be 1 to 0"),
    "no classes": (lambda: joint.zero_shot_predict(E(2, 4), E(0, 3, 4)), r"got \(0, 3, 4\)"),
    "no prompts": (lambda: joint.zero_shot_predict(E(2, 4), E(2, 0, 4)), r"got \(2, 0, 4\)"),
    "a text without words": (
        lambda: small("joint").encode_text(ints(1, 3).fill_(0), bools(1, 3).fill_(False)),
        "holds no word",
    ),
    "measure_retrieval": (
        lambda: evaluate.measure_retrieval(small("joint"), n=0),
        "n must be at least 1, got 0",
    ),
    "measure_zero_shot": (
        lambda: evaluate.measure_zero_shot(small("joint"), n=-1),
        "n must be at least 1, got -1",
    ),
    "measure_binding": (lambda: evaluate.measure_binding(small("joint"), n=0), "at least 1, got 0"),
    "to_pixels": (lambda: to_pixels([]), "no pictures"),
    "StoryWorld": (lambda: StoryWorld("train", -1), "n must be at least 0, got -1"),
    # vqvae
    "perplexity": (lambda: vqvae.perplexity(ints(0), 3), "no indices"),
    "usage": (lambda: vqvae.usage(ints(0), 3), "no indices"),
    "usage beyond K": (
        lambda: vqvae.usage(torch.tensor([0, 3]), 3),
        "from 0 to 3, expected 0 to 2",
    ),
    "perplexity beyond K": (
        lambda: vqvae.perplexity(torch.tensor([[2, 5], [0, 1]]), 5),
        "from 0 to 5, expected 0 to 4",
    ),
    "perplexity below 0": (
        lambda: vqvae.perplexity(torch.tensor([-1, 2]), 3),
        "from -1 to 2, expected 0 to 2",
    ),
    "pictures without pixels": (lambda: vqvae.psnr(E(2, 3, 0, 4), E(2, 3, 0, 4)), "with pixels"),
    "one picture for two": (lambda: vqvae.psnr(E(2, 3, 4, 4), E(1, 3, 4, 4)), "one shape"),
    "CodePrior.loss": (lambda: small("prior").loss(ints(0, 5), ints(0, 5)), "one row or more"),
    "a text of one token": (
        lambda: small("prior").loss(torch.ones(2, 1, dtype=torch.int64), ints(2, 1).fill_(0)),
        "nothing follows",
    ),
    "fewer than none": (lambda: sample_codes(small("prior"), -1), "n must be at least 0, got -1"),
    "sheet": (lambda: codecs.sheet(octets(0, 8, 8, 3)), "no sheet"),
    "SimVQ.start_from": (lambda: vqvae.SimVQ(4, 2).start_from(E(0, 2, 3)), "no vector"),
    "floats for bytes": (
        lambda: encode_pictures(small("vqvae"), torch.rand(1, 16, 16, 3)),
        "must be uint8",
    ),
    # vqgan
    "frechet_distance": (lambda: vqgan.frechet_distance(E(0, 3), E(0, 3)), "N of 2 or more"),
    "fewer texts than none": (lambda: vqgan.no_text(-1), "n must be at least 0"),
    "no codes to draw from": (lambda: Drawing().draw(E(2, 0)), "nothing to draw from"),
    "logits that rule all out": (lambda: Drawing().draw(E(2, 5).fill_(-torch.inf)), "rules"),
    "logits with NaN": (lambda: Drawing().draw(E(2, 5).fill_(torch.nan)), "NaN"),
    "guidance without end": (lambda: Drawing(guidance=float("inf")), "guidance must be"),
    "ResidualPrior.loss": (
        lambda: small("residual").loss(ints(0, 3), ints(0, 2, 2, 2)),
        "no pictures",
    ),
    "LatentAutoencoder.settle": (lambda: small("latents").settle([]), "no pictures"),
    "sharpness": (lambda: sharpness(octets(0, 8, 8, 3), octets(0, 8, 8, 3)), "one at least"),
    "nearest_distances": (
        lambda: nearest_distances(octets(2, 16, 16, 3), octets(0, 16, 16, 3)),
        "no others",
    ),
    "bits_of": (lambda: bits_of(small("residual"), ints(0, 3), ints(0, 2, 2, 2)), "no pictures"),
    # diffusion
    "flow_matching_loss": (
        lambda: flow_matching_loss(small("unet"), E(0, 3, 16, 16), E(0, 3, 16, 16), E(0)),
        "no mean",
    ),
    "redraw": (
        lambda: redraw(small("unet"), Pixels(), E(0, 3, 16, 16), 0.5, WAY),
        "with one at least",
    ),
    "redraw of bytes": (
        lambda: redraw(small("unet"), Pixels(), octets(1, 3, 16, 16), 0.5, WAY),
        "from_bytes",
    ),
    "one seed for two": (
        lambda: redraw(small("unet"), Pixels(), torch.zeros(2, 3, 16, 16), 0.5, WAY, seeds=[0]),
        "a seed for each picture, got 1 for 2",
    ),
    "inpaint": (
        lambda: inpaint(small("unet"), Pixels(), E(0, 3, 16, 16), bools(0, 1, 16, 16), WAY),
        "with one at least",
    ),
    "draw_freely": (lambda: draw_freely(small("unet"), Pixels(), 0, WAY), "n must be at least 1"),
    "an answer of another shape": (
        lambda: diffusion.last(
            diffusion.sample(lambda x, t, cond: x[:, :1], E(1, 3), LEVELS, objective="x0")
        ),
        r"answered \(1, 3\) with \(1, 1\)",
    ),
    "no answer": (
        lambda: diffusion.last(
            diffusion.sample(lambda x, t, cond: None, E(1, 3), LEVELS, objective="x0")
        ),
        "with NoneType",
    ),
    "half a step": (lambda: Way(steps=1.5), "whole number"),
    "a share that is none": (lambda: Way(rescaled=float("nan")), "rescaled is nan"),
    "guidance at no time": (lambda: Way(highest=0.0), "highest is 0"),
    "half a seed": (lambda: starting_noise((2,), [0.5]), "seed is 0.5"),
    "fewer points than none": (lambda: toy.crossed().draw(-1), "n must be at least 0"),
    "histogram": (lambda: toy.histogram(E(0, 2)), "no places"),
    "gaussian_pictures": (lambda: gaussian_pictures(octets(1, 8, 8, 3), 3), "got 1"),
    "nearest of none": (lambda: nearest(octets(2, 8, 8, 3), [octets(0, 8, 8, 3)]), "got 2 and 0"),
    "none is near": (lambda: nearest(octets(0, 8, 8, 3), [octets(2, 8, 8, 3)]), "got 0 and 2"),
    "PerceptualLoss": (
        lambda: vqgan.PerceptualLoss(nn.Identity())(E(0, 3, 8, 8), E(0, 3, 8, 8)),
        "none have no distance",
    ),
    "no captions": (lambda: in_turn([], [], None, None), "got 0 texts"),
    "one seed for two captions": (lambda: in_turn(["a", "b"], [1], None, None), "1 seeds"),
    "half a pass": (
        lambda: sample_masked(small("residual"), ints(1, 3), passes=2.5),
        "passes is 2.5",
    ),
    "half a code": (lambda: Drawing(top_k=2.5), "k is 2.5"),
    "steps that are no whole number": (lambda: Way(steps=20.0), "steps is 20.0"),
    "an eye that saw nothing": (
        lambda: Eye(Features(channels=(8, 8, 8, 8)), E(0, 4, 8)),
        "one usual picture or more",
    ),
    "floats where bytes are seen": (
        lambda: seen_by(Features(channels=(8, 8, 8, 8)), torch.rand(1, 32, 32, 3)),
        "must be uint8",
    ),
    "no families": (lambda: pairs.draw(0), "families is 0"),
    **{
        f"{kind} given {dtype}": (
            lambda kind=kind, dtype=dtype: small(kind).encode(E(1, 3, 32, 32, dtype=dtype)),
            "expected floats in",
        )
        for kind in ("vqgan", "latents")
        for dtype in (torch.int64, torch.bool)
    },
    # dit
    "draw_heroes": (lambda: dit.draw_heroes(small("dit"), None, None, []), "got 0 texts"),
    "steps_to_pictures": (
        lambda: dit.steps_to_pictures(small("dit"), None, [], WAY, []),
        "got 0 texts",
    ),
    "bytes_of": (lambda: bytes_of([]), "no pictures"),
    "kept": (lambda: kept(E(0, 4), E(0, 4), E(0, 4)), "no identities"),
    # lora
    "update_scale": (lambda: lora.update_scale(16.0, 0), "rank is 0"),
    "merged_weight": (
        lambda: lora.merged_weight(torch.rand(6, 4), E(0, 4), E(6, 0), 4.0),
        "rank is 0",
    ),
    "numbers that fill no block": (
        lambda: lora.round_to_levels(E(63), lora.nf4_levels()),
        "blocks of 64",
    ),
    "a weight of whole numbers": (lambda: lora.pack(ints(2, 2)), "expected floats"),
    "trainable": (lambda: lora.trainable(nn.Sequential()), "nothing is trainable"),
    "trainable_share": (lambda: lora.trainable_share(nn.Linear(2, 2)), "nothing is frozen"),
    "deltas": (lambda: lora.deltas(adapted(), "another"), "no adapter 'another'"),
    "use": (lambda: lora.use(nn.Linear(2, 2), "one"), "no adapter 'one'"),
    "find_targets": (lambda: lora.find_targets(nn.Sequential(), ("a",)), "no layer matches"),
    "labelled_share": (
        lambda: labelled_share({"attention_mask": ints(0, 3), "labels": ints(0, 3)}),
        "no token",
    ),
}
"""What is refused, and what the message says."""

NAN = {
    "codebook_loss": lambda: vqvae.codebook_loss(E(0, 2), E(0, 2)),
    "commitment_loss": lambda: vqvae.commitment_loss(E(0, 2), E(0, 2)),
    "vq_loss": lambda: vqvae.vq_loss(E(0, 2), E(0, 2)),
    "hinge_discriminator_loss": lambda: vqgan.hinge_discriminator_loss(E(0), E(0)),
    "hinge_generator_loss": lambda: vqgan.hinge_generator_loss(E(0)),
    "logistic_discriminator_loss": lambda: vqgan.logistic_discriminator_loss(E(0), E(0)),
    "non_saturating_generator_loss": lambda: vqgan.non_saturating_generator_loss(E(0)),
    "lecam_regulariser": lambda: vqgan.lecam_regulariser(E(0), E(0), 0.0, 0.0),
    "next_token_loss": lambda: lora.next_token_loss(E(0, 5, 7), ints(0, 5)),
}
"""Means of plain numbers, which of nothing are NaN as torch's are."""

NOT_ASKED = {
    # take a model, a step's losses, a file, a number or a name, and no batch
    *("adaptive_weight", "gan_step", "lpips_weights", "receptive_field", "still_masked"),
    *("vgg16_features", "build_path", "last", "zero_terminal_snr", "portrait", "starring"),
    *("way_of", "adapted_layers", "adapters", "answer_loss", "fingerprint", "inject"),
    *("load_adapter", "lora_layer", "merge", "nf4_levels", "pack", "pack_model"),
    *("replace_layers", "save_adapter", "strip", "unmerge", "unpack", "ddim", "ddpm"),
    *("dpm_solver", "euler", "heun"),  # by their names in SAMPLERS
}


def test_every_public_function_of_the_chapters_is_tried():
    public = {
        name
        for chapter in (joint, vqvae, vqgan, diffusion, dit, lora)
        for name in chapter.__all__
        if inspect.isfunction(getattr(chapter, name))
    }
    assert public <= EMPTY.keys() | REFUSED.keys() | NAN.keys() | NOT_ASKED


@pytest.mark.parametrize("name", EMPTY)
def test_of_nothing_comes_nothing(name):
    found = EMPTY[name]()
    assert found.numel() == 0 or (found.ndim == 0 and found == 0)


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_answer_is_one_clear_line(name):
    run, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as error:
        run()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", NAN)
def test_the_mean_of_nothing_is_nan(name):
    assert NAN[name]().isnan()
