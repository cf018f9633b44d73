"""How the prior is taught: lessons in turn, what is missing, what is dropped, exact resumption."""

import math

import pytest
import torch

from mmcourse.storyworld import Tokenizer
from mmcourse.vqgan.eye import Eye
from mmcourse.vqgan.features import Features
from mmcourse.vqgan.prior import ResidualPrior
from mmcourse.vqgan.prior_train import (
    LESSONS,
    Asked,
    Lessons,
    _batch,
    missing_places,
    optimisers_for,
    train_prior,
)

WORDS = ("a red fox", "a blue owl at night")


def codes(n: int = 6, seed: int = 0) -> torch.Tensor:
    dice = torch.Generator().manual_seed(seed)
    return torch.randint(7, (n, 2, 3, 2), generator=dice)


def lessons(**more) -> Lessons:
    return Lessons(codes(), lambda i, step: WORDS[i % 2], **more)


def small() -> ResidualPrior:
    torch.manual_seed(0)
    return ResidualPrior(len(Tokenizer()), 7, 2, dim=4, grid=(2, 3), width=64, depth=1)


RESTYLED = {"restyled": codes(4, 1), "style": lambda i: "neon"}


def test_lessons_come_in_turn_and_without_a_second_style_there_is_none() -> None:
    assert set(LESSONS) == {"raster", "masked", "style"}
    assert [lessons(**RESTYLED).lesson(i) for i in range(8)] == list(LESSONS)
    assert "style" not in {lessons().lesson(i) for i in range(8)}


def test_places_are_missing_as_often_as_in_the_passes() -> None:
    known = missing_places(4000, 64, torch.Generator().manual_seed(0))
    assert (~known).any(1).all()
    share = (~known).float().mean().item()
    assert share == pytest.approx(2 / math.pi, abs=0.02)  # the mean of a quarter of a cosine
    by_place = (~known).float().mean(0)
    assert (by_place - share).abs().max() < 0.04


def test_captions_are_dropped_by_sample_and_leave_no_word() -> None:
    many = Lessons(codes(400), lambda i, step: WORDS[i % 2], dropped=0.1)
    ids, _, source, _ = _batch(many, "raster", (0, 0), 400, (Tokenizer(), torch.Generator(), 0))
    gone = (ids[:, 2:] == 0).all(1)
    assert 20 <= gone.sum() <= 65
    assert (ids[gone][:, :2] == torch.tensor([1, 2])).all()
    assert (ids[~gone] != 0).sum(1).min() == 5
    assert source is None


def test_a_style_lesson_shows_the_picture_and_asks_for_its_other_style() -> None:
    given = lessons(**RESTYLED)
    ids, target, source, _ = _batch(given, "style", (0, 0), 4, (Tokenizer(), torch.Generator(), 0))
    assert Tokenizer().decode(ids) == ["neon"] * 4
    for a, b in zip(target, source):
        at = next(i for i in range(4) if torch.equal(RESTYLED["restyled"][i], a))
        assert torch.equal(b, codes()[at])


@pytest.mark.parametrize("killed", [1, 5])
def test_a_run_that_was_killed_ends_with_the_same_weights(killed, tmp_path) -> None:
    file = tmp_path / "run.pt"
    whole, cut, resumed = small(), small(), small()
    options = {"steps": 9, "batch_size": 3, "save_every": 2}
    list(train_prior(whole, lessons(**RESTYLED), **options))
    for m in train_prior(cut, lessons(**RESTYLED), **options, out=(file, 0)):
        if m["step"] == killed:
            break
    list(train_prior(resumed, lessons(**RESTYLED), **options, out=(file, 0)))
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_all_three_lessons_are_learnt_and_every_parameter_takes_part() -> None:
    prior = small()
    before = {k: v.clone() for k, v in prior.state_dict().items()}
    seen = list(
        train_prior(
            prior, lessons(**RESTYLED, dropped=0.0), steps=240, batch_size=6, lr=(5e-3, None)
        )
    )
    for lesson in ("raster", "masked", "style"):
        losses = [m[lesson] for m in seen if lesson in m]
        assert sum(losses[-5:]) < 0.5 * sum(losses[:5]), lesson
    still = {k for k, v in prior.state_dict().items() if torch.equal(v, before[k])}
    assert not still


def asked(reading: int) -> Lessons:
    """Every place of a picture looks like one of two places that the features network knows."""
    features = Features.from_pretrained("features")
    size = next(iter(features.heads.values())).weight.shape[1]
    some = 3 * torch.randn(2, 1, size, generator=torch.Generator().manual_seed(1))
    seen = some.repeat(3, 6, 1)
    told = {"restyled": codes(4, 1), "style": lambda i: "neon", "dropped": 0.0}
    return lessons(**told, seen=seen, eye=Eye(features, seen), reading=reading)


def test_a_run_begins_by_reading_and_places_are_asked_all_along() -> None:
    rows = list(train_prior(small(), asked(40), steps=60, batch_size=6, lr=(5e-3, None)))
    assert all(("reading" in m) == (m["step"] <= 40) for m in rows)
    assert rows[39]["missed"] < 0.2 * rows[0]["missed"]  # words alone tell which of the two it is
    later = rows[40:]
    assert all(("missed" in m) == ("style" not in m) for m in later)
    assert max(m["missed"] for m in later if "missed" in m) < 0.3 * rows[0]["missed"]


def test_in_reading_no_code_is_shown(monkeypatch) -> None:
    given = []
    look = ResidualPrior.look

    def noted(self, ids, codes, known=None, source=None):
        given.append(None if known is None else bool(known.any()))
        return look(self, ids, codes, known, source)

    monkeypatch.setattr(ResidualPrior, "look", noted)
    list(train_prior(small(), asked(8), steps=16, batch_size=3))
    assert given[:8] == [False] * 8
    assert None in given[8:]
    assert True in given[8:]


def test_muon_trains_the_matrices_of_the_blocks_and_nothing_twice() -> None:
    trained = Asked(small(), 5)
    names = {id(p): n for n, p in trained.named_parameters()}
    adam, muon = optimisers_for(trained, 1e-3, 2e-3)
    rest, matrices = (
        [names[id(p)] for group in o.param_groups for p in group["params"]] for o in (adam, muon)
    )
    assert sorted(rest + matrices) == sorted(names.values())
    assert all(".blocks." in n for n in matrices)
    assert len(matrices) == 4  # of one block
    assert len(optimisers_for(trained, 1e-3, None)) == 1


def test_a_loss_that_is_no_number_is_not_taken(monkeypatch) -> None:
    monkeypatch.setattr(ResidualPrior, "loss_of", lambda self, logits, *_: torch.nan * logits.sum())
    prior = small()
    before = [p.clone() for p in prior.parameters()]
    with pytest.raises(ValueError, match="the loss of step 1 is nan"):
        next(train_prior(prior, lessons(), steps=2, batch_size=2))
    assert all(torch.equal(a, b) for a, b in zip(before, prior.parameters()))
