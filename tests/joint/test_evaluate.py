"""The measurements: what they ask, and that they count rightly for models with known scores."""

from itertools import combinations

import pytest
import torch
import torch.nn.functional as F

from mmcourse.joint import evaluate, recall_at_k
from mmcourse.joint.measure import measure_joint
from mmcourse.storyworld import (
    ATTRIBUTES,
    Tokenizer,
    caption,
    facts,
    held_out_pairs,
    render_bytes,
    sample_scene,
)
from mmcourse.storyworld.world import vocabulary


def one_hot(keys, universe):
    """Unit vectors that are equal exactly where the keys are."""
    places = {key: i for i, key in enumerate(universe)}
    return torch.eye(len(places))[[places[key] for key in keys]]


@pytest.mark.parametrize("attribute", evaluate.READABLE)
def test_prompts_differ_in_the_value_alone(attribute):
    groups = evaluate.prompts(attribute)
    assert len(groups) == len(ATTRIBUTES[attribute])
    assert len({len(group) for group in groups}) == 1
    for a, b in combinations(groups, 2):
        assert not set(a) & set(b)
    Tokenizer().encode([text for group in groups for text in group])
    shared = "colour" if attribute == "species" else "species"
    for value, group in zip(ATTRIBUTES[attribute], groups):
        words = [Tokenizer.split(text) for text in group]
        if attribute in ("species", "colour"):
            assert all(value in text for text in words)
        counts = [sum(word in text for text in words) for word in ATTRIBUTES[shared]]
        assert min(counts) == max(counts) > 0, "what is not asked must be said equally often"


def test_class_embeddings_are_one_group_of_unit_vectors_for_each_value(tiny):
    model = tiny()
    found = evaluate.class_embeddings(model, "mood")
    assert found.shape == (4, len(evaluate.prompts("mood")[0]), 16)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(found.shape[:2]))
    texts = evaluate.prompts("mood")[2]
    torch.testing.assert_close(found[2], evaluate.embed_texts(model, texts), rtol=0, atol=1e-6)


@pytest.mark.parametrize("attribute", evaluate.READABLE)
def test_no_prompt_is_embedded_among_those_of_another_value(attribute, embed, tiny):
    groups = evaluate.prompts(attribute)
    owner = {text: i for i, group in enumerate(groups) for text in group}
    embed(lambda texts: torch.eye(len(groups))[[owner[t] for t in texts]], None)
    found = evaluate.class_embeddings(tiny(), attribute)
    assert torch.equal(found, torch.eye(len(groups))[:, None].expand_as(found))


def test_the_size_of_batches_does_not_matter(tiny):
    model, scenes = tiny(), [sample_scene("val", i) for i in range(7)]
    texts, pictures = [caption(s) for s in scenes], render_bytes(scenes, 16)
    for embed, data in ((evaluate.embed_texts, texts), (evaluate.embed_pictures, pictures)):
        whole, parts = embed(model, data), embed(model, data, batch_size=3)
        assert whole.shape == (7, 16)
        assert not whole.requires_grad
        torch.testing.assert_close(whole, parts, rtol=0, atol=1e-5)


def test_embedding_leaves_a_model_that_is_being_trained_as_it_was(tiny):
    model = tiny()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluate.embed_texts(model, ["a fox", "a red owl waves"])
    evaluate.embed_pictures(model, render_bytes([sample_scene("val", i) for i in range(3)], 16))
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_weights_that_know_other_words_are_refused(tiny, tokenizer):
    evaluate.embed_texts(tiny(vocabulary=tokenizer.fingerprint), ["a fox"])
    with pytest.raises(ValueError, match="vocabulary 0123456789ab.*" + tokenizer.fingerprint):
        evaluate.embed_texts(tiny(vocabulary="0123456789ab"), ["a fox"])


def test_distinct_scenes_all_look_different():
    scenes = evaluate.distinct_scenes("val", 120)
    assert len({s.visible() for s in scenes}) == len(scenes) == 120
    assert scenes[0] == sample_scene("val", 0)


