"""The writer: what it is asked, how its pages are read back, and its recipe."""

import json
from dataclasses import replace

import pytest
import torch

from mmcourse.hub import read_card
from mmcourse.lora import writer_recipe, writing
from mmcourse.lora.models.collate import collate
from mmcourse.lora.models.grammar import json_grammar
from mmcourse.lora.models.shapes import SMOKE
from mmcourse.lora.models.structure import page_grammar
from mmcourse.lora.writer import (
    EDGE,
    Memory,
    Writer,
    beginning,
    build_writer,
    cast_example,
    facts_example,
    facts_of,
    page_example,
    written,
)
from mmcourse.lora.writer_recipe import RECIPES, train_writer
from mmcourse.lora.writing import (
    Draft,
    FactsFirst,
    faults,
    kept,
    longest_run,
    named,
    strangers,
    write_stories,
)
from mmcourse.storyworld.language.check import check_story
from mmcourse.storyworld.language.tell import tell
from mmcourse.storyworld.world import vocabulary as v


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    model, processor = build_writer(SMOKE)
    return Writer(model.eval(), processor)


def test_stories_are_printed_as_the_world_prints_them():
    same = 0
    for i in range(40):
        story = tell(i)
        text = "\n\n".join(written(page.text.lower()) for page in story.pages)
        wrong, unread = check_story(text)
        assert not wrong
        assert not any(unread)
        same += text == story.text
    assert same >= 36


def test_a_memory_agrees_with_what_was_told():
    for i in range(20):
        story = tell(i)
        memory = beginning(story)
        for k, page in enumerate(story.pages):
            assert memory.page == k + 1
            # what the text says is what a reader of the text alone finds
            assert facts_of([p.text for p in story.pages[: k + 1]]) == page.facts
            memory = memory.after(page.text, page.facts)
        for one in story.cast:
            if one.name in memory.looks:
                assert memory.looks[one.name][:2] == (one.colour, one.species)
        for name, told in memory.setting.items():
            said = [f[2] for p in story.pages for f in p.facts if f[:2] == ("scene", name)]
            assert told == (said[-1] if said else getattr(story.pages[0].scene, name))


def test_every_page_is_learned_in_known_words_and_fits(tiny):
    examples = [page_example(i) for i in range(60)]
    batch = collate(tiny.processor, examples)
    assert batch["input_ids"].shape[1] <= 400
    assert tiny.processor.tokenizer.unk_token_id not in batch["input_ids"]
    grammar = page_grammar(tiny.processor)
    for example in examples:
        facts = example.answer.partition(EDGE)[0]
        ids = tiny.processor.tokenizer(facts, add_special_tokens=False)["input_ids"]
        assert grammar.accepts(ids)


def test_facts_come_first_and_then_the_words_are_free(tiny):
    tokens = tiny.processor.tokenizer

    def encode(text):
        return tokens(text, add_special_tokens=False)["input_ids"]

    grammar = json_grammar({"enum": ["red", "red fox"]}, encode)
    edge = tokens.convert_tokens_to_ids(EDGE)
    rules = FactsFirst(grammar, tokens, start=1, temperature=0.5, least=0.2)
    short, long = encode(f'"red" {EDGE}'), encode('"red fox"')
    scores = torch.randn(2, len(tokens))
    inside = rules(torch.tensor([[9, *short[:2]], [9, *long[:2]]]), scores)
    assert [row.isfinite().nonzero().flatten().tolist() for row in inside] == [
        sorted({short[2], long[2]})
    ] * 2
    behind = rules(torch.tensor([[9, *short], [9, *long]]), scores)
    share = (2 * scores[0]).softmax(-1)  # past the edge
    likely = share >= 0.2 * share.max()
    assert torch.equal(behind[0].isfinite(), likely)
    assert torch.equal(behind[0][likely], 2 * scores[0][likely])
    assert 1 <= int(likely.sum()) < len(tokens) / 2
    assert behind[1].isfinite().nonzero().flatten().tolist() == [edge]


