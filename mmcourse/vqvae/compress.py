"""Pictures as files: codes, each in as many bits as the prior is surprised by it."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn

from mmcourse.training import evaluating
from mmcourse.vqvae.autoencoder import VQVAE
from mmcourse.vqvae.batches import BATCH, decode_pictures, encode_pictures
from mmcourse.vqvae.prior import CodePrior

MAGIC = b"MMVQ1"
HEADER = struct.Struct("<5s8sIHHI")
"""Magic, models, pictures, height and width of a grid, checksum of the codes: 25 bytes."""


def fingerprint(*models: nn.Module) -> bytes:
    """Eight bytes that change with any weight."""
    digest = hashlib.sha256()
    for model in models:
        for name, value in sorted(model.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.digest()[:8]


@torch.no_grad()
def each_cell(prior: CodePrior, n: int, choose: Callable[[int, np.ndarray], np.ndarray]) -> None:
    """Go through the cells of n grids: `choose` is told the cell's number and the probabilities
    (n, K) of its codes, and says which codes (n,) stand there.

    Writer and reader go through the same calls with the same shapes. Where they did not, the last
    digit of a probability would differ, and everything after it would be read wrongly.
    """
    shared, device = prior.shared, prior.tokens.weight.device
    tokens = torch.full((n, 1), shared.picture, device=device)
    cache = None
    with evaluating(prior):
        for cell in range(shared.cells):
            logits, cache = prior.step(tokens, torch.full_like(tokens, cell), cache)
            codes = choose(cell, prior.code_logits(logits[:, -1]).float().softmax(-1).cpu().numpy())
            tokens = torch.from_numpy(codes.astype(np.int64))[:, None].to(device) + shared.words


def compress(model: VQVAE, prior: CodePrior, pictures: Tensor) -> bytes:
    """uint8 pictures (N, H, W, 3) to the content of a file.

    The codes are written by range coding (Martin, 1979) with the prior's probabilities, as the
    library constriction does it. The file is read on the same kind of machine: another might
    compute other last digits, which the checksum finds.

    Raises:
        ValueError: pictures of another type, or of another size than the prior's; constriction is
            not installed.
    """
    coding = _constriction()
    if pictures.dtype != torch.uint8 or pictures.ndim != 4 or pictures.shape[-1] != 3:
        raise ValueError(
            f"pictures must be uint8 (N, H, W, 3), got {pictures.dtype} {tuple(pictures.shape)}"
        )
    codes = encode_pictures(model, pictures)
    height, width = codes.shape[1:]
    if height * width != prior.shared.cells:
        raise ValueError(
            f"the prior knows grids of {prior.shared.cells} codes; pictures of "
            f"{tuple(pictures.shape[1:3])} have {height} x {width}"
        )
    flat = codes.flatten(1).numpy().astype(np.int32)  # (N, cells)
    encoder, kind = coding.queue.RangeEncoder(), coding.model.Categorical(perfect=False)
    for part in np.split(flat, range(BATCH, len(flat), BATCH)):

        def write(cell: int, chances: np.ndarray, part: np.ndarray = part) -> np.ndarray:
            encoder.encode(np.ascontiguousarray(part[:, cell]), kind, chances)
            return part[:, cell]

        each_cell(prior, len(part), write)
    checksum = zlib.crc32(flat.tobytes())
    head = HEADER.pack(MAGIC, fingerprint(model, prior), len(flat), height, width, checksum)
    return head + encoder.get_compressed().astype("<u4").tobytes()


def decompress(model: VQVAE, prior: CodePrior, data: bytes) -> Tensor:
    """The content of a file to its pictures, uint8 (N, H, W, 3).

    Raises:
        ValueError: no such file, one that was written with other weights, or one that is damaged or
            cut short.
    """
    coding = _constriction()
    if len(data) < HEADER.size or data[: len(MAGIC)] != MAGIC:
        raise ValueError("this is no file of codes, or its beginning is missing")
    _, models, n, height, width, checksum = HEADER.unpack_from(data)
    if models != fingerprint(model, prior):
        raise ValueError(
            "the file was written with other weights: only the VQ-VAE and the prior that wrote it "
            "can read it"
        )
    body = data[HEADER.size :]
    words = np.frombuffer(body[: len(body) // 4 * 4], dtype="<u4").astype(np.uint32)
    decoder, kind = coding.queue.RangeDecoder(words), coding.model.Categorical(perfect=False)
    flat = np.zeros((n, height * width), dtype=np.int32)
    for start in range(0, n, BATCH):
        part = flat[start : start + BATCH]

        def read(cell: int, chances: np.ndarray, part: np.ndarray = part) -> np.ndarray:
            try:
                part[:, cell] = decoder.decode(kind, chances)
            except Exception as error:  # the library's own kinds, one for each way to be damaged
                raise _damaged() from error
            return part[:, cell]

        each_cell(prior, len(part), read)
    if zlib.crc32(flat.tobytes()) != checksum:
        raise _damaged()
    codes = torch.from_numpy(flat.astype(np.int64)).unflatten(1, (height, width))
    return decode_pictures(model, codes)


def _damaged() -> ValueError:
    return ValueError(
        "the file is damaged or cut short, or another kind of machine wrote it: its checksum and "
        "what was read differ; get it again"
    )


def _constriction() -> ModuleType:
    try:
        import constriction
    except ModuleNotFoundError:
        raise ValueError("constriction is not installed: pip install 'mmcourse[labs]'") from None
    return constriction.stream


@torch.no_grad()
def bits_each(prior: CodePrior, codes: Tensor, batch_size: int = 32) -> Tensor:
    """How many bits the prior needs for each picture (N,) of codes (N, h, w): what a file would
    take, without writing one."""
    found = []
    device = prior.tokens.weight.device
    with evaluating(prior):
        for part in codes.split(batch_size):
            tokens, places = (x.to(device) for x in prior.shared.of_codes(part))
            logits = prior.code_logits(prior(tokens[:, :-1], places[:, :-1]))
            chosen = logits.log_softmax(-1).gather(-1, part.flatten(1)[..., None].to(device))
            found.append(-chosen[..., 0].sum(1).cpu() / np.log(2))
    return torch.cat(found)
