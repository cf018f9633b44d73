"""Real pictures in the course's conventions, and what happens to pictures that are odd."""

import random
import re
import socket
import struct
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from mmcourse import datasets, pictures
from mmcourse.datasets import (
    CIFAR10_CLASSES,
    FASHION_CLASSES,
    PHOTOGRAPHS,
    LabelledPictures,
    cifar10,
    class_caption,
    fashion_mnist,
    folder,
    load_picture,
    photographs,
    to_image,
    to_tensor,
)

RED, BLUE = (200, 30, 20), (10, 40, 220)


def two_halves(width=8, height=6, mode="RGB"):
    """The left half red, the right half blue."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image.quantize() if mode == "P" else image.convert(mode)


def refusal(error_type, pattern, function, *arguments, **keywords):
    """The one-line error of a call; the message matches the pattern."""
    with pytest.raises(error_type, match=pattern) as error:
        function(*arguments, **keywords)
    assert "\n" not in str(error.value)
    return str(error.value)


# Tensors and pictures


def test_every_byte_comes_back():
    array = np.arange(256, dtype=np.uint8).reshape(16, 16)
    rgb = np.stack([array, array.T, 255 - array], axis=2)
    picture = to_tensor(rgb)
    assert picture.dtype == torch.float32
    assert picture.shape == (3, 16, 16)
    assert picture.min() == -1
    assert picture.max() == 1
    assert np.array_equal(np.asarray(to_image(picture)), rgb)


def test_channels_come_first_and_rows_before_columns():
    picture = to_tensor(two_halves(8, 6))
    assert picture.shape == (3, 6, 8)
    expected = torch.tensor(RED) / 127.5 - 1
    assert torch.equal(picture[:, 5, 0], expected)
    assert torch.equal(picture[:, 0, 7], torch.tensor(BLUE) / 127.5 - 1)


@settings(deadline=None)
@given(st.floats(-1, 1, width=32))
def test_values_are_rounded_not_cut(value):
    byte = np.asarray(to_image(torch.full((3, 1, 1), value)))[0, 0, 0]
    assert abs(byte / 127.5 - 1 - value) <= 0.5 / 127.5 + 1e-6


def test_values_out_of_range_are_clipped_and_grey_becomes_rgb():
    image = to_image(torch.tensor([[[-3.0, 3.0]]], requires_grad=True))
    assert image.mode == "RGB"
    assert np.asarray(image).tolist() == [[[0, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize("shape", [(1, 3, 4, 4), (4, 4), (2, 4, 4), (3, 0, 4)])
def test_what_is_not_one_picture_is_refused(shape):
    refusal(ValueError, r"shape .*expected \(3, H, W\)", to_image, torch.zeros(shape))


def test_a_picture_with_nan_is_refused():
    refusal(ValueError, "NaN", to_image, torch.full((3, 2, 2), float("nan")))


# Pictures of every kind


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "gif", "bmp", "tiff", "ppm"])
def test_every_format_is_read(tmp_path, extension):
    path = tmp_path / f"picture.{extension}"
    two_halves(16, 16).save(path)
    image = load_picture(path)
    assert image.mode == "RGB"
    assert image.size == (16, 16)
    assert np.abs(np.asarray(image)[3, 3].astype(int) - RED).max() < 16


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK", "YCbCr", "RGBA", "RGBX"])
def test_every_type_of_pixel_with_colours_becomes_rgb(mode):
    image = load_picture(two_halves(mode=mode))
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image)[0, 0].astype(int) - RED).max() < 3


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_grey_pictures_become_rgb(mode):
    pixels = np.asarray(load_picture(Image.new("L", (3, 3), 255).convert(mode)))
    assert pixels.shape == (3, 3, 3)
    assert (pixels == 255).all()


@pytest.mark.parametrize("extension", ["png", "tiff"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path, extension):
    path = tmp_path / f"deep.{extension}"
    Image.fromarray(np.array([[0, 257, 32768, 65535]], dtype=np.uint16)).save(path)
    assert np.asarray(load_picture(path))[0, :, 0].tolist() == [0, 1, 128, 255]


def test_thirty_two_bit_integers_count_as_sixteen():
    image = Image.fromarray(np.array([[0, 65535, 100_000, -5]], dtype=np.int32))
    assert np.asarray(load_picture(image))[0, :, 0].tolist() == [0, 255, 255, 0]


@pytest.mark.parametrize("mode", ["F", "LAB", "HSV"])
def test_pixels_without_plain_colours_are_refused(mode):
    refusal(ValueError, f"pixels of type '{mode}'", load_picture, Image.new(mode, (2, 2)))


def test_transparency_is_laid_over_white(tmp_path):
    clear = Image.new("RGBA", (2, 2), (*RED, 0))
    half = Image.new("RGBA", (2, 2), (0, 0, 0, 128))
    assert np.asarray(load_picture(clear))[0, 0].tolist() == [255, 255, 255]
    assert np.asarray(load_picture(half))[0, 0].tolist() == [127, 127, 127]
    palette = Image.new("P", (2, 2), 0)
    palette.putpalette([*RED, *BLUE])
    palette.save(tmp_path / "palette.png", transparency=0)
    assert np.asarray(load_picture(tmp_path / "palette.png"))[0, 0].tolist() == [255, 255, 255]
    two_halves().save(tmp_path / "keyed.png", transparency=RED)
    keyed = np.asarray(load_picture(tmp_path / "keyed.png"))
    assert keyed[0, 0].tolist() == [255, 255, 255]
    assert tuple(keyed[0, 7]) == BLUE


def test_a_photograph_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise
    two_halves(8, 6).save(tmp_path / "turned.png", exif=exif)
    image = load_picture(tmp_path / "turned.png")
    assert image.size == (6, 8)
    assert image.getpixel((0, 0)) == RED
    assert image.getpixel((0, 7)) == BLUE
    assert image.getpixel((5, 0)) == RED


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_orientation_is_undone_as_pillow_does(tmp_path, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    noise = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png", exif=exif)
    wanted = ImageOps.exif_transpose(Image.open(tmp_path / "a.png"))
    assert np.array_equal(load_picture(tmp_path / "a.png"), wanted)


def with_a_tag_of_text(orientation):
    """EXIF whose width is a text, as no camera writes it, and with an orientation behind it."""
    tags = [(0x0100, 2, 4, b"six\0"), (0x0112, 3, 1, struct.pack("<H2x", orientation))]
    body = b"".join(struct.pack("<HHI", *tag[:3]) + tag[3] for tag in tags)
    tiff = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + body + bytes(4)
    return b"Exif\0\0" + tiff


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("garbage.png", {"exif": b"Exif\0\0garbage"}),
        ("garbage.jpg", {"exif": b"Exif\0\0garbage"}),
        ("garbage.webp", {"exif": b"Exif\0\0garbage"}),
        ("text.jpg", {"exif": with_a_tag_of_text(1)}),
        ("beyond.png", {"exif": with_a_tag_of_text(99)}),
        ("profile.png", {"icc_profile": b"junk" * 100}),
        ("profile.jpg", {"icc_profile": b"junk" * 100}),
    ],
)
def test_metadata_do_not_decide_whether_a_picture_is_read(tmp_path, name, more):
    two_halves().save(tmp_path / name, **more)
    assert load_picture(tmp_path / name).size == (8, 6)


def test_an_orientation_is_used_beside_metadata_that_are_damaged(tmp_path):
    two_halves().save(tmp_path / "a.jpg", exif=with_a_tag_of_text(6))
    assert load_picture(tmp_path / "a.jpg").size == (6, 8)


@pytest.mark.parametrize("load", [datasets.cifar10, datasets.fashion_mnist])
def test_where_nobody_has_a_home_a_named_folder_is_looked_into(tmp_path, monkeypatch, load):
    monkeypatch.delenv("MMCOURSE_CIFAR10", raising=False)

    def nobody(self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.expanduser", lambda self: nobody(self))
    monkeypatch.setattr("pathlib.Path.home", classmethod(nobody))
    refusal(ValueError, "whose home that is", load)
    monkeypatch.setattr("pathlib.Path.expanduser", lambda self: self)
    refusal(ValueError, f"not there or damaged in {tmp_path}", load, root=tmp_path)


def test_a_square_is_cut_from_the_middle():
    wide = Image.new("RGB", (30, 10), BLUE)
    wide.paste(RED, (10, 0, 20, 10))
    assert np.asarray(load_picture(wide, 10)).reshape(-1, 3).tolist() == [list(RED)] * 100
    assert to_tensor(wide, 5).shape == (3, 5, 5)
    assert load_picture(Image.new("RGB", (1, 500)), 4).size == (4, 4)


def test_the_first_frame_of_an_animation_is_taken(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, BLUE)]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    assert load_picture(tmp_path / "two.gif").getpixel((0, 0)) == RED


def test_the_callers_picture_is_not_changed():
    image = two_halves(mode="P")
    before = image.tobytes()
    load_picture(image, 4)
    assert image.mode == "P"
    assert image.tobytes() == before


# Pictures that cannot be used


@pytest.mark.parametrize("size", [0, -3])
def test_a_size_below_one_is_refused(size):
    refusal(ValueError, f"size is {size}", load_picture, two_halves(), size)


def test_a_picture_without_pixels_is_refused():
    refusal(ValueError, "no pixels: it is 0 x 4", load_picture, Image.new("RGB", (0, 4)))
    refusal(ValueError, "no pixels", load_picture, np.zeros((0, 4, 3), np.uint8))


@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8)],
)
def test_arrays_of_other_types_or_shapes_are_refused(array):
    refusal(ValueError, "expected uint8", to_tensor, array)


@pytest.mark.parametrize("thing", [None, 3, b"bytes", [1, 2]])
def test_what_is_no_picture_is_refused(thing):
    refusal(ValueError, "expected a file name, a PIL picture", load_picture, thing)


def test_a_format_that_starts_other_programs_is_not_read(tmp_path):
    two_halves().save(tmp_path / "script.eps")
    (tmp_path / "script.eps").rename(tmp_path / "innocent.png")
    refusal(ValueError, "is not a picture", load_picture, tmp_path / "innocent.png")


def test_a_file_that_is_no_picture_is_named(tmp_path):
    refusal(ValueError, "there is no picture file", load_picture, tmp_path / "none.png")
    refusal(ValueError, "there is no picture file", load_picture, tmp_path)
    for content in (b"", b"hello", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n"):
        (tmp_path / "text.png").write_bytes(content)
        refusal(ValueError, r"text\.png is not a picture", load_picture, tmp_path / "text.png")


def png_that_claims(width, height):
    """A few bytes of PNG whose header says that it is of the given size."""

    def chunk(kind, data):
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100)
    magic = b"\x89PNG\r\n\x1a\n"
    return magic + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [8001, 12_000, 30_000, 60_000])
def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_that_claims(side, side))
    message = refusal(ValueError, r"bomb\.png is too large", load_picture, path, 64)
    assert "at most 64 million pixels" in message


def test_a_huge_picture_in_memory_is_refused(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 10)
    refusal(ValueError, "too large: 8 x 6", load_picture, two_halves())


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "gif", "bmp", "tiff", "ppm"])
def test_a_damaged_file_gives_a_picture_or_one_line_that_names_it(tmp_path, extension):
    path = tmp_path / f"picture.{extension}"
    noise = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    random.seed(0)
    refused = 0
    for _ in range(60):
        place = random.randrange(min(len(whole), 400))
        flipped = whole[:place] + bytes([random.randrange(256)]) + whole[place + 1 :]
        for content in (flipped, whole[:place]):
            path.write_bytes(content)
            try:
                message = ""
                assert load_picture(path, 8).size == (8, 8)
            except ValueError as error:
                message = str(error)
            refused += bool(message)
            assert not message or path.name in message
            assert "\n" not in message
    assert refused >= 40


# Folders


def test_a_folder_is_read_in_the_order_of_its_paths(tmp_path):
    for name in ["b.png", "a/z.JPG", "a/b/c.webp", "a.png"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        two_halves().save(tmp_path / name)
    for name in [".hidden.png", "notes.txt", "._a.png"]:
        (tmp_path / name).write_bytes(b"not a picture")
    (tmp_path / ".thumbs").mkdir()
    two_halves().save(tmp_path / ".thumbs" / "a.png")
    found = folder(tmp_path, size=5)
    names = [path.relative_to(tmp_path).as_posix() for path in found.paths]
    assert names == ["a.png", "a/b/c.webp", "a/z.JPG", "b.png"]
    assert len(found) == 4
    batch = torch.stack(list(found))
    assert batch.shape == (4, 3, 5, 5)
    assert batch.dtype == torch.float32


def test_a_damaged_picture_of_a_folder_is_named_and_the_others_are_read(tmp_path):
    for name in "abc":
        two_halves().save(tmp_path / f"{name}.png")
    whole = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[:60])
    found = folder(tmp_path, size=4)
    assert found[0].shape == found[2].shape == (3, 4, 4)
    refusal(ValueError, r"b\.png is damaged", found.__getitem__, 1)


def test_a_folder_without_pictures_or_that_is_none_is_refused(tmp_path):
    refusal(ValueError, "no pictures in", folder, tmp_path)
    refusal(ValueError, "there is no folder", folder, tmp_path / "none")


@pytest.mark.parametrize("index", [-1, 1])
def test_an_index_out_of_a_folders_range_is_refused(tmp_path, index):
    two_halves().save(tmp_path / "a.png")
    refusal(IndexError, f"index {index}, expected 0 to 0", folder(tmp_path).__getitem__, index)


# CIFAR-10 and Fashion-MNIST


def arrays(train=20, test=6):
    generator = np.random.default_rng(0)
    result = {}
    for split, n in (("train", train), ("test", test)):
        result[f"{split}_images"] = generator.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
        result[f"{split}_labels"] = np.arange(n, dtype=np.uint8) % 10
    return result


@pytest.fixture(autouse=True)
def no_data_of_the_machine(monkeypatch, tmp_path):
    monkeypatch.delenv("MMCOURSE_CIFAR10", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def npz(tmp_path):
    np.savez(tmp_path / "cifar.npz", **arrays())
    return tmp_path / "cifar.npz"


def test_cifar10_comes_from_an_npz(npz):
    data = cifar10("test", npz=npz)
    assert len(data) == 6
    assert data.class_names == CIFAR10_CLASSES
    picture, label = data[3]
    assert label == 3
    assert picture.dtype == torch.float32
    assert np.array_equal(np.asarray(to_image(picture)), arrays()["test_images"][3])
    assert len(cifar10("train", npz=npz)) == 20


def test_cifar10_comes_from_the_file_that_the_environment_names(npz, monkeypatch):
    monkeypatch.setenv("MMCOURSE_CIFAR10", str(npz))
    assert len(cifar10("test")) == 6


def test_a_batch_is_its_pictures_and_a_dataloader_works(npz):
    data = cifar10("train", npz=npz)
    batch, labels = data.batch([4, 0, 4])
    assert batch.shape == (3, 3, 32, 32)
    assert labels.tolist() == [4, 0, 4]
    assert torch.equal(batch[0], data[4][0])
    loaded, labels = next(iter(torch.utils.data.DataLoader(data, batch_size=5)))
    assert torch.equal(loaded, data.batch(range(5))[0])
    assert labels.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("size", [8, 64])
def test_pictures_are_resized_within_their_range(npz, size):
    data = cifar10("train", npz=npz, size=size)
    batch, _ = data.batch(torch.arange(20))
    assert batch.shape == (20, 3, size, size)
    assert batch.min() >= -1
    assert batch.max() <= 1
    native, _ = cifar10("train", npz=npz).batch(torch.arange(20))
    assert (batch.mean((2, 3)) - native.mean((2, 3))).abs().max() < 0.02


@pytest.mark.parametrize("index", [-1, 6, 10**12])
def test_an_index_out_of_range_is_refused(npz, index):
    data = cifar10("test", npz=npz)
    refusal(IndexError, f"index {index}, expected 0 to 5", data.__getitem__, index)
    refusal(IndexError, f"index {index}, expected 0 to 5", data.batch, [0, index])


@pytest.mark.parametrize("function", [cifar10, fashion_mnist])
def test_missing_data_say_how_to_get_them(function):
    message = refusal(ValueError, "download=True", function, "train")
    assert ".cache" in message
    refusal(ValueError, "split is 'val', expected 'train' or 'test'", function, "val")


@pytest.fixture
def asked(monkeypatch):
    """The addresses that were asked for; none of them answers."""
    import urllib.request

    addresses = []

    def unreachable(request, *arguments, **keywords):
        addresses.append(getattr(request, "full_url", request))
        raise OSError("no\nnetwork")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    return addresses


@pytest.mark.parametrize("function", [cifar10, fashion_mnist])
def test_a_download_that_fails_is_said_in_one_line(function, asked):
    refusal(ValueError, "could not be downloaded", function, "train", download=True)
    assert asked


@pytest.mark.parametrize("function", [cifar10, fashion_mnist])
def test_nothing_is_downloaded_unasked(function, asked):
    refusal(ValueError, "is not there", function)
    assert not asked


def test_a_missing_or_damaged_npz_is_named(npz, tmp_path):
    refusal(ValueError, "there is no CIFAR-10 file", cifar10, npz=tmp_path / "none.npz")
    whole = npz.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for content in (b"", b"text", whole[:middle], flipped):
        npz.write_bytes(content)
        refusal(ValueError, r"cifar\.npz is damaged", cifar10, npz=npz)


@pytest.mark.parametrize(
    "change",
    [
        {"train_images": np.zeros((20, 32, 32, 3))},
        {"train_images": np.zeros((20, 3, 32, 32), np.uint8)},
        {"train_images": np.zeros((19, 32, 32, 3), np.uint8)},
        {"train_images": np.zeros((0, 32, 32, 3), np.uint8), "train_labels": np.zeros(0)},
        {"train_labels": np.full(20, 10)},
        {"train_labels": np.full(20, 0.5)},
    ],
)
def test_an_npz_of_other_arrays_is_refused(tmp_path, change):
    np.savez(tmp_path / "cifar.npz", **{**arrays(), **change})
    refusal(ValueError, "expected uint8", cifar10, npz=tmp_path / "cifar.npz")


def test_an_npz_that_would_run_code_is_refused(tmp_path):
    np.savez(tmp_path / "cifar.npz", train_images=np.array([{}]), train_labels=np.zeros(1))
    refusal(ValueError, "is damaged", cifar10, npz=tmp_path / "cifar.npz")


def test_cifar10_and_fashion_mnist_come_from_torchvisions_files(tmp_path, monkeypatch):
    """The files that torchvision reads are made here, since nothing is downloaded in a test."""
    import pickle

    from torchvision.datasets import CIFAR10, cifar

    monkeypatch.setattr(cifar, "check_integrity", lambda path, md5: True)
    monkeypatch.setattr(CIFAR10, "train_list", [["data_batch_1", ""]])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", ""]])
    batches = tmp_path / "cifar-10-batches-py"
    batches.mkdir()
    for split, name in (("train", "data_batch_1"), ("test", "test_batch")):
        flat = arrays()[f"{split}_images"].transpose(0, 3, 1, 2)
        content = {
            "data": flat.reshape(len(flat), -1),
            "labels": [int(label) for label in arrays()[f"{split}_labels"]],
        }
        (batches / name).write_bytes(pickle.dumps(content))
    (batches / "batches.meta").write_bytes(pickle.dumps({"label_names": list(CIFAR10_CLASSES)}))
    for split, length in (("train", 20), ("test", 6)):
        data = cifar10(split, root=tmp_path)
        assert len(data) == length
        assert np.array_equal(np.asarray(to_image(data[4][0])), arrays()[f"{split}_images"][4])
        assert data[4][1] == 4
    monkeypatch.setenv("MMCOURSE_CIFAR10", str(tmp_path))  # a folder, as well as a file
    assert len(cifar10("test")) == 6

    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    grey = np.random.default_rng(1).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    for prefix in ("train", "t10k"):
        images = struct.pack(">IIII", 0x803, 5, 28, 28) + grey.tobytes()
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(images)
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(
            struct.pack(">II", 0x801, 5) + b"\0\1\2\3\4"
        )
    data = fashion_mnist("test", root=tmp_path)
    picture, label = data[2]
    assert picture.shape == (3, 28, 28)
    assert np.array_equal(np.asarray(to_image(picture))[:, :, 1], grey[2])
    assert data.class_names[label] == "pullover"
    assert fashion_mnist("train", root=tmp_path, size=32)[0][0].shape == (3, 32, 32)
    (raw / "train-images-idx3-ubyte").write_bytes(images[:100])
    refusal(ValueError, "not there or damaged", fashion_mnist, "train", root=tmp_path)


# Captions and photographs


def test_captions_name_the_class_with_its_article():
    for names in (CIFAR10_CLASSES, FASHION_CLASSES):
        for label, name in enumerate(names):
            captions = {class_caption(label, index, names) for index in range(20)}
            assert len(captions) == len(datasets.CAPTION_TEMPLATES)
            for caption in captions:
                article = "an" if re.match("[aeiou]", name) else "a"
                assert f"{article} {name}" in caption
    assert class_caption(0) == "a photo of an airplane"


@pytest.mark.parametrize("label", [-1, 10])
def test_a_label_out_of_range_is_refused(label):
    refusal(ValueError, f"label is {label}, expected 0 to 9", class_caption, label)


def test_the_photographs_are_there_without_a_download(monkeypatch):
    def no_network(*arguments):
        raise AssertionError("a photograph was to be downloaded")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    found = photographs(32)
    assert found.keys() == PHOTOGRAPHS.keys()
    for picture in found.values():
        assert picture.shape == (3, 32, 32)
        assert picture.std() > 0.1
    assert photographs()["cat"].shape == (3, 300, 451)


def test_every_photograph_has_a_caption_and_a_credit():
    for photograph in PHOTOGRAPHS.values():
        assert photograph.caption
        assert re.search("public domain|CC0|CC BY|no known restrictions", photograph.credit)


def test_missing_libraries_are_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "skimage.data", None)
    refusal(ValueError, r"skimage.* is not installed: pip install", photographs)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    refusal(ValueError, "torchvision is not installed", fashion_mnist)


def test_labelled_pictures_keep_bytes():
    data = LabelledPictures(torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.arange(4), "abcd")
    assert data.pixels.dtype == torch.uint8
    assert data.size == 8
    assert torch.equal(data[0][0], torch.full((3, 8, 8), -1.0))


def test_size_is_what_every_reader_sees(npz):
    from mmcourse.joint.real import build_for_classes, class_pairs

    data = cifar10("test", npz=npz, size=16)
    assert data.resized().shape == (6, 3, 16, 16)
    assert torch.equal(data.resized(), pictures.to_bytes(data.batch(range(6))[0]))
    assert build_for_classes(data).image_tower.size == 16
    assert class_pairs(data).pictures.shape == (6, 16, 16, 3)
    with pytest.raises(ValueError, match="size is 0"):
        cifar10("test", npz=npz, size=0)
