"""Which parameters `torch.optim.Muon` is for."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def split_for_muon(
    model: nn.Module, but: Sequence[str] = ()
) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The matrices that Muon is for, and what AdamW has to train beside it.

        matrices, rest = split_for_muon(model, but=["head"])
        optimisers = torch.optim.Muon(matrices, lr=2e-3), torch.optim.AdamW(rest, lr=1e-3)

    Muon makes the update of a matrix orthogonal, which suits the linear layers between a model's
    input and its output. Embeddings, the last layer, biases, norms and convolutions are not of that
    kind. It computes in bfloat16, so where a CPU has no units for that, choose AdamW for all.

    Source: Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024.

    Args:
        model: whose trainable parameters are divided.
        but: names of modules whose linear layers go to AdamW too, such as the last one.

    Returns:
        Weights of `nn.Linear` that are no embedding's, and all others; each parameter is in one.

    Raises:
        ValueError: a name that no module has.
    """
    modules = dict(model.named_modules())
    unknown = [name for name in but if name not in modules]
    if unknown:
        raise ValueError(f"no module is called {unknown[0]!r}: choose of model.named_modules()")
    outside = [modules[name] for name in but]
    outside += [module for module in modules.values() if isinstance(module, nn.Embedding)]
    left_out = {id(p) for module in outside for p in module.parameters()}
    linear = {id(m.weight) for m in modules.values() if isinstance(m, nn.Linear)} - left_out
    trained = [p for p in model.parameters() if p.requires_grad]
    return [p for p in trained if id(p) in linear], [p for p in trained if id(p) not in linear]
