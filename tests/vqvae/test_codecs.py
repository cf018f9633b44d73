"""Files of many pictures: nothing is lost but what the format loses."""

import io

import pytest
import torch
from PIL import Image

from mmcourse.storyworld import from_bytes
from mmcourse.vqvae import psnr
from mmcourse.vqvae.codecs import sheet, through_file, unsheet
from mmcourse.vqvae.measure import held_out


@pytest.mark.parametrize("n", [1, 6, 16])
def test_a_sheet_is_cut_into_the_same_pictures(n: int) -> None:
    pictures = torch.randint(256, (n, 8, 8, 3), dtype=torch.uint8)
    whole = sheet(pictures)
    assert whole.numel() == pictures.numel()
    assert torch.equal(unsheet(whole, 8), pictures)
    assert torch.equal(whole[:8, :8], pictures[0])


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_more_bytes_are_closer(kind: str) -> None:
    _, pictures = held_out(16)
    sizes, far = [], []
    for quality in (10, 50, 90):
        size, back = through_file(pictures, kind, quality)
        sizes.append(size)
        far.append(psnr(from_bytes(back), from_bytes(pictures)).mean().item())
    assert sizes == sorted(sizes)
    assert far == sorted(far)
    assert far[-1] > 25  # each picture came back in its own place


def test_the_size_is_that_of_the_file(tmp_path) -> None:
    _, pictures = held_out(16)
    size, _ = through_file(pictures, "JPEG", 50)
    file = io.BytesIO()
    whole = Image.fromarray(sheet(pictures).numpy())
    whole.save(file, "JPEG", quality=50, optimize=True, progressive=True)
    assert size == len(file.getvalue())


def test_what_makes_no_sheet_is_named() -> None:
    with pytest.raises(ValueError, match="7 pictures make no sheet"):
        sheet(torch.zeros(7, 8, 8, 3, dtype=torch.uint8))
    with pytest.raises(ValueError, match="uint8"):
        sheet(torch.zeros(4, 8, 8, 3))
    with pytest.raises(ValueError, match="kind is 'GIF'"):
        through_file(torch.zeros(4, 8, 8, 3, dtype=torch.uint8), "GIF", 50)
