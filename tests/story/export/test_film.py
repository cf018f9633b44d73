"""The animated book, read back: times, sides, what moves, and the sound of a film."""

import io
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence
from stories import typed

from mmcourse.story.export import film as module
from mmcourse.story.export import look
from mmcourse.story.export.book import Page, Plate
from mmcourse.story.export.cards import LINES, SHORTEST, movement, spoken_in_cards, width, wrapped
from mmcourse.story.export.film import GIF, MP4, Card, drawn, encoder, film
from mmcourse.storyworld import Character, Interaction, Scene, render

SMALL = replace(GIF, side=64, drawn=64, text=32, n=3)
FILM = replace(MP4, side=64, drawn=32, text=32, n=3)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(module, "GIF", SMALL)
    monkeypatch.setattr(module, "MP4", FILM)


def frames_of(path):
    with Image.open(path) as found:
        return [(f.convert("RGB"), f.info["duration"]) for f in ImageSequence.Iterator(found)]


def test_a_gif_shows_cover_pages_and_gallery_and_pages_move(world_story, shelf, tmp_path):
    shares = []
    path = film(world_story, shelf, tmp_path / "a.gif", progress=shares.append)
    frames = frames_of(path)
    assert {f.size for f, _ in frames} == {(64, 96)}
    assert all(time % 10 == 0 and time > 0 for _, time in frames)
    assert len({f.tobytes() for f, _ in frames}) > 3 * 2
    assert shares == sorted(shares)
    assert shares[-1] == 1
    with Image.open(path) as found:
        assert found.info["loop"] == 0


