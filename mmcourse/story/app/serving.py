"""Start the app: `mmcourse app`."""

from __future__ import annotations

import errno
import logging
import socket
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path

from mmcourse.paths import user_path
from mmcourse.refusals import whole
from mmcourse.story.library import Library
from mmcourse.story.team import Team

HERE = "127.0.0.1"
TRIES = 20
"""How many ports after the wanted one are tried, if none was named."""


def home() -> Path:
    """Where stories are kept if nothing else is said: in the user's own folder.

    Raises:
        ValueError: nobody knows where that is.
    """
    return user_path("~/.mmcourse/stories.db")


def bound(host: str, port: int | None) -> socket.socket:
    """A socket on the wanted port, or on the first free one from 7860 on if none is named.

    Raises:
        ValueError: the port is taken or none at all, or the host is none of this machine's.
    """
    free = range(7860, 7860 + TRIES)
    wanted = list(free) if port is None else [whole("port", port, 0, 65_535)]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in wanted:
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, number))
            found.listen(
                128
            )  # whoever opens the address as soon as it is said waits, is not refused
            return found
        except OSError as error:
            found.close()
            if error.errno != errno.EADDRINUSE:
                raise ValueError(f"{host} cannot be served from: {error.strerror}") from None
    raise ValueError(f"port {wanted[0]} is in use; name another with --port, such as 0 for any")


def serve(
    library: str | Path | None = None,
    make_team: Callable[[], Team] | None = None,
    host: str = HERE,
    port: int | None = None,
    browser: bool = True,
    say: Callable[[str], None] = print,
) -> None:
    """Serve the app until it is interrupted.

    Args:
        library: the file of the stories (`home()`).
        make_team: who tells them (`mmcourse.story.voiced_team`).
        host: whom to serve: this machine alone unless told.
        port: where; None takes the first free one from 7860 on, 0 any.
        browser: whether to open the page.
        say: where the address is said.

    Raises:
        ValueError: a port in use, a file that is no library, or Gradio missing.
    """
    try:
        import uvicorn

        from mmcourse.story.app.server import create
    except ImportError as error:
        raise ValueError(
            f"the app needs Gradio ({error}); install it with `pip install 'mmcourse[app]'`"
        ) from None
    from mmcourse.story.app.team import voiced_team
    from mmcourse.story.app.work import Desk

    door = bound(host, port)
    desk = Desk(Library(library or home()), make_team or voiced_team)
    public = None if host in (HERE, "localhost", "::1") else ["*"]
    number = door.getsockname()[1]
    address = f"http://{'127.0.0.1' if host in (HERE, '0.0.0.0') else host}:{number}"
    config = uvicorn.Config(
        create(desk, public), log_level="warning", access_log=False, timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    say(f"The storyteller is at {address} (Ctrl+C ends it). Stories: {desk.library.database.path}")
    if public:
        say("It serves other machines too: whoever can reach this one can tell stories here.")
    if browser:
        opening = threading.Timer(0.3, webbrowser.open, [address])
        opening.daemon = True
        opening.start()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        server.run(sockets=[door])
    finally:
        desk.library.close()
