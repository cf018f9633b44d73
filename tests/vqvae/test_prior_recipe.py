"""The prior's training and its recipe: order of what is shown, resumption, what the card states."""

import inspect
import json
from dataclasses import replace

import pytest
import torch

from mmcourse.hub import read_card
from mmcourse.joint.pairs import draw
from mmcourse.joint.towers import TextTower
from mmcourse.storyworld import Character, Scene, Tokenizer, caption, sample_scene
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.judge.reading import Reading
from mmcourse.storyworld.world.facts import facts
from mmcourse.vqvae import VQVAE, CodePrior, prior_measure, prior_recipe
from mmcourse.vqvae.brief import brief
from mmcourse.vqvae.measure import held_out
from mmcourse.vqvae.prior_measure import ASKED, adherence, bits_with_caption, measure_prior
from mmcourse.vqvae.prior_recipe import BANDS, RECIPES, Recipe, train_vqvae_prior
from mmcourse.vqvae.prior_train import Telling, train_prior

CODES = 24


def small_prior() -> CodePrior:
    torch.manual_seed(0)
    return CodePrior(len(Tokenizer()), CODES, 256, dim=16, depth=1, heads=2)


@pytest.fixture
def shipped(monkeypatch, tmp_path_factory) -> VQVAE:
    """A tiny VQ-VAE in the place of the shipped one."""
    torch.manual_seed(0)
    model = VQVAE("ema", {"num_codes": CODES, "dim": 4}, width=16, depth=1).eval()
    monkeypatch.setattr(VQVAE, "from_pretrained", lambda *name, **options: model)
    monkeypatch.setattr(prior_recipe, "weights_hash", lambda name: "0" * 12)
    monkeypatch.setitem(RECIPES, "smoke", Recipe(6, 4, 2, batch_size=3, measured=3))
    monkeypatch.setattr(prior_recipe, "build", lambda codes, cells: small_prior())
    return model


def grids(n: int) -> torch.Tensor:
    return torch.randint(CODES, (n, 16, 16), generator=torch.Generator().manual_seed(0))


def told(i: int, step: int) -> str:
    return caption(sample_scene("train", i), step)


TOLD = Telling(told)


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def test_the_longest_text_of_the_towers_fits_before_a_picture():
    """Captions of more than 96 words are rare, and ended a run."""
    towers = inspect.signature(TextTower).parameters["max_length"].default
    assert prior_recipe.build().shared.longest >= towers


def test_both_orders_are_shown_in_turn(monkeypatch) -> None:
    prior, seen = small_prior(), []
    join = type(prior.shared).join

    def noted(self, ids, codes, words_first):
        seen.append(words_first)
        return join(self, ids, codes, words_first)

    monkeypatch.setattr(type(prior.shared), "join", noted)
    list(train_prior(prior, grids(6), TOLD, steps=4, batch_size=2))
    assert seen == [True, False, True, False]


def test_it_learns_and_ends_with_its_averaged_weights() -> None:
    prior = small_prior()
    one = grids(1).expand(4, -1, -1)
    loop = train_prior(prior, one, TOLD, steps=30, batch_size=2, lr=1e-2)
    losses = [m["loss"] for m in loop]
    assert losses[-1] < 0.7 * losses[0]
    assert not prior.training


