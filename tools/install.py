"""An installer: makes `.venv` if it is missing, and installs changed blocks of the requirements."""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 12)
VENV = Path(".venv")
STAMPS = VENV / "installed"
PINS = Path("requirements.txt")


def main(wanted: list[str]) -> int:
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        age = "old" if version < OLDEST else "new"
        print(f"Python {version[0]}.{version[1]} is too {age}: make PYTHON=python3.12 or 3.11.")
        return 1
    if not (VENV / "bin" / "pip").exists() and not make_venv():
        print("Python has no venv: install it first (Debian: apt install python3-venv).")
        return 1
    STAMPS.mkdir(exist_ok=True)
    known = blocks(PINS.read_text(encoding="utf-8"))
    if unknown := [name for name in wanted if name not in known]:
        print(f"There is no block {', '.join(unknown)} in {PINS}; there are: {', '.join(known)}.")
        return 1
    changed = [name for name in wanted if not stamp(name, known[name]).exists()]
    if changed and not install([line for name in changed for line in known[name]]):
        return 1
    for name in changed:
        stamp(name, known[name]).touch()
    return 0


def blocks(text: str) -> dict[str, list[str]]:
    """Read the pinned packages of each block of `requirements.txt`."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("#: "):
            name = line[3:].strip()
            found[name] = []
        elif pin := line.partition("#")[0].strip():
            found[name].append(pin)
    return found


def make_venv() -> bool:
    command = [sys.executable, "-m", "venv", str(VENV)]
    return subprocess.run(command, capture_output=True).returncode == 0


def stamp(name: str, pins: list[str]) -> Path:
    """Return the path of the file that marks these pins as installed."""
    digest = hashlib.sha256("\n".join(pins).encode()).hexdigest()[:16]
    return STAMPS / f"{name}-{digest}"


def install(pins: list[str]) -> bool:
    print(f"Installing {len(pins)} packages into {VENV} …", flush=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(pins))
        file.flush()
        pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        command = [*pip, "install", "--quiet", "--requirement", file.name]
        return subprocess.run(command).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