@pytest.mark.parametrize("choose", [evaluate.lone_scenes, evaluate.swappable_scenes])
@pytest.mark.parametrize("split", ["val", "test"])
def test_a_scene_is_measured_as_its_split_drew_it(choose, split):
    """Taking a thing out of a held-out scene can leave one that training has seen."""
    drawn = {sample_scene(split, i) for i in range(1000)}
    assert set(choose(split, 15)) <= drawn


def test_lone_scenes_show_one_character_and_nothing_else():
    scenes = evaluate.lone_scenes("val", 30)
    assert all(len(s.characters) == 1 and not s.things for s in scenes)
    for attribute in evaluate.READABLE:
        for scene in scenes[:10]:
            value = ATTRIBUTES[attribute][evaluate.truth(scene, attribute)]
            assert value in {v for _, a, v in facts(scene) if a == attribute}


def test_swapping_colours_is_its_own_inverse_and_changes_nothing_else():
    for scene in evaluate.swappable_scenes("val", 20):
        a, b = scene.characters
        swapped = evaluate.swap_colours(scene)
        c, d = swapped.characters
        assert (c.colour, d.colour) == (b.colour, a.colour) != (a.colour, b.colour)
        assert (c.species, d.species) == (a.species, b.species)
        assert evaluate.swap_colours(swapped) == scene
        assert len(facts(scene) ^ facts(swapped)) == 4
        assert not held_out_pairs(scene)
        assert not held_out_pairs(swapped), "a caption that training never shows gives itself away"


# Models with known scores, by what they embed


@pytest.fixture
def embed(monkeypatch):
    """Put functions of (texts) and of (pictures) in the place of a model's towers."""

    def put(texts, pictures):
        monkeypatch.setattr(evaluate, "embed_texts", lambda model, data: texts(data))
        monkeypatch.setattr(evaluate, "embed_pictures", lambda model, data: pictures(data))

    return put


def random_vectors(seed):
    generator = torch.Generator().manual_seed(seed)
    return lambda data: F.normalize(torch.randn(len(data), 6, generator=generator), dim=-1)


def test_retrieval_is_perfect_for_a_model_that_knows_every_pair(embed, tiny):
    n = 30
    embed(lambda data: torch.eye(n), lambda data: torch.eye(n))
    found = evaluate.measure_retrieval(tiny(), n=n)
    names = {f"{way}_recall_at_{k}" for way in ("t2i", "i2t") for k in (1, 5)}
    assert set(found) == names
    assert {(m["value"], m["n"]) for m in found.values()} == {(1.0, n)}
    assert found["t2i_recall_at_1"]["chance"] == 1 / n
    assert found["i2t_recall_at_5"]["chance"] == 5 / n


def test_retrieval_counts_each_direction_by_its_own_rows(embed, tiny):
    text, image = random_vectors(0)(range(40)), random_vectors(1)(range(40))
    image = F.normalize(text + 0.8 * image + torch.tensor([1.5, 0, 0, 0, 0, 0]), dim=-1)
    embed(lambda data: text, lambda data: image)
    found = evaluate.measure_retrieval(tiny(), n=40)
    similarity = text @ image.T
    for k in (1, 5):
        there, back = recall_at_k(similarity, k), recall_at_k(similarity.T, k)
        assert there != back
        assert found[f"t2i_recall_at_{k}"]["value"] == there
        assert found[f"i2t_recall_at_{k}"]["value"] == back


