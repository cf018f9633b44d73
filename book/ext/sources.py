"""The files that hold computed numbers, read as one flat table: key → value.

    lab:ch01.parity_open_clip      an output of an executed lab, tagged by `mmcourse.claim`
    card:joint.t2i_recall_at_1     a metric of mmcourse/weights/joint/card.json (also .n, .chance …)
    bench:clip_loss.ratio          benchmarks/clip_loss.json
    exp:scaling.points.0.loss      experiments/scaling.json
    exp:a.x - exp:a.y              a difference; also a ratio, and with a plain number: 1 - exp:a.x

Nothing here knows of Sphinx, so that a test or a script can ask the same questions.
"""

import difflib
import functools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

FILES = {"card": "mmcourse/weights/{}/card.json", "bench": "benchmarks/{}.json"}
FILES["exp"] = "experiments/{}.json"


@dataclass
class Source:
    """One file of results: where it is, the values in it, and what its makers wrote about it."""

    kind: str  # lab, card, bench or exp
    name: str  # ch01_joint_embeddings, joint …
    file: Path
    values: dict[str, object] = field(default_factory=dict)  # "joint.t2i_recall_at_1": 0.95
    notes: dict[str, object] = field(default_factory=dict)  # command, seed, device …


def flatten(value: object, prefix: str) -> dict[str, object]:
    """Every leaf of nested JSON under its dotted path; list items are numbered from 0."""
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = [(str(i), item) for i, item in enumerate(value)]
    else:
        return {prefix: value}
    found: dict[str, object] = {}
    for key, item in pairs:
        found |= flatten(item, f"{prefix}.{key}")
    return found


def read_json(kind: str, file: Path, name: str) -> Source:
    """A card, a benchmark or an experiment. In a card, a metric's own name means its value."""
    content = json.loads(file.read_text(encoding="utf-8"))
    values = flatten(content, name)
    if kind == "card":
        for metric, fields in content.get("metrics", {}).items():
            values |= flatten(fields, f"{name}.{metric}")
            if isinstance(fields, dict) and "value" in fields:
                values[f"{name}.{metric}"] = fields["value"]
    return Source(kind, name, file, values, content if isinstance(content, dict) else {})


def executed_outputs(file: Path) -> list[tuple[int, dict, dict]]:
    """(cell number, our metadata, output) for each tagged output of an executed notebook."""
    return _executed_outputs(file, file.stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _executed_outputs(file: Path, changed: int) -> list[tuple[int, dict, dict]]:
    """Read a notebook once per change: they are large, and every claim asks."""
    notebook = nbformat.read(file, as_version=4)
    found = []
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            tag = output.get("metadata", {}).get("mmcourse")
            if tag:
                found.append((number, tag, output))
    return found


def read_lab(file: Path) -> Source:
    """An executed lab. Two values under one name are an error: a page could print either."""
    source = Source("lab", file.stem, file)
    for _, tag, _ in executed_outputs(file):
        if "claim" not in tag:
            continue
        for key, value in flatten(tag["claim"]["value"], tag["claim"]["name"]).items():
            if key in source.values:
                raise ValueError(f"{file.name} claims {key} twice: rename one of them")
            source.values[key] = value
    return source


def read_all(root: Path, labs: Path) -> list[Source]:
    """Every source below the repository's root; `labs` is the folder of executed notebooks."""
    found = [read_lab(file) for file in sorted(labs.glob("*.ipynb"))]
    for kind, pattern in FILES.items():
        for file in sorted(root.glob(pattern.format("*"))):
            name = file.parent.name if kind == "card" else file.stem
            found.append(read_json(kind, file, name))
    return found


def find(sources: list[Source], target: str) -> tuple[Source, object]:
    """The source and value of "kind:key". LookupError says what was asked and what is nearest."""
    kind, _, key = target.partition(":")
    for source in sources:
        if source.kind == kind and key in source.values:
            return source, source.values[key]
    known = [f"{source.kind}:{key}" for source in sources for key in source.values]
    if not known:
        raise LookupError(f"no claim {target!r}: nothing has been computed yet (run `make book`)")
    alike = [name for name in known if name.startswith(f"{kind}:")]
    near = difflib.get_close_matches(target, alike or known, n=1, cutoff=0)[0]
    raise LookupError(f"no claim {target!r}; the nearest that exists is {near!r}")


def evaluate(sources: list[Source], text: str) -> tuple[Source, object]:
    """The value of "kind:key", or of a difference or ratio such as "exp:a.x - exp:a.y" or
    "1 - card:b.z", and the source of the first key in it.

    Raises:
        LookupError: as `find`.
        ValueError: a calculation without a key, or with what is no number.
    """
    asked = re.fullmatch(r"(\S+) ([-/]) (\S+)", text)
    if not asked:
        return find(sources, text)
    (first, left), (second, right) = (_operand(sources, asked[i]) for i in (1, 3))
    origin = first or second
    if origin is None:
        raise ValueError("a claim needs a value that was computed, got numbers alone")
    return origin, left - right if asked[2] == "-" else left / right


def _operand(sources: list[Source], text: str) -> tuple[Source | None, float]:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return None, float(text)
    source, value = find(sources, text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"cannot calculate with {value!r}")
    return source, value
