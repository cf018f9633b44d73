"""Pictures as files of codes: what comes back, how large they are, and what is wrong with them."""

import zlib

import pytest
import torch

from mmcourse.vqvae import VQVAE
from mmcourse.vqvae.compress import HEADER, bits_each, compress, decompress
from mmcourse.vqvae.measure import through
from mmcourse.vqvae.prior import CodePrior

CODES = 32


def models(seed: int = 0) -> tuple[VQVAE, CodePrior]:
    torch.manual_seed(seed)
    model = VQVAE("ema", {"num_codes": CODES, "dim": 4}, width=16, depth=1).eval()
    prior = CodePrior(5, CODES, cells=16, longest=8, dim=16, depth=2, heads=2).eval()
    for p in prior.parameters():
        p.data += 0.2 * torch.randn_like(p)
    return model, prior


def pictures(n: int, seed: int = 0) -> torch.Tensor:
    dice = torch.Generator().manual_seed(seed)
    return torch.randint(256, (n, 16, 16, 3), dtype=torch.uint8, generator=dice)


@pytest.mark.parametrize("n", [1, 3, 64, 70])
def test_what_comes_back_is_the_reconstruction_bit_by_bit(n: int) -> None:
    model, prior = models()
    data = compress(model, prior, pictures(n))
    assert torch.equal(decompress(model, prior, data), through(model, pictures(n))[1])


def test_a_file_is_as_large_as_the_priors_surprise() -> None:
    model, prior = models()
    many = pictures(200)
    codes, _ = through(model, many)
    told = bits_each(prior, codes).sum().item()
    written = 8 * (len(compress(model, prior, many)) - HEADER.size)
    assert told <= written <= 1.005 * told + 64


def test_bits_are_minus_the_logarithm_of_the_probability() -> None:
    _, prior = models()
    with torch.no_grad():
        prior.tokens.weight.zero_()  # every token is as likely as any other
    codes = torch.randint(CODES, (3, 4, 4), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(bits_each(prior, codes), torch.full((3,), 16 * 5.0))


def test_likely_codes_take_fewer_bits() -> None:
    model, prior = models()
    codes, _ = through(model, pictures(8))
    optimiser = torch.optim.Adam(prior.parameters(), lr=1e-2)
    before = len(compress(model, prior, pictures(8)))
    for _ in range(60):
        optimiser.zero_grad()
        prior.loss(*prior.shared.of_codes(codes)).backward()
        optimiser.step()
    data = compress(model, prior, pictures(8))
    assert len(data) - HEADER.size < 0.6 * (before - HEADER.size)
    assert torch.equal(decompress(model, prior, data), through(model, pictures(8))[1])


def test_every_kind_of_damage_is_an_error() -> None:
    model, prior = models()
    data = compress(model, prior, pictures(3))
    for cut in range(len(data) - 4):
        with pytest.raises(ValueError, match=r"cut short|no file of codes"):
            decompress(model, prior, data[:cut])
    for at in range(HEADER.size - 4, len(data) - 4):
        turned = bytearray(data)
        turned[at] ^= 0x41
        with pytest.raises(ValueError, match="damaged"):
            decompress(model, prior, bytes(turned))
    with pytest.raises(ValueError, match="no file of codes"):
        decompress(model, prior, b"PNG" + data[3:])


def test_a_turned_header_is_damage_and_takes_no_memory() -> None:
    model, prior = models()
    data = compress(model, prior, pictures(3))
    for at in range(5, HEADER.size):
        turned = bytearray(data)
        turned[at] ^= 0x41
        with pytest.raises(ValueError, match=r"damaged|other weights"):
            decompress(model, prior, bytes(turned))


@pytest.mark.parametrize(("n", "height", "width"), [(2**31, 4, 4), (3, 65_535, 65_535), (0, 2, 9)])
def test_a_header_that_claims_too_much_is_refused_at_once(n: int, height: int, width: int) -> None:
    """Though its own checksum is right."""
    model, prior = models()
    data = compress(model, prior, pictures(3))
    magic, weights, _, _, _, checksum, _ = HEADER.unpack_from(data)
    head = HEADER.pack(magic, weights, n, height, width, checksum, 0)[:-4]
    forged = head + zlib.crc32(head).to_bytes(4, "little") + data[HEADER.size :]
    with pytest.raises(ValueError, match="damaged"):
        decompress(model, prior, forged)


def test_a_file_is_read_whatever_the_session_is_set_to() -> None:
    model, prior = models()
    data, expected = compress(model, prior, pictures(3)), through(model, pictures(3))[1]
    try:
        with torch.autocast("cpu", torch.bfloat16):
            assert compress(model, prior, pictures(3)) == data
            assert torch.equal(decompress(model, prior, data), expected)
        torch.set_float32_matmul_precision("medium")
        torch.set_default_dtype(torch.float64)
        assert torch.equal(decompress(model, prior, data), expected)
        assert torch.get_default_dtype() == torch.float64  # and is left as it was
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
        torch.set_default_dtype(torch.float32)


def test_a_file_of_other_weights_is_refused() -> None:
    model, prior = models()
    other_model, other_prior = models(seed=1)
    data = compress(model, prior, pictures(2))
    for pair in ((other_model, prior), (model, other_prior)):
        with pytest.raises(ValueError, match="other weights"):
            decompress(*pair, data)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (pictures(1).float(), "uint8"),
        (pictures(1)[0], "uint8"),
        (pictures(1)[:, :8], "2 x 4"),
    ],
)
def test_bad_pictures_are_named(wrong: torch.Tensor, said: str) -> None:
    model, prior = models()
    with pytest.raises(ValueError, match=said):
        compress(model, prior, wrong)
