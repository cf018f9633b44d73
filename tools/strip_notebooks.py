"""Remove outputs, counts and other traces of a run: python tools/strip_notebooks.py FILE..."""

import sys
from pathlib import Path

import nbformat

CELL_TRACES = ("execution", "ExecuteTime", "collapsed", "scrolled")
NOTEBOOK_TRACES = ("widgets", "toc", "varInspector")


def strip(text: str) -> str:
    """The notebook's JSON without anything that running it leaves behind."""
    notebook = nbformat.reads(text, as_version=4)
    for trace in NOTEBOOK_TRACES:
        notebook.metadata.pop(trace, None)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    for cell in notebook.cells:
        for trace in CELL_TRACES:
            cell.metadata.pop(trace, None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nbformat.writes(notebook) + "\n"


def main() -> int:
    """Strip the named files in place; 1 when one had to be changed, as pre-commit expects."""
    changed = 0
    for name in sys.argv[1:]:
        file = Path(name)
        before = file.read_text(encoding="utf-8")
        after = strip(before)
        if after != before:
            file.write_text(after, encoding="utf-8")
            print(f"stripped {name}")
            changed = 1
    return changed


if __name__ == "__main__":
    sys.exit(main())
