"""The world's parts for stories in which people have names that the world does not know.

Each does what the part inside does, in the names that the story shows: see `mmcourse.story.naming`.
A request in which nobody has such a name is handed on as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mmcourse.story.abilities import (
    Answer,
    Answerer,
    AnswerRequest,
    Captioned,
    Captioner,
    CaptionRequest,
    Checker,
    CheckRequest,
    Drawn,
    DrawRequest,
    Extracted,
    Extractor,
    ExtractRequest,
    Finding,
    Illustrator,
    Writer,
    WriteRequest,
    Written,
)
from mmcourse.story.naming import Table, clean_name, translated
from mmcourse.story.naming_typed import animal, played
from mmcourse.story.staging import names_in, scene_of
from mmcourse.storyworld.language.words import article


class NamingWriter:
    """A writer who tells of Mia by telling of Alma."""

    def __init__(self, inner: Writer) -> None:
        self.inner = inner

    def write(self, request: WriteRequest) -> Iterator[str | Written]:
        """As the writer inside, with the facts that say who plays whom.

        Raises:
            ValueError: as the writer inside; a name that is too long, or more people than the world
                has names for.
        """
        before = table = Table.of(request.state)
        taken = table.taken(request.state)
        hero = request.hero
        if hero is not None and hero.name:
            hero = replace(hero, name=clean_name(hero.name))
            table = table.with_(hero.name, hero.name.endswith("a"), taken)
        prompt, table = played(request.prompt, table, taken)
        if not table.players:
            yield from self.inner.write(replace(request, prompt=prompt, hero=hero))
            return
        back = table.back
        inside = translated(replace(request, prompt="", hero=hero), table.players)
        for piece in self.inner.write(replace(inside, prompt=prompt)):
            if isinstance(piece, str):
                yield translated(piece, back)
                continue
            told = translated(piece, back, back)
            came = {f.subject for f in told.facts if f.attribute == "species"}
            new = tuple(f for f in table.facts(before) if f.subject in came)
            notes = (*told.notes, *_animals(told, [f.subject for f in new], request))
            yield replace(told, facts=(*new, *told.facts), notes=notes)


def _animals(told: Written, new: list[str], request: WriteRequest) -> Iterator[str]:
    """What a reader should hear whose Mia has become a fox."""
    if request.hero or request.seen or any(animal(w) for w in request.prompt.split()):
        return
    looks = {(f.subject, f.attribute): f.value for f in told.facts}
    said = []
    for name in new:
        look = f"{looks.get((name, 'colour'), '')} {looks[name, 'species']}".strip()
        said.append(f"{name} is {article(look)}")
    if said:
        yield (f"Everybody in StoryWorld is an animal: {' and '.join(said)}. To choose another, "
               f"begin with \u201c{new[0]} the cat\u201d.")  # fmt: skip


class NamingExtractor:
    """A reader of texts who knows that Mia is somebody."""

    def __init__(self, inner: Extractor) -> None:
        self.inner = inner

    def extract(self, request: ExtractRequest) -> Extracted:
        """As the extractor inside; whoever the text names anew is played by one of the world's."""
        before = Table.of(request.state)
        known = {x: w for w, x in names_in(request.staging).items()}
        table, text = Table({**before.players, **known}), request.text
        taken = table.taken(request.state)
        if not request.staging:  # a staged text is the world's own, and names nobody else
            text, table = played(text, table, taken, prompt=False)
        if not table.players:
            return self.inner.extract(request)
        inside = translated(replace(request, text=""), table.players)
        text = text if not request.staging else translated(text, table.players)
        found = self.inner.extract(replace(inside, text=text))
        found = translated(found, table.back, table.back)
        came = {x for f in found.facts for x in (f.subject, f.value)}
        new = tuple(f for f in table.facts(before) if f.subject in came)
        return replace(found, facts=(*new, *found.facts))


class NamingCaptioner:
    """A captioner who says who is in a picture by the names of the story."""

    def __init__(self, inner: Captioner) -> None:
        self.inner = inner

    def caption(self, request: CaptionRequest) -> Captioned:
        """As the captioner inside."""
        back = names_in(request.staging)
        players = {x: w for w, x in back.items()}
        return translated(self.inner.caption(translated(request, players)), back, back)


class NamingAnswerer:
    """An answerer who is asked about Mia."""

    def __init__(self, inner: Answerer) -> None:
        self.inner = inner

    def answer(self, request: AnswerRequest) -> Answer:
        """As the answerer inside."""
        known = {x: w for w, x in names_in(request.staging).items()}
        table = Table({**Table.of(request.state).players, **known})
        if not table.players:
            return self.inner.answer(request)
        question, _ = played(request.question, table, table.taken(request.state))
        inside = translated(replace(request, question=""), table.players)
        answer = self.inner.answer(replace(inside, question=question))
        return translated(answer, table.back)


class NamingIllustrator:
    """An illustrator whose models have other names."""

    def __init__(self, inner: Illustrator) -> None:
        self.inner = inner

    def draw(self, request: DrawRequest) -> Iterator[float | Drawn]:
        """As the illustrator inside."""
        players = {x: w for w, x in names_in(request.staging).items()}
        if scene_of(request.staging) is None:
            prompt, table = played(request.prompt, Table({}), set())
            yield from self.inner.draw(
                translated(replace(request, prompt=prompt), dict(table.players))
            )
            return
        yield from self.inner.draw(translated(request, players))


class NamingChecker:
    """A checker who finds that it is Mia."""

    def __init__(self, inner: Checker) -> None:
        self.inner = inner

    def check(self, request: CheckRequest) -> tuple[Finding, ...]:
        """As the checker inside."""
        back = names_in(request.staging)
        players = {x: w for w, x in back.items()}
        return translated(self.inner.check(translated(request, players)), back)
