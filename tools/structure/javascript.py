"""The page's functions that are too long, as the linter of the page finds them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

LINTER = Path("node_modules") / ".bin" / "biome"
RULE = "complexity/noExcessiveLinesPerFunction"


def long_functions(root: Path) -> list[str] | None:
    """List the functions over the bound of the linter's configuration; None without the linter."""
    if not (root / LINTER).exists():
        return None
    command = [str(LINTER), "lint", f"--only={RULE}", "--reporter=json", "static"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout[done.stdout.index("{") :])
    return [str(each["location"]["path"]) for each in report["diagnostics"]]
