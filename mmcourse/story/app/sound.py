"""Sound for the page: samples as a WAV file, which every browser plays."""

from __future__ import annotations

import io
import wave

import numpy as np


def wav(samples: np.ndarray, rate: int) -> bytes:
    """Samples, float32 (N,) in [-1, 1], as 16-bit mono WAV."""
    clipped = np.clip(np.nan_to_num(np.asarray(samples, np.float32)), -1.0, 1.0)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((clipped * 32767).round().astype("<i2").tobytes())
    return out.getvalue()
