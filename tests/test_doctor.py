"""Each finding of `mmcourse doctor`, with the thing there and with the thing missing."""

import builtins
import importlib.metadata
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mmcourse import devices, doctor
from mmcourse.doctor import Finding


def test_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))
    assert doctor.python() == Finding("Python", True, "essential", "version 3.12.1")
    for version in [(3, 10, 4), (3, 14, 0)]:
        monkeypatch.setattr(sys, "version_info", version)
        found = doctor.python()
        assert not found.ok
        assert "3.11 to 3.13" in found.remedy


def test_torch_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    found = doctor.torch()
    assert found.ok
    assert torch.__version__ in found.message
    assert "no CUDA GPU" in found.message


@pytest.mark.parametrize(("bf16", "words"), [(True, "with bf16"), (False, "without bf16")])
def test_torch_on_a_gpu(monkeypatch: pytest.MonkeyPatch, bf16: bool, words: str) -> None:
    class Gpu:
        name = "Tesla T4"
        total_memory = 15_800_000_000

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: Gpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16)
    assert doctor.torch().message.endswith(f"Tesla T4, 16 GB, {words}")


def test_torch_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_torch(name, *rest, **named):
        if name == "torch":
            raise ImportError("No module named 'torch'")
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    found = doctor.torch()
    assert not found.ok
    assert found.level == "essential"
    assert "No module named 'torch'" in found.message


def test_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    gigabytes = {"SC_PAGE_SIZE": 1000, "SC_PHYS_PAGES": 8_000_000}
    monkeypatch.setattr(os, "sysconf", gigabytes.__getitem__)
    assert doctor.memory() == Finding("Memory", True, "optional", "8.0 GB")
    gigabytes["SC_PHYS_PAGES"] = 2_000_000
    assert not doctor.memory().ok
    assert "Colab" in doctor.memory().remedy
    monkeypatch.delattr(os, "sysconf")
    assert "does not say" in doctor.memory().message


def test_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    for free, ok in [(50e9, True), (1e9, False)]:
        usage = shutil._ntuple_diskusage(100e9, 100e9 - free, free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _, usage=usage: usage)
        assert doctor.disk().ok is ok
        assert bool(doctor.disk().remedy) is not ok


def test_write_access(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctor.writable().ok
    assert not list(tmp_path.iterdir())

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    found = doctor.writable()
    assert not found.ok
    assert "Permission denied" in found.message


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A package with two extras, one of which contains the other; returns what is installed."""
    requires = [
        "numpy>=2.0",
        "matplotlib>=3.9; extra == 'labs'",
        "mmcourse[labs]; extra == 'app'",
        "gradio<7,>=6.20; extra == 'app'",
        "winonly; sys_platform == 'nowhere' and extra == 'app'",
    ]
    installed = {"matplotlib": "3.11.2", "gradio": "6.31.0"}

    def version(name: str) -> str:
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(importlib.metadata, "requires", lambda _: requires)
    monkeypatch.setattr(importlib.metadata, "version", version)
    return installed


def test_extra_complete(metadata: dict[str, str]) -> None:
    found = doctor.extra("app")
    assert found.ok
    assert "`mmcourse app`" in found.message


def test_extra_missing_or_too_old(metadata: dict[str, str]) -> None:
    del metadata["matplotlib"]
    metadata["gradio"] = "5.0"
    assert doctor.lacking("labs") == ["matplotlib"]
    assert doctor.lacking("app") == ["matplotlib", "gradio <7,>=6.20 (found 5.0)"]
    found = doctor.extra("app")
    assert not found.ok
    assert found.level == "optional"
    assert found.remedy == "pip install 'mmcourse[app]'"


def test_package_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", requires)
    assert "not installed" in doctor.extra("labs").message


def test_every_extra_has_a_purpose() -> None:
    declared = importlib.metadata.metadata("mmcourse").get_all("Provides-Extra")
    assert set(declared or []) == set(doctor.EXTRAS)


@pytest.mark.parametrize(
    ("find", "program"), [(doctor.chromium, "chromium"), (doctor.npm, "npm"), (doctor.java, "java")]
)
def test_programs(monkeypatch: pytest.MonkeyPatch, find, program: str) -> None:
    monkeypatch.delenv("MMCOURSE_CHROMIUM", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name == program else None)
    assert find().ok
    assert f"/bin/{program}" in find().message
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not find().ok
    assert find().level == "optional"
    assert "apt-get install " in find().remedy
    assert {"java": "default-jre-headless"}.get(program, program) in find().remedy


def test_chromium_named_by_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMCOURSE_CHROMIUM", "/opt/browser")
    monkeypatch.setattr(shutil, "which", lambda name: name)
    assert doctor.find_chromium() == "/opt/browser"


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A folder of weights with one good model; returns the model's own folder."""
    model = tmp_path / "joint"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"width": 8}))
    (model / "card.json").write_text(json.dumps({"name": "joint"}))
    save_file({"weight": torch.zeros(8)}, model / "model.safetensors")
    return model


