"""Right answers to the exercises of chapter 3, written in as many ways as learners find."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# The hinge loss.


def hinge_by_maximum(real, fake):
    zero = torch.zeros((), dtype=real.dtype, device=real.device)
    return torch.maximum(zero, 1 - real).mean() + torch.maximum(zero, 1 + fake).mean()


def hinge_by_minimum(real, fake):
    """As the paper has it: minus the mean of min(0, -1 + D)."""
    return -(real - 1).clamp(max=0).mean() - (-fake - 1).clamp(max=0).mean()


def hinge_by_where(real, fake):
    short = torch.where(real < 1, 1 - real, torch.zeros_like(real)).sum() / real.numel()
    return short + torch.where(fake > -1, 1 + fake, torch.zeros_like(fake)).sum() / fake.numel()


# The adaptive weight.


def weight_in_parts(reconstruction, adversarial, last, limit=10.0):
    grads = torch.autograd.grad(reconstruction, last, retain_graph=True)
    others = torch.autograd.grad(adversarial, last, retain_graph=True)
    a = grads[0].pow(2).sum().sqrt()
    b = others[0].pow(2).sum().sqrt()
    return torch.clamp(a / (b + 1e-4), 0.0, limit).detach()


def weight_by_minimum(reconstruction, adversarial, last, limit=10.0):
    (a,) = torch.autograd.grad(reconstruction, [last], retain_graph=True)
    (b,) = torch.autograd.grad(adversarial, [last], retain_graph=True)
    with torch.no_grad():
        ratio = torch.linalg.vector_norm(a) / (torch.linalg.vector_norm(b) + 1e-4)
        return torch.minimum(ratio, torch.tensor(limit, dtype=ratio.dtype))


# The receptive field.


def field_walking_back(layers):
    seen = 1
    for kernel, stride in layers[::-1]:
        seen = stride * (seen - 1) + kernel
    return seen


def field_by_products(layers):
    strides = [s for _, s in layers]
    return 1 + sum((k - 1) * math.prod(strides[:i]) for i, (k, _) in enumerate(layers))


def field_as_tensor(layers):
    return torch.tensor(field_walking_back(list(layers)))


# Top-p.


def top_p_flat(logits, p):
    """Row by row, with indices."""
    rows = logits.reshape(-1, logits.shape[-1])
    out = torch.full_like(rows, float("-inf"))
    for row, into in zip(rows, out):
        order = torch.argsort(row, descending=True)
        total = torch.cumsum(torch.softmax(row[order], 0), 0)
        n = int((total < p).sum()) + 1
        into[order[:n]] = row[order[:n]]
    return out.reshape(logits.shape)


def top_p_shifted(logits, p):
    """As transformers has it: the removed ones shifted by one."""
    falling, order = torch.sort(logits, descending=True, dim=-1)
    gone = falling.softmax(-1).cumsum(-1) >= p
    gone = torch.cat([torch.zeros_like(gone[..., :1]), gone[..., :-1]], -1)
    back = torch.zeros_like(gone).scatter_(-1, order, gone)
    return torch.where(back, torch.full_like(logits, -torch.inf), logits)


def top_p_by_inverse(logits, p):
    order = logits.argsort(dim=-1, descending=True)
    rank = order.argsort(dim=-1)
    chances = logits.gather(-1, order).softmax(-1)
    before = F.pad(chances.cumsum(-1)[..., :-1], (1, 0))
    return logits.masked_fill(before.gather(-1, rank) >= p, float("-inf"))


# MaskGIT.


def maskgit_in_loops(drawn, sureness, tokens, known, left):
    tokens, known = tokens.clone(), known.clone()
    for b in range(tokens.shape[0]):
        while int((~known[b]).sum()) > left:
            best = max((i for i in range(tokens.shape[1]) if not known[b, i]),
                       key=lambda i: sureness[b, i].item())  # fmt: skip
            tokens[b, best] = drawn[b, best]
            known[b, best] = True
    return tokens, known


def maskgit_by_threshold(drawn, sureness, tokens, known, left):
    sure = sureness.clone()
    sure[known] = float("inf")
    if left >= sure.shape[1]:
        return tokens.clone(), known.clone()
    bar = sure.sort(dim=1, descending=True).values[:, -1 - left : sure.shape[1] - left]
    now = (sure >= bar) | known
    return [torch.where(now & ~known, drawn, tokens), now]


# Bug hunts.


class TwoLayers(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(12, 5), nn.Linear(5, 12)

    def forward(self, x):
        h = self.a(x.flatten(1)).relu()
        return self.b(h).view_as(x), 0.05 * h.abs().mean()


class Judges(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(12, 3)

    def forward(self, x):
        return self.layer(x.flatten(1))


def _table():
    torch.manual_seed(11)
    g, c = TwoLayers(), Judges()
    return torch.rand(5, 3, 2, 2), g, c


def hunt_step_by_twins(step):
    """A twin is trained by hand, twice in a row, and both are compared in the end."""
    from mmcourse.vqgan import Objective

    for heard in (1.0, 0.3, 0.0):
        x, g, c = _table()
        _, twin, other = _table()
        lr = 0.3
        opts = [torch.optim.SGD(m.parameters(), lr=lr) for m in (g, c)]
        twins = [torch.optim.SGD(m.parameters(), lr=lr) for m in (twin, other)]
        for _ in range(2):
            step(x, g, c, *opts, Objective(clip=1e9), heard)
            drawn, own = twin(x)
            fixed = drawn.detach()
            loss = F.l1_loss(drawn, x) + own - heard * 0.1 * other(drawn).mean()
            twins[0].zero_grad()
            loss.backward()
            twins[0].step()
            if heard:
                twins[1].zero_grad()
                (F.relu(1 - other(x)).mean() + F.relu(1 + other(fixed)).mean()).backward()
                twins[1].step()
        for a, b in ((g, twin), (c, other)):
            for p, q in zip(a.parameters(), b.parameters()):
                np.testing.assert_allclose(p.detach(), q.detach(), rtol=1e-3, atol=1e-5)


def hunt_perceptual_by_parts(make):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.c, self.d = nn.Conv2d(3, 5, 1), nn.Dropout(0.4)
            self.e = nn.Conv2d(5, 2, 3)

        def forward(self, x):
            first = self.c(x).sin()
            return first, self.e(self.d(first))

    torch.manual_seed(4)
    x, y = torch.randn(2, 1, 3, 7, 5)
    y.requires_grad_()
    for weights in (None, [torch.arange(5.0), torch.tensor([2.0, 0.5])]):
        net = Net()
        loss = make(net, weights)
        loss.train()
        drawn = x.clone().requires_grad_()
        value = loss(drawn, y)
        total = 0.0
        for m, p, q in zip((0, 1), net.eval()(x), net(y)):
            for r in range(p.shape[2]):
                for s in range(p.shape[3]):
                    u, v = (t[0, :, r, s] / t[0, :, r, s].norm() for t in (p, q))
                    w = torch.ones(len(u)) if weights is None else weights[m]
                    total += (w * (u - v) ** 2).sum().item() / (p.shape[2] * p.shape[3])
        assert math.isclose(value.item(), total, rel_tol=1e-3)
        loss.train()
        assert not net.training
        assert not net.d.training
        assert loss(drawn, y).item() == value.item()
        (change,) = torch.autograd.grad(value, drawn, retain_graph=True)
        h = 1e-2 * change / change.norm()
        with torch.no_grad():
            slope = (loss(drawn + h, y) - loss(drawn - h, y)).item() / 2
        assert math.isclose(slope, float((change * h).sum()), rel_tol=0.05)
        value.backward()
        assert y.grad is None or y.grad.abs().sum() == 0
        assert all(p.grad is None and not p.requires_grad for p in net.parameters())
        assert len(list(loss.parameters())) == 0
        assert len(loss.state_dict()) == 0


RIGHT_CH03: dict[str, list[Callable[..., Any]]] = {
    "ch03.receptive_field": [field_walking_back, field_by_products, field_as_tensor],
    "ch03.hinge_loss": [hinge_by_maximum, hinge_by_minimum, hinge_by_where],
    "ch03.adaptive_weight": [weight_in_parts, weight_by_minimum],
    "ch03.top_p_filter": [top_p_flat, top_p_shifted, top_p_by_inverse],
    "ch03.hunt_gan_step": [hunt_step_by_twins],
    "ch03.hunt_perceptual": [hunt_perceptual_by_parts],
    "ch03.maskgit_step": [maskgit_in_loops, maskgit_by_threshold],
}
