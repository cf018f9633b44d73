"""A training step of LoRA by this package beside peft's, on a language model and on a LLaVA.

    python benchmarks/lora.py [--json] [--rounds N]

Both adapt the same layers of the same frozen weights by the same rank, read the same batch, and
take the same step: forward, cross-entropy of the answers (a quarter of the text; after a picture's
64 places and 12 words of a question, 4 of an answer), backward, AdamW. Theirs is the usual one,
`model(**batch).loss` on `get_peft_model`. Ours differs in two ways: base and update are one
operation (`mmcourse.lora.fused`), and the head is asked about the labelled places alone
(`answer_loss`). What the first is worth by itself is told as `layers_alone`. No LoRA can be faster
than the frozen model with no adapter at all, whose gradient only runs back through its layers: what
that takes beside peft's step is `floor`.

The headline is the model of about 100 million parameters; the tiny LLaVA's numbers and the peaks of
memory (bytes that PyTorch holds above the start of a step) stand under "sizes". One core.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from importlib.metadata import version

import torch
from _timing import in_turns, options, report
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
)

from mmcourse.cards import environment
from mmcourse.lora import LoRAConfig, inject, trainable
from mmcourse.lora.loss import answer_loss
from mmcourse.training import count_parameters

RANK, ALPHA, PAD, PICTURE = 8, 16.0, 0, 3
LANGUAGE = r"(.*language_model\.|model\.)layers\.\d+\..*_proj"
Step = Callable[[], float]


def text_config(width: int, layers: int, words: int) -> LlamaConfig:
    """Of a Llama with heads of 64."""
    return LlamaConfig(
        hidden_size=width,
        num_hidden_layers=layers,
        intermediate_size=width * 8 // 3,
        vocab_size=words,
        num_attention_heads=max(1, width // 64),
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=1,
        eos_token_id=2,
    )


def llava(width: int, layers: int, words: int) -> LlavaForConditionalGeneration:
    """A LLaVA for pictures of 64 pixels, 64 patches each."""
    vision = {
        "model_type": "clip_vision_model",
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": max(1, width // 64),
        "image_size": 64,
        "patch_size": 8,
        "projection_dim": width,
    }
    config = LlavaConfig(
        vision_config=vision,
        text_config=text_config(width, layers, words),
        image_token_index=PICTURE,
        vision_feature_layer=-1,
    )
    return LlavaForConditionalGeneration(config)


def batch_of(rows: int, length: int, words: int, patches: int = 0) -> dict[str, Tensor]:
    """So many random ids after a picture's, of which the last quarter is learned."""
    dice = torch.Generator().manual_seed(0)
    ids = torch.randint(4, words, (rows, patches + length), generator=dice)
    labels = ids.clone()
    labels[:, : -(length // 4)] = -100
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
    if patches:
        ids[:, :patches] = PICTURE
        batch["pixel_values"] = torch.randn(rows, 3, 64, 64, generator=dice)
    return batch


def step_of(parameters: list[nn.Parameter], loss: Callable[[], Tensor]) -> Step:
    """One optimiser step, as a call that returns the loss."""
    optimiser = torch.optim.AdamW(parameters, lr=1e-4, fused=True)

    def step() -> float:
        found = loss()
        optimiser.zero_grad()
        found.backward()
        optimiser.step()
        return found.item()

    return step


def steps(model: nn.Module, batch: dict[str, Tensor]) -> tuple[Step, Step, Step]:
    """Our step, our layers under their loss, and peft's step, over one set of frozen weights."""
    twin = copy.deepcopy(model)
    for mine, theirs in zip(model.parameters(), twin.parameters()):
        theirs.data = mine.data
    peer = get_peft_model(twin, LoraConfig(target_modules=LANGUAGE, r=RANK, lora_alpha=ALPHA))
    peer.train()
    inject(model, LoRAConfig(LANGUAGE, RANK, ALPHA))
    model.train()
    own = trainable(model)
    learned = [p for p in peer.parameters() if p.requires_grad]
    if sum(p.numel() for p in own) != sum(p.numel() for p in learned):
        raise ValueError("the two do not adapt the same layers")
    return (
        step_of(own, lambda: answer_loss(model, batch)),
        step_of(own, lambda: model(**batch).loss),
        step_of(learned, lambda: peer(**batch).loss),
    )


def floor_of(model: nn.Module, batch: dict[str, Tensor]) -> Step:
    """Forward and back through a frozen copy without adapters: `answer_loss`, nothing learned."""
    frozen = copy.deepcopy(model).requires_grad_(False).train()
    frozen.get_input_embeddings().register_forward_hook(lambda *of: of[-1].requires_grad_())

    def step() -> float:
        found = answer_loss(frozen, batch)
        found.backward()
        return found.item()

    return step


def peak_bytes(step: Step) -> int:
    """The most that PyTorch holds at once during a step, above what it held before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        step()
    held = most = 0
    for event in seen.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


def compare(model: nn.Module, batch: dict[str, Tensor], rounds: int) -> dict[str, float]:
    """Milliseconds and bytes of both, and the ratios."""
    parameters = count_parameters(model)
    least = floor_of(model, batch)
    mine, plain_head, theirs = steps(model, batch)
    losses = [step() for step in (mine, theirs)]
    if abs(losses[0] - losses[1]) > 1e-3 * losses[1]:
        raise ValueError(f"the losses differ ({losses}): not the same work")
    ours, peer = in_turns(mine, theirs, rounds)
    layers, again = in_turns(plain_head, theirs, max(1, rounds // 2))
    floor, once_more = in_turns(least, theirs, max(1, rounds // 2))
    memory = peak_bytes(mine), peak_bytes(theirs)
    return {
        "parameters": parameters,
        "ours": 1000 * ours,
        "peer": 1000 * peer,
        "ratio": ours / peer,
        "layers_alone": layers / again,
        "floor": floor / once_more,
        "memory_ours": memory[0],
        "memory_peer": memory[1],
        "memory_ratio": memory[0] / memory[1],
    }


def main() -> None:
    """Measure and print."""
    asked = options("Our LoRA's training step beside peft's.", rounds=10)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    large, small, rows, length = (768, 12, 16_384), (128, 4, 1000), 2, 96
    if asked.small:
        large, small, rows, length = (64, 1, 200), (64, 1, 100), 1, 16
    pictured = compare(llava(*small), batch_of(2 * rows, 16, small[2], 64), asked.rounds)
    text = compare(
        LlamaForCausalLM(text_config(*large)), batch_of(rows, length, large[2]), asked.rounds
    )
    report(
        {
            "quantity": "milliseconds of a LoRA's training step",
            "ours": text["ours"],
            "peer": text["peer"],
            "peer_name": f"peft {version('peft')}",
            "ratio": text["ratio"],
            "better": "lower",
            "sizes": {
                "batch": rows,
                "tokens": length,
                "labelled": length // 4,
                "rank": RANK,
                **{key: text[key] for key in ("parameters", "layers_alone", "floor")},
                **{key: text[key] for key in ("memory_ours", "memory_peer", "memory_ratio")},
                **{f"llava_{key}": value for key, value in pictured.items()},
                "rounds": asked.rounds,
            },
            "versions": {
                **environment(),
                **{name: version(name) for name in ("peft", "transformers")},
            },
            "threads": torch.get_num_threads(),
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
