"""Training: exact resumption, what a step sees, what is averaged, and that it learns."""

import dataclasses

import pytest
import torch

from mmcourse.diffusion import TextUNet, last, sample
from mmcourse.diffusion.schedule import FlowPath
from mmcourse.diffusion.train import Asked, Denoising, Plan, Told, held_out_error, train, weights
from mmcourse.diffusion.unet import PixelUNet
from mmcourse.storyworld import Character, Scene, caption
from mmcourse.vqgan.eye import ASKED, Eye
from mmcourse.vqgan.features import Features

from .conftest import awake, small_unet

PLAN = Plan(steps=5, batch_size=2, lr=3e-3, warmup=2, save_every=2)
TEXTS = ["a red fox", "a blue owl", "a green cat", "a red owl"]


def data(n=4):
    return torch.randn(n, 4, 8, 8, generator=torch.Generator().manual_seed(0))


def told(reader):
    return Told(lambda i, step: TEXTS[(i + step) % 4], reader)


def same(a, b):
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_a_run_killed_at_any_step_ends_with_the_same_weights(reader, tmp_path, killed_after):
    whole, broken, again = small_unet(), small_unet(), small_unet()
    rows = list(train(whole, data(), PLAN, told=told(reader), seed=3))
    file = tmp_path / "checkpoint.pt"
    loop = train(broken, data(), PLAN, told=told(reader), checkpoint=file, seed=3)
    for _ in range(killed_after):
        next(loop)
    loop.close()
    torch.rand(7)  # what else the process drew does not matter
    later = list(train(again, data(), PLAN, told=told(reader), checkpoint=file, seed=3))
    assert later == rows[2 * (killed_after // 2) :]
    assert same(again, whole)


def test_another_seed_is_another_run(reader):
    models = [small_unet(), small_unet(), small_unet()]
    for model, seed in zip(models, (0, 0, 1)):
        list(train(model, data(), PLAN, told=told(reader), seed=seed))
    assert same(models[0], models[1])
    assert not same(models[0], models[2])


def test_one_batch_is_learned_by_heart():
    """Two pictures: after a while the denoiser draws one of them from noise."""
    torch.manual_seed(0)
    model = PixelUNet(size=4, widths=(32,), looking=(), objective="flow", path="flow")
    pictures = torch.stack([torch.full((3, 4, 4), 0.8), torch.full((3, 4, 4), -0.8)])
    plan = Plan(steps=120, batch_size=8, lr=4e-3, warmup=5, decay=0.9)
    rows = list(train(model, pictures.repeat(4, 1, 1, 1), plan))
    assert rows[-1]["error"] < 0.5 * rows[0]["error"]
    assert not model.training
    x = torch.randn(6, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    out = last(sample(model, x, model.path.levels(12), objective="flow"))
    away = (out[:, None] - pictures).abs().mean((2, 3, 4)).min(1).values
    assert float(away.median()) < 0.3


def test_words_are_learned(reader):
    """Which of two opposite pictures it is, only the caption tells."""
    torch.manual_seed(0)
    model = small_unet(shape=(4, 4, 4), widths=(32,), looking=(0,))
    x0 = torch.stack([torch.ones(4, 4, 4), -torch.ones(4, 4, 4)]).repeat(4, 1, 1, 1)
    texts = ["a red fox", "a blue owl"] * 4
    plan = Plan(steps=80, batch_size=8, lr=2e-3, warmup=5, decay=0.9)
    list(train(model, x0, plan, told=Told(lambda i, step: texts[i], reader)))
    right, wrong = (
        held_out_error(model, x0, reader(told), times=(950.0,))[950.0]
        for told in (texts, texts[::-1])
    )
    assert right < 0.5 * wrong


def test_dropped_words_are_those_of_single_rows(reader, monkeypatch):
    seen = []
    read = TextUNet.read

    def noted(self, words, dropped=None):
        seen.append(None if dropped is None else dropped.tolist())
        return read(self, words, dropped)

    monkeypatch.setattr(TextUNet, "read", noted)
    plan = Plan(steps=8, batch_size=4, dropped=0.5)
    list(train(small_unet(), data(), plan, told=told(reader)))
    assert any(0 < sum(row) < 4 for row in seen)
    seen.clear()
    held_out_error(small_unet().eval(), data(), reader(TEXTS))
    assert set(seen) == {None}  # nothing is dropped when it is measured


def test_the_model_ends_with_its_averaged_weights(reader):
    plan = dataclasses.replace(PLAN, decay=0.9)
    model, last_state = small_unet(), {}
    for row in train(model, data(), plan, told=told(reader)):
        last_state = {k: v.clone() for k, v in model.state_dict().items()}
        assert row["step"] <= 5
    assert not all(torch.equal(v, last_state[k]) for k, v in model.state_dict().items())


def test_the_rate_rises_stays_and_falls():
    plan = Plan(steps=90, warmup=9, lr=2.0)
    rates = [plan.rate(step) for step in range(90)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:60] == [1.0] * 51
    assert rates[75] == pytest.approx(0.5)
    assert 0 < rates[89] < 0.05
    assert 0 < Plan(steps=1).rate(0) <= 1


def test_weights_are_those_of_the_levels_or_one():
    model = small_unet(objective="v", path="cosine")
    t = torch.tensor([0.0, 500.0, 990.0])
    assert weights(model, t, None).tolist() == [1, 1, 1]
    found = weights(model, t, 5.0)
    alpha, sigma = model.path.coefficients(t)
    assert found.tolist() == pytest.approx(
        [min(float(a / s) ** 2, 5) / (float(a / s) ** 2 + 1) for a, s in zip(alpha, sigma)],
        rel=1e-3,
    )


def test_the_error_is_that_of_the_target(reader):
    """A model that says 0 errs by the target itself: for flow, var(noise) + var(data)."""
    model = small_unet().eval()
    x0 = 2 * torch.randn(64, 4, 8, 8, generator=torch.Generator().manual_seed(5))
    found = held_out_error(model, x0, times=(100.0, 900.0))
    assert found[100.0] == pytest.approx(5.0, rel=0.05)
    assert found[100.0] == pytest.approx(found[900.0])


def test_times_reach_the_model_unscaled_and_noise_is_mixed_by_the_path(monkeypatch):
    """The model is told the time that its input was mixed with: the commonest mistake of all."""
    model, seen = small_unet(), []
    forward = TextUNet.forward

    def noted(self, x, t, cond=None):
        seen.append((x.detach().clone(), t.clone()))
        return forward(self, x, t, cond)

    monkeypatch.setattr(TextUNet, "forward", noted)
    flat = torch.zeros(2, 4, 8, 8)
    list(train(model, flat, Plan(steps=6, batch_size=2)))
    for x, t in seen:
        spread = x.flatten(1).std(1)  # of zeros with noise: sigma itself
        torch.testing.assert_close(spread, FlowPath().coefficients(t)[1], rtol=0.15, atol=0.02)
    assert torch.cat([t for _, t in seen]).max() > 300


def test_bfloat16_trains_and_its_masters_stay_float32(reader):
    model = small_unet()
    rows = list(train(model, data(), PLAN, told=told(reader), precision="bf16"))
    assert all(torch.isfinite(torch.tensor(row["loss"])) for row in rows)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_numbers_that_are_not_finite_stop_the_run(reader):
    broken = data()
    broken[1, 0, 0, 0] = float("nan")
    with pytest.raises(ValueError, match="data hold NaN"):
        next(train(small_unet(), broken, PLAN))
    model = awake(small_unet())
    with torch.no_grad():
        model.net.first.weight.fill_(float("inf"))
    with pytest.raises(ValueError, match="at step 1: lower the rate"):
        next(train(model, data(), PLAN))


def test_captions_of_scenes_are_read(reader):
    scene = Scene((Character("fox", "red", position="left"),))
    say = Told(lambda i, step: caption(scene, step), reader)
    rows = list(train(small_unet(), data(), Plan(steps=2, batch_size=2), told=say))
    assert [row["step"] for row in rows] == [1, 2]


@pytest.fixture(scope="module")
def asked():
    """Four pictures whose 16 places look like one of two places that `features` knows."""
    features = Features.from_pretrained("features")
    size = next(iter(features.heads.values())).weight.shape[1]
    some = 3 * torch.randn(2, 1, size, generator=torch.Generator().manual_seed(1))
    seen = some.repeat(2, 16, 1)
    return Asked(seen, Eye(features, seen))


def test_a_run_begins_by_reading_and_places_are_asked_all_along(reader, asked, monkeypatch):
    times = []
    forward = Denoising.forward

    def noted(self, x, t, *rest):
        times.append(t)
        return forward(self, x, t, *rest)

    monkeypatch.setattr(Denoising, "forward", noted)
    texts = ["a red fox", "a blue owl"] * 2
    say = Told(lambda i, step: texts[i], reader)
    plan = Plan(steps=60, batch_size=4, lr=4e-3, warmup=5, dropped=0.0, reading=50)
    rows = list(train(small_unet(shape=(4, 8, 8)), data(), plan, told=say, asked=asked))
    early, late = torch.cat(times[:50]), torch.cat(times[50:])
    assert early.min() > 900
    assert late.min() < 600
    assert rows[49]["missed"] < 0.2 * rows[0]["missed"]  # words alone tell which of the two it is
    assert all("missed" in row for row in rows)


def test_without_words_nothing_is_asked_of_them(reader, asked, monkeypatch):
    """Rows that lost their words teach no answers: of the layer that answers, nothing moves."""
    layers = []
    begin = Denoising.__init__

    def noted(self, *given):
        begin(self, *given)
        layers.append((self.guesses.bias, self.guesses.bias.detach().clone()))

    monkeypatch.setattr(Denoising, "__init__", noted)
    for dropped, still in ((1.0, True), (0.0, False)):
        plan = Plan(steps=2, batch_size=4, dropped=dropped, reading=2)
        list(train(small_unet(), data(), plan, told=told(reader), asked=asked))
        assert torch.equal(*layers[-1]) == still


def test_places_with_somebody_count_more(reader, asked):
    plan = Plan(steps=1, batch_size=4)
    weighed, plain = (
        next(train(small_unet(), data(), plan, told=told(reader), asked=who))
        for who in (asked, None)
    )
    assert weighed["error"] == pytest.approx(plain["error"], rel=1e-5)
    apart = weighed["loss"] - ASKED * weighed["missed"] - plain["loss"]
    assert abs(apart) > 1e-4  # the pictures have not equally much to show
    weights = asked.focus(torch.arange(4), data())
    assert weights.shape == (4, 1, 8, 8)
    assert float(weights.mean()) == pytest.approx(1, abs=1e-4)


def test_places_are_asked_at_the_finest_size_at_which_they_look():
    model = awake(small_unet(widths=(32, 32, 64), looking=(1, 2)))
    x, t = data(2), torch.tensor([100.0, 900.0])
    predicted, held = model.look(x, t)
    assert held.shape == (2, 16, model.holds)
    assert torch.equal(predicted, model(x, t))


@pytest.mark.parametrize(
    "data", [torch.zeros(2, 3, 16, 16, dtype=torch.uint8), torch.zeros(0, 3, 16, 16)]
)
def test_bytes_and_nothing_are_no_data(data):
    model = PixelUNet(16, widths=(8, 32), looking=(1,)).eval()
    for run in (lambda: next(train(model, data, Plan(1, 1))), lambda: held_out_error(model, data)):
        with pytest.raises(ValueError, match=r"expected floats|nothing to learn from"):
            run()


@pytest.mark.parametrize(
    "dropped", [torch.tensor([True]), torch.tensor([0, 1]), torch.zeros(2, 1) > 0]
)
def test_what_is_withheld_is_told_of_each_row(reader, dropped):
    with pytest.raises(ValueError, match=r"dropped must be bool \(2,\)"):
        small_unet().read(reader(["a red fox", "a blue owl"]), dropped)


@pytest.mark.parametrize(
    ("changed", "rows", "seed", "told"),
    [
        ({"batch_size": 1}, 4, 3, "batch_size was 2, now it is 1"),
        ({"lr": 1e-4}, 4, 3, "lr was 0.003"),
        ({}, 3, 3, "data was"),
        ({}, 4, 2, "seed was 3, now it is 2"),
    ],
)
def test_a_run_goes_on_with_what_it_was_begun_with(reader, tmp_path, changed, rows, seed, told):
    file, how = tmp_path / "checkpoint.pt", {"told": globals()["told"](reader)}
    list(train(small_unet(), data(), PLAN, checkpoint=file, seed=3, **how))
    plan = dataclasses.replace(PLAN, **changed)
    with pytest.raises(ValueError, match=told):
        next(train(small_unet(), data(rows), plan, checkpoint=file, seed=seed, **how))
