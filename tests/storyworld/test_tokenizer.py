"""A closed vocabulary: what is known comes back, what isn't is named."""

import re

import pytest
import torch

from mmcourse.storyworld import ATTRIBUTES, Tokenizer, caption
from mmcourse.storyworld.language.tokenizer import SPECIAL


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer()


def test_every_caption_of_every_split_is_known_and_comes_back(tokenizer, scenes):
    for found in scenes.values():
        for complete in (True, False):
            texts = [caption(s, key, complete) for s in found[:400] for key in (0, 1)]
            ids, mask = tokenizer.encode(texts)
            assert tokenizer.decode(ids) == texts
            assert torch.equal(mask, ids != 0)


def test_every_value_of_the_world_is_a_word(tokenizer):
    words = {value for values in ATTRIBUTES.values() for value in values}
    assert words <= set(tokenizer.words)


def test_ids_are_framed_padded_and_masked(tokenizer):
    ids, mask = tokenizer.encode(["A red fox.", "a cat"])
    a, red, fox, cat, stop = (tokenizer.ids[w] for w in ("a", "red", "fox", "cat", "."))
    start, end = tokenizer.start, tokenizer.end
    assert ids.tolist() == [[start, a, red, fox, stop, end], [start, a, cat, end, 0, 0]]
    assert (ids.dtype, mask.dtype) == (torch.int64, torch.bool)
    assert mask.tolist() == [[True] * 6, [True] * 4 + [False] * 2]
    assert torch.equal(tokenizer.encode("A red fox.")[0], ids[:1])


def test_length_pads_and_refuses(tokenizer):
    ids, mask = tokenizer.encode(["a fox", ""], length=10)
    assert ids.shape == mask.shape == (2, 10)
    assert mask.sum(1).tolist() == [4, 2]
    assert tokenizer.encode("a fox", length=4)[0].shape == (1, 4)
    with pytest.raises(ValueError, match="4 tokens, at most 3 fit"):
        tokenizer.encode("a fox", length=3)


def test_no_texts_give_no_rows(tokenizer):
    ids, mask = tokenizer.encode([])
    assert ids.shape == mask.shape == (0, 0)


@pytest.mark.parametrize(
    ("text", "word", "near"),
    [
        ("a red foxx", "foxx", "fox"),
        ("a rabit jumps", "rabit", "rabbit"),
        ("the montains", "montains", "mountains"),
        ("a fox\nand a dragoon", "dragoon", ""),
        ("a fox#", "#", "words"),
        ("eine Füchsin", "eine", ""),
        ("[pad]", "[", "words"),
        ("a 狐", "狐", "words"),
        ("a fox _ a cat", "_", "words"),
        ("a red_fox", "_", "words"),
    ],
)
def test_an_unknown_word_is_named_with_the_nearest_known(tokenizer, text, word, near):
    with pytest.raises(ValueError, match="no word") as error:
        tokenizer.encode([text])
    message = str(error.value)
    assert repr(word) in message
    assert near in message.split(";", 1)[1]
    assert "\n" not in message


def test_a_special_token_is_never_suggested_or_read(tokenizer):
    for special in SPECIAL:
        with pytest.raises(ValueError, match="no word") as error:
            tokenizer.encode([special.strip("[]") + "x"])
        assert special not in str(error.value)


def test_ids_are_a_bijection_and_specials_come_first(tokenizer):
    assert tokenizer.words[:4] == SPECIAL
    assert (tokenizer.pad, tokenizer.start, tokenizer.end, tokenizer.mask) == (0, 1, 2, 3)
    assert len(set(tokenizer.words)) == len(tokenizer.words) == len(tokenizer)
    assert [tokenizer.ids[w] for w in tokenizer.words] == list(range(len(tokenizer)))


def test_the_fingerprint_follows_the_vocabulary(tokenizer):
    assert re.fullmatch("[0-9a-f]{12}", tokenizer.fingerprint)
    assert Tokenizer().fingerprint == tokenizer.fingerprint
    other = Tokenizer()
    other.words = (*tokenizer.words[:-2], *tokenizer.words[:-3:-1])  # two words change places
    assert other.fingerprint != tokenizer.fingerprint


@pytest.mark.parametrize("bad", [-1, 10_000])
def test_decoding_an_id_that_no_word_has_is_refused(tokenizer, bad):
    with pytest.raises(ValueError, match=f"ids must be 0 to {len(tokenizer) - 1}.*{bad}"):
        tokenizer.decode(torch.tensor([[1, bad, 2]]))
