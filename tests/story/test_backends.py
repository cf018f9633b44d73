"""One contract for all backends: what each offers, it does as its protocol says."""

import numpy as np
import pytest
from PIL import Image

from mmcourse.story import abilities as a
from mmcourse.story.backends.fake import fake_backend
from mmcourse.story.backends.hub import hub_backend
from mmcourse.story.backends.tiny import tiny_backend
from mmcourse.story.backends.world import world_backend
from mmcourse.story.craft import last_of
from mmcourse.story.state import State, dated
from mmcourse.storyworld import render, sample_scene

BACKENDS = {"fake": fake_backend, "world": world_backend, "tiny": tiny_backend}
HUB = {"encoder": "clip", "captioner": "blip2", "answerer": "llava", "writer": "qwen",
       "illustrator": "pipeline"}  # fmt: skip
PICTURES = [render(sample_scene("test", i), 48) for i in range(3)]
TEXT = "A red fox is happy on the beach."


@pytest.fixture(scope="module", params=[*BACKENDS, "hub"])
def backend(request, hub_folders):
    if request.param in BACKENDS:
        return BACKENDS[request.param]()
    hub = hub_backend(device="cpu", **{k: hub_folders(kind) for k, kind in HUB.items()})
    hub.ability("illustrator").steps = 2
    return hub


def part(backend, ability):
    if ability not in backend.offers():
        with pytest.raises(ValueError, match=f"{backend.name} is no {ability}: ."):
            backend.ability(ability)
        pytest.skip(f"{backend.name}: {backend.lacks()[ability]}")
    return backend.ability(ability)


def test_a_backend_says_what_it_can_do_and_why_not_the_rest(backend):
    offers, lacks = backend.offers(), backend.lacks()
    assert set(offers) | set(lacks) == set(a.ABILITIES)
    assert not set(offers) & set(lacks)
    assert all(offers.values())
    assert all(lacks.values())
    assert backend.title
    for name in offers:
        assert backend.ability(name) is backend.ability(name)


def test_writer(backend):
    writer = part(backend, "writer")

    def written(**request):
        return list(writer.write(a.WriteRequest(prompt="a red fox", **request)))

    pieces = written(seed=1)
    assert all(isinstance(p, str) for p in pieces[:-1])
    first = pieces[-1]
    assert isinstance(first, a.Written)
    assert "".join(pieces[:-1]).strip() == first.text
    assert len({c.label for c in first.choices}) == len(first.choices) <= 3
    assert all(c.reason for c in first.choices)
    assert written(seed=1)[-1] == first
    assert written(seed=2)[-1] != first
    state = State(dated(first.facts, 1), (1,), first.plan)
    choice = first.choices[0] if first.choices else None
    on = a.WriteRequest("continue", choice=choice, state=state, seed=3)
    assert last_of(writer.write(on), a.Written).text != first.text


def test_writing_can_be_stopped_between_any_two_pieces(backend):
    writer = part(backend, "writer")
    writing = writer.write(a.WriteRequest(prompt="a red fox"))
    assert isinstance(next(writing), str)
    writing.close()
    with pytest.raises(StopIteration):
        next(writing)


def test_extractor(backend):
    found = part(backend, "extractor").extract(a.ExtractRequest(TEXT))
    assert isinstance(found, a.Extracted)
    assert found.unread or (found.characters and found.settings)


def test_captioner(backend):
    captioner = part(backend, "captioner")
    for picture in PICTURES:
        said = captioner.caption(a.CaptionRequest(picture))
        assert said.text
        assert said.how
        assert not said.exact
        assert captioner.caption(a.CaptionRequest(picture)) == said


@pytest.mark.parametrize("which", ["picture answerer", "story answerer"])
def test_answerers(backend, which):
    answerer = part(backend, which)
    scene = sample_scene("test", 0)
    request = a.AnswerRequest("where are we?", PICTURES[0], scene.to_json(), TEXT)
    answer = answerer.answer(request)
    assert answer.text
    assert answer.because
    assert answerer.answer(request) == answer


def test_encoder(backend):
    encoder = part(backend, "encoder")
    assert encoder.name
    texts, pictures = encoder.texts([TEXT, "a blue owl"]), encoder.pictures(PICTURES)
    assert texts.dtype == pictures.dtype == np.float32
    assert texts.shape[1] == pictures.shape[1]
    assert (len(texts), len(pictures)) == (2, 3)
    for rows in (texts, pictures):
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
    assert np.allclose(encoder.pictures(PICTURES[:1]), pictures[:1], atol=1e-5)
    assert not np.allclose(texts[0], texts[1], atol=1e-3)


def test_illustrator(backend):
    illustrator = part(backend, "illustrator")

    def drawn(**request):
        steps = list(illustrator.draw(a.DrawRequest(TEXT, size=48, **request)))
        assert all(0 <= s <= 1 for s in steps[:-1])
        assert steps[:-1] == sorted(steps[:-1])
        assert isinstance(steps[-1], a.Drawn)
        return steps[-1]

    first = drawn(seed=1)
    assert (first.picture.mode, first.picture.size) == ("RGB", (48, 48))
    assert first.safety in ("ok", "flagged", "unchecked", "drawn by rule")
    assert drawn(seed=1).picture.tobytes() == first.picture.tobytes()
    assert drawn(seed=1, style="neon").picture.tobytes() != first.picture.tobytes()


def test_mood_reader(backend):
    reader = part(backend, "mood reader")
    mood = reader.read(a.MoodRequest(told="sad"))
    assert mood.mood == "sad"
    assert mood.tone
    assert mood.because


def test_checker(backend):
    scene = sample_scene("test", 0)
    found = part(backend, "checker").check(
        a.CheckRequest(render(scene, 48), staging=scene.to_json(), style=scene.style)
    )
    assert found
    assert all(f.passed for f in found)


def test_narrator(backend):
    parts = list(part(backend, "narrator").speak(a.SpeakRequest("One two. Three.")))
    assert parts
    for p in parts:
        assert p.samples.dtype == np.float32
        assert p.samples.ndim == 1
        assert np.isfinite(p.samples).all()
    spoken = "One two. Three."
    words = [spoken[w.start : w.end].strip(".") for p in parts for w in p.words]
    assert words == ["One", "two", "Three"]


def test_parts_are_built_when_they_are_first_needed():
    built = []
    backend = fake_backend()
    make = backend.makers["encoder"][1]
    backend.makers = {"encoder": ("1", lambda: built.append(1) or make())}
    assert backend.offers() == {"encoder": "1"}
    assert not built
    backend.ability("encoder").pictures([Image.new("RGB", (8, 8))])
    backend.ability("encoder")
    assert built == [1]
