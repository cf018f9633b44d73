"""What tests run in a fork leaves alone what they made before it."""

import gc
import sys

import pytest
from scripts import forgotten, in_a_fork


@pytest.mark.skipif(sys.platform != "linux", reason="forks are used on Linux alone")
def test_a_fork_does_not_collect_what_its_parent_forgot():
    with forgotten() as met:
        assert in_a_fork(gc.collect, "collect").returncode == 0
        assert not met.exists()
