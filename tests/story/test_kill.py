"""Killed at any instant, a library reopens at the last finished step.

A child tells a scripted evening and writes the number of each finished step into a pipe. It is
killed either from outside, some milliseconds after one of its steps, or, more mercilessly, by
itself in the middle of the n-th instruction of SQLite's own machine: inside a transaction more
often than not.
"""

import os
import random
import signal
import time

import pytest
from scripts import fork

from mmcourse.story.backends.fake import fake_backend
from mmcourse.story.backends.world import world_backend
from mmcourse.story.craft import run
from mmcourse.story.framework import Storyteller
from mmcourse.story.library import Library
from mmcourse.story.story import Settings
from mmcourse.story.team import Team

KILLS = 20


def evening(path, backend, report, suicide):
    """Tell, go on, redraw, mark, edit, undo, branch; `report` gets (step, fingerprint)."""
    library = Library(path)
    if suicide:
        die = lambda: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
        library.database._db.set_progress_handler(die, suicide)
    teller = Storyteller(library, Team([backend]))
    story = run(teller.start("", "a fox", settings=Settings(size=16)))
    report(story)
    for i in range(50):
        story = run(teller.go_on(story))
        report(story)
        if i % 3 == 0:
            story = run(teller.redraw(story))
            report(story)
        if i % 3 == 1:
            story = teller.mark(story, story.current, "lovely")
            report(story)
            story = teller.undo(story)
            report(story)
        if i % 3 == 2:
            story = teller.branch(story, story.path()[-2].id)
            report(story)


def fingerprint(story):
    """What a reader sees."""
    return str([(n.texts, n.marked, [p.hash for p in n.pictures]) for n in story.path()])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kill", range(KILLS))
def test_a_killed_library_reopens_at_its_last_finished_step(tmp_path, kill):
    dice = random.Random(kill)
    backend = world_backend() if kill % 4 == 3 else fake_backend()
    inside = kill % 2 == 0
    steps, wait = dice.randint(1, 12), dice.uniform(0.0, 0.03)
    reading, writing = os.pipe()
    child = fork()
    if child == 0:
        try:
            os.close(reading)

            def report(story):
                os.write(writing, (repr((story.step, fingerprint(story))) + "\0").encode())

            evening(tmp_path / "a.db", backend, report, dice.randint(300, 9000) if inside else 0)
        finally:
            os._exit(0)
    os.close(writing)
    said = b""
    while not inside and said.count(b"\0") < steps:  # a busy machine may take its time
        said += os.read(reading, 1 << 16)
    if not inside:
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
    while part := os.read(reading, 1 << 16):
        said += part
    os.close(reading)
    os.waitpid(child, 0)
    finished = [eval(line) for line in said.decode().split("\0")[:-1]]
    assert inside or len(finished) >= steps
    library = Library(tmp_path / "a.db")
    assert library.database.rows("PRAGMA integrity_check") == [("ok",)]
    shelf = library.stories()
    assert len(shelf) <= 1
    if not finished:
        assert all(listed.scenes <= 1 for listed in shelf)
        return
    story = library.open(shelf[0].id)
    before = [seen for step, seen in finished if step == story.step]
    at = len(library.steps(story.id))
    assert before == [] or fingerprint(story) in before
    # At most the one step that was done and not yet reported is further on.
    assert at - max(step for step, _ in finished) in (0, 1)
    if not before:
        assert story.step == at
    for node in story.nodes.values():
        for picture in node.pictures:
            assert library.picture(picture.hash).size == picture.size
    library.close()
