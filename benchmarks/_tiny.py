"""How good each part of the backend `tiny` is: beside the world's own, and beside one that is shown
nothing (a blank picture, an empty text, no wish). All on the split "test"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from mmcourse.story import abilities as a
from mmcourse.story.backends.tiny_reader import facts_in
from mmcourse.story.craft import last_of
from mmcourse.story.facts import Fact
from mmcourse.story.state import State, dated
from mmcourse.storyworld import Scene, caption, render
from mmcourse.storyworld.language.asking import sample_question
from mmcourse.storyworld.language.check import check_scene, check_story
from mmcourse.storyworld.language.parse import read
from mmcourse.storyworld.language.questions import KINDS
from mmcourse.storyworld.language.tell import tell

SIDE = 128
"""Pixels of the pictures that are looked at: each part makes them as small as it needs."""
Shares = dict[str, float]


def measured(tiny: Any, world: Any, n: int) -> tuple[dict[str, dict[str, float]], list[str]]:
    """For every part of `tiny` that has weights of its own: {"tiny", "world", "blank", "n"}, and a
    line for each that has none."""
    out: dict[str, dict[str, float]] = {}
    skipped = []
    for ability, measure in MEASURES.items():
        revision = tiny.offers().get(ability)
        if revision is None:
            skipped.append(f"{ability}: not measured, for {tiny.lacks()[ability]}")
        elif revision == world.ability("encoder").name:
            skipped.append(f"{ability}: not measured, for it is chapter 1's towers, as in `world`")
        else:
            found = measure(tiny.ability(ability), world.ability(ability), n)
            out[ability] = {**found, "n": n}
    return out, skipped


def blank() -> Any:
    """A picture that shows nothing."""
    from PIL import Image

    return Image.new("RGB", (SIDE, SIDE), (128, 128, 128))


def share(right: Sequence[bool]) -> float:
    """How many of them."""
    return sum(right) / len(right)


def scenes(n: int, lone: bool = False) -> list[Scene]:
    """Held-out scenes that all look different, with one character if asked for."""
    from mmcourse.joint.evaluate import distinct_scenes, lone_scenes

    return lone_scenes("test", n) if lone else distinct_scenes("test", n)


def encoder(tiny: Any, world: Any, n: int) -> Shares:
    """Pictures found by their captions, the first of n."""
    some = scenes(n)
    drawn = [render(scene, SIDE) for scene in some]
    texts = [caption(scene) for scene in some]

    def recall(who: Any, pictures: list[Any]) -> float:
        found = (who.texts(texts) @ who.pictures(pictures).T).argmax(1)
        return share([int(j) == i for i, j in enumerate(found)])

    return {"tiny": recall(tiny, drawn), "world": recall(world, drawn),
            "blank": recall(tiny, [blank()] * n)}  # fmt: skip


def captioner(tiny: Any, world: Any, n: int) -> Shares:
    """Captions of which every word can be read and everything said is true."""
    some = scenes(n)

    def true(who: Any, picture: Callable[[Scene], Any], record: bool) -> float:
        right = []
        for scene in some:
            asked = a.CaptionRequest(picture(scene), scene.to_json() if record else "")
            text = who.caption(asked).text
            wrong, unread = check_scene(text, scene)
            right.append(bool(read(text).facts) and not wrong and not unread)
        return share(right)

    return {"tiny": true(tiny, drawing, False), "world": true(world, drawing, True),
            "blank": true(tiny, lambda _: blank(), False)}  # fmt: skip


def drawing(scene: Scene) -> Any:
    """A scene as it is drawn."""
    return render(scene, SIDE)


def picture_answerer(tiny: Any, world: Any, n: int) -> Shares:
    """Questions of all kinds, answered in the very word."""
    asked = [sample_question(KINDS[i % len(KINDS)], "test", i // len(KINDS)) for i in range(n)]

    def right(who: Any, picture: Callable[[Scene], Any], record: bool) -> float:
        out = []
        for one in asked:
            staging = one.scene.to_json() if record else ""
            request = a.AnswerRequest(one.question.text, picture(one.scene), staging)
            said = who.answer(request).text.lower().rstrip(".")
            out.append(said == one.question.answer)
        return share(out)

    return {"tiny": right(tiny, drawing, False), "world": right(world, drawing, True),
            "blank": right(tiny, lambda _: blank(), False)}  # fmt: skip


def story_answerer(tiny: Any, world: Any, n: int) -> Shares:
    """Asked at a page: how its hero feels (by name), and where we are."""
    asked = []
    for i in range((n + 1) // 2):
        story = tell(i, "test")
        at = i % len(story.pages)
        told, scene = story.pages[: at + 1], story.pages[at].scene
        facts = tuple(f for k, p in enumerate(told, 1)
                      for f in dated([Fact(*x) for x in sorted(p.facts)], k))  # fmt: skip
        hero = scene.characters[0]
        facts += tuple(dated([Fact(hero.name, "species", hero.species)], 1))
        text = "\n\n".join(page.text for page in told)
        state = State(facts, tuple(range(1, at + 2)))
        whole = a.AnswerRequest("", drawing(scene), scene.to_json(), text, state)
        asked.append((f"how does {hero.name} feel?", hero.mood, whole))
        asked.append(("where are we?", scene.place, whole))

    def right(who: Any, change: Callable[[a.AnswerRequest], a.AnswerRequest]) -> float:
        return share([value in who.answer(replace(change(request), question=question)).text.lower()
                      for question, value, request in asked[:n]])  # fmt: skip

    return {
        "tiny": right(tiny, lambda r: replace(r, staging="")),
        "world": right(world, lambda r: r),
        "blank": right(tiny, lambda r: a.AnswerRequest("", blank(), state=r.state)),
    }


def extractor(tiny: Any, world: Any, n: int) -> Shares:
    """F1 of who, where and what happens on a page; `words` is `tiny` without the staged scene."""
    from mmcourse.lora.models.structure import structure

    pages = []
    for i in range(n):
        told = tell(i, "test").pages
        facts = tuple(f for k, p in enumerate(told[: i % 3], 1)
                      for f in dated([Fact(*x) for x in sorted(p.facts)], k))  # fmt: skip
        pages.append((told[i % 3], State(facts, tuple(range(1, i % 3 + 1)))))

    def known(facts: Any) -> set[tuple[str, str, str]]:
        kinds = ("species", "mood", "place", "time", "weather", "has", "lost", "wants",
                 "give", "follow", "hug", "quarrel")  # fmt: skip
        return {f.triple for f in facts if f.attribute in kinds}

    def f1(who: Any, request: Callable[[Any], a.ExtractRequest]) -> float:
        both = total = 0
        for page, state in pages:
            right = known(facts_in(structure(page), state))
            said = known(who.extract(replace(request(page), state=state)).facts)
            both, total = both + len(right & said), total + len(right) + len(said)
        return 2 * both / max(1, total)

    def whole(page: Any) -> a.ExtractRequest:
        return a.ExtractRequest(page.text, staging=page.scene.to_json())

    return {
        "tiny": f1(tiny, whole),
        "words": f1(tiny, lambda p: a.ExtractRequest(p.text)),
        "world": f1(world, whole),
        "blank": f1(tiny, lambda _: a.ExtractRequest("Yes.")),
    }


def mood_reader(tiny: Any, world: Any, n: int) -> Shares:
    """Moods of animals in pictures; the world's reader knows faces of a few strokes alone."""
    some = scenes(n, lone=True)

    def right(who: Any, picture: Callable[[Scene], Any]) -> float:
        return share([who.read(a.MoodRequest(face=picture(scene))).mood == scene.characters[0].mood
                      for scene in some])  # fmt: skip

    return {"tiny": right(tiny, drawing), "world": right(world, drawing),
            "blank": right(tiny, lambda _: blank())}  # fmt: skip


