"""Rows of words and codes: closed forms for the tables, and a prior that learns both orders."""

import math

import pytest
import torch

from mmcourse.story.horizons import sequences as q
from mmcourse.vqvae.prior import CodePrior

WORDS, CODES = 8, 6


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


def test_tables_know_what_can_be_known():
    even = torch.randint(CODES, (4000, 9), generator=dice())
    assert q.bits_by_frequency(even, even, CODES) == pytest.approx(math.log2(CODES), abs=0.01)
    placed = torch.arange(5).expand(4000, 5)  # each place has its own code
    assert q.bits_by_place(placed, placed, CODES) < 0.05
    assert q.bits_by_frequency(placed, placed, CODES) == pytest.approx(math.log2(5), abs=0.01)
    start = torch.randint(CODES, (4000, 1), generator=dice(1))
    chain = (start + torch.arange(9)) % CODES  # each follows from the one before
    first = math.log2(CODES) / 9
    assert q.bits_by_pair(chain, chain, CODES) == pytest.approx(first, abs=0.05)
    assert q.bits_by_place(chain, chain, CODES) == pytest.approx(math.log2(CODES), abs=0.05)


def test_tables_have_a_chance_for_what_they_never_saw():
    seen, new = torch.zeros(5, 3, dtype=torch.long), torch.full((1, 3), CODES - 1)
    for bits in (q.bits_by_frequency, q.bits_by_place, q.bits_by_pair):
        assert math.isfinite(bits(seen, new, CODES))
        assert bits(seen, new, CODES) > bits(seen, seen, CODES)


@pytest.fixture(scope="module")
def learned():
    """A prior that was shown pictures of one code each, and the word for it."""
    codes = torch.arange(CODES).view(-1, 1, 1).expand(-1, 2, 2)
    ids = torch.stack([torch.full((4,), 1), 4 + torch.arange(4), torch.full((4,), 2)], 1)
    torch.manual_seed(0)
    prior = CodePrior(WORDS, CODES, 4, 5, dim=32, depth=2, heads=2)
    codes = codes[:4]

    def shown(step):
        return prior.shared.join(ids, codes, step % 2 == 0)

    losses = [m["loss"] for m in q.train_on(prior, shown, steps=160, lr=5e-3)]
    return prior, ids, codes, losses


def test_both_orders_are_learned_by_the_same_weights(learned):
    prior, ids, codes, losses = learned
    assert losses[-1] < 0.4 * losses[0]
    assert q.bits_of_codes(prior, ids, codes) < 0.1
    assert q.bits_of_codes(prior, None, codes) > 0.3  # the first of four is anybody's guess
    assert q.bits_of_codes(prior, ids.roll(1, 0), codes) > 1
    said = q.words_of(prior, codes, start=1, end=2, longest=4)
    assert said.shape == (4, 4)
    assert said[:, 0].tolist() == ids[:, 1].tolist()
    assert (said[:, 1] == 2).all()
    assert (said[:, 2:] == 0).all()


def test_bits_are_the_mean_of_the_codes_alone(learned):
    prior, ids, codes, _ = learned
    tokens, places = prior.shared.join(ids[:1], codes[:1], True)
    with torch.no_grad():
        logits = prior.code_logits(prior(tokens[:, :-1], places[:, :-1])).log_softmax(-1)
    by_hand = [-logits[0, i, int(tokens[0, i + 1]) - WORDS] for i in range(3, 7)]
    expected = float(torch.stack(by_hand).mean()) / math.log(2)
    assert q.bits_of_codes(prior, ids[:1], codes[:1]) == pytest.approx(expected, abs=1e-5)


def test_codes_are_drawn_after_their_words_and_by_the_dice(learned):
    prior, ids, codes, _ = learned
    drawn = q.draw_after(prior, ids, 0.2, dice())
    assert torch.equal(drawn, codes.flatten(1))
    assert torch.equal(drawn, q.draw_after(prior, ids, 0.2, dice()))
    with pytest.raises(ValueError, match="hold padding"):
        q.draw_after(prior, torch.tensor([[1, 4, 0]]), 1.0, dice())


def test_a_run_that_was_killed_ends_with_the_same_weights(tmp_path):
    ids, codes = torch.tensor([[1, 5, 2]] * 2), torch.tensor([[[0, 1], [2, 3]]] * 2)

    def run(stop, file):
        torch.manual_seed(0)
        prior = CodePrior(WORDS, CODES, 4, 5, dim=8, depth=1, heads=2)
        shown = prior.shared.join(ids, codes, True)
        for metrics in q.train_on(prior, lambda step: shown, steps=q.SAVE_EVERY + 3,
                                  checkpoint=file):  # fmt: skip
            if metrics["step"] == stop:
                break
        return prior.tokens.weight

    whole = run(None, None)
    run(q.SAVE_EVERY + 1, tmp_path / "c.pt")
    assert torch.equal(run(None, tmp_path / "c.pt"), whole)
