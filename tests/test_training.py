"""Seeds, tiers, schedules, averaged weights, and checkpoints that resume exactly."""

import errno
import functools
import os
import random
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scripts import a_python, in_a_fork
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mmcourse import cards, checkpoints, devices, processes, training
from mmcourse.training import (
    EMA,
    batch_indices,
    cosine_schedule,
    count_parameters,
    load_checkpoint,
    save_checkpoint,
    seed_everything,
)


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


# Seeds, device, precision, tier


def test_one_seed_gives_the_same_draws_from_all_three_libraries():
    draws = []
    for seed in (3, 3, 4):
        seed_everything(seed)
        draws.append((random.random(), np.random.rand(), torch.rand(2).tolist()))  # noqa: NPY002
    assert draws[0] == draws[1]
    assert all(a != b for a, b in zip(draws[0], draws[2]))


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match="seed is") as error:
        seed_everything(seed)
    one_line(error)


def test_a_seed_may_be_numpys_and_nothing_but_an_integer():
    seed_everything(np.int64(3))
    one = torch.rand(2)
    seed_everything(3)
    assert torch.equal(torch.rand(2), one)
    for seed in (3.0, "3", None, np.float32(3)):
        with pytest.raises(ValueError, match="give an integer") as error:
            seed_everything(seed)
        one_line(error)


@pytest.mark.parametrize("name", training.TIERS)
def test_the_tier_is_read_from_the_environment(monkeypatch, name):
    monkeypatch.setenv("MMCOURSE_TIER", name)
    assert training.tier() == name


@pytest.mark.parametrize(("cuda", "expected"), [(True, "gpu"), (False, "cpu")])
def test_the_tier_follows_the_device_when_unset_or_empty(monkeypatch, cuda, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.delenv("MMCOURSE_TIER", raising=False)
    assert training.tier() == expected
    monkeypatch.setenv("MMCOURSE_TIER", "")
    assert training.tier() == expected


def test_a_tier_that_does_not_exist_names_the_four(monkeypatch):
    monkeypatch.setenv("MMCOURSE_TIER", "huge")
    with pytest.raises(ValueError, match=r"'huge'.*smoke, cpu, gpu, full") as error:
        training.tier()
    one_line(error)


def test_the_device_is_the_preferred_one_or_the_best(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert training.pick_device() == torch.device("cpu")
    with pytest.raises(ValueError, match="'cuda' is not available: choose one of cpu"):
        training.pick_device("cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert training.pick_device() == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert training.pick_device() == torch.device("cuda")
    assert training.pick_device("cuda:1") == torch.device("cuda:1")
    assert training.pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(("major", "expected"), [(7, "fp16"), (8, "bf16")])
def test_a_gpu_that_only_emulates_bfloat16_gets_fp16(monkeypatch, major, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    properties = types.SimpleNamespace(major=major)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda device: True)
    assert training.pick_precision("cuda") == expected
    assert training.pick_precision("mps") == "no"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"fpu", "avx2", "avx512f", "amx_tile", "amx_bf16"}, "bf16"),
        ({"fpu", "avx2", "avx512f", "avx512_bf16"}, "bf16"),
        ({"fpu", "avx2", "avx512f", "avx512_vnni", "amx_tile", "amx_int8"}, "no"),
        ({"fpu", "sse2", "avx2"}, "no"),
        (set(), "no"),
    ],
)
def test_a_cpu_computes_in_bfloat16_if_its_flags_say_that_it_can(flags, expected):
    assert training.pick_precision("cpu", flags) == expected


def test_without_flags_this_cpu_is_asked(monkeypatch):
    for flags, expected in (({"amx_bf16"}, "bf16"), ({"avx2"}, "no")):
        monkeypatch.setattr(devices, "cpu_flags", lambda flags=flags: flags)
        assert training.pick_precision("cpu") == expected
        assert training.pick_precision(torch.device("cpu")) == expected


def test_flags_are_read_where_linux_tells_them_and_are_none_elsewhere(monkeypatch):
    told = "processor\t: 0\nflags\t\t: fpu sse2 avx512_bf16\nprocessor\t: 1\nflags\t\t: fpu\n"
    for text, expected in (
        (told, {"fpu", "sse2", "avx512_bf16"}),
        ("Features\t: fp bf16\n", set()),
    ):
        monkeypatch.setattr(Path, "exists", lambda path: True)
        monkeypatch.setattr(Path, "read_text", lambda path, errors, text=text: text)
        assert devices.cpu_flags.__wrapped__() == expected
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert devices.cpu_flags.__wrapped__() == set()


