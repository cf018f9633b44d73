"""What is left of the logits, and how it is drawn."""

import pytest
import torch

from mmcourse.vqgan.filters import Drawing, guided, top_k_filter, top_p_filter

LOGITS = torch.tensor([[0.5, 0.25, 0.15, 0.1], [0.1, 0.2, 0.3, 0.4]]).log()


def kept(logits: torch.Tensor) -> list[list[int]]:
    return [row.isfinite().nonzero()[:, 0].tolist() for row in logits]


@pytest.mark.parametrize(
    ("p", "first", "second"),
    [
        (0.2, [0], [3]),
        (0.5, [0], [2, 3]),  # exactly half is enough
        (0.51, [0, 1], [2, 3]),
        (0.75, [0, 1], [1, 2, 3]),
        (0.95, [0, 1, 2, 3], [0, 1, 2, 3]),
        (1.0, [0, 1, 2, 3], [0, 1, 2, 3]),
    ],
)
def test_top_p_keeps_the_fewest_that_reach_p(p, first, second) -> None:
    assert kept(top_p_filter(LOGITS.double(), p)) == [first, second]


def test_top_p_beside_transformers() -> None:
    from transformers.generation.logits_process import TopPLogitsWarper

    logits = torch.randn(7, 50, generator=torch.Generator().manual_seed(0)) * 3
    for p in (0.1, 0.5, 0.9):
        theirs = TopPLogitsWarper(p)(None, logits)
        assert torch.equal(top_p_filter(logits, p), theirs)


def test_top_k_keeps_k_and_equals_at_the_border() -> None:
    assert kept(top_k_filter(LOGITS, 2)) == [[0, 1], [2, 3]]
    assert kept(top_k_filter(torch.tensor([[1.0, 1.0, 1.0, 0.0]]), 2)) == [[0, 1, 2]]
    for k in (0, 4, 9):
        assert torch.equal(top_k_filter(LOGITS, k), LOGITS)


def test_guidance_of_1_is_off_and_of_0_forgets() -> None:
    told, free = torch.randn(3, 5), torch.randn(3, 5)
    torch.testing.assert_close(guided(told, free, 1.0), told)
    assert torch.equal(guided(told, free, 0.0), free)
    torch.testing.assert_close(guided(told, free, 3.0), told + 2 * (told - free))


def test_draws_follow_their_chances_and_their_seed() -> None:
    logits = LOGITS[:1].expand(4000, 4)
    drawn = Drawing().draw(logits, torch.Generator().manual_seed(0))
    share = torch.bincount(drawn, minlength=4) / 4000
    torch.testing.assert_close(share, torch.tensor([0.5, 0.25, 0.15, 0.1]), atol=0.03, rtol=0)
    again = Drawing().draw(logits, torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again)
    cold = Drawing(temperature=0.1).draw(logits, torch.Generator().manual_seed(0))
    assert (cold == 0).float().mean() > 0.99
    few = Drawing(top_p=0.7).draw(logits, torch.Generator().manual_seed(0))
    assert set(few.tolist()) == {0, 1}
    assert Drawing(top_k=1).draw(logits.view(2, 2000, 4)).shape == (2, 2000)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": 0.0}, "temperature must be above 0, got 0.0"),
        ({"temperature": float("nan")}, "temperature must be above 0"),
        ({"top_k": -1}, "k is -1"),
        ({"top_p": 0.0}, "p must be above 0 and at most 1, got 0.0"),
        ({"top_p": 1.5}, "at most 1"),
        ({"guidance": -1.0}, "guidance must be at least 0"),
    ],
)
def test_what_no_draw_can_follow_is_named(options, words) -> None:
    with pytest.raises(ValueError, match=words):
        Drawing(**options)
