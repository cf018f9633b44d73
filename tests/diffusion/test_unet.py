"""Both U-Nets: what an untrained one says, who learns, and what words do and don't change."""

import pytest
import torch

from mmcourse.diffusion import Guided, last, sample
from mmcourse.diffusion.blocks import watched
from mmcourse.diffusion.text import TextCondition, TextReader, Words
from mmcourse.diffusion.text_unet import TextUNet
from mmcourse.diffusion.unet import PixelUNet, UNet
from mmcourse.joint import TextTower
from mmcourse.storyworld import Tokenizer, caption, sample_scene
from mmcourse.training import count_parameters

from .conftest import awake, small_unet


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


T = torch.tensor([10.0, 900.0])


def test_sizes_are_those_of_the_recipes():
    assert 0.6e6 < count_parameters(PixelUNet()) < 0.7e6
    assert 4.4e6 < count_parameters(TextUNet()) < 4.6e6


def test_an_untrained_unet_says_nothing(reader):
    assert not PixelUNet(widths=(16, 32)).eval()(noise(2, 3, 8, 8), T).any()
    model = small_unet()
    assert not model(noise(2, 4, 8, 8), T, model.read(reader(["a red fox", "an owl"]))).any()


def test_every_weight_learns_once_the_last_convolution_has_moved(reader):
    model = small_unet(depth=2)
    words = reader(["a red fox", "an owl"])
    loss = model(noise(2, 4, 8, 8), T, model.read(words, torch.tensor([True, False]))) - 1
    loss.square().mean().backward()
    moved = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert moved == {"net.last.2.weight", "net.last.2.bias"}
    model = awake(model)
    model.zero_grad()
    out = model(noise(2, 4, 8, 8), T, model.read(words, torch.tensor([True, False])))
    out.square().mean().backward()
    still = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert not still
    assert all(p.grad is None for p in reader.tower.parameters())


def test_the_bridges_are_as_many_up_as_down():
    """With one left over or missing, the widths would not fit, or pop from an empty list."""
    for depth, widths in ((1, (16, 64, 32)), (3, (16, 32)), (2, (32,))):
        net = UNet(3, widths, depth, looking=(), emb=32)
        down = [block for blocks in net.down for block in blocks]
        up = [block for blocks in net.up for block in blocks]
        assert len(down) == len(up) == depth * len(widths)
        assert net(noise(2, 3, 8, 8), T).shape == (2, 3, 8, 8)


def test_a_bridge_carries_what_the_way_down_saw():
    """A fine detail reaches the end though the middle is cut off."""
    torch.manual_seed(0)
    net = UNet(3, (16, 32), 1, looking=(), emb=32)
    torch.nn.init.normal_(net.last[-1].weight)
    net.larger[0].register_forward_hook(lambda module, inputs, out: torch.zeros_like(out))
    a, b = noise(1, 3, 8, 8), noise(1, 3, 8, 8, seed=1)
    assert not torch.equal(net(a, T[:1]), net(b, T[:1]))


def test_time_and_words_both_matter(reader):
    model = awake(small_unet())
    x = noise(1, 4, 8, 8)
    fox, owl = (model.read(reader([text])) for text in ("a red fox", "a blue owl"))
    out = model(x, T[:1], fox)
    assert not torch.allclose(out, model(x, T[1:], fox), atol=1e-3)
    assert not torch.allclose(out, model(x, T[:1], owl), atol=1e-4)


def test_padding_changes_nothing(reader):
    """A caption draws the same picture whatever longer caption it is batched with."""
    model = awake(small_unet())
    x = noise(1, 4, 8, 8)
    alone = model(x, T[:1], model.read(reader(["a red fox"])))
    long = caption(sample_scene("val", 0))
    both = model(x.expand(2, -1, -1, -1), T[:1].expand(2), model.read(reader(["a red fox", long])))
    torch.testing.assert_close(both[:1], alone, rtol=1e-4, atol=1e-5)


def test_a_withheld_text_is_the_null_whatever_it_said(reader):
    model = awake(small_unet())
    dropped = torch.tensor([True, True])
    cond = model.read(reader(["a red fox on the beach", "an owl"]), dropped)
    assert cond.mask.sum(1).tolist() == [1, 1]  # an all-False row would attend to everything
    x = noise(2, 4, 8, 8)
    expected = model(x, T, model.null(2))
    torch.testing.assert_close(model(x, T, cond), expected)
    torch.testing.assert_close(model(x, T), expected)
    empty = model.text(Words(torch.zeros(2, 3, 32), torch.zeros(2, 3, dtype=torch.bool)))
    torch.testing.assert_close(model(x, T, empty), expected)