@pytest.mark.parametrize(("value", "expected"), [("true", "cpu"), ("1", "cpu"), ("", "cuda")])
def test_accelerates_own_variable_keeps_a_run_off_the_gpu(monkeypatch, value, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("ACCELERATE_USE_CPU", value)
    assert training.pick_device() == torch.device(expected)
    assert training.pick_device("cuda") == torch.device("cuda")


# Data order and learning rate


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 60), seed=st.integers(0, 5), epoch=st.integers(0, 4), data=st.data())
def test_an_epoch_holds_each_sample_at_most_once_and_misses_less_than_a_batch(n, seed, epoch, data):
    batch_size = data.draw(st.integers(1, n))
    batches = n // batch_size
    steps = range(epoch * batches, (epoch + 1) * batches)
    seen = torch.cat([batch_indices(step, batch_size, n, seed) for step in steps])
    assert len(seen) == batches * batch_size
    assert len(seen.unique()) == len(seen)
    assert 0 <= int(seen.min()) <= int(seen.max()) < n


def test_the_data_order_is_a_function_of_seed_and_step_alone():
    first = [batch_indices(step, 8, 100, seed=1) for step in range(30)]
    torch.manual_seed(7)
    training._permutation.cache_clear()
    for step in reversed(range(30)):
        assert torch.equal(batch_indices(step, 8, 100, seed=1), first[step])
    assert not torch.equal(first[0], first[12])  # the next epoch's first batch
    assert not torch.equal(first[0], batch_indices(0, 8, 100, seed=2))


