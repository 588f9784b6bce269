"""`python3 -m tools.install [BLOCK …]`: brings .venv to what both lists of requirements say.

The core is always installed. Other blocks come by themselves where they are of use: those that
files in models/ need, and `torch` with an NVIDIA driver. LIGHT=1 keeps `torch` out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools.install import driver, pins, virtualenv  # noqa: E402 -- run by a path, too
from tools.install.pip import Pip  # noqa: E402

OLDEST, NEWEST = (3, 11), (3, 12)
TORCH = "torch"


def main(blocks: list[str]) -> int:
    """Install the core and these blocks; the exit status is 1 where something is missing."""
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        age = "old" if version < OLDEST else "new"
        print(f"Python {version[0]}.{version[1]} is too {age}: make PYTHON=python3.12 or 3.11.")
        return 1
    known = pins.read(ROOT)
    if unknown := [name for name in blocks if name not in known]:
        print(f"There is no block {', '.join(unknown)}; there are: {', '.join(known)}.")
        return 1
    folder = ROOT / ".venv"
    if not virtualenv.ready(folder):
        return 1
    wanted = list(dict.fromkeys(["core", *blocks]))
    light = bool(os.environ.get("LIGHT"))
    if light and TORCH in wanted:
        wanted.remove(TORCH)
    if not install(folder, known, wanted):
        return 1
    more = {name: reason for name, reason in useful(folder).items() if name not in wanted}
    if light and (reason := more.pop(TORCH, "")):
        print(f"{reason}, but LIGHT=1 leaves it out.")
    for reason in more.values():
        print(f"{reason}, so it is installed too.")
    return 0 if install(folder, known, list(more)) else 1


def install(folder: Path, known: dict[str, pins.Block], wanted: list[str]) -> bool:
    """Install the blocks whose pins have changed since they were last installed."""
    stamps = pins.Stamps(folder / "installed")
    changed = [name for name in wanted if not stamps.has(name, known[name].all)]
    if not changed:
        return True
    found = [pin for name in changed for pin in known[name].pins]
    no_deps = [pin for name in changed for pin in known[name].no_deps]
    if not Pip(folder).install(found, changed, no_deps):
        return False
    for name in changed:
        stamps.add(name, known[name].all)
    return True


def useful(folder: Path) -> dict[str, str]:
    """Map the blocks that are of use on this machine to the reason for each."""
    command = [str(virtualenv.python(folder)), "-m", "tools.install.brought"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    needed: dict[str, list[str]] = json.loads(done.stdout or "{}")
    found = {
        block: f"Files in models/ for {', '.join(engines)} need the block {block}"
        for block, engines in needed.items()
    }
    if driver.found():
        found[TORCH] = f"There is an NVIDIA driver, which is used through the block {TORCH}"
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
