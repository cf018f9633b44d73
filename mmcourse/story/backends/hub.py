"""Pretrained models by name, through the Auto classes of transformers and diffusers.

    team = Team([hub_backend(answerer="llava-hf/llava-1.5-7b-hf"), world_backend()])

Each name is a folder or a hub id. Nothing is loaded, and neither library imported, before it is
first asked for something; what is left out falls back to the next backend of the team.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mmcourse.story.backends.hub_loading import revision_of
from mmcourse.story.backends.parts import Parts

KNOWN = {
    "encoder": "openai/clip-vit-base-patch32",
    "captioner": "Salesforce/blip2-opt-2.7b",
    "answerer": "llava-hf/llava-1.5-7b-hf",
    "writer": "Qwen/Qwen2.5-VL-3B-Instruct",
    "illustrator": "stabilityai/sdxl-turbo",
}
"""Models that the book speaks of. None is fetched unless it is asked for by name."""
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

    Args:
        encoder: a CLIP model.
        captioner: a BLIP-2 model.
        answerer: a LLaVA model: it answers from the picture, and reads characters, settings and
            plot points out of a text.
        writer: a Qwen-VL model: it writes, and answers from the story.
        illustrator: a text-to-image pipeline.
        device: "cpu" or "cuda"; None takes a GPU if there is one.
        revisions: pins by model name: a commit, branch or tag.
    """
    pins = dict(revisions or {})
    makers: dict[str, tuple[str, Callable[[], object]]] = {}

    def chat(name: str) -> object:
        from mmcourse.story.backends.hub_chat import Chat

        return Chat(name, pins.get(name), device)

    shared: dict[str, object] = {}

    def one(name: str) -> object:
        if name not in shared:
            shared[name] = chat(name)
        return shared[name]

    def made(kind: str, name: str) -> Callable[[], object]:
        def make() -> object:
            from mmcourse.story.backends import hub_chat as c
            from mmcourse.story.backends import hub_pictures as p

            by_kind: dict[str, Callable[[], object]] = {
                "encoder": lambda: p.HubEncoder(name, pins.get(name), device),
                "captioner": lambda: p.HubCaptioner(name, pins.get(name), device),
                "illustrator": lambda: p.HubIllustrator(name, pins.get(name), device),
                "picture answerer": lambda: c.ChatAnswerer(one(name)),  # type: ignore[arg-type]
                "extractor": lambda: c.ChatExtractor(one(name)),  # type: ignore[arg-type]
                "story answerer": lambda: c.ChatAnswerer(one(name), story=True),  # type: ignore[arg-type]
                "writer": lambda: c.ChatWriter(one(name)),  # type: ignore[arg-type]
            }
            return by_kind[kind]()

        return make

    wanted = {"encoder": encoder, "captioner": captioner, "illustrator": illustrator,
              "picture answerer": answerer, "extractor": answerer, "writer": writer,
              "story answerer": writer}  # fmt: skip
    missing = {"mood reader": "no model of its own", "checker": "no model of its own",
               "narrator": "has no voice; a narrator is an extra"}  # fmt: skip
    argument = {"picture answerer": "answerer", "extractor": "answerer", "story answerer": "writer"}
    for ability, name in wanted.items():
        if name:
            makers[ability] = (revision_of(name, pins.get(name)), made(ability, name))
        else:
            key = argument.get(ability, ability)
            missing[ability] = ASK.format(key, KNOWN[key])
    return Parts("hub", "pretrained models", makers, missing)
