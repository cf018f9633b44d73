"""Words and codes in one sequence, the prior over it, and what is drawn from it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from mmcourse.vqvae.prior import CodePrior
from mmcourse.vqvae.sample import sample_codes
from mmcourse.vqvae.sequence import SharedVocabulary

WORDS, CODES, SIDE = 11, 6, 3
CELLS = SIDE * SIDE


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def prior() -> CodePrior:
    torch.manual_seed(0)
    model = CodePrior(WORDS, CODES, CELLS, longest=8, dim=16, depth=2, heads=2)
    for p in model.parameters():  # far from uniform, or much could be wrong unseen
        p.data += 0.3 * torch.randn_like(p)
    return model.eval()


def grids(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(CODES, (n, SIDE, SIDE), generator=dice(seed))


TEXTS = torch.tensor([[1, 5, 6, 2, 0, 0], [1, 7, 2, 0, 0, 0], [1, 5, 8, 9, 10, 2]])


def test_each_kind_of_token_has_numbers_of_its_own() -> None:
    shared = SharedVocabulary(WORDS, CODES, CELLS, 8)
    tokens, places = shared.of_codes(grids(2))
    assert len(shared) == WORDS + CODES + 1
    assert (tokens[:, 0] == len(shared) - 1).all()
    assert tokens[:, 1:].min() >= WORDS
    assert tokens[:, 1:].max() < WORDS + CODES
    assert torch.equal(tokens[:, 1:] - WORDS, grids(2).flatten(1))
    assert torch.equal(places[0], torch.arange(CELLS + 1))
    assert shared.of_words(TEXTS)[1].min() == CELLS + 1
    assert shared.places == CELLS + 1 + 8


@pytest.mark.parametrize("words_first", [True, False])
def test_joined_sequences_keep_all_in_order_with_the_padding_last(words_first: bool) -> None:
    shared = SharedVocabulary(WORDS, CODES, CELLS, 8)
    tokens, places = shared.join(TEXTS, grids(3), words_first)
    for row, place, text, grid in zip(tokens, places, TEXTS, grids(3), strict=True):
        words, codes = text[text > 0], grid.flatten() + WORDS
        opened = torch.cat([torch.tensor([shared.picture]), codes])
        told = torch.cat([words, opened] if words_first else [opened, words])
        assert torch.equal(row[: len(told)], told)
        assert (row[len(told) :] == 0).all()
        at_words = torch.arange(len(words)) + 1 + CELLS
        at = [at_words, torch.arange(CELLS + 1)]
        assert torch.equal(place[: len(told)], torch.cat(at if words_first else at[::-1]))


def test_a_token_knows_nothing_of_what_follows(prior: CodePrior) -> None:
    tokens, places = prior.shared.join(TEXTS, grids(3), True)
    before = prior(tokens, places)
    for at in (3, 7, 11):
        other = tokens.clone()
        other[:, at:] = WORDS + (other[:, at:] + 2) % CODES
        after = prior(other, places)
        torch.testing.assert_close(after[:, :at], before[:, :at])
        assert not torch.allclose(after[:, at], before[:, at])


def test_token_by_token_is_the_same_as_all_at_once(prior: CodePrior) -> None:
    tokens, places = prior.shared.join(TEXTS, grids(3), False)
    whole = prior(tokens, places)
    logits, cache = prior.step(tokens[:, :4], places[:, :4])
    rows = [logits]
    for at in range(4, tokens.shape[1]):
        logits, cache = prior.step(tokens[:, at : at + 1], places[:, at : at + 1], cache)
        rows.append(logits)
    torch.testing.assert_close(torch.cat(rows, 1), whole)


def test_padding_costs_nothing(prior: CodePrior) -> None:
    tokens, places = prior.shared.join(TEXTS[1:2], grids(1), True)
    longer = F.pad(tokens, (0, 5))
    more = F.pad(places, (0, 5))
    torch.testing.assert_close(prior.loss(longer, more), prior.loss(tokens, places))
    kept = tokens[:, tokens[0] > 0]
    logits = prior(kept[:, :-1], places[:, : kept.shape[1] - 1])
    by_hand = -logits.log_softmax(-1)[0, range(kept.shape[1] - 1), kept[0, 1:]].mean()
    torch.testing.assert_close(prior.loss(tokens, places), by_hand)


def test_it_learns_a_batch_by_heart() -> None:
    torch.manual_seed(0)
    model = CodePrior(WORDS, CODES, CELLS, longest=8, dim=32, depth=2, heads=2)
    codes = grids(3, seed=4)
    tokens, places = model.shared.join(TEXTS, codes, True)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(250):
        optimiser.zero_grad()
        model.loss(tokens, places).backward()
        optimiser.step()
    for text, grid in zip(TEXTS, codes, strict=True):
        drawn = sample_codes(model, 4, text[text > 0][None], temperature=0.2, generator=dice())
        assert (drawn == grid).float().mean() > 0.9


def test_codes_are_drawn_with_the_priors_chances(prior: CodePrior) -> None:
    tokens = torch.tensor([[prior.shared.picture]])
    logits = prior.code_logits(prior(tokens, torch.zeros_like(tokens)))[0, 0]
    for temperature in (1.0, 0.5):
        drawn = sample_codes(prior, 4000, temperature=temperature, generator=dice())[:, 0, 0]
        share = torch.bincount(drawn, minlength=CODES) / 4000
        torch.testing.assert_close(
            share, (logits / temperature).softmax(-1).detach(), atol=0.03, rtol=0
        )


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**CELLS - 1))
def test_what_is_kept_stays(mask: int) -> None:
    torch.manual_seed(0)
    model = CodePrior(WORDS, CODES, CELLS, longest=8, dim=16, depth=1, heads=2)
    where = torch.tensor([bool(mask >> i & 1) for i in range(CELLS)]).view(SIDE, SIDE)
    kept = grids(1)[0]
    drawn = sample_codes(model, 3, kept=kept, where=where, generator=dice(mask))
    assert torch.equal(drawn[:, ~where], kept[~where].expand(3, -1))


def test_what_is_drawn_anew_depends_on_what_was_kept_before_it(prior: CodePrior) -> None:
    where = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    where[-1, -1] = True  # the last cell
    kept = grids(1)[0]
    drawn = sample_codes(prior, 4000, kept=kept, where=where, generator=dice())[:, -1, -1]
    tokens, places = prior.shared.of_codes(kept[None])
    chances = prior.code_logits(prior(tokens, places))[0, -2].softmax(-1)
    share = torch.bincount(drawn, minlength=CODES) / 4000
    torch.testing.assert_close(share, chances.detach(), atol=0.03, rtol=0)


@pytest.mark.parametrize("guidance", [0.0, 0.4, 1.0, 3.0])
def test_guidance_goes_from_what_comes_without_words_past_what_comes_with_them(
    prior: CodePrior, guidance: float
) -> None:
    where = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    where[-1, -1] = True
    kept, ids = grids(1)[0], TEXTS[:1, TEXTS[0] > 0]
    alone = prior.shared.of_codes(kept[None])
    told = prior.shared.join(ids, kept[None], True)
    free, led = (prior.code_logits(prior(*x))[0, -2].log_softmax(-1) for x in (alone, told))
    wanted = (free * (1 - guidance) + led * guidance).softmax(-1).detach()
    assert (free - led).abs().max() > 0.5
    drawn = sample_codes(
        prior, 4000, ids, kept=kept, where=where, guidance=guidance, generator=dice()
    )[:, -1, -1]
    share = torch.bincount(drawn, minlength=CODES) / 4000
    torch.testing.assert_close(share, wanted, atol=0.03, rtol=0)


def test_saved_and_loaded_it_says_the_same(prior: CodePrior, tmp_path) -> None:
    prior.save_pretrained(tmp_path)
    again = CodePrior.from_pretrained(tmp_path)
    tokens, places = prior.shared.of_codes(grids(2))
    assert torch.equal(again(tokens, places), prior(tokens, places))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda p: sample_codes(p, 1, temperature=0), "temperature must be above 0"),
        (lambda p: sample_codes(p, 1, kept=grids(1)[0]), "belong together"),
        (lambda p: sample_codes(p, 1, TEXTS[:1]), "padded"),
        (lambda p: sample_codes(p, 1, guidance=2), "got 2 without a text"),
        (lambda p: sample_codes(p, 1, TEXTS[:1, :2], guidance=-1), "got -1 with a text"),
        (lambda p: sample_codes(p, 1, TEXTS[:1, :2], guidance=math.nan), "got nan with a text"),
        (lambda p: p.shared.of_words(torch.ones(1, 9, dtype=torch.int64)), "at most 8 fit"),
        (lambda p: p.shared.of_codes(grids(1)[:, :2]), "h w = 9"),
        (lambda p: p.shared.of_codes(grids(1) + CODES), "0 to 5"),
        (lambda p: p.step(*p.shared.of_codes(grids(1)), cache=[]), "one token at a time"),
        (lambda p: CodePrior(WORDS, dim=10, heads=4), "multiple of heads"),
    ],
)
def test_bad_input_is_named(prior: CodePrior, call, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call(prior)