def test_zero_shot_reads_what_the_picture_shows(embed, tiny, monkeypatch):
    """An oracle that looks up the scene reads all; one that is a class behind reads nothing."""
    n, scenes = 25, evaluate.lone_scenes("test", 25)
    for shift, expected in ((0, 1.0), (1, 0.0)):
        for attribute in evaluate.READABLE:
            classes = len(ATTRIBUTES[attribute])
            monkeypatch.setattr(
                evaluate,
                "class_embeddings",
                lambda model, asked: torch.eye(len(ATTRIBUTES[asked]))[:, None],
            )
            shown = [(evaluate.truth(s, attribute) + shift) % classes for s in scenes]
            embed(None, lambda data, s=shown, c=classes: torch.eye(c)[s])
            monkeypatch.setattr(evaluate, "READABLE", (attribute,))
            found = evaluate.measure_zero_shot(tiny(), n=n)
            assert found == {
                f"zero_shot_{attribute}": {"value": expected, "n": n, "chance": 1 / classes}
            }
        monkeypatch.undo()


def test_chance_is_one_over_the_number_of_values(embed, tiny):
    """Counted by hand from the world's list of values, not from the table that the code reads."""
    values = {
        "species": vocabulary.SPECIES,
        "colour": vocabulary.COLOURS,
        "accessory": vocabulary.ACCESSORIES,
        "mood": vocabulary.MOODS,
        "action": vocabulary.ACTIONS,
        "place": vocabulary.PLACES,
        "time": vocabulary.TIMES,
        "weather": vocabulary.WEATHERS,
    }
    embed(random_vectors(0), random_vectors(1))
    found = evaluate.measure_zero_shot(tiny(), n=5)
    assert {name: m["chance"] for name, m in found.items()} == {
        f"zero_shot_{attribute}": 1 / len(set(names)) for attribute, names in values.items()
    }


def test_a_guesser_scores_chance(embed, tiny):
    """Readings at random are right as often as `chance` says: every value is equally frequent."""
    n = 150
    embed(random_vectors(2), random_vectors(3))
    for measured in evaluate.measure_zero_shot(tiny(), n=n).values():
        spread = (measured["chance"] * (1 - measured["chance"]) / n) ** 0.5
        assert abs(measured["value"] - measured["chance"]) < 5 * spread


def test_binding_is_not_rewarded_in_a_bag_of_words(embed, tiny):
    """Both captions hold the same words: a model that only counts words scores nothing."""
    words = Tokenizer().words

    def bag(texts):
        counts = [[Tokenizer.split(t).count(w) for w in words] for t in texts]
        return F.normalize(torch.tensor(counts, dtype=torch.float32), dim=-1)

    embed(bag, lambda data: F.normalize(torch.rand(len(data), len(words)), dim=-1))
    found = evaluate.measure_binding(tiny(), n=20)
    assert found == {"binding_swap": {"value": 0.0, "n": 20, "chance": 0.5}}


def test_binding_is_perfect_for_a_model_that_keeps_words_in_order(embed, tiny):
    asked = []

    def exact(texts):
        asked.append(list(texts))
        universe = {t: i for i, t in enumerate(dict.fromkeys(t for group in asked for t in group))}
        vectors = torch.zeros(len(texts), 100)
        vectors[range(len(texts)), [universe[t] for t in texts]] = 1
        return vectors

    scenes = evaluate.swappable_scenes("test", 20)
    said = [evaluate.short_caption(s) for s in scenes]
    distinct = {t: i for i, t in enumerate(dict.fromkeys(said))}
    embed(exact, lambda data: torch.eye(100)[[distinct[t] for t in said]])
    assert evaluate.measure_binding(tiny(), n=20)["binding_swap"]["value"] == 1.0
    assert set(asked[0]).isdisjoint(asked[1])


@pytest.mark.parametrize("n", [-4, 0, 4])
def test_too_few_scenes_to_measure_are_refused(tiny, n):
    with pytest.raises(ValueError, match=f"n must be at least 5, got {n}"):
        measure_joint(tiny(), n)


def test_everything_on_a_card_is_measured_on_n_scenes(tiny):
    model = tiny().train()
    found = measure_joint(model, n=8)
    assert not model.training
    assert len(found) == 4 + 4 + len(evaluate.READABLE) + 1 + 4 * 3
    assert {m["n"] for m in found.values()} == {8}
    assert all(0 <= m["value"] <= 1 and 0 < m["chance"] < 1 for m in found.values())
