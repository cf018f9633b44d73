"""Read aloud: sentences, times of words, recordings made once, and the voices that are here."""

import io
import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcourse.story import steps, voices
from mmcourse.story.abilities import Credit, SpeakRequest, Spoken, SpokenWord
from mmcourse.story.backends.fake import fake_backend
from mmcourse.story.backends.parts import Parts
from mmcourse.story.narration import (
    Narration,
    Recording,
    Recordings,
    guard,
    joined,
    narrate,
    record,
    sentences,
    voiced,
    word_times,
)
from mmcourse.story.story import Node, Story
from mmcourse.story.team import Team

TEXT = 'Pip had 3.5 apples. "Where?" asked Momo. Nobody knew!\n\nThe end'


def test_sentences_end_where_a_reader_would_breathe():
    assert [TEXT[a:b] for a, b in sentences(TEXT)] == [
        "Pip had 3.5 apples.",
        '"Where?" asked Momo.',
        "Nobody knew!",
        "The end",
    ]


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("aB .!?\n\"'\u2026\t"), max_size=40))
def test_sentences_hold_every_word_once_and_in_order(text):
    found = sentences(text)
    assert [w for a, b in found for w in text[a:b].split()] == text.split()
    assert all(text[a:b] == text[a:b].strip() for a, b in found)
    assert all(b <= c for (_, b), (c, _) in pairwise(found))


def test_words_fill_the_sentence_and_longer_ones_take_longer():
    text = "I saw elephants, and went"
    words = word_times(text, (0, len(text)), (0.5, 2.5))
    assert [text[w.start : w.end] for w in words] == text.split()
    assert (words[0].begins, words[-1].ends) == (0.5, 2.5)
    assert all(a.ends == b.begins for a, b in pairwise(words))
    length = {text[w.start : w.end]: w.ends - w.begins for w in words}
    assert length["elephants,"] > length["went"] > length["I"]
    assert word_times("  ", (0, 2), (0, 1)) == ()


def test_where_a_sound_begins_and_ends():
    sound = np.zeros(1000, np.float32)
    sound[200:700] = 0.5
    assert voiced(sound, 1000) == (0.2, 0.7)
    assert voiced(np.zeros(1000, np.float32), 1000) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros((2, 500)), 8000, "one row"),
        (np.zeros(99), 8000, "99 samples, fewer than 100"),
        (np.zeros(0), 8000, "0 samples"),
        (np.full(200, np.nan), 8000, "NaN or infinity"),
        (np.full(200, np.inf), 8000, "NaN or infinity"),
        (np.zeros(200), 0, "4,000 to 192,000"),
    ],
)
def test_what_cannot_be_played_is_refused(samples, rate, message):
    with pytest.raises(ValueError, match=message):
        guard(samples, rate, "the voice")
    with pytest.raises(ValueError, match=message):
        joined([Spoken(samples, rate)])


def test_what_is_too_loud_is_clipped():
    assert np.abs(guard(np.full(200, 3.0), 8000, "it")).max() == 1


def test_stretches_follow_each_other_without_a_gap():
    *stretches, last = fake_backend().ability("narrator").speak(SpeakRequest("One two. Three four"))
    whole = joined([*stretches, last])
    assert whole.cuts[0].begins == 0
    assert whole.cuts[0].ends == whole.cuts[1].begins
    assert whole.cuts[-1].ends == whole.seconds
    assert [w.begins for w in whole.words] == sorted(w.begins for w in whole.words)
    with pytest.raises(ValueError, match="changed its rate"):
        joined([*stretches, replace(last, rate=9000)])
    with pytest.raises(ValueError, match="said nothing"):
        joined([])


def test_mp3_has_the_same_bytes_each_time_and_keeps_the_length():
    sound = np.sin(np.arange(5001) / 9).astype(np.float32)
    made = Recording(sound, 24000)
    assert made.mp3() == made.mp3()
    samples, rate = soundfile.read(io.BytesIO(made.mp3()))
    assert (len(samples), rate) == (5001, 24000)
    assert soundfile.info(io.BytesIO(made.mp3())).format == "MP3"