def test_nothing_is_written_if_whoever_waits_stops_it(world_story, shelf, tmp_path):
    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        film(world_story, shelf, tmp_path / "a.gif", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_equal_neighbours_keep_their_time(tmp_path):
    same = Image.new("RGB", (64, 64), "#c04020")
    cards = [Card((same,), (), 1.0), Card((same,), (), 0.51), Card((same,) * 3, (), 2.0, True)]
    (tmp_path / "a.gif").write_bytes(module.gif(cards, SMALL))
    assert sum(time for _, time in frames_of(tmp_path / "a.gif")) == 3510


def test_a_gif_that_comes_out_otherwise_is_refused():
    out = io.BytesIO()
    Image.new("P", (8, 8)).save(out, "GIF", save_all=True, duration=15)
    with pytest.raises(ValueError, match="for 10 ms, not"):
        module._read_back_gif(out.getvalue(), (8, 8), 15)


FOX = Character("fox", "red", name="Pip")
OWL = Character("owl", "blue", position="left", name="Kit")


@pytest.mark.parametrize(
    ("scene", "again", "first"),
    [
        (Scene((replace(FOX, action="waving"),)), True, None),
        (Scene((FOX, OWL), interaction=Interaction("follow", "left", "middle")), False, None),
        (Scene((FOX,)), True, 0),
        (Scene((FOX,), time="sunset"), False, None),
    ],
)
def test_a_page_moves_as_its_scene_asks(scene, again, first):
    page = Page(1, 1, "x", None, scene.to_json())
    before = Page(0, 0, "y", None, replace(scene, time="day").to_json())
    pictures, repeats = movement(page, before, 4, 48)
    assert repeats is again
    assert len(pictures) == 4
    assert len({p.tobytes() for p in pictures}) >= 2
    if first is not None:
        assert pictures[first].tobytes() == render(scene, 48).tobytes()


def test_the_sun_stays_where_it_was_without_a_day_before():
    scene = Scene((FOX,), time="sunset")
    pictures, again = movement(Page(1, 1, "x", None, scene.to_json()), None, 3, 48)
    assert again
    assert pictures[0].tobytes() == render(scene, 48).tobytes()


def test_a_picture_without_a_scene_stands_still_and_whole():
    plate = Plate(Image.new("RGB", (40, 20), "#c04020"), "a")
    (picture,), again = movement(Page(1, 1, "x", plate), None, 4, 48)
    assert not again
    assert picture.getpixel((24, 24)) == (0xC0, 0x40, 0x20)
    assert picture.getpixel((24, 2)) == Image.new("RGB", (1, 1), look.DAY["paper"]).getpixel((0, 0))


@settings(max_examples=30, deadline=None)
@given(st.text(st.sampled_from("abcdef .!?\n\u4f60\u0416<"), max_size=120))
def test_lines_fit_and_hold_every_letter(text):
    lines = wrapped(text, look.TEXT, 10, 90)
    assert all(width(line, look.TEXT, 10) <= 90 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    cards = spoken_in_cards(text, None, 10, 90)
    assert all(len(lines) <= LINES and seconds >= SHORTEST for lines, seconds in cards)
    shown = "".join("".join(line for line in lines) for lines, _ in cards)
    assert "".join(shown.split()) == "".join(text.split())


def test_cards_last_as_long_as_their_sentences_are_spoken(narration, world_story):
    for node in world_story.path():
        recording = narration.recordings[node.id]
        cards = spoken_in_cards(node.text, recording, 10, 200)
        assert sum(seconds for _, seconds in cards) == pytest.approx(recording.seconds)


def test_words_are_on_the_paper_below_the_picture():
    card = Card((Image.new("RGB", (64, 64), "#c04020"),), ("A fox",), 1.0)
    frame = np.asarray(drawn(card, 0, replace(SMALL, side=256, text=40)).convert("L"), int)
    assert (frame[:256] == frame[0, 0]).all()
    assert frame[256:].min() < 120 < 240 < frame[256:].max()


needs_ffmpeg = pytest.mark.skipif(not encoder(), reason="no ffmpeg here")


@needs_ffmpeg
def test_a_film_has_even_sides_its_sound_and_its_length(world_story, shelf, narration, tmp_path):
    path = film(world_story, shelf, tmp_path / "a.mp4", narration)
    told = subprocess.run([encoder(), "-hide_banner", "-i", str(path)], capture_output=True,
                          text=True, check=False).stderr  # fmt: skip
    assert "h264" in told
    assert "64x96" in told
    assert "Audio: aac" in told
    spoken = sum(r.seconds for r in narration.recordings.values())
    hours, minutes, seconds = told.split("Duration: ")[1].split(",")[0].split(":")
    lasts = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    assert lasts == pytest.approx(3.0 + spoken + 4.0, abs=0.3)
    command = [encoder(), "-v", "error", "-i", str(path), "-f", "f32le", "-ar", "8000", "-ac", "1"]
    decoded = subprocess.run([*command, "-"], capture_output=True, check=True)
    sound = np.frombuffer(decoded.stdout, np.float32)
    assert np.abs(sound[:20000]).max() < 0.05  # silence under the cover
    assert np.abs(sound[24000:32000]).max() > 0.3


@needs_ffmpeg
@pytest.mark.parametrize("side", [63, 65])
def test_odd_sides_are_refused_and_nothing_is_left(side, library, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MP4", replace(FILM, side=side))
    with pytest.raises(ValueError, match="ffmpeg could not write the film"):
        film(typed(library, "T", "A text."), library, tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_no_ffmpeg_is_said_before_anything_is_drawn(library, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "encoder", lambda: "")
    with pytest.raises(ValueError, match=r"needs ffmpeg.*mmcourse\[film\].*\.gif"):
        film(typed(library, "T", "t"), library, tmp_path / "a.mp4")


def test_another_ending_is_refused(library, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.gif or \.mp4"):
        film(typed(library, "T", "t"), library, tmp_path / "a.avi")


def test_a_sunset_has_the_colours_of_its_evening():
    def sky(top, bottom):
        ramp = np.linspace(top, bottom, 320)[:, None].repeat(320, 1)
        return Image.fromarray(ramp.round().astype(np.uint8))

    day, evening = sky((90, 180, 240), (220, 240, 250)), sky((110, 90, 160), (250, 150, 110))
    between = [Image.blend(day, evening, i / 5) for i in range(6)]
    shown = module.gif([Card(tuple(between), ("It was evening.",), 3.0)], GIF)
    with Image.open(io.BytesIO(shown)) as file:
        file.seek(file.n_frames - 1)
        last = np.asarray(file.convert("RGB").crop((0, 0, 320, 320)), float)
    assert np.abs(last - np.asarray(evening, float)).max() <= 8
