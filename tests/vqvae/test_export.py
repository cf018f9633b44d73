"""The decoder in ONNX draws what the package draws."""

import numpy as np
import onnxruntime
import pytest
import torch

from mmcourse.export import export_parts
from mmcourse.vqvae import VQVAE
from mmcourse.vqvae.export import vqvae_parts


@pytest.mark.parametrize(
    ("quantizer", "options"),
    [
        ("ema", {"num_codes": 24, "dim": 4}),
        ("cosine", {"num_codes": 24, "dim": 4}),
        ("simvq", {"num_codes": 24, "dim": 4}),
        ("fsq", {"levels": [4, 3, 3]}),
    ],
)
def test_a_part_decodes_as_the_model_does(quantizer, options):
    torch.manual_seed(0)
    model = VQVAE(quantizer, options, width=8, depth=1).eval()
    (part,) = vqvae_parts(model, side=4)
    for example in part.examples:
        assert example[0].shape[1:] == (4, 4)
        assert torch.equal(part.module(*example), model.decode(*example))
    assert {len(example[0]) for example in part.examples} == {1, 2, 5}


def test_the_file_runs_without_torch(tmp_path):
    torch.manual_seed(0)
    model = VQVAE("vq", {"num_codes": 24, "dim": 4}, width=8, depth=1).eval()
    notes = export_parts(vqvae_parts(model, side=4), tmp_path)
    assert notes["decode"]["largest_difference"] < 1e-5
    grids = torch.randint(24, (3, 4, 4))
    session = onnxruntime.InferenceSession(tmp_path / "decode.onnx")
    found = session.run(["pixels"], {"indices": grids.numpy()})[0]
    np.testing.assert_allclose(found, model.decode(grids).numpy(), atol=1e-5)
