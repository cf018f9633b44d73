"""Pretrained models by name, through the Auto classes of transformers and diffusers.

    team = Team([hub_backend(answerer="llava-hf/llava-1.5-7b-hf"), world_backend()])

Each name is a folder or a hub id. Nothing is loaded, and neither library imported, before it is
first asked for something; what is left out falls back to the next backend of the team.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mmcourse.story.backends.hub_names import KNOWN as KNOWN
from mmcourse.story.backends.hub_names import Model, model_called
from mmcourse.story.backends.parts import Parts

ASK = "name a model for it, such as hub_backend({}={!r})"


def hub_backend(
    encoder: str = "",
    captioner: str = "",
    answerer: str = "",
    writer: str = "",
    illustrator: str = "",
    device: str | None = None,
    revisions: Mapping[str, str] | None = None,
) -> Parts:
    """Pretrained models as a backend; whatever has no name is missing.

    Each may be asked for as `hub_names` says: "NAME@REVISION,4bit".

    Args:
        encoder: a CLIP model.
        captioner: a BLIP-2 model.
        answerer: a LLaVA model: it answers from the picture, and reads characters, settings and
            plot points out of a text.
        writer: a Qwen-VL model: it writes, and answers from the story.
        illustrator: a text-to-image pipeline. With it comes a checker of what it draws.
        device: "cpu" or "cuda"; None takes a GPU if there is one.
        revisions: pins by model name: a commit, branch or tag.

    Raises:
        ValueError: a wish that no model can fulfil.
    """
    pins = dict(revisions or {})
    shared: dict[Model, object] = {}

    def model(text: str) -> Model:
        asked = model_called(text)
        return model_called(text, pins.get(asked.name))

    def one(asked: Model) -> object:
        """A model that does two things is loaded once."""
        from mmcourse.story.backends.hub_chat import Chat

        if asked not in shared:
            shared[asked] = Chat(asked, device)
        return shared[asked]

    def made(kind: str, asked: Model) -> Callable[[], object]:
        def make() -> object:
            from mmcourse.story.backends import hub_chat as c
            from mmcourse.story.backends import hub_pictures as p
            from mmcourse.story.backends.hub_checker import PixelChecker

            by_kind: dict[str, Callable[[], object]] = {
                "encoder": lambda: p.HubEncoder(asked, device),
                "captioner": lambda: p.HubCaptioner(asked, device),
                "illustrator": lambda: p.HubIllustrator(asked, device),
                "checker": PixelChecker,
                "picture answerer": lambda: c.ChatAnswerer(one(asked)),  # type: ignore[arg-type]
                "extractor": lambda: c.ChatExtractor(one(asked)),  # type: ignore[arg-type]
                "story answerer": lambda: c.ChatAnswerer(one(asked), story=True),  # type: ignore[arg-type]
                "writer": lambda: c.ChatWriter(one(asked)),  # type: ignore[arg-type]
            }
            return by_kind[kind]()

        return make

    wanted = {"encoder": encoder, "captioner": captioner, "illustrator": illustrator,
              "checker": illustrator, "picture answerer": answerer, "extractor": answerer,
              "writer": writer, "story answerer": writer}  # fmt: skip
    argument = {"picture answerer": "answerer", "extractor": "answerer", "story answerer": "writer",
                "checker": "illustrator"}  # fmt: skip
    makers: dict[str, tuple[str, Callable[[], object]]] = {}
    missing = {"mood reader": "no model of its own",
               "narrator": "has no voice; a narrator is an extra"}  # fmt: skip
    for ability, text in wanted.items():
        if text:
            asked = model(text)
            if asked.four and ability == "illustrator":
                raise ValueError(f"{asked.name!r} draws in 16 bits; leave ,4bit away")
            shown = "pixels" if ability == "checker" else asked.shown()
            makers[ability] = (shown, made(ability, asked))
        else:
            key = argument.get(ability, ability)
            missing[ability] = ASK.format(key, KNOWN[key])
    return Parts("hub", "pretrained models", makers, missing)