def test_a_run_that_was_killed_ends_with_the_same_weights(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("mmcourse.vqvae.prior_train.SAVE_EVERY", 2)
    whole, broken, again = small_prior(), small_prior(), small_prior()
    list(train_prior(whole, grids(6), TOLD, steps=5, batch_size=2))
    file = tmp_path / "checkpoint.pt"
    loop = train_prior(broken, grids(6), TOLD, steps=5, batch_size=2, checkpoint=file)
    assert [next(loop)["step"] for _ in range(3)] == [1, 2, 3]
    loop.close()
    steps = [m["step"] for m in train_prior(again, grids(6), TOLD, steps=5, batch_size=2,
                                            checkpoint=file)]  # fmt: skip
    assert steps == [3, 4, 5]
    assert same(again, whole)


def test_a_run_leaves_a_prior_and_a_card_that_tells_how_it_was_made(shipped, tmp_path) -> None:
    train_vqvae_prior(tmp_path, "smoke", seed=2)
    card = read_card(tmp_path)
    assert card["command"] == "mmcourse train vqvae-prior --tier smoke --seed 2 --precision no"
    assert card["name"] == "vqvae-prior"
    assert "6 scenes" in card["data"]
    assert card["metrics"]["bits_prior"]["n"] == 3
    assert {m["band"] for m in card["metrics"].values()} == set(BANDS.values())
    assert not list(tmp_path.glob("checkpoint*"))
    with pytest.raises(ValueError, match="precision is 'half'"):
        train_vqvae_prior(tmp_path / "other", "smoke", precision="half")


def test_captions_of_all_kinds_are_learnt_first_and_mostly_brief_ones_after_them(
    shipped, monkeypatch, tmp_path
) -> None:
    tellings = []

    def noted(prior, codes, telling, **options):
        tellings.append(telling)
        return train_prior(prior, codes, telling, **options)

    monkeypatch.setattr(prior_recipe, "train_prior", noted)
    train_vqvae_prior(tmp_path, "smoke", seed=2)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["stage"] for row in rows] == ["captions"] * 4 + ["brief"] * 2
    first, second = tellings
    scene = draw(6, seed=2)[0][1]
    assert (first.after_every, second.after_every) == (2, 4)
    assert len({first.caption(1, step) for step in range(8)}) > 4
    assert {second.caption(1, step) for step in range(1, 8)} == {brief(scene)}
    rest = {second.caption(1, step) for step in range(0, 64, 8)}
    assert len(rest) > 4
    assert all(second.comes_first(step) for step in range(0, 64, 8))


def test_the_shipped_prior_knows_the_words_of_the_world() -> None:
    prior = prior_recipe.build()
    assert prior.vocabulary == Tokenizer().fingerprint
    assert prior.shared.words == len(Tokenizer())
    assert (prior.shared.codes, prior.shared.cells) == (1024, 256)
    ids, _ = Tokenizer().encode([told(i, k) for i in range(100) for k in range(3)])
    assert ids.shape[1] <= prior.shared.longest


def test_a_prior_that_knows_nothing_pays_by_the_table() -> None:
    prior = small_prior()
    with torch.no_grad():
        prior.tokens.weight.zero_()
    texts = [told(i, 0) for i in range(2)]
    bits = bits_with_caption(prior, grids(2), texts)
    assert bits == pytest.approx(256 * torch.tensor(float(CODES)).log2().item(), rel=1e-4)


class Seen:
    """A judge that says what it was told to have seen."""

    def __init__(self, *scenes: Scene) -> None:
        self.readings = [Reading(facts(scene), {}, {}, True) for scene in scenes]

    def read(self, pixels: torch.Tensor) -> list[Reading]:
        return self.readings


FOX = Character("fox", "red", position="left")
OWL = Character("owl", "blue", position="right", name="Gus")
BLUE_FOX = Character("fox", "blue", position="right", name="Fern")


@pytest.mark.parametrize(
    ("asked", "drawn", "number", "species", "colour"),
    [
        ((FOX, OWL), (replace(FOX, position="right"), replace(OWL, position="left")), 1, 1, 1),
        ((FOX,), (replace(FOX, position="middle"),), 1, 1, 1),
        ((FOX,), (FOX, OWL), 0, 1, 1),  # a crowd pleases, but for its number
        ((FOX, OWL), (FOX,), 0, 0.5, 0.5),
        ((FOX, BLUE_FOX), (FOX,), 0, 0.5, 0.5),  # one fox answers for one fox
        ((FOX, BLUE_FOX), (FOX, OWL), 1, 0.5, 1),
        ((FOX,), (replace(OWL, colour="red"),), 1, 0, 1),
    ],
)
def test_animals_are_looked_for_wherever_they_stand(asked, drawn, number, species, colour):
    found = adherence(Seen(Scene(drawn)), [Scene(asked)], torch.zeros(1, 8, 8, 3).byte())
    assert (found["number"], found["species"], found["colour"]) == (number, species, colour)


