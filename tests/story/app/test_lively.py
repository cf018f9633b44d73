"""Signs of life: they come in silence alone, in the job's own words, and change nothing else."""

import threading
import time
from itertools import takewhile

import pytest

from mmcourse.story.app.lively import lively

EVERY = 0.05


def job(pause, threads=None, closed=None):
    """Two signs, with a pause before each and one in the end."""
    try:
        for name in ("one", "two"):
            time.sleep(pause)
            if threads is not None:
                threads.add(threading.get_ident())
            yield {"kind": name, "message": f"Doing {name}", "share": 0.5}
        time.sleep(pause)
    finally:
        if closed is not None:
            closed.append(threading.get_ident())


def test_a_quick_job_is_left_as_it_is():
    assert list(lively(job(0), every=60)) == list(job(0))


def test_silence_is_broken_in_the_words_of_the_last_sign():
    signs = list(lively(job(3.5 * EVERY), every=EVERY))
    assert [s for s in signs if s["kind"] != "busy"] == list(job(0))
    kinds = [s["kind"] for s in signs]
    assert kinds.count("busy") >= 6
    assert kinds[0] == kinds[-1] == "busy"
    first, last = signs[0]["message"], signs[-1]["message"]
    assert first.startswith("At work, ")
    assert last.startswith("Doing two, ")


def test_the_seconds_are_those_of_this_silence():
    signs = lively(job(2.5), every=1.0)
    before = [s["message"] for s in takewhile(lambda s: s["kind"] == "busy", signs)]
    assert before[:2] == ["At work, 1 s", "At work, 2 s"]
    assert next(signs)["message"] == "Doing one, 1 s"
    signs.close()


def test_a_job_runs_in_one_thread_that_is_not_the_callers():
    threads, closed = set(), []
    list(lively(job(0, threads, closed), every=60))
    assert len(threads) == 1
    assert threads == set(closed) != {threading.get_ident()}


def test_a_job_that_is_left_is_closed():
    threads, closed = set(), []
    left = job(0, threads, closed)
    signs = lively(left, every=60)
    next(signs)
    signs.close()
    assert set(closed) == threads
    assert len(closed) == 1


def test_what_a_job_raises_comes_through():
    def broken():
        yield {"kind": "one"}
        raise ValueError("no such place")

    signs = lively(broken(), every=60)
    assert next(signs) == {"kind": "one"}
    with pytest.raises(ValueError, match="no such place"):
        next(signs)
