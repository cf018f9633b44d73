"""Pictures as files: codes, each in as many bits as the prior is surprised by it."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn

from mmcourse.training import evaluating
from mmcourse.vqvae.autoencoder import VQVAE
from mmcourse.vqvae.batches import BATCH, decode_pictures, encode_pictures
from mmcourse.vqvae.prior import CodePrior

MAGIC = b"MMVQ2"
HEADER = struct.Struct("<5s8sIHHII")
"""Magic, models, pictures, height and width of a grid, checksum of the codes, checksum of all that
came before: 29 bytes."""
LEAST = 2.0**-24
"""Bits, at the least, that a code takes: the coder gives every other code a share of this."""


def fingerprint(*models: nn.Module) -> bytes:
    """Eight bytes that change with any weight."""
    digest = hashlib.sha256()
    for model in models:
        for name, value in sorted(model.state_dict().items()):
            digest.update(name.encode())
            flat = value.detach().cpu().contiguous().flatten()
            digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.digest()[:8]


@contextmanager
def _own_settings() -> Iterator[None]:
    """The same arithmetic whatever the session is set to: writer and reader must agree to the last
    digit."""
    precision, dtype = torch.get_float32_matmul_precision(), torch.get_default_dtype()
    torch.set_float32_matmul_precision("highest")
    torch.set_default_dtype(torch.float32)
    try:
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
        torch.set_default_dtype(dtype)


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


@_own_settings()
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
    fields = MAGIC, fingerprint(model, prior), len(flat), height, width, checksum
    head = HEADER.pack(*fields, 0)[:-4]
    head += zlib.crc32(head).to_bytes(4, "little")
    return head + encoder.get_compressed().astype("<u4").tobytes()


@_own_settings()
def decompress(model: VQVAE, prior: CodePrior, data: bytes) -> Tensor:
    """The content of a file to its pictures, uint8 (N, H, W, 3).

    Raises:
        ValueError: no such file, one that was written with other weights, or one that is damaged or
            cut short.
    """
    coding = _constriction()
    if len(data) < HEADER.size or data[: len(MAGIC)] != MAGIC:
        raise ValueError("this is no file of codes, or its beginning is missing")
    _, models, n, height, width, checksum, of_header = HEADER.unpack_from(data)
    if zlib.crc32(data[: HEADER.size - 4]) != of_header:
        raise _damaged()
    if models != fingerprint(model, prior):
        raise ValueError(
            "the file was written with other weights: only the VQ-VAE and the prior that wrote it "
            "can read it"
        )
    body = data[HEADER.size :]
    cells = prior.shared.cells
    if height * width != cells or n * cells * LEAST > 8 * len(body):
        raise _damaged()  # before anything of such a size is made
    words = np.frombuffer(body[: len(body) // 4 * 4], dtype="<u4").astype(np.uint32)
    decoder, kind = coding.queue.RangeDecoder(words), coding.model.Categorical(perfect=False)
    parts = []  # grown as it is read: what a header says is no reason for memory
    for start in range(0, n, BATCH):
        part = np.zeros((min(BATCH, n - start), cells), dtype=np.int32)
        parts.append(part)

        def read(cell: int, chances: np.ndarray, part: np.ndarray = part) -> np.ndarray:
            try:
                part[:, cell] = decoder.decode(kind, chances)
            except Exception as error:  # the library's own kinds, one for each way to be damaged
                raise _damaged() from error
            return part[:, cell]

        each_cell(prior, len(part), read)
    flat = np.concatenate(parts) if parts else np.zeros((0, cells), np.int32)
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
