"""The queue: Gradio's, with one line for everybody who needs the pen.

Gradio takes a second or two to import, so this module is imported behind the page (`server`). Of
Gradio's own addresses only two are let through: to give a job, and to follow it. Its upload, its
files and its page are not reachable.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mmcourse.story.app.readers import key_of, reader_of
from mmcourse.story.app.work import Desk, work

if TYPE_CHECKING:
    from fastapi import FastAPI

WAITING = 16
"""How many jobs may wait; one more is told to come back."""
OPEN = re.compile(r"/gradio/gradio_api/call/work(/\w+)?")
"""The addresses of Gradio that are let through."""
HOUR = 3600


def queue(desk: Desk) -> FastAPI:
    """An ASGI app that answers below /gradio. Its lifespan starts the queue.

    Raises:
        ValueError: Gradio is not installed.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before the import, or it looks up hosts
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    try:
        import gradio as gr
        from fastapi import FastAPI
    except ImportError as error:
        raise ValueError(
            f"the app needs Gradio ({error}); install it with `pip install 'mmcourse[app]'`"
        ) from None

    def do(job: dict[str, Any], request: gr.Request) -> Iterator[dict[str, Any] | None]:
        assert request.request is not None
        yield from work(desk, reader_of(key_of(request.request)), job)
        yield None  # Gradio keeps each job's last sign, and sends it twice: let it be small

    # Gradio reads the types of what it is given; here they are names of this function.
    do.__annotations__ = {"job": dict, "request": gr.Request, "return": dict}
    with gr.Blocks(analytics_enabled=False, delete_cache=(HOUR, HOUR)) as blocks:
        gr.api(do, api_name="work", concurrency_id="pen", concurrency_limit=1)
    blocks.queue(max_size=WAITING)
    return gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        blocks,
        path="/gradio",
        max_file_size="1mb",
        ssr_mode=False,
        run_history=False,
        footer_links=[],
    )
