"""A backend for tests: it does everything at once, the same every time, and understands nothing.

Its words and colours come from a hash of the request, so equal requests give equal answers and
different ones different answers. With `wrong` it draws badly as often as a test wants.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from mmcourse.story.abilities import (
    Answer,
    AnswerRequest,
    Captioned,
    CaptionRequest,
    CheckRequest,
    Choice,
    Drawn,
    DrawRequest,
    Extracted,
    ExtractRequest,
    Finding,
    FoundCharacter,
    FoundSetting,
    Mood,
    MoodRequest,
    PlotPoint,
    SpeakRequest,
    Spoken,
    SpokenWord,
    WriteRequest,
    Written,
)
from mmcourse.story.backends.parts import Parts
from mmcourse.story.facts import Fact

REVISION = "1"
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "white", "pink")


def number(*key: object) -> int:
    """A 32-bit number that depends on the key alone."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big")


class FakeWriter:
    """Scene n is two sentences about Pip."""

    def write(self, request: WriteRequest) -> Iterator[str | Written]:
        """Words, one at a time, and the whole."""
        before = len(request.state.scenes) if request.state else 0
        asked = request.choice.label if request.choice else request.prompt
        hero = request.hero.name if request.hero else "Pip"
        colour = COLOURS[number(asked, request.seed, before) % len(COLOURS)]
        text = f"Scene {before + 1}. {hero} found a {colour} ball in the meadow."
        if asked:
            text += f" It was about this: {asked}"
        for word in text.split(" "):
            yield word + " "
        facts = [Fact(hero, "has", f"{colour} ball"), Fact("scene", "place", "meadow"),
                 Fact(hero, "at", "meadow"), Fact(hero, "mood", "happy")]  # fmt: skip
        if not before:
            facts += [Fact(hero, "species", "fox"), Fact(hero, "colour", "red")]
        ways = tuple(
            Choice(f"{verb} the {colour} ball", f"{hero} has a {colour} ball")
            for verb in ("Lose", "Share", "Hide")
        )
        title = f"{hero} and the ball" if not before else ""
        yield Written(text, title, tuple(facts), ways, tone=request.tone, voice=request.voice)


class FakeReader:
    """Extractor, captioner, both answerers and mood reader; `looks` at pictures or reads."""

    def __init__(self, looks: bool = True) -> None:
        self.looks = looks

    def extract(self, request: ExtractRequest) -> Extracted:
        """Every capitalised word is a character."""
        names = dict.fromkeys(w.strip(".,!?") for w in request.text.split() if w[:1].isupper())
        people = tuple(FoundCharacter(n, {"species": "fox"}) for n in names if n.isalpha())
        points = tuple(PlotPoint(p.name, "is told of", text=request.text) for p in people[:1])
        return Extracted(people, (FoundSetting("meadow"),), points)

    def caption(self, request: CaptionRequest) -> Captioned:
        """The average colour, as a number."""
        mean = np.asarray(request.picture.convert("RGB")).reshape(-1, 3).mean(0).round()
        return Captioned(f"a picture of colour {mean.astype(int).tolist()}", how="average colour")

    def answer(self, request: AnswerRequest) -> Answer:
        """A number that depends on the question and on what is looked at."""
        looked = request.picture.tobytes() if self.looks and request.picture else request.text
        return Answer(f"answer {number(request.question, looked) % 1000}", because="a hash")

    def read(self, request: MoodRequest) -> Mood:
        """What was told; else happy."""
        return Mood(request.told or "happy", "warm", "told" if request.told else "a guess")


class FakeEncoder:
    """Unit vectors of 16 numbers: counts of letters, or of colours."""

    name = "fake-1"

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """(N, 16) float32."""
        return self._unit([[number(w) % 97 for w in (t + " -" * 16).split()[:16]] for t in texts])

    def pictures(self, pictures: Sequence[Image.Image]) -> np.ndarray:
        """(N, 16) float32."""
        small = [np.asarray(p.convert("RGB").resize((2, 2))).reshape(-1) for p in pictures]
        return self._unit([[*row, 9, 0, 0, 0] for row in small])

    @staticmethod
    def _unit(rows: Sequence[object]) -> np.ndarray:
        x = np.array(rows, np.float32).reshape(-1, 16)
        return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-6)


class FakeIllustrator:
    """A square of one colour, which depends on prompt, style and seed."""

    def draw(self, request: DrawRequest) -> Iterator[float | Drawn]:
        """Two signs of progress and the square."""
        yield 0.3
        yield 0.7
        n = number(request.prompt, request.staging, request.style, request.seed, request.size,
                   sorted(request.view.items()))  # fmt: skip
        colour = (n & 255, n >> 8 & 255, n >> 16 & 255)
        yield Drawn(Image.new("RGB", (request.size, request.size), colour), "drawn by rule")


class FakeChecker:
    """Finds fault with the first `wrong` pictures that it sees, and with none after them."""

    def __init__(self, wrong: int = 0) -> None:
        self.wrong = wrong

    def check(self, request: CheckRequest) -> tuple[Finding, ...]:
        """One finding."""
        bad = self.wrong > 0
        self.wrong -= bad
        return (Finding("colour", not bad, "any", "none" if bad else "some", 2.0 if bad else 0.0),)


class FakeNarrator:
    """A tone for each sentence, a tenth of a second a word."""

    def speak(self, request: SpeakRequest) -> Iterator[Spoken]:
        """One stretch a sentence."""
        rate, at = 8000, 0
        for sentence in request.text.split(". "):
            words, begins = [], 0.0
            for word in sentence.split(" "):
                at_word = request.text.index(word, at)
                at = at_word + len(word)
                words.append(SpokenWord(at_word, at, begins, begins + 0.1))
                begins += 0.1
            t = np.arange(max(800, int(rate * begins))) / rate
            yield Spoken(np.sin(880 * np.pi * t).astype(np.float32), rate, tuple(words))


def fake_backend(wrong: int = 0, without: Sequence[str] = ()) -> Parts:
    """The backend for tests.

    Args:
        wrong: how many pictures its checker finds fault with, before it is content.
        without: abilities that it lacks.
    """
    reader = FakeReader()
    makers = {
        "writer": FakeWriter,
        "extractor": lambda: reader,
        "captioner": lambda: reader,
        "picture answerer": lambda: reader,
        "story answerer": lambda: FakeReader(looks=False),
        "mood reader": lambda: reader,
        "encoder": FakeEncoder,
        "illustrator": FakeIllustrator,
        "checker": lambda: FakeChecker(wrong),
        "narrator": FakeNarrator,
    }
    kept = {name: (REVISION, make) for name, make in makers.items() if name not in without}
    return Parts("fake", "a stand-in for tests", kept, dict.fromkeys(without, "left out"))
