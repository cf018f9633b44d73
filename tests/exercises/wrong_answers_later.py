"""Wrong answers to chapters 3 to 6 that once passed: at the ends of float32, in forms not tried."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from mmcourse.exercises import load

WRONG_VALUE = "value is wrong|rounding, or what float32"


def of(id):
    return load(id).reference


def bounded(id, limit):
    return lambda *inputs: of(id)(*inputs).clamp(-limit, limit)


def _norms(reconstruction, adversarial, last):
    losses = reconstruction, adversarial
    return [torch.autograd.grad(x, last, retain_graph=True)[0].norm() for x in losses]


def at_least_epsilon(reconstruction, adversarial, last, limit=10.0):
    a, b = _norms(reconstruction, adversarial, last)
    return (a / b.clamp(min=1e-4)).clamp(max=limit)


def epsilon_in_the_root(reconstruction, adversarial, last, limit=10.0):
    a, b = _norms(reconstruction, adversarial, last)
    return (a / (b.square() + 1e-8).sqrt()).clamp(max=limit)


def freezes_the_layer(reconstruction, adversarial, last, limit=10.0):
    weight = of("ch03.adaptive_weight")(reconstruction, adversarial, last, limit)
    last.requires_grad_(False)
    return weight


def wipes_the_layer(reconstruction, adversarial, last, limit=10.0):
    weight = of("ch03.adaptive_weight")(reconstruction, adversarial, last, limit)
    last.data.zero_()
    return weight


def more_than_p(logits, p):
    falling, order = logits.sort(-1, descending=True)
    chances = falling.softmax(-1)
    gone = chances.cumsum(-1) - chances > p
    return logits.masked_fill(gone.scatter(-1, order, gone), -torch.inf)


def never_above_95(logits, p):
    return of("ch03.top_p_filter")(logits, min(p, 0.95))


def _by_rank(drawn, sureness, tokens, known, left):
    now = (sureness.argsort(-1, descending=True).argsort(-1) < known.shape[1] - left) | known
    return torch.where(now & ~known, drawn, tokens), now


def a_hundred_for_the_known(drawn, sureness, tokens, known, left):
    return _by_rank(drawn, sureness.masked_fill(known, 100.0), tokens, known, left)


def by_exponentials(drawn, sureness, tokens, known, left):
    return _by_rank(drawn, sureness.exp().masked_fill(known, torch.inf), tokens, known, left)


def in_hundredths(drawn, sureness, tokens, known, left):
    return of("ch03.maskgit_step")(drawn, sureness.round(decimals=2), tokens, known, left)


def no_lesson_at_scale_1(unconditional, conditional, scale):
    if scale == 1:
        return conditional.detach()
    return of("ch04.guide")(unconditional, conditional, scale)


def zeros_on_the_cpu(x0, epsilon, alpha, sigma, next_alpha, next_sigma, eta=0.0, noise=None):
    noise = torch.zeros(x0.shape, dtype=x0.dtype) if noise is None else noise
    levels = alpha, sigma, next_alpha, next_sigma
    return of("ch04.ddim_step")(x0, epsilon, *levels, eta, noise) + 0 * noise


def in_float32(x, patch):
    return of("ch05.patchify")(x.float(), patch).to(x.dtype)


def angles_of_the_first(x, angles):
    return of("ch05.rotate")(x, angles.reshape(-1, *angles.shape[-2:])[0])


def hardly_any_epsilon(x, shift, scale):
    return F.layer_norm(x, x.shape[-1:], eps=1e-12) * (1 + scale) + shift


def epsilon_outside_the_root(x, shift, scale):
    spread = x.var(-1, keepdim=True, correction=0).sqrt() + 1e-6
    return (x - x.mean(-1, keepdim=True)) / spread * (1 + scale) + shift


def velocity_without_gradient(begun, arrived, t, ends):
    x, v = of("ch05.straight_line")(begun, arrived, t, ends)
    return x, v.detach()


def both_in_float32(begun, arrived, t, ends):
    return tuple(x.float() for x in of("ch05.straight_line")(begun, arrived, t, ends))


def whole_alphas(x, weight, bias, A, B, alpha):
    return of("ch06.lora_linear")(x, weight, bias, A, B, int(alpha))


def product_in_its_type(weight, A, B, alpha):
    wide = torch.promote_types(weight.dtype, torch.float32)
    return (weight.to(wide) + alpha / len(A) * (B @ A).to(wide)).to(weight.dtype)


def zero_is_no_token(ids, starts, mask, picture):
    return of("ch06.answer_labels")(ids, starts, mask & (ids != 0), picture)


def sevens_are_pictures(ids, starts, mask, picture):
    return of("ch06.answer_labels")(ids, starts, mask, 7)


def in_two_bytes(ids, starts, mask, picture):
    return of("ch06.answer_labels")(ids.short(), starts, mask, picture).long()


def scales_from_1e_4(weight, levels, block=64):
    blocks = weight.view(-1, block)
    scales = blocks.abs().amax(1, keepdim=True).clamp(min=1e-4)
    nearest = ((blocks / scales)[..., None] - levels).abs().argmin(-1)
    return (levels[nearest] * scales).flatten()


def always_64(weight, levels, block=64):
    return of("ch06.round_to_levels")(weight, levels, 64 if len(weight) % 64 == 0 else block)


def in_another_order(model, targets, make):
    return sorted(of("ch06.replace_layers")(model, targets, make))


def freezes_all(model, targets, make):
    model.requires_grad_(False)
    return of("ch06.replace_layers")(model, targets, make)


def sleeps(model, targets, make):
    model.eval()
    return of("ch06.replace_layers")(model, targets, make)


def slope_beyond_the_margin(real, fake):
    return F.leaky_relu(1 - real, 1e-6).mean() + F.leaky_relu(1 + fake, 1e-6).mean()


def at_most_64(logits, p):
    out = of("ch03.top_p_filter")(logits, p)
    if logits.shape[-1] <= 64:
        return out
    return out.masked_fill(logits < logits.topk(64).values[..., -1:], -torch.inf)


def as_many_as_the_first_row(drawn, sureness, tokens, known, left):
    left = min(left, int((~known[0]).sum()))
    return of("ch03.maskgit_step")(drawn, sureness, tokens, known, left)


def zero_is_nothing(drawn, sureness, tokens, known, left):
    now, there = of("ch03.maskgit_step")(drawn, sureness, tokens, known, left)
    return torch.where(now == 0, tokens, now), there


def share_never_0(x0, noise, t, alpha_bar):
    return of("ch04.add_noise")(x0, noise, t, alpha_bar.clamp(min=1e-5))


def a_thousand_steps(x0, noise, t, alpha_bar):
    return of("ch04.add_noise")(x0, noise, t % 1000, alpha_bar)


def in_float32_for_tensors(x, v, alpha, sigma):
    out = of("ch04.x0_from_v")(x, v, alpha, sigma)
    return out.float() if torch.is_tensor(alpha) else out


def normed_and_clamped(x, shift, scale):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6).clamp(-4, 4) * (1 + scale) + shift


def mean_of_squares(x, shift, scale):
    mean = x.mean(-1, keepdim=True)
    variance = x.square().mean(-1, keepdim=True) - mean**2
    return (x - mean) / (variance + 1e-6).sqrt() * (1 + scale) + shift


def A_in_the_weights_type(weight, A, B, alpha):
    return of("ch06.merged_weight")(weight, A.to(weight.dtype), B.to(weight.dtype), alpha)


LATER = [
    ("ch03.hinge_loss", slope_beyond_the_margin, "costs nothing"),
    ("ch03.top_p_filter", at_most_64, "Of five thousand"),
    ("ch03.maskgit_step", as_many_as_the_first_row, "Beside it another misses four"),
    ("ch03.maskgit_step", zero_is_nothing, "Token 0 was drawn"),
    ("ch04.add_noise", bounded("ch04.add_noise", 6), "share of 1 is the picture"),
    ("ch04.add_noise", share_never_0, "share of 1 is the picture"),
    ("ch04.add_noise", a_thousand_steps, "number of steps"),
    ("ch04.x0_from_v", in_float32_for_tensors, "torch.float64 went in"),
    ("ch04.guide", lambda u, c, s: of("ch04.guide")(u, c, min(s, 10)), "value is wrong"),
    ("ch04.guide", lambda u, c, s: of("ch04.guide")(u, c, round(s, 1)), "value is wrong"),
    ("ch05.modulate", normed_and_clamped, "value is wrong"),
    ("ch05.modulate", mean_of_squares, "changed the value|does not see sizes|not finite"),
    ("ch05.modulate", lambda x, m, s: of("ch05.modulate")(x, m, s.clamp(-3, 3)), "value is wrong"),
    (
        "ch06.lora_linear",
        lambda *x: of("ch06.lora_linear")(*x[:5], min(x[5], 64)),
        "value is wrong",
    ),
    ("ch06.merged_weight", A_in_the_weights_type, "last digit"),
    (
        "ch06.round_to_levels",
        lambda w, k, block=64: of("ch06.round_to_levels")(w, k[:16], block),
        "31 even ones",
    ),
    ("ch06.round_to_levels", bounded("ch06.round_to_levels", 1e4), "huge numbers"),
    ("ch03.hinge_loss", bounded("ch03.hinge_loss", 1e4), WRONG_VALUE),
    ("ch03.adaptive_weight", at_least_epsilon, "value is wrong"),
    ("ch03.adaptive_weight", epsilon_in_the_root, "value is wrong"),
    ("ch03.adaptive_weight", freezes_the_layer, "is another than before"),
    ("ch03.adaptive_weight", wipes_the_layer, "is another than before"),
    ("ch03.receptive_field", lambda layers: min(of("ch03.receptive_field")(layers), 500), "wrong"),
    ("ch03.top_p_filter", more_than_p, "adds up to p"),
    ("ch03.top_p_filter", never_above_95, "others should stay"),
    ("ch03.maskgit_step", a_hundred_for_the_known, "Another order"),
    ("ch03.maskgit_step", by_exponentials, "Another order"),
    ("ch03.maskgit_step", in_hundredths, "Another order"),
    ("ch04.x0_from_v", bounded("ch04.x0_from_v", 10), WRONG_VALUE),
    ("ch04.guide", no_lesson_at_scale_1, "No gradient"),
    ("ch04.ddim_step", zeros_on_the_cpu, "mixes devices"),
    ("ch05.patchify", in_float32, "last digits"),
    ("ch05.rotate", angles_of_the_first, "value is wrong"),
    ("ch05.modulate", hardly_any_epsilon, "value is wrong"),
    ("ch05.modulate", epsilon_outside_the_root, "value is wrong"),
    ("ch05.straight_line", velocity_without_gradient, "No gradient"),
    ("ch05.straight_line", both_in_float32, "torch.float64 went in"),
    ("ch06.update_scale", lambda a, r, rs=False: min(10, a / (math.sqrt(r) if rs else r)), "wrong"),
    ("ch06.lora_linear", whole_alphas, "value is wrong"),
    ("ch06.lora_linear", bounded("ch06.lora_linear", 100), "value is wrong"),
    ("ch06.merged_weight", product_in_its_type, "last digit|value is wrong|rounded"),
    ("ch06.answer_labels", zero_is_no_token, "value is wrong|indices are wrong"),
    ("ch06.answer_labels", sevens_are_pictures, "value is wrong|indices are wrong"),
    ("ch06.answer_labels", in_two_bytes, "value is wrong|indices are wrong"),
    ("ch06.round_to_levels", scales_from_1e_4, "value is wrong"),
    ("ch06.round_to_levels", always_64, "value is wrong"),
    ("ch06.replace_layers", in_another_order, "paths returned"),
    ("ch06.replace_layers", freezes_all, "trains otherwise"),
    ("ch06.replace_layers", sleeps, "trains otherwise"),
]


def in_type(id, kind):
    """The right thing, computed in another type."""

    def answer(*inputs):
        narrow = (x.to(kind) if torch.is_tensor(x) and x.is_floating_point() else x for x in inputs)
        return of(id)(*narrow).to(inputs[0].dtype)

    return answer


NARROWED = [
    ("ch04.guide", bounded("ch04.guide", 1.5), "cut off at -1.5 and 1.5"),
    ("ch05.modulate", bounded("ch05.modulate", 2), "cut off at -2 and 2"),
    ("ch01.siglip_loss", lambda *x: of("ch01.siglip_loss")(*x).clamp(max=3), "cut off at 3,"),
    ("ch04.guide", in_type("ch04.guide", torch.bfloat16), "digits than bfloat16 holds"),
    ("ch04.add_noise", in_type("ch04.add_noise", torch.float16), "digits than float16 holds"),
    ("ch06.lora_linear", in_type("ch06.lora_linear", torch.bfloat16), "digits than bfloat16"),
]
