"""The page's three networks draw what torch draws."""

import itertools

import numpy as np
import pytest
import torch

from mmcourse.diffusion.generate import Way, starting_noise
from mmcourse.diffusion.samplers import last
from mmcourse.dit.export import dit_parts
from mmcourse.dit.generate import steps_to_pictures
from mmcourse.export import export_parts

from .conftest import awake, small_dit

onnxruntime = pytest.importorskip("onnxruntime")


class Squares(torch.nn.Module):
    """Four channels become three."""

    def __init__(self):
        super().__init__()
        self.decoder = torch.nn.Conv2d(4, 3, 1)


def test_a_picture_drawn_by_the_exported_parts_is_torch_s(reader, tmp_path):
    """As the page does it: read once, four steps of Euler's, decode."""
    torch.manual_seed(3)
    model, latents = awake(small_dit(windows=4, shift=1.0)), Squares().eval()
    notes = export_parts(dit_parts(model, latents, reader), tmp_path)
    assert list(notes) == ["words", "step", "picture"]
    run = {
        name: onnxruntime.InferenceSession(tmp_path / note["file"]) for name, note in notes.items()
    }
    text = "a red fox and a blue owl on the beach at night"
    (words,) = run["words"].run(None, {"ids": reader.tokenizer.encode([text])[0].numpy()})
    x = starting_noise(model.shape, [7]).numpy()
    times = [1.0, 0.75, 0.5, 0.25, 0.0]
    for here, there in itertools.pairwise(times):
        t = np.array([1000 * here], np.float32)
        (velocity,) = run["step"].run(None, {"x": x, "t": t, "words": words})
        x = x + np.float32(there - here) * velocity
    way = Way(steps=4, guidance=1.0, sampler="euler")
    wanted = last(steps_to_pictures(model, reader, [text], way, [7]))
    assert np.allclose(x, wanted.numpy(), atol=2e-3)
    (pixels,) = run["picture"].run(None, {"z": x})
    with torch.no_grad():
        assert np.allclose(pixels, latents.decoder(wanted).clamp(-1, 1).numpy(), atol=2e-3)
