"""What the tracked tree may hold, and how much of it."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

TREE_BYTES = 80_000_000
FILE_BYTES = 17_000_000
MODULE_LINES = 300  # about 250 is the aim: one idea that is read in one sitting

# Spelled with brackets, so that this file does not match itself.
PRIVATE = {
    "a machine's path": r"(?<![\w.:/-])/(?:w[o]rk|f[a]rm|h[o]me/\w+|r[o]ot|U[s]ers/\w+|t[m]p/\w+)/",
    "a package index": r"p[y]pi\.org|p[y]thonhosted|r[e]gistry\.npmjs",
    "an option that names an index": r"--(?:extra-)?i[n]dex-url|--f[i]nd-links",
    "a loose end": r"\b(?:T[O]DO|F[I]XME|X[X]X)\b",
}


def found_in(text: str) -> dict[str, str]:
    """What a text holds that no file of the repository may hold."""
    hits = {what: re.search(pattern, text) for what, pattern in PRIVATE.items()}
    return {what: hit[0] for what, hit in hits.items() if hit}


def test_no_machine_paths_or_loose_ends(texts: dict[Path, str]) -> None:
    wrong = {
        str(file): found
        for file, text in texts.items()
        if file.suffix != ".svg" and (found := found_in(text))
    }
    assert not wrong


@pytest.mark.parametrize(
    "text",
    [
        "open('/w" + "ork/main/x')",
        "pip install --i" + "ndex-url x",
        "# T" + "ODO later",
        "/h" + "ome/anna/x",
    ],
)
def test_a_private_word_is_seen(text: str) -> None:
    assert found_in(text)


@pytest.mark.parametrize(
    "text", ["book/w" + "ork/x", "https://example.org/h" + "ome/x", "a/t" + "mp/b", "fox.xxx"]
)
def test_an_innocent_word_is_not(text: str) -> None:
    assert not found_in(text)


def test_the_tree_is_small(tracked: list[Path]) -> None:
    sizes = {file: file.stat().st_size for file in tracked}
    assert sum(sizes.values()) < TREE_BYTES
    assert not [str(file) for file, size in sizes.items() if size > FILE_BYTES]


PARSERS = {
    ".json": json.loads,
    ".ipynb": json.loads,
    ".toml": tomllib.loads,
    ".yml": yaml.safe_load,
    ".yaml": yaml.safe_load,
    ".cff": yaml.safe_load,
}


def test_data_files_parse(texts: dict[Path, str]) -> None:
    parsed = [PARSERS[file.suffix](text) for file, text in texts.items() if file.suffix in PARSERS]
    assert len(parsed) > 5


def test_text_files_end_with_a_newline(texts: dict[Path, str]) -> None:
    wrong = [str(file) for file, text in texts.items() if text and not text.endswith("\n")]
    written_by_libraries = (".svg", ".json", ".jinja")
    assert not [name for name in wrong if not name.endswith(written_by_libraries)]


def test_notebooks_are_stripped(texts: dict[Path, str]) -> None:
    for file, text in texts.items():
        if file.suffix != ".ipynb":
            continue
        for cell in json.loads(text)["cells"]:
            if cell["cell_type"] == "code":
                assert not cell["outputs"], f"{file} has outputs: make format"
                assert cell["execution_count"] is None, f"{file} has counts: make format"


def test_a_module_is_read_in_one_sitting(texts: dict[Path, str]) -> None:
    long = {
        str(file): lines
        for file, text in texts.items()
        if file.parts[0] == "mmcourse"
        and file.suffix == ".py"
        and (lines := text.count("\n")) > MODULE_LINES
    }
    assert not long


BROKEN_FENCE = re.compile(r"^\s*`{3,}\{[^}\n]+\}.*`.*$", re.M)


def test_no_directive_is_lost_to_its_title(texts: dict[Path, str]) -> None:
    """The first line of a fence of backticks holds no other backtick, or the block is a paragraph
    and no build complains: such a title (a role, say) wants a fence of tildes."""
    assert BROKEN_FENCE.search("```{list-table} Of {math}`n` pictures\n```")
    wrong = {
        str(file): found[0]
        for file, text in texts.items()
        if file.suffix == ".md" and (found := BROKEN_FENCE.search(text))
    }
    assert not wrong
