"""Whatever a model has learned: under a grammar it answers what the schema accepts."""

import json
from itertools import pairwise

import jsonschema
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcourse.lora.models.collate import answer, answer_ids
from mmcourse.lora.models.folders import build
from mmcourse.lora.models.grammar import Constrained, Grammar, OneOf, json_grammar
from mmcourse.lora.models.shapes import SMOKE
from mmcourse.lora.models.structure import (
    f1,
    items,
    on_the_page,
    page_grammar,
    read_structure,
    relations,
    schema,
    structure,
)
from mmcourse.lora.models.tasks import structure_of
from mmcourse.lora.models.words import build_tokenizer, tidy
from mmcourse.storyworld.language.phrases import tokens as tokenized
from mmcourse.storyworld.language.tell import tell
from mmcourse.storyworld.world import vocabulary as v

SMALL = {
    "type": "object",
    "properties": {
        "mood": {"enum": ["happy", "sad"]},
        "things": {"type": "array", "items": {"enum": ["red ball", "red kite"]}, "maxItems": 2},
    },
}


@pytest.fixture(scope="module")
def tokens():
    return build_tokenizer()


@pytest.fixture(scope="module")
def encode(tokens):
    return lambda text: tokens(text, add_special_tokens=False)["input_ids"]


def test_it_accepts_exactly_what_the_schema_does(encode):
    grammar = json_grammar(SMALL, encode)
    lists = [[], ["red ball"], ["red kite", "red ball"]]
    for mood in ("happy", "sad"):
        for things in lists:
            assert grammar.accepts(encode(json.dumps({"mood": mood, "things": things})))
    for wrong in (
        {"mood": "angry", "things": []},
        {"mood": "sad"},
        {"things": [], "mood": "sad"},
        {"mood": "sad", "things": ["red"]},
        {"mood": "sad", "things": ["red ball"] * 3},
    ):
        assert not grammar.accepts(encode(json.dumps(wrong)))
    whole = encode('{"mood": "sad", "things": []}')
    assert not grammar.accepts(whole[:-1])
    assert not grammar.accepts([*whole, whole[-1]])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31))
def test_any_walk_ends_in_json_that_a_validator_accepts(seed):
    encode_ = build_tokenizer()
    dice, grammar = torch.Generator().manual_seed(seed), _grammar(encode_)
    state, said = grammar.start, []
    while not grammar.may_end(state):
        ids = sorted(grammar.allowed(state))
        said.append(ids[int(torch.randint(len(ids), (), generator=dice))])
        state = grammar.after(state, said[-1])
    found = read_structure(tidy(encode_.decode(said)))
    jsonschema.validate(found, schema())


_kept: dict[str, Grammar] = {}


def _grammar(tokens):
    class Holder:
        tokenizer = tokens

    return _kept.setdefault("page", page_grammar(Holder))


def test_least_and_most_of_a_list(encode):
    some = {"type": "array", "items": {"enum": ["red"]}, "minItems": 1, "maxItems": 2}
    grammar = json_grammar(some, encode)
    counts = [n for n in range(5) if grammar.accepts(encode(json.dumps(["red"] * n)))]
    assert counts == [1, 2]


def test_what_it_cannot_follow_it_refuses(encode):
    with pytest.raises(ValueError, match="expected an object, an array with maxItems, or an enum"):
        json_grammar({"type": "string"}, encode)
    grammar = Grammar((1, OneOf(((2,), (3,)))))
    with pytest.raises(ValueError, match="token 5 cannot come here; 1 can"):
        grammar.after(grammar.start, 5)


def test_an_untrained_model_answers_in_json():
    torch.manual_seed(0)
    model, processor = build("llava", SMOKE)
    example = structure_of(0, "test", 16)
    free = answer(model.eval(), processor, [example] * 2, 12)
    assert read_structure(free[0]) is None
    rules = Constrained(page_grammar(processor), processor.tokenizer.eos_token_id)
    said = answer(model, processor, [example] * 2, 200, logits_processor=[rules])
    for text in said:
        jsonschema.validate(read_structure(text), schema())


def test_the_right_answers_keep_to_the_schema_and_to_the_words():
    _, processor = build("llava", SMOKE)
    grammar, seen = page_grammar(processor), set()
    for i in range(40):
        example = structure_of(i, "train", 16)
        ids = answer_ids(processor, example.answer)
        assert grammar.accepts(ids[:-1].tolist())
        found = read_structure(tidy(processor.tokenizer.decode(ids[:-1])))
        assert found == json.loads(example.answer)
        seen |= {p["what"] for p in found["points"]}
    assert {"has", "wants"} <= seen <= set(relations()[0])


def test_f1_counts_what_both_say():
    page = tell(0, "test").pages[0]
    right = items(structure(page))
    assert f1([right], [right]) == 1
    assert f1([set()], [right]) == 0
    half = set(sorted(right)[: len(right) // 2])
    assert f1([half], [right]) == pytest.approx(2 * len(half) / (len(half) + len(right)))
    assert f1([{("place", "time", "day")}], [right], "point") == 0
    assert read_structure("{}") is None
    assert read_structure("[1") is None


def test_what_a_page_leaves_always_holds_the_right_answer(tokens):
    """Or a rule that should help would make the truth impossible."""

    class Holder:
        tokenizer = tokens

    grammar, narrowed, narrower = _grammar(tokens), on_the_page(Holder), 0
    for i in range(150):
        example = structure_of(i, "test", 16)
        asked = tokens(example.prompt, add_special_tokens=False)["input_ids"]
        state, said = grammar.start, list[int]()
        for token in tokens(example.answer, add_special_tokens=False)["input_ids"]:
            allowed = grammar.allowed(state)
            left = narrowed(asked, said, allowed)
            assert token in left, (example.prompt, tokens.decode([*said, token]))
            narrower += len(left) < len(allowed)
            state, said = grammar.after(state, token), [*said, token]
    assert narrower > 300


def test_nobody_is_named_whom_the_page_does_not_name():
    torch.manual_seed(0)
    model, processor = build("llava", SMOKE)
    model.eval()
    examples = [structure_of(i, "test", 16) for i in range(24)]
    stop, narrowed = processor.tokenizer.eos_token_id, on_the_page(processor)
    rules = Constrained(page_grammar(processor), stop, narrowed=narrowed)
    noisy = [lambda ids, scores: scores + 3 * torch.randn_like(scores), rules]
    for example, text in zip(
        examples, answer(model, processor, examples, 256, logits_processor=noisy)
    ):
        found, words = read_structure(text), set(tokenized(example.prompt))
        jsonschema.validate(found, schema())
        names = [one["name"] for one in found["characters"]]
        assert len(set(names)) == len(names)
        told = set(pairwise(tokenized(example.prompt)))
        told = {pair for pair in told if pair[0] in v.COLOURS and pair[1] in v.KINDS}
        for point in found["points"]:
            assert point["who"] != point["whom"]
            thing = tuple(point["whom"].split())
            if told and len(thing) == 2 and thing[1] in v.KINDS:
                assert thing in told
        said = {*names, *(p["who"] for p in found["points"])}
        assert said <= words or len(names) > len(words & {n.lower() for n in v.NAMES})


def test_where_a_prompt_leaves_nothing_the_grammar_alone_decides():
    grammar = Grammar((OneOf(((1,), (2,))),))
    rules = Constrained(grammar, 9, 0, lambda asked, said, allowed: frozenset())
    kept = rules(torch.zeros(1, 0, dtype=torch.int64), torch.zeros(1, 10))
    assert kept[0].isfinite().nonzero().flatten().tolist() == [1, 2]
