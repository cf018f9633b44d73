"""The prior over residual codes: what each place may know, the memory, and both samplers."""

import pytest
import torch

from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.filters import Drawing
from mmcourse.vqgan.masked import (
    halton,
    halton_order,
    maskgit_step,
    sample_masked,
    still_masked,
)
from mmcourse.vqgan.prior import ResidualPrior
from mmcourse.vqgan.sample import no_text, sample_raster

LEVELS, CODES, ROWS, COLUMNS = 3, 11, 3, 4


@pytest.fixture(scope="module")
def prior() -> ResidualPrior:
    torch.manual_seed(0)
    made = ResidualPrior(
        20, CODES, LEVELS, dim=4, grid=(ROWS, COLUMNS), width=64, depth=2, vocabulary="x"
    )
    with torch.no_grad():
        for p in made.parameters():
            p.add_(0.1 * torch.randn_like(p))  # nothing is 0, so that everything counts
    return made.eval()


def grids(n: int = 2, seed: int = 0) -> torch.Tensor:
    dice = torch.Generator().manual_seed(seed)
    return torch.randint(CODES, (n, ROWS, COLUMNS, LEVELS), generator=dice)


IDS = torch.tensor([[1, 7, 9, 4, 2], [1, 5, 2, 0, 0]])


def moved(prior: ResidualPrior, at: tuple[int, int, int], **how) -> torch.Tensor:
    """Which logits (cells, L) change with one code."""
    codes = grids()
    other = codes.clone()
    other[0][at] = (other[0][at] + 1) % CODES
    with torch.no_grad():
        change = prior(IDS, codes, **how) - prior(IDS, other, **how)
    assert not change[1].any()  # the other picture of the batch
    return change[0].abs().amax(-1) > 1e-7


def test_in_raster_order_a_code_changes_what_follows_and_nothing_else(prior) -> None:
    row, column, level = 1, 1, 1
    cell = row * COLUMNS + column
    changed = moved(prior, (row, column, level))
    assert not changed[:cell].any()
    assert changed[cell].tolist() == [False, False, True]  # later levels of its own place
    assert changed[cell + 1 :].all()


def test_a_known_place_is_seen_everywhere_and_a_missing_one_by_its_later_levels_alone(
    prior,
) -> None:
    known = torch.zeros(2, ROWS, COLUMNS, dtype=torch.bool)
    known[:, 1, 1] = True
    assert moved(prior, (1, 1, 1), known=known).all(0).sum() == LEVELS
    changed = moved(prior, (0, 2, 1), known=known)
    assert changed.nonzero().tolist() == [[2, 2]]


def test_words_and_padding(prior) -> None:
    codes = grids()
    with torch.no_grad():
        told = prior(IDS, codes)
        longer = torch.cat([IDS, torch.zeros(2, 3, dtype=torch.int64)], 1)
        torch.testing.assert_close(prior(longer, codes), told)
        torch.testing.assert_close(prior(IDS[1:, :3], codes[1:]), told[1:])
        other = IDS.clone()
        other[0, 1] = 8
        assert (prior(other, codes)[0] - told[0]).abs().amax((1, 2)).min() > 1e-6


def test_a_source_is_seen_by_every_place_and_is_not_the_target(prior) -> None:
    codes, source = grids(), grids(seed=1)
    other = source.clone()
    other[0, 2, 3, 0] = (other[0, 2, 3, 0] + 1) % CODES
    with torch.no_grad():
        a, b = prior(IDS, codes, source=source), prior(IDS, codes, source=other)
    assert (a - b)[0].abs().amax((1, 2)).min() > 1e-7
    assert torch.equal(a[1], b[1])


def test_the_loss_is_of_what_is_asked(prior) -> None:
    codes = grids()
    known = torch.rand(2, ROWS, COLUMNS, generator=torch.Generator().manual_seed(0)) < 0.5
    with torch.no_grad():
        for how in (None, known):
            chances = prior(IDS, codes, how).log_softmax(-1)
            each = chances.gather(-1, codes.flatten(1, 2)[..., None])[..., 0]  # (B, cells, L)
            each = each if how is None else each[~how.flatten(1)]
            assert prior.loss(IDS, codes, how).item() == pytest.approx(
                -each.mean().item(), rel=1e-5
            )


