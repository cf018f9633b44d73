"""Right answers, written in as many ways as learners find. All of them must pass."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .right_answers_ch03 import RIGHT_CH03
from .right_answers_ch04 import RIGHT_CH04
from .right_answers_ch05 import RIGHT_CH05
from .right_answers_ch06 import RIGHT_CH06
from .right_answers_ch07 import RIGHT_CH07

# Cosine similarity.


def cosine_by_einsum(text_emb, image_emb):
    text = text_emb / text_emb.pow(2).sum(-1, keepdim=True).sqrt()
    image = image_emb / torch.linalg.vector_norm(image_emb, dim=1, keepdim=True)
    return torch.einsum("td,id->ti", text, image)


def cosine_broadcast(text_emb, image_emb):
    return F.cosine_similarity(text_emb[:, None], image_emb[None], dim=-1)


def cosine_divided_afterwards(text_emb, image_emb):
    lengths = text_emb.norm(dim=-1)[:, None] * image_emb.norm(dim=-1)[None]
    return text_emb @ image_emb.T / (lengths + 1e-8)


def cosine_in_place_on_clones(text_emb, image_emb):
    text, image = text_emb.clone(), image_emb.clone()
    text /= text_emb.norm(dim=-1, keepdim=True)
    image /= image_emb.norm(dim=-1, keepdim=True)
    return torch.mm(text, image.t())


# The contrastive loss.


def clip_by_hand(text_emb, image_emb, logit_scale):
    logits = logit_scale * (text_emb @ image_emb.t())
    rows = torch.logsumexp(logits, 1) - torch.diagonal(logits)
    columns = torch.logsumexp(logits, 0) - torch.diagonal(logits)
    return 0.5 * (rows.mean() + columns.mean())


def clip_in_loops(text_emb, image_emb, logit_scale):
    total = 0.0
    n = len(text_emb)
    for i in range(n):
        row = torch.stack([logit_scale * text_emb[i].dot(image_emb[j]) for j in range(n)])
        column = torch.stack([logit_scale * text_emb[j].dot(image_emb[i]) for j in range(n)])
        total = total - row.log_softmax(0)[i] - column.log_softmax(0)[i]
    return total / (2 * n)


def clip_in_float64(text_emb: Tensor, image_emb: Tensor, logit_scale: Tensor | float) -> Tensor:
    logits = text_emb.double() @ image_emb.double().T * logit_scale
    y = torch.arange(logits.size(0), device=logits.device)
    loss = F.cross_entropy(logits, y) / 2 + F.cross_entropy(logits.T, y) / 2
    return loss.to(text_emb.dtype)


def clip_shifted_by_hand(text_emb, image_emb, logit_scale):
    logits = torch.matmul(text_emb, image_emb.transpose(0, 1)) * logit_scale
    # A row's own maximum, and a column's own, or the sum of their exponentials may vanish.
    by_row = logits - logits.max(dim=1, keepdim=True).values
    rows = -(by_row - by_row.exp().sum(1, keepdim=True).log()).diag()
    logits = logits - logits.max(dim=0, keepdim=True).values
    columns = -(logits - logits.exp().sum(0, keepdim=True).log()).diag()
    return torch.cat([rows, columns]).mean()


def clip_with_targets_and_defaults(text_emb, image_emb, logit_scale=1.0, reduction="mean"):
    eye = torch.eye(text_emb.shape[0], dtype=text_emb.dtype, device=text_emb.device)
    logits = logit_scale * text_emb @ image_emb.T
    total = -(eye * (logits.log_softmax(0) + logits.log_softmax(1))).sum()
    return total / 2 / text_emb.shape[0]


def clip_normalises_again(text_emb, image_emb, logit_scale):
    text, image = F.normalize(text_emb, dim=-1), F.normalize(image_emb, dim=-1)
    return clip_by_hand(text, image, logit_scale)


class ClipCallable:
    """An instance with __call__."""

    def __init__(self) -> None:
        self.cross_entropy = nn.CrossEntropyLoss()

    def __call__(self, text_emb, image_emb, logit_scale):
        logits = logit_scale * text_emb @ image_emb.T
        target = torch.arange(len(logits), device=logits.device)
        return sum(self.cross_entropy(x, target) for x in (logits, logits.T)) / 2


class ClipModule(nn.Module):
    """A module."""

    def forward(self, text_emb, image_emb, logit_scale):
        return clip_by_hand(text_emb, image_emb, logit_scale)


def _weighted(text_emb, image_emb, logit_scale, share):
    logits = logit_scale * text_emb @ image_emb.T
    y = torch.arange(len(logits), device=logits.device)
    return share * F.cross_entropy(logits, y) + (1 - share) * F.cross_entropy(logits.T, y)


def _closure(share: float) -> Callable[..., Tensor]:
    def loss(*args):
        return _weighted(*args, share)

    return loss


clip_as_lambda = lambda t, i, s: clip_by_hand(t, i, s)  # noqa: E731

# Recall.


def recall_in_loops(similarity, k):
    hits = 0
    for i in range(similarity.shape[0]):
        others = [similarity[i, j].item() for j in range(similarity.shape[1]) if j != i]
        hits += sum(score >= similarity[i, i].item() for score in others) < k
    return hits / similarity.shape[0]


def recall_as_tensor(similarity, k):
    match = similarity.diag().unsqueeze(1)
    return ((similarity >= match).sum(dim=1) <= k).float().mean()


def recall_in_numpy(similarity, k):
    scores = similarity.detach().cpu().numpy()
    ahead = (scores >= np.diag(scores)[:, None]).sum(1) - 1
    return np.mean(ahead < k)


def recall_by_sorting(similarity, k):
    others = similarity.clone()
    others.fill_diagonal_(-math.inf)
    if k > len(others) - 1:
        return 1.0
    kth = others.topk(k, dim=1).values[:, -1]  # with k others as good, the match is not shown
    return (similarity.diagonal() > kth).double().mean().item()


# Zero-shot.


def zero_by_einsum(image_emb, class_text_emb):
    p = class_text_emb / class_text_emb.norm(dim=-1, keepdim=True)
    p = p.mean(dim=1)
    p = p / p.norm(dim=-1, keepdim=True)
    return torch.einsum("bd,cd->bc", image_emb, p).max(dim=1).indices


def zero_in_loops(image_emb, class_text_emb):
    prototypes = []
    for prompts in class_text_emb:
        total = sum(prompt / prompt.norm() for prompt in prompts)
        prototypes.append(total / total.norm())
    scores = [[F.cosine_similarity(x, p, dim=0) for p in prototypes] for x in image_emb]
    return torch.tensor([max(range(len(row)), key=row.__getitem__) for row in scores])


# Where words look.


def maps_by_einsum(query, key, heads, mask=None):
    b, t, d = query.shape
    q = query.reshape(b, t, heads, d // heads)
    k = key.reshape(b, key.shape[1], heads, d // heads)
    scores = torch.einsum("bthd,bshd->bhts", q, k) * (d // heads) ** -0.5
    if mask is not None:
        scores = torch.where(mask[:, None, None, :], scores, -math.inf)
    return torch.softmax(scores, dim=-1)


def maps_in_a_loop(query, key, heads, mask=None):
    maps = []
    for q, k in zip(query.chunk(heads, -1), key.chunk(heads, -1)):
        scores = torch.bmm(q, k.mT) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(mask.logical_not().unsqueeze(1), float("-inf"))
        weight = (scores - scores.amax(-1, keepdim=True)).exp()
        maps.append(weight / weight.sum(-1, keepdim=True))
    return torch.stack(maps, dim=1)


def maps_by_sdpa(query, key, heads, mask=None):
    def split(x):
        return x.unflatten(-1, (heads, -1)).transpose(1, 2)

    n = key.shape[1]
    eye = torch.eye(n, dtype=key.dtype, device=key.device).expand(len(key), heads, n, n)
    allowed = None if mask is None else mask[:, None, None, :]
    return F.scaled_dot_product_attention(split(query), split(key), eye, attn_mask=allowed)


# Hard negatives.


def chances_with_minus_infinity(logits, excluded=None):
    wrong = ~torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    if excluded is not None:
        wrong &= ~excluded
    return torch.softmax(torch.where(wrong, logits, -math.inf), dim=-1)


def chances_by_weights(logits, excluded=None):
    open_to_all = 1 - torch.eye(len(logits), dtype=logits.dtype, device=logits.device)
    if excluded is not None:
        open_to_all = open_to_all * (~excluded)
    masked = logits - 1e9 * (1 - open_to_all)
    weight = (masked - masked.max(1, keepdim=True).values).exp() * open_to_all
    return weight / weight.sum(1, keepdim=True)


# The sigmoid loss.


def siglip_by_softplus(text_emb, image_emb, logit_scale, logit_bias):
    logits = logit_scale * text_emb @ image_emb.T + logit_bias
    return (F.softplus(logits).sum() - logits.diagonal().sum()) / len(logits)


def siglip_by_bce(text_emb, image_emb, logit_scale, logit_bias):
    logits = logit_scale * text_emb @ image_emb.T + logit_bias
    labels = torch.eye(len(logits), dtype=logits.dtype, device=logits.device)
    loss = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return loss.sum(1).mean()


def train_in_batches(text, image, text_map, image_map, steps):
    """Batches of 64, modules, AdamW, scale and bias as one-element tensors."""
    towers = [nn.Linear(m.shape[0], m.shape[1], bias=False) for m in (text_map, image_map)]
    for tower, m in zip(towers, (text_map, image_map), strict=True):
        tower.weight.data = m.T.clone()
    t, b = nn.Parameter(torch.tensor([2.303])), nn.Parameter(torch.tensor([-10.0]))
    parameters = [*towers[0].parameters(), *towers[1].parameters(), t, b]
    optimiser = torch.optim.AdamW(parameters, lr=0.03, weight_decay=0.0)
    for _ in range(steps):
        rows = torch.randint(len(text), (64,))
        u, v = F.normalize(towers[0](text[rows]), dim=1), F.normalize(towers[1](image[rows]), dim=1)
        logits = t.exp() * u @ v.T + b
        target = (rows[:, None] == rows).float()
        loss = F.binary_cross_entropy_with_logits(logits, target, reduction="sum") / 64
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    trained = [tower.weight.detach().T.contiguous() for tower in towers]
    return [*trained, t.exp().detach()[0], b.detach()[0]]


def train_by_hand(text, image, text_map, image_map, steps):
    """Without an optimiser: momentum, written out."""
    values = [text_map.clone(), image_map.clone(), torch.tensor(2.303), torch.tensor(-10.0)]
    velocity = [torch.zeros_like(v) for v in values]
    for _ in range(steps):
        leaves = [v.detach().requires_grad_() for v in values]
        u, v = F.normalize(text @ leaves[0], dim=1), F.normalize(image @ leaves[1], dim=1)
        logits = leaves[2].exp() * u @ v.T + leaves[3]
        signs = 2 * torch.eye(len(u)) - 1
        loss = F.softplus(-signs * logits).sum() / len(u)
        for k, g in enumerate(torch.autograd.grad(loss, leaves)):
            velocity[k] = 0.9 * velocity[k] + g
            values[k] = leaves[k].detach() - 0.02 * velocity[k]
    return values[0], values[1], float(values[2].exp()), float(values[3])


# The nearest code.


def nearest_by_cdist(vectors, codebook):
    exact = "donot_use_mm_for_euclid_dist"
    return torch.cdist(vectors, codebook, compute_mode=exact).min(dim=1).indices


def nearest_by_expansion(vectors, codebook):
    vectors, codebook = vectors - vectors[0], codebook - vectors[0]
    squares = vectors.pow(2).sum(1, keepdim=True) + codebook.pow(2).sum(1)
    return (2 * vectors @ codebook.t() - squares).argmax(dim=-1)


def nearest_in_loops(vectors, codebook):
    index = []
    for v in vectors:
        distances = [torch.linalg.vector_norm(v - c).item() for c in codebook]
        index.append(int(np.argmin(distances)))
    return torch.tensor(index)


def nearest_the_last_of_equals(vectors, codebook):
    flipped = ((vectors[:, None] - codebook.flip(0)) ** 2).sum(-1).argmin(-1)
    return len(codebook) - 1 - flipped


# Straight through.


def through_from_q(z, q):
    return q.detach() + z - z.detach()


class _Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, q):
        return q.clone()

    @staticmethod
    def backward(ctx, told):
        return told, None


def through_as_a_function(z, q):
    return _Through.apply(z, q)


def through_with_zeros(z, q):
    """q gets zeros rather than nothing."""
    return z + (q.detach() - z.detach()) + 0 * q


# The loss of a codebook.


def vq_by_squares(z, q, beta=0.25):
    codebook = (z.detach() - q).pow(2).mean()
    commitment = (z - q.detach()).pow(2).mean()
    return codebook + beta * commitment


def vq_in_loops(z, q, beta):
    total = 0.0
    for a, b in zip(z.flatten(), q.flatten()):
        total = total + (a.detach() - b) ** 2 + beta * (a - b.detach()) ** 2
    return total / z.numel()


def vq_module(z, q, beta=0.25):
    mse = nn.MSELoss(reduction="sum")
    return (mse(q, z.data) + mse(z, q.data) * beta) / (z.shape[0] * z.shape[1])


# Perplexity.


def perplexity_by_one_hot(indices, num_codes):
    p = F.one_hot(indices.reshape(-1), num_codes).float().mean(0)
    return torch.exp(-(p * torch.log(p + 1e-10)).sum())


def perplexity_of_the_used(indices, num_codes):
    counts = indices.unique(return_counts=True)[1]
    p = counts / counts.sum()
    return 2 ** -(p * p.log2()).sum()


def perplexity_in_numpy(indices, num_codes):
    p = np.bincount(indices.numpy().ravel(), minlength=num_codes) / indices.numel()
    p = p[p > 0]
    return np.exp(-np.sum(p * np.log(p)))


def perplexity_by_distribution(indices, num_codes):
    counts = torch.zeros(num_codes, device=indices.device)
    counts.scatter_add_(0, indices.flatten(), torch.ones_like(indices.flatten()).float())
    return torch.distributions.Categorical(probs=counts).entropy().exp().item()


# Running means.


def ema_by_one_hot(counts, sums, rows, index, decay, epsilon):
    choice = F.one_hot(index, len(counts)).to(rows.dtype)
    counts = counts * decay + choice.sum(0) * (1 - decay)
    sums = sums * decay + choice.T @ rows * (1 - decay)
    n = counts.sum()
    smooth = n * (counts + epsilon) / (n + len(counts) * epsilon)
    return counts, sums, sums / smooth.unsqueeze(1)


def ema_in_loops(counts, sums, rows, index, decay, epsilon):
    counts, sums = decay * counts, decay * sums
    for row, k in zip(rows, index):
        counts[k] += 1 - decay
        sums[k] += (1 - decay) * row
    n, size = counts.sum(), counts.numel()
    share = (counts + epsilon) / (n + size * epsilon)
    return [counts, sums, torch.stack([sums[k] / (share[k] * n) for k in range(size)])]


def ema_by_lerp(counts, sums, rows, index, decay, epsilon):
    here = torch.bincount(index, minlength=counts.numel()).to(counts)
    total = torch.zeros_like(sums).index_put((index,), rows, accumulate=True)
    counts, sums = torch.lerp(counts, here, 1 - decay), torch.lerp(sums, total, 1 - decay)
    n = counts.sum()
    return counts, sums, sums / ((counts + epsilon) * (n / (n + epsilon * len(counts))))[:, None]


# Rounding to levels.


def fsq_in_columns(z, levels):
    columns = []
    for d, count in enumerate(levels.tolist()):
        half = (count - 1) / 2 * 1.001
        offset = 0.5 if count % 2 == 0 else 0.0
        x = half * torch.tanh(z[..., d] + math.atanh(offset / half)) - offset
        columns.append((x + (x.round() - x).detach()) / (count // 2))
    return torch.stack(columns, dim=-1)


def fsq_divided_first(z, levels):
    half = 1.001 * (levels.to(z.dtype) - 1) / 2
    offset = torch.where(levels % 2 == 0, 0.5, 0.0)
    x = half * torch.tanh(z + torch.atanh(offset / half)) - offset
    width = torch.div(levels, 2, rounding_mode="floor")
    soft, hard = x / width, torch.round(x) / width
    return (hard - soft).detach() + soft


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, told):
        return told


def fsq_by_a_function(z, levels):
    even = (levels + 1) % 2
    half, offset = (levels - 1) * 0.5005, even * 0.5
    squashed = torch.tanh(z + torch.atanh(offset / half)) * half - offset
    return _Round.apply(squashed) / (levels // 2)


# The rotation trick.


def rotation_by_matrices(z, q):
    with torch.no_grad():
        u, w = (x / x.norm(dim=1, keepdim=True) for x in (z, q))
        h = u + w
        h = h / h.norm(dim=1, keepdim=True)
        eye = torch.eye(z.shape[1], dtype=z.dtype, device=z.device)
        turn = eye - 2 * h[:, :, None] * h[:, None] + 2 * w[:, :, None] * u[:, None]
        turn = turn * (q.norm(dim=1) / z.norm(dim=1))[:, None, None]
    return torch.einsum("nij,nj->ni", turn, z)


def rotation_in_loops(z, q):
    rows = []
    for a, b in zip(z, q):
        u, w = a.detach() / a.detach().norm(), b.detach() / b.detach().norm()
        turn = torch.outer(w, u) - torch.outer(u, w)
        turn = torch.eye(len(a)).to(a) + turn + turn @ turn / (1 + u @ w)
        rows.append(b.detach().norm() / a.detach().norm() * (turn @ a))
    return torch.stack(rows)


def rotation_by_two_reflections(z, q):
    u, w = F.normalize(z.detach(), dim=1), F.normalize(q.detach(), dim=1)
    h = F.normalize(u + w, dim=1)

    def mirror(x, at):
        return x - 2 * at * (at * x).sum(1, keepdim=True)

    scale = q.detach().norm(dim=1, keepdim=True) / z.detach().norm(dim=1, keepdim=True)
    return scale * mirror(mirror(z, u), h)


# Bug hunts.


def hunt_by_formula(loss):
    """An independent formula, and the gradient of both sides."""
    torch.manual_seed(1)
    text = F.normalize(torch.randn(5, 8), dim=-1).requires_grad_()
    image = F.normalize(torch.randn(5, 8), dim=-1).requires_grad_()
    value = loss(text, image, 6.0)
    logits = 6.0 * text @ image.T
    y = torch.arange(5)
    expected = (F.cross_entropy(logits, y) + F.cross_entropy(logits.T, y)) / 2
    torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-4)
    value.backward()
    for side in (text, image):
        assert side.grad is not None, "no gradient"
        assert side.grad.norm() > 1e-6, "no gradient"


def hunt_by_properties(loss):
    """Known values only, checked with numpy, and pytest.fail for the gradient."""
    import pytest

    for b, s in ((2, 2.0), (5, 3.0)):
        pairs = torch.eye(b, requires_grad=True)
        other = torch.eye(b, requires_grad=True)
        value = loss(pairs, other, s)
        np.testing.assert_allclose(
            value.item(), math.log(1 + (b - 1) * math.exp(-s)), rtol=1e-3, atol=1e-4
        )
        value.backward()
        if pairs.grad is None or other.grad is None:
            pytest.fail("one side gets no gradient")
    a, c = F.normalize(torch.randn(2, 6, 4), dim=-1)
    assert math.isclose(float(loss(a, c, 4)), float(loss(c, a, 4)), rel_tol=1e-3)


def hunt_pool_by_hand(pool):
    tokens = torch.tensor(
        [[[1.0, 2.0], [3.0, 5.0], [100.0, 100.0]], [[7.0, 1.0], [9.0, 9.0], [4.0, 4.0]]]
    )
    mask = torch.tensor([[True, True, False], [True, False, False]])
    got = pool(tokens, mask)
    assert got.tolist() == [[2.0, 3.5], [7.0, 1.0]]


def hunt_pool_in_a_loop(pool):
    for seed in range(3):
        g = torch.Generator().manual_seed(seed)
        tokens = torch.randn(4, 6, 3, generator=g)
        lengths = torch.randint(1, 7, (4,), generator=g).tolist()
        mask = torch.tensor([[t < n for t in range(6)] for n in lengths])
        for b, n in enumerate(lengths):
            torch.testing.assert_close(pool(tokens, mask)[b], sum(tokens[b, :n]) / n)


def hunt_quantizer_in_loops(quantize):
    """Every place by itself, and each gradient by backward()."""
    torch.manual_seed(3)
    b, d, h, w, k = 2, 4, 3, 2, 7
    codebook = torch.randn(k, d) * torch.linspace(0.3, 3, k)[:, None]

    def fresh():
        torch.manual_seed(4)
        return torch.randn(b, d, h, w).requires_grad_(), codebook.clone().requires_grad_()

    z, codes_of = fresh()
    codes, indices, loss = quantize(z, codes_of)
    error = torch.zeros(b, d, h, w)
    pull = torch.zeros(k, d)
    for i in range(b):
        for y in range(h):
            for x in range(w):
                vector = z[i, :, y, x].detach()
                best = min(range(k), key=lambda c: float((codebook[c] - vector).norm()))
                assert indices[i, y, x].item() == best
                np.testing.assert_allclose(
                    codes[i, :, y, x].tolist(), codebook[best].tolist(), atol=1e-4
                )
                error[i, :, y, x] = vector - codebook[best]
                pull[best] -= 2 * error[i, :, y, x]
    n = b * d * h * w
    assert math.isclose(loss.item(), 1.25 * float(error.pow(2).sum()) / n, rel_tol=1e-3)
    loss.backward()
    assert z.grad is not None
    assert codes_of.grad is not None, "the codebook learns nothing"
    torch.testing.assert_close(z.grad, 0.5 * error / n, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(codes_of.grad, pull / n, rtol=1e-3, atol=1e-6)
    z, codes_of = fresh()
    quantize(z, codes_of)[0].pow(2).sum().backward()
    assert z.grad is not None, "nothing goes straight through"
    torch.testing.assert_close(z.grad, 2 * codes.detach(), rtol=1e-3, atol=1e-4)


def hunt_quantizer_by_parts(quantize):
    """Known pictures; gradients by autograd.grad."""
    codebook = torch.tensor([[0.0, 0.0], [1.0, 0.0], [4.0, 4.0]], requires_grad=True)
    at = torch.tensor([[[0, 1, 2], [1, 1, 0]], [[2, 2, 0], [0, 1, 2]]])
    z = codebook.detach()[at].permute(0, 3, 1, 2) + torch.tensor([0.25, -0.125])[:, None, None]
    z.requires_grad_()
    codes, indices, loss = quantize(z, codebook)
    assert indices.tolist() == at.tolist()
    assert (codes - codebook[at].permute(0, 3, 1, 2)).abs().max() < 1e-5
    assert abs(loss - 1.25 * (0.25**2 + 0.125**2) / 2) < 1e-5
    g = torch.arange(24.0).view(2, 2, 2, 3)
    (got,) = torch.autograd.grad(codes, z, g, retain_graph=True, allow_unused=True)
    assert got is not None
    assert torch.allclose(got, g)
    to_z, to_codes = torch.autograd.grad(loss, (z, codebook), allow_unused=True)
    assert to_codes is not None
    assert to_z is not None
    assert torch.allclose(to_z[:, 0], torch.full((2, 2, 3), 0.25 * 2 * 0.25 / 24))
    assert torch.allclose(to_codes[1], 4 * 2 * torch.tensor([-0.25, 0.125]) / 24)


def hunt_ema_in_numpy(make):
    """Three steps beside an own copy of the state; then what is special."""
    torch.manual_seed(5)
    options = {"num_codes": 5, "dim": 2, "epsilon": 1e-5}
    q = make(decay=0.7, restart_below=0.0, **options)
    q.train()
    state = q.state_dict()
    assert all(name in state for name in ("codebook", "counts", "sums")), "not saved"
    assert len(list(q.parameters())) == 0, "something is learnt by gradients"
    counts, sums = q.counts.clone().numpy(), q.sums.clone().numpy()
    for _ in range(3):
        z = torch.randn(3, 2, 3, 4)
        codes, indices, loss = q(z)
        assert abs(float(loss) - 0.25 * float((codes - z).pow(2).mean())) < 1e-4
        rows = z.permute(0, 2, 3, 1).reshape(-1, 2).numpy()
        choice = np.eye(5)[indices.flatten().numpy()]
        counts = 0.7 * counts + 0.3 * choice.sum(0)
        sums = 0.7 * sums + 0.3 * choice.T @ rows
        np.testing.assert_allclose(q.counts.numpy(), counts, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(q.sums.numpy(), sums, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(q.codebook.numpy(), sums / counts[:, None], rtol=1e-2, atol=1e-3)
    kept = q.codebook.clone()
    q.eval()
    q(torch.randn(3, 2, 3, 4))
    assert torch.equal(kept, q.codebook)
    q = make(decay=0.0, restart_below=0.0, **options).train()
    for _ in range(2):
        q(torch.zeros(1, 2, 4, 4))
        assert not torch.isnan(q.codebook).any()
    q = make(decay=0.9, restart_below=0.95, **options).train()
    for _ in range(3):
        q(torch.full((2, 2, 2, 2), 3.0))
        ratio = q.sums / q.counts[:, None]
        torch.testing.assert_close(q.codebook, ratio, rtol=1e-3, atol=1e-3)


def hunt_ema_by_behaviour(make):
    """Where codes end up, rather than how."""
    points = torch.tensor([[5.0, 0.0], [0.0, 5.0], [-5.0, -5.0]])
    z = points.repeat(4, 1).T.reshape(1, 2, 3, 4)
    q = make(num_codes=3, dim=2, decay=0.9, epsilon=1e-6, restart_below=0.0).train()
    with torch.no_grad():
        assert not q.codebook.requires_grad
        q.codebook.copy_(points + 0.5)
        q.sums.copy_(points + 0.5)
    started = q.codebook.clone()
    q(z)
    # a tenth of the four that came, beside nine tenths of the one that was
    expected = (0.9 * started + 0.4 * points) / 1.3
    torch.testing.assert_close(q.codebook, expected, rtol=1e-3, atol=1e-3)
    saved = {name: x.clone() for name, x in q.state_dict().items()}
    q.eval()(z)
    q.train()(z)
    second = q.codebook.clone()
    again = make(num_codes=3, dim=2, decay=0.9, epsilon=1e-6, restart_below=0.0).train()
    again.load_state_dict(saved)
    again(z)
    torch.testing.assert_close(again.codebook, second)
    for _ in range(60):
        q(z)
    torch.testing.assert_close(q.codebook, points, rtol=1e-2, atol=1e-2)

    one = torch.tensor([2.0, 3.0])[None, :, None, None].expand(1, 2, 2, 2).contiguous()
    q = make(num_codes=4, dim=2, decay=0.5, epsilon=1e-6, restart_below=0.8).train()
    q(one)
    torch.testing.assert_close(q.sums, q.codebook * q.counts[:, None], rtol=1e-3, atol=1e-3)
    q = make(num_codes=4, dim=2, decay=0.0, epsilon=1e-6, restart_below=0.0).train()
    q(one)
    assert torch.isfinite(q.codebook).all()


RIGHT: dict[str, list[Callable[..., Any]]] = {
    "ch01.normalise_similarity": [
        cosine_by_einsum,
        cosine_broadcast,
        cosine_divided_afterwards,
        cosine_in_place_on_clones,
    ],
    "ch01.clip_loss": [
        clip_by_hand,
        clip_in_loops,
        clip_in_float64,
        clip_shifted_by_hand,
        clip_with_targets_and_defaults,
        clip_normalises_again,
        ClipCallable,
        ClipCallable(),
        ClipModule(),
        functools.partial(_weighted, share=0.5),
        _closure(0.5),
        clip_as_lambda,
    ],
    "ch01.recall_at_k": [recall_in_loops, recall_as_tensor, recall_in_numpy, recall_by_sorting],
    "ch01.zero_shot": [zero_by_einsum, zero_in_loops],
    "ch01.attention_maps": [maps_by_einsum, maps_in_a_loop, maps_by_sdpa],
    "ch01.negative_chances": [chances_with_minus_infinity, chances_by_weights],
    "ch01.siglip_loss": [siglip_by_softplus, siglip_by_bce],
    "ch01.train_siglip": [train_in_batches, train_by_hand],
    "ch01.hunt_contrastive": [hunt_by_formula, hunt_by_properties],
    "ch01.hunt_pooling": [hunt_pool_by_hand, hunt_pool_in_a_loop],
    "ch02.nearest_codes": [
        nearest_by_cdist,
        nearest_by_expansion,
        nearest_in_loops,
        nearest_the_last_of_equals,
    ],
    "ch02.straight_through": [through_from_q, through_as_a_function, through_with_zeros],
    "ch02.vq_loss": [vq_by_squares, vq_in_loops, vq_module],
    "ch02.perplexity": [
        perplexity_by_one_hot,
        perplexity_of_the_used,
        perplexity_in_numpy,
        perplexity_by_distribution,
    ],
    "ch02.ema_update": [ema_by_one_hot, ema_in_loops, ema_by_lerp],
    "ch02.hunt_quantizer": [hunt_quantizer_in_loops, hunt_quantizer_by_parts],
    "ch02.hunt_ema": [hunt_ema_in_numpy, hunt_ema_by_behaviour],
    "ch02.fsq_round": [fsq_in_columns, fsq_divided_first, fsq_by_a_function],
    "ch02.rotation_trick": [
        rotation_by_matrices,
        rotation_in_loops,
        rotation_by_two_reflections,
    ],
}
RIGHT |= RIGHT_CH03 | RIGHT_CH04 | RIGHT_CH05 | RIGHT_CH06 | RIGHT_CH07
