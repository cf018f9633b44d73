"""Stories in a file: nothing is lost, nothing is overwritten, nobody sees another's."""

import sqlite3
import threading

import numpy as np
import pytest
from PIL import Image

from mmcourse.story import database, preferences
from mmcourse.story.abilities import Credit, Extracted
from mmcourse.story.facts import Fact
from mmcourse.story.library import Library
from mmcourse.story.pixels import picture_hash, to_png
from mmcourse.story.search import search_words
from mmcourse.story.steps import choose, draw, edit, go, mark, scene
from mmcourse.story.story import Node, Picture, Settings, Story
from mmcourse.story.vectors import embedding, keep_embeddings

ME = Credit("writer", "fake")


def begin(library, reader="", title="A title"):
    return library.begin(Story("", title, settings=Settings(every=2)), reader=reader)


def add(library, story, text, parent=None, mood="happy"):
    node = Node(0, parent, (text,), facts=(Fact("Pip", "mood", mood),))
    return library.add(story, scene(node))


def a_picture(colour="red"):
    png = to_png(Image.new("RGB", (16, 16), colour))
    return png, Picture(picture_hash(png), "a fox", 1, (16, 16), "flat", ME)


def test_a_story_comes_back_as_it_was(library):
    story = begin(library)
    story = add(library, story, "One.")
    story = add(library, story, "Two.", story.current, "sad")
    again = library.open(story.id)
    assert again == story
    assert again.settings.every == 2
    assert again.state().mood("Pip") == "sad"
    assert [n.text for n in again.path()] == ["One.", "Two."]


def test_undo_and_redo_move_a_pointer_and_keep_all_steps(library):
    one = add(library, begin(library), "One.")
    two = add(library, one, "Two.", one.current)
    assert library.can_undo(two)
    assert not library.can_redo(two)
    back = library.undo(two)
    assert back == one
    assert library.open(one.id) == one
    assert library.redo(back) == two
    other = add(library, library.undo(two), "Three.", one.current)
    assert [n.text for n in other.path()] == ["One.", "Three."]
    assert not library.can_redo(other)
    assert len(library.steps(one.id)) == 4
    assert [s.parent for s in library.steps(one.id)] == [0, 1, 2, 2]


def test_several_steps_are_undone_and_done_again_in_order(library):
    stories = [begin(library)]
    for i in range(4):
        stories.append(add(library, stories[-1], f"{i}.", stories[-1].current or None))
    at = stories[-1]
    for expected in stories[-2::-1]:
        at = library.undo(at)
        assert at == expected
    with pytest.raises(ValueError, match="nothing to undo"):
        library.undo(at)
    for expected in stories[1:]:
        at = library.redo(at)
        assert at == expected
    with pytest.raises(ValueError, match="nothing to redo"):
        library.redo(at)


def test_every_change_keeps_what_was(library):
    story = add(library, begin(library), "One.")
    here = story.current
    png, picture = a_picture()
    story = library.add(story, draw({here: picture}), [png])
    png2, picture2 = a_picture("blue")
    story = library.add(story, draw({here: picture2}, "neon"), [png2])
    facts = (Fact("Pip", "mood", "angry"),)
    story = library.add(story, edit(here, "Uno.", facts, Extracted(), ME))
    story = library.add(story, mark(here, "lovely"))
    story = library.add(story, choose(title="Other", tone="calm"))
    node = story.node(here)
    assert node.texts == ("One.", "Uno.")
    assert [p.hash for p in node.pictures] == [picture.hash, picture2.hash]
    assert node.facts == (Fact("Pip", "mood", "angry", here),)
    assert (node.marked, story.style, story.title, story.tone) == (
        "lovely",
        "neon",
        "Other",
        "calm",
    )
    assert library.png(picture.hash) == png
    assert np.asarray(library.picture(picture2.hash))[0, 0].tolist() == [0, 0, 255]
    assert library.open(story.id) == story
    assert library.add(story, mark(here, None)).node(here).marked is None


def test_branches_grow_from_any_scene(library):
    story = add(library, begin(library), "One.")
    first = story.current
    story = add(library, story, "Two.", first)
    story = library.add(story, go(first))
    story = add(library, story, "Other two.", first)
    assert [n.text for n in story.path()] == ["One.", "Other two."]
    assert [n.text for n in story.children(first)] == ["Two.", "Other two."]


def test_a_step_that_does_not_fit_changes_nothing(library):
    story = add(library, begin(library), "One.")
    png, picture = a_picture()
    for change, message in (
        (draw({77: picture}), "no scene 77"),
        (go(77), "no scene 77"),
        (("dance", {}), "does not exist"),
        (choose(hat="red"), "cannot choose 'hat'"),
    ):
        with pytest.raises(ValueError, match=message):
            library.add(story, change, [png])
    assert library.open(story.id) == story
    assert len(library.steps(story.id)) == 2
    with pytest.raises(ValueError, match="no picture"):
        library.png(picture.hash)


def test_two_windows_on_one_story_do_not_mix(library):
    story = add(library, begin(library), "One.")
    ahead = add(library, story, "Two.", story.current)
    with pytest.raises(ValueError, match="gone on elsewhere"):
        add(library, story, "Another two.", story.current)
    with pytest.raises(ValueError, match="gone on elsewhere"):
        library.undo(story)
    assert library.open(story.id) == ahead


def test_readers_do_not_see_each_other(library):
    mine = add(library, begin(library, "ann"), "A fox.")
    add(library, begin(library, "bob"), "A fox and a bear.")
    assert [x.id for x in library.stories("ann")] == [mine.id]
    assert {hit.story for hit in search_words(library, "fox", "ann")} == {mine.id}
    for forbidden in (library.open, library.steps, library.erase):
        with pytest.raises(ValueError, match="no story"):
            forbidden(mine.id, "bob")