def writer(tiny: Any, world: Any, n: int) -> Shares:
    """First pages without a contradiction that tell the hero's colour and species and the place
    that were asked for; `blank` was not asked for anything."""
    some = scenes(n, lone=True)

    def kept(who: Any, asked: bool) -> float:
        out = []
        for i, scene in enumerate(some):
            hero = scene.characters[0]
            wish = f"a {hero.colour} {hero.species} in the {scene.place}" if asked else ""
            page = last_of(who.write(a.WriteRequest(prompt=wish, seed=i)), a.Written)
            words = set(page.text.lower().replace(",", "").replace(".", "").split())
            wrong, unread = check_story(page.text)
            told = {(f.attribute, f.value) for f in page.facts}
            right = {hero.colour, hero.species} <= words and ("place", scene.place) in told
            out.append(right and not wrong and not (who is tiny and any(unread)))
        return share(out)

    return {"tiny": kept(tiny, True), "world": kept(world, True), "blank": kept(tiny, False)}


def illustrator(tiny: Any, world: Any, n: int) -> Shares:
    """Pictures that chapter 3's eye lets pass."""
    from mmcourse.story.backends.tiny_eye import EyeChecker

    eye, some = EyeChecker(), scenes(n)

    def passed(picture: Callable[[Scene], Any]) -> float:
        out = []
        for scene in some:
            found = eye.check(
                a.CheckRequest(picture(scene), staging=scene.to_json(), style=scene.style)
            )
            out.append(all(f.passed for f in found))
        return share(out)

    def by(who: Any) -> Callable[[Scene], Any]:
        return lambda scene: (
            last_of(
                who.draw(a.DrawRequest("", scene.to_json(), scene.style, SIDE)), a.Drawn
            ).picture
        )

    return {
        "tiny": passed(by(tiny)),
        "world": passed(by(world)),
        "blank": passed(lambda _: blank()),
    }


def checker(tiny: Any, world: Any, n: int) -> Shares:
    """True pictures that pass; `blank` is how many of another scene's pictures pass."""
    some = scenes(n + 1)

    def passed(who: Any, other: int) -> float:
        out = []
        for scene, drawn in zip(some[:-1], some[other:], strict=False):
            asked = a.CheckRequest(drawing(drawn), staging=scene.to_json(), style=scene.style)
            out.append(all(f.passed for f in who.check(asked)))
        return share(out)

    return {"tiny": passed(tiny, 0), "world": passed(world, 0), "blank": passed(tiny, 1)}


MEASURES: dict[str, Callable[[Any, Any, int], Shares]] = {
    "encoder": encoder,
    "captioner": captioner,
    "picture answerer": picture_answerer,
    "story answerer": story_answerer,
    "extractor": extractor,
    "mood reader": mood_reader,
    "writer": writer,
    "illustrator": illustrator,
    "checker": checker,
}
