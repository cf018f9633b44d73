"""The losses equal open_clip's and transformers', forward and backward, and their closed forms."""

import math

import pytest
import torch
import torch.nn.functional as F

from mmcourse.joint import clip_loss, masked_clip_loss, siglip_loss


@pytest.fixture(scope="module")
def peers():
    """open_clip's losses, imported by the process that needs them: transformers comes along."""
    from open_clip import loss

    return loss


def unit(n, d, seed):
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(n, d, generator=generator, dtype=torch.float64), dim=-1)


def inputs(n=7, d=5):
    text, image = unit(n, d, 0).requires_grad_(), unit(n, d, 1).requires_grad_()
    scale = torch.tensor(14.3, dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(-9.5, dtype=torch.float64, requires_grad=True)
    return text, image, scale, bias


def assert_same(ours, theirs, leaves):
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)
    found, wanted = torch.autograd.grad(ours, leaves), torch.autograd.grad(theirs, leaves)
    for a, b in zip(found, wanted):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
        assert a.abs().max() > 0


@pytest.mark.parametrize("n", [1, 2, 7, 64])
def test_clip_loss_equals_open_clip(peers, n):
    text, image, scale, _ = inputs(n)
    ours, theirs = clip_loss(text, image, scale), peers.ClipLoss()(image, text, scale)
    if n == 1:
        assert ours == theirs == 0
    else:
        assert_same(ours, theirs, [text, image, scale])


@pytest.mark.parametrize("n", [1, 2, 7, 64])
def test_siglip_loss_equals_open_clip(peers, n):
    text, image, scale, bias = inputs(n)
    theirs = peers.SigLipLoss()(image, text, scale, bias)
    assert_same(siglip_loss(text, image, scale, bias), theirs, [text, image, scale, bias])


TINY = {"hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 2}
TINY["num_hidden_layers"] = 1
SEES = {**TINY, "image_size": 8, "patch_size": 4}


def hf_batch(vocab):
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(3, vocab, (6, 5), generator=generator)
    pixels = torch.randn(6, 3, 8, 8, generator=generator, dtype=torch.float64)
    return {"input_ids": ids, "pixel_values": pixels, "return_loss": True}


def assert_same_for_every_parameter(model, ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=0)
    parameters = [p for p in model.parameters() if p.requires_grad]
    options = {"allow_unused": True, "retain_graph": True}
    found = torch.autograd.grad(ours, parameters, **options)
    wanted = torch.autograd.grad(theirs, parameters, **options)
    assert sum(g is not None for g in wanted) > 20
    for a, b in zip(found, wanted):
        assert (a is None) == (b is None)
        if a is not None:
            torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-11)


def test_clip_loss_equals_that_of_transformers_clip_model():
    from transformers import CLIPConfig, CLIPModel

    torch.manual_seed(0)
    config = CLIPConfig(
        text_config={**TINY, "vocab_size": 30, "eos_token_id": 2, "max_position_embeddings": 8},
        vision_config=SEES,
        projection_dim=12,
    )
    model = CLIPModel(config).double().eval()
    out = model(**hf_batch(30))
    ours = clip_loss(out.text_embeds, out.image_embeds, model.logit_scale.exp())
    assert_same_for_every_parameter(model, ours, out.loss)


def test_siglip_loss_equals_that_of_transformers_siglip_model():
    from transformers import SiglipConfig, SiglipModel

    torch.manual_seed(0)
    config = SiglipConfig(
        text_config={**TINY, "vocab_size": 30, "max_position_embeddings": 8, "projection_size": 16},
        vision_config=SEES,
    )
    model = SiglipModel(config).double().eval()
    with torch.no_grad():
        model.logit_scale.fill_(math.log(10))
        model.logit_bias.fill_(-10)
    out = model(**hf_batch(30))
    scale, bias = model.logit_scale.exp(), model.logit_bias
    ours = siglip_loss(out.text_embeds, out.image_embeds, scale, bias)
    assert_same_for_every_parameter(model, ours, out.loss)


# Closed forms


