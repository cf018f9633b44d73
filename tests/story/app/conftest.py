"""A desk with the simplest team, and a server of it that tests share."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from mmcourse.story.app.server import create
from mmcourse.story.app.work import Desk, work
from mmcourse.story.backends.fake import FakeIllustrator, fake_backend
from mmcourse.story.backends.parts import Parts
from mmcourse.story.library import Library
from mmcourse.story.team import Team

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "book"))  # for keyboard.py and visits.py
sys.path.insert(0, str(ROOT / "tools"))  # for browser.py


@pytest.fixture
def root() -> Path:
    """The repository."""
    return ROOT


class SlowIllustrator(FakeIllustrator):
    """Takes as long as a test wants: `steps` signs of progress, `pause` seconds each."""

    steps, pause, at_work = 0, 0.02, 0

    def draw(self, request):
        """Signs of progress, then the picture."""
        SlowIllustrator.at_work += 1
        try:
            for i in range(self.steps):
                time.sleep(self.pause)
                yield i / self.steps
            yield from super().draw(request)
        finally:
            SlowIllustrator.at_work -= 1


def slow_team() -> Team:
    """The simplest team with an illustrator that can be slowed down."""
    makers = {**fake_backend().makers, "illustrator": ("1", SlowIllustrator)}
    return Team([Parts("fake", "a stand-in for tests", makers)])


@pytest.fixture
def slow() -> Iterator[type[SlowIllustrator]]:
    """The illustrator, at its full speed; a test slows it down by `steps`."""
    SlowIllustrator.steps = 0
    yield SlowIllustrator
    SlowIllustrator.steps = 0


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk of its own for one test."""
    found = Desk(Library(":memory:"), slow_team)
    yield found
    found.library.close()


@pytest.fixture
def do(desk):
    """Do a job as a reader (ann); its last sign."""

    def act(job, reader="ann"):
        return [*work(desk, reader, job)][-1]

    return act


@pytest.fixture
def story(do):
    """A story of ann's with one scene, as the page gets it."""
    return do({"do": "start", "prompt": "a fox", "seed": 1})["story"]


@pytest.fixture(scope="session")
def looked_up() -> Iterator[list[str]]:
    """The hosts elsewhere that anything looked up or connected to since the server began."""
    found: list[str] = []
    look, connect = socket.getaddrinfo, socket.socket.connect

    def near(host: object) -> bool:
        return str(host) in ("127.0.0.1", "localhost", "::1", "None", "")

    def looking(host, *rest, **more):
        if not near(host):
            found.append(str(host))
        return look(host, *rest, **more)

    def connecting(self, address):
        if isinstance(address, tuple) and not near(address[0]):
            found.append(str(address))
        return connect(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket, "getaddrinfo", looking)
    patch.setattr(socket.socket, "connect", connecting)
    yield found
    patch.undo()


@pytest.fixture(scope="session")
def served(looked_up) -> Iterator[tuple[str, Desk]]:
    """A server on this machine, and its desk."""
    desk = Desk(Library(":memory:"), slow_team)
    config = uvicorn.Config(create(desk), port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}", desk
    server.should_exit = True
    thread.join(5)
