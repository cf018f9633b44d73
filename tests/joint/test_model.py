"""The towers: unit vectors, no reading of pads, gradients everywhere, clear refusals."""

import inspect
import math

import pytest
import torch

from mmcourse.joint import ImageTower, JointModel, TextTower, clip_loss
from mmcourse.storyworld import caption, sample_scene

TEXTS = ["a red fox.", "a blue cat waves on the left and an owl jumps in the snow.", "a frog"]


def test_embeddings_are_unit_vectors(tiny, tokenizer):
    model = tiny()
    ids, mask = tokenizer.encode(TEXTS)
    text, image, scale = model(ids, mask, torch.rand(3, 3, 16, 16) * 2 - 1)
    assert text.shape == image.shape == (3, 16)
    for vectors in (text, image):
        torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(3))
    assert scale.item() == pytest.approx(1 / 0.07)


def test_a_longer_text_in_the_batch_changes_nothing(tiny, tokenizer):
    model = tiny(text_depth=2).double().eval()
    together = model.encode_text(*tokenizer.encode(TEXTS))
    padded = model.encode_text(*tokenizer.encode(TEXTS, length=128))
    alone = torch.cat([model.encode_text(*tokenizer.encode(t)) for t in TEXTS])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-12)
    ids, mask = tokenizer.encode(TEXTS)
    scribbled = torch.where(mask, ids, torch.randint_like(ids, 4, len(tokenizer)))
    torch.testing.assert_close(model.encode_text(scribbled, mask), alone, rtol=0, atol=1e-12)


def test_the_order_of_words_and_the_place_in_a_picture_are_seen(tiny, tokenizer):
    model = tiny().eval()
    a, b = model.encode_text(*tokenizer.encode(["a red fox and a cat", "a cat and a red fox"]))
    assert (a - b).abs().max() > 1e-4
    picture = torch.full((1, 3, 16, 16), -1.0)
    left, right = picture.clone(), picture.clone()
    left[..., 2:6, 2:6], right[..., 2:6, 10:14] = 1.0, 1.0
    assert (model.encode_image(left) - model.encode_image(right)).abs().max() > 1e-4


def test_every_parameter_of_both_towers_and_the_scale_gets_a_gradient(tiny, tokenizer):
    model = tiny()
    ids, mask = tokenizer.encode(TEXTS)
    clip_loss(*model(ids, mask, torch.rand(3, 3, 16, 16))).backward()
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        assert gradient is not None, name
        assert gradient.isfinite().all(), name
        if not name.endswith("to_k.bias"):  # softmax is blind to it: its gradient is 0
            assert gradient.abs().max() > 0, name
    read = model.text_tower.words.weight.grad.abs().sum(-1) > 0
    assert set(read.nonzero()[:, 0].tolist()) == set(ids[mask].tolist())


def test_what_all_have_in_common_is_taken_off_before_they_are_compared(tiny, tokenizer):
    """Untrained towers point all their vectors the same way; standardised, they point apart."""
    model = tiny()
    common = torch.full((1, 32), 5.0)
    pooled = common + 0.1 * torch.randn(64, 32)
    before = torch.nn.functional.normalize(model.text_projection(pooled), dim=-1)
    after = model.project_text(pooled)
    apart = ~torch.eye(64, dtype=torch.bool)
    assert (before @ before.T)[apart].mean() > 0.95
    assert (after @ after.T)[apart].mean().abs() < 0.1
    torch.testing.assert_close(model.project_text(3 * pooled - 7), after, rtol=0, atol=1e-3)
    assert not torch.equal(model.text_scaling.running_mean, model.image_scaling.running_mean)


def test_a_trained_model_reads_one_text_as_it_reads_many(tiny, tokenizer):
    model = tiny()
    for _ in range(3):
        model.encode_text(*tokenizer.encode(TEXTS))
    model.eval()
    alone = torch.cat([model.encode_text(*tokenizer.encode(t)) for t in TEXTS])
    torch.testing.assert_close(model.encode_text(*tokenizer.encode(TEXTS)), alone)


def test_a_tower_learns_nothing_from_the_other_ones_inputs(tiny, tokenizer):
    model = tiny()
    model.encode_text(*tokenizer.encode(TEXTS)).sum().backward()
    assert all(p.grad is None for p in model.image_tower.parameters())
    assert model.image_projection.weight.grad is None