def test_a_model_that_cannot_tell_pairs_apart_pays_log_b():
    same = unit(1, 6, 0).expand(8, 6)
    assert clip_loss(same, same, 20.0).item() == pytest.approx(math.log(8))


@pytest.mark.parametrize("scale", [0.5, 1.0, 14.0])
def test_perfect_and_orthogonal_pairs_pay_the_softmax_of_the_scale(scale):
    eye = torch.eye(6, dtype=torch.float64)
    expected = math.log(1 + 5 * math.exp(-scale))
    assert clip_loss(eye, eye, scale).item() == pytest.approx(expected, rel=1e-12)


def test_siglip_is_a_sum_over_pairs_for_each_picture():
    eye, b, scale, bias = torch.eye(6, dtype=torch.float64), 6, 10.0, -10.0
    match, stranger = math.log1p(math.exp(-(scale + bias))), math.log1p(math.exp(bias))
    expected = match + (b - 1) * stranger
    assert siglip_loss(eye, eye, scale, bias).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("loss", [clip_loss, lambda t, i, s: siglip_loss(t, i, s, -3.0)])
def test_text_and_picture_and_the_order_of_pairs_are_interchangeable(loss):
    text, image, scale, _ = inputs()
    order = torch.tensor([3, 1, 6, 0, 2, 5, 4])
    value = loss(text, image, scale)
    torch.testing.assert_close(loss(image, text, scale), value)
    torch.testing.assert_close(loss(text[order], image[order], scale), value)
    assert (loss(text[order], image, scale) - value).abs() > 1e-3


def test_both_directions_count():
    """Pictures that differ and captions that are all the same: only one direction is hopeless."""
    eye = torch.eye(4, dtype=torch.float64)
    hub = F.normalize(eye + torch.tensor([3.0, 0, 0, 0], dtype=torch.float64), dim=-1)
    logits = 30 * eye @ hub.T
    target = torch.arange(4)
    there, back = F.cross_entropy(logits, target), F.cross_entropy(logits.T, target)
    assert (there - back).abs() > 0.1
    torch.testing.assert_close(clip_loss(eye, hub, 30.0), (there + back) / 2)


# Pairs that are no negatives


def some_ignored(n=7):
    generator = torch.Generator().manual_seed(4)
    return (torch.rand(n, n, generator=generator) < 0.4) & ~torch.eye(n, dtype=torch.bool)


def test_ignored_pairs_are_in_neither_softmax():
    text, image, scale, _ = inputs()
    ignored = some_ignored()
    logits = scale * text @ image.T
    losses = []
    for i in range(7):
        row, column = logits[i][~ignored[i]], logits[:, i][~ignored[:, i]]
        losses += [row.logsumexp(0) - logits[i, i], column.logsumexp(0) - logits[i, i]]
    expected = torch.stack(losses).mean()
    assert_same(masked_clip_loss(text, image, scale, ignored), expected, [text, image, scale])
    assert masked_clip_loss(text, image, scale, ignored) < clip_loss(text, image, scale)


def test_ignoring_nothing_changes_nothing():
    text, image, scale, _ = inputs()
    found = masked_clip_loss(text, image, scale, torch.zeros(7, 7, dtype=torch.bool))
    assert_same(found, clip_loss(text, image, scale), [text, image, scale])


def test_ignored_pairs_get_no_gradient():
    """Texts and pictures with a dimension for each pair, so that each pair's gradient shows."""
    n, ignored = 5, some_ignored(5)
    logits = torch.randn(n, n, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    logits.requires_grad_()
    eye = torch.eye(n, dtype=torch.float64)
    masked_clip_loss(
        logits, eye, 1.0, ignored
    ).backward()  # texts (5, 5) times the identity: the logits
    assert (logits.grad[ignored] == 0).all()
    assert (logits.grad[~ignored] != 0).all()


def test_a_pair_of_which_all_else_is_ignored_costs_nothing_and_stays_finite():
    text, image, scale, _ = inputs()
    loss = masked_clip_loss(text, image, scale, ~torch.eye(7, dtype=torch.bool))
    gradients = torch.autograd.grad(loss, [text, image, scale])
    assert loss == 0
    assert all((g == 0).all() for g in gradients)
