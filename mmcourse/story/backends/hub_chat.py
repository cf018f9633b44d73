"""LLaVA, Qwen-VL and their like through their chat templates: answers, story text, structure."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mmcourse.story.abilities import (
    Answer,
    AnswerRequest,
    Choice,
    Extracted,
    ExtractRequest,
    FoundCharacter,
    FoundSetting,
    PlotPoint,
    WriteRequest,
    Written,
)
from mmcourse.story.backends.hub_loading import load, load_processor, plain_text
from mmcourse.story.backends.hub_memory import ran_out
from mmcourse.story.backends.hub_names import Model

if TYPE_CHECKING:
    from PIL.Image import Image

ANSWER_TOKENS = 100
STORY_TOKENS = 400
READ_TOKENS = 300
TEMPERATURE = 0.8
"""Always said: the settings that Qwen's models bring come so near 0 that all seeds say the same."""


class Chat:
    """A vision-language model with a chat template.

    Args:
        asked: which.
        device: "cpu" or "cuda"; None takes a GPU if there is one.
    """

    def __init__(self, asked: Model, device: str | None = None) -> None:
        self.asked, self.name, self.device = asked, asked.name, device

    @cached_property
    def processor(self) -> Any:
        """Tokenizer, picture preparation and template."""
        return load_processor(self.asked)

    @cached_property
    def model(self) -> Any:
        """The model, loaded when it is first needed."""
        from transformers import AutoModelForImageTextToText

        return load(AutoModelForImageTextToText, self.asked, self.device)

    def inputs(self, text: str, picture: Image | None = None) -> Any:
        """What the model is given: one turn of a user, with the picture before the words. Whatever
        the text holds, it stays text."""
        words = plain_text(text, list(self.processor.tokenizer.all_special_tokens))
        words = plain_text(words, [getattr(self.processor, "image_token", "<image>")])
        content: list[dict[str, Any]] = [{"type": "text", "text": words}]
        if picture is not None:
            content.insert(0, {"type": "image", "image": picture.convert("RGB")})
        messages = [{"role": "user", "content": content}]
        return self.processor.apply_chat_template(
            messages,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        ).to(self.model.device)

    def reply(self, text: str, picture: Image | None = None, tokens: int | None = None) -> str:
        """The model's answer, without the prompt. Greedy: the same request, the same words."""
        import torch

        given, most = self.inputs(text, picture), tokens or ANSWER_TOKENS
        try:
            with torch.inference_mode():
                out = self.model.generate(**given, max_new_tokens=most, do_sample=False)
        except torch.OutOfMemoryError:
            raise ran_out(self.name, "read") from None
        new = out[:, given["input_ids"].shape[1] :]
        said = str(self.processor.batch_decode(new, skip_special_tokens=True)[0]).strip()
        if stuck(said):
            raise overflowed(self.name)
        return said

    def stream(self, text: str, seed: int) -> Iterator[str]:
        """Sampled words as they come; closing the iterator stops the model at its next token."""
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList, TextIteratorStreamer

        given = self.inputs(text)
        stop = threading.Event()
        failed: list[BaseException] = []

        class Stopped(StoppingCriteria):
            def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
                return torch.full((len(input_ids),), stop.is_set(), device=input_ids.device)

        streamer = TextIteratorStreamer(
            self.processor.tokenizer, skip_prompt=True, skip_special_tokens=True
        )

        def work() -> None:
            try:
                with torch.inference_mode(), torch.random.fork_rng():
                    torch.manual_seed(seed)
                    self.model.generate(
                        **given,
                        max_new_tokens=STORY_TOKENS,
                        do_sample=True,
                        temperature=TEMPERATURE,
                        top_k=0,
                        top_p=0.9,
                        streamer=streamer,
                        stopping_criteria=StoppingCriteriaList([Stopped()]),
                    )
            except BaseException as error:  # told where the words are awaited
                failed.append(error)
                streamer.end()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield from streamer
        finally:
            stop.set()
            thread.join()
        if failed and isinstance(failed[0], torch.OutOfMemoryError):
            raise ran_out(self.name, "wrote")
        if failed and "nan" in str(failed[0]):
            raise overflowed(self.name)
        if failed:
            raise ValueError(f"{self.name} failed while it wrote: {failed[0]}")


def stuck(text: str) -> bool:
    """Whether a text is one sign again and again, which is what comes of logits that are no
    numbers: the first token of the vocabulary, "!" for Qwen."""
    return len(text) >= 20 and len(set(text)) == 1


def overflowed(name: str) -> ValueError:
    """What is said of a model whose numbers became too large for float16."""
    return ValueError(
        f"{name!r} computes no numbers: float16 overflows in it; take a GPU that computes in "
        "bfloat16 (a T4 does not), or another model"
    )


