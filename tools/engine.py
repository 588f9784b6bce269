"""`python3 -m tools.engine NAME`: makes engines/NAME/.venv from engines/NAME/requirements.txt.

The list's first lines tell in a comment what is fetched and what it takes; that is printed first.
The server's own environment is left alone.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.install import pins, virtualenv  # noqa: E402 -- run by a path, too
from tools.install.pip import Pip  # noqa: E402

MEGABYTE = 1_000_000
TAKES = re.compile(r"takes ([\d,]+) MB")


def main(arguments: list[str], folder: Path = ROOT / "engines") -> int:
    """Make one environment; the exit status is 1 where that was not possible."""
    there = sorted(path.parent.name for path in folder.glob("*/requirements.txt"))
    if len(arguments) != 1 or arguments[0] not in there:
        print(f"Name one engine; there are: {', '.join(there) or 'none'}.")
        return 1
    (name,) = arguments
    text = (folder / name / "requirements.txt").read_text(encoding="utf-8")
    free = shutil.disk_usage(folder).free // MEGABYTE
    for line in head(text):
        print(line)
    print(f"Free on this disk: {free:,} MB.", flush=True)
    if (needed := megabytes(text)) > free:
        print(f"That is too little: about {needed:,} MB are needed.")
        return 1
    return 0 if install(name, text, folder / name / ".venv") else 1


def install(name: str, text: str, venv: Path) -> bool:
    """Install the pins of a list, unless they are installed already."""
    if not virtualenv.ready(venv):
        return False
    wanted = [pin for line in text.splitlines() if (pin := line.partition("#")[0].strip())]
    stamps = pins.Stamps(venv / "installed")
    if stamps.has(name, wanted):
        print(f"{venv} is as it should be.")
        return True
    if not Pip(venv).install(wanted, [name]):
        return False
    stamps.add(name, wanted)
    return True


def head(text: str) -> list[str]:
    """Return the comment with which a list begins."""
    lines = text.splitlines()
    end = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return [line.lstrip("# ") for line in lines[:end]]


def megabytes(text: str) -> int:
    """Read how much an environment takes: "takes 7,100 MB" in the head of its list; 0: unknown."""
    found = TAKES.search(" ".join(head(text)))
    return int(found[1].replace(",", "")) if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
