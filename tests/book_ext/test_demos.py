"""Live demos: what a page needs is built beside it, and what is missing stops the build."""

import json
from types import SimpleNamespace

import pytest
from PIL import Image
from sphinx.errors import ExtensionError

ALT = "A still picture of six foxes in hats"


class Counting:
    """A demo that writes one file, and counts how often it is built."""

    WEIGHTS = "tower"
    __file__ = __file__
    built = 0

    def build(self, folder) -> None:
        self.built += 1
        (folder / "tower.onnx").write_bytes(b"weights")

    def still(self) -> Image.Image:
        return Image.new("RGB", (60, 40))


@pytest.fixture
def demo(tiny, tmp_path, monkeypatch) -> SimpleNamespace:
    """A tiny book with one demo whose weights are there, and a runtime."""
    from ext import demos

    made = Counting()
    weights = tmp_path / "package" / "weights"
    (weights / "tower").mkdir(parents=True)
    (weights / "tower" / "model.safetensors").write_bytes(b"1")
    monkeypatch.setattr(demos, "WEIGHTS", weights)
    monkeypatch.setattr(demos, "weights_hash", lambda name: str((weights / name).stat().st_ino))
    monkeypatch.setattr(demos, "DEMOS", {"search": made})
    runtime = tmp_path / "out" / "_static" / "vendor" / "onnx"
    runtime.mkdir(parents=True)
    (runtime / "ort.wasm").write_bytes(b"x" * 1000)
    tiny.write("index.rst", f"Page\n====\n\n.. demo:: search\n   :alt: {ALT}\n\n   A caption.\n")
    return SimpleNamespace(book=tiny, made=made, weights=weights, runtime=runtime)


def build(book) -> None:
    book.build(*book.extensions, "ext.demos")


def test_a_demo_is_a_figure_with_a_still_picture_and_its_files(demo):
    build(demo.book)
    page = demo.book.html()
    assert f'alt="{ALT}"' in page
    assert 'data-demo="search"' in page
    assert "A caption." in page
    assert "demos/demo.js" in page
    folder = demo.book.root / "out" / "_static" / "demos" / "search"
    assert (folder / "tower.onnx").read_bytes() == b"weights"
    assert Image.open(folder / "still.webp").size == (60, 40)
    sizes = json.loads((folder / "sizes.json").read_text())
    assert sizes["files"] == {"tower.onnx": 7, "ort.wasm": 1000}
    assert sizes["sent"] < 200  # the runtime is sent compressed, and is all alike


@pytest.mark.parametrize("changed", ["weights_hash", "sources_hash"])
def test_it_is_exported_once_until_something_changes(demo, monkeypatch, changed):
    from ext import demos

    for _ in range(2):
        build(demo.book)
    assert demo.made.built == 1
    monkeypatch.setattr(demos, changed, lambda name: "others")
    build(demo.book)
    assert demo.made.built == 2


def test_a_page_without_a_demo_loads_no_script(demo):
    demo.book.write("index.rst", "Page\n====\n\nWords.\n")
    build(demo.book)
    assert "demo.js" not in demo.book.html()
    assert demo.made.built == 0


def test_missing_weights_stop_the_build_and_are_named(demo):
    (demo.weights / "tower" / "model.safetensors").unlink()
    with pytest.raises(ExtensionError, match=r"'search' needs the weights 'tower'.*train tower"):
        build(demo.book)


def test_a_missing_runtime_stops_the_build_and_is_named(demo):
    (demo.runtime / "ort.wasm").unlink()
    with pytest.raises(ExtensionError, match=r"vendor/onnx is empty; run tools/vendor\.py"):
        build(demo.book)


def test_an_unknown_demo_and_a_silent_one_are_errors(demo):
    demo.book.write("index.rst", f"Page\n====\n\n.. demo:: serch\n   :alt: {ALT}\n")
    build(demo.book)
    assert "no demo 'serch'; the nearest that exists is 'search'" in demo.book.messages
    demo.book.write("index.rst", "Page\n====\n\n.. demo:: search\n   :alt: Foxes\n")
    build(demo.book)
    assert "'search' has no :alt:" in demo.book.messages