class ChatAnswerer:
    """Answers about a picture, or, with `story`, about the story with its picture."""

    def __init__(self, chat: Chat, story: bool = False) -> None:
        self.chat, self.story = chat, story

    def answer(self, request: AnswerRequest) -> Answer:
        """What the model says."""
        question = request.question
        if self.story:
            question = f"The story so far:\n{request.text[-4000:]}\n\nQuestion: {question}"
        because = "the picture" if request.picture is not None else "the text"
        said = self.chat.reply(question, request.picture)
        return Answer(said or "It said nothing.", bool(said), because)


ASK_SCENE = """{what}
{context}
Write the next scene of an illustrated story for a child: {length} sentences, in the {tone} tone.
After it, write three lines that begin with "- ": each one way on, a colon, and its reason."""


class ChatWriter:
    """Writes scenes by asking for them."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat

    def write(self, request: WriteRequest) -> Iterator[str | Written]:
        """Words as they come, and the scene with what it proposed."""
        whole = ""
        for piece in self.chat.stream(self.prompt(request), request.seed):
            whole += piece
            yield piece
        if stuck(whole.strip()):
            raise overflowed(self.chat.name)
        text, choices = split_choices(whole)
        if not text:
            raise ValueError(f"{self.chat.name} wrote nothing; try another seed or another writer")
        title = " ".join(text.split()[:6]).rstrip(".,") if request.purpose == "start" else ""
        yield Written(text, title, (), choices, tone=request.tone, voice=request.voice)

    @staticmethod
    def prompt(request: WriteRequest) -> str:
        """What the model is asked for."""
        asked = request.choice.label if request.choice else request.prompt
        begun = {
            "start": f"A new story begins: {asked or 'anything you like'}.",
            "continue": f"The story goes on: {asked or 'as you like'}.",
            "enhance": f"Tell this again with more to see: {asked}",
        }
        what = begun[request.purpose]
        if request.seen is not None:
            what += f" A picture shows: {request.seen.text}."
        if request.hero is not None:
            look = ", ".join(request.hero.looks.values())
            what += f" The hero is {request.hero.name} ({look})."
        context = f"Remember:\n{request.context.text}" if request.context else ""
        length = "three" if request.left != 0 else "three closing"
        return ASK_SCENE.format(
            what=what, context=context, tone=request.tone or "warm", length=length
        )


def split_choices(text: str) -> tuple[str, tuple[Choice, ...]]:
    """The prose of a reply, and the ways on that its last lines propose."""
    lines = text.strip().splitlines()
    prose = [line for line in lines if not re.match(r"\s*(?:-|\d[.)])\s", line)]
    offers = [re.sub(r"^\s*(?:-|\d[.)])\s*", "", x) for x in lines if x not in prose]
    choices = []
    for offer in offers[:3]:
        label, _, reason = offer.partition(":")
        choices.append(Choice(label.strip(), reason.strip() or "it was proposed without a reason"))
    return "\n".join(prose).strip(), tuple(c for c in choices if c.label)


ASK_STRUCTURE = """Read this scene and answer with JSON alone, in this form:
{{"characters": [{{"name": "", "mood": ""}}], "place": "", "time": "", "weather": "",
"plot_points": [{{"who": "", "what": "", "to": ""}}]}}

{text}"""


class ChatExtractor:
    """Asks for characters, setting and plot points as JSON, and takes what is well formed."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat

    def extract(self, request: ExtractRequest) -> Extracted:
        """What the model found; what is no JSON of that form is reported as unread."""
        return read_structure(
            self.chat.reply(ASK_STRUCTURE.format(text=request.text), tokens=READ_TOKENS)
        )


def read_structure(reply: str) -> Extracted:
    """A model's JSON as structure; `unread` holds the reply where it is none."""
    match = re.search(r"\{.*\}", reply, re.S)
    try:
        found = json.loads(match[0]) if match else None
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        return Extracted(unread=(reply,))
    rows = _rows(found, "characters")
    people = [FoundCharacter(_text(c, "name"), {}, _text(c, "mood")) for c in rows]
    told = _rows(found, "plot_points")
    points = [PlotPoint(*(_text(p, k) for k in ("who", "what", "to"))) for p in told]
    setting = FoundSetting(*(_text(found, k) for k in ("place", "time", "weather")))
    return Extracted(
        tuple(p for p in people if p.name),
        (setting,) if setting != FoundSetting() else (),
        tuple(p for p in points if p.who and p.what),
    )


def _text(x: object, key: str) -> str:
    """A field of an object as text; "" for anything else."""
    return str(x.get(key) or "") if isinstance(x, dict) else ""


def _rows(x: dict[str, Any], key: str) -> list[Any]:
    """A field that should be a list."""
    found = x.get(key)
    return found if isinstance(found, list) else []