@pytest.mark.parametrize(("raw", "clamped"), [(-3.0, 1.0), (2.0, math.exp(2.0)), (9.0, 100.0)])
def test_the_scale_stays_between_1_and_100(tiny, raw, clamped):
    model = tiny()
    with torch.no_grad():
        model.logit_scale.fill_(raw)
    model.clamp_scale()
    assert model.logit_scale.exp().item() == pytest.approx(clamped)
    assert model.logit_scale.requires_grad


@pytest.mark.parametrize(
    "shape", [(2, 3, 32, 32), (2, 1, 16, 16), (2, 4, 16, 16), (3, 16, 16), (2, 16, 16, 3)]
)
def test_a_picture_of_another_shape_is_refused(tiny, shape):
    with pytest.raises(ValueError, match=r"must be \(B, 3, 16, 16\), got") as error:
        tiny().encode_image(torch.zeros(shape))
    assert str(shape) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_text_that_is_too_long_is_refused(tiny, tokenizer):
    model = tiny().eval()
    assert model.encode_text(*tokenizer.encode("a red fox waves.", length=128)).shape == (1, 16)
    with pytest.raises(ValueError, match="129 tokens, at most 128"):
        model.encode_text(*tokenizer.encode("a red fox", length=129))


def test_the_longest_captions_fit(tokenizer):
    """Three characters with two things, in many phrasings: none is near the limit."""
    scenes = (sample_scene("train", i) for i in range(3000))
    crowded = [s for s in scenes if len(s.characters) == 3 and len(s.things) == 2]
    texts = [caption(s, key, key < 7) for s in crowded for key in range(10)]
    ids, mask = tokenizer.encode(texts)
    limit = inspect.signature(TextTower).parameters["max_length"].default
    assert 80 < ids.shape[1] < limit - 15
    assert JointModel(len(tokenizer)).encode_text(ids[:4], mask[:4]).isfinite().all()


@pytest.mark.parametrize("bad", [-1, 10_000])
def test_an_id_that_no_word_has_is_refused(tiny, bad):
    model = tiny().eval()
    words = model.text_tower.words.num_embeddings
    with pytest.raises(ValueError, match=f"ids must be 0 to {words - 1}, got.*{bad}.*tokenizer"):
        model.encode_text(torch.tensor([[1, bad, 2]]), torch.ones(1, 3).bool())
    assert model.encode_text(torch.tensor([[words - 1]]), torch.ones(1, 1).bool()).isfinite().all()


def test_sizes_that_do_not_halve_three_times_are_refused():
    with pytest.raises(ValueError, match="multiple of 8, got 60"):
        ImageTower(size=60)


def test_the_towers_also_return_their_tokens():
    text, image = TextTower(20, dim=16, depth=1), ImageTower(24, dim=32, depth=1)
    ids = torch.randint(4, 20, (2, 7))
    pooled, tokens = text(ids, ids > 0)
    assert (pooled.shape, tokens.shape) == ((2, 16), (2, 7, 16))
    pooled, cells = image(torch.zeros(2, 3, 24, 24))
    assert (pooled.shape, cells.shape) == ((2, 32), (2, 9, 32))
    torch.testing.assert_close(pooled, cells.mean(1))


def test_saving_and_loading_gives_the_same_vectors(tiny, tokenizer, tmp_path):
    model = tiny(vocabulary=tokenizer.fingerprint)
    model.save_pretrained(tmp_path)
    loaded = JointModel.from_pretrained(tmp_path)
    ids, mask = tokenizer.encode(TEXTS)
    pixels = torch.rand(3, 3, 16, 16)
    for a, b in zip(model.eval()(ids, mask, pixels), loaded(ids, mask, pixels)):
        assert torch.equal(a, b)
    assert loaded.vocabulary == tokenizer.fingerprint
    assert loaded.image_tower.size == 16


def test_weights_that_do_not_fit_are_refused(tiny, tmp_path):
    tiny().save_pretrained(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"text_depth": 1', '"text_depth": 2'))
    with pytest.raises(ValueError, match="damaged, or belongs to another config") as error:
        JointModel.from_pretrained(tmp_path)
    assert "\n" not in str(error.value)
