"""The fused encoder: what it may depend on, and that one wrong word is enough."""

import pytest
import torch

from mmcourse.joint import (
    ConcatFusion,
    CrossAttentionFusion,
    CrossModalAttention,
    FusedEncoder,
    GatedFusion,
)

B, T, S, DIM = 3, 6, 10, 16


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return FusedEncoder(vocab_size=20, dim=DIM, depth=2, heads=4)


@pytest.fixture
def mask():
    return torch.arange(T) < torch.tensor([6, 2, 4])[:, None]


def test_cross_modal_attention_adds_what_it_saw_to_what_came_in():
    torch.manual_seed(0)
    look = CrossModalAttention(DIM, 4, context_dim=8).double()
    query, context = draw(B, T, DIM).double(), draw(B, S, 8, seed=1).double()
    maps = look.maps(query, context)
    values = look.attention.to_v(look.norm_context(context)).unflatten(-1, (4, 4))
    seen = torch.einsum("bhts,bshd->bthd", maps, values).flatten(2)
    expected = query + look.attention.to_out(seen)
    torch.testing.assert_close(look(query, context), expected, rtol=0, atol=1e-12)


def test_who_may_not_be_looked_at_is_not_seen():
    torch.manual_seed(0)
    look = CrossModalAttention(DIM, 4)
    query, context = draw(B, T, DIM), draw(B, S, DIM, seed=1)
    there = torch.arange(S) < torch.tensor([3, 10, 1])[:, None]
    other = torch.where(there[..., None], context, 100 * draw(B, S, DIM, seed=2))
    assert torch.equal(look(query, context, there), look(query, other, there))
    assert not torch.equal(look(query, context), look(query, other))


def test_padding_changes_nothing(encoder, mask):
    words, cells = draw(B, T, DIM), draw(B, S, DIM, seed=1)
    other = torch.where(mask[..., None], words, draw(B, T, DIM, seed=2))
    torch.testing.assert_close(encoder(words, mask, cells)[mask], encoder(other, mask, cells)[mask])
    longer = encoder.match(encoder(words, mask, cells), mask)
    cut = mask[1:2, :2]
    shorter = encoder.match(encoder(words[1:2, :2], cut, cells[1:2]), cut)
    torch.testing.assert_close(longer[1:2], shorter)


def test_cells_have_no_order_of_their_own(encoder, mask):
    """Where a cell is, it has to say itself: the image tower adds positions."""
    words, cells = draw(B, T, DIM), draw(B, S, DIM, seed=1)
    shuffled = cells[:, torch.randperm(S, generator=torch.Generator().manual_seed(0))]
    torch.testing.assert_close(encoder(words, mask, cells), encoder(words, mask, shuffled))


def test_each_text_sees_its_own_picture_only(encoder, mask):
    words, cells = draw(B, T, DIM), draw(B, S, DIM, seed=1)
    before = encoder(words, mask, cells)
    cells[1] = draw(S, DIM, seed=3)
    after = encoder(words, mask, cells)
    assert torch.equal(before[[0, 2]], after[[0, 2]])
    assert not torch.allclose(before[1], after[1])


def test_a_caption_is_as_doubtful_as_its_most_doubtful_word(encoder, mask):
    with torch.no_grad():
        encoder.doubt.weight.zero_()
        encoder.doubt.weight[0, 0] = 1.0
        encoder.doubt.bias.zero_()
    fused = torch.full((B, T, DIM), -9.0)
    assert (encoder.match(fused, mask) > 5).all()
    fused[0, 3, 0] = 9.0  # a word
    fused[1, 4, 0] = 9.0  # in the padding
    logits = encoder.match(fused, mask)
    assert logits[0] < -5 < 5 < logits[1]
    torch.testing.assert_close(logits[2], torch.tensor(9.0 - torch.tensor(4.0).log().item()))
    assert (encoder.doubts(fused, mask)[~mask] == -torch.inf).all()


def test_at_first_a_caption_of_forty_words_is_an_open_question(encoder):
    logits = encoder.match(0.01 * draw(8, 40, DIM), torch.ones(8, 40, dtype=torch.bool))
    assert (logits.abs() < 1).all()


