"""A second of music for a scene: what is heard says how the hero feels and where they are.

Which notes are sad is a convention, here one of the course's own: moods decide the scale, the
register and the pace of a tune, places what sounds behind it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.storyworld.world.vocabulary import MOODS, PLACES
from mmcourse.vqvae.sounds import RATE, envelope

LENGTH = 8192
"""Samples of a piece: 1.024 seconds, 256 frames of the shipped VQ-VAE of sounds."""
BACKGROUND = 0.35
"""Loudness of the place, where that of the tune is 1."""


@dataclass(frozen=True)
class Manner:
    """How a mood is played: steps of the scale in semitones, the lowest note in hertz, how many
    notes, how the tune goes (-1 down, 1 up, 0 as it likes), how bright a note is (a power: 1 is
    bright, 3 dull), and how much of a note is silence."""

    scale: tuple[int, ...]
    base: float
    notes: tuple[int, int]
    way: int
    dull: float
    short: float


MANNERS: dict[str, Manner] = {
    "happy": Manner((0, 4, 7, 12, 16), 392.0, (5, 6), 1, 1.5, 0.3),
    "sad": Manner((0, 3, 7, 8, 12), 220.0, (2, 3), -1, 2.5, 0.0),
    "angry": Manner((0, 1, 6), 110.0, (6, 8), 0, 0.7, 0.4),
    "surprised": Manner((0, 7, 19, 24), 262.0, (2, 3), 1, 1.2, 0.5),
}


def _one(generator: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def tune(how: Manner, generator: torch.Generator) -> Tensor:
    """(LENGTH,): a tune in the manner of a mood."""
    n = int(torch.randint(how.notes[0], how.notes[1] + 1, (), generator=generator))
    steps = [how.scale[int(i)] for i in torch.randint(len(how.scale), (n,), generator=generator)]
    if how.way:
        steps = sorted(steps, reverse=how.way < 0)
    base = how.base * 2 ** (_one(generator, -1.5, 1.5) / 12)
    parts = []
    for i, step in enumerate(steps):
        length = LENGTH * (i + 1) // n - LENGTH * i // n
        t = torch.arange(length) / RATE
        k = torch.arange(1, 7)
        pitch = base * 2 ** (step / 12)
        heard = torch.where(pitch * k < RATE / 2, k.float() ** -how.dull, 0.0)
        tone = (heard * torch.sin(2 * math.pi * pitch * k * t[:, None])).sum(1)
        end = max(1, round(length * (1 - how.short)))
        loud = torch.zeros(length)
        loud[:end] = envelope(end, 0.01, 0.04) * torch.exp(-2.0 * t[:end])
        parts.append(tone * loud)
    return torch.cat(parts)


def _noise(generator: torch.Generator, low: float, high: float) -> Tensor:
    """Noise with the frequencies from low to high, in hertz."""
    spectrum = torch.fft.rfft(torch.randn(LENGTH, generator=generator))
    f = torch.fft.rfftfreq(LENGTH, 1 / RATE)
    return torch.fft.irfft(spectrum * ((f >= low) & (f <= high)), n=LENGTH)


def _calls(generator: torch.Generator, pitch: tuple[float, float], n: int, length: float) -> Tensor:
    """So many short calls that glide from one pitch to the other, at any time."""
    out = torch.zeros(LENGTH)
    many = round(length * RATE)
    t = torch.arange(many) / RATE
    glide = torch.linspace(pitch[0], pitch[1], many)
    call = torch.sin(2 * math.pi * glide.cumsum(0) / RATE) * torch.sin(math.pi * t / t[-1])
    for _ in range(n):
        at = int(torch.randint(LENGTH - many, (), generator=generator))
        out[at : at + many] += call
    return out


def ambience(place: str, generator: torch.Generator) -> Tensor:
    """(LENGTH,): what is heard in a place, its root mean square 1."""
    t = torch.arange(LENGTH) / RATE
    swell = 0.5 - 0.5 * torch.cos(2 * math.pi * (t / t[-1] + _one(generator, -0.1, 0.1)))
    if place == "meadow":  # larks
        sound = _calls(generator, (2400, 3200), 5, 0.06)
    elif place == "forest":  # an owl
        sound = _calls(generator, (420, 360), 2, 0.22)
    elif place == "beach":  # a wave
        sound = _noise(generator, 200, 3000) * swell
    elif place == "mountains":  # wind, and it whistles
        sound = _noise(generator, 500, 800) * (0.4 + swell)
    elif place == "village":  # a bell
        k = torch.tensor([1.0, 2.0, 2.4, 3.0, 4.5])
        pitch = _one(generator, 420, 480)
        partials = torch.sin(2 * math.pi * pitch * k * t[:, None]) / k
        sound = (torch.exp(-2 * k * t[:, None]) * partials).sum(1)
    elif place == "garden":  # bees
        buzz = 180 * (1 + 0.06 * torch.sin(2 * math.pi * _one(generator, 3, 6) * t))
        sound = torch.tanh(4 * torch.sin(2 * math.pi * buzz.cumsum(0) / RATE))
    else:  # a pond, with frogs
        sound = _calls(generator, (900, 1500), 6, 0.03) + _calls(generator, (150, 120), 2, 0.15)
    return sound / sound.square().mean().sqrt().clamp(min=1e-6)


def piece(mood: str | Manner, place: str, seed: int = 0) -> Tensor:
    """A second of music for a mood and a place: (1, LENGTH), its loudest sample at 0.8.

    Args:
        mood: one of the world's, or a manner of your own.
        place: one of the world's.
        seed: another seed, another tune.

    Raises:
        ValueError: a mood or a place that does not exist.
    """
    if isinstance(mood, str) and mood not in MANNERS:
        raise ValueError(f"mood {mood!r} does not exist; choose one of {MOODS}")
    if place not in PLACES:
        raise ValueError(f"place {place!r} does not exist; choose one of {PLACES}")
    which = MOODS.index(mood) if isinstance(mood, str) else len(MOODS)
    kind = which * len(PLACES) + PLACES.index(place)
    generator = torch.Generator().manual_seed(seed * (len(MOODS) + 1) * len(PLACES) + kind)
    mine = tune(MANNERS[mood] if isinstance(mood, str) else mood, generator)
    mine = mine / mine.square().mean().sqrt().clamp(min=1e-6)
    sound = mine + BACKGROUND * ambience(place, generator)
    return (0.8 * sound / sound.abs().max())[None]


def pieces(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """n pieces (n, 1, LENGTH), all pairs of mood and place in turn; and which (n, 2): places in
    `MOODS` and in `PLACES`."""
    kinds = [(m, p) for m in range(len(MOODS)) for p in range(len(PLACES))]
    which = torch.tensor([kinds[i % len(kinds)] for i in range(n)])
    made = [piece(MOODS[m], PLACES[p], seed * 100_003 + i) for i, (m, p) in enumerate(which)]
    return torch.stack(made), which


def heard(sounds: Tensor) -> Tensor:
    """Sounds (N, 1, LENGTH) as (N, D): the logarithms of loudness in 24 bands at 8 times."""
    window = torch.hann_window(512)
    size = torch.stft(sounds[:, 0], 512, 128, window=window, return_complex=True).abs()
    edges = torch.logspace(math.log10(3), math.log10(256), 25).round().long()  # bands of bins
    bands = torch.stack([size[:, a : max(b, a + 1)].mean(1) for a, b in pairwise(edges)], 1)
    times = torch.stack([part.mean(-1) for part in bands.tensor_split(8, -1)], -1)  # (N, 24, 8)
    return (times + 1e-3).log().flatten(1)


class Listener:
    """A linear reader of moods and places, fitted by least squares on pieces that it is given.

    Args:
        sounds: (N, 1, LENGTH).
        which: (N, 2), as `pieces` returns them.
        strength: of the penalty on its weights.
        moods: how many there are.
    """

    def __init__(
        self, sounds: Tensor, which: Tensor, strength: float = 3.0, moods: int = len(MOODS)
    ) -> None:
        x = heard(sounds).double()
        self.mean, self.scale = x.mean(0), x.std(0).clamp(min=1e-6)
        x = self._prepared(x)
        square = x.T @ x + strength * torch.eye(x.shape[1], dtype=torch.float64)
        self.weights = [
            torch.linalg.solve(square, x.T @ F.one_hot(which[:, i], many).double())
            for i, many in enumerate((moods, len(PLACES)))
        ]

    def _prepared(self, x: Tensor) -> Tensor:
        x = (x - self.mean) / self.scale
        return torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1)

    def hear(self, sounds: Tensor) -> Tensor:
        """(N, 2): which mood and which place is heard."""
        x = self._prepared(heard(sounds).double())
        return torch.stack([(x @ w).argmax(1) for w in self.weights], 1)

    def share(self, sounds: Tensor, which: Tensor) -> dict[str, float]:
        """How often mood, place and both are heard as they are meant."""
        right = self.hear(sounds) == which
        mood, place = right.double().mean(0).tolist()
        return {"mood": mood, "place": place, "both": float(right.all(1).double().mean())}
