"""Live demos: a model of the course runs in the reader's browser, with no server behind it.

```{demo} joint-search
:alt: What the still picture shows, for a reader who cannot see it.
The caption.
```
The page holds a still picture. A click loads the runtime, the exported model and the demo's script.
To add a demo: a module here with what `Demo` asks for, its name in `DEMOS`, and a script
book/_static/demos/NAME.js that exports `start(stage, load)`. See `demo_joint` and joint-search.js.
"""

import gzip
import hashlib
import json
import shutil
from collections.abc import Iterable
from html import escape
from pathlib import Path
from types import ModuleType
from typing import ClassVar, Protocol, cast

from docutils import nodes
from docutils.parsers.rst import directives
from PIL import Image
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from mmcourse.cards import sources_hash
from mmcourse.hub import WEIGHTS, weights_hash

from . import demo_codes, demo_draw, demo_joint
from .figures import DescribedPicture, nearest


class Demo(Protocol):
    """What a demo's module holds."""

    WEIGHTS: str  # name of the shipped weights

    @staticmethod
    def build(folder: Path) -> None:
        """Write everything that the script loads."""

    @staticmethod
    def still() -> Image.Image:
        """What the page shows before the demo is started, and without scripts."""


DEMOS: dict[str, Demo] = {
    "joint-search": cast("Demo", demo_joint),
    "code-painting": cast("Demo", demo_codes),
    "draw-sentence": cast("Demo", demo_draw),
}
FOLDER = "_static/demos"
RUNTIME = "_static/vendor/onnx"
PACKED = {".wasm", ".json", ".mjs", ".js"}  # what web servers compress


class LiveDemo(DescribedPicture):
    """A numbered figure: the still picture, and the button that starts the demo."""

    option_spec: ClassVar = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in DEMOS:
            raise self.error(f"no demo {name!r}; {nearest(name, list(DEMOS))}")
        check_weights(name)
        alt = self.alt(name)
        self.env.metadata[self.env.docname].setdefault("demos", []).append(name)
        up = "../" * self.env.docname.count("/")
        width, height = Image.open(prepared(Path(self.env.srcdir), name) / "still.webp").size
        html = (
            f'<div class="mm-demo" data-demo="{name}" data-files="{up}{FOLDER}/{name}/"'
            f' data-runtime="{up}{RUNTIME}/">'
            f'<img src="{up}{FOLDER}/{name}/still.webp" alt="{escape(alt, quote=True)}"'
            f' width="{width}" height="{height}" loading="lazy">'
            '<p class="mm-demo-call">'
            '<button type="button" class="mm-demo-start" hidden>Play with it</button>'
            "<span>To play with it, read this page on a web server, with scripts.</span></p></div>"
        )
        return self.figure(html, f"demo-{name}", self.written_caption())


def check_weights(name: str) -> None:
    """Stop the build, in every mode, when a demo's weights are not there.

    Raises:
        ExtensionError: it names the demo and the missing file.
    """
    file = WEIGHTS / DEMOS[name].WEIGHTS / "model.safetensors"
    if not file.is_file():
        raise ExtensionError(
            f"the demo {name!r} needs the weights {DEMOS[name].WEIGHTS!r}, and "
            f"mmcourse/weights/{DEMOS[name].WEIGHTS}/{file.name} is missing: "
            f"restore it, or train it with `mmcourse train {DEMOS[name].WEIGHTS}`"
        )


def prepared(root: Path, name: str) -> Path:
    """The folder of what a demo loads, exported anew when the weights, the package or the demo's
    own module has changed."""
    own = Path(cast("ModuleType", DEMOS[name]).__file__ or "").read_bytes()
    parts = (weights_hash(DEMOS[name].WEIGHTS), sources_hash(["mmcourse"]), own.hex())
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    folder = root / "_build" / "demos" / name
    stamp = folder / ".key"
    if not stamp.is_file() or stamp.read_text() != key:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        DEMOS[name].build(folder)
        DEMOS[name].still().save(folder / "still.webp", quality=84)
        stamp.write_text(key)
    return folder


def used(app: Sphinx) -> list[str]:
    """The demos that pages hold, without repeats."""
    return sorted({name for page in app.env.metadata.values() for name in page.get("demos", ())})


def build(app: Sphinx, exception: Exception | None) -> None:
    """Put what each used demo loads into the built book."""
    if exception or app.builder.format != "html":
        return
    for name in used(app):
        kept = prepared(Path(app.srcdir), name)
        folder = Path(app.outdir) / FOLDER / name
        shutil.copytree(kept, folder, ignore=shutil.ignore_patterns(".key"), dirs_exist_ok=True)
        write_sizes(folder, Path(app.outdir) / RUNTIME)


def write_sizes(folder: Path, runtime: Path) -> None:
    """sizes.json: bytes of each file for the progress bar, and of the whole as it is sent."""
    found = files_of((folder, runtime))
    loaded = [file for file in found if file.name not in ("still.webp", "export.json")]
    sizes = {file.name: file.stat().st_size for file in loaded}
    sent = sum(
        len(gzip.compress(file.read_bytes(), 6)) if file.suffix in PACKED else file.stat().st_size
        for file in loaded
    )
    (folder / "sizes.json").write_text(json.dumps({"files": sizes, "sent": sent}))


def files_of(folders: Iterable[Path]) -> list[Path]:
    """What lies in the folders.

    Raises:
        ExtensionError: a folder is empty or missing.
    """
    found = []
    for folder in folders:
        files = [f for f in sorted(folder.glob("*")) if f.is_file() and f.name != "LICENSE"]
        if not files:
            raise ExtensionError(f"{folder} is empty; run tools/vendor.py, then build again")
        found += files
    return found


def add_script(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None
) -> None:
    """Load the starter on pages that hold a demo, and on no other."""
    if app.env.metadata.get(pagename, {}).get("demos"):
        app.add_js_file("demos/demo.js", type="module")


def setup(app: Sphinx) -> None:
    """Register the directive, the building of what it loads, and the pages' script."""
    app.add_directive("demo", LiveDemo)
    app.connect("build-finished", build)
    app.connect("html-page-context", add_script)
