"""What tests run in a fork leaves alone what they made before it."""

import gc
import os
import sys

import pytest
from scripts import in_a_fork


@pytest.mark.skipif(sys.platform != "linux", reason="forks are used on Linux alone")
def test_a_fork_does_not_collect_what_its_parent_forgot(tmp_path):
    parent, met = os.getpid(), tmp_path / "met"

    class Forgotten:
        def __init__(self):
            self.itself = self

        def __del__(self):
            if os.getpid() != parent:
                met.touch()

    gc.disable()
    try:
        Forgotten()
        assert in_a_fork(gc.collect, "collect").returncode == 0
    finally:
        gc.enable()
    assert not met.exists()
