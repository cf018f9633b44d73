"""Labels and losses, beside what transformers computes."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from mmcourse.lora import (
    IGNORED,
    LoRAConfig,
    answer_labels,
    answer_loss,
    inject,
    next_token_loss,
    trainable,
)


@pytest.fixture(scope="module")
def llama():
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        vocab_size=30,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = LlamaForCausalLM(config)
    inject(model, LoRAConfig(targets=("q_proj", "up_proj"), rank=2))
    for p in trainable(model):
        p.data += 0.1
    return model


@pytest.fixture(scope="module")
def batch():
    ids = torch.randint(3, 30, (3, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(9) < torch.tensor([9, 6, 4])[:, None]
    labels = answer_labels(ids, torch.tensor([5, 3, 1]), mask, picture=29)
    return {"input_ids": ids, "attention_mask": mask.long(), "labels": labels}


def test_it_is_transformers_own_loss_with_its_gradients(llama, batch):
    mine, theirs = answer_loss(llama, batch), llama(**batch).loss
    logits = llama(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    again = next_token_loss(logits, batch["labels"])
    torch.testing.assert_close(mine, theirs)
    torch.testing.assert_close(again, theirs)
    grads = [torch.autograd.grad(x, trainable(llama)) for x in (mine, theirs, again)]
    for one, other, third in zip(*grads):
        torch.testing.assert_close(one, other)
        torch.testing.assert_close(one, third)


def test_the_head_is_asked_where_there_is_a_label_alone(llama, batch):
    seen = []
    hook = llama.lm_head.register_forward_hook(lambda m, x, out: seen.append(out.shape))
    answer_loss(llama, batch)
    llama(input_ids=batch["input_ids"])
    hook.remove()
    labelled = int((batch["labels"][:, 1:] != IGNORED).sum())
    assert seen == [(1, labelled, 30), (3, 9, 30)]  # and no hook is left behind


def test_what_is_learned():
    ids = torch.tensor([[9, 7, 7, 5, 4, 2, 2, 2], [7, 7, 4, 2, 2, 2, 2, 2]])  # 2 ends and pads
    mask = torch.arange(8) < torch.tensor([6, 4])[:, None]
    found = answer_labels(ids, torch.tensor([3, 1]), mask, picture=7)
    assert found.tolist() == [
        [-100, -100, -100, 5, 4, 2, -100, -100],
        [-100, -100, 4, 2, -100, -100, -100, -100],
    ]


def test_nothing_to_learn_is_told(llama, batch):
    with pytest.raises(ValueError, match="no token is labelled"):
        answer_loss(llama, {**batch, "labels": torch.full((3, 9), IGNORED)})
    with pytest.raises(ValueError, match=r"labels are \(3, 8\), the ids \(3, 9\)"):
        answer_loss(llama, {**batch, "labels": batch["labels"][:, 1:]})
