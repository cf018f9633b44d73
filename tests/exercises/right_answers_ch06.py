"""Right answers of chapter 6, written in as many ways as learners find. All of them must pass."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


def scale_by_power(alpha, rank, rs=False):
    return alpha * rank ** (-0.5 if rs else -1)


def scale_in_tensors(alpha, rank, rs=False):
    r = torch.tensor(float(rank), dtype=torch.float64)
    return alpha / (r.sqrt() if rs else r)


def lora_by_merging(x, weight, bias, A, B, alpha):
    return F.linear(x, weight + alpha / A.shape[0] * B @ A, bias)


def lora_by_einsum(x, weight, bias, A, B, alpha):
    narrow = torch.einsum("...i,ri->...r", x, A)
    wide = torch.einsum("...r,or->...o", narrow, B)
    return torch.einsum("...i,oi->...o", x, weight) + bias + wide * (alpha / B.shape[1])


def lora_scaled_first(x, weight, bias, A, B, alpha):
    return x @ weight.mT + bias + (x @ (A * (alpha / len(A))).mT) @ B.mT


class Lora(nn.Module):
    def forward(self, x, weight, bias, A, B, alpha):
        return F.linear(x, weight, bias) + F.linear(F.linear(x, A), B) * alpha / len(A)


def merged_by_addmm(weight, A, B, alpha):
    wide = torch.float64 if weight.dtype == torch.float64 else torch.float32
    whole = torch.addmm(weight.to(wide), B.to(wide), A.to(wide), alpha=alpha / A.shape[0])
    return whole.to(weight.dtype)


def merged_in_float64(weight, A, B, alpha):
    return (weight.double() + alpha / len(A) * B.double() @ A.double()).type_as(weight)


def labels_in_loops(ids, starts, mask, picture):
    rows = []
    for row, start, kept in zip(ids.tolist(), starts.tolist(), mask.tolist()):
        rows.append(
            [-100 if t < start or not kept[t] or i == picture else i for t, i in enumerate(row)]
        )
    return torch.tensor(rows)


def labels_by_where(ids, starts, mask, picture):
    learned = torch.arange(ids.size(1), device=ids.device) >= starts.unsqueeze(1)
    learned &= mask
    return torch.where(learned & ids.ne(picture), ids, torch.full_like(ids, -100))


def labels_on_a_clone(ids, starts, mask, picture):
    labels = ids.clone()
    for b, start in enumerate(starts):
        labels[b, :start] = -100
    labels[~mask] = -100
    labels[labels == picture] = -100
    return labels


def replaced_by_list(model, targets, make):
    done = []
    for path, layer in list(model.named_modules()):
        parts = path.split(".")
        if any(parts[-len(t.split(".")) :] == t.split(".") for t in targets):
            parent = functools.reduce(lambda m, k: m[int(k)] if k.isdigit() else
                                      getattr(m, k), parts[:-1], model)  # fmt: skip
            setattr(parent, parts[-1], make(layer))
            done.append(path)
    if not done:
        raise ValueError(f"no layer ends in {targets}")
    return done


def replaced_by_recursion(model, targets, make):
    done = []

    def walk(module, before):
        for name, child in list(module.named_children()):
            path = f"{before}{name}"
            if any(f".{path}".endswith(f".{t}") for t in targets):
                setattr(module, name, make(child))
                done.append(path)
            else:
                walk(child, f"{path}.")

    walk(model, "")
    if not done:
        raise ValueError(f"{targets} match nothing")
    return tuple(done)


def rounded_by_distances(weight, levels, block=64):
    blocks = weight.reshape(-1, block)
    scale = blocks.abs().max(dim=1, keepdim=True).values
    safe = torch.where(scale == 0, torch.ones_like(scale), scale)
    nearest = (blocks[..., None] / safe[..., None] - levels.to(weight)).abs().argmin(-1)
    return (levels.to(weight)[nearest] * scale).flatten()


def rounded_without_dividing(weight, levels, block=64):
    out = []
    for part in weight.split(block):
        grid = levels.to(weight) * part.abs().max()
        out.append(grid[(part[:, None] - grid).abs().argmin(1)])
    return torch.cat(out)


def hunt_layer_by_behaviour(make):
    torch.manual_seed(3)
    linear = nn.Linear(7, 3)
    x = torch.randn(4, 7)
    plain = F.linear(x, linear.weight.detach().clone(), linear.bias.detach().clone())
    layer = make(linear, 2, 5.0)
    with torch.no_grad():
        assert (layer(x) - plain).abs().max() < 1e-5
    shapes = sorted(tuple(p.shape) for p in layer.parameters() if p.requires_grad)
    assert shapes == [(2, 7), (3, 2)]
    layer(x).sum().backward()
    A, B = (next(p for p in layer.parameters() if p.requires_grad and tuple(p.shape) == s)
            for s in ((2, 7), (3, 2)))  # fmt: skip
    assert B.grad is not None
    assert B.grad.norm() > 1e-5
    B.data = torch.randn(3, 2)
    A.grad = None
    layer(x).sum().backward()
    assert A.grad is not None
    assert A.grad.norm() > 1e-5
    wanted = plain + 5 / 2 * F.linear(F.linear(x, A), B).detach()
    for calls in ("", "m", "mm", "u", "uu", "m", "u", "em", "e", "tu", "u"):
        for call in calls:
            {"m": layer.merge, "u": layer.unmerge, "e": layer.eval, "t": layer.train}[call]()
        torch.testing.assert_close(layer(x).detach(), wanted, rtol=1e-3, atol=1e-3)


def hunt_loss_by_rows(loss):
    torch.manual_seed(8)
    logits = torch.randn(2, 5, 4, requires_grad=True)
    labels = torch.tensor([[2, 0, 1, -100, 3], [0, -100, -100, -100, 3]])
    total, count = 0.0, 0
    for said, row in zip(logits, labels):
        for t in range(4):
            if row[t + 1] >= 0:
                total = total + F.cross_entropy(said[t], row[t + 1])
                count += 1
    value = loss(logits, labels)
    torch.testing.assert_close(value, total / count, rtol=1e-4, atol=1e-5)
    value.backward()
    assert logits.grad is not None
    assert logits.grad[:, :4].abs().sum() > 0


def hunt_loss_by_closed_forms(loss):
    """Logits that say one token with all their might."""
    logits = torch.zeros(2, 4, 3)
    logits[0, 0, 0] = logits[0, 1, 1] = logits[0, 2, 2] = 5.0
    logits[1, :, 1] = 3.0
    labels = torch.tensor([[1, 0, 1, 2], [2, -100, 0, -100]])
    sure, wrong = math.log(1 + 2 * math.exp(-5)), math.log(2 + math.exp(3))
    logits.requires_grad_()
    value = loss(logits, labels)
    assert abs(float(value) - (3 * sure + wrong) / 4) < 1e-4
    (slope,) = torch.autograd.grad(value, logits, allow_unused=True)
    assert slope is not None
    assert slope.abs().sum() > 0


RIGHT_CH06: dict[str, list[Callable[..., Any]]] = {
    "ch06.update_scale": [scale_by_power, scale_in_tensors],
    "ch06.lora_linear": [lora_by_merging, lora_by_einsum, lora_scaled_first, Lora()],
    "ch06.replace_layers": [replaced_by_list, replaced_by_recursion],
    "ch06.merged_weight": [merged_by_addmm, merged_in_float64],
    "ch06.answer_labels": [labels_in_loops, labels_by_where, labels_on_a_clone],
    "ch06.hunt_lora_layer": [hunt_layer_by_behaviour],
    "ch06.hunt_next_token_loss": [hunt_loss_by_rows, hunt_loss_by_closed_forms],
    "ch06.round_to_levels": [rounded_by_distances, rounded_without_dividing],
}
