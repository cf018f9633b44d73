"""How sure the judge may be, and what is too strange to read: calibrated as the papers say."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmcourse.storyworld import sample_scene
from mmcourse.storyworld.judge.measure import calibrate, expected_calibration_error
from mmcourse.storyworld.judge.network import Judge, Sight
from mmcourse.storyworld.judge.reading import FIELDS, targets

MODULE = "mmcourse.storyworld.judge.measure"


def tiny(seed=0):
    torch.manual_seed(seed)
    return Judge(channels=(8, 8, 16, 16), glances=1, identity=8).eval()


class ByHeart(nn.Module):
    """Says what it was told to say of the pictures that it is shown, one after the other."""

    def __init__(self, logits, identities=None, summary=None):
        super().__init__()
        n = len(next(iter(logits.values())))
        self.logits, self.shown, self.sizes = logits, 0, []
        self.identities = torch.zeros(n, 3, 4) if identities is None else identities
        self.summary = torch.zeros(n, 4) if summary is None else summary
        self.register_buffer("temperature", torch.ones(len(FIELDS)))

    def forward(self, pixels):
        at = slice(self.shown, self.shown + len(pixels))
        self.shown += len(pixels)
        self.sizes += [pixels.shape[-1]] * len(pixels)
        logits = {f: x[at] for f, x in self.logits.items()}
        return Sight(logits, self.identities[at], torch.zeros(0), self.summary[at])


def logits_of(rows, sure=10.0):
    """(N, values) for each field, from (N, F) indices; -1 is answered too, as a model would."""
    rows = torch.tensor(rows)
    return {
        f: sure * F.one_hot(rows[:, i].clamp(min=0), len(x)).float()
        for i, (f, x) in enumerate(FIELDS.items())
    }


@pytest.fixture(autouse=True, scope="module")
def undrawn():
    """Blank pictures, since nobody looks at them here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            f"{MODULE}.render_bytes",
            lambda scenes, size: torch.zeros(len(scenes), size, size, 3, dtype=torch.uint8),
        )
        yield


def test_calibration_error_in_closed_form():
    def error(sure, right):
        return expected_calibration_error(torch.tensor(sure), torch.tensor(right))

    assert error([1.0] * 10, [True, False] * 5) == pytest.approx(0.5)
    assert error([1.0] * 4, [True] * 4) == 0
    assert error([0.0] * 4, [True] * 4) == pytest.approx(1)
    honest = [0.8] * 10 + [0.6] * 10
    assert error(honest, [True] * 8 + [False] * 2 + [True] * 6 + [False] * 4) == pytest.approx(
        0, abs=1e-6
    )
    # A gap of 0.9 in three of four, of 0.7 in the last.
    assert error([0.9, 0.9, 0.9, 0.3], [False, False, False, True]) == pytest.approx(0.85)
    # What is too much in one bin does not make up for what is too little in another.
    assert error(
        [0.95] * 10 + [0.55] * 10, [True] * 8 + [False] * 2 + [True] * 7 + [False] * 3
    ) == (pytest.approx(0.15))


N = 120


@pytest.fixture(scope="module")
def calibrated(undrawn):
    """A judge that was calibrated on answers half known and half guessed, and what it said."""
    asked = []
    torch.manual_seed(0)
    truth = torch.tensor([targets(sample_scene("val", i)) for i in range(N)])
    logits = {f: 2 * torch.randn(N, len(x)) for f, x in FIELDS.items()}
    for f, rows in logits_of(truth.tolist(), sure=3.0).items():
        logits[f] += rows
    says = ByHeart(logits, torch.zeros(N, 3, 8), torch.randn(N, 16) @ torch.randn(16, 16))
    model = tiny()
    model.forward = says.forward
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            f"{MODULE}.sample_scene", lambda *key: asked.append(key) or sample_scene(*key)
        )
        calibrate(model, N)
    return SimpleNamespace(
        model=model, logits=logits, truth=truth, summary=says.summary, sizes=says.sizes, asked=asked
    )


