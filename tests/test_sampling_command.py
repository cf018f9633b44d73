"""`mmcourse sample`: how a sentence is read, what is written, and what is refused in one line."""

import sys

import pytest
import torch
from PIL import Image

from mmcourse import cli, sampling_command
from mmcourse.sampling_command import DRAWERS, drawer, in_the_worlds_words
from mmcourse.storyworld import Tokenizer, caption, sample_scene
from mmcourse.storyworld.language.parse import read
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.vqgan.sample import TOLD
from mmcourse.vqvae import VQVAE, CodePrior
from mmcourse.vqvae.draw import draw_captions


@pytest.fixture
def mmcourse(monkeypatch, capsys, tmp_path):
    """Run the command line in an empty folder: (exit status, what it printed, its errors)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mmcourse", *map(str, arguments)])
        status = 0
        try:
            cli.main()
        except SystemExit as stop:
            status = stop.code or 0
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def brush(monkeypatch):
    """A model that draws nothing, and remembers what it was asked."""
    asked = []

    def draw(texts, seeds, weights, guidance, steps):
        asked.append((texts, seeds, weights, guidance, steps))
        return torch.full((1, 8, 8, 3), 200, dtype=torch.uint8)

    monkeypatch.setattr(sampling_command, "drawer", lambda model: drawer(model) and draw)
    return asked


def test_everyday_words_are_read_as_the_worlds_and_it_says_so(mmcourse, brush, tmp_path):
    status, out, err = mmcourse("sample", "A red puppy at the seaside", "--brief", "--out", "x.png")
    assert (status, err) == (0, "")
    assert '"puppy" is read as "fox"' in out
    assert '"at the seaside" is read as "on the beach"' in out
    ((text,), seeds, weights, guidance, steps) = brush[0]
    assert text == "a red fox on the beach"
    assert f'Drawn: "{text}".' in out
    assert (seeds, weights, guidance, steps) == ([0], None, None, None)
    picture = Image.open(tmp_path / "x.png")
    assert picture.size == (8, 8)
    assert picture.getpixel((3, 3)) == (200, 200, 200)


def test_what_a_sentence_leaves_open_is_said_by_dice(mmcourse, brush):
    texts = []
    for seed in (1, 1, 2):
        status, out, _ = mmcourse("sample", "a red puppy at the seaside", "--seed", seed)
        assert status == 0
        texts.append(brush[-1][0][0])
        assert f'Completed by dice: "{texts[-1]}".' in out
    assert texts[0] == texts[1] != texts[2]
    for text in texts:
        said = {value for _, _, value in read(text).facts}
        assert {"red", "fox", "beach"} <= said
        assert said & set(v.MOODS)
        assert said & set(v.WEATHERS)


def test_a_complete_sentence_is_drawn_as_it_stands(mmcourse, brush):
    told = caption(sample_scene("test", 3), key=2)
    status, out, _ = mmcourse("sample", told)
    assert status == 0
    assert brush == [([told], [0], None, None, None)]
    assert "dice" not in out


def test_options_reach_the_model(mmcourse, brush):
    options = ("--brief", "--model", "vqvae-prior", "--seed", 7, "--weights", "there")
    options += ("--guidance", 1.5)
    status, out, _ = mmcourse("sample", "a red fox on the beach", *options, "--steps", 9)
    assert status == 0
    assert 'Read as it stands: "a red fox on the beach".' in out
    assert "sample.png: vqvae-prior, seed 7" in out
    assert brush == [(["a red fox on the beach"], [7], "there", 1.5, 9)]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["a red dragonfish"], '"dragonfish" does not exist in StoryWorld'),
        ([""], "nothing that a picture could show"),
        (["  "], "nothing that a picture could show"),
        (["a red fox", "--model", "dalle"], "'dalle' draws no sentences; choose one of"),
        (["a red fox", "--out", "x.jpg"], "x.jpg is no PNG"),
        (["a red fox", "--seed", "-1"], "seed is -1"),
        (["a red fox", "--weights", "nowhere"], "'nowhere'"),
        (["a red fox " * 60, "--model", "vqvae-prior"], "shorten it"),
        (["a red fox", "--model", "vqvae-prior", "--steps", "4"], "leave steps out"),
        (["a red fox " * 60, "--model", "prior"], "shorten it"),
        (["a red fox", "--model", "prior", "--steps", "4"], "leave steps out"),
    ],
)
def test_what_cannot_be_drawn_is_one_line_and_leaves_no_file(mmcourse, tmp_path, arguments, named):
    status, _, err = mmcourse("sample", *arguments)
    assert status == 2
    assert err.startswith("mmcourse: ")
    assert err.count("\n") == 1
    assert named in err
    assert not list(tmp_path.iterdir())


def test_every_drawer_is_there():
    assert {"vqvae-prior", "prior", "text-unet", "dit"} <= set(DRAWERS)
    for name in DRAWERS:
        assert callable(drawer(name))


def test_a_sentence_as_the_world_says_it_needs_no_telling():
    assert in_the_worlds_words("a red fox on the beach") == ("a red fox on the beach", "")


def test_the_prior_draws_by_seed(monkeypatch):
    torch.manual_seed(0)
    prior = CodePrior(len(Tokenizer()), 16, 256, dim=16, depth=1, heads=2).eval()
    model = VQVAE("vq", {"num_codes": 16, "dim": 4}, width=16, depth=1).eval()
    monkeypatch.setattr(CodePrior, "from_pretrained", lambda *a, **k: prior)
    monkeypatch.setattr(VQVAE, "from_pretrained", lambda *a, **k: model)
    a, b = (draw_captions(["a red fox"], [seed]) for seed in (1, 2))
    assert a.shape == (1, 64, 64, 3)
    assert not torch.equal(a, b)
    assert torch.equal(a, draw_captions(["a red fox"], [1]))


def test_the_picture_prior_is_guided_as_asked_and_draws_by_seed(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "mmcourse.vqgan.draw.sample_raster",
        lambda prior, ids, how, generator: (
            asked.append((how.guidance, generator.initial_seed()))
            or torch.zeros(1, 8, 8, 4, dtype=torch.int64)
        ),
    )
    draw = drawer("prior")
    assert draw(["a red fox", "a blue owl"], [3, 4]).shape == (2, 64, 64, 3)
    draw(["a red fox"], [5], guidance=1.5)
    assert asked == [(TOLD.guidance, 3), (TOLD.guidance, 4), (1.5, 5)]
