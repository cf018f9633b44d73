"""Masked words: which, how, and what the loss counts."""

import pytest
import torch
import torch.nn.functional as F

from mmcourse.joint import mask_words, masked_word_loss
from mmcourse.storyworld.language.tokenizer import SPECIAL, Tokenizer

V = 50


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


def texts(n, length, seed=0):
    """Start, words, end, padding: as the tokenizer makes them."""
    ids = torch.randint(len(SPECIAL), V, (n, length), generator=dice(seed))
    ids[:, 0] = Tokenizer.start
    lengths = torch.randint(3, length + 1, (n,), generator=dice(seed + 1))
    at = torch.arange(length)
    ids[at == (lengths - 1)[:, None]] = Tokenizer.end
    ids[at >= lengths[:, None]] = Tokenizer.pad
    return ids


def test_four_in_five_are_hidden_one_in_ten_replaced_one_in_ten_left():
    ids = texts(400, 40)
    shown, labels = mask_words(ids, V, dice(), rate=0.3)
    chosen = labels != -100
    words = ids >= len(SPECIAL)
    assert (chosen.sum() / words.sum()).item() == pytest.approx(0.3, abs=0.02)
    hidden = (shown == Tokenizer.mask)[chosen].float().mean().item()
    kept = (shown == ids)[chosen].float().mean().item()
    assert hidden == pytest.approx(0.8, abs=0.02)
    assert kept == pytest.approx(0.1 + 0.1 / (V - len(SPECIAL)), abs=0.015)
    replaced = shown[chosen & (shown != ids) & (shown != Tokenizer.mask)]
    assert set(replaced.tolist()) == set(range(len(SPECIAL), V))


def test_special_tokens_are_never_asked_for_and_the_rest_stays():
    ids = texts(100, 20)
    shown, labels = mask_words(ids, V, dice(), rate=0.9)
    chosen = labels != -100
    assert not chosen[ids < len(SPECIAL)].any()
    assert torch.equal(labels[chosen], ids[chosen])
    assert torch.equal(shown[~chosen], ids[~chosen])


def test_the_callers_ids_are_not_changed():
    ids = texts(10, 12)
    before = ids.clone()
    mask_words(ids, V, dice(), rate=1.0)
    assert torch.equal(ids, before)


@pytest.mark.parametrize("rate", [1e-6, 0.05])
def test_each_text_is_asked_for_a_word(rate):
    _, labels = mask_words(texts(300, 6), V, dice(), rate)
    assert ((labels != -100).sum(1) >= 1).all()


def test_a_text_without_words_is_asked_for_none():
    ids = torch.tensor([[Tokenizer.start, Tokenizer.end, Tokenizer.pad]])
    shown, labels = mask_words(ids, V, dice())
    assert torch.equal(shown, ids)
    assert (labels == -100).all()
    loss = masked_word_loss(torch.randn(1, 3, V, generator=dice()), labels)
    assert loss == 0


@pytest.mark.parametrize("rate", [0, -0.1, 1.5])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match=r"expected more than 0 and at most 1"):
        mask_words(texts(2, 5), V, dice(), rate)


def test_the_loss_is_that_of_bert():
    from transformers import BertConfig, BertForMaskedLM

    config = BertConfig(vocab_size=V, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                        intermediate_size=16)  # fmt: skip
    torch.manual_seed(0)
    bert = BertForMaskedLM(config).eval()
    shown, labels = mask_words(texts(4, 9), V, dice())
    found = bert(shown, labels=labels)
    ours = masked_word_loss(found.logits, labels)
    torch.testing.assert_close(ours, found.loss)


def test_only_what_is_asked_for_counts():
    logits = torch.randn(2, 5, V, generator=dice()).requires_grad_()
    labels = torch.full((2, 5), -100)
    labels[0, 3] = 7
    loss = masked_word_loss(logits, labels)
    torch.testing.assert_close(loss, F.cross_entropy(logits[0, 3][None], torch.tensor([7])))
    loss.backward()
    moved = logits.grad.abs().sum(-1) > 0
    assert moved.nonzero().tolist() == [[0, 3]]
