"""What a quantizer holds while it trains does not grow with its codebook."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmcourse.vqvae import EMAVectorQuantizer, VectorQuantizer

WIDTH = 256


class Largest(TorchDispatchMode):
    """The bytes of the largest storage that appears, but for those that were there before."""

    def __init__(self, known: list[torch.Tensor]) -> None:
        super().__init__()
        self.known = {x.untyped_storage().data_ptr() for x in known}
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for x in tree_leaves(out):
            if isinstance(x, torch.Tensor):
                storage = x.untyped_storage()
                if storage.data_ptr() not in self.known:
                    self.bytes = max(self.bytes, storage.nbytes())
        return out


def largest(quantizer: VectorQuantizer) -> int:
    """Bytes of the largest tensor of one step of training on 2,048 vectors."""
    z = torch.randn(2, WIDTH, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    with Largest([z, *quantizer.parameters(), *quantizer.buffers()]) as seen:
        found = quantizer(z)
        torch.autograd.grad(found.codes.square().sum() + found.loss, z)
    return seen.bytes


@pytest.mark.parametrize("dead", [False, True])
def test_a_step_needs_no_more_with_four_times_the_codes(dead: bool) -> None:
    def built(codes: int) -> EMAVectorQuantizer:
        return EMAVectorQuantizer(codes, WIDTH, restart_below=2.0 if dead else 0.0).train()

    few, many = built(4096), built(16384)
    table_of_all = 2048 * 16384 * 4
    assert largest(many) == largest(few) < table_of_all / 16


def test_every_dead_code_of_a_large_codebook_wakes_on_a_vector_of_the_batch() -> None:
    quantizer = EMAVectorQuantizer(1500, 4, restart_below=2.0).train()
    rows = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    quantizer.restart(rows)
    assert (quantizer.counts == 2).all()
    assert (quantizer.sums[:, None] == 2 * rows).all(2).any(1).all()
    assert (quantizer.sums / 2).unique(dim=0).shape[0] == 64
