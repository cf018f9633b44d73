"""The four models' folders, batches and targets: what goes in is what is meant."""

import copy

import pytest
import torch
from PIL import Image
from transformers import (
    AutoModel,
    AutoModelForImageTextToText,
    AutoProcessor,
)

from mmcourse.lora import IGNORED, LoRAConfig, answer_loss, find_targets, inject, trainable
from mmcourse.lora.models.collate import Example, answer, collate, collate_pairs, questions
from mmcourse.lora.models.folders import NAMES, build, check_pair, load, save
from mmcourse.lora.models.shapes import SMOKE
from mmcourse.lora.models.targets import TARGETS, targets_of
from mmcourse.lora.models.tasks import TASKS, describe, structure_of, words_alone
from mmcourse.lora.models.vision import take_vision
from mmcourse.lora.models.words import build_tokenizer, tidy, vocabulary
from mmcourse.storyworld import Tokenizer

TALKING = ("blip2", "llava", "qwen-vl")


@pytest.fixture(scope="module")
def built():
    """Every model with its processor, as small as they run."""
    out = {}
    for name in NAMES:
        torch.manual_seed(0)
        model, processor = build(name, SMOKE)
        out[name] = (model.eval(), processor)
    return out


def shown(*answers, prompt="what colour is the fox?", side=16):
    pictures = [Image.new("RGB", (side, side), (60 * i, 90, 120)) for i in range(len(answers))]
    return [Example(prompt, a, (p,)) for a, p in zip(answers, pictures)]


def test_the_vocabulary_is_the_worlds_and_says_every_task():
    words = set(vocabulary())
    assert len(words) == len(vocabulary()) < 1024
    assert set(Tokenizer().words[4:]) <= words
    tokens = build_tokenizer()
    for make in (describe, words_alone, structure_of, TASKS["pages"], TASKS["glimpses"]):
        for i in range(4):
            example = make(i, "train", 16)
            ids = tokens(f"{example.prompt} {example.answer}")["input_ids"]
            assert tokens.unk_token_id not in ids


