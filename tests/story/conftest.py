"""A library in memory and the simplest team."""

import pytest

from mmcourse.story.backends.fake import fake_backend
from mmcourse.story.library import Library
from mmcourse.story.team import Team


@pytest.fixture
def library():
    found = Library(":memory:")
    yield found
    found.close()


@pytest.fixture
def team():
    return Team([fake_backend()])
