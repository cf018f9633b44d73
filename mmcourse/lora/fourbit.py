"""QLoRA's arithmetic: a frozen weight in four bits a number, unpacked whenever it is multiplied.

The sixteen levels of NF4 lie where a normal distribution has equal shares of its mass, since the
weights of a trained layer are nearly normal. A block of 64 weights is divided by its largest, and
each quotient becomes the number of the nearest level. Two of them fill a byte.

    largest 0.31 in a block:  w = 0.12  ->  0.12 / 0.31 = 0.387  ->  level 12 (0.3379)  ->  0.105

Source: Dettmers et al., QLoRA: Efficient Finetuning of Quantized LLMs, 2023, section 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.lora.files import fingerprint
from mmcourse.lora.injection import find_targets, put, replace_layers

BLOCK, SECOND_BLOCK = 64, 256


def nf4_levels() -> Tensor:
    """The sixteen levels, from -1 to 1, 0 among them; float32.

    Eight quantiles of a normal distribution below 0 and nine from 0 on, both ends cut off at equal
    mass, divided by the largest. They are bitsandbytes' levels to their last digit.
    """
    mass = (1 - 1 / 30 + 1 - 1 / 32) / 2  # how much lies below the last quantile
    up = torch.special.ndtri(torch.linspace(mass, 0.5, 9, dtype=torch.float64)[:-1])
    down = -torch.special.ndtri(torch.linspace(mass, 0.5, 8, dtype=torch.float64)[:-1])
    levels = torch.cat((down, torch.zeros(1, dtype=torch.float64), up)).sort().values
    return (levels / levels.max()).float()


def round_to_levels(weight: Tensor, levels: Tensor, block: int = BLOCK) -> Tensor:
    """What is left of a weight when each block of numbers is scaled by its largest and rounded to
    the nearest level.

    Args:
        weight: (N,), N a multiple of `block`.
        levels: (L,), rising, from -1 to 1.
        block: numbers that share a scale.

    Returns:
        (N,), as a four-bit layer computes with it.

    Raises:
        ValueError: a weight of whole numbers, or one that blocks of this size do not fill.
    """
    if not weight.is_floating_point() or block < 1 or weight.numel() % block:
        raise ValueError(
            f"the weight is {weight.dtype} {tuple(weight.shape)}, expected floats, as many as fill "
            f"blocks of {block}"
        )
    blocks = weight.reshape(-1, block)  # (M, block)
    scales = blocks.abs().amax(1, keepdim=True)
    codes = nearest_levels(blocks, scales, levels)
    return (levels.to(weight.dtype)[codes] * scales).view(-1)


def nearest_levels(blocks: Tensor, scales: Tensor, levels: Tensor) -> Tensor:
    """Numbers of the nearest levels of blocks (M, block) by their scales (M, 1)."""
    middles = ((levels[1:] + levels[:-1]) / 2).to(blocks)
    return torch.bucketize(blocks / scales.clamp(min=torch.finfo(blocks.dtype).tiny), middles)


@dataclass(frozen=True)
class Packed:
    """A weight in four bits.

    Args:
        codes: uint8, two levels in each, the earlier in the upper half.
        scales: of the blocks: float32, or, quantized twice, uint8.
        shape: of the weight.
        seconds: of the scales' own blocks, float32; None if they were not quantized.
        middle: the scales' mean, which was taken off first; a number, or () float32.
    """

    codes: Tensor
    scales: Tensor
    shape: tuple[int, ...]
    seconds: Tensor | None = None
    middle: float | Tensor = 0.0

    @property
    def bits(self) -> float:
        """Bits a weight, scales and all."""
        held = [self.codes, self.scales, *([] if self.seconds is None else [self.seconds])]
        return 8 * sum(x.numel() * x.element_size() for x in held) / math.prod(self.shape)


def pack(weight: Tensor, twice: bool = False) -> Packed:
    """A weight of any shape to four bits a number.

    Args:
        weight: any floating type.
        twice: quantize the blocks' scales, too, to eight bits in blocks of 256: 4.13 bits a weight
            instead of 4.5. (Evenly spaced here; bitsandbytes spaces them by their size.)

    Raises:
        ValueError: a weight of whole numbers, with NaN or infinity, or one whose size is odd.
    """
    if not weight.is_floating_point():
        raise ValueError(f"the weight is {weight.dtype}, expected floats: is it packed already?")
    if not weight.isfinite().all():
        raise ValueError("the weight holds NaN or infinity: four bits have no code for them")
    flat = weight.detach().float().flatten()
    if len(flat) % 2:
        raise ValueError(
            f"the weight has {len(flat)} numbers, and two fill a byte: leave it as it is"
        )
    blocks = F.pad(flat, (0, -len(flat) % BLOCK)).view(-1, BLOCK)  # (M, 64)
    scales = blocks.abs().amax(1)  # (M,)
    codes = nearest_levels(blocks, scales[:, None], nf4_levels())
    codes = codes.flatten()[: len(flat)].to(torch.uint8)
    packed = Packed(codes[::2] << 4 | codes[1::2], scales, tuple(weight.shape))
    return quantize_scales(packed) if twice else packed


def quantize_scales(packed: Packed) -> Packed:
    """The blocks' scales in eight bits: their distance from the mean, in 256 even steps."""
    middle = packed.scales.mean().item()
    off = F.pad(packed.scales - middle, (0, -len(packed.scales) % SECOND_BLOCK))
    rows = off.view(-1, SECOND_BLOCK)
    seconds = rows.abs().amax(1)
    steps = (rows / seconds.clamp(min=1e-12)[:, None] * 127).round() + 128
    scales = steps.flatten()[: len(packed.scales)].to(torch.uint8)
    return replace(packed, scales=scales, seconds=seconds, middle=middle)


