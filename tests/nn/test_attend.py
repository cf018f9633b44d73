"""One function computes all attention; both its ways are the same mean of the values."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import mmcourse
from mmcourse.nn import Attention, attend, attention

B, HEADS, T, WIDTH = 2, 3, 6, 8


def draw(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def inputs(keys=T, dtype=torch.float64):
    places = (T, keys, keys)
    return [draw(B, HEADS, n, WIDTH, seed=i, dtype=dtype) for i, n in enumerate(places)]


def padding(keys=T):
    return (torch.arange(keys) < torch.tensor([[2], [keys]]))[:, None, None, :]


@pytest.fixture
def kernel_calls(monkeypatch):
    """How often PyTorch's kernel is asked."""
    calls, kernel = [], F.scaled_dot_product_attention

    def counted(*args, **options):
        calls.append(args[0].dtype)
        return kernel(*args, **options)

    monkeypatch.setattr(F, "scaled_dot_product_attention", counted)
    return calls


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_both_ways_are_one_formula_forward_and_backward(monkeypatch, kernel_calls, masked, causal):
    mask = padding() if masked else None
    allowed = torch.ones(B, 1, T, T, dtype=torch.bool)
    if masked:
        allowed = allowed & mask
    if causal:
        allowed = allowed & (torch.arange(T) <= torch.arange(T)[:, None])
    q, k, v = (x.requires_grad_() for x in inputs())
    weights = torch.where(allowed, (q @ k.transpose(2, 3) / WIDTH**0.5).exp(), 0.0)
    expected = weights / weights.sum(-1, keepdim=True) @ v
    wanted = torch.autograd.grad(expected.square().sum(), (q, k, v))
    for by_hand in (False, True):
        monkeypatch.setattr(attention, "_is_bfloat16_on_a_cpu", lambda x, answer=by_hand: answer)
        out = attend(q, k, v, mask, causal)
        torch.testing.assert_close(out, expected, rtol=0, atol=1e-12)
        found = torch.autograd.grad(out.square().sum(), (q, k, v))
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-11)
    assert len(kernel_calls) == 1


def test_a_query_may_look_at_another_number_of_keys():
    q, k, v = inputs(keys=9)
    torch.testing.assert_close(
        attend(q, k, v, padding(9)), F.scaled_dot_product_attention(q, k, v, attn_mask=padding(9))
    )


def test_bfloat16_on_a_cpu_goes_by_products_up_to_the_longest_that_was_measured(kernel_calls):
    half = inputs(dtype=torch.bfloat16)
    assert attend(*half).dtype == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        assert attend(*inputs(dtype=torch.float32)).dtype == torch.bfloat16
    assert kernel_calls == []
    attend(*inputs(dtype=torch.float32))
    attend(*inputs())
    with torch.autocast("cpu", torch.float16):
        attend(*inputs(dtype=torch.float32))
    with torch.autocast("cpu", torch.bfloat16, enabled=False):
        attend(*inputs(dtype=torch.float32))
    with torch.autocast("cpu", torch.bfloat16):  # leaves float64 as it is
        assert attend(*inputs()).dtype == torch.float64
    assert len(kernel_calls) == 5
    attend(*inputs(keys=512, dtype=torch.bfloat16))
    assert len(kernel_calls) == 5
    attend(*inputs(keys=513, dtype=torch.bfloat16))
    assert len(kernel_calls) == 6


def test_in_bfloat16_the_means_are_those_of_float32_to_two_digits():
    exact = attend(*inputs(), padding())
    rounded = attend(*inputs(dtype=torch.bfloat16), padding())
    assert (rounded - exact).abs().max() < 0.03
    assert (rounded - exact).abs().max() > 0  # it did round


def test_a_module_under_autocast_masks_what_it_masks_in_float32():
    torch.manual_seed(0)
    module, x = Attention(16, 2), draw(B, T, 16, dtype=torch.float32)
    mask = torch.arange(T) < torch.tensor([[2], [T]])
    other = torch.where(mask[..., None], x, 100.0)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(module(x, x, mask), module(x, other, mask))


def test_nobody_else_computes_attention():
    package = Path(mmcourse.__file__).parent
    callers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "scaled_dot_product_attention(" in path.read_text(encoding="utf-8")
    }
    assert callers == {"nn/attention.py"}