def test_maps_are_those_that_the_blocks_use(encoder, mask):
    words, cells = draw(B, T, DIM), draw(B, S, DIM, seed=1)
    first, second = encoder.maps(words, mask, cells)
    assert first.shape == second.shape == (B, 4, T, S)
    torch.testing.assert_close(first.sum(-1), torch.ones(B, 4, T))
    assert torch.equal(first, encoder.block.look.maps(words, cells))
    after = encoder.block(words, mask, cells)
    assert torch.equal(second, encoder.block.look.maps(after, cells))


def test_the_same_block_looks_as_often_as_it_is_deep(encoder, mask):
    words, cells = draw(B, T, DIM), draw(B, S, DIM, seed=1)
    twice = encoder.block(encoder.block(words, mask, cells), mask, cells)
    torch.testing.assert_close(encoder(words, mask, cells), encoder.norm(twice))


def test_a_hidden_word_is_named_by_its_likeness_to_all_words(encoder):
    fused, embeddings = draw(4, DIM), draw(20, DIM, seed=1)
    likeness = encoder.to_word(fused) @ embeddings.T / DIM**0.5
    torch.testing.assert_close(encoder.name(fused, embeddings), likeness + encoder.word_bias)
    with torch.no_grad():
        encoder.word_bias[7] = 100.0
    assert (encoder.name(fused, embeddings).argmax(-1) == 7).all()


def test_towers_alone_have_nothing_to_fuse_with(tiny, tokenizer):
    ids, mask = tokenizer.encode("a red fox")
    with pytest.raises(ValueError, match="two towers only; build it with fused_depth"):
        tiny().match(ids, mask, draw(1, 4, 32))


def test_the_model_reads_while_it_looks(tiny, tokenizer):
    model = tiny(fused_depth=1).eval()
    ids, mask = tokenizer.encode(["a red fox", "an owl waves at night"])
    _, cells = model.image_tower(draw(2, 3, 16, 16))
    _, words = model.text_tower(ids, mask)
    fused = model.fuse(ids, mask, cells)
    assert torch.equal(fused, model.fused(words, mask, cells))
    assert torch.equal(model.match(ids, mask, cells), model.fused.match(fused, mask))


MEANS = [ConcatFusion, GatedFusion]


@pytest.mark.parametrize("fusion", [*MEANS, CrossAttentionFusion])
def test_fusions_give_one_vector_and_ignore_padding(fusion, mask):
    torch.manual_seed(0)
    module = fusion(DIM)
    words, cells = draw(B, T, DIM), draw(B, S, DIM, seed=1)
    other = torch.where(mask[..., None], words, draw(B, T, DIM, seed=2))
    out = module(words, mask, cells)
    assert out.shape == (B, DIM)
    torch.testing.assert_close(out, module(other, mask, cells))
    out.sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())


@pytest.mark.parametrize("fusion", [*MEANS, CrossAttentionFusion])
def test_only_attention_knows_which_colour_belongs_to_whom(fusion, mask):
    """Two pictures of the same parts, differently bound: colour and animal exchanged between two
    cells. Their means are equal, so a fusion of means cannot tell them apart."""
    torch.manual_seed(0)
    module = fusion(DIM).double()
    fox, owl, red, blue = draw(4, DIM, seed=5).double()
    words = draw(1, T, DIM).double()
    first = torch.stack([torch.maximum(fox, red), torch.maximum(owl, blue)])[None]
    second = torch.stack([torch.maximum(fox, blue), torch.maximum(owl, red)])[None]
    second = second + (first.mean(1, keepdim=True) - second.mean(1, keepdim=True))
    there = mask[:1]
    same = torch.allclose(module(words, there, first), module(words, there, second), atol=1e-9)
    assert same == (fusion in MEANS)


def test_the_gate_gives_shares():
    module = GatedFusion(DIM)
    with torch.no_grad():
        module.gate.weight.zero_()
        module.gate.bias.fill_(50.0)
    words, cells = draw(B, T, DIM), draw(B, S, DIM, seed=1)
    mask = torch.ones(B, T, dtype=torch.bool)
    torch.testing.assert_close(module(words, mask, cells), module.text(words.mean(1)).tanh())
    with torch.no_grad():
        module.gate.bias.fill_(-50.0)
    torch.testing.assert_close(module(words, mask, cells), module.image(cells.mean(1)).tanh())
