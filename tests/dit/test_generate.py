"""Drawing: seeds, company, references, guidance, sizes, and bad input."""

import copy

import pytest
import torch
from PIL import Image

from mmcourse.diffusion.generate import Way, draw_texts
from mmcourse.dit import draw
from mmcourse.dit.generate import GUIDED, draw_heroes, encoder_of, steps_to_pictures, way_of
from mmcourse.hub import weights_hash

from .conftest import awake, small_dit

TEXTS = ["a red fox", "a blue owl"]
WAY = Way(steps=2, guidance=2.0, highest=1000.0, sampler="euler")


class Squeezed:
    """An autoencoder of pixels: three of four channels, as large as the latents."""

    def encode(self, x):
        small = torch.nn.functional.avg_pool2d(x, 16)
        return torch.cat([small, small[:, :1]], 1)

    def decode(self, z):
        return z[:, :3].clamp(-1, 1)


@pytest.fixture
def model():
    return awake(small_dit(tower="tower"))


class Blots:
    """An encoder of portraits: the mean colour, four times."""

    usual = torch.zeros(8)

    def __call__(self, x):
        return x.mean((2, 3)).repeat(1, 4)


def portraits(n=2):
    return torch.randn(n, 12, generator=torch.Generator().manual_seed(5))


def test_the_same_seed_draws_the_same_picture_in_any_company(model, reader):
    both = draw_heroes(model, Squeezed(), reader, TEXTS, portraits(), WAY, [7, 8])
    assert both.shape == (2, 8, 8, 3)
    again = draw_heroes(model, Squeezed(), reader, TEXTS[1:], portraits()[1:], WAY, [8])
    assert (both[1].int() - again[0].int()).abs().max() <= 1
    other = draw_heroes(model, Squeezed(), reader, TEXTS[1:], portraits()[1:], WAY, [9])
    assert (other[0].int() - again[0].int()).abs().max() > 10


def test_without_portraits_it_is_chapter_4_s_drawing(model, reader):
    ours = draw_heroes(model, Squeezed(), reader, TEXTS, None, WAY, [1, 2])
    theirs = draw_texts(model, Squeezed(), reader, TEXTS, WAY, [1, 2])
    assert torch.equal(ours, theirs)


def test_a_portrait_changes_the_picture_and_zeros_are_none(model, reader):
    bare = draw_heroes(model, Squeezed(), reader, TEXTS, None, WAY)
    shown = draw_heroes(model, Squeezed(), reader, TEXTS, portraits(), WAY)
    none = draw_heroes(model, Squeezed(), reader, TEXTS, 0 * portraits(), WAY)
    assert (bare.int() - none.int()).abs().max() <= 1
    assert (bare.int() - shown.int()).abs().max() > 3


@pytest.mark.parametrize("size", [(4, 4), (8, 16)])
def test_any_size(model, reader, size):
    steps = list(steps_to_pictures(model, reader, TEXTS, WAY, [0, 1], None, size))
    assert len(steps) == 2
    assert steps[-1].x.shape == (2, 4, *size)


def test_bad_input_is_one_clear_line(model, reader):
    with pytest.raises(ValueError, match="a patch of 2 does not divide 7 x 8"):
        steps_to_pictures(model, reader, TEXTS, WAY, [0, 1], None, (7, 8))
    with pytest.raises(ValueError, match="got 2 texts and 1 seeds"):
        steps_to_pictures(model, reader, TEXTS, WAY, [0])
    with pytest.raises(ValueError, match="got 2 texts, 1 references"):
        steps_to_pictures(model, reader, TEXTS, WAY, [0, 1], portraits(1))
    with pytest.raises(ValueError, match="trained on the words of joint other"):
        steps_to_pictures(awake(small_dit(tower="other")), reader, TEXTS, WAY, [0, 1])
    with pytest.raises(ValueError, match="1 to 1000"):
        steps_to_pictures(model, reader, TEXTS, way_of(model, steps=0), [0, 1])
    with pytest.raises(ValueError, match="quixotic"):
        steps_to_pictures(model, reader, ["a quixotic fox"], WAY, [0])


def test_a_condition_of_another_batch_and_words_of_another_width_are_refused(model, reader):
    cond = model.read(reader(TEXTS))
    with pytest.raises(ValueError, match="a condition of 2 rows cannot serve 3 pictures"):
        model(torch.zeros(3, 4, 8, 8), torch.zeros(3), cond)
    with pytest.raises(ValueError, match="takes words of width 16, the tower gives 32"):
        steps_to_pictures(awake(small_dit(words=16)), reader, TEXTS, WAY, [0, 1])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"steps": 0}, "steps is 0, expected a whole number, 1 to 1000"),
        ({"steps": 1001}, "steps is 1001, expected a whole number, 1 to 1000"),
        ({"guidance": float("nan")}, "guidance is nan, expected a number"),
        ({"guidance": float("inf")}, "guidance is inf, expected a number"),
    ],
)
def test_a_way_that_cannot_be_gone(model, asked, message):
    with pytest.raises(ValueError, match=message):
        way_of(model, **asked)


