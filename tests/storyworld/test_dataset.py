"""Pictures and captions as tensors, in the course's conventions."""

import numpy as np
import pytest
import torch
from PIL import Image

from mmcourse.storyworld import (
    StoryWorld,
    caption,
    from_bytes,
    render,
    render_bytes,
    sample_scene,
    to_pixels,
)


def test_an_item_is_a_picture_a_caption_and_its_scene():
    data = StoryWorld("val", 5, size=32, seed=2)
    item = data[3]
    assert set(item) == {"pixels", "caption", "scene"}
    assert item["scene"] == sample_scene("val", 3, seed=2) == data.scene(3)
    assert item["caption"] == caption(item["scene"])
    pixels = item["pixels"]
    assert (pixels.shape, pixels.dtype) == ((3, 32, 32), torch.float32)
    assert -1 <= pixels.min() < -0.3
    assert 0.3 < pixels.max() <= 1
    assert torch.equal(pixels, data[3]["pixels"])


def test_channels_are_red_green_blue_and_rows_run_down():
    picture = Image.new("RGB", (4, 2), (255, 0, 0))
    picture.putpixel((3, 0), (0, 0, 255))
    pixels = to_pixels([picture])
    assert pixels.shape == (1, 3, 2, 4)
    assert pixels[0, :, 1, 0].tolist() == [1, -1, -1]
    assert pixels[0, :, 0, 3].tolist() == [-1, -1, 1]


def test_bytes_map_onto_minus_one_to_one_and_back():
    grey = torch.arange(256, dtype=torch.uint8)
    pixels = from_bytes(grey[:, None, None, None].expand(256, 2, 5, 3))
    assert pixels.shape == (256, 3, 2, 5)
    assert pixels.dtype == torch.float32
    values = pixels[:, 0, 0, 0]
    assert values[0] == -1
    assert values[255] == 1
    torch.testing.assert_close(values, grey.float() * 2 / 255 - 1, rtol=0, atol=1e-6)
    assert torch.equal(((values + 1) * 127.5).round().to(torch.uint8), grey)
    assert torch.equal(grey, torch.arange(256, dtype=torch.uint8))  # not changed in place


def test_the_three_ways_to_pixels_agree():
    data = StoryWorld("train", 4, size=48)
    scenes = [data.scene(i) for i in range(4)]
    drawn = render_bytes(scenes, 48)
    assert (drawn.shape, drawn.dtype) == ((4, 48, 48, 3), torch.uint8)
    assert np.array_equal(drawn[2], np.asarray(render(scenes[2], 48)))
    pixels = from_bytes(drawn)
    assert torch.equal(pixels, to_pixels([render(s, 48) for s in scenes]))
    assert torch.equal(pixels, torch.stack([data[i]["pixels"] for i in range(4)]))


@pytest.mark.parametrize("mode", ["RGBA", "L", "P"])
def test_a_picture_that_is_not_rgb_is_refused(mode):
    with pytest.raises(ValueError, match=f"must be RGB, got {mode}"):
        to_pixels([Image.new("RGB", (8, 8)), Image.new(mode, (8, 8))])


def test_partial_captions_are_other_captions():
    complete, partial = StoryWorld("test", 30, 16), StoryWorld("test", 30, 16, complete=False)
    longer = [len(complete[i]["caption"]) > len(partial[i]["caption"]) for i in range(30)]
    assert sum(longer) > 20


@pytest.mark.parametrize("index", [-1, 5, 10**9])
def test_an_index_out_of_range_is_an_index_error(index):
    data = StoryWorld("train", 5, 16)
    with pytest.raises(IndexError, match=f"{index} is out of range.*5 scenes"):
        data[index]


def test_it_ends_where_it_should():
    data = StoryWorld("train", 3, 16)
    assert len(data) == 3
    assert len(list(data)) == 3


def test_an_unknown_split_is_refused_at_once():
    with pytest.raises(ValueError, match="split 'dev' does not exist"):
        StoryWorld("dev", 3)


def test_loading_in_worker_processes_gives_the_same_batches():
    data = StoryWorld("train", 6, 16)
    loader = torch.utils.data.DataLoader(data, 4, num_workers=1, collate_fn=data.collate)
    batches = list(loader)
    assert [tuple(b["pixels"].shape) for b in batches] == [(4, 3, 16, 16), (2, 3, 16, 16)]
    items = [data[i] for i in range(6)]
    loaded = torch.cat([b["pixels"] for b in batches])
    assert torch.equal(loaded, torch.stack([item["pixels"] for item in items]))
    for key in ("caption", "scene"):
        assert [x for b in batches for x in b[key]] == [item[key] for item in items]