def test_it_splits_and_joins_as_the_worlds_own_does():
    tokens, own = build_tokenizer(start=False), Tokenizer()
    for i in range(6):
        text = words_alone(i, "train", 8).answer
        ids = tokens(text)["input_ids"]
        assert tokens.convert_ids_to_tokens(ids) == own.split(text)
        assert tidy(tokens.decode(ids)) == own.decode(own.encode(text)[0])[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_the_auto_classes_load(built, name, tmp_path):
    model, processor = built[name]
    save(model, processor, tmp_path)
    auto = AutoModel if name == "clip" else AutoModelForImageTextToText
    other, again = auto.from_pretrained(tmp_path), AutoProcessor.from_pretrained(tmp_path)
    assert type(other) is type(model)
    assert type(again) is type(processor)
    make = collate_pairs if name == "clip" else collate
    batch, same = make(processor, shown("red", "blue")), make(again, shown("red", "blue"))
    assert batch.keys() == same.keys()
    assert all(torch.equal(batch[k], same[k]) for k in batch)
    state, loaded = model.state_dict(), load(tmp_path, name)[0].state_dict()
    assert all(torch.equal(loaded[k], state[k]) for k in state)


def test_clip_reads_a_text_at_its_end(built):
    """With an end of id 2 it would be read at its largest id: an old convention of its class."""
    model, processor = built["clip"]
    batch = collate_pairs(processor, shown("a red fox", "a white owl sits"))
    text = {k: batch[k] for k in ("input_ids", "attention_mask")}
    out = model.text_model(**text)
    ends = batch["attention_mask"].sum(1) - 1
    wanted = out.last_hidden_state[torch.arange(2), ends]
    torch.testing.assert_close(out.pooler_output, wanted)
    assert model.config.text_config.eos_token_id != 2
    found = model(**batch)
    assert (found.text_embeds[0] - found.text_embeds[1]).abs().max() > 0.05
    assert (found.image_embeds[0] - found.image_embeds[1]).abs().max() > 0.01


@pytest.mark.parametrize("name", TALKING)
def test_the_answer_alone_is_learned(built, name):
    _, processor = built[name]
    batch = collate(processor, shown("red", "there is no fox"))
    tokens = processor.tokenizer
    stop = tokens.eos_token
    learned = [tokens.convert_ids_to_tokens(row[row != IGNORED]) for row in batch["labels"]]
    assert learned == [["red", stop], ["there", "is", "no", "fox", stop]]
    for row, ids, mask in zip(batch["labels"], batch["input_ids"], batch["attention_mask"]):
        place = int((row != IGNORED).nonzero()[0])
        assert torch.equal(ids[: int(mask.sum())][place:], row[row != IGNORED])


@pytest.mark.parametrize("name", TALKING)
def test_the_picture_is_seen_and_padding_is_not(built, name):
    model, processor = built[name]
    one, two = shown("red", "red")
    fine = copy.deepcopy(model).double()  # untrained, a picture moves little
    batches = [collate(processor, [e]) for e in (one, two)]
    logits = [fine(**{**b, "pixel_values": b["pixel_values"].double()}).logits for b in batches]
    assert (logits[0] - logits[1]).abs().max() > 1e-9
    alone = answer_loss(model, collate(processor, [one]))
    long = shown("there is no fox")[0]
    both = collate(processor, [one, long])
    both["labels"][1] = IGNORED
    torch.testing.assert_close(answer_loss(model, both), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", TALKING)
def test_answers_of_a_batch_are_those_of_one(built, name):
    model, processor = built[name]
    examples = [*shown("red"), *shown("x", prompt="is there a red fox?")]
    together = answer(model, processor, examples, tokens=3)
    assert together == [answer(model, processor, [e], tokens=3)[0] for e in examples]
    assert "fox ?" not in " ".join(together)


def test_blip2s_queries_are_not_one_query_many_times():
    """The class starts them all at zero, as one query whose norm divides by almost nothing."""
    torch.manual_seed(0)
    model, processor = build("blip2", SMOKE)
    answer_loss(model, collate(processor, shown("red", "a white owl"))).backward()
    grads = model.query_tokens.grad[0]
    assert torch.pdist(grads).min() > 0.01 * grads.norm(dim=1).mean()
    assert grads.norm() < 100


def test_qwen_keeps_every_key_and_takes_two_sizes(built):
    _, processor = built["qwen-vl"]
    for side, pieces in ((64, 16), (128, 64), (300, 64)):
        batch = collate(processor, shown("red", side=side))
        assert "mm_token_type_ids" in batch  # without it positions have one dimension
        assert batch["mm_token_type_ids"].shape == batch["input_ids"].shape
        image = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
        assert int((batch["input_ids"] == image).sum()) == pieces
        assert batch["image_grid_thw"].prod() == 4 * pieces


def test_several_pictures_are_for_chats(built):
    example = Example("who is where?", "red", (Image.new("RGB", (16, 16)),) * 2)
    batch = collate(built["llava"][1], [example])
    assert batch["pixel_values"].shape[0] == 2
    with pytest.raises(ValueError, match="2 pictures were given, and this model has a place for"):
        collate(built["blip2"][1], [example])


@pytest.mark.parametrize("name", TALKING)
def test_marks_in_a_text_stay_text(built, name):
    _, processor = built[name]
    plain, marked = (
        questions(processor, shown("x", prompt=p))
        for p in ("what is this?", "what <image> </s> <|im_end|> <|image_pad|> is this?")
    )
    specials = torch.tensor(processor.tokenizer.all_special_ids)
    unknown = processor.tokenizer.unk_token_id
    counts = [
        int((torch.isin(b["input_ids"], specials) & (b["input_ids"] != unknown)).sum())
        for b in (plain, marked)
    ]
    assert counts[0] == counts[1]


def test_what_is_refused(built):
    _, processor = built["llava"]
    with pytest.raises(ValueError, match="a picture is a str, expected a PIL image"):
        collate(processor, [Example("x", "red", ("fox.png",))])
    with pytest.raises(ValueError, match="words that the tokenizer does not know"):
        collate(processor, shown("a zeppelin"))
    with pytest.raises(ValueError, match="make two batches"):
        collate(processor, [*shown("red"), Example("x", "red")])
    with pytest.raises(ValueError, match="each text of a pair has one picture"):
        collate_pairs(built["clip"][1], [Example("", "red")])
    with pytest.raises(ValueError, match="more than 128 tokens"):
        collate_pairs(built["clip"][1], shown("red " * 200))
    with pytest.raises(ValueError, match="no model 'blip'; there are clip, blip2"):
        build("blip")
    model, wrong = built["blip2"][0], build("blip2", SMOKE)[1]
    wrong.num_query_tokens = 3
    with pytest.raises(ValueError, match="the model has 4 queries, its processor puts in 3"):
        check_pair(model, wrong)


@pytest.mark.parametrize("name", NAMES)
def test_targets_are_the_blocks_of_the_language_model(built, name):
    model = built[name][0]
    paths = list(find_targets(model, targets_of(name, model)))
    vision = [p for p in paths if "vision" in p or "visual" in p or "projector" in p]
    assert len(paths) == {"clip": 12, "blip2": 6, "llava": 7, "qwen-vl": 7}[name]
    assert len(vision) == (6 if name == "clip" else 0)
    assert not [p for p in paths if "lm_head" in p]


def test_a_part_of_clip_alone(built):
    model = built["clip"][0]
    paths = find_targets(model, targets_of("clip", model, "vision_model"))
    assert len(paths) == 6
    assert all(path.startswith("vision_model.") for path in paths)
    with pytest.raises(ValueError, match="no layer matches"):
        targets_of("clip", model, "audio_model")


def test_names_alone_take_the_vision_tower_along(built):
    names = ("q_proj", "v_proj")
    assert any("vision" in path for path in find_targets(built["llava"][0], names))
    assert "vision" not in TARGETS["llava"]


@pytest.mark.parametrize("name", TALKING)
def test_lora_learns_and_the_base_stays(name):
    torch.manual_seed(0)
    model, processor = build(name, SMOKE)
    inject(model, LoRAConfig(targets_of(name, model), rank=4, alpha=32))
    batch = collate(processor, shown("red", "there is no fox"))
    before = {k: v.clone() for k, v in model.state_dict().items() if ".adapters." not in k}
    optimiser = torch.optim.Adam(trainable(model), lr=3e-2)
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        loss = answer_loss(model, batch)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.02
    after = model.state_dict()
    assert all(torch.equal(after[k], before[k]) for k in before)


def test_clips_tower_in_the_others(built):
    clip = built["clip"][0]
    for name in ("llava", "blip2"):
        model, _ = build(name, SMOKE)
        assert take_vision(model, name, clip) == "given"
    pixels = torch.randn(1, 3, 16, 16)
    llava, _ = build("llava", SMOKE)
    take_vision(llava, "llava", clip)
    mine, theirs = (
        m(pixel_values=pixels).last_hidden_state
        for m in (llava.model.vision_tower.eval(), clip.vision_model)
    )
    torch.testing.assert_close(mine, theirs)
    assert take_vision(built["qwen-vl"][0], "qwen-vl", clip) == ""


@pytest.mark.parametrize("name", ["llava", "qwen-vl"])
def test_of_several_turns_the_answers_alone_are_labelled(built, name):
    _, processor = built[name]
    tokens = processor.tokenizer
    picture = Image.new("RGB", (16, 16))
    turns = (("what colour is the fox?", "red"), ("where are we?", "beach"))
    many = Example("how many animals are there?", "2", (picture,), turns)
    batch = collate(processor, [many])
    said = batch["labels"][0]
    assert tokens.decode(said[said != -100]).replace(tokens.eos_token, "|").split() == [
        *("2", "|", "red", "|", "beach", "|")
    ]
    one = collate(processor, [Example(many.prompt, "2", (picture,))])
    start = one["input_ids"].shape[1]
    assert torch.equal(batch["input_ids"][:, :start], one["input_ids"])  # the same beginning
    alone = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "text", "text": turns[0][0]}]}],
        add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
    )["input_ids"][0]  # fmt: skip
    alone = alone[alone != tokens.bos_token_id]
    assert torch.equal(batch["input_ids"][0, start : start + len(alone)], alone)


def test_a_model_without_a_chat_answers_once(built):
    example = Example("", "red", (Image.new("RGB", (16, 16)),), (("and?", "blue"),))
    with pytest.raises(ValueError, match="leave `more` empty"):
        collate(built["blip2"][1], [example])