def test_weights_that_hold_no_numbers(model, reader):
    spoilt = awake(small_dit())
    spoilt.to_tokens.weight.data[0, 0] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinity at t = 1000"):
        draw_heroes(spoilt, Squeezed(), reader, TEXTS, None, WAY)


def test_each_name_draws_with_its_own_kind_of_weights(tmp_path):
    awake(small_dit()).save_pretrained(tmp_path / "slow")
    awake(small_dit(windows=4)).save_pretrained(tmp_path / "fast")
    with pytest.raises(ValueError, match=r"holds no student of few steps: draw with --model dit$"):
        draw.draw_fast(TEXTS, [0, 1], str(tmp_path / "slow"))
    with pytest.raises(ValueError, match="holds a student of 4 steps: draw with --model dit-fast"):
        draw.draw_captions(TEXTS, [0, 1], str(tmp_path / "fast"))


def test_its_own_way_or_what_is_asked_for(model):
    assert way_of(model) == GUIDED
    assert (way_of(model, 1.5, 5).guidance, way_of(model, 1.5, 5).steps) == (1.5, 5)


def test_a_portrait_s_file_is_cut_to_a_square(tmp_path):
    file = tmp_path / "hero.png"
    Image.new("RGB", (90, 64), (255, 0, 0)).save(file)
    found = draw.reference_of(file, Blots(), 3)
    assert found.shape == (3, 12)
    assert torch.allclose(found, torch.tensor([1.0, -1.0, -1.0]).repeat(3, 4))
    with pytest.raises(ValueError, match="there is no picture file"):
        draw.reference_of(tmp_path / "nobody.png", Blots())


def test_the_command_s_function_draws_with_the_model_s_companions(
    model, reader, tmp_path, monkeypatch
):
    student = tmp_path / "student"
    small = awake(small_dit(tower="tower", windows=4))
    small.save_pretrained(student)
    monkeypatch.setattr(draw, "companions", lambda model, device: (Squeezed(), reader))
    monkeypatch.setattr(draw, "encoder_of", lambda model, device: Blots())
    file = tmp_path / "hero.png"
    Image.new("RGB", (64, 64), (0, 255, 0)).save(file)
    bare = draw.draw_fast(TEXTS, [0, 1], str(student))
    shown = draw.draw_fast(TEXTS, [0, 1], str(student), reference=file)
    assert bare.shape == shown.shape == (2, 8, 8, 3)
    assert not torch.equal(bare, shown)
    with pytest.raises(ValueError, match="leave --guidance out"):
        draw.draw_fast(TEXTS, [0, 1], str(student), guidance=3.0)


def test_portraits_are_read_by_the_encoder_of_the_weights():
    assert encoder_of(small_dit(), "cpu").dim == 160
    assert encoder_of(small_dit(identity=weights_hash("identity")), "cpu").dim == 160
    with pytest.raises(ValueError, match="were shown vectors of identity another, here is"):
        encoder_of(small_dit(identity="another"), "cpu")


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (Way(steps=4, guidance=3.0), "guidance 3.0 on a student"),
        (Way(steps=4, guidance=1.0, likeness=2.0), "guidance 2.0 on a student"),
        (Way(steps=3, guidance=1.0), "3 steps for a student"),
    ],
)
def test_a_student_goes_its_own_way_alone(reader, way, said):
    student = awake(small_dit(windows=4))
    with pytest.raises(ValueError, match=said):
        draw_heroes(student, Squeezed(), reader, TEXTS, None, way)


def test_every_reference_belongs_to_a_text(model, reader):
    with pytest.raises(ValueError, match="got 2 texts, 3 references"):
        draw_heroes(model, Squeezed(), reader, TEXTS, portraits(3), WAY, batch=1)
    with pytest.raises(ValueError, match="batch is 0"):
        draw_heroes(model, Squeezed(), reader, TEXTS, None, WAY, batch=0)


def test_in_bfloat16_a_picture_is_drawn(model, reader):
    usual = draw_heroes(model, Squeezed(), reader, TEXTS, portraits(), WAY)
    rough = copy.deepcopy(model).bfloat16()
    drawn = draw_heroes(rough, Squeezed(), reader, TEXTS, portraits(), WAY)
    assert (drawn.int() - usual.int()).abs().float().mean() < 6