def test_it_is_calibrated_on_val_at_both_sizes(calibrated):
    assert calibrated.asked == [("val", i, 0) for i in range(N)]
    assert calibrated.sizes == [64] * (N // 2) + [128] * (N // 2)


def test_a_temperature_fits_its_field_best_of_all_on_the_grid(calibrated):
    grid = torch.linspace(-0.7, 1.6, 47).exp()
    chosen = set()
    for i, f in enumerate(FIELDS):
        rows = [
            (calibrated.logits[f][b].double(), int(t)) for b, t in enumerate(calibrated.truth[:, i])
        ]
        losses = [
            np.mean([(-(x / t).log_softmax(0)[y]).item() for x, y in rows if y >= 0])
            for t in grid.double()
        ]
        best = int(np.argmin(losses))
        assert calibrated.model.temperature[i].item() == pytest.approx(grid[best].item()), f
        chosen.add(best)
    assert len(chosen) > 5
    assert not chosen & {0, 46}, "the grid is too narrow for this test"


def test_a_field_that_was_never_asked_keeps_its_temperature(monkeypatch):
    alone = [s for s in (sample_scene("val", i) for i in range(40)) if len(s.characters) == 1][:12]
    monkeypatch.setattr(f"{MODULE}.sample_scene", lambda split, i, seed: alone[i])
    logits = {f: torch.randn(12, len(x)) for f, x in FIELDS.items()}
    model = tiny()
    model.temperature.fill_(3.0)
    model.forward = ByHeart(logits, torch.zeros(12, 3, 8), torch.randn(12, 16)).forward
    calibrate(model, 12)
    found = dict(zip(FIELDS, model.temperature.tolist(), strict=True))
    assert (found["scene.by"], found["scene.to"]) == (1.0, 1.0)
    assert model.temperature.isfinite().all()


def test_what_is_usual_is_where_the_pictures_lie(calibrated):
    rows = calibrated.summary.double().numpy()
    spread = np.cov(rows.T)
    model = calibrated.model
    np.testing.assert_allclose(model.centre.numpy(), rows.mean(0), rtol=1e-4, atol=1e-5)
    away = model.unusual(calibrated.summary).double().numpy()
    ridge = 3e-3 * np.diag(spread).mean() * np.eye(16)
    apart = rows - rows.mean(0)
    expected = (apart * np.linalg.solve(spread + ridge, apart.T).T).sum(1)
    np.testing.assert_allclose(away, expected, rtol=1e-2)
    assert away.mean() == pytest.approx(16, rel=0.2), "a distance of so many dimensions"


def test_three_pictures_in_a_thousand_are_too_strange(calibrated):
    model, means = calibrated.model, []
    for b in range(N):
        rows = zip(FIELDS, model.temperature, calibrated.truth[b], strict=True)
        sure = [(calibrated.logits[f][b] / t).softmax(0).max().item() for f, t, y in rows if y >= 0]
        means.append(np.mean(sure))
    away = model.unusual(calibrated.summary).double().numpy()
    strange = np.log(away) + 0.05 * np.log(1 - np.array(means) + 1e-4)
    assert model.strangest.item() == pytest.approx(np.quantile(strange, 0.997), rel=1e-3)


def test_calibrating_twice_changes_nothing():
    model, state = tiny(), []
    for _ in range(2):
        torch.manual_seed(1)
        logits = {f: torch.randn(20, len(x)) for f, x in FIELDS.items()}
        model.forward = ByHeart(logits, torch.zeros(20, 3, 8), torch.randn(20, 16)).forward
        calibrate(model, 20)
        state.append({name: value.clone() for name, value in model.named_buffers()})
        assert not model.training
    for name, value in state[0].items():
        assert torch.equal(value, state[1][name]), name
        assert not torch.equal(value, tiny().get_buffer(name)), f"{name} was not filled"
