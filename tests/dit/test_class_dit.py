"""The paper's transformer: four conditionings, and the same numbers as diffusers', both ways."""

import pytest
import torch

from mmcourse.dit.class_dit import ClassDiT
from mmcourse.dit.conditionings import CONDITIONINGS, AdaLNZeroBlock
from mmcourse.dit.convert import LONGEST, diffusers_config, from_diffusers, to_diffusers

from .conftest import awake

SIZES = {"shape": (3, 8, 8), "dim": 32, "depth": 2, "heads": 4, "classes": 5}
T, LABELS = torch.tensor([3.0, 700.0]), torch.tensor([1, 5])


def picture():
    return torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def small(conditioning="adaLN-Zero", **changed):
    torch.manual_seed(0)
    return ClassDiT(**{**SIZES, **changed}, conditioning=conditioning)


@pytest.fixture(scope="module")
def peer():
    """diffusers' own, its blocks' embeddings made equal, as in every converted checkpoint."""
    diffusers = pytest.importorskip("diffusers")
    torch.manual_seed(3)
    theirs = diffusers.DiTTransformer2DModel(
        num_attention_heads=4,
        attention_head_dim=8,
        in_channels=3,
        num_layers=2,
        sample_size=8,
        num_embeds_ada_norm=5,
        norm_eps=1e-6,
    ).eval()
    first = theirs.transformer_blocks[0].norm1.emb.state_dict()
    theirs.transformer_blocks[1].norm1.emb.load_state_dict(first)
    return theirs


def same(ours, theirs):
    with torch.no_grad():
        a, b = ours(picture(), T, LABELS), theirs(picture(), T, LABELS).sample
    assert float(b.std()) > 0.05
    return float((a - b).abs().max())


def test_diffusers_weights_give_the_same_numbers_here(peer):
    ours = from_diffusers(peer.config, peer.state_dict())
    assert same(ours.eval(), peer) < 1e-5


def test_our_weights_give_the_same_numbers_there(peer):
    ours = awake(small(longest=LONGEST))
    theirs = type(peer)(**diffusers_config(ours)).eval()
    theirs.load_state_dict(to_diffusers(ours))
    assert same(ours, theirs) < 1e-5


def test_there_and_back_nothing_changes(peer):
    back = to_diffusers(from_diffusers(peer.config, peer.state_dict()))
    theirs = peer.state_dict()
    assert back.keys() == theirs.keys()
    assert all(torch.allclose(back[k], theirs[k], atol=1e-6) for k in theirs)


def test_what_has_no_counterpart_is_refused(peer):
    state = dict(peer.state_dict())
    name = "transformer_blocks.1.norm1.emb.class_embedder.embedding_table.weight"
    with pytest.raises(ValueError, match="block 1 has another class_embedder"):
        from_diffusers(peer.config, {**state, name: state[name] + 1})
    with pytest.raises(ValueError, match="6 channels of 3"):
        from_diffusers({**peer.config, "out_channels": 6}, state)
    with pytest.raises(ValueError, match="adaLN-Zero only"):
        to_diffusers(small("adaLN", longest=LONGEST))
    with pytest.raises(ValueError, match="wavelengths"):
        to_diffusers(small())


@pytest.mark.parametrize("name", CONDITIONINGS)
def test_every_conditioning_hears_time_and_class(name):
    model = awake(small(name))
    with torch.no_grad():
        usual = model(picture(), T, LABELS)
        assert usual.shape == (2, 3, 8, 8)
        assert not torch.allclose(usual, model(picture(), T + 50, LABELS), atol=1e-3)
        assert not torch.allclose(usual, model(picture(), T, LABELS - 1), atol=1e-3)
        none = model(picture(), T)
    assert torch.allclose(none[1], usual[1], atol=1e-5)  # label 5 is no class


def test_what_each_costs_in_weights():
    count = {k: sum(p.numel() for p in small(k).blocks[0].parameters()) for k in CONDITIONINGS}
    d = SIZES["dim"]
    zero = sum(p.numel() for p in AdaLNZeroBlock(d, 4).modulation.parameters())
    assert zero == 6 * d * (d + 1)
    assert count["adaLN-Zero"] - count["adaLN"] == 2 * d * (d + 1)
    assert count["cross-attention"] - count["in-context"] == 4 * d * (d + 1) + 2 * d
    assert count["in-context"] < count["adaLN"] < count["adaLN-Zero"]


def test_only_adaln_zero_starts_as_the_identity():
    x, c = torch.randn(2, 4, 32), torch.randn(2, 32)
    for name, block in CONDITIONINGS.items():
        condition = c if "adaLN" in name else torch.stack([c, c], 1)
        torch.manual_seed(0)
        unchanged = torch.equal(block(32, 4)(x, condition), x)
        assert unchanged == (name == "adaLN-Zero"), name


def test_under_autocast_tokens_stay_in_bfloat16():
    model, types = small(), []
    for block in model.blocks:
        block.register_forward_pre_hook(lambda block, given: types.append(given[0].dtype))
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        model(picture(), T, LABELS)
    assert types == [torch.bfloat16] * 2


def test_gradients_reach_a_gate_that_is_zero():
    block = AdaLNZeroBlock(16, 2)
    block(torch.randn(2, 4, 16), torch.randn(2, 16)).square().mean().backward()
    gates = block.modulation.weight.grad.unflatten(0, (6, 16))
    assert [bool(g.any()) for g in gates] == [False, False, True, False, False, True]


def test_bad_input_is_one_clear_line(tmp_path):
    with pytest.raises(ValueError, match="choose one of in-context"):
        ClassDiT(conditioning="film")
    with pytest.raises(ValueError, match="a patch of 2 does not divide 7 x 7"):
        ClassDiT((3, 7, 7))
    model = small()
    with pytest.raises(ValueError, match=r"got \(2, 3, 4, 4\)"):
        model(picture()[:, :, :4, :4], T)
    model.save_pretrained(tmp_path)
    again = ClassDiT.from_pretrained(tmp_path)
    assert torch.equal(again(picture(), T, LABELS), model(picture(), T, LABELS))