def test_only_the_dropped_rows_lose_their_words(reader):
    torch.manual_seed(0)
    condition = TextCondition(32)
    words = reader(["a red fox", "a red fox"])
    cond = condition(words, torch.tensor([False, True]))
    torch.testing.assert_close(cond.pooled[:1], condition(words).pooled[:1])
    torch.testing.assert_close(cond.pooled[1:], condition.nothing().pooled)
    assert not torch.allclose(cond.pooled[0], cond.pooled[1], atol=1e-3)


def test_rows_do_not_see_each_other(reader):
    model = awake(small_unet())
    x, cond = noise(2, 4, 8, 8), model.read(reader(["a red fox", "a blue owl"]))
    alone = model(x[1:], T[1:], model.read(reader(["a blue owl"])))
    torch.testing.assert_close(model(x, T, cond)[1:], alone, rtol=1e-4, atol=1e-5)


def test_channels_last_is_only_another_layout():
    model = awake(small_unet())
    x = noise(2, 4, 8, 8)
    plain = model(x, T)
    with watched(model) as ratios:
        model(x, T)
    assert max(ratios.values()) < 10  # beyond that, GroupNorm in channels_last loses digits
    model.to(memory_format=torch.channels_last)
    out = model(x.to(memory_format=torch.channels_last), T)
    torch.testing.assert_close(out, plain, rtol=1e-4, atol=1e-5)


def test_it_is_saved_and_found_again(reader, tmp_path):
    model = awake(small_unet(latents="abc", tower="tower"))
    model.save_pretrained(tmp_path)
    again = TextUNet.from_pretrained(tmp_path)
    x, words = noise(2, 4, 8, 8), reader(["a red fox", "an owl"])
    assert torch.equal(again(x, T, again.read(words)), model(x, T, model.read(words)))
    assert (again.shape, again.latents, again.objective) == ((4, 8, 8), "abc", "flow")
    with pytest.raises(ValueError, match=r"TextUNet.*expected a PixelUNet"):
        PixelUNet.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(
        (tmp_path / "config.json").read_text().replace('"depth": 1', '"depth": 2')
    )
    with pytest.raises(ValueError, match="damaged, or belongs to another config"):
        TextUNet.from_pretrained(tmp_path)


def test_a_guided_picture_in_any_sampler(reader):
    model = awake(small_unet())
    guided = Guided(model, model.null(), 2.0)
    x = noise(2, 4, 8, 8)
    levels = model.path.levels(3)
    cond = model.read(reader(["a red fox", "an owl"]))
    out = last(sample(guided, x, levels, objective=model.objective, cond=cond))
    plain = last(sample(model, x, levels, objective=model.objective, cond=cond))
    assert out.shape == x.shape
    assert not torch.allclose(out, plain, atol=1e-3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m, r: m(noise(2, 3, 8, 8), T), r"\(B, 4, H, W\), got \(2, 3, 8, 8\)"),
        (lambda m, r: m(noise(2, 4, 7, 8), T), "7 x 8 cannot be halved"),
        (lambda m, r: m(noise(2, 4, 8, 8), T[:1]), "a time for each row"),
        (lambda m, r: r(["a red foxx"]), "no word 'foxx'"),
        (lambda m, r: r(["fox " * 200]), "at most 126 fit"),
        (lambda m, r: r.check("other"), "joint other, here is tower"),
        (lambda m, r: TextUNet(objective="noise"), "'noise'"),
        (lambda m, r: TextUNet(path="curve"), "'curve'"),
        (lambda m, r: PixelUNet()(noise(2, 3, 32, 32), T, m.null(2)), "draws without words"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(reader, call, said):
    with pytest.raises(ValueError, match=said) as caught:
        call(small_unet(), reader)
    assert "\n" not in str(caught.value)


def test_the_tower_is_frozen_and_never_trains(reader):
    assert not any(p.requires_grad for p in reader.tower.parameters())
    assert not reader(["a fox"]).features.requires_grad
    assert not reader.tower.training


def test_the_shipped_tower_reads():
    reader = TextReader.of_joint()
    words = reader(["a red fox", "a blue owl on the beach"])
    assert words.features.shape[0] == 2
    assert len(reader.name) == 12
    tower = TextTower(len(Tokenizer()), 32, 1, 2, max_length=5)
    with pytest.raises(ValueError, match="at most 3 fit"):
        TextReader(tower, Tokenizer())(["a red fox on the beach"])