def test_a_name_is_listed_once_and_acts_as_often_as_it_likes(tiny):
    words = tiny.processor.tokenizer

    def allowed(facts):
        text = words(facts, add_special_tokens=False)["input_ids"]
        row = torch.tensor([[words.convert_tokens_to_ids("alma"), *text]])
        out = FactsFirst(page_grammar(tiny.processor), words, start=1)(
            row, torch.zeros(1, len(words))
        )
        return set(words.convert_ids_to_tokens(out[0].isfinite().nonzero().flatten()))

    names = {name.lower() for name in v.NAMES}
    one = '{ " characters ": [ { " name ": " '
    assert allowed(one) >= names  # the prompt's names are free
    rest = 'alma ", " species ": " bear ", " mood ": " happy " }'
    assert allowed(f'{one}{rest}, {{ " name ": " ') & names == names - {"alma"}
    place = '" place ": { " place ": " pond ", " time ": " day ", " weather ": " clear " }'
    points = f'{one}{rest} ], {place}, " points ": [ {{ " who ": " '
    assert allowed(points) >= names


def test_faults_are_counted_and_what_was_asked_is_missed():
    story = next(tell(i) for i in range(50) if len(tell(i).pages) == 5)
    pages = [page.text for page in story.pages]
    asked = beginning(story)
    assert [faults(pages[: k + 1]) for k in range(5)] == [0] * 5
    assert faults([""]) == 1
    assert faults(["The fox gloops."]) > 0
    hero = story.cast[0]
    other = next(c for c in ("red", "blue") if c != hero.colour)
    assert faults([*pages[:2], f"{hero.name} is a {other} {hero.species}."]) > 0
    assert all(kept(asked, pages[0]))
    wrong = replace(asked, looks={hero.name: (other, hero.species, "none")})
    assert kept(wrong, pages[0])[0] is False


def test_somebody_whom_nobody_introduced_is_a_fault():
    page = "Tansy was a pink rabbit. Tansy sat on the beach and waited for Basil."
    assert strangers([page]) == {"Basil"}
    assert faults([page]) == faults([page], known=["Basil"]) + 1
    assert strangers([page, "Basil's hat was wet."]) == {"Basil"}
    assert strangers([page, "Basil was a blue cat. Tansy waved."]) == set()
    memory = Memory("bring Alma a kite", 5, {"Tansy": ("pink", "rabbit", "none")}, {})
    assert named(memory) == {"Tansy", "Alma"}
    for index in range(20):  # in the world's own stories there are none
        story = tell(index, "test")
        pages, at_home = [p.text for p in story.pages], named(beginning(story))
        assert not any(strangers(pages[: k + 1], at_home) for k in range(len(pages)))


def test_a_page_with_a_fault_is_written_again_and_the_best_is_kept(tiny, monkeypatch):
    story = next(tell(i) for i in range(50) if len(tell(i).pages) == 5)
    good = iter([page.text for page in story.pages])
    calls = []

    def drafts(writer, memories, seed):
        calls.append(memories[0].page)
        text = "Gloop." if len(calls) % 2 else next(good)
        return [("{}", text) for _ in memories]

    monkeypatch.setattr(writing, "write_pages", drafts)
    (found,) = write_stories(tiny, [beginning(story)])
    assert "\n\n".join(found.pages) == story.text
    assert calls == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert (found.again, found.wrong) == (5, 0)
    (worst,) = write_stories(tiny, [replace(beginning(story), pages=1)], tries=1)
    assert worst.pages == ["Gloop."]
    assert worst.wrong > 0


def test_the_longest_run_is_found():
    known = [["a", "b", "c", "d", "e"], ["x", "y"]]
    assert longest_run(["q", "b", "c", "d", "y"], known) == 3
    assert longest_run(["a", "b", "c", "d", "e"], known) == 5
    assert longest_run(["q", "r"], known) == 0


def test_the_recipe_leaves_a_folder_that_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "TOKENS", 24)
    train_writer(tmp_path, "smoke")
    card = read_card(tmp_path)
    assert card["command"] == "mmcourse train writer --tier smoke --seed 0 --precision no"
    assert set(card["metrics"]) == {"before", "after", "kept", "distinct", "new", "run"}
    writer = Writer.from_pretrained(str(tmp_path))
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float16"
    story = beginning(tell(0))
    one, two = (
        write_stories(writer, [replace(story, pages=1)], seed=seed, tries=1) for seed in (3, 3)
    )
    assert one[0].pages == two[0].pages  # the same seed, the same story


