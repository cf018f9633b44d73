"""A tower is asked of each place what stands there, and not of another."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmcourse.lora.models.collate import collate
from mmcourse.lora.models.folders import build
from mmcourse.lora.models.seeing import ANSWERS, Seeing, missed, sights
from mmcourse.lora.models.shapes import SMOKE
from mmcourse.lora.models.tasks import describe
from mmcourse.lora.models.train import Learning, Plan, Stage, train
from mmcourse.vqgan.features import QUESTIONS


def test_missed_is_the_mean_over_questions_of_what_each_patch_costs():
    torch.manual_seed(0)
    said, answers = torch.randn(2, 6, ANSWERS), torch.full((2, len(QUESTIONS), 2, 3), -1)
    answers[0, 0, 1, 2], answers[1, 0, 0, 0], answers[1, 3, 0, 1] = 2, 0, 1
    first = torch.arange(ANSWERS).split([len(x) for x in QUESTIONS.values()])
    kind = F.log_softmax(said[..., first[0]], -1)
    third = F.log_softmax(said[..., first[3]], -1)
    expected = -(kind[0, 5, 2] + kind[1, 0, 0]) / 2 - third[1, 1, 1]
    assert missed(said, answers).item() == pytest.approx(expected.item() / len(QUESTIONS))


def test_a_patch_is_asked_only_what_arises():
    said = torch.randn(1, 4, ANSWERS, requires_grad=True)
    answers = torch.full((1, len(QUESTIONS), 2, 2), -1, dtype=torch.int8)
    answers[0, 0, 0, 1] = 2
    missed(said, answers).backward()
    moved = said.grad.abs().sum(-1)[0] > 0
    assert moved.tolist() == [False, True, False, False]


def test_each_place_answers_for_its_own_patches():
    """Without blocks no place knows of another: then pixels of one square alone matter."""
    torch.manual_seed(0)
    model, processor = build("qwen-vl", SMOKE)
    learning = Seeing(model)
    model.model.visual.blocks = nn.ModuleList()
    shown = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    made = dict(processor.image_processor(images=list(shown), return_tensors="pt"))
    pixels = made["pixel_values"].requires_grad_()
    for row, down, right in ((0, 0, 0), (1, 3, 6), (0, 7, 2)):
        answers = torch.full((2, len(QUESTIONS), 8, 8), -1)
        answers[row, 0, down, right] = 1
        (gradient,) = torch.autograd.grad(learning({**made, "answers": answers}), pixels)
        matters = gradient.abs().sum(1).reshape(2, 4, 4, 2, 2)  # as the processor orders patches
        square = torch.zeros(2, 4, 4, dtype=torch.bool)
        square[row, down // 2, right // 2] = True
        assert (matters > 0).all((3, 4)).equal(square)
        loss = learning({**made, "answers": answers})
        (weight,) = torch.autograd.grad(loss, learning.heads.weight)
        weight = weight.unflatten(0, (2, 2, ANSWERS))
        own = torch.zeros(2, 2, dtype=torch.bool)
        own[down % 2, right % 2] = True  # and of the square's four patches one
        assert (weight.abs().sum((2, 3)) > 0).equal(own)


def test_a_picture_is_prepared_as_it_will_be_shown(tmp_path, monkeypatch):
    from PIL import Image

    monkeypatch.setenv("MMCOURSE_CACHE", str(tmp_path))
    _, processor = build("qwen-vl", SMOKE)
    task = sights(processor, (64, 96), 4, 4)
    small, large = task.batch(0), task.batch(1)
    assert small["answers"].shape[2:] == (8, 8)
    assert large["answers"].shape[2:] == (12, 12)
    from mmcourse.vqgan.features_data import draw_truth

    rows = [Image.fromarray(x.numpy()) for x in draw_truth(4, 96)["pixels"]]
    same = processor.image_processor(images=rows, return_tensors="pt")["pixel_values"]
    both = (large["pixel_values"].reshape(4, -1), same.reshape(4, -1))
    order = torch.cdist(*both).argmin(1)
    assert sorted(order.tolist()) == [0, 1, 2, 3]
    assert both[0].equal(both[1][order])
    answers = draw_truth(4, 96)["answers"]
    assert large["answers"].equal(answers[order])


def test_steps_show_all_pictures_before_one_comes_again(tmp_path, monkeypatch):
    monkeypatch.setenv("MMCOURSE_CACHE", str(tmp_path))
    _, processor = build("qwen-vl", SMOKE)
    task = sights(processor, (64,), 8, 2)
    shown = torch.cat([task.batch(k)["pixel_values"].reshape(2, -1) for k in range(4)])
    assert len(shown.unique(dim=0)) == 8


def test_an_answer_costs_what_it_costs_without_seeing():
    torch.manual_seed(0)
    model, processor = build("qwen-vl", SMOKE)
    batch = collate(processor, [describe(0, "train", 64), describe(1, "train", 64)])
    assert Seeing(model)(batch).equal(Learning(model)(batch))


def test_a_stage_of_seeing_moves_the_tower_and_no_word(tmp_path, monkeypatch):
    monkeypatch.setenv("MMCOURSE_CACHE", str(tmp_path))
    torch.manual_seed(0)
    model, processor = build("qwen-vl", SMOKE)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    plan = Plan((Stage(3, ("sights",), r"model\.visual"),), 4, 4)
    tasks = {"sights": sights(processor, (64, 96), 4, 4)}
    rows = list(train(Seeing(model), processor, plan, tasks))
    assert [row["step"] for row in rows] == [1, 2, 3]
    moved = {k for k, v in model.state_dict().items() if not v.equal(before[k])}
    assert moved
    assert all("visual" in name for name in moved)
    assert any("patch_embed" in name for name in moved)
    assert any("merger" in name for name in moved)