@pytest.mark.parametrize("in_files", [False, True])
def test_a_text_is_spoken_once(in_files, tmp_path):
    parts, folder = fake_backend(), tmp_path if in_files else None
    credit, asked = Credit("narrator", "fake", "1"), SpeakRequest("One two. Three")
    kept = Recordings(folder)
    *_, first = record(parts.ability("narrator"), credit, asked, kept)
    silent = Parts("x", "x", {"narrator": ("1", lambda: pytest.fail("it spoke again"))})
    again = Recordings(folder) if in_files else kept
    (second,) = record(silent, credit, asked, again)
    assert np.array_equal(first.samples, second.samples)
    assert (first.words, first.cuts, first.rate) == (second.words, second.cuts, second.rate)
    for other in (replace(asked, text="Four"), replace(asked, pace=1.5), replace(asked, seed=1)):
        *_, third = record(parts.ability("narrator"), credit, other, again)
        assert third is not second


def test_a_damaged_recording_is_made_again(tmp_path):
    credit, asked = Credit("narrator", "fake", "1"), SpeakRequest("One two")
    speak = fake_backend().ability("narrator")
    list(record(speak, credit, asked, Recordings(tmp_path)))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:50])
    *_, made = record(speak, credit, asked, Recordings(tmp_path))
    assert made.seconds > 0


def a_story(library, *texts):
    story, parent = library.begin(Story("", "T")), None
    for text in texts:
        story = library.add(story, steps.scene(Node(0, parent, (text,))))
        parent = story.current
    return story


def test_a_story_is_read_scene_by_scene_and_can_be_stopped(library, team):
    story = a_story(library, "One. Two.", "Three.", " ")
    *shares, told = narrate(story, team)
    assert shares == sorted(shares)
    assert isinstance(told, Narration)
    assert set(told.recordings) == {n.id for n in story.path()[:2]}
    kept = Recordings()
    stopped = narrate(story, team, kept)
    next(stopped)
    stopped.close()
    assert not kept._kept


def test_a_recording_of_another_text_is_not_used(library, team):
    story = a_story(library, "One two three four.")
    *_, told = narrate(story, team)
    scene = story.current
    assert told.of(scene, "One two three four.") is not None
    assert told.of(scene, "One.") is None
    assert told.of(99, "One") is None


def test_nothing_to_say_and_nobody_to_say_it(library, team):
    with pytest.raises(ValueError, match="no words yet"):
        list(narrate(a_story(library, " "), team))
    with pytest.raises(ValueError, match=r"nobody here is a narrator.*mmcourse\[narration\]"):
        list(
            narrate(
                a_story(library, "A"), Team([Parts("x", "x", {}, {"narrator": voices.MISSING})])
            )
        )


# -- the voices that are here --------------------------------------------------------------------


def narrators():
    yield pytest.param(voices.Hibari, id="hibari")
    for program in voices.PROGRAMS:
        absent = pytest.mark.skipif(not shutil.which(program), reason=f"no {program} here")
        yield pytest.param(lambda p=program: voices.Program(p), id=program, marks=absent)


@pytest.mark.parametrize("make", list(narrators()))
def test_a_voice_speaks_each_sentence_the_same_way_each_time(make):
    voice, asked = make(), SpeakRequest('A fox. -o /x "Привет" <b>!</b> [a](/b/) ; ls', seed=3)
    stretches = list(voice.speak(asked))
    assert len(stretches) == len(sentences(asked.text))
    again = joined(list(voice.speak(asked)))
    whole = joined(stretches)
    assert np.array_equal(whole.samples, again.samples)
    assert 0.5 < whole.seconds < 30
    assert np.abs(whole.samples).max() > 0.05
    assert [asked.text[w.start : w.end] for w in whole.words] == asked.text.split()
    slow = joined(list(voice.speak(replace(asked, pace=0.6))))
    assert slow.seconds > 1.2 * whole.seconds


def test_what_a_voice_cannot_say_is_silence():
    spoken = voices.stretch("Привет", (0, 6), np.zeros(0, np.float32), 24000, len)
    assert len(spoken.samples) == round(voices.SILENCE * 24000)
    assert spoken.words == (SpokenWord(0, 6, 0.0, voices.SILENCE),)


@pytest.mark.parametrize("pace", [0.1, 3, float("nan")])
def test_a_pace_that_nobody_speaks_is_refused(pace):
    with pytest.raises(ValueError, match=r"pace must be 0\.5 to 2\.0"):
        voices.pace_of(SpeakRequest("a", pace))


def test_the_best_voice_that_is_there_is_taken(monkeypatch):
    assert voices.voice().name == "hibari"
    monkeypatch.setattr(voices, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: "/x" if name == "espeak-ng" else None)
    assert voices.voice().name == "espeak-ng"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not voices.voice().offers()
    assert "pip install" in voices.voice().lacks()["narrator"]
