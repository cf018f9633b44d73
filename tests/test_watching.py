"""The bar of what takes a while: for people at a terminal alone."""

import io
import sys

from mmcourse import watching


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown_on(stream, monkeypatch):
    """What stands on stderr after three parts, the first second left out."""
    monkeypatch.setattr(sys, "stderr", stream)
    bar = watching.tqdm
    monkeypatch.setattr(watching, "tqdm", lambda *a, **k: bar(*a, **{**k, "delay": 0}))
    assert list(watching.watched(range(3), "drawing scenes")) == [0, 1, 2]
    return stream.getvalue()


def test_a_terminal_shows_a_bar_that_goes_away(monkeypatch):
    text = shown_on(Terminal(), monkeypatch)
    assert "drawing scenes" in text
    assert "/3" in text
    assert not text.endswith("\n")


def test_a_pipe_stays_clean(monkeypatch):
    assert shown_on(io.StringIO(), monkeypatch) == ""