def test_what_is_measured_of_stories(tiny, monkeypatch):
    """Of four stories one names a stranger, one was written anew, and two are the same."""
    some = [writer_recipe.held_out(i) for i in range(30)]
    assert len({writer_recipe._five_at(i) for i in range(30)}) == 30
    waits = next(s for s in some if strangers([s.pages[0].text]))  # for whom, says its goal
    told = [some[0], some[0], waits, some[2]]
    pages = [[page.text for page in story.pages] for story in told]
    stranger = next(n for n in v.NAMES if n not in told[3].text)
    pages[3][4] += f" {stranger} was happy."
    again = (0, 0, 1, 0)
    drafts = [Draft(beginning(s), p, [], n) for s, p, n in zip(told, pages, again)]
    monkeypatch.setattr(writer_recipe, "write_stories", lambda *_, **__: drafts)
    monkeypatch.setattr(writer_recipe, "held_out", lambda i: told[i])
    compared, compare = [], writer_recipe._told_before

    def told_before(texts, known):
        compared.append(list(texts))
        return compare(texts, known)

    monkeypatch.setattr(writer_recipe, "_told_before", told_before)
    measured = writer_recipe.measure_writer(tiny, 4)
    found = {k: m["value"] for k, m in measured.items()}
    assert (found["before"], found["after"]) == (0.5, 0.75)
    assert (found["kept"], found["distinct"]) == (1, 0.5)
    assert found["new"] == 1
    assert 0 < found["run"] < max(len(page.split()) for page in pages[0])
    world = [page.text for story in told for page in story.pages]
    assert compared == [[page for story in pages for page in story], world]
    assert all(measured[name]["chance"] is not None for name in ("new", "run"))


def test_a_writer_copies_before_it_writes(tiny):
    casts = [cast_example(i) for i in range(40)]
    assert len({c.answer for c in casts}) == 40
    assert all(c.prompt == f"{c.answer} |" for c in casts[::2])
    assert {c.answer.count(",") for c in casts[::2]} == {1, 2, 3}  # two to four of them
    for cast in casts[1::2]:  # in sentences: everybody once, as they are
        people = [who.split() for who in cast.prompt.removesuffix(" |").split(", ")]
        said = cast.answer.removesuffix(".").split(". ")
        assert len(said) == len(people)
        for name, colour, species, _ in people:
            (one,) = (sentence for sentence in said if name in sentence.replace(",", " ").split())
            assert f" {colour} {species}" in one
    tokens = tiny.processor.tokenizer
    assert tokens.unk_token_id not in tokens([c.prompt for c in casts], padding=True)["input_ids"]
    for i in range(5):
        facts, page = facts_example(i, "train"), page_example(i, "train")
        assert facts.prompt == page.prompt
        assert page.answer.startswith(f"{facts.answer} | ")
        assert json.loads(facts.answer)["characters"]
    stages = RECIPES["full"].plan.stages
    assert [stage.tasks for stage in stages] == [("casts",), ("facts",), ("pages",)]


def test_a_writer_that_is_saved_goes_on_as_it_was(tmp_path):
    writer = Writer(*build_writer(SMOKE))
    writer.save(tmp_path)
    assert {p.dtype for p in writer.model.parameters()} == {torch.float32}
    Writer.from_pretrained(str(tmp_path))
    next(writer.model.parameters()).data[0, 0] = torch.nan
    writer.save(tmp_path)
    with pytest.raises(ValueError, match="holds NaN"):
        Writer.from_pretrained(str(tmp_path))
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(ValueError, match="cannot be loaded as a writer") as error:
        Writer.from_pretrained(str(tmp_path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("sampling", "told"),
    [
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"temperature": -1.0}, "temperature is -1.0"),
        ({"least": 0.0}, "least is 0.0"),
        ({"least": 2.0}, "least is 2.0"),
    ],
)
def test_what_nothing_is_drawn_by_is_refused(sampling, told):
    writer = Writer(*build_writer(SMOKE))
    with pytest.raises(ValueError, match=told):
        writing.write_pages(writer, [beginning(tell(0))], 0, **sampling)


def test_nothing_asked_is_one_line():
    writer = Writer(*build_writer(SMOKE))
    with pytest.raises(ValueError, match="no stories are asked for"):
        write_stories(writer, [])
    with pytest.raises(ValueError, match="no memories"):
        writing.write_pages(writer, [], 0)
    with pytest.raises(ValueError, match="tries is 0"):
        write_stories(writer, [beginning(tell(0))], tries=0)
