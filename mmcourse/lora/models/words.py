"""One tokenizer for all four: StoryWorld's own words, whole, and the marks that models need.

Its classes are the tokenizers library's, so that `AutoProcessor` loads it like any other. It splits
a text as `mmcourse.storyworld.Tokenizer` does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mmcourse.storyworld import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, UNKNOWN, START, END = "<pad>", "<unk>", "<s>", "</s>"
IMAGE = "<image>"
CHAT = ("<|im_start|>", "<|im_end|>")
VISION = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
SPECIAL = (PAD, UNKNOWN, START, END, IMAGE, *CHAT, *VISION)
"""Marks, which no text can contain. The end is not number 2: CLIP takes a text's vector at its
largest id if the config says 2, an old convention, and at its end only otherwise."""
ADDED = (
    "user assistant question answer facts caption system describe tell write continue list json "
    "characters character places place things thing plot points point name species colour mood "
    "accessory action position time weather camera style kind to in with who what whom where null "
    "none has lost give gives follow friend hug quarrel "
    "{ } [ ] ( ) - _ / | = 4 5 6 7 8 9"
)
"""What prompts, chats and structured answers add to the world's words."""
MARKS = ".,;:!?"


def vocabulary() -> list[str]:
    """Every token by its id, marks first."""
    own = Tokenizer().words[4:]  # without its own marks
    return list(dict.fromkeys((*SPECIAL, *own, *Tokenizer.split(ADDED))))


def build_tokenizer(
    start: bool = True, end: bool = False, stop: str = END, length: int = 512
) -> PreTrainedTokenizerFast:
    """The tokenizer, in the form that a model needs.

    Args:
        start: put `<s>` before a text.
        end: put `</s>` after it, as CLIP needs.
        stop: the mark that ends an answer; chats of Qwen's kind end a turn with `<|im_end|>`.
        length: of the longest text, for truncation where that is asked for.
    """
    from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors
    from tokenizers import Tokenizer as Backend
    from transformers import PreTrainedTokenizerFast

    ids = {word: i for i, word in enumerate(vocabulary())}
    backend = Backend(models.WordLevel(ids, unk_token=UNKNOWN))
    backend.normalizer = normalizers.Sequence(
        [normalizers.Lowercase(), normalizers.Replace("\u2019", "'")]
    )
    word = Regex(r"[^\W_]+(?:['-][^\W_]+)*|[^\w\s]|_")
    backend.pre_tokenizer = pre_tokenizers.Split(word, behavior="removed", invert=True)
    before, after = f"{START} " if start else "", f" {END}" if end else ""
    backend.post_processor = processors.TemplateProcessing(
        single=f"{before}$A{after}", special_tokens=[(mark, ids[mark]) for mark in (START, END)]
    )
    joined = decoders.WordPiece(prefix="##", cleanup=False)
    tight = [decoders.Replace(f" {mark}", mark) for mark in MARKS]
    backend.decoder = decoders.Sequence([joined, *tight])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=START,
        eos_token=stop,
        additional_special_tokens=[mark for mark in SPECIAL[2:] if mark not in (START, stop)],
        model_max_length=length,
        padding_side="right",
    )


def tidy(text: str) -> str:
    """A decoded text with quotation marks at their words, as `Tokenizer.decode` sets them."""
    return re.sub(r'" ([^"]*?) ?(?:"|$)', r'"\1"', text).strip()
