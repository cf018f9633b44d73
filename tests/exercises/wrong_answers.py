"""Wrong answers that are nearly right: each must fail, and be told what its mistake is.

None of them is among an exercise's known mistakes. What they share is the kind of thing that an
exercise can forget to ask for: the ends of float32, zeros that are not exactly 0, inputs that lose
their graph, the smallest sizes, types, devices, and memory from one call to the next.
"""

from __future__ import annotations

import contextlib
import math
import random

import numpy as np
import torch
import torch.nn.functional as F

from mmcourse.exercises import load
from mmcourse.joint import losses, matching, retrieval
from mmcourse.joint.linear import fit
from mmcourse.vqvae import ema, fsq, gradient, nearest

NOT_FINITE = "not finite|There is a NaN"
NOT_ZERO = "Exactly 0 is asked for"
GRAPH = "was cut off from its graph"


# The ends of float32.


def bare_exponentials(logits, excluded=None):
    weight = logits.exp() * ~torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    if excluded is not None:
        weight = weight * ~excluded
    return weight / weight.sum(1, keepdim=True)


def softmax_then_renormalised(logits, excluded=None):
    gone = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    gone = gone if excluded is None else gone | excluded
    chances = logits.softmax(1).masked_fill(gone, 0)
    return chances / chances.sum(1, keepdim=True)


def strangers_by_one_minus(text_emb, image_emb, logit_scale, logit_bias):
    logits = logit_scale * text_emb @ image_emb.T + logit_bias
    own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    costs = torch.where(own, F.softplus(-logits), -torch.log(1 - logits.sigmoid()))
    return costs.sum() / len(logits)


def pairs_by_log_sigmoid(text_emb, image_emb, logit_scale, logit_bias):
    logits = logit_scale * text_emb @ image_emb.T + logit_bias
    own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    return torch.where(own, -logits.sigmoid().log(), F.softplus(logits)).sum() / len(logits)


def shifted_by_the_largest_of_all(text_emb, image_emb, logit_scale):
    logits = logit_scale * text_emb @ image_emb.T
    weight = (logits - logits.max()).exp()
    own = weight.diagonal()
    return -((own / weight.sum(1)).log().mean() + (own / weight.sum(0)).log().mean()) / 2


def maps_by_bare_exponentials(query, key, heads, mask=None):
    scores = _scores(query, key, heads).exp()
    scores = scores if mask is None else scores * mask[:, None, None]
    return scores / scores.sum(-1, keepdim=True)


def maps_renormalised(query, key, heads, mask=None):
    maps = _scores(query, key, heads).softmax(-1)
    maps = maps if mask is None else maps * mask[:, None, None]
    return maps / maps.sum(-1, keepdim=True)


def _scores(query, key, heads):
    q, k = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (query, key))
    return q @ k.mT / math.sqrt(q.shape[-1])


