"""Times and places as vectors equal diffusers', and keep their digits under autocast."""

import pytest
import torch

from mmcourse.nn import TimestepEmbedding, sincos_positions, timestep_embedding

TIMES = torch.tensor([0.0, 0.25, 1, 17.5, 500, 999, 1000])


@pytest.mark.parametrize("dim", [2, 64, 256])
def test_times_equal_diffusers(dim):
    from diffusers.models.embeddings import get_timestep_embedding

    theirs = get_timestep_embedding(TIMES, dim, flip_sin_to_cos=True, downscale_freq_shift=0)
    torch.testing.assert_close(timestep_embedding(TIMES, dim), theirs, rtol=0, atol=1e-6)


def test_the_module_equals_diffusers_with_the_same_weights():
    from diffusers.models import embeddings

    torch.manual_seed(0)
    ours = TimestepEmbedding(24, waves=32)
    theirs = embeddings.TimestepEmbedding(32, 24)
    with torch.no_grad():
        for layer, source in ((theirs.linear_1, ours.mlp[0]), (theirs.linear_2, ours.mlp[2])):
            layer.load_state_dict(source.state_dict())
    waves = embeddings.Timesteps(32, flip_sin_to_cos=True, downscale_freq_shift=0)
    torch.testing.assert_close(ours(TIMES), theirs(waves(TIMES)), rtol=0, atol=1e-6)


def test_neighbouring_times_differ_under_autocast_as_they_do_without():
    torch.manual_seed(0)
    module, times = TimestepEmbedding(16), torch.tensor([998.0, 999.0, 1000.0])
    alone = module(times)
    with torch.autocast("cpu", torch.bfloat16):
        found = module(times)
    assert found.dtype == torch.float32
    assert torch.equal(found, alone)
    assert torch.pdist(found).min() > 0.01


def test_whole_times_may_be_integers_and_half_precision_is_refused():
    assert torch.equal(
        timestep_embedding(torch.tensor([3, 999]), 8),
        timestep_embedding(torch.tensor([3.0, 999.0]), 8),
    )
    for dtype in (torch.bfloat16, torch.float16):
        with pytest.raises(ValueError, match="keep times in float32"):
            timestep_embedding(TIMES.to(dtype), 8)
    with pytest.raises(ValueError, match="dim is 7"):
        timestep_embedding(TIMES, 7)


def test_times_of_flow_matching_need_their_thousand():
    """The cosine of 0.1 and 0.9 is nearly 1 as they are, and far from it after scaling."""
    t = torch.tensor([0.1, 0.9])
    raw, scaled = timestep_embedding(t, 256), timestep_embedding(1000 * t, 256)
    assert torch.cosine_similarity(raw[0], raw[1], dim=0) > 0.97
    assert torch.cosine_similarity(scaled[0], scaled[1], dim=0) < 0.8


@pytest.mark.parametrize(("height", "width"), [(4, 4), (3, 5)])
def test_places_equal_diffusers(height, width):
    from diffusers.models import embeddings

    places = torch.stack(
        [torch.arange(width).repeat(height), torch.arange(height).repeat_interleave(width)]
    )
    theirs = embeddings.get_2d_sincos_pos_embed_from_grid(16, places, output_type="pt")
    ours = sincos_positions(height, width, 16)
    torch.testing.assert_close(ours, theirs.float(), rtol=0, atol=1e-6)
    if height == width:
        whole = embeddings.get_2d_sincos_pos_embed(16, height, base_size=height, output_type="pt")
        torch.testing.assert_close(ours, whole.float(), rtol=0, atol=1e-6)


def test_the_first_half_tells_the_column_and_the_second_the_row():
    table = sincos_positions(3, 5, 16).view(3, 5, 16)
    column, row = table.chunk(2, -1)
    assert torch.equal(column, column[:1].expand_as(column))
    assert torch.equal(row, row[:, :1].expand_as(row))
    with pytest.raises(ValueError, match="dim is 6"):
        sincos_positions(2, 2, 6)
