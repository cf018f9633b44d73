"""Looking at a story that is told: its scenes from elsewhere, its elements, its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mmcourse.story.abilities import Answer, AnswerRequest, Credit, Drawn, DrawRequest, Extracted
from mmcourse.story.context import Context, build
from mmcourse.story.craft import Craft, asked, last_of, which_answerer
from mmcourse.story.library import Library
from mmcourse.story.memory import Recalled, recall
from mmcourse.story.search import Hit, search_words
from mmcourse.story.story import Story
from mmcourse.story.team import Team

if TYPE_CHECKING:
    from PIL.Image import Image


class Reading(Craft):
    """A team with a library and one reader of it."""

    def __init__(self, library: Library, team: Team, reader: str = "") -> None:
        super().__init__(team)
        self.library, self.reader = library, reader

    def open(self, id: str) -> Story:
        """A story from the shelf."""
        return self.library.open(id, self.reader)

    def view(
        self, story: Story, scene: int, view: Mapping[str, float], size: int | None = None
    ) -> Image:
        """A scene seen from elsewhere; not recorded, for it can be drawn again at any time."""
        node = story.node(scene)
        illustrator, _ = self.team.illustrator()
        request = DrawRequest(
            node.text,
            node.staging,
            story.style,
            size or story.settings.size,
            node.picture.seed if node.picture else story.seed,
            view=view,
        )
        return last_of(illustrator.draw(request), Drawn).picture

    def ask(
        self, story: Story, question: str, scene: int | None = None, which: str = "picture"
    ) -> tuple[Answer, Credit]:
        """A question about a scene, answered from its picture or from the story so far.

        Raises:
            ValueError: no question, another answerer, or a scene without a picture to look at.
        """
        node = story.node(scene or story.current)
        answerer, credit = self.team.answerer(which_answerer(which))
        if which == "picture" and node.picture is None:
            raise ValueError("this scene has no picture to look at; ask the story, or draw it")
        picture = self.library.picture(node.picture.hash) if node.picture else None
        request = AnswerRequest(
            asked(question),
            picture,
            node.picture.staging if node.picture else "",
            story.text(node.id),
            story.state(node.id),
            build(story, node.id, question),
        )
        return answerer.answer(request), credit

    def elements(self, story: Story, scene: int | None = None) -> Extracted:
        """Characters, settings and plot points along a path; of each character the latest."""
        path = story.path(scene)
        people = {c.name: c for node in path for c in node.found.characters}
        settings = dict.fromkeys(s for node in path for s in node.found.settings)
        points = tuple(p for node in path for p in node.found.plot_points)
        return Extracted(tuple(people.values()), tuple(settings), points, story.state(scene).facts)

    def context(self, story: Story, prompt: str = "") -> Context:
        """What the writer would be told now: what is remembered, what is dropped, why."""
        return build(story, prompt=prompt)

    def search_words(self, words: str, story: Story | None = None) -> tuple[Hit, ...]:
        """Scenes of this reader's stories that have all these words."""
        return search_words(self.library, words, self.reader, story.id if story else "")

    def search_pictures(self, story: Story, query: str | Image, k: int = 3) -> tuple[Recalled, ...]:
        """The pictures along the current path that are most like words or a picture."""
        return recall(self.library, self.team.encoder()[0], story, query, k)
