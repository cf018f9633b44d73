"""The server of the page: what is shown, what is done at once, and Gradio's queue behind it.

The page comes first. Gradio is imported in a thread while the reader already looks at the first
page; a job that comes earlier waits for it.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from mmcourse.story.app.quick import QUICK
from mmcourse.story.app.readers import give_key, key_of, owned, reader_of
from mmcourse.story.app.work import Desk

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

PAGE = files(__package__).joinpath("page")
BODY = 200_000
"""The most bytes that a page's message may have."""
ZIP_BYTES = 200_000_000
"""The most that a story from a file may have."""
POLICY = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; " \
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"  # fmt: skip
"""What the browser may load: this server's own, and nothing from elsewhere."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def create(desk: Desk, hosts: list[str] | None = None) -> Starlette:
    """The app.

    Args:
        desk: library and team.
        hosts: names under which it may be asked for; a page elsewhere that points its own name at
            this machine is refused. None allows this machine alone.
    """
    behind = Behind(desk)
    routes = [
        Route("/", first_page),
        Route("/choices", choices),
        Route("/do/{name}", functools.partial(do, desk), methods=["POST"]),
        Route("/upload", functools.partial(upload, desk), methods=["POST"]),
        Route("/load", functools.partial(load, desk), methods=["POST"]),
        Route("/stop", functools.partial(stop, desk), methods=["POST"]),
        Route("/picture/{hash}.png", functools.partial(picture, desk)),
        Route("/made/{token}", functools.partial(made, desk)),
        Route("/world/{what}.png", drawn_by_the_world),
        Mount("/page", StaticFiles(directory=str(PAGE))),
        Mount("/gradio", behind),
    ]
    names = hosts or ["127.0.0.1", "localhost", "[::1]", "testserver"]
    return Starlette(
        routes=routes,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=names), Middleware(Guarded)],
        lifespan=behind.lifespan,
        exception_handlers={ValueError: refused},
    )


class Guarded:
    """Sets the headers, and refuses what another site's page sends here."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        origin, host = request.headers.get("origin"), request.headers.get("host", "")
        if origin and origin.split("://")[-1] != host:
            await PlainTextResponse("another page sent this", 403)(scope, receive, send)
            return

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                old = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((k.lower().encode(), x.encode()) for k, x in HEADERS.items()
                      if k.lower().encode() not in old),
                ]  # fmt: skip
            await send(message)

        await self.app(scope, receive, answer)


class Behind:
    """Gradio, as soon as it is there."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.app: asyncio.Future[Any] | None = None

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Fetch it behind the page, start its queue, and end it with the server."""
        self.app = asyncio.get_running_loop().create_future()
        async with AsyncExitStack() as stack:
            task = asyncio.create_task(self._fetch(stack))
            yield
            task.cancel()

    async def _fetch(self, stack: AsyncExitStack) -> None:
        assert self.app is not None
        try:
            made = await run_in_threadpool(_queue, self.desk)
            await stack.enter_async_context(made.router.lifespan_context(made))
            self.app.set_result(made)
        except Exception as error:  # every job is told, instead of waiting for ever
            if not self.app.done():
                self.app.set_exception(error)
        await run_in_threadpool(self.desk.team)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request below /gradio."""
        from mmcourse.story.app.queue import OPEN

        if scope["type"] != "http" or not OPEN.fullmatch(scope["path"]):
            await PlainTextResponse("there is nothing here", 404)(scope, receive, send)
            return
        assert self.app is not None
        app = await asyncio.shield(self.app)
        await app({**scope, "root_path": ""}, receive, send)


def _queue(desk: Desk) -> Any:
    from mmcourse.story.app.queue import queue

    return queue(desk)


async def refused(request: Request, error: Exception) -> Response:
    """What a reader can mend, in one line."""
    return JSONResponse({"refused": str(error)}, 400)


async def first_page(request: Request) -> Response:
    """The page, and a key for a browser that has none."""
    response = HTMLResponse(PAGE.joinpath("index.html").read_text("utf-8"))
    give_key(response, key_of(request))
    return response


async def body_of(request: Request, most: int) -> bytes:
    """What was sent, if it is not too much.

    Raises:
        ValueError: more than `most` bytes.
    """
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > most:
            raise ValueError(f"this is larger than {most // 1000:,} kB; send something smaller")
    return bytes(content)


async def do(desk: Desk, request: Request) -> Response:
    """What is done at once (see `quick`)."""
    name, reader = request.path_params["name"], reader_of(key_of(request))
    if name not in QUICK:
        raise ValueError(f"there is nothing called {name!r} to do")
    try:
        sent = json.loads(await body_of(request, BODY) or b"{}")
        if not isinstance(sent, dict):
            raise ValueError("a message is one JSON object")
    except json.JSONDecodeError:
        raise ValueError("a message is one JSON object") from None

    def act() -> Any:
        try:
            return QUICK[name](desk.teller(reader), sent)
        except (KeyError, TypeError) as error:
            raise ValueError(f"this message lacks something: {error}") from None

    return JSONResponse(await run_in_threadpool(act))


async def stop(desk: Desk, request: Request) -> Response:
    """A job shall end."""
    sent = json.loads(await body_of(request, BODY))
    desk.stop(reader_of(key_of(request)), str(sent.get("job", "")))
    return JSONResponse({})


async def upload(desk: Desk, request: Request) -> Response:
    """A picture of the reader's: looked at, written anew, kept for them alone."""
    from mmcourse.story.uploads import MAX_BYTES, read_upload

    reader = reader_of(key_of(request))
    content = await body_of(request, MAX_BYTES)
    picture = await run_in_threadpool(read_upload, content)
    return JSONResponse({"picture": desk.keep(reader, picture), "size": list(picture.size)})


async def load(desk: Desk, request: Request) -> Response:
    """A story that was taken along as a zip, back on the reader's shelf."""
    from mmcourse.story.app.copies import load

    reader = reader_of(key_of(request))
    content = await body_of(request, ZIP_BYTES)
    return JSONResponse(await run_in_threadpool(load, desk, desk.teller(reader), content))


async def picture(desk: Desk, request: Request) -> Response:
    """A picture of one of the reader's stories."""
    reader = reader_of(key_of(request))
    png = await run_in_threadpool(owned, desk.library, reader, request.path_params["hash"])
    kept = {"Cache-Control": "private, max-age=31536000, immutable"}
    return Response(png, media_type="image/png", headers=kept)


async def made(desk: Desk, request: Request) -> Response:
    """Something that was made for the reader."""
    thing = desk.made.take(reader_of(key_of(request)), request.path_params["token"])
    headers = {}
    if thing.name:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(thing.name)}"
    return Response(thing.content, media_type=thing.mime, headers=headers)


async def choices(request: Request) -> Response:
    """What the page offers."""
    from mmcourse.story.app.samples import choices

    return JSONResponse(await run_in_threadpool(choices))


async def drawn_by_the_world(request: Request) -> Response:
    """A picture of the page itself: an invitation, a style, a face, a hero."""
    from mmcourse.story.app.samples import sample

    query = dict(request.query_params)
    png = await run_in_threadpool(sample, request.path_params["what"], query)
    kept = {"Cache-Control": "private, max-age=86400"}
    return Response(png, media_type="image/png", headers=kept)