@pytest.mark.parametrize("with_source", [False, True])
def test_what_is_remembered_gives_the_same_logits(prior, with_source: bool) -> None:
    codes, source = grids(), grids(seed=1) if with_source else None
    flat = None if source is None else source.flatten(1, 2)
    with torch.no_grad():
        whole = prior(IDS, codes, source=source)
        prefix = prior.read(IDS, flat)
        for cell in range(prior.cells):
            hidden = prior.go_on(prefix, prior.next_shown(codes.flatten(1, 2), cell), keep=True)
            vectors = prior.look_up(codes.flatten(1, 2)[:, cell : cell + 1])
            for level in range(LEVELS):
                logits = prior.head.level(hidden, vectors[..., :level, :])
                torch.testing.assert_close(
                    logits[:, 0], whole[:, cell, level], atol=1e-5, rtol=1e-5
                )


def test_passes_over_all_places_remember_words_alone(prior) -> None:
    known = torch.zeros(2, ROWS, COLUMNS, dtype=torch.bool)
    known[:, 0] = True
    codes = grids()
    with torch.no_grad():
        prefix = prior.read(IDS)
        for _ in range(2):  # the second finds the memory as the first did
            shown = prior.shown(codes.flatten(1, 2), known.flatten(1))
            hidden = prior.go_on(prefix, shown, keep=False)
        logits = prior.head(hidden, prior.look_up(codes.flatten(1, 2)))
        torch.testing.assert_close(logits, prior(IDS, codes, known), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("how", [Drawing(), Drawing(guidance=2.5, top_p=0.8)])
def test_with_and_without_memory_the_same_picture_is_drawn(prior, how) -> None:
    drawn = [
        sample_raster(prior, IDS, how, generator=torch.Generator().manual_seed(3), cached=cached)
        for cached in (True, False)
    ]
    assert torch.equal(*drawn)
    assert drawn[0].shape == (2, ROWS, COLUMNS, LEVELS)
    assert drawn[0].unique().numel() > 5


def test_guidance_goes_from_no_text_to_the_text_and_beyond(prior) -> None:
    """The likeliest code of the first place, by the formula."""
    with torch.no_grad():
        first = torch.zeros(2, ROWS, COLUMNS, LEVELS, dtype=torch.int64)
        told, free = prior(IDS, first)[:, 0, 0], prior(no_text(2), first)[:, 0, 0]
    for scale in (0.0, 4.0, 50.0):
        drawn = sample_raster(prior, IDS, Drawing(guidance=scale, top_k=1))
        wanted = (free + scale * (told - free)).argmax(-1)
        assert torch.equal(drawn[:, 0, 0, 0], wanted)


def test_the_masked_sampler_keeps_what_it_shall_keep(prior) -> None:
    codes, where = grids(), torch.zeros(ROWS, COLUMNS, dtype=torch.bool)
    where[:, :2] = True
    for order in ("halton", "confidence"):
        drawn = sample_masked(
            prior, IDS, passes=3, order=order, kept=(codes, where),
            generator=torch.Generator().manual_seed(0),
        )  # fmt: skip
        assert torch.equal(drawn[:, :, :2], codes[:, :, :2])
        assert not torch.equal(drawn[:, :, 2:], codes[:, :, 2:])
        assert drawn.max() < CODES


def test_one_place_a_pass_draws_each_by_all_that_is_known(prior) -> None:
    """With as many passes as places, the likeliest codes follow from forward()."""
    drawn = sample_masked(prior, IDS, Drawing(top_k=1), passes=99)
    codes = torch.zeros(2, prior.cells, LEVELS, dtype=torch.int64)
    known = torch.zeros(2, prior.cells, dtype=torch.bool)
    counts = [still_masked(12, i, 12) for i in range(12)]
    turns = halton_order(ROWS, COLUMNS).tolist()
    with torch.no_grad():
        for left in counts:
            now = turns[int(known[0].sum()) : prior.cells - left]
            before = (codes.clone(), known.clone())
            for cell in now:
                for level in range(LEVELS):
                    grid = before[0].clone()
                    grid[:, cell] = codes[:, cell]
                    logits = prior(
                        IDS, grid.unflatten(1, (ROWS, COLUMNS)),
                        before[1].unflatten(1, (ROWS, COLUMNS)),
                    )  # fmt: skip
                    codes[:, cell, level] = logits[:, cell, level].argmax(-1)
            known[:, now] = True
    assert torch.equal(drawn.flatten(1, 2), codes)


def test_the_schedule_fills_little_first_and_everything_last() -> None:
    left = [still_masked(64, i, 10) for i in range(10)]
    filled = [a - b for a, b in zip([64, *left], left)]
    assert left[-1] == 0
    assert sum(filled) == 64
    assert sum(filled[:5]) < sum(filled[5:]) / 2
    assert min(filled) >= 1
    assert [still_masked(4, i, 2) for i in range(2)] == [2, 0]


def test_halton_spreads_its_first_places() -> None:
    assert [halton(i, 2) for i in range(4)] == [0.5, 0.25, 0.75, 0.125]
    assert halton(1, 3) == pytest.approx(2 / 3)
    order = halton_order(8, 8)
    assert sorted(order.tolist()) == list(range(64))
    first = torch.stack([order[:16] // 8, order[:16] % 8], 1)
    quarters = torch.bincount((first[:, 0] // 4) * 2 + first[:, 1] // 4, minlength=4)
    assert quarters.min() >= 3
    assert sorted(halton_order(2, 5).tolist()) == list(range(10))


def test_a_step_of_maskgit_by_hand() -> None:
    drawn = torch.tensor([[5, 6, 7, 8]])
    tokens = torch.tensor([[1, 0, 0, 0]])
    known = torch.tensor([[True, False, False, False]])
    sure = torch.tensor([[-9.0, -0.1, -2.0, -0.5]])
    tokens, known = maskgit_step(drawn, sure, tokens, known, 1)
    assert tokens.tolist() == [[1, 6, 0, 8]]
    assert known.tolist() == [[True, True, False, True]]
    tokens, known = maskgit_step(drawn, sure, tokens, known, 0)
    assert tokens.tolist() == [[1, 6, 7, 8]]
    again, same = maskgit_step(drawn + 1, sure, tokens, known, 2)
    assert torch.equal(again, tokens)
    assert same.all()


def test_it_starts_from_the_codes_vectors_and_is_saved(prior, tmp_path) -> None:
    torch.manual_seed(0)
    model = VQGAN(LEVELS, "vq", {"num_codes": CODES, "dim": 4}, widths=(8, 8), half_width=8)
    made = ResidualPrior(20, CODES, LEVELS, dim=4, grid=(2, 2), width=64, depth=1)
    made.start_from(model)
    books = torch.stack([model.quantizer.level(i).codebook for i in range(LEVELS)])
    torch.testing.assert_close(made.vectors, books / books.std())
    prior.save_pretrained(tmp_path)
    again = ResidualPrior.from_pretrained(tmp_path)
    with torch.no_grad():
        assert torch.equal(again(IDS, grids()), prior(IDS, grids()))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p: p(IDS, grids()[:, :2]), r"codes must be \(B, 3, 4, 3\)"),
        (lambda p: p(IDS, grids() + CODES), "were they made by a model with another codebook"),
        (lambda p: p(IDS.repeat(1, 30), grids()), "at most 128 fit"),
        (lambda p: sample_masked(p, IDS, order="spiral"), "choose halton or confidence"),
        (lambda p: sample_masked(p, IDS, passes=0), "passes is 0"),
        (
            lambda p: sample_masked(p, IDS, kept=(grids(), torch.zeros(4, 4, dtype=torch.bool))),
            r"a bool mask \(3, 4\)",
        ),
        (
            lambda p: sample_masked(p, IDS, kept=(grids(), torch.ones(ROWS, COLUMNS).bool())),
            "keeps every place",
        ),
        (lambda p: ResidualPrior(20, width=100), "multiple of 64, got 100"),
    ],
)
def test_what_does_not_fit_is_named(prior, call, words) -> None:
    with pytest.raises(ValueError, match=words):
        call(prior)
