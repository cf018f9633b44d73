"""Cards as an MP4, by ffmpeg, and read back: it may scale odd sides or leave an empty file."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mmcourse.story.export.cards import Card
from mmcourse.story.export.frames import Format, drawn

PATIENCE = 600
"""Seconds that ffmpeg has."""


def encoder() -> str:
    """An ffmpeg: the system's, else the one that imageio-ffmpeg brings, else ""."""
    found = shutil.which("ffmpeg")
    if not found and find_spec("imageio_ffmpeg"):
        import imageio_ffmpeg

        try:
            return str(imageio_ffmpeg.get_ffmpeg_exe())
        except RuntimeError:
            return ""
    return found or ""


def mp4(cards: Iterable[Card], form: Format, sound: tuple[np.ndarray, int] | None) -> bytes:
    """The cards as an MP4 (H.264, and AAC if there is sound), its sides even.

    Raises:
        ValueError: ffmpeg failed, or the film could not be read back.
    """
    rate = round(1 / form.step)
    size = (form.side, form.side + form.text)
    with tempfile.TemporaryDirectory() as folder:
        target, wav = Path(folder, "film.mp4"), Path(folder, "sound.wav")
        command = [encoder(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
                   "-s", f"{size[0]}x{size[1]}", "-r", str(rate), "-i", "-"]  # fmt: skip
        if sound is not None:
            _write_wav(wav, *sound)
            command += ["-i", str(wav), "-c:a", "aac", "-b:a", "96k"]
        command += ["-c:v", "libx264", "-crf", "20", "-preset", "veryfast", "-pix_fmt", "yuv420p",
                    "-movflags", "+faststart", "-map_metadata", "-1", "-threads", "2",
                    str(target)]  # fmt: skip
        with tempfile.TemporaryFile() as complaints:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=complaints)
            try:
                count = _pour(_frames(cards, form, rate), process)
                process.wait(PATIENCE)
            finally:
                process.kill()  # whoever stopped this wants no film
                process.wait()
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip()
        if process.returncode or not target.is_file():
            raise ValueError(
                f"ffmpeg could not write the film: {said.splitlines()[-1:] or 'failed'}"
            )
        _read_back_mp4(target, size, count / rate)
        return target.read_bytes()


def _pour(frames: Iterator[bytes], process: subprocess.Popen[bytes]) -> int:
    """Hand all frames over; how many they were. If the program ends before, it says why itself."""
    count = 0
    with contextlib.suppress(BrokenPipeError):
        for frame in frames:
            process.stdin.write(frame)  # type: ignore[union-attr]
            count += 1
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()  # type: ignore[union-attr]
    return count


def _frames(cards: Iterable[Card], form: Format, rate: int) -> Iterator[bytes]:
    """Raw frames, in time with the sound: rounding never adds up."""
    time, at = 0.0, 0
    for card in cards:
        time += card.seconds
        kept: dict[int, bytes] = {}
        for i in range(round(time * rate) - at):
            number = i % max(1, len(card.pictures)) if card.again else min(i, len(card.pictures))
            if number not in kept:
                kept[number] = drawn(card, number, form).tobytes()
            yield kept[number]
        at = round(time * rate)


def _write_wav(path: Path, samples: np.ndarray, rate: int) -> None:
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def _read_back_mp4(path: Path, size: tuple[int, int], seconds: float) -> None:
    """Decode all of it, and compare its size and length with what they should be."""
    command = [encoder(), "-hide_banner", "-nostats", "-i", str(path), "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    shown = re.search(r"Video: h264.*?, (\d+)x(\d+)[ ,]", done.stderr)
    lasts = re.search(r"Duration: (\d+):(\d+):([\d.]+)", done.stderr)
    if done.returncode or not shown or not lasts:
        raise ValueError("the film that ffmpeg wrote cannot be read back")
    found = int(lasts[1]) * 3600 + int(lasts[2]) * 60 + float(lasts[3])
    if (int(shown[1]), int(shown[2])) != size or abs(found - seconds) > 0.5:
        raise ValueError(
            f"the film came out as {shown[1]}x{shown[2]} for {found:.1f} s, not "
            f"{size[0]}x{size[1]} for {seconds:.1f} s"
        )
