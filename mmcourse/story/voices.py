"""Voices that read aloud without a network, the best one first.

`hibari` lies inside its wheel (the extra `narration`): English, natural, faster than real time.
Else the system's `flite` or `espeak-ng`, if they are installed. All of them say the same when they
are asked the same.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterator
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import numpy as np

from mmcourse.story.abilities import SpeakRequest, Spoken
from mmcourse.story.backends.parts import Parts
from mmcourse.story.narration import FEWEST, guard, sentences, voiced, word_times

PACES = (0.5, 2.0)
PROGRAMS = ("flite", "espeak-ng")
SILENCE = 0.3
"""Seconds of silence in place of a sentence for which a voice has no sound (another script)."""
BREATH = 0.25
"""Seconds of silence after each sentence of a program, which leaves none."""
WORDS_A_MINUTE = 150
PATIENCE = 60
MISSING = "there is no voice here; pip install 'mmcourse[narration]', or install flite or espeak-ng"


def voice() -> Parts:
    """The best voice that there is, as a backend with one ability, "narrator"; it says so if there
    is none."""
    if find_spec("hibari") is not None and find_spec("onnxruntime") is not None:
        try:
            revision = version("hibari-tts")
        except PackageNotFoundError:
            revision = "unknown"
        return Parts("hibari", "the voice of hibari", {"narrator": (revision, Hibari)})
    for program in PROGRAMS:
        if shutil.which(program):
            title = f"the system's {program}"
            return Parts(program, title, {"narrator": ("system", partial(Program, program))})
    return Parts("no voice", "no voice", {}, {"narrator": MISSING})


def pace_of(request: SpeakRequest) -> float:
    """The pace, if it is one that can be spoken.

    Raises:
        ValueError: it is not.
    """
    if not PACES[0] <= request.pace <= PACES[1]:
        raise ValueError(f"pace must be {PACES[0]} to {PACES[1]}, got {request.pace}")
    return request.pace


class Hibari:
    """The voice inside the wheel of `hibari-tts`; only that one, for others would be downloaded."""

    def __init__(self) -> None:
        from hibari import Hibari as Voice

        self.voice = Voice()

    def speak(self, request: SpeakRequest) -> Iterator[Spoken]:
        """One stretch a sentence. The seed fixes its breath, whatever came before."""
        pace, rate = pace_of(request), int(self.voice.sample_rate)
        for begin, end in sentences(request.text):
            # "[word](/phonemes/)" would be a command: a child's text holds none.
            said = request.text[begin:end].replace("](", "] (").replace("\n", " ")
            samples = self.voice(said, speed=pace, seed=request.seed)
            yield stretch(request.text, (begin, end), samples, rate, self.phonemes)

    @cache  # noqa: B019 - there is one voice a process, and few words
    def phonemes(self, word: str) -> float:
        """How many phonemes a word has."""
        return float(len(self.voice.g2p(word.strip(".,!?;:\"'“”()"))) or len(word))


class Program:
    """A program of the system's that reads text and writes a WAV file."""

    def __init__(self, program: str) -> None:
        self.program = program

    def speak(self, request: SpeakRequest) -> Iterator[Spoken]:
        """One stretch a sentence."""
        pace = pace_of(request)
        for begin, end in sentences(request.text):
            said = request.text[begin:end].replace("\n", " ")
            samples, rate = self.say(said, pace)
            pause = np.zeros(int(BREATH / pace * rate), np.float32)
            samples = np.concatenate([samples, pause])
            yield stretch(request.text, (begin, end), samples, rate, len)

    def say(self, text: str, pace: float) -> tuple[np.ndarray, int]:
        """A sentence as samples, and their rate. The text goes through a file, never through the
        command line, so that nothing in it is an option.

        Raises:
            ValueError: the program failed.
        """
        with tempfile.TemporaryDirectory() as folder:
            source, target = os.path.join(folder, "said.txt"), os.path.join(folder, "said.wav")
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            command = {
                "flite": ["flite", "--setf", f"duration_stretch={1 / pace:.3f}", "-f", source,
                          "-o", target],
                "espeak-ng": ["espeak-ng", "-v", "en", "-s", str(round(WORDS_A_MINUTE * pace)),
                              "-f", source, "-w", target],
            }[self.program]  # fmt: skip
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
                with open(target, "rb") as file:
                    return _wave(file.read())
            except (OSError, subprocess.SubprocessError, wave.Error, EOFError) as error:
                raise ValueError(f"{self.program} could not speak: {error}") from None


def _wave(content: bytes) -> tuple[np.ndarray, int]:
    """Mono 16-bit WAV as float32 samples and their rate."""
    with wave.open(io.BytesIO(content)) as file:
        if file.getsampwidth() != 2 or file.getnchannels() != 1:
            raise wave.Error("not 16-bit mono")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.astype(np.float32) / 32768, file.getframerate()


def stretch(
    text: str, place: tuple[int, int], samples: np.ndarray, rate: int, weight: object
) -> Spoken:
    """A sentence's sound with the times of its words; silence where the voice had none."""
    if np.asarray(samples).ndim == 1 and len(samples) < FEWEST:
        samples = np.zeros(int(SILENCE * rate), np.float32)
    sound = guard(samples, rate, "the voice")
    return Spoken(sound, rate, word_times(text, place, voiced(sound, rate), weight))  # type: ignore[arg-type]