def test_words_are_found_however_they_are_spelled(library):
    story = add(library, begin(library), 'The fox\'s well-known "ball" AND a NEAR hat; rain* fell')
    scene_id = story.current
    for words in ("fox's", "well-known", "AND", "near", '"ball"', "rain*", "falling fell", "hats"):
        hits = search_words(library, words)
        expected = [] if "falling" in words else [scene_id]
        assert [h.scene for h in hits] == expected, words
    assert "[" in search_words(library, "ball")[0].snippet
    assert search_words(library, "   ") == ()
    assert search_words(library, "'; DROP TABLE steps; --") == ()
    assert library.open(story.id) == story


def test_words_that_were_undone_or_edited_away_are_not_found(library):
    story = add(library, begin(library), "One lantern.")
    later = add(library, story, "Two kites.", story.current)
    edited = library.add(later, edit(later.current, "Two boats.", (), Extracted(), ME))
    assert search_words(library, "kites") == ()
    assert len(search_words(library, "boats")) == 1
    back = library.undo(edited)
    assert len(search_words(library, "kites")) == 1
    library.undo(back)
    assert search_words(library, "kites") == ()
    assert len(search_words(library, "lantern")) == 1


def test_erasing_takes_the_pictures_that_nobody_else_shows(library):
    png, picture = a_picture()
    own, only = a_picture("green")
    one = add(library, begin(library), "One.")
    library.add(one, draw({one.current: picture}), [png, own])
    two = add(library, begin(library), "Two.")
    library.add(two, draw({two.current: picture}), [png])
    library.erase(one.id)
    assert library.png(picture.hash) == png
    with pytest.raises(ValueError, match="no picture"):
        library.png(only.hash)
    assert search_words(library, "One") == ()


def test_vectors_are_kept_and_must_be_finite(library):
    vector = np.arange(4, dtype=np.float32)
    keep_embeddings(library, "joint", {"ab": vector})
    assert np.array_equal(embedding(library, "ab", "joint"), vector)
    assert embedding(library, "ab", "clip") is None
    with pytest.raises(ValueError, match="NaN or infinity"):
        keep_embeddings(library, "joint", {"cd": vector * np.nan})


def test_a_number_that_json_does_not_know_is_not_stored(library):
    with pytest.raises(ValueError, match=r"Out of range float|JSON"):
        library.add(begin(library), choose(tone="x", style=float("nan")))


def test_the_same_pixels_are_one_picture():
    image = Image.new("RGB", (8, 8), "red")
    image.info["comment"] = "a secret"
    assert to_png(image) == to_png(Image.new("RGB", (8, 8), "red"))


def test_a_copy_is_whole_while_the_log_is_not_yet_in_the_file(tmp_path):
    library = Library(tmp_path / "books" / "a.db")
    story = add(library, begin(library), "One.")
    library.backup(tmp_path / "copy.db")
    copy = Library(tmp_path / "copy.db")
    assert copy.open(story.id) == story
    copy.close()
    with pytest.raises(ValueError, match="exists already"):
        library.backup(tmp_path / "copy.db")
    library.close()


def test_other_files_are_refused_in_a_line(tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("not a database, whatever its name says " * 50)
    with pytest.raises(ValueError, match="name another file"):
        Library(text)
    other = tmp_path / "b.db"
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE t (x)")
    db.commit()
    db.close()
    with pytest.raises(ValueError, match="another program's database"):
        Library(other)
    with pytest.raises(ValueError, match="cannot be opened"):
        Library(tmp_path)


def test_a_newer_library_is_refused_and_an_older_one_brought_up(tmp_path, monkeypatch):
    library = Library(tmp_path / "a.db")
    story = begin(library)
    library.close()
    more = (*database.MIGRATIONS, ("ALTER TABLE stories ADD COLUMN note TEXT",))
    broken = (*more, ("CREATE TABLE extra (x)", "this is no SQL"))
    monkeypatch.setattr(database, "MIGRATIONS", broken)
    with pytest.raises(ValueError, match=r"cannot be|could not be"):
        Library(tmp_path / "a.db")
    monkeypatch.setattr(database, "MIGRATIONS", more)
    library = Library(tmp_path / "a.db")  # the broken migration left nothing behind
    assert library.open(story.id) == story
    assert library.database.rows("SELECT note FROM stories") == [(None,)]
    library.close()
    monkeypatch.undo()
    with pytest.raises(ValueError, match="newer version"):
        Library(tmp_path / "a.db")


def test_many_threads_write_one_library(tmp_path):
    library = Library(tmp_path / "a.db")
    failed = []

    def evening(reader):
        try:
            story = begin(library, reader)
            for i in range(5):
                story = add(library, story, f"{reader} {i}", story.current or None)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=evening, args=(f"r{i}",)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed
    for i in range(4):
        (listed,) = library.stories(f"r{i}")
        assert listed.scenes == 5
    library.close()


def test_preferences_are_told_learned_seen_and_erased(library):
    p = preferences.tell(library, "ann", style="neon", every=2)
    assert p.best("style") == "neon"
    preferences.learn(library, "voice", "hushed", "ann")
    assert preferences.preferences(library, "ann").best("voice") == ""
    p = preferences.learn(library, "voice", "hushed", "ann")
    assert p.best("voice") == "hushed"
    assert '"hushed": 2' in p.to_json()
    assert preferences.preferences(library, "bob").told == {}
    assert preferences.tell(library, "ann", style=None).best("style") == ""
    with pytest.raises(ValueError, match="no preference 'shoe'"):
        preferences.tell(library, "ann", shoe=1)
    preferences.erase(library, "ann")
    assert preferences.preferences(library, "ann") == preferences.Preferences()
