"""The virtual environment: whether it works, and making it anew where it does not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

UNFINISHED = "unfinished"  # a file that lies in the folder while it is made
PROBE = "import sys, pip; print('%d.%d' % sys.version_info[:2])"


def python(folder: Path) -> Path:
    """Return the interpreter of an environment."""
    return folder / "bin" / "python"


def ready(folder: Path) -> bool:
    """Make the environment where it is missing or broken; False where that cannot be done."""
    if not folder.exists():
        return make(folder)
    if not (fault := broken(folder)):
        return True
    if not (folder / "pyvenv.cfg").exists():
        print(f"{folder} is no virtual environment ({fault}): move it away, then try again.")
        return False
    print(f"{folder.name} is broken ({fault}): it is made anew.", flush=True)
    shutil.rmtree(folder)
    return make(folder)


def broken(folder: Path) -> str:
    """Say what is wrong with an environment; an empty text when it works."""
    if (folder / UNFINISHED).exists():
        return "its making was interrupted"
    if not python(folder).exists():
        return "its Python is gone"
    try:
        done = subprocess.run(
            [str(python(folder)), "-c", PROBE], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"its Python does not run: {error}"
    if done.returncode:
        return "its pip does not work"
    return ""


def make(folder: Path) -> bool:
    """Make the environment; the mark inside goes when it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / UNFINISHED).touch()
    command = [sys.executable, "-m", "venv", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(folder)
        print("Python has no venv: install it first (Debian: apt install python3-venv).")
        print((done.stdout + done.stderr).strip()[-500:])
        return False
    (folder / UNFINISHED).unlink()
    return True
