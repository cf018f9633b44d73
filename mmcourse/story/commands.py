"""The commands of the storyteller: `mmcourse app` and `mmcourse story`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmcourse.paths import user_path

if TYPE_CHECKING:
    from mmcourse.story.loop import Event
    from mmcourse.story.story import Story

MOST = 200
SIZE = 512
"""The side of a picture in pixels."""
Backend = Annotated[
    list[str] | None,
    typer.Option(
        help="Who is asked first: tiny, or a pretrained model as writer=NAME, with @REVISION or "
        ",4bit after its name. Once for each."
    ),
]


def app(
    library: Annotated[Path | None, typer.Option(help="The file of the stories.")] = None,
    port: Annotated[int | None, typer.Option(help="Where; 0 for any free port.")] = None,
    host: Annotated[str, typer.Option(help="Whom to serve: this machine alone.")] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    backend: Backend = None,
) -> None:
    """Open the storyteller: an illustrated story to be told together, on this machine."""
    from mmcourse.story.app.serving import serve
    from mmcourse.story.app.team import voiced_team

    serve(library, lambda: voiced_team(*backend or ()), host, port, browser, typer.echo)


def story(
    prompt: Annotated[str, typer.Argument(help="What it is about, in everyday words.")],
    scenes: Annotated[int, typer.Option(help="How many pages, 1 to 200.", min=1, max=MOST)] = 5,
    style: Annotated[str, typer.Option(help="flat, watercolour, neon or sketch.")] = "",
    voice: Annotated[str, typer.Option(help="plain, grand, cheeky or hushed.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="The file; its ending says what: html, epub, pdf, zip, gif.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed tells the same story.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    backend: Backend = None,
) -> None:
    """Tell one story with pictures; write it to a file, or its words to the terminal.

    A progress bar goes to stderr. Exit codes: 0 told, 2 what the message names, 130 interrupted.
    """
    from mmcourse.story.app.team import voiced_team
    from mmcourse.story.framework import Storyteller
    from mmcourse.story.library import Library
    from mmcourse.story.story import Settings
    from mmcourse.storyworld.world.vocabulary import STYLES

    if out is not None:
        out = user_path(out)
        check_ending(out)
    if style and style not in STYLES:
        raise ValueError(f"there is no style {style!r}; choose one of {', '.join(STYLES)}")
    begun = time.monotonic()
    chosen = {name: value for name, value in (("style", style), ("voice", voice)) if value}
    settings = Settings(every=0 if out is None and not as_json else 1, size=SIZE)
    library = Library(":memory:")
    try:
        teller = Storyteller(library, voiced_team(*backend or ()))
        bar = Bar(sys.stderr.isatty())
        told: Story | None = None
        for event in teller.tell(prompt, scenes, seed=seed, settings=settings, **chosen):
            bar.show(event)
            told = event.story or told
        if told is None:
            raise ValueError("nothing was told; try other words")
        if out is not None:
            from mmcourse.story.export import export

            bar.say("Binding the book", 1.0)
            export(told, library, out)
        bar.end()
        if as_json:
            typer.echo(json.dumps(report(told, out, time.monotonic() - begun)))
        elif out is None:
            typer.echo(f"{told.title}\n\n{told.text()}")
        else:
            typer.echo(f"{told.title}: {out}")
    finally:
        library.close()


def check_ending(out: Path) -> None:
    """Refuse a file whose ending says nothing, before anything is told.

    Raises:
        ValueError: an ending that no copy has, or a folder that does not exist.
    """
    from mmcourse.story.export import KINDS

    if out.suffix.lower().removeprefix(".") not in KINDS:
        raise ValueError(f"--out {out}: its ending must be one of {', '.join(KINDS)}")
    if not out.absolute().parent.is_dir():
        raise ValueError(f"--out {out}: there is no folder {out.absolute().parent}; make it first")


def report(told: Story, out: Path | None, seconds: float) -> dict[str, object]:
    """What a program wants to know of a story: all words, who did what, where the copy is."""
    return {
        "title": told.title,
        "prompt": told.prompt,
        "seed": told.seed,
        "style": told.style,
        "out": None if out is None else str(out),
        "seconds": round(seconds, 3),
        "scenes": [
            {
                "text": n.text,
                "notes": list(n.notes),
                "picture": n.picture.hash if n.picture else None,
                "alt": n.picture.alt if n.picture else "",
                "accepted": n.picture.accepted if n.picture else None,
                "safety": n.picture.safety if n.picture else None,
                "by": {c.ability: c.backend for c in n.credits},
                "why": {c.ability: c.why for c in n.credits if c.why},
            }
            for n in told.path()
        ],
    }


class Bar:
    """One line on stderr that says what is being done; nothing at all where nobody looks."""

    WIDTH = 30

    def __init__(self, seen: bool) -> None:
        self.seen = seen
        self.last = ""

    def show(self, event: Event) -> None:
        """A sign of progress."""
        if event.message:
            self.say(event.message, event.share)

    def say(self, message: str, share: float) -> None:
        """Draw the line."""
        full = round(self.WIDTH * share)
        line = f"[{'#' * full}{'.' * (self.WIDTH - full)}] {share:4.0%} {message[:44]:44}"
        if self.seen and line != self.last:
            print(f"\r{line}", end="", file=sys.stderr, flush=True)
            self.last = line

    def end(self) -> None:
        """Leave a clean line."""
        if self.seen:
            print(f"\r{' ' * (self.WIDTH + 55)}\r", end="", file=sys.stderr, flush=True)
