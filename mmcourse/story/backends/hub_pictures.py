"""CLIP, BLIP-2 and diffusion pipelines by name."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mmcourse.story.abilities import Captioned, CaptionRequest, Drawn, DrawRequest
from mmcourse.story.backends.hub_files import find_model, weight_files
from mmcourse.story.backends.hub_loading import load, load_processor, place_for, quiet
from mmcourse.story.backends.hub_memory import ran_out
from mmcourse.story.backends.hub_names import Model

if TYPE_CHECKING:
    from PIL.Image import Image

STYLES = {"flat": "cut paper illustration", "watercolour": "watercolour painting",
          "neon": "glowing neon drawing", "sketch": "pencil sketch"}  # fmt: skip
CAPTION_TOKENS = 40


class HubEncoder:
    """A CLIP model: unit vectors of texts and pictures."""

    def __init__(self, asked: Model, device: str | None = None) -> None:
        self.asked, self.device = asked, device

    @property
    def name(self) -> str:
        """Under which name its vectors are stored."""
        return self.asked.shown()

    @cached_property
    def model(self) -> Any:
        """The model, loaded when it is first needed."""
        from transformers import AutoModel

        return load(AutoModel, self.asked, self.device)

    @cached_property
    def processor(self) -> Any:
        """Its tokenizer and picture preparation."""
        return load_processor(self.asked)

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """(N, D) float32 unit vectors; what is too long is cut at its end."""
        given = self.processor(text=list(texts), return_tensors="pt", padding=True, truncation=True)
        return self._unit(self.model.get_text_features, given)

    def pictures(self, pictures: Sequence[Image]) -> np.ndarray:
        """(N, D) float32 unit vectors."""
        rgb = [p.convert("RGB") for p in pictures]
        return self._unit(self.model.get_image_features, self.processor(
            images=rgb, return_tensors="pt"))  # fmt: skip

    def _unit(self, features: Any, given: Any) -> np.ndarray:
        import torch

        with torch.inference_mode():
            out = features(**given.to(self.model.device))
        vectors = out if isinstance(out, torch.Tensor) else out.pooler_output
        return torch.nn.functional.normalize(vectors.float(), dim=-1).cpu().numpy()


class HubCaptioner:
    """A BLIP-2 model: a sentence for a picture.

    Raises (when it is first asked):
        ValueError: a processor that makes another number of picture tokens than the model asks for;
            it would run blind without a word.
    """

    def __init__(self, asked: Model, device: str | None = None) -> None:
        self.asked, self.name, self.device = asked, asked.name, device

    @cached_property
    def parts(self) -> tuple[Any, Any]:
        """(model, processor), checked against each other."""
        from transformers import AutoModelForImageTextToText

        model = load(AutoModelForImageTextToText, self.asked, self.device)
        processor = load_processor(self.asked)
        asked, made = model.config.num_query_tokens, getattr(processor, "num_query_tokens", None)
        if asked != made:
            raise ValueError(
                f"{self.name!r} asks for {asked} picture tokens, its processor makes {made}; save "
                "the processor again with the model's num_query_tokens"
            )
        return model, processor

    def caption(self, request: CaptionRequest) -> Captioned:
        """What the model says of the picture."""
        import torch

        model, processor = self.parts
        picture = request.picture.convert("RGB")
        given = processor(images=picture, text="", return_tensors="pt")
        given = given.to(model.device, model.dtype)
        try:
            with torch.inference_mode():
                out = model.generate(**given, max_new_tokens=CAPTION_TOKENS, num_beams=3)
        except torch.OutOfMemoryError:
            raise ran_out(self.name, "looked") from None
        new = out[:, given["input_ids"].shape[1] :]
        text = processor.batch_decode(new, skip_special_tokens=True)[0].strip()
        how = f"looked at by {self.asked.shown()}"
        return Captioned(text or "nothing that it could name", how=how)


class HubIllustrator:
    """A text-to-image pipeline of diffusers. It draws from words alone: of how somebody looked on
    an earlier page it is told in words, and sees no picture."""

    def __init__(self, asked: Model, device: str | None = None) -> None:
        self.asked, self.name, self.device = asked, asked.name, device
        self.steps, self.guidance = asked.steps, asked.guidance

    @cached_property
    def pipeline(self) -> Any:
        """The pipeline on its device, its parts taking turns there where memory is short."""
        import diffusers
        import torch

        folder = find_model(self.name, self.asked.revision)
        place = place_for(self.asked, folder, self.device)
        half = any(".fp16." in file.name for file in weight_files(folder))
        old = tuple(map(int, diffusers.__version__.split(".")[:2])) < (0, 42)
        options = {"torch_dtype" if old else "dtype": getattr(torch, place.dtype)}
        try:
            with quiet():
                pipe = diffusers.AutoPipelineForText2Image.from_pretrained(
                    folder, local_files_only=True, variant="fp16" if half else None, **options
                )
        except (OSError, ValueError, KeyError, AttributeError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ValueError(f"{self.name!r} is no pipeline that loads: {reason}") from None
        pipe.set_progress_bar_config(disable=True)
        if place.offload:
            pipe.enable_model_cpu_offload()
        else:
            pipe.to(place.device)
        return pipe

    def draw(self, request: DrawRequest) -> Iterator[float | Drawn]:
        """A share after each step, and the picture with the safety checker's verdict. Closing the
        iterator stops the pipeline at its next step.

        Raises:
            ValueError: a view from elsewhere, a pipeline that does not load, or one that fails.
        """
        import torch

        if request.view:
            raise ValueError(
                f"a pretrained pipeline draws a scene once, and not from {dict(request.view)}: ask "
                "the world's own pen for views"
            )
        pipe = self.pipeline
        done: queue.Queue[float | Drawn | BaseException] = queue.Queue()
        stop = threading.Event()
        side = max(8, request.size - request.size % 8)

        def after_step(p: Any, step: int, _: Any, state: dict[str, Any]) -> dict[str, Any]:
            p._interrupt = stop.is_set()
            done.put(min(1.0, (step + 1) / self.steps))
            return state

        def work() -> None:
            try:
                with quiet():
                    out = pipe(
                        prompt=prompt_of(request),
                        height=side,
                        width=side,
                        num_inference_steps=self.steps,
                        guidance_scale=self.guidance,
                        generator=torch.Generator("cpu").manual_seed(request.seed),
                        callback_on_step_end=after_step,
                    )
                picture = _sized(out.images[0], request.size)
                done.put(Drawn(picture, verdict(out), staged=False))
            except BaseException as error:  # told where the picture is awaited
                done.put(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            while True:
                item = done.get()
                if isinstance(item, torch.OutOfMemoryError):
                    raise ran_out(self.name, "drew")
                if isinstance(item, BaseException):
                    reason = (str(item).strip().splitlines() or [type(item).__name__])[0]
                    raise ValueError(f"{self.name} could not draw this: {reason}")
                yield item
                if isinstance(item, Drawn):
                    return
        finally:
            stop.set()
            thread.join()


def prompt_of(request: DrawRequest) -> str:
    """What the pipeline is told: the style, how those who were drawn before look, the scene. In
    this order, because a text encoder of CLIP reads 77 tokens and drops the rest."""
    known = (f"{r.name} ({', '.join(r.looks.values())})" for r in request.references if r.looks)
    style = STYLES.get(request.style, request.style)
    return f"{style}, {''.join(f'{who}, ' for who in known)}{request.prompt}"


def verdict(out: Any) -> str:
    """What a pipeline's safety checker said; None means that there was none."""
    found = getattr(out, "nsfw_content_detected", None)
    if not found or found[0] is None:
        return "unchecked"
    return "flagged" if found[0] else "ok"


def _sized(picture: Image, size: int) -> Image:
    rgb = picture.convert("RGB")
    return rgb if rgb.size == (size, size) else rgb.resize((size, size))
