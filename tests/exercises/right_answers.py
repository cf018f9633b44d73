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
    logits = logits - logits.max()
    rows = -(logits - logits.exp().sum(1, keepdim=True).log()).diag()
    # A column's own maximum, or the sum of its exponentials may vanish.
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
}
