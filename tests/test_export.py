"""Exported models give torch's numbers, at half the size, and what strays is refused."""

import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from mmcourse import cli
from mmcourse.export import Part, compare, export_parts, forget_origins, to_onnx
from mmcourse.joint import JointModel
from mmcourse.joint.evaluate import embed_texts
from mmcourse.joint.export import joint_parts
from mmcourse.storyworld import Tokenizer, caption, sample_scene


class Scaled(nn.Module):
    """One layer and a softmax, with weights that float16 holds exactly."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        dice = torch.Generator().manual_seed(1)
        weight = torch.randint(-99, 99, (width, width), generator=dice) / 64
        self.weight = nn.Parameter(weight)
        self.offset = nn.Parameter(torch.rand(width, generator=dice) / 3)  # needs all its digits

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x @ self.weight + self.offset).tanh()


def part(module: nn.Module, sizes: tuple[int, ...] = (2, 5), width: int = 32) -> Part:
    dice = torch.Generator().manual_seed(0)
    examples = [(torch.randn(n, width, generator=dice),) for n in sizes]
    return Part("scaled", module, ("x",), "y", ({0: "batch"},), examples)


@pytest.fixture(scope="module")
def content() -> bytes:
    return to_onnx(part(Scaled()))


def test_the_exported_part_gives_torchs_numbers_at_any_batch(content: bytes) -> None:
    module = Scaled()
    session = onnxruntime.InferenceSession(content)
    for n in (1, 3, 40):
        x = torch.randn(n, 32, generator=torch.Generator().manual_seed(n))
        found = session.run(["y"], {"x": x.numpy()})[0]
        np.testing.assert_allclose(found, module(x).detach().numpy(), atol=1e-6)


def test_weights_are_halved_where_no_digit_is_lost(content: bytes) -> None:
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load_from_string(content).graph
              .initializer}  # fmt: skip
    sizes = {value.shape: value.dtype for value in stored.values()}
    assert sizes[(32, 32)] == np.float16
    assert sizes[(32,)] == np.float32
    exact = next(value for value in stored.values() if value.shape == (32, 32))
    assert np.array_equal(exact.astype(np.float32), Scaled().weight.detach().numpy())


def test_a_weight_that_half_cannot_hold_keeps_its_digits() -> None:
    module = Scaled()
    with torch.no_grad():
        module.weight[0, 0] = 1e6  # above float16's range
        module.weight[1, 1] = 1 / 3
    graph = onnx.load_from_string(to_onnx(part(module))).graph
    kinds = {tuple(t.dims): t.data_type for t in graph.initializer}
    assert kinds[(32, 32)] == onnx.TensorProto.FLOAT


def test_no_file_tells_of_the_machine_that_made_it(content: bytes) -> None:
    assert b"mmcourse" not in content
    assert b"/" + b"site-packages" not in content
    told = onnx.load_from_string(content)
    entry = told.graph.node[0].metadata_props.add()
    entry.key, entry.value = "stack", "somebody/model.py"
    forget_origins(told)
    assert b"somebody" not in told.SerializeToString()


class Restless(nn.Module):
    """Gives another answer once it has been exported: what a check must notice."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = shift

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + (0.0 if torch.compiler.is_exporting() else self.shift)


@pytest.mark.parametrize("shift", [1e-3, float("nan")])
def test_a_part_that_strays_is_refused_and_nothing_is_written(tmp_path, shift: float) -> None:
    with pytest.raises(ValueError, match=r"'scaled' is .* from torch.*nothing was written"):
        export_parts([part(Scaled()), part(Restless(shift))], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_difference_within_the_tolerance_passes(content: bytes) -> None:
    assert compare(part(Restless(1e-6)), to_onnx(part(Restless(1e-6)))) == pytest.approx(
        1e-6, abs=2e-7
    )
    with pytest.raises(ValueError, match="from torch"):
        compare(replace(part(Scaled()), module=Restless(0.0)), content)


def test_examples_of_one_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'scaled'.*two sizes"):
        to_onnx(part(Scaled(), sizes=(3, 3)))


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_named_with_its_remedy(monkeypatch, package: str) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ValueError, match=rf"{package} is not installed: `pip install"):
        to_onnx(part(Scaled())) if package != "onnxruntime" else compare(part(Scaled()), b"")


def test_the_towers_run_without_torch(tmp_path) -> None:
    model = JointModel.from_pretrained("joint")
    notes = export_parts(joint_parts(model), tmp_path)
    assert notes == json.loads((tmp_path / "export.json").read_text())
    assert {name: note["largest_difference"] < 1e-5 for name, note in notes.items()} == {
        "text": True,
        "image": True,
    }
    texts = [caption(sample_scene("val", i)) for i in range(9)]
    ids, mask = Tokenizer().encode(texts)
    session = onnxruntime.InferenceSession(tmp_path / "text.onnx")
    found = session.run(["vectors"], {"ids": ids.numpy(), "mask": mask.numpy()})[0]
    np.testing.assert_allclose(found, embed_texts(model, texts).numpy(), atol=1e-5)
    assert (tmp_path / "text.onnx").stat().st_size < 1_200_000


def test_the_command_writes_and_says_what_it_checked(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(
        cli, "EXPORTABLE", {"joint": ("mmcourse.joint:JointModel", f"{__name__}:one")}
    )
    monkeypatch.setattr("sys.argv", ["mmcourse", "export", "joint", "--out", str(tmp_path / "o")])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert not stop.value.code
    printed = capsys.readouterr().out
    assert "scaled.onnx" in printed
    assert "from torch" in printed
    assert sorted(f.name for f in (tmp_path / "o").iterdir()) == ["export.json", "scaled.onnx"]


def one(model: JointModel) -> list[Part]:
    """Stands in for the towers' parts, which take half a minute."""
    return [part(Scaled())]


def test_an_unknown_model_is_refused(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["mmcourse", "export", "jiont"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "'jiont'; choose one of joint" in " ".join(capsys.readouterr().err.split())
