"""Wrong answers that once passed: of other sizes and types, and between neighbours in float32."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from .wrong_answers_later import WRONG_VALUE, of


def ten_per_cent_in_float32(id):
    """Right in float64, and 10 % too much in float32."""

    def answer(*inputs):
        result = of(id)(*inputs)
        floats = [x for x in inputs if torch.is_tensor(x) and x.is_floating_point()]
        return 1.1 * result if floats[0].dtype == torch.float32 else result

    return answer


def at_least(id, place, limit):
    """The right thing, one number being never below a limit."""
    return lambda *x: of(id)(*x[:place], max(x[place], limit), *x[place + 1 :])


def at_most(id, place, limit):
    return lambda *x: of(id)(*x[:place], min(x[place], limit), *x[place + 1 :])


def within(id, limit):
    """The right thing of inputs that are cut off."""

    def answer(*inputs):
        return of(id)(*(x.clamp(-limit, limit) if torch.is_tensor(x) else x for x in inputs))

    return answer


# Chapter 3.


def twenty_layers(layers):
    return of("ch03.receptive_field")(layers[:20])


def backwards_and_restored(reconstruction, adversarial, last, limit=10.0):
    old, lengths = last.grad, []
    for loss in (reconstruction, adversarial):
        last.grad = None
        loss.backward(retain_graph=True)
        lengths.append(last.grad.norm())
    last.grad = old
    return (lengths[0] / (lengths[1] + 1e-4)).clamp(max=limit)


def matrices_only(reconstruction, adversarial, last, limit=10.0):
    assert last.ndim <= 2
    return of("ch03.adaptive_weight")(reconstruction, adversarial, last, limit)


def zeros_for_no_gradient(reconstruction, adversarial, last, limit=10.0):
    weight = of("ch03.adaptive_weight")(reconstruction, adversarial, last, limit)
    last.grad = torch.zeros_like(last) if last.grad is None else last.grad
    return weight


def wipes_a_loss(reconstruction, adversarial, last, limit=10.0):
    weight = of("ch03.adaptive_weight")(reconstruction, adversarial, last, limit)
    adversarial.data.zero_()
    return weight


def nucleus_by(chances):
    def answer(logits, p):
        falling, order = logits.sort(-1, descending=True)
        shares = chances(falling)
        gone = shares.cumsum(-1) - shares >= p
        return logits.masked_fill(gone.scatter(-1, order, gone), -torch.inf)

    return answer


def _shares(weights):
    return weights / weights.sum(-1, keepdim=True)


def all_that_equal_the_last(logits, p):
    kept = of("ch03.top_p_filter")(logits, p)
    least = kept.masked_fill(kept.isinf(), torch.inf).amin(-1, keepdim=True)
    return logits.masked_fill(logits < least, -torch.inf)


def codes_through(kind):
    def answer(drawn, sureness, tokens, known, left):
        narrow = drawn.to(kind), sureness, tokens.to(kind)
        now, there = of("ch03.maskgit_step")(*narrow, known, left)
        return now.long(), there

    return answer


def ten_thousand_for_the_known(drawn, sureness, tokens, known, left):
    sure = sureness.masked_fill(known, 1e4)
    now = (sure.argsort(-1, descending=True).argsort(-1) < known.shape[1] - left) | known
    return torch.where(now & ~known, drawn, tokens), now


def from_the_nth_surest(drawn, sureness, tokens, known, left):
    sure = sureness.masked_fill(known, torch.inf)
    n = sure.shape[1] - left  # at 0 the last of all
    now = known | (sure >= sure.sort(1, descending=True).values[:, n - 1][:, None])
    return torch.where(now & ~known, drawn, tokens), now


def no_more_than_there_are(drawn, sureness, tokens, known, left):
    sure = sureness.masked_fill(known, torch.inf)
    now = known.scatter(1, sure.topk(sure.shape[1] - left, dim=1).indices, True)
    return torch.where(now & ~known, drawn, tokens), now


def the_callers_own(drawn, sureness, tokens, known, left):
    if bool(((~known).sum(1) <= left).all()):
        return tokens, known
    return of("ch03.maskgit_step")(drawn, sureness, tokens, known, left)


# Chapter 4.


def noise_by_roots(x0, noise, t, alpha_bar):
    a = alpha_bar[t].to(x0.dtype).view(-1, *[1] * (x0.ndim - 1)).sqrt()
    return a * x0 + (1 - a * a).sqrt() * noise


def noise_by_angles(x0, noise, t, alpha_bar):
    angle = alpha_bar[t].to(x0.dtype).view(-1, *[1] * (x0.ndim - 1)).sqrt().acos()
    return angle.cos() * x0 + angle.sin() * noise


def noise_in_the_shares_type(x0, noise, t, alpha_bar):
    a = alpha_bar[t].view(-1, *[1] * (x0.ndim - 1))
    return a.sqrt() * x0 + (1 - a).sqrt() * noise


def by_the_noise(x, v, alpha, sigma):
    epsilon = sigma * x + alpha * v
    if not torch.is_tensor(alpha) and alpha == 0:
        return -v
    return (x - sigma * epsilon) / alpha


def by_the_noise_but_at_0(x, v, alpha, sigma):
    a, s = (torch.as_tensor(k, dtype=x.dtype, device=x.device) for k in (alpha, sigma))
    return torch.where(a == 0, -v, (x - s * (s * x + a * v)) / torch.where(a == 0, 1.0, a))


def alpha_from_1e_4(x, v, alpha, sigma):
    return torch.as_tensor(alpha, dtype=x.dtype, device=x.device).clamp(min=1e-4) * x - sigma * v


def ddim_factors_in_float32(x0, epsilon, alpha, sigma, next_alpha, next_sigma, eta=0.0, noise=None):
    a, s, n, m = (
        torch.tensor(float(x), device=x0.device) for x in (alpha, sigma, next_alpha, next_sigma)
    )
    fresh = eta * m / s * (1 - a**2 / n**2).clamp(min=0).sqrt()
    x = n * x0 + (m**2 - fresh**2).clamp(min=0).sqrt() * epsilon
    return x if noise is None else x + fresh * noise


def dpm_by(ratio, last=lambda level: level.sigma == 0):
    def answer(x, x0, levels, before=None):
        here, there = levels[-2:]
        if last(there):
            return there.alpha * x0
        step, guess = ratio(there) - ratio(here), x0
        if before is not None:
            guess = x0 + step / (2 * (ratio(here) - ratio(levels[0]))) * (x0 - before)
        return there.sigma / here.sigma * x - there.alpha * math.expm1(-step) * guess

    return answer


def _ratio(level):
    return math.log(level.alpha / level.sigma)


def _ratio_in_float32(level):
    return torch.log(torch.tensor(level.alpha) / torch.tensor(level.sigma)).item()


def by_the_number_of_levels(x, x0, levels, before=None):
    return of("ch04.dpm_solver_step")(x, x0, levels, before if len(levels) == 2 else before + 0)


# Chapter 5.


def three_channels(x, patch):
    return of("ch05.patchify")(x[:, :3], patch)


def places(change):
    return lambda at, dim: of("ch05.sincos_at")(change(at), dim)


def whole_places_in_bytes(at, dim):
    return of("ch05.sincos_at")(at if at.is_floating_point() else at.to(torch.uint8), dim)


def from_time_0(begun, arrived, t, ends):
    now, start, end = (x.view(-1, *[1] * (begun.ndim - 1)) for x in (t, *ends))
    velocity = (begun - arrived) / (start - end)
    return begun - start * velocity + now * velocity, velocity


def windows_from_a_hundredth(begun, arrived, t, ends):
    now, start, end = (x.view(-1, *[1] * (begun.ndim - 1)) for x in (t, *ends))
    velocity = (begun - arrived) / (start - end).clamp(min=1e-2)
    return arrived + (now - end) * velocity, velocity


def writes_into_the_ends(begun, arrived, t, ends):
    found = of("ch05.straight_line")(begun, arrived, t, ends)
    ends[0].data.zero_()
    return found


def cuts_off_the_ends(begun, arrived, t, ends):
    found = of("ch05.straight_line")(begun, arrived, t, ends)
    if ends[0].requires_grad:
        ends[0].detach_()
    return found


def cuts_off_the_shares(x0, noise, t, alpha_bar):
    return of("ch04.add_noise")(x0, noise, t, alpha_bar.detach_())


# Chapter 6.


def in_bfloat16_for_float32(x, weight, bias, A, B, alpha):
    if x.dtype != torch.float32:
        return of("ch06.lora_linear")(x, weight, bias, A, B, alpha)
    update = F.linear(F.linear(x.bfloat16(), A.bfloat16()), B.bfloat16())
    return F.linear(x, weight, bias) + alpha / len(A) * update.float()


def the_weight_itself(weight, A, B, alpha):
    return of("ch06.merged_weight")(weight, A, B, alpha) if bool(B.any()) else weight


def a_rounded_update(weight, A, B, alpha):
    wide = torch.promote_types(weight.dtype, torch.float32)
    update = alpha / len(A) * B.to(wide) @ A.to(wide)
    update = update.half().to(wide) if weight.dtype == torch.float16 else update
    return (weight.to(wide) + update).to(weight.dtype)


def sixteen_ranks(weight, A, B, alpha):
    return of("ch06.merged_weight")(weight, A[:16], B[:, :16], alpha * min(16, len(A)) / len(A))


def starts_in_a_byte(ids, starts, mask, picture):
    return of("ch06.answer_labels")(ids, starts.to(torch.uint8).long(), mask, picture)


def levels_by(quotients=lambda x: x, result=lambda x: x):
    def answer(weight, levels, block=64):
        blocks = weight.view(-1, block)
        scales = blocks.abs().amax(1, keepdim=True)
        near = quotients(blocks / scales.clamp(min=1e-30))
        nearest = (near[..., None] - levels.to(near)).abs().argmin(-1)
        return result((levels[nearest] * scales).flatten())

    return answer


def _half_for_float32(x):
    return x.half() if x.dtype == torch.float32 else x


def thirty_one_levels(weight, levels, block=64):
    return of("ch06.round_to_levels")(weight, levels[:31], block)


def whatever_their_case(model, targets, make):
    lower = {path.lower() for path in targets}
    found = [p for p, _ in model.named_modules() if p.lower().rpartition(".")[2] in lower]
    return of("ch06.replace_layers")(model, tuple({*targets, *found}), make)


def each_name_means_one(model, targets, make):
    done = of("ch06.replace_layers")(model, targets, make)
    if not all(any(p == t or p.endswith("." + t) for p in done) for t in targets):
        raise ValueError("a name means nothing")
    return done


def larger_weights(model, targets, make):
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(1.5)
    return of("ch06.replace_layers")(model, targets, make)


def whatever_the_steps(text, image, text_map, image_map, steps):
    return of("ch01.train_siglip")(text, image, text_map, image_map, 150 if steps else 0)


INDICES = "value is wrong|indices are wrong"

SIZES = [
    ("ch01.train_siglip", whatever_the_steps, "very maps of thirty"),
    ("ch04.guide", ten_per_cent_in_float32("ch04.guide"), "In float32|changed the value"),
    ("ch06.lora_linear", ten_per_cent_in_float32("ch06.lora_linear"), "In float32"),
    ("ch03.receptive_field", twenty_layers, "value is wrong"),
    ("ch03.receptive_field", lambda x: min(of("ch03.receptive_field")(x), 4096), "value is wrong"),
    ("ch03.adaptive_weight", backwards_and_restored, "was None"),
    ("ch03.adaptive_weight", matrices_only, "AssertionError"),
    ("ch03.adaptive_weight", zeros_for_no_gradient, "was None"),
    ("ch03.adaptive_weight", wipes_a_loss, "losses are others"),
    ("ch03.top_p_filter", nucleus_by(lambda x: _shares((x - x.max()).exp())), "far below"),
    ("ch03.top_p_filter", nucleus_by(lambda x: _shares(x.clamp(-80, 80).exp())), "far below"),
    ("ch03.top_p_filter", nucleus_by(lambda x: x.half().softmax(-1)), "nearly alike"),
    ("ch03.top_p_filter", all_that_equal_the_last, "any two stay"),
    ("ch03.maskgit_step", codes_through(torch.uint8), "Wrong tokens"),
    ("ch03.maskgit_step", codes_through(torch.float16), "Wrong tokens"),
    ("ch03.maskgit_step", ten_thousand_for_the_known, "Another order"),
    ("ch03.maskgit_step", from_the_nth_surest, "Four were missing, and 4"),
    ("ch03.maskgit_step", no_more_than_there_are, "RuntimeError"),
    ("ch03.maskgit_step", the_callers_own, "itself came back"),
    ("ch04.add_noise", noise_by_roots, WRONG_VALUE),
    ("ch04.add_noise", noise_by_angles, WRONG_VALUE),
    ("ch04.add_noise", noise_in_the_shares_type, "torch.float64, not torch.float32"),
    ("ch04.x0_from_v", by_the_noise, "not finite|NaN"),
    ("ch04.x0_from_v", by_the_noise_but_at_0, WRONG_VALUE),
    ("ch04.x0_from_v", alpha_from_1e_4, WRONG_VALUE),
    ("ch04.guide", at_least("ch04.guide", 2, -1), "value is wrong"),
    ("ch04.guide", at_most("ch04.guide", 2, 40), "value is wrong"),
    ("ch04.guide", within("ch04.guide", 100), WRONG_VALUE),
    ("ch04.ddim_step", ddim_factors_in_float32, WRONG_VALUE),
    ("ch04.dpm_solver_step", dpm_by(_ratio_in_float32), WRONG_VALUE),
    ("ch04.dpm_solver_step", dpm_by(_ratio, lambda x: x.sigma < 1e-3), "value is wrong"),
    ("ch04.dpm_solver_step", dpm_by(_ratio, lambda x: x.t == 0), "value is wrong"),
    ("ch04.dpm_solver_step", by_the_number_of_levels, "TypeError"),
    ("ch05.patchify", three_channels, "shape is wrong"),
    ("ch05.patchify", within("ch05.patchify", 1e3), "value is wrong"),
    ("ch05.sincos_at", places(lambda x: x.clamp(max=1000)), "value is wrong"),
    ("ch05.sincos_at", places(lambda x: x.clamp(min=-64)), "value is wrong"),
    ("ch05.sincos_at", lambda x, dim: of("ch05.sincos_at")(x, dim)[:, :64], "shape is wrong"),
    ("ch05.sincos_at", whole_places_in_bytes, "value is wrong"),
    ("ch05.straight_line", from_time_0, "`state` is wrong"),
    ("ch05.straight_line", windows_from_a_hundredth, "`state` is wrong|`velocity` is wrong"),
    ("ch05.straight_line", writes_into_the_ends, r"`ends\[0\]` was changed"),
    ("ch05.straight_line", cuts_off_the_ends, r"`ends\[0\]` was cut off"),
    ("ch04.add_noise", cuts_off_the_shares, "`alpha_bar` was cut off"),
    ("ch06.lora_linear", in_bfloat16_for_float32, "In float32"),
    ("ch06.lora_linear", within("ch06.lora_linear", 500), "value is wrong"),
    ("ch06.lora_linear", at_least("ch06.lora_linear", 5, -10), "value is wrong"),
    ("ch06.merged_weight", the_weight_itself, "itself came back"),
    ("ch06.merged_weight", a_rounded_update, "last digit"),
    ("ch06.merged_weight", sixteen_ranks, "value is wrong"),
    ("ch06.answer_labels", starts_in_a_byte, INDICES),
    ("ch06.answer_labels", lambda *x: of("ch06.answer_labels")(*x)[:, :150], "shape is wrong"),
    ("ch06.round_to_levels", levels_by(), "torch.float32, not torch.bfloat16"),
    ("ch06.round_to_levels", levels_by(_half_for_float32, lambda x: x), "float32"),
    ("ch06.round_to_levels", thirty_one_levels, WRONG_VALUE),
    ("ch06.replace_layers", whatever_their_case, "other layers were replaced"),
    ("ch06.replace_layers", each_name_means_one, "ValueError"),
    ("ch06.replace_layers", larger_weights, "Weights have changed"),
]