def test_each_word_about_the_scene_is_looked_for_by_itself():
    asked = Scene((FOX,), place="beach", time="night", weather="rain")
    drawn = replace(asked, place="forest", weather="snow")
    found = adherence(Seen(drawn, asked), [asked, asked], torch.zeros(2, 8, 8, 3).byte())
    assert [found[k] for k in ("place", "time", "weather")] == [0.5, 1, 0.5]


def test_true_pictures_adhere_and_others_do_not() -> None:
    judge = Judge.from_pretrained("judge").eval()
    scenes, pictures = held_out(24)
    true, other = (adherence(judge, scenes, p) for p in (pictures, pictures.roll(1, 0)))
    assert tuple(true) == ASKED
    for attribute in ASKED:
        assert true[attribute] > 0.95
        assert other[attribute] < true[attribute]
    assert other["place"] < 0.6


def test_every_metric_has_its_chance(shipped, monkeypatch) -> None:
    asked = []

    def true_ones(prior, model, texts, guidance, temperature):
        asked.append((texts, guidance, temperature))
        pictures = held_out(len(texts))[1]
        return pictures if guidance == 2 else pictures.roll(1, 0)

    monkeypatch.setattr(prior_measure, "drawn_from_captions", true_ones)
    found = measure_prior(small_prior(), 6)
    scenes, _ = held_out(6)
    texts = [brief(scene) for scene in scenes]
    assert asked == [(texts, 2.0, 0.6), (texts, 1.0, 0.6)]
    assert found["drawn_place"]["value"] == 1  # true pictures in the place of generated ones
    assert found["unguided_place"]["value"] == found["drawn_place"]["chance"]  # others
    assert found["drawn_place"]["n"] == 6
    table = 256 * torch.tensor(float(CODES)).log2().item()
    for name in ("bits_frequencies", "bits_prior", "bits_prior_caption", "bits_prior_brief"):
        assert found[name]["chance"] == pytest.approx(table)
        assert found[name]["value"] > 0
    assert found["bits_frequencies"]["value"] <= table
    with pytest.raises(ValueError, match="at least 2"):
        measure_prior(small_prior(), 1)


def test_captions_are_drawn_one_by_one_as_was_asked(shipped, monkeypatch) -> None:
    asked = []

    def grid(prior, n, ids, *, guidance, temperature, generator):
        asked.append((n, ids.tolist(), guidance, temperature, generator.initial_seed()))
        return torch.zeros(n, 16, 16, dtype=torch.int64)

    monkeypatch.setattr(prior_measure, "sample_codes", grid)
    texts = [brief(scene) for scene in held_out(2)[0]]
    model = VQVAE.from_pretrained("vqvae")
    pictures = prior_measure.drawn_from_captions(small_prior(), model, texts, 1.5, 0.7)
    ids = [Tokenizer().encode([text])[0].tolist() for text in texts]
    assert asked == [(1, ids[0], 1.5, 0.7, 0), (1, ids[1], 1.5, 0.7, 1)]
    assert pictures.shape == (2, 64, 64, 3)


def test_bits_are_counted_after_the_caption_that_they_are_named_by(shipped, monkeypatch) -> None:
    monkeypatch.setattr(
        prior_measure,
        "drawn_from_captions",
        lambda prior, model, texts, *_: held_out(len(texts))[1],
    )
    monkeypatch.setattr(
        prior_measure, "bits_with_caption", lambda prior, codes, texts: len("".join(texts))
    )
    found = measure_prior(small_prior(), 4)
    scenes, _ = held_out(4)
    for name, words in (("caption", caption), ("brief", brief)):
        expected = len("".join(words(scene) for scene in scenes))
        assert found[f"bits_prior_{name}"]["value"] == expected
