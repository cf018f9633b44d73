"""Write models as ONNX, which a browser runs without a server, and check them against torch.

    parts = joint_parts(JointModel.from_pretrained("joint"))
    export_parts(parts, Path("joint-onnx"))

Each part is checked where it will be used: by ONNX Runtime, on inputs of other sizes than the one
that it was traced with. A part that strays from torch is an error and leaves no file behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from mmcourse.checkpoints import write_atomically

if TYPE_CHECKING:
    from onnx import ModelProto

TOLERANCE = 1e-4
"""How far an exported part may be from torch, where numbers are of size 1."""


@dataclass(frozen=True)
class Part:
    """One network of a model, as a page calls it.

    name: of the file, without its ending.
    module: takes the inputs in this order and returns one tensor.
    inputs: names of its inputs.
    output: name of its output.
    dynamic: for each input, the axes that may have any length, by name.
    examples: tuples of inputs. The first is traced, all are checked; two sizes at least.
    """

    name: str
    module: nn.Module
    inputs: tuple[str, ...]
    output: str
    dynamic: tuple[dict[int, str], ...]
    examples: Sequence[tuple[Tensor, ...]]


def export_parts(parts: Sequence[Part], folder: Path) -> dict[str, dict[str, Any]]:
    """Write NAME.onnx for each part, and export.json, into the folder, which is made if need be.

    Returns:
        what export.json holds: for each part its file, bytes, SHA-256, inputs, output, and the
        largest difference from torch over its examples.

    Raises:
        ValueError: a part that differs from torch, or ONNX is not installed.
    """
    files: dict[Path, bytes] = {}
    notes: dict[str, dict[str, Any]] = {}
    for part in parts:
        content = to_onnx(part)
        difference = compare(part, content)
        files[folder / f"{part.name}.onnx"] = content
        notes[part.name] = {
            "file": f"{part.name}.onnx",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "inputs": list(part.inputs),
            "output": part.output,
            "largest_difference": difference,
            "checked": len(part.examples),
        }
    files[folder / "export.json"] = (json.dumps(notes, indent=2) + "\n").encode()
    write_atomically(files)
    return notes


def to_onnx(part: Part) -> bytes:
    """The part as the bytes of one ONNX file, its weights inside.

    Raises:
        ValueError: ONNX is not installed, or a part with a single example.
    """
    sizes = {tuple(x.shape for x in example) for example in part.examples}
    if len(sizes) < 2 and any(part.dynamic):
        raise ValueError(
            f"part {part.name!r} has axes of any length, but examples of one size only, "
            "so nothing would show that the axes are free; give it examples of two sizes"
        )
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"{error.name} is not installed: `pip install 'mmcourse[export]'`"
        ) from error
    axes = {name for free in part.dynamic for name in free.values()}
    free = {name: torch.export.Dim(name) for name in axes}
    shapes = tuple({axis: free[name] for axis, name in d.items()} for d in part.dynamic)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            part.module.eval(),
            tuple(part.examples[0]),
            input_names=list(part.inputs),
            output_names=[part.output],
            dynamic_shapes=shapes,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    forget_origins(model)
    store_in_half(model)
    return model.SerializeToString()


def forget_origins(model: ModelProto) -> None:
    """Drop what the exporter notes of the Python code, paths of this machine included."""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    for part in (*model.graph.node, *model.graph.initializer, *model.graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ""
    for value in (*model.graph.input, *model.graph.output):
        del value.metadata_props[:]


def store_in_half(model: ModelProto) -> None:
    """Store each float32 weight that float16 holds exactly as float16, cast back when loaded.

    Shipped weights are float16, so this halves the download and changes no number.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        value = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = value.astype(np.float16)
        if value.size < 64 or not np.array_equal(half.astype(np.float32), value):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def compare(part: Part, content: bytes) -> float:
    """The largest difference between torch and ONNX Runtime over the part's examples.

    Raises:
        ValueError: a difference above `TOLERANCE` (times the largest number, where that is above
            1), a NaN, or ONNX Runtime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ValueError(
            "onnxruntime is not installed: `pip install 'mmcourse[export]'`"
        ) from error
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    largest = 0.0
    for example in part.examples:
        with torch.no_grad():
            expected = part.module.eval()(*example).numpy()
        feeds = {name: x.numpy() for name, x in zip(part.inputs, example, strict=True)}
        found = session.run([part.output], feeds)[0]
        if found.shape != expected.shape:
            raise ValueError(
                f"part {part.name!r} gives {found.shape} in ONNX, {expected.shape} in torch"
            )
        difference = float(np.abs(found - expected).max())
        if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
            raise ValueError(
                f"part {part.name!r} is {difference:.1e} from torch in ONNX Runtime, at most "
                f"{TOLERANCE:.0e} expected; nothing was written"
            )
        largest = max(largest, difference)
    return largest