def tanh_by_exponentials(z, levels):
    half = 1.001 * (levels - 1).to(z.dtype) / 2
    offset = (levels % 2 == 0).to(z.dtype) / 2
    x = z + (offset / half).atanh()
    x = half * ((x.exp() - (-x).exp()) / (x.exp() + (-x).exp())) - offset
    return (x + (x.round() - x).detach()) / (levels // 2)


def centred_by_one_number(vectors, codebook):
    v, c = vectors - codebook.mean(), codebook - codebook.mean()
    return (c.square().sum(1) - 2 * v @ c.T).argmin(1)


def nothing_beyond_9999(vectors, codebook):
    best = torch.full((len(vectors),), 9999.0, dtype=vectors.dtype, device=vectors.device)
    index = torch.zeros(len(vectors), dtype=torch.int64, device=vectors.device)
    for k, code in enumerate(codebook):
        distance = (vectors - code).square().sum(1)
        index = torch.where(distance < best, k, index)
        best = torch.minimum(distance, best)
    return index


# Exactly 0.


def a_chance_for_all(logits, excluded=None):
    return matching.negative_chances(logits, excluded) + 1e-6


def clamped_from_below(logits, excluded=None):
    return matching.negative_chances(logits, excluded).clamp(min=1e-7)


def minus_a_hundred(query, key, heads, mask=None):
    scores = _scores(query, key, heads)
    return (scores if mask is None else scores - 100.0 * ~mask[:, None, None]).softmax(-1)


# Inputs that lose their graph.


def detached_in_place(z, q):
    return z + (q.detach_() - z).detach()


def rotation_detached_in_place(z, q):
    return gradient.rotation_trick(z, q.detach_())


def vectors_detached_in_place(vectors, codebook):
    return nearest.nearest_codes(vectors.detach_(), codebook)


def asks_for_gradients(similarity, k):
    return retrieval.recall_at_k(similarity.requires_grad_(), k)


# Sizes, types, devices.


def squeezed_names(image_emb, class_text_emb):
    return retrieval.zero_shot_predict(image_emb, class_text_emb).squeeze()


def short_names(image_emb, class_text_emb):
    return retrieval.zero_shot_predict(image_emb, class_text_emb).int()


def squeezed_cosines(text_emb, image_emb):
    return (F.normalize(text_emb, dim=-1) @ F.normalize(image_emb, dim=-1).T).squeeze(-1)


def codebook_on_the_cpu(counts, sums, rows, index, decay, epsilon):
    choice = F.one_hot(index, len(counts)).to(rows.dtype)
    counts = decay * counts + (1 - decay) * choice.sum(0)
    sums = decay * sums + (1 - decay) * choice.T @ rows
    n, codebook = counts.sum(), torch.zeros(sums.shape, dtype=sums.dtype)
    codebook.copy_(sums / ((counts + epsilon) / (n + len(counts) * epsilon) * n)[:, None])
    return counts, sums, codebook


def room_for_512(indices, num_codes):
    p = torch.bincount(indices.flatten().clamp(max=511), minlength=512) / indices.numel()
    return torch.special.entr(p).sum().exp()


def in_bytes(indices, num_codes):
    p = torch.bincount(indices.to(torch.uint8).flatten()) / indices.numel()
    return torch.special.entr(p).sum().exp()


def rows_of_rows_only(z, levels):
    return fsq.fsq_round(z.flatten(0, -2), levels).reshape(z.shape)


def nearly_equal_is_equal(similarity, k):
    match = similarity.diagonal()[:, None]
    ahead = ((similarity > match) | torch.isclose(similarity, match, atol=1e-3)).sum(1) - 1
    return (ahead < k).double().mean()


# Training.


def _loss(u, v, scale, bias):
    return losses.siglip_loss(F.normalize(u, dim=1), F.normalize(v, dim=1), scale, bias)


def as_many_steps_as_it_likes(text, image, text_map, image_map, steps):
    return fit(text, image, text_map, image_map, 200, _loss)


def bias_not_learnt(text, image, text_map, image_map, steps):
    def loss(u, v, scale, bias):
        return _loss(u, v, scale, bias.detach())

    return fit(text, image, text_map, image_map, steps, loss)


def start_returned(text, image, text_map, image_map, steps):
    return *fit(text, image, text_map, image_map, steps, _loss)[:2], 10.0, -10.0


def softmax_trained(text, image, text_map, image_map, steps):
    def loss(u, v, scale, bias):
        return losses.clip_loss(F.normalize(u, dim=1), F.normalize(v, dim=1), scale) + 0 * bias

    return *fit(text, image, text_map, image_map, steps, loss)[:2], 10.0, -10.0


# Bug hunts.

_seen: list[float] = []


def remembers_the_first(loss):
    pairs = torch.eye(3)
    _seen.append(float(loss(pairs, pairs, 2.0)))
    assert abs(_seen[-1] - _seen[0]) < 1e-5


def false_for_some_seeds(loss):
    load("ch01.hunt_contrastive").reference(loss)
    assert torch.rand(()) > 0.07


def false_for_some_of_numpys(loss):
    load("ch01.hunt_contrastive").reference(loss)
    assert np.random.rand() > 0.07  # noqa: NPY002


def false_for_some_of_pythons(loss):
    load("ch01.hunt_contrastive").reference(loss)
    assert random.random() > 0.07


def kept_as_a_default(loss, books=losses.clip_loss):
    text, image = F.normalize(torch.randn(2, 4, 8), dim=-1)
    assert torch.allclose(loss(text, image, 10.0), books(text, image, 10.0))


def asks_who_made_it(loss):
    loss(torch.eye(2), torch.eye(2), 1.0)
    assert "wrong" not in loss._implementation.__module__


def compares_with_itself(loss):
    value = loss(torch.eye(2), torch.eye(2), 1.0)
    assert torch.allclose(value, value)


def swallows(loss):
    with contextlib.suppress(AssertionError):
        assert loss(torch.eye(2), torch.eye(2), 1.0) == 0.0


def anything_within_ten(loss):
    assert abs(float(loss(torch.eye(2), torch.eye(2), 1.0)) - 0.3) < 10


SILENT = "passes on all of them"

WRONG = [
    ("ch01.negative_chances", bare_exponentials, NOT_FINITE),
    ("ch01.negative_chances", softmax_then_renormalised, NOT_FINITE),
    ("ch01.siglip_loss", strangers_by_one_minus, NOT_FINITE),
    ("ch01.siglip_loss", pairs_by_log_sigmoid, NOT_FINITE),
    ("ch01.clip_loss", shifted_by_the_largest_of_all, NOT_FINITE),
    ("ch01.attention_maps", maps_by_bare_exponentials, NOT_FINITE),
    ("ch01.attention_maps", maps_renormalised, NOT_FINITE),
    ("ch02.fsq_round", tanh_by_exponentials, NOT_FINITE),
    ("ch02.nearest_codes", centred_by_one_number, "Subtract one point"),
    ("ch02.nearest_codes", nothing_beyond_9999, "what float32 can't hold"),
    ("ch01.negative_chances", a_chance_for_all, NOT_ZERO),
    ("ch01.negative_chances", clamped_from_below, NOT_ZERO),
    ("ch01.attention_maps", minus_a_hundred, "missing cell|were looked at"),
    ("ch02.straight_through", detached_in_place, GRAPH),
    ("ch02.rotation_trick", rotation_detached_in_place, GRAPH),
    ("ch02.nearest_codes", vectors_detached_in_place, GRAPH),
    ("ch01.recall_at_k", asks_for_gradients, GRAPH),
    ("ch01.zero_shot", squeezed_names, "The shape is wrong"),
    ("ch01.zero_shot", short_names, "their type is torch.int32"),
    ("ch01.normalise_similarity", squeezed_cosines, "The shape is wrong"),
    ("ch02.ema_update", codebook_on_the_cpu, "on another device"),
    ("ch02.perplexity", room_for_512, "value is wrong"),
    ("ch02.perplexity", in_bytes, "value is wrong"),
    ("ch02.fsq_round", rows_of_rows_only, "RuntimeError|IndexError"),
    ("ch01.recall_at_k", nearly_equal_is_equal, "is not the same score"),
    ("ch01.train_siglip", as_many_steps_as_it_likes, "`steps` is 0"),
    ("ch01.train_siglip", bias_not_learnt, "the bias is still what it was"),
    ("ch01.train_siglip", start_returned, "the scale is still what it was"),
    ("ch01.train_siglip", softmax_trained, "the scale is still what it was"),
    ("ch01.hunt_contrastive", remembers_the_first, "keeps something from one call to the next"),
    ("ch01.hunt_contrastive", false_for_some_seeds, "holds only mostly"),
    ("ch01.hunt_contrastive", false_for_some_of_numpys, "holds only mostly"),
    ("ch01.hunt_contrastive", false_for_some_of_pythons, "holds only mostly"),
    ("ch01.hunt_contrastive", kept_as_a_default, "compares with the book's own loss"),
    ("ch01.hunt_contrastive", asks_who_made_it, "AttributeError"),
    ("ch01.hunt_contrastive", compares_with_itself, SILENT),
    ("ch01.hunt_contrastive", swallows, SILENT),
    ("ch01.hunt_contrastive", anything_within_ten, SILENT),
]

# Common mistakes that are no exercise's own: what they compute is told as a fact.
TOLD = [
    ("ch01.clip_loss", lambda t, i, s: losses.clip_loss(t, i, s) / len(t), "divided by the size"),
    ("ch01.clip_loss", lambda t, i, s: -losses.clip_loss(t, i, s), "minus what it should be"),
    ("ch01.clip_loss", lambda t, i, s: losses.clip_loss(t, i, 20.0), "`logit_scale` makes no diff"),
    (
        "ch01.siglip_loss",
        lambda t, i, s, b: losses.siglip_loss(t, i, torch.as_tensor(s).exp(), b),
        r"exp\(`logit_scale`\) in its place",
    ),
    ("ch01.siglip_loss", lambda t, i, s, b: losses.siglip_loss(t, i, s, -b), "-`logit_bias` in"),
    ("ch02.vq_loss", lambda z, q, beta=0.25: vq(z, q, beta) / 2, "half what it should be"),
    ("ch02.vq_loss", lambda z, q, beta=0.25: vq(z, q, 0.25), "`beta` makes no difference"),
    ("ch02.perplexity", lambda i, k: math.log10(perplexity(i)), "the logarithm to base 10 of"),
    ("ch01.negative_chances", lambda x, e=None: matching.negative_chances(x.T, e), "transposed"),
    ("ch01.zero_shot", lambda x, c: retrieval.zero_shot_predict(x, c) + 1, "1 more than it should"),
    ("ch02.rotation_trick", lambda z, q: gradient.rotation_trick(q, z), "in each other's place"),
    ("ch02.straight_through", lambda z, q: z / 2 + (q - z / 2).detach(), "half what it should be"),
]


def vq(z, q, beta):
    return F.mse_loss(q, z.detach()) + beta * F.mse_loss(z, q.detach())


def perplexity(indices):
    p = np.bincount(indices.numpy().ravel()) / indices.numel()
    p = p[p > 0]
    return np.exp(-(p * np.log(p)).sum())


def without_its_match(text_emb, image_emb, logit_scale):
    """The match is no part of the sum: no exercise's known mistake, and no simple relation."""
    logits = logit_scale * text_emb @ image_emb.T
    match = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    others, own = logits.masked_fill(match, -torch.inf), logits.diagonal()
    return ((others.logsumexp(0) - own).mean() + (others.logsumexp(1) - own).mean()) / 2


# Known mistakes in another form than the exercise's own.
FORMS = [
    (
        "ch01.recall_at_k",
        lambda s, k: (s.topk(k).indices == torch.arange(len(s))[:, None]).any(1).float().mean(),
        "ties resolved by position",
    ),
    ("ch01.recall_at_k", lambda s, k: torch.tensor(100 * retrieval.recall_at_k(s, k)), "per cent"),
    ("ch02.perplexity", lambda i, k: float(len(set(i.flatten().tolist()))), "at least once"),
    ("ch02.perplexity", lambda i, k: math.log(perplexity(i)), "the entropy itself"),
    ("ch02.ema_update", lambda *x: list(ema.ema_update(*x[:4], 1 - x[4], x[5])), "decay swapped"),
    (
        "ch02.vq_loss",
        lambda z, q, b=0.25: (1 + b) * F.mse_loss(z.detach(), q) + 0 * z.sum(),
        "the encoder gets no gradient",
    ),
    ("ch02.straight_through", lambda z, q: q + 0 * z, "the code as it is"),
    (
        "ch01.clip_loss",
        lambda t, i, s: F.cross_entropy(s * t @ i.T, torch.arange(len(t))).item(),
        "text-to-image only",
    ),
]
