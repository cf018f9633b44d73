"""Pictures from outside, of every kind that comes."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from mmcourse.story.uploads import MAX_SIDE, read_upload, reencoded

SIDE = 16


def saved(image, format="PNG", **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def corner():
    """Red at the upper left, else blue: 24 x 16."""
    image = Image.new("RGB", (24, 16), "blue")
    image.paste("red", (0, 0, 8, 8))
    return image


def near(pixel, colour, far=40):
    return max(abs(a - b) for a, b in zip(pixel, colour)) <= far


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_is_read_as_rgb(format):
    image = read_upload(saved(corner(), format))
    assert (image.mode, image.size) == ("RGB", (24, 16))
    assert near(image.getpixel((2, 2)), (255, 0, 0), 60)
    assert near(image.getpixel((20, 12)), (0, 0, 255), 60)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_upright(orientation):
    """However the camera was held, red ends where it was: at the upper left."""
    upright = corner()
    back = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
            4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
            6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270}  # fmt: skip
    stored = upright.transpose(back[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = read_upload(saved(stored, exif=exif))
    assert image.tobytes() == upright.tobytes()


def test_broken_metadata_never_decide_whether_pixels_are_read():
    plain = corner()
    assert read_upload(saved(plain, exif=b"Exif\0\0garbage")).tobytes() == plain.tobytes()
    wide = struct.pack("<HHII", 0x0100, 2, 4, int.from_bytes(b"wid\0", "little"))  # width as text
    turn = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + wide + turn + bytes(4)
    turned = read_upload(saved(plain, "JPEG", exif=block))
    assert turned.size == (16, 24)
    for orientation in (0, 9, 77):
        exif = Image.Exif()
        exif[0x0112] = orientation
        assert read_upload(saved(plain, exif=exif)).size == plain.size
    profile = read_upload(saved(plain, icc_profile=b"no profile at all"))
    assert profile.tobytes() == plain.tobytes()
    xmp = saved(plain, "JPEG", xmp=b"<x:xmpmeta <<<<")
    assert read_upload(xmp).size == plain.size


def test_nothing_but_pixels_comes_in():
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "a secret")
    exif = Image.Exif()
    exif[0x010E] = "another secret"
    data = saved(corner(), pnginfo=info, exif=exif) + b"a third secret behind the end"
    image, png = reencoded(data)
    assert image.info == {}
    assert b"secret" not in png
    assert len(image.getexif()) == 0


@pytest.mark.parametrize(
    ("image", "colour"),
    [
        (Image.new("L", (SIDE, SIDE), 128), (128, 128, 128)),
        (Image.new("1", (SIDE, SIDE), 1), (255, 255, 255)),
        (Image.new("P", (SIDE, SIDE), 0), (0, 0, 0)),
        (Image.new("RGBA", (SIDE, SIDE), (255, 0, 0, 0)), (255, 255, 255)),
        (Image.new("RGBA", (SIDE, SIDE), (255, 0, 0, 128)), (255, 127, 127)),
        (Image.new("LA", (SIDE, SIDE), (0, 0)), (255, 255, 255)),
        (Image.fromarray(np.full((SIDE, SIDE), 32768, np.uint16)), (128, 128, 128)),
    ],
)
def test_every_kind_of_png_becomes_rgb_over_white(image, colour):
    assert near(read_upload(saved(image)).getpixel((3, 3)), colour, 2)


def test_print_colours_and_transparent_palettes():
    cyan = Image.new("CMYK", (SIDE, SIDE), (255, 0, 0, 0))
    assert near(read_upload(saved(cyan, "JPEG")).getpixel((3, 3)), (0, 255, 255), 3)
    assert near(read_upload(saved(cyan, "TIFF")).getpixel((3, 3)), (0, 255, 255), 3)
    palette = Image.new("P", (SIDE, SIDE), 0)
    palette.putpalette([255, 0, 0])
    assert read_upload(saved(palette, transparency=0)).getpixel((3, 3)) == (255, 255, 255)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_comes_the_first_frame(format):
    frames = [Image.new("RGB", (SIDE, SIDE), c) for c in ("red", "lime", "blue")]
    data = saved(frames[0], format, save_all=True, append_images=frames[1:])
    assert near(read_upload(data).getpixel((3, 3)), (255, 0, 0), 20)


def a_png(width, height, data=b""):
    """A PNG whose header claims a size, whatever its data hold."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(
            ">I", zlib.crc32(kind + body))  # fmt: skip

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (100_000, 4_000), (7_000, 7_000)])
def test_a_picture_that_claims_too_many_pixels_is_refused_before_it_is_decoded(width, height):
    with pytest.raises(ValueError, match="claims too many pixels; at most 40 million"):
        read_upload(a_png(width, height))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_a_picture_that_is_cut_short_is_refused_in_a_line(format, share):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = saved(Image.fromarray(noise), format)
    with pytest.raises(ValueError, match=r"damaged or cut short|no picture that can be read"):
        read_upload(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
        (b"%PDF-1.4", "no picture"),
        (b"GIF89a", "no picture|damaged"),
        (b"\x89PNG\r\n\x1a\n", "no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture"),
        (bytes(range(256)) * 10, "no picture"),
        (None, "got NoneType"),
        (3, "got int"),
    ],
)
def test_what_is_no_picture_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        read_upload(data)


def test_files_have_limits(tmp_path):
    with pytest.raises(ValueError, match=r"has 0\.0 MB, at most 0 MB"):
        read_upload(saved(corner()), max_bytes=10)
    file = tmp_path / "a.png"
    file.write_bytes(saved(corner()))
    assert read_upload(file).size == (24, 16)
    with pytest.raises(ValueError, match=r"at most 0 MB"):
        read_upload(str(file), max_bytes=10)
    with pytest.raises(ValueError, match=r"there is no picture file 'b.png'"):
        read_upload(tmp_path / "b.png")


def test_large_ones_are_made_smaller_and_tiny_ones_refused():
    assert read_upload(saved(Image.new("RGB", (3000, 1500)))).size == (MAX_SIDE, MAX_SIDE // 2)
    with pytest.raises(ValueError, match="3x3; send at least 8 pixels"):
        read_upload(saved(Image.new("RGB", (3, 3))))
    with pytest.raises(ValueError, match="at least 8 pixels"):
        read_upload(saved(Image.new("RGB", (4000, 1))))


def test_a_picture_in_memory_is_taken_the_same_way():
    assert read_upload(corner().convert("RGBA")).tobytes() == corner().tobytes()