def test_weights_readable(shipped: Path) -> None:
    found = doctor.weights(shipped.parent)
    assert found.ok
    assert found.message == "1 readable: joint"


@pytest.mark.parametrize("name", ["config.json", "card.json", "model.safetensors"])
def test_weights_incomplete(shipped: Path, name: str) -> None:
    (shipped / name).unlink()
    found = doctor.weights(shipped.parent)
    assert not found.ok
    assert found.message == f"joint: {name} is missing"


@pytest.mark.parametrize("name", ["config.json", "card.json", "model.safetensors"])
def test_weights_cut_short(shipped: Path, name: str) -> None:
    whole = (shipped / name).read_bytes()
    (shipped / name).write_bytes(whole[:-3])
    found = doctor.weights(shipped.parent)
    assert not found.ok
    assert found.message.startswith("joint: ")
    assert "\n" not in found.message


def test_no_weights(tmp_path: Path) -> None:
    assert not doctor.weights(tmp_path).ok


FINE = Finding("Python", True, "essential", "version 3.12.1")
ABSENT = Finding("npm", False, "optional", "not found", "Debian: apt-get install npm")
BROKEN = Finding("PyTorch", False, "essential", "does not import", "pip install torch")


@pytest.mark.parametrize(
    ("findings", "status", "verdict"),
    [
        ([FINE], 0, "Everything is there."),
        ([FINE, ABSENT], 0, "Ready."),
        ([FINE, ABSENT, BROKEN], 1, "Something essential is missing"),
    ],
)
def test_verdict(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    findings: list[Finding],
    status: int,
    verdict: str,
) -> None:
    monkeypatch.setattr(doctor, "report", lambda: findings)
    assert doctor.main() == status
    printed = capsys.readouterr().out
    assert verdict in printed
    for finding in findings:
        assert finding.message in printed
        assert finding.remedy in printed
    assert ("MISSING  PyTorch" in printed) is (BROKEN in findings)
    assert ("absent  npm" in printed) is (ABSENT in findings)


def test_report_looks_at_everything() -> None:
    names = [finding.name for finding in doctor.report()]
    assert names[:4] == ["Python", "PyTorch", "Write access", "Shipped weights"]
    assert {
        "Memory",
        "Disk",
        "Chromium",
        "npm",
        "Java",
        *(f"Extra [{name}]" for name in doctor.EXTRAS),
    } <= set(names)


@pytest.mark.parametrize(
    "files",
    [
        {"memory.max": "2500000000", "cpu.max": "150000 100000"},
        {"memory/memory.limit_in_bytes": "2500000000", "cpu/cpu.cfs_quota_us": "150000",
         "cpu/cpu.cfs_period_us": "100000"},
    ],
)  # fmt: skip
def test_a_container_has_what_it_was_given(
    files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "CGROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    assert devices.usable_cpus() == 64
    for name, told in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(told + "\n")
    assert devices.usable_cpus() == 2
    found = doctor.memory()
    assert found.message == "2.5 GB"
    assert "labs take up to" in found.remedy
    for name in files:
        (tmp_path / name).write_text("max\n" if "max" in name else "-1\n")
    assert devices.usable_cpus() == 64
