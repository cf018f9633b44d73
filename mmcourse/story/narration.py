"""A story read aloud: sentences, the times of their words, recordings that are made once.

A voice speaks a sentence at a time, so that it can be stopped between two. Where a sentence begins
and ends in the sound is exact; where a word does is an estimate, from the lengths of the words'
phonemes (or letters) and the pauses at commas, for the voices here do not tell.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmcourse.story.abilities import Credit, Narrator, SpeakRequest, Spoken, SpokenWord

if TYPE_CHECKING:
    from mmcourse.story.story import Story
    from mmcourse.story.team import Team

FEWEST = 100
"""A shorter sound is none: an empty recording can be written, and then not be read."""
ENDS = re.compile("[.!?…]+[\"'\u201d\u2019)\\]]*(?=\\s+[^a-z\\s])|\\n\\s*\\n|$")
WORD = re.compile(r"\S+")
PAUSES = {",": 2.0, ";": 3.0, ":": 3.0, "\u2014": 3.0, ".": 0.5, "!": 0.5, "?": 0.5}
"""How long a pause is, in lengths of a phoneme, after a word that ends so. What ends a sentence
falls into the silence after it."""
SPREAD = 2.0
"""What each word takes beside its phonemes: short words last longer than their length says."""


def sentences(text: str) -> list[tuple[int, int]]:
    """Where each sentence of a text begins and ends, in characters; together they hold every word.

    A full stop ends one if space and no small letter follow ("3.5" is one word, and "Where? asked
    Pip." one sentence); so does the end of a paragraph.
    """
    found: list[tuple[int, int]] = []
    begin = 0
    for match in ENDS.finditer(text):
        part = text[begin : match.end()]
        if part.strip():
            start = begin + len(part) - len(part.lstrip())
            found.append((start, start + len(part.strip())))
        begin = match.end()
    return found


def word_times(
    text: str,
    place: tuple[int, int],
    seconds: tuple[float, float],
    weight: Callable[[str], float] = len,
) -> tuple[SpokenWord, ...]:
    """An estimate of when each word of a sentence is spoken.

    Args:
        text: the whole text.
        place: where in it the sentence begins and ends.
        seconds: when the voice begins and ends in the sentence's own sound.
        weight: how long a word is, in phonemes or letters.

    Returns:
        The words in order, without gaps, from `seconds[0]` to `seconds[1]`.
    """
    words = [(m.start() + place[0], m.end() + place[0]) for m in WORD.finditer(text[slice(*place)])]
    if not words:
        return ()
    lengths = [SPREAD + weight(text[a:b]) + PAUSES.get(text[b - 1], 0.0) for a, b in words]
    edges = np.concatenate([[0.0], np.cumsum(lengths)]) / sum(lengths)
    times = seconds[0] + (seconds[1] - seconds[0]) * edges
    return tuple(
        SpokenWord(a, b, float(times[i]), float(times[i + 1])) for i, (a, b) in enumerate(words)
    )


def voiced(samples: np.ndarray, rate: int) -> tuple[float, float]:
    """When a sound begins and ends to be heard, in seconds: louder than a hundredth of its peak."""
    loud = np.nonzero(np.abs(samples) > 0.01 * np.abs(samples).max(initial=0.0))[0]
    first, last = (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, len(samples))
    return first / rate, last / rate


def guard(samples: np.ndarray, rate: int, who: str) -> np.ndarray:
    """Sound as every writer of files takes it: float32 (N,), clipped to [-1, 1].

    Raises:
        ValueError: not 1-D, fewer than 100 samples, NaN or infinity, or a rate that is none.
    """
    samples = np.asarray(samples)
    if samples.ndim != 1:
        raise ValueError(
            f"{who} gave sound of shape {samples.shape}; it must be one row of samples"
        )
    if len(samples) < FEWEST:
        raise ValueError(f"{who} gave {len(samples)} samples, fewer than {FEWEST}: nothing to hear")
    if not np.isfinite(samples).all():
        raise ValueError(f"{who} gave sound with NaN or infinity in it; choose another voice")
    if not 4000 <= rate <= 192_000:
        raise ValueError(f"{who} gave {rate} samples a second; 4,000 to 192,000 can be played")
    return np.clip(samples, -1.0, 1.0).astype(np.float32)


@dataclass(frozen=True)
class Recording:
    """One text read aloud.

    samples: float32 (N,) in [-1, 1] at `rate` samples a second.
    words: each with its place in the text and its seconds in the whole recording (estimated).
    cuts: each sentence as (start, end) in characters and (begins, ends) in seconds (exact). The
    first begins at 0, each next one where the last ended.
    """

    samples: np.ndarray
    rate: int
    words: tuple[SpokenWord, ...] = ()
    cuts: tuple[SpokenWord, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate

    def mp3(self) -> bytes:
        """The recording as MP3: the same bytes at every run, and as long as it is.

        Raises:
            ValueError: the library that writes it (soundfile) is missing.
        """
        try:
            import soundfile
        except (ImportError, OSError) as error:
            raise ValueError(f"sound is written by soundfile, which is missing ({error}); "
                             "pip install 'mmcourse[app]'") from None  # fmt: skip
        out = io.BytesIO()
        soundfile.write(out, self.samples, self.rate, format="MP3")
        return out.getvalue()


@dataclass(frozen=True)
class Narration:
    """A story read aloud: a recording for each scene by its id, and whose voice it is."""

    recordings: Mapping[int, Recording]
    credit: Credit

    def of(self, scene: int, text: str) -> Recording | None:
        """The recording of a scene's text; None if there is none, or it is of another text."""
        found = self.recordings.get(scene)
        fits = found and all(
            w.end <= len(text) and text[w.start : w.end].strip() for w in found.cuts
        )
        return found if fits else None


def joined(stretches: Sequence[Spoken], who: str = "the voice") -> Recording:
    """Stretches of sound as one recording.

    Raises:
        ValueError: no stretch, different rates, or sound that `guard` refuses.
    """
    if not stretches:
        raise ValueError(f"{who} said nothing; give it a text with words")
    rates = {s.rate for s in stretches}
    if len(rates) > 1:
        raise ValueError(f"{who} changed its rate from stretch to stretch: {sorted(rates)}")
    rate = rates.pop()
    parts = [guard(s.samples, rate, who) for s in stretches]
    ends = np.cumsum([len(p) for p in parts]).tolist()
    words: list[SpokenWord] = []
    cuts: list[SpokenWord] = []
    for spoken, part, end in zip(stretches, parts, ends, strict=True):
        begin = (end - len(part)) / rate
        words += [
            SpokenWord(w.start, w.end, w.begins + begin, w.ends + begin) for w in spoken.words
        ]
        if spoken.words:
            cuts.append(SpokenWord(spoken.words[0].start, spoken.words[-1].end, begin, end / rate))
    return Recording(np.concatenate(parts), rate, tuple(words), tuple(cuts))


# -- made once -----------------------------------------------------------------------------------


@dataclass
class Recordings:
    """Recordings by what they are of, in memory and, if `folder` is given, in files beside it."""

    folder: Path | None = None
    most: int = 64
    _kept: dict[str, Recording] = field(default_factory=dict, repr=False)

    def get(self, key: str) -> Recording | None:
        """A recording, if it was kept and can be read."""
        if key not in self._kept and self.folder:
            try:
                with np.load(self.folder / f"{key}.npz") as file:
                    told = json.loads(str(file["told"]))
                    words, cuts = (
                        tuple(SpokenWord(*w) for w in told[k]) for k in ("words", "cuts")
                    )
                    self._keep(key, Recording(file["samples"], told["rate"], words, cuts))
            except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
                return None  # damaged or not there: it is made again
        return self._kept.get(key)

    def put(self, key: str, made: Recording) -> None:
        """Keep a recording."""
        self._keep(key, made)
        if self.folder:
            from mmcourse.story.export.writing import put

            words, cuts = ([(w.start, w.end, w.begins, w.ends) for w in ws]
                           for ws in (made.words, made.cuts))  # fmt: skip
            told = json.dumps({"rate": made.rate, "words": words, "cuts": cuts})
            out = io.BytesIO()
            np.savez(out, samples=made.samples, told=told)
            put(self.folder / f"{key}.npz", out.getvalue())

    def _keep(self, key: str, made: Recording) -> None:
        self._kept[key] = made
        while len(self._kept) > self.most:
            self._kept.pop(next(iter(self._kept)))


def record(
    narrator: Narrator, credit: Credit, request: SpeakRequest, kept: Recordings
) -> Iterator[float | Recording]:
    """Have a text read aloud, unless that was done before: how much is done, last the recording.

    Raises:
        ValueError: no words, or sound that `guard` refuses; nothing is kept then.
    """
    key = hashlib.sha256(repr((credit.backend, credit.revision, request)).encode()).hexdigest()
    found = kept.get(key)
    if found is None:
        stretches: list[Spoken] = []
        for spoken in narrator.speak(request):
            stretches.append(spoken)
            last = max((w.end for w in spoken.words), default=0)
            yield min(1.0, last / max(1, len(request.text)))
        found = joined(stretches, credit.backend)
        kept.put(key, found)
    yield found


def narrate(
    story: Story, team: Team, kept: Recordings | None = None, pace: float = 1.0, seed: int = 0
) -> Iterator[float | Narration]:
    """Have the scenes along the path read aloud: how much is done, 0 to 1, and last the narration.

    Closing the generator stops the voice after the sentence that it is at.

    Raises:
        ValueError: nobody here has a voice, or there is nothing to say.
    """
    from mmcourse.story.export.book import clean

    narrator, credit = team.narrator()
    kept = kept if kept is not None else Recordings()
    path = [(node.id, clean(node.text)) for node in story.path()]
    path = [(id, text) for id, text in path if WORD.search(text)]
    if not path:
        raise ValueError("there is nothing to read aloud: this story has no words yet")
    made: dict[int, Recording] = {}
    for i, (id, text) in enumerate(path):
        for step in record(narrator, credit, SpeakRequest(text, pace, seed), kept):
            if isinstance(step, Recording):
                made[id] = step
            else:
                yield (i + step) / len(path)
    yield Narration(made, credit)