def test_writing_into_a_batch_of_indices_does_not_change_the_next():
    batch_indices(0, 4, 4).fill_(-1)
    assert sorted(batch_indices(0, 4, 4).tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize("arguments", [(-1, 2, 4), (0, 0, 4), (0, 5, 4), (0, 1, 0)])
def test_impossible_batches_are_refused(arguments):
    with pytest.raises(ValueError, match="expected") as error:
        batch_indices(*arguments)
    one_line(error)


def test_the_schedule_is_that_of_transformers_after_the_warm_up():
    from transformers import get_cosine_schedule_with_warmup

    parameter = nn.Parameter(torch.zeros(1))
    reference = get_cosine_schedule_with_warmup(torch.optim.SGD([parameter], lr=1.0), 5, 40)
    theirs = [reference.lr_lambdas[0](step) for step in range(5, 41)]
    ours = [cosine_schedule(step, total=40, warmup=5) for step in range(5, 41)]
    assert ours == pytest.approx(theirs)


@settings(deadline=None)
@given(total=st.integers(1, 100), data=st.data())
def test_the_schedule_rises_above_zero_to_one_and_falls_to_its_floor(total, data):
    warmup = data.draw(st.integers(0, total - 1))
    floor = data.draw(st.floats(0, 1))
    rates = [cosine_schedule(step, total, warmup, floor) for step in range(total + 5)]
    assert rates[warmup] == 1
    assert rates[: warmup + 1] == sorted(rates[: warmup + 1])
    assert rates[warmup:] == sorted(rates[warmup:], reverse=True)
    assert min(rates[: warmup + 1]) > 0
    assert rates[total:] == pytest.approx([floor] * 5)


def test_a_warm_up_as_long_as_the_run_is_refused():
    with pytest.raises(ValueError, match="warmup is 10, expected 0 to 9"):
        cosine_schedule(0, total=10, warmup=10)


# Averaged weights


class Net(nn.Module):
    """Dropout draws random numbers in training; batch norm has buffers; one weight is shared."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4, width), nn.BatchNorm1d(width), nn.Dropout(0.3), nn.Linear(width, 4)
        )
        self.same = nn.Linear(4, width)
        self.same.weight = self.layers[0].weight

    def forward(self, x):
        return self.layers(x)


def nudge(model: nn.Module) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))
    model.train()(torch.randn(5, 4))


def test_the_average_is_that_of_torch_once_warmed_up():
    torch.manual_seed(0)
    model = Net()
    ours = EMA(model, decay=0.9)
    ours.updates = 10_000
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    theirs.update_parameters(model)
    for _ in range(5):
        nudge(model)
        ours.update(model)
        theirs.update_parameters(model)
    expected = theirs.module.state_dict()
    assert ours.average.keys() == expected.keys()
    for name, value in ours.average.items():
        torch.testing.assert_close(value, expected[name])


def test_the_decay_warms_up():
    model = nn.Linear(1, 1, bias=False)
    ema = EMA(model, decay=0.5)
    start = model.weight.item()
    nn.init.constant_(model.weight, start + 1)
    ema.update(model)
    assert ema.average["weight"].item() == pytest.approx(start + 1 - 2 / 11)
    ema.updates = 100
    nn.init.constant_(model.weight, ema.average["weight"].item() + 1)
    expected = ema.average["weight"].item() + 0.5
    ema.update(model)
    assert ema.average["weight"].item() == pytest.approx(expected)


def test_buffers_are_copied_and_a_shared_weight_is_averaged_under_both_names():
    torch.manual_seed(0)
    model = Net()
    ema = EMA(model, decay=0.99)
    nudge(model)
    ema.update(model)
    average = ema.average
    assert torch.equal(average["layers.1.running_mean"], model.layers[1].running_mean)
    assert average["layers.1.num_batches_tracked"] == 1
    assert torch.equal(average["same.weight"], average["layers.0.weight"])
    assert not torch.equal(average["same.weight"], model.same.weight)


def test_half_precision_weights_are_averaged_in_float32():
    model = nn.Linear(1, 1, bias=False).to(torch.bfloat16)
    nn.init.constant_(model.weight, 1.0)
    ema = EMA(model, decay=0.999)
    ema.updates = 100_000
    nn.init.constant_(model.weight, 2.0)
    for _ in range(700):
        ema.update(model)
    assert ema.average["weight"].item() == pytest.approx(2 - 0.999**700, rel=1e-3)
    ema.copy_to(model)
    assert model.weight.dtype == torch.bfloat16


def test_a_model_lent_the_average_gets_its_own_weights_back_even_on_error():
    torch.manual_seed(0)
    model = Net()
    ema = EMA(model, decay=0.9)
    nudge(model)
    own = {name: value.clone() for name, value in model.state_dict().items()}

    def fail_in_the_middle():
        with ema.averaged(model) as lent:
            assert lent is model
            assert torch.equal(model.layers[3].weight, ema.average["layers.3.weight"])
            assert not torch.equal(model.layers[3].weight, own["layers.3.weight"])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_in_the_middle()
    for name, value in model.state_dict().items():
        assert torch.equal(value, own[name])
    assert model.same.weight is model.layers[0].weight


def test_an_average_of_another_model_is_refused():
    with pytest.raises(ValueError, match=r"another model.*wrong shape layers.0.weight") as error:
        EMA(Net(6)).load_state_dict(EMA(Net(7)).state_dict())
    one_line(error)


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_out_of_range_is_refused(decay):
    with pytest.raises(ValueError, match="decay is"):
        EMA(Net(), decay=decay)


def test_parameters_are_counted_once_and_by_trainability():
    model = Net(6)
    assert count_parameters(model) == 4 * 6 + 6 + 6 + 6 + 6 * 4 + 4 + 6
    model.layers[0].requires_grad_(False)
    assert count_parameters(model) - count_parameters(model, trainable_only=True) == 4 * 6 + 6


# Checkpoints: a run that is killed and resumed ends as one that was not

TOTAL = 20


class Run:
    """A small training run that draws from every source of randomness there is."""

    def __init__(self, seed: int = 0) -> None:
        seed_everything(seed)
        self.model = Net()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.01)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, functools.partial(cosine_schedule, total=TOTAL, warmup=3)
        )
        self.ema = EMA(self.model, decay=0.9)
        self.noise = torch.Generator().manual_seed(seed)

    def train(self, start: int, stop: int) -> None:
        data = torch.arange(40.0).reshape(10, 4) / 40
        for step in range(start, stop):
            x = data[batch_indices(step, 4, len(data))]
            x = x + torch.randn(x.shape, generator=self.noise) * random.random()
            x = x * np.random.rand()  # noqa: NPY002
            loss = (self.model.train()(x) - x).square().mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            self.ema.update(self.model)

    def weights(self) -> dict[str, torch.Tensor]:
        own = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        return own | {f"ema.{k}": v for k, v in self.ema.average.items()}


def assert_equal_bits(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


@pytest.fixture(scope="module")
def straight():
    run = Run()
    run.train(0, TOTAL)
    return run.weights()


@pytest.mark.parametrize("killed_at", range(0, TOTAL + 1, 3))
def test_resuming_ends_with_the_same_weights_bit_for_bit(tmp_path, straight, killed_at):
    first = Run()
    first.train(0, killed_at)
    save_checkpoint(tmp_path / "run.pt", step=killed_at, **vars(first))
    second = Run(seed=99)
    start = load_checkpoint(tmp_path / "run.pt", **vars(second))
    assert start == killed_at
    second.train(start, TOTAL)
    assert_equal_bits(second.weights(), straight)


@pytest.mark.parametrize("left_out", ["optimizer", "scheduler", "ema", "noise"])
def test_each_part_of_the_state_is_needed(tmp_path, straight, left_out):
    """The test above would notice: a run resumed without one of its parts ends elsewhere."""
    first = Run()
    first.train(0, 7)
    kept = {name: part for name, part in vars(first).items() if name != left_out}
    save_checkpoint(tmp_path / "run.pt", step=7, **kept)
    second = Run(seed=99)
    load_checkpoint(tmp_path / "run.pt", **{name: vars(second)[name] for name in kept})
    second.train(7, TOTAL)
    with pytest.raises(AssertionError):
        assert_equal_bits(second.weights(), straight)


RUNNER = """
import os, signal, sys
import torch
from mmcourse import checkpoints
from test_training import TOTAL, Run

path, kill_at, kill_while_saving = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "saving"
run = Run()
start = checkpoints.load_checkpoint(path, **vars(run)) if os.path.exists(path) else 0

def killed(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

for step in range(start, TOTAL):
    if step == kill_at and not kill_while_saving:
        killed()
    run.train(step, step + 1)
    if step == kill_at:
        os.fsync = killed  # the content is written, the rename has not happened
    checkpoints.save_checkpoint(path, step=step + 1, **vars(run))
torch.save(run.weights(), path + ".end")
"""


def test_a_process_killed_between_and_during_saves_resumes_exactly(tmp_path, straight):
    path, here = tmp_path / "run.pt", str(Path(__file__).parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([here, *sys.path])}

    def main():
        sys.path.insert(0, here)
        exec(RUNNER, {})

    for kill_at, where in [(4, "between"), (11, "saving"), (-1, "never")]:
        arguments = str(path), str(kill_at), where
        if where == "between" or sys.platform != "linux":
            result = a_python("-c", RUNNER, *arguments, env=environment)
        else:
            result = in_a_fork(main, "run", *arguments)
        assert result.returncode == (0 if kill_at < 0 else -9), result.stderr
        if where == "saving":
            assert list(tmp_path.glob(".run.pt.*.partial"))
            assert torch.load(path, weights_only=True)["step"] == 11
    assert not list(tmp_path.glob(".run.pt.*.partial"))
    assert_equal_bits(torch.load(f"{path}.end", weights_only=True), straight)


def test_an_accelerated_run_resumes_exactly(tmp_path):
    from accelerate import Accelerator

    ends = []
    for killed_at in (TOTAL, 6):
        accelerator = Accelerator(cpu=True, mixed_precision="bf16")
        run = Run()
        run.model, run.optimizer, run.scheduler = accelerator.prepare(
            run.model, run.optimizer, run.scheduler
        )
        run.train(0, killed_at)
        if killed_at < TOTAL:
            path = tmp_path / "run.pt"
            save_checkpoint(path, step=killed_at, accelerator=accelerator, **vars(run))
            run.train(killed_at, killed_at + 2)  # go astray, then go back
            assert load_checkpoint(path, accelerator=accelerator, **vars(run)) == killed_at
            run.train(killed_at, TOTAL)
        ends.append(run.weights())
    assert_equal_bits(*ends)


def test_a_wrapped_model_is_saved_under_the_names_of_the_bare_one(tmp_path):
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    model, bare = Net(), Net()
    wrapped = torch.compile(model)  # nothing is compiled before it is called
    save_checkpoint(tmp_path / "run.pt", step=1, accelerator=accelerator, model=wrapped)
    load_checkpoint(tmp_path / "run.pt", model=bare)
    assert_equal_bits(bare.state_dict(), model.state_dict())


def test_the_loss_scale_of_fp16_is_part_of_a_checkpoint(tmp_path):
    class Accelerator:
        num_processes, process_index, is_main_process = 1, 0, True
        scaler = torch.amp.GradScaler("cpu", init_scale=512.0)

        @staticmethod
        def unwrap_model(model, keep_torch_compile):
            return model

    accelerator = Accelerator()
    accelerator.scaler.scale(torch.ones(1))
    save_checkpoint(tmp_path / "run.pt", step=1, accelerator=accelerator, model=Net())
    accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    load_checkpoint(tmp_path / "run.pt", accelerator=accelerator, model=Net())
    assert accelerator.scaler.get_scale() == 512


# Checkpoints that cannot be written or read


def test_a_full_disk_leaves_the_previous_checkpoint_whole(tmp_path, monkeypatch):
    run = Run()
    save_checkpoint(tmp_path / "run.pt", step=1, **vars(run))
    before = (tmp_path / "run.pt").read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"run\.pt not saved.*no space left") as error:
        save_checkpoint(tmp_path / "run.pt", step=2, **vars(run))
    one_line(error)
    assert error.value.errno == errno.ENOSPC
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]
    assert (tmp_path / "run.pt").read_bytes() == before
    monkeypatch.undo()
    assert load_checkpoint(tmp_path / "run.pt", **vars(run)) == 1


def test_a_disk_that_is_really_full(tmp_path):
    """A file-size limit stops the write half way, as a full disk does."""
    script = f"""
import resource, signal
from pathlib import Path
from mmcourse.checkpoints import write_atomically
path = Path({str(tmp_path / "file")!r})
write_atomically({{path: b"old"}})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically({{path: b"new" * 1000}})
except OSError as error:
    print(error)
"""
    pytest.importorskip("resource")
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "file not saved (0.0 MB): File too large" in result.stdout
    assert result.stdout.count("\n") == 1
    assert (tmp_path / "file").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_of_several_files_none_is_replaced_before_all_are_written(tmp_path, monkeypatch):
    a, b = tmp_path / "a", tmp_path / "b"
    checkpoints.write_atomically({a: b"old a", b: b"old b"})
    synced = []

    def full_at_the_second(descriptor):
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_at_the_second)
    with pytest.raises(OSError, match="not saved"):
        checkpoints.write_atomically({a: b"new a", b: b"new b"})
    assert (a.read_bytes(), b.read_bytes()) == (b"old a", b"old b")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_rename_that_fails_leaves_the_old_file_alone(tmp_path, monkeypatch):
    checkpoints.write_atomically({tmp_path / "file": b"old"})

    def refuse(source, target):
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="Permission denied"):
        checkpoints.write_atomically({tmp_path / "file": b"new"})
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match="not saved") as error:
        save_checkpoint(tmp_path / "file" / "run.pt", step=1, model=Net())
    one_line(error)


def test_a_missing_checkpoint_says_so(tmp_path):
    with pytest.raises(ValueError, match="no checkpoint at") as error:
        load_checkpoint(tmp_path / "run.pt", model=Net())
    one_line(error)


def test_no_damage_goes_unseen(tmp_path):
    path = tmp_path / "run.pt"
    torch.manual_seed(0)
    model = Net()
    save_checkpoint(path, step=3, model=model)
    whole = path.read_bytes()
    random.seed(0)
    for _ in range(60):
        place = random.randrange(len(whole))
        flipped = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        for content in (flipped, whole[:place]):
            path.write_bytes(content)
            other = Net()
            try:
                load_checkpoint(path, model=other)
                message = ""
            except ValueError as error:
                message = str(error)
            if message:
                assert str(path) in message
                assert "\n" not in message
            else:  # a byte of padding
                assert_equal_bits(other.state_dict(), model.state_dict())
    weight = whole.index(model.same.bias.detach().numpy().tobytes())
    for content in (b"", whole[:weight] + b"\0" + whole[weight + 1 :]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="damaged"):
            load_checkpoint(path, model=model)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "pwned"),))

    torch.save({"step": 1, "states": Evil()}, tmp_path / "run.pt")
    with pytest.raises(ValueError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "run.pt", model=Net())
    assert not (tmp_path / "pwned").exists()


def test_another_file_of_torch_is_not_a_checkpoint(tmp_path):
    torch.save({"weight": torch.zeros(1)}, tmp_path / "run.pt")
    with pytest.raises(ValueError, match="not a checkpoint") as error:
        load_checkpoint(tmp_path / "run.pt", model=Net())
    one_line(error)


def test_a_checkpoint_of_another_architecture_changes_nothing(tmp_path):
    save_checkpoint(tmp_path / "run.pt", step=3, model=Net(6))
    model = Net(7)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = random.getstate()
    pattern = r"run\.pt is of another architecture: .*wrong shape .*\(6, 4\) instead of \(7, 4\)"
    with pytest.raises(ValueError, match=pattern) as error:
        load_checkpoint(tmp_path / "run.pt", model=model)
    one_line(error)
    assert "more" in str(error.value)
    assert_equal_bits(model.state_dict(), before)
    assert random.getstate() == state


def test_missing_and_unexpected_weights_are_named(tmp_path):
    deep = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    save_checkpoint(tmp_path / "run.pt", step=3, model=nn.Sequential(nn.Linear(2, 2)))
    with pytest.raises(ValueError, match=r"missing 1\.weight, 1\.bias"):
        load_checkpoint(tmp_path / "run.pt", model=deep)
    save_checkpoint(tmp_path / "run.pt", step=3, model=deep)
    with pytest.raises(ValueError, match=r"unexpected 1\.weight, 1\.bias"):
        load_checkpoint(tmp_path / "run.pt", model=nn.Sequential(nn.Linear(2, 2)))


def test_other_objects_than_those_saved_are_refused(tmp_path):
    run = Run()
    save_checkpoint(tmp_path / "run.pt", step=3, model=run.model, optimizer=run.optimizer)
    with pytest.raises(ValueError, match=re.escape("holds model (Net), optimizer (AdamW)")):
        load_checkpoint(tmp_path / "run.pt", model=run.model)
    optimizer = torch.optim.SGD(run.model.parameters())
    with pytest.raises(ValueError, match=r"asked for .*optimizer \(SGD\)") as error:
        load_checkpoint(tmp_path / "run.pt", model=run.model, optimizer=optimizer)
    one_line(error)


def test_an_optimiser_of_other_parameters_is_refused(tmp_path):
    model = Net()
    one, two = (torch.optim.SGD(list(model.parameters())[:n], lr=0.1) for n in (1, 2))
    save_checkpoint(tmp_path / "run.pt", step=3, optimizer=one)
    with pytest.raises(ValueError, match="does not fit optimizer") as error:
        load_checkpoint(tmp_path / "run.pt", optimizer=two)
    one_line(error)


def test_a_run_of_fewer_processes_is_refused(tmp_path):
    save_checkpoint(tmp_path / "run.pt", step=3, model=Net())
    second = types.SimpleNamespace(
        scaler=None, process_index=1, unwrap_model=lambda model, keep_torch_compile: model
    )
    with pytest.raises(ValueError, match="run with 1 processes"):
        load_checkpoint(tmp_path / "run.pt", accelerator=second, model=Net())


def test_what_could_not_be_loaded_again_is_not_saved(tmp_path):
    class Odd:
        def __init__(self, state):
            self.state = state

        def state_dict(self):
            return self.state

        def load_state_dict(self, state):
            self.state = state

    save_checkpoint(tmp_path / "run.pt", step=1, odd=Odd({"a": [1, (2.5, "x", None)]}))
    for state in ({"f": lambda: 0}, {"g": (i for i in ())}, {"path": types.SimpleNamespace()}):
        with pytest.raises(ValueError, match="not saved: a state holds more") as error:
            save_checkpoint(tmp_path / "run.pt", step=2, odd=Odd(state))
        one_line(error)
    assert load_checkpoint(tmp_path / "run.pt", odd=Odd(None)) == 1
    with pytest.raises(ValueError, match="step_count is a int"):
        save_checkpoint(tmp_path / "run.pt", step=1, step_count=3)


# Provenance


def test_the_hash_of_sources_follows_the_text_and_nothing_else(tmp_path, monkeypatch):
    def build(root, text="x = 1\n", newline="\n"):
        package = root / "thing" / "inner"
        package.mkdir(parents=True)
        for path in (package.parent / "__init__.py", package / "__init__.py"):
            path.write_text("")
        (package / "part.py").write_text(text, newline=newline)
        (package.parent / "other.py").write_text("y = 2\n")
        (package.parent / "notes.txt").write_text(str(root))
        monkeypatch.syspath_prepend(root)
        for name in [name for name in sys.modules if name.split(".")[0] == "thing"]:
            del sys.modules[name]
        return cards.sources_hash(["thing.inner", "thing.other"])

    first = build(tmp_path / "a")
    assert len(first) == 64
    assert build(tmp_path / "b") == first
    assert build(tmp_path / "c", newline="\r\n") == first
    assert cards.sources_hash(["thing.other", "thing.inner"]) == first
    assert cards.sources_hash(["thing.other", "thing.inner.part", "thing.inner"]) == first
    assert build(tmp_path / "d", text="x = 2\n") != first
    assert cards.sources_hash(["thing.inner"]) != first
    last = cards.sources_hash(["thing"])
    build(tmp_path / "e", text="x = 3\n")
    assert cards.sources_hash(["thing"]) != last  # a package stands for all that is beneath it
    assert cards.sources_hash([training]) == cards.sources_hash(["mmcourse.training"])


@pytest.mark.parametrize("name", ["no_such_module", "mmcourse.no_such", "math"])
def test_a_module_without_source_is_refused(name):
    with pytest.raises(ValueError, match="no Python source") as error:
        cards.sources_hash([name])
    one_line(error)


def test_the_environment_and_the_device_are_named():
    versions = training.environment()
    assert versions["torch"] == torch.__version__.split("+")[0] or versions["torch"]
    assert all(re.match(r"\d", version) for version in versions.values())
    assert re.fullmatch(r"\d+ cores of .+", training.device_name("cpu"))


# What goes wrong around a run


@pytest.mark.parametrize(
    ("number", "saved"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)]
)
def test_a_folder_that_cannot_be_flushed_is_no_reason_to_fail(tmp_path, monkeypatch, number, saved):
    """Shared and mounted folders refuse it; a failing disk is told."""
    flush = os.fsync

    def fsync(file):
        if os.path.isdir(f"/proc/self/fd/{file}"):
            raise OSError(number, os.strerror(number))
        flush(file)

    monkeypatch.setattr(os, "fsync", fsync)
    model = nn.Linear(2, 2)
    if saved:
        save_checkpoint(tmp_path / "run.pt", step=3, model=model)
        assert load_checkpoint(tmp_path / "run.pt", model=model) == 3
    else:
        with pytest.raises(OSError, match=os.strerror(number)):
            save_checkpoint(tmp_path / "run.pt", step=3, model=model)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_not_finite_stops_the_run_in_one_line(value):
    training.check_finite(torch.tensor(1e30), 3)
    with pytest.raises(ValueError, match=r"loss of step 7 is.*not taken.*learning rate") as error:
        training.check_finite(torch.tensor(value), 7)
    one_line(error)


def test_an_average_looks_through_what_a_model_is_wrapped_in():
    torch.manual_seed(0)
    model, twin = nn.Linear(3, 2), nn.Linear(3, 2)
    twin.load_state_dict(model.state_dict())
    wrapped = torch.compile(model)
    ema, other = EMA(wrapped, decay=0.9), EMA(twin, decay=0.9)
    for one in (model, twin):
        nn.init.ones_(one.weight)
    ema.update(wrapped)
    other.update(twin)
    assert ema.average.keys() == other.average.keys() == model.state_dict().keys()
    assert all(torch.equal(ema.average[k], other.average[k]) for k in other.average)
    with ema.averaged(wrapped):
        assert torch.equal(model.weight, other.average["weight"])
    assert torch.equal(model.weight, torch.ones(2, 3))
    assert training.plain(wrapped) is model


def test_what_was_frozen_in_evaluation_mode_stays_so():
    model = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.BatchNorm1d(2)).train()
    model[1].eval()
    with training.evaluating(model):
        assert not any(part.training for part in model.modules())
    assert [part.training for part in model.modules()] == [True, True, False]


def test_a_training_in_another_precision_may_follow():
    for precision in ("no", "bf16", "no"):
        assert processes.accelerator_for(precision).mixed_precision == precision
    with torch.no_grad(), pytest.raises(ValueError, match="needs gradients"):
        processes.accelerator_for("no")