def block_scales(packed: Packed) -> Tensor:
    """The blocks' scales in float32, (M,)."""
    if packed.seconds is None:
        return packed.scales
    steps = packed.scales.float() - 128
    each = packed.seconds.repeat_interleave(SECOND_BLOCK)[: len(steps)]
    return steps / 127 * each + packed.middle


def unpack_weight(packed: Packed, dtype: torch.dtype = torch.float32) -> Tensor:
    """Four bits back to numbers, in the weight's shape."""
    codes = torch.stack((packed.codes >> 4, packed.codes & 15), dim=-1).flatten()
    values = nf4_levels().to(codes.device)[codes.int()]
    each = block_scales(packed).repeat_interleave(BLOCK)[: len(values)]
    return (values * each).view(packed.shape).to(dtype)


class _Multiply(torch.autograd.Function):
    """x W^T for a packed W, which is unpacked once forward and once more back, and never kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, packed: Packed) -> Tensor:
        ctx.packed = packed
        return F.linear(x, unpack_weight(packed, x.dtype))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient @ unpack_weight(ctx.packed, gradient.dtype), None


class FourBitLinear(nn.Module):
    """A frozen linear layer whose weight is packed. Gradients pass through it to its input.

    Args:
        linear: the layer to pack; its bias stays as it is.
        twice: quantize the scales, too.
    """

    packed_linear = True

    def __init__(self, linear: nn.Linear, twice: bool = False) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        packed = pack(linear.weight, twice)
        self.shape, self.dtype = packed.shape, linear.weight.dtype
        self.register_buffer("weight", packed.codes)
        self.register_buffer("scales", packed.scales)
        self.register_buffer("seconds", packed.seconds)
        self.register_buffer("middle", torch.tensor(packed.middle).to(packed.codes.device))
        self.bias = linear.bias
        self.requires_grad_(False)

    @property
    def packed(self) -> Packed:
        """The weight in four bits."""
        return Packed(self.weight, self.scales, self.shape, self.seconds, self.middle)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out), in the type of x."""
        out = _Multiply.apply(x, self.packed)
        return out if self.bias is None else out + self.bias.to(out.dtype)

    def unpacked(self) -> nn.Linear:
        """A plain frozen layer that computes the same, in the type that the weight had."""
        linear = nn.utils.skip_init(nn.Linear, self.in_features, self.out_features, bias=False)
        linear.weight.data = unpack_weight(self.packed, self.dtype)
        linear.bias = self.bias
        return linear.requires_grad_(False)


def pack_model(
    model: nn.Module, targets: tuple[str, ...] | str, twice: bool = False, library: bool = False
) -> list[str]:
    """Replace linear layers by ones of four bits, in place, before adapters are injected.

    The fingerprint of the base is taken first, so an adapter trained on the packed model belongs to
    the model as it was.

    Args:
        model: without adapters.
        targets: as an adapter's.
        twice: quantize the scales, too.
        library: use bitsandbytes, whose kernels take the packed weight on the way forward (back,
            it is unpacked); that pays on a GPU.

    Returns:
        The paths of the packed layers.

    Raises:
        ValueError: no target, one that is no plain linear layer, or no bitsandbytes.
    """
    for path, module in find_targets(model, targets).items():
        if type(module) is not nn.Linear:
            raise ValueError(
                f"{path!r} is a {type(module).__name__}; only plain nn.Linear layers are packed, "
                "and before adapters are injected"
            )
    base = fingerprint(model)
    made = library_linear if library else FourBitLinear
    paths = replace_layers(model, targets, lambda layer: made(layer, twice))  # type: ignore[arg-type]
    model.base_fingerprint = base  # type: ignore[assignment]
    return paths


def unpack(model: nn.Module) -> nn.Module:
    """Bring every packed layer of a model back to full numbers, in place; adapters stay."""
    for path, module in list(model.named_modules()):
        if isinstance(module, FourBitLinear):
            put(model, path, module.unpacked())
        elif type(module).__name__ == "Linear4bit":
            put(model, path, library_unpacked(module))
    return model


def library_linear(linear: nn.Linear, twice: bool = True) -> nn.Module:
    """The same layer as bitsandbytes holds it: packed when it is moved to a GPU.

    Raises:
        ValueError: bitsandbytes is not installed.
    """
    try:
        import bitsandbytes as bnb
    except ImportError:
        raise ValueError(
            "bitsandbytes is not installed: `pip install bitsandbytes`, or pack with library=False"
        ) from None
    dtype = linear.weight.dtype
    layer = bnb.nn.Linear4bit(
        linear.in_features,
        linear.out_features,
        bias=linear.bias is not None,
        compute_dtype=dtype,
        compress_statistics=twice,
        quant_type="nf4",
    )
    layer.weight = bnb.nn.Params4bit(
        linear.weight.detach(), requires_grad=False, quant_type="nf4", compress_statistics=twice
    )
    layer.bias = linear.bias
    return layer.to(linear.weight.device).requires_grad_(False)


def library_unpacked(layer: Any) -> nn.Linear:
    """A plain frozen layer with the numbers that bitsandbytes has packed."""
    from bitsandbytes.functional import dequantize_4bit

    weight = dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    linear = nn.utils.skip_init(nn.Linear, layer.in_features, layer.out_features, bias=False)
    linear.weight.data, linear.bias = weight, layer.bias
    return linear.requires_grad_(False)
