"""The student: windows, the teacher's walk, the straight line, and that it learns to go it."""

import dataclasses

import pytest
import torch

from mmcourse.diffusion import FlowPath, Guided, euler, last, sample
from mmcourse.diffusion.cond import Cond
from mmcourse.diffusion.generate import Way
from mmcourse.diffusion.train import Told
from mmcourse.dit.generate import way_of
from mmcourse.dit.optimise import Plan
from mmcourse.dit.perflow import (
    guided_velocity,
    straight_line,
    straighten,
    student_of,
    walk,
    window_of,
)

from .conftest import awake, heroes, small_dit

PLAN = Plan(steps=5, batch_size=2, lr=3e-3, muon=3e-3, warmup=2, save_every=2)
TEXTS = ["a red fox", "a blue owl", "a green cat", "a red owl"]
PLAIN = Way(guidance=1.0)


def told(reader):
    return Told(lambda i, step: TEXTS[(i + step) % 4], reader)


def said(reader, model, texts=TEXTS):
    with torch.no_grad():
        return model.read(reader(texts))


def test_windows_are_the_levels_that_the_student_visits():
    t = torch.tensor([1.0, 0.8, 0.75, 0.7501, 0.25, 0.01])
    start, end = window_of(t, 4)
    assert start.tolist() == [1.0, 1.0, 0.75, 1.0, 0.25, 0.25]
    assert torch.allclose(start - end, torch.full((6,), 0.25))
    assert bool(((t <= start) & (t > end)).all())
    visited = [level.t / 1000 for level in student_of(small_dit()).path.levels(4)]
    assert visited == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0])


def test_the_teacher_s_walk_is_the_sampler_s(reader):
    """Through all windows one after another, it is Euler's method on the same levels."""
    model = awake(small_dit(shift=1.0))
    cond, way = said(reader, model), Way(guidance=2.0, highest=610.0)
    x = torch.randn(4, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    guided = Guided(model, model.null(), 2.0, (0.0, 610.0))
    wanted = last(
        sample(guided, x, FlowPath().levels(8), objective="flow", sampler=euler, cond=cond)
    )
    for k in range(4, 0, -1):
        ends = torch.full((4,), k / 4), torch.full((4,), (k - 1) / 4)
        x = walk(model, x, ends, cond, model.null(), way, steps=2)
    assert torch.allclose(x, wanted, atol=1e-4)


def test_rows_of_different_times_are_guided_each_by_its_own(reader):
    model = awake(small_dit())
    cond, way = said(reader, model), Way(guidance=3.0, highest=500.0)
    x, t = torch.randn(4, 4, 8, 8), torch.tensor([0.9, 0.1, 0.5, 0.6])
    with torch.no_grad():
        found = guided_velocity(model, x, t, cond, model.null(), way)
        guided = Guided(model, model.null(), 3.0, (0.0, 500.0))
        for i in range(4):
            row = Cond(cond.text[i : i + 1], cond.mask[i : i + 1], cond.pooled[i : i + 1])
            alone = guided(x[i : i + 1], 1000 * t[i : i + 1], row)
            assert torch.allclose(found[i : i + 1], alone, atol=1e-4)


def test_the_line_goes_from_where_it_begins_to_where_the_teacher_arrives():
    begun, arrived = torch.randn(3, 2, 2, 2), torch.randn(3, 2, 2, 2)
    ends = torch.tensor([1.0, 0.5, 0.25]), torch.tensor([0.75, 0.25, 0.0])
    first, velocity = straight_line(begun, arrived, ends[0], ends)
    end, same = straight_line(begun, arrived, ends[1], ends)
    assert torch.allclose(first, begun, atol=1e-6)
    assert torch.allclose(end, arrived, atol=1e-6)
    assert torch.equal(velocity, same)
    assert torch.allclose(begun - 0.25 * velocity, arrived, atol=1e-6)  # Euler's step, once


def test_a_straight_way_stays_as_it_is():
    """A field of constant velocity is its own student."""
    x, v = torch.randn(2, 1, 2, 2), torch.randn(2, 1, 2, 2)
    ends = torch.tensor([1.0, 0.5]), torch.tensor([0.75, 0.25])
    arrived = walk(lambda x, t, cond: v, x, ends, Cond(), Cond(), PLAIN)
    assert torch.allclose(straight_line(x, arrived, ends[1], ends)[1], v, atol=1e-5)


def test_the_student_begins_as_its_teacher_and_comes_nearer(reader):
    teacher = awake(small_dit())
    student = student_of(teacher)
    assert (student.windows, student.path.shift) == (4, 1.0)
    plan = Plan(steps=60, batch_size=4, lr=2e-3, muon=2e-3, warmup=5, decay=0.9)
    before = [p.clone() for p in teacher.parameters()]
    rows = list(straighten(student, teacher, heroes(), plan, told=told(reader)))
    error = [row["error"] for row in rows]
    assert sum(error[-10:]) < 0.7 * sum(error[:10])
    assert all(torch.equal(a, b) for a, b in zip(before, teacher.parameters()))


@pytest.mark.parametrize("killed_after", [1, 3])
def test_a_run_killed_at_any_step_ends_with_the_same_weights(reader, tmp_path, killed_after):
    teacher = awake(small_dit())
    whole, broken, again = (student_of(teacher) for _ in range(3))
    rows = list(straighten(whole, teacher, heroes(), PLAN, told=told(reader), seed=3))
    file = tmp_path / "checkpoint.pt"
    go = {"told": told(reader), "checkpoint": file, "seed": 3}
    loop = straighten(broken, teacher, heroes(), PLAN, **go)
    for _ in range(killed_after):
        next(loop)
    loop.close()
    later = list(straighten(again, teacher, heroes(), PLAN, **go))
    assert later == rows[2 * (killed_after // 2) :]
    ends = zip(whole.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in ends)


def test_a_student_is_drawn_with_its_own_steps_and_unguided():
    student = student_of(small_dit())
    assert (way_of(student).steps, way_of(student).guidance) == (4, 1.0)
    assert way_of(student, steps=8).steps == 8
    with pytest.raises(ValueError, match=r"guidance 2\.0 on a student"):
        way_of(student, guidance=2.0)
    with pytest.raises(ValueError, match="take a multiple of 4"):
        way_of(student, steps=6)
    with pytest.raises(ValueError, match="student_of"):
        straighten(small_dit(), small_dit(), heroes(), dataclasses.replace(PLAN), told=None)


def test_a_student_is_made_without_throwing_dice():
    teacher = awake(small_dit())
    state = torch.get_rng_state()
    student_of(teacher)
    assert torch.equal(torch.get_rng_state(), state)
