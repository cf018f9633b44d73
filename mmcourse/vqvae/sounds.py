"""Sounds that are made rather than recorded: tones, and vowels as a throat makes them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

RATE = 8000
"""Samples a second."""
VOWELS = {
    "i": (270.0, 2290.0, 3010.0),
    "e": (530.0, 1840.0, 2480.0),
    "a": (730.0, 1090.0, 2440.0),
    "o": (570.0, 840.0, 2410.0),
    "u": (300.0, 870.0, 2240.0),
}
"""The three lowest resonances of the throat, in hertz: means over men's voices (Peterson and
Barney, Control Methods Used in a Study of the Vowels, 1952)."""
BANDWIDTH = 90.0
"""Of a resonance, in hertz."""
HARMONICS = 28


def voiced(pitch: Tensor, resonances: Tensor) -> Tensor:
    """The vibrations of the vocal cords, at a pitch, through a throat with these resonances.

    Harmonic k of the source has strength 1 / k; each resonance passes what is near it. Partials
    beyond half the rate are left out, since they would fold back as other tones.

    Args:
        pitch: (T,) in hertz, at each sample.
        resonances: (T, 3) in hertz.

    Returns:
        (T,), its root mean square 1.
    """
    phase = 2 * math.pi * pitch.cumsum(0) / RATE  # (T,)
    k = torch.arange(1, HARMONICS + 1)
    heard = pitch[:, None] * k  # (T, harmonics), in hertz
    ratio = (heard[..., None] / resonances[:, None, :]).square()  # (T, harmonics, 3)
    damping = heard[..., None] * BANDWIDTH / resonances[:, None, :].square()
    gain = ((1 - ratio).square() + damping.square()).rsqrt().prod(-1)
    strength = torch.where(heard < RATE / 2, gain / k, 0.0)
    sound = (strength * torch.sin(phase[:, None] * k)).sum(1)
    return sound / sound.square().mean().sqrt().clamp(min=1e-6)


def envelope(length: int, attack: float, release: float) -> Tensor:
    """(length,): from 0 up to 1 in `attack` seconds, and down to 0 in the last `release`."""
    t = torch.arange(length) / RATE
    up = (t / attack).clamp(max=1)
    down = ((length / RATE - t) / release).clamp(max=1)
    return up * down


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * torch.rand((), generator=generator).item()


def melody(length: int, generator: torch.Generator) -> Tensor:
    """(length,): two to four notes of a major scale, each a few fading partials."""
    scale = (0, 2, 4, 5, 7, 9, 11, 12)
    notes = int(torch.randint(2, 5, (), generator=generator))
    base = _uniform(180, 360, generator)
    parts = []
    for i in range(notes):
        n = length * (i + 1) // notes - length * i // notes
        step = scale[int(torch.randint(len(scale), (), generator=generator))]
        t = torch.arange(n) / RATE
        k = torch.arange(1, 6)
        fade = torch.exp(-t[:, None] * (2 + 1.5 * k)) / k
        partials = torch.sin(2 * math.pi * base * 2 ** (step / 12) * k * t[:, None])
        parts.append((fade * partials).sum(1) * envelope(n, 0.005, 0.01))
    return torch.cat(parts)


def utterance(length: int, generator: torch.Generator) -> tuple[Tensor, str]:
    """(length,) of two to four vowels in one breath, some begun by a hiss, and their names.

    Pitch falls in the course of it, and the resonances glide from vowel to vowel.
    """
    n = int(torch.randint(2, 5, (), generator=generator))
    names = [list(VOWELS)[int(i)] for i in torch.randint(len(VOWELS), (n,), generator=generator)]
    at = torch.linspace(0, n - 1e-3, length)  # which vowel
    targets = torch.tensor([VOWELS[v] for v in names])  # (n, 3)
    which = at.long()
    nearly = ((at - which) / 0.25).clamp(max=1)[:, None]  # a quarter of each is the glide to it
    before = targets[(which - 1).clamp(min=0)]
    resonances = before + (targets[which] - before) * nearly
    high = _uniform(100, 220, generator)
    t = torch.arange(length) / RATE
    pitch = high * (1 - 0.25 * t / t[-1]) * (1 + 0.015 * torch.sin(2 * math.pi * 5 * t))
    sound = voiced(pitch, resonances)
    noise = torch.randn(length, generator=generator)
    hiss = torch.diff(noise, prepend=noise[:1])  # bright, as an s is
    begun = torch.rand(n, generator=generator) < 0.4
    for i, hissed in enumerate(begun.tolist()):
        start = length * i // n
        stop = start + min(int(0.06 * RATE), length // n // 3)
        if hissed:
            sound[start:stop] = 0.3 * hiss[start:stop] * envelope(stop - start, 0.01, 0.01)
        else:
            sound[start:stop] *= torch.linspace(0.3, 1, stop - start)
    return sound * envelope(length, 0.03, 0.08), "-".join(names)


def sample_sounds(n: int, seconds: float = 1.024, seed: int = 0) -> tuple[Tensor, list[str]]:
    """Make n sounds, utterances and melodies in turn.

    Returns:
        float32 (n, 1, T) with T = seconds * RATE, the loudest sample of each at 0.8; and what each
        is: the vowels, or "melody".
    """
    length = round(seconds * RATE)
    sounds, names = [], []
    for i in range(n):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + i)
        if i % 2 == 0:
            sound, name = utterance(length, generator)
        else:
            sound, name = melody(length, generator), "melody"
        sounds.append(0.8 * sound / sound.abs().max())
        names.append(name)
    return torch.stack(sounds)[:, None], names
