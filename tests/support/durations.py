"""The duration of a sound file as players tell it before they decode it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

PLAYERS = ["soundfile", "av", *(["ffprobe"] if shutil.which("ffprobe") else [])]
TRUE = ["wav", "flac", "mp3", "opus", "ogg"]  # formats whose files hold their length
ROUNDING = 2e-6  # seconds: FFmpeg tells microseconds
# Seconds that a player adds. Opus: FFmpeg counts the 312 samples that are skipped at the start.
# MP3: the encoder leaves up to 47 samples of padding, and ffprobe 5 counts all padding as sound.
ADDED = {
    ("opus", "av"): 312 / 48000,
    ("opus", "ffprobe"): 312 / 48000,
    ("mp3", "soundfile"): 47 / 8000,
    ("mp3", "av"): 47 / 8000,
    ("mp3", "ffprobe"): 4 * 576 / 8000,
}


def duration_told(player: str, path: Path) -> float:
    """Return the seconds that a player tells of a file."""
    if player == "soundfile":
        import soundfile

        return float(soundfile.info(path).duration)
    if player == "av":
        import av

        with av.open(path) as container:
            assert container.duration is not None, "the file states no length"
            return container.duration / av.time_base
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"]
    told = subprocess.run([*command, path], capture_output=True, text=True, check=True)
    return float(told.stdout)


def tells_truly(player: str, path: Path, seconds: float) -> bool:
    """Return whether a player tells the true duration of a file; its suffix says the format."""
    late = duration_told(player, path) - seconds
    return -ROUNDING <= late <= ADDED.get((path.suffix[1:], player), 0.0) + ROUNDING
